# SPDX-License-Identifier: Apache-2.0
"""Client and provider speak different dialects: what the gateway decides around the translation itself."""
import contextlib
import json

from harness import (PROVIDER_KEY, Gateway, chat_answer, config, event, http, is_error, same, sse)
from provider import Close, Provider
from proxying import MESSAGE, MESSAGE_EVENTS, RESPONSE

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {"model": "m", "max_tokens": 4000, "messages": [{"role": "user", "content": "hi"}]}


@contextlib.contextmanager
def through(answer, dialect="anthropic", provider=None, base="", deployments=None, **over):
    with Provider(answer if callable(answer) else lambda r: answer) as p:
        settings = {"base_url": p.url + base, "api_key": PROVIDER_KEY}
        if not provider:
            settings["dialect"] = dialect
        name = provider or "up"
        models = [{"name": "m", "deployments": deployments or [{"provider": name, "model": "real-m"}]}]
        with Gateway(config(None, providers={name: settings}, models=models, **over)) as gw:
            yield gw, p
            same(p.faults, [], "unclean bytes upstream")


def post(gw, path, body, **kw):
    return gw.post(path, json.dumps(body).encode(), **kw)


def what_has_no_word_is_listed():
    with through(http(json.dumps(MESSAGE).encode())) as (gw, p):
        r = post(gw, "/v1/chat/completions", {**CHAT, "seed": 7, "logit_bias": {"1": 2}, "x_new": {"a": 1}})
        same((r.status, sorted(r.get("x-sluice-dropped").split(","))), (200, ["logit_bias", "seed", "x_new"]))
        sent = json.loads(p.requests[0].body)
        assert not {"seed", "logit_bias", "x_new"} & set(sent), sent
        r = post(gw, "/v1/chat/completions", CHAT)
        same(r.get("x-sluice-dropped"), None)


def strict_refuses_what_has_no_word_and_sends_nothing():
    with through(http(json.dumps(MESSAGE).encode()), translation={"strict": True}) as (gw, p):
        r = post(gw, "/v1/chat/completions", {**CHAT, "seed": 7})
        is_error(r, 400, "unsupported_parameter")
        assert b"seed" in r.body, r.body
        same(len(p.requests), 0)
        same(post(gw, "/v1/chat/completions", CHAT).status, 200)


def only_fields_that_mean_the_same_to_everybody_go_along():
    fields = ["openai-organization: org-1", "x-api-version: 3", "traceparent: 00-1-1-01", "openai-beta: x"]
    with through(http(json.dumps(MESSAGE).encode())) as (gw, p):
        post(gw, "/v1/chat/completions", CHAT, headers=fields)
        names = {n for n, _ in p.requests[0].headers}
        assert b"traceparent" in names and not {b"openai-organization", b"x-api-version", b"openai-beta"} & names, names
        same(dict(p.requests[0].headers)[b"anthropic-version"], b"2023-06-01")


def thinking_goes_to_openai_by_responses_and_the_rest_by_chat():
    def answer(r):
        return http(json.dumps(RESPONSE if r.target.endswith("/responses") else chat_answer("hello")).encode())
    with through(answer, provider="openai", base="/v1") as (gw, p):
        cases = [({}, "/v1/chat/completions"),
                 ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "/v1/responses"),
                 ({"thinking": {"type": "enabled", "budget_tokens": 2000}, "stop_sequences": ["x"]}, "/v1/chat/completions")]
        for more, want in cases:
            r = post(gw, "/v1/messages", {**MESSAGES, **more})
            same((r.status, p.requests[-1].target), (200, want))
            same(json.loads(r.body)["content"][-1]["text"], "hello")


def a_stream_that_is_cut_ends_in_the_clients_error_event():
    for n in range(3, len(MESSAGE_EVENTS)):
        with through(lambda r: [sse(*MESSAGE_EVENTS[:n], end=False), Close]) as (gw, p):
            r = post(gw, "/v1/chat/completions", {**CHAT, "stream": True})
            assert b"[DONE]" not in r.body and b'"error"' in r.body, (n, r.body)
            assert b'"finish_reason":"stop"' not in r.body or n > 6, (n, r.body)


def an_error_before_the_first_event_is_an_error_not_a_stream():
    error = event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error")
    for first in ([], MESSAGE_EVENTS[:1]):
        with through(lambda r: [sse(*first, error)], routing={"retries": {"attempts": 0}}) as (gw, p):
            r = post(gw, "/v1/chat/completions", {**CHAT, "stream": True})
            assert r.status >= 500, (r.status, r.body)
            assert b"verloaded" in r.body, r.body


def another_deployment_is_asked_after_an_error_in_the_first_event():
    error = event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "error")
    answers = iter([sse(error), sse(*MESSAGE_EVENTS)])
    with through(lambda r: next(answers)) as (gw, p):
        r = post(gw, "/v1/chat/completions", {**CHAT, "stream": True})
        same((r.status, r.get("x-sluice-attempts")), (200, "2"))
        assert r.body.endswith(b"data: [DONE]\n\n"), r.body


def providers_errors_come_in_the_clients_words():
    cases = [(429, "rate_limit_error", 429, "rate_limit_exceeded"), (529, "overloaded_error", 503, None),
             (401, "authentication_error", 502, None), (400, "invalid_request_error", 400, "invalid_request_error"),
             (404, "not_found_error", 404, None)]
    for status, kind, want, code in cases:
        body = json.dumps({"type": "error", "error": {"type": kind, "message": "because of it"}}).encode()
        with through(http(body, status=f"{status} X"), routing={"retries": {"attempts": 0}}) as (gw, p):
            r = post(gw, "/v1/chat/completions", CHAT)
            error = json.loads(r.body)["error"]
            assert r.status in (want, 502, 503), (status, r.status, r.body)
            if code:
                same((r.status, error["code"]), (want, code), r.body)
            assert "type" in error and PROVIDER_KEY.encode() not in r.body


def images_by_address_are_fetched_for_providers_that_take_bytes():
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 50
    served = {"/a.png": http(png, content_type="image/png"), "/text": http(b"hello", content_type="text/html"),
              "/gone": http(b"", status="404 Not Found"), "/big": http(b"x" * 5000, content_type="image/png")}

    def serve(r):
        if r.target.startswith("/moved"):       # /moved3 leads over /moved2 and /moved1 to the picture
            n = int(r.target[6:])
            to = f"/moved{n - 1}" if n > 1 else "/a.png"
            return http(b"", status="302 Found", headers=[f"Location: {web.url}{to}"])
        return served[r.target]
    answer = {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn",
              "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}
    with Provider(serve) as web:
        def ask(gw, url):
            return post(gw, "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": [
                {"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": url}}]}]})
        over = {"translation": {"fetch_private": True, "fetch_max": "4KiB"}}
        with through(http(json.dumps(answer).encode()), dialect="bedrock", **over) as (gw, p):
            r = ask(gw, web.url + "/a.png")
            same(r.status, 200, r.body)
            assert b"iVBORw0KGg" in p.requests[0].body, p.requests[0].body
            for path in ("/text", "/gone", "/big"):
                r = ask(gw, web.url + path)
                is_error(r, 400, "invalid_request_error")
                assert path.encode() in r.body, r.body
            same(len(p.requests), 1)
            same(ask(gw, web.url + "/moved3").status, 200)
            is_error(ask(gw, web.url + "/moved4"), 400, "invalid_request_error")
            same([n for n, _ in web.requests[0].headers if n in (b"authorization", b"x-api-key", b"cookie")], [])
        with through(http(json.dumps(answer).encode()), dialect="bedrock") as (gw, p):
            seen = len(web.requests)
            r = ask(gw, web.url + "/a.png")
            is_error(r, 400, "invalid_request_error")
            same((len(p.requests), len(web.requests)), (0, seen), "nothing is fetched from a private address")
            # a configuration that is refused opens nothing either
            bad = {**gw.settings["providers"], "bad": {"dialect": "openai-chat", "base_url": "https://x.test/v1",
                                                       "api_key": "k", "tls": {"ca": "/nowhere.pem"}}}
            gw.settings = {**gw.settings, "translation": {"fetch_private": True}, "providers": bad}
            gw._write()
            assert gw.admin("POST", "/admin/v1/config/reload", b"{}").status >= 400
            r = ask(gw, web.url + "/a.png")
            is_error(r, 400, "invalid_request_error")
            assert b"public Internet" in r.body, r.body
            same(len(web.requests), seen)


def foreign_tokens_never_reach_a_provider_of_the_clients_own_dialect():
    """The conversation began at a Gemini provider and goes on at Anthropic's: the thought's token is Gemini's."""
    gemini = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hmm", "thought": True},
              {"text": "hello", "thoughtSignature": "Z2VtaW5pLXRva2Vu"}]}, "finishReason": "STOP", "index": 0}],
              "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}}
    with Provider(lambda r: http(json.dumps(gemini).encode())) as g, Provider(lambda r: http(json.dumps(MESSAGE).encode())) as a:
        providers = {"g": {"dialect": "gemini", "base_url": g.url, "api_key": PROVIDER_KEY},
                     "a": {"dialect": "anthropic", "base_url": a.url, "api_key": PROVIDER_KEY}}
        models = [{"name": n, "deployments": [{"provider": p, "model": "real"}]} for n, p in (("one", "g"), ("two", "a"))]
        with Gateway(config(None, providers=providers, models=models)) as gw:
            first = json.loads(post(gw, "/v1/messages", {**MESSAGES, "model": "one"}).body)
            assert b"sluice01" in json.dumps(first).encode(), first
            again = {**MESSAGES, "messages": [*MESSAGES["messages"], {"role": "assistant", "content": first["content"]},
                                              {"role": "user", "content": "go on"}]}
            r = post(gw, "/v1/messages", {**again, "model": "two"})
            same(r.status, 200, r.body)
            assert b"sluice01" not in a.requests[0].body and b"Z2VtaW5p" not in a.requests[0].body, a.requests[0].body
            assert b"hello" in a.requests[0].body
            r = post(gw, "/v1/messages", {**again, "model": "one"})
            same(r.status, 200, r.body)
            assert b"Z2VtaW5pLXRva2Vu" in g.requests[-1].body, "its own token comes back to its maker"


def silent_streams_get_a_sign_of_life():
    import time
    events = [*MESSAGE_EVENTS[:4]]

    def answer(r):
        yield sse(*events, end=False)
        time.sleep(1.2)
        yield b"".join(MESSAGE_EVENTS[4:])
    with through(answer, server={"stream_ping": "300ms"}) as (gw, p):
        r = post(gw, "/v1/messages", {**MESSAGES, "stream": True})
        assert r.body.count(b"event: ping") >= 3, r.body


def cases():
    skip = ("through", "post", "cases")
    for name, f in list(globals().items()):
        if callable(f) and getattr(f, "__module__", "") == __name__ and name not in skip:
            yield name.replace("_", " "), f
