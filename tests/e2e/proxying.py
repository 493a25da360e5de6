# SPDX-License-Identifier: Apache-2.0
"""Client and provider speak the same dialect: the bytes pass, and only what the gateway owns is edited in place: the
model's name, the credential, the question for usage."""
import contextlib
import json

from harness import (CLIENT_KEY, DONE, PROVIDER_KEY, SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chat_stream,
    chunk, config,
                     event, events_of, http, is_error, no_secret, same, short, sse)
from provider import Close, Provider

ODD = rb'''"x":{"b":1,"a":[1.0,1e2,-0,12345678901234567890,0.1000,1E-7]},"u":"h\u00e9\/\u2028\ud83d\ude00 "'''


class Dialect:
    def __init__(self, provider_dialect, path, upstream, body, answer, events=None, model_in_path=False,
            credential="authorization",
                 base="/v1"):
        self.provider_dialect, self.path, self.upstream, self.body, self.answer = provider_dialect, path, upstream, body, answer
        self.events, self.model_in_path, self.credential, self.base = events, model_in_path, credential, base

    def config(self, provider, **over):
        return config(None, providers={"up": {"dialect": self.provider_dialect, "base_url": provider.url + self.base,
            "api_key": PROVIDER_KEY}},
                      models=[{"name": "m", "deployments": [{"provider": "up", "model": "real-m",
                          "price": {"input": 2, "output": 10}}]}], **over)


USAGE_OA = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": "completed", "model": "real-m",
    "error": None,
            "output": [{"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
                        "content": [{"type": "output_text", "text": "hello", "annotations": []}]}],
            "usage": {"input_tokens": 11, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 7,
                      "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 18}}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "real-m",
    "content": [{"type": "text", "text": "hello"}],
           "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 11, "output_tokens": 7}}
GENERATED = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP",
    "index": 0}],
             "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
                 "modelVersion": "real-m"}

MESSAGE_EVENTS = [event(e, e["type"]) for e in (
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None,
        "usage": {"input_tokens": 11, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}, {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hel"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 7}},
    {"type": "message_stop"})]
RESPONSE_EVENTS = [event(e, e["type"]) for e in (
    {"type": "response.created", "sequence_number": 0, "response": {**RESPONSE, "status": "in_progress", "output": [],
        "usage": None}},
    {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "msg_1", "output_index": 0,
        "content_index": 0, "delta": "hello"},
    {"type": "response.completed", "sequence_number": 2, "response": RESPONSE})]
GENERATED_EVENTS = [event({**GENERATED, "candidates": [{"content": {"role": "model", "parts": [{"text": t}]},
    "index": 0, **({"finishReason": "STOP"} if t == "lo" else {})}]})
                    for t in ("hel", "lo")]

DIALECTS = {
    "chat": Dialect("openai-chat", "/v1/chat/completions", "/v1/chat/completions",
                    b'{ "messages":[{"role":"user","content":"hi"}],\n\t' + ODD + b',"model" : "m" }',
                        chat_answer("hello"), [event(e) for e in chat_stream("hel", "lo")]),
    "completions": Dialect("openai-chat", "/v1/completions", "/v1/completions",
        b'{"model":"m","prompt":"hi",' + ODD + b'}',
                           {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "real-m",
                               "choices": [{"text": "hello", "index": 0, "logprobs": None, "finish_reason": "stop"}],
                               "usage": USAGE_OA},
                           [event({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "real-m",
                               "choices": [{"text": t, "index": 0, "finish_reason": None}]}) for t in ("hel", "lo")]
                           + [event({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "real-m",
                               "choices": [], "usage": USAGE_OA}), DONE]),
    "embeddings": Dialect("openai-chat", "/v1/embeddings", "/v1/embeddings", b'{"input":"hi","model":"m",' + ODD + b'}',
                          {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.25]}],
                              "model": "real-m", "usage": {"prompt_tokens": 11, "total_tokens": 11}}),
    "responses": Dialect("openai-responses", "/v1/responses", "/v1/responses",
        b'{"model":"m","input":"hi",' + ODD + b'}', RESPONSE, RESPONSE_EVENTS),
    "messages": Dialect("anthropic", "/v1/messages", "/v1/messages",
        b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],' + ODD + b'}', MESSAGE,
        MESSAGE_EVENTS,
                        credential="x-api-key", base=""),
    "count_tokens": Dialect("anthropic", "/v1/messages/count_tokens", "/v1/messages/count_tokens",
        b'{"model":"m","messages":[{"role":"user","content":"hi"}],' + ODD + b'}', {"input_tokens": 11},
                            credential="x-api-key", base=""),
    "gemini": Dialect("gemini", "/v1beta/models/m:generateContent", "/v1beta/models/real-m:generateContent",
        b'{"contents":[{"parts":[{"text":"hi"}]}],' + ODD + b'}', GENERATED,
                      model_in_path=True, credential="x-goog-api-key", base=""),
    "gemini stream": Dialect("gemini", "/v1beta/models/m:streamGenerateContent?alt=sse",
        "/v1beta/models/real-m:streamGenerateContent?alt=sse", b'{"contents":[{"parts":[{"text":"hi"}]}],' + ODD + b'}',
        None,
                             GENERATED_EVENTS, model_in_path=True, credential="x-goog-api-key", base=""),
    "gemini count": Dialect("gemini", "/v1beta/models/m:countTokens", "/v1beta/models/real-m:countTokens",
        b'{"contents":[{"parts":[{"text":"hi"}]}],' + ODD + b'}', {"totalTokens": 11},
                            model_in_path=True, credential="x-goog-api-key", base=""),
    "converse": Dialect("bedrock", "/model/m/converse", "/model/real-m/converse",
        b'{"messages":[{"role":"user","content":[{"text":"hi"}]}],' + ODD + b'}',
        {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn",
         "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}, "metrics": {"latencyMs": 5}},
                        model_in_path=True, base=""),
    "converse count": Dialect("bedrock", "/model/m/count-tokens", "/model/real-m/count-tokens",
        b'{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"hi"}]}]}},' + ODD + b'}',
        {"inputTokens": 11}, model_in_path=True, base=""),
}


@contextlib.contextmanager
def through(d, answer, **over):
    with Provider(answer if callable(answer) else lambda r: answer) as provider, Gateway(d.config(provider,
            **over)) as gw:
        yield gw, provider
        same(provider.faults, [], "unclean bytes upstream")


def credential_fields(name, value):
    return [f"Authorization: Bearer {value}"] if name == "authorization" else [f"{name}: {value}"]


def each(names=DIALECTS):
    """A test for each of the dialects."""
    def decorate(f):
        _EACH.append((f.__name__.removeprefix("_").replace("_", " "), f, names))
        return f
    return decorate


_EACH = []


def cases():
    for name, f, names in _EACH:
        for n in names:
            yield f"{name}: {n}", (lambda f=f, n=n: f(DIALECTS[n]))


# Odd on purpose: what the provider writes must come to the client as it is.
def odd_answer(d):
    return json.dumps(d.answer)[:-1].encode() + b' , ' + ODD + b'}\n'


@each([n for n, d in DIALECTS.items() if d.answer])
def _a_request_and_its_answer_pass_byte_for_byte(d):
    answer = odd_answer(d)
    with through(d, http(answer)) as (gw, provider):
        r = gw.post(d.path, d.body, key=None, headers=credential_fields(d.credential, CLIENT_KEY))
        same(r.status, 200, short(r.body))
        same(r.body, answer, "the answer")
        assert r.get("content-type").startswith("application/json")
        no_secret(r)
        q, = provider.requests
        same((q.method, q.target), ("POST", d.upstream))
        same(q.body, d.body if d.model_in_path else d.body.replace(b'"m"', b'"real-m"'), "the body upstream")
        same(q.get("content-length"), str(len(q.body)))
        same(q.get("content-type"), "application/json")
        same(q.headers.all(d.credential),
            [(b"Bearer " if d.credential == "authorization" else b"") + PROVIDER_KEY.encode()],
            "the credential upstream")
        assert CLIENT_KEY.encode() not in q.head + q.body, "the client's credential went upstream"


@each([n for n, d in DIALECTS.items() if d.answer])
def _every_way_to_give_the_credential_is_taken_and_none_goes_upstream(d):
    with through(d, http(d.answer)) as (gw, provider):
        for fields in (credential_fields(n, CLIENT_KEY) for n in ("authorization", "x-api-key", "x-goog-api-key",
                "api-key")):
            r = gw.post(d.path, d.body, key=None, headers=fields)
            same(r.status, 200, f"{fields}: {short(r.body)}")
        r = gw.post(d.path, d.body, key=None, headers=[f"authorization: bearer {CLIENT_KEY}"])
        same(r.status, 200, "bearer in small letters (RFC 9110 11.1)")
        for q in provider.requests:
            assert CLIENT_KEY.encode() not in q.head + q.body
            same(sum(q.headers.has(n) for n in ("authorization", "x-api-key", "x-goog-api-key", "api-key")), 1,
                "credentials upstream")


@each([n for n, d in DIALECTS.items() if d.events])
def _a_stream_passes_byte_for_byte(d):
    stream = b"".join(d.events)
    body = d.body if "stream" in d.path else d.body.rstrip(b"} ") + b',"stream":true}'
    if d is DIALECTS["chat"]:
        body = body[:-1] + b',"stream_options":{"include_usage":true}}'
    if d is DIALECTS["completions"]:
        body = body[:-1] + b',"stream_options":{"include_usage":true}}'
    for answer in (sse(*d.events), SSE_HEAD + chunk(stream) + b"0\r\n\r\n",
                   SSE_HEAD + b"".join(chunk(stream[i:i + 3]) for i in range(0, len(stream), 3)) + b"0\r\n\r\n"):
        with through(d, answer) as (gw, provider):
            r = gw.post(d.path, body)
            same(r.status, 200, short(r.body))
            assert r.get("content-type").startswith("text/event-stream"), r.head
            same(r.body, stream, "the stream")
            q, = provider.requests
            same(q.target, d.upstream)
            same(q.body, body if d.model_in_path else body.replace(b'"m"', b'"real-m"'), "the body upstream")


@each([n for n, d in DIALECTS.items() if d.events])
def _a_stream_that_breaks_ends_in_an_error_of_the_dialect(d):
    body = d.body if "stream" in d.path else d.body.rstrip(b"} ") + b',"stream":true}'
    # what means something: behind the announcement, where there is one
    n = {"anthropic": 4, "openai-responses": 2}.get(d.provider_dialect, 1)
    first = b"".join(d.events[:n])
    with through(d, [SSE_HEAD + b"".join(chunk(e) for e in d.events[:n]), Close], routing={"retries": {"attempts": 0}}) as (gw, provider):
        r = gw.post(d.path, body)
        same(r.status, 200)
        assert r.body.startswith(first), short(r.body)
        last = events_of(r.body)[-1]
        if d.provider_dialect == "anthropic":
            same(last["type"], "error")
            assert b"event: error\n" in r.body and last["error"]["message"], short(r.body)
            assert b"message_stop" not in r.body
        elif d.provider_dialect == "openai-responses":
            assert last["type"] in ("error", "response.failed"), short(r.body)
            assert b"response.completed" not in r.body
        else:
            assert last["error"]["message"], short(r.body)
            assert b"[DONE]" not in r.body


@each([n for n, d in DIALECTS.items() if d.answer])
def _errors_are_in_the_dialect_of_the_client(d):
    def check(r, status):
        same(r.status, status, short(r.body))
        no_secret(r)
        e = r.json()
        if d.provider_dialect == "anthropic":
            same(e["type"], "error")
            same(e["error"]["type"], {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
                405: "invalid_request_error",
                                      413: "request_too_large", 502: "api_error"}[status])
            assert e["error"]["message"]
        elif d.provider_dialect == "gemini":
            same(e["error"]["code"], status)
            same(e["error"]["status"], {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND",
                502: "UNAVAILABLE"}[status])
            assert e["error"]["message"]
        elif d.provider_dialect == "bedrock":
            assert e["message"], e
            same(r.get("x-amzn-errortype"), {400: "ValidationException", 401: "UnrecognizedClientException",
                404: "ResourceNotFoundException", 502: "ModelErrorException"}[status])
        else:
            assert e["error"]["message"] and "type" in e["error"] and "param" in e["error"] and e["error"]["code"], e

    with through(d, [Close], routing={"retries": {"attempts": 0}}) as (gw, provider):
        check(gw.post(d.path, d.body, key="sk-nobody"), 401)
        check(gw.post(d.path, b"{", ), 400)
        check(gw.post(d.path.replace("models/m:", "models/none:").replace("model/m/", "model/none/"), d.body.replace(b'"m"', b'"none"')), 404)
        check(gw.post(d.path, d.body), 502)


@each([n for n, d in DIALECTS.items() if d.answer])
def _bodies_that_are_no_request_are_400_and_go_nowhere(d):
    rest = d.body.strip().rstrip(b"}")
    bad = [b"", b" ", b"{", b"}", b"null", b"[]", b'"x"', b"42", b"{}x", b"{} {}", d.body + b"x", d.body[:-1],
        b"\xef\xbb\xbf" + d.body, d.body.replace(b'"u"', b"'u'"), d.body.replace(b"1.0", b"01"),
           d.body.replace(b"1.0", b"+1"), d.body.replace(b"1.0", b".5"), d.body.replace(b"1.0", b"NaN"),
               d.body.replace(b"1.0", b"0x1"), d.body.replace(b'"hi"', b'"\xff"'),
               d.body.replace(b'"hi"', b'"\xc0\x80"'),
           d.body.replace(b'"hi"', b'"\xed\xa0\x80"'), d.body.replace(b'"hi"', b'"a\nb"'),
               d.body.replace(b'"hi"', b'"a\0b"'), d.body.replace(b'"hi"', b'"\\x"'),
               d.body.replace(b'"hi"', b'"\\u12g4"'),
           d.body + b"\0", rest + b",}", rest + b',"a"}', rest + b',"a":}', rest + b'"a":1}',
               d.body.decode().encode("utf-16"), b"[" * 100000, b'{"a":' * 100000,
               rest + b',"d":' + b"[" * 100000 + b"]" * 100000 + b"}",
           b'model=m', b"<xml/>"]
    if not d.model_in_path:
        bad += [d.body.replace(b'"m"', b"1"), d.body.replace(b'"m"', b"null"), d.body.replace(b'"m"', b'""'),
            d.body.replace(b'"m"', b'["m"]'), d.body.replace(b'"m"', b'{"m":1}'),
                rest + b',"model":"other"}', rest + b',"model":"m"}', rest + b',"mo\\u0064el":"other"}',
                    d.body.replace(b'"model"', b'"Model"')]
    if d.events and "stream" not in d.path:
        bad += [rest + b',"stream":"true"}', rest + b',"stream":1}', rest + b',"stream":true,"stream":false}']
    with through(d, http(d.answer)) as (gw, provider):
        wrong = []
        for body in bad:
            r = gw.post(d.path, body)
            no_secret(r)
            if r.status != 400:
                wrong.append(f"{r.status} for {short(body, 160)}")
        same(wrong, [], "bodies that were not refused")
        same(len(provider.requests), 0, "requests upstream")


@each([n for n, d in DIALECTS.items() if d.answer and not d.model_in_path])
def _the_models_name_may_be_written_with_escapes(d):
    with through(d, http(d.answer)) as (gw, provider):
        for name, key in ((b'"\\u006d"', b'"model"'), (b'"m"', b'"\\u006dodel"'), (b'"m"', b'"mod\\u0065l"')):
            body = d.body.replace(b'"m"', name).replace(b'"model"', key)
            same(gw.post(d.path, body).status, 200, f"{body!r}")
            same(json.loads(provider.requests[-1].body)["model"], "real-m", f"{body!r}")


def test_members_named_model_that_lie_deeper_are_left_alone():
    d = DIALECTS["chat"]
    body = b'{"metadata":{"model":"m"},"messages":[{"role":"user","content":"\\"model\\":\\"m\\"","model":"m"}],"model":"m","tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"model":{"const":"m"}}}}}]}'
    with through(d, http(d.answer)) as (gw, provider):
        same(gw.post(d.path, body).status, 200)
        want = body.replace(b'],"model":"m","tools"', b'],"model":"real-m","tools"')
        same(provider.requests[0].body, want)


# -- usage in streams ------------------------------------------------------------------------------------------------
def test_usage_is_asked_for_and_taken_out_again():
    for path, kind in (("/v1/chat/completions", "chat"), ("/v1/completions", "completions")):
        d = DIALECTS[kind]
        for extra, wanted in ((b"", {"include_usage": True}), (b',"stream_options":{}', {"include_usage": True}),
                              (b',"stream_options":{"include_usage":false}', {"include_usage": True}),
                                  (b',"stream_options":null', {"include_usage": True}),
                              (b',"stream_options":{"include_obfuscation":false}',
                                  {"include_obfuscation": False, "include_usage": True}),
                              (b',"stream_options":{"include_usage":false,"include_obfuscation":false}',
                                  {"include_obfuscation": False, "include_usage": True})):
            body = d.body.rstrip(b"} ") + b',"stream":true' + extra + b"}"
            with through(d, sse(*d.events)) as (gw, provider):
                r = gw.post(path, body)
                same(r.status, 200, short(r.body))
                sent = json.loads(provider.requests[0].body)
                same(sent.pop("stream_options"), wanted, f"stream_options upstream of {extra!r}")
                asked = json.loads(body)
                asked.pop("stream_options", None)
                same(sent, {**asked, "model": "real-m"}, "the rest of the body")
                same(r.body, b"".join(e for e in d.events if b'"choices":[]' not in e), f"the stream of {extra!r}")


def test_a_usage_chunk_with_content_is_not_taken_out():
    d = DIALECTS["chat"]
    events = [event(chat_chunk("a", usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})),
        event(chat_chunk(finish="stop")), DONE]
    with through(d, sse(*events)) as (gw, provider):
        r = gw.post(d.path, chat(stream=True))
        same(r.body, b"".join(events))


# -- models ----------------------------------------------------------------------------------------------------------
def test_an_unknown_model_is_404_and_the_nearest_names_are_told():
    d = DIALECTS["chat"]
    names = ["gpt-4o", "gpt-4o-mini", "claude-sonnet"]
    with Provider(lambda r: http(d.answer)) as provider:
        cfg = d.config(provider)
        cfg["models"] = [{"name": n, "deployments": [{"provider": "up", "model": n}]} for n in names]
        with Gateway(cfg) as gw:
            e = is_error(gw.post(d.path, chat(model="gpt-4p")), 404, "model_not_found")
            assert "gpt-4o" in e["message"] and "gpt-4p" in e["message"], e
            e = is_error(gw.post(d.path, chat(model="zzzzzzzzzzz")), 404, "model_not_found")
            for bad in ("GPT-4O", "gpt-4o ", " gpt-4o", "gpt-4o\u0000", "../gpt-4o", "up/", "/gpt-4o", "*", "gpt*"):
                is_error(gw.post(d.path, chat(model=bad)), {400, 404})
            same(len(provider.requests), 0)


def test_model_lists_have_the_shape_of_the_asking_dialect():
    d = DIALECTS["chat"]
    with through(d, http(d.answer)) as (gw, provider):
        r = gw.get("/v1/models")
        same(r.json()["object"], "list")
        row, = [x for x in r.json()["data"] if x["id"] == "m"]
        same(row["object"], "model")
        assert isinstance(row["created"], int) and isinstance(row["owned_by"], str), row
        same(gw.get("/v1/models/m").json()["id"], "m")
        is_error(gw.get("/v1/models/none"), 404)
        r = gw.get("/v1/models", headers=["anthropic-version: 2023-06-01"])
        row, = [x for x in r.json()["data"] if x["id"] == "m"]
        same(row["type"], "model")
        assert "display_name" in row and "has_more" in r.json() and "first_id" in r.json(), r.body
        r = gw.get("/v1beta/models", headers=[f"x-goog-api-key: {CLIENT_KEY}"], key=None)
        assert any(x["name"] == "models/m" for x in r.json()["models"]), r.body
        same(gw.get("/v1beta/models/m").json()["name"], "models/m")
        same(gw.request("HEAD", "/v1/models").status, 200)
        same(len(provider.requests), 0)


def test_patterns_and_provider_names_reach_models():
    d = DIALECTS["chat"]
    with Provider(lambda r: http(d.answer)) as provider:
        cfg = d.config(provider)
        cfg["models"] = [{"name": "fast/*", "deployments": [{"provider": "up", "model": "x-*-y"}]},
            {"name": "m", "deployments": [{"provider": "up", "model": "real-m"}]}]
        with Gateway(cfg) as gw:
            for asked, wanted in (("fast/one", "x-one-y"), ("up/anything-at-all", "anything-at-all"),
                    ("up/a/b:c", "a/b:c"), ("m", "real-m")):
                same(gw.post(d.path, chat(model=asked)).status, 200, asked)
                same(json.loads(provider.requests[-1].body)["model"], wanted)


def test_gemini_paths_carry_the_models_name_and_the_clients_key_does_not_pass_in_the_query():
    d = DIALECTS["gemini"]
    with through(d, http(d.answer)) as (gw, provider):
        r = gw.post(f"/v1beta/models/m:generateContent?key={CLIENT_KEY}", d.body, key=None)
        same(r.status, 200, short(r.body))
        assert CLIENT_KEY.encode() not in provider.requests[-1].head
        r = gw.post(f"/v1beta/models/m:generateContent?key={CLIENT_KEY}&a=b", d.body, key=None)
        same(r.status, 200)
        same(provider.requests[-1].target, "/v1beta/models/real-m:generateContent?a=b")  # the rest of the query passes
        for path in ("/v1beta/models/up%2Freal-m:generateContent", "/v1beta/models/up/real-m:generateContent"):
            r = gw.post(path, d.body)
            assert r.status in (200, 404), r.head
            if r.status == 200:
                same(provider.requests[-1].target, "/v1beta/models/real-m:generateContent")


def test_gemini_streams_without_alt_sse_are_json_arrays():
    d = DIALECTS["gemini stream"]
    parts = [json.dumps(e).encode() for e in events_of(b"".join(d.events))]
    body = b"[" + b",\r\n".join(parts) + b"]"
    for cut in (len(body), 1, 7):
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(chunk(body[i:i + cut]) for i in range(0, len(body), cut)) + b"0\r\n\r\n"
        with through(d, answer) as (gw, provider):
            r = gw.post("/v1beta/models/m:streamGenerateContent", d.body)
            same(r.status, 200)
            same(json.loads(r.body), json.loads(body))
            same(provider.requests[0].target, "/v1beta/models/real-m:streamGenerateContent")
    with through(d,
            [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"[" + parts[0]), Close]) as (gw, provider):
        r = gw.post("/v1beta/models/m:streamGenerateContent", d.body)
        with contextlib.suppress(ValueError):
            last = json.loads(r.body)[-1]
            assert "error" in last, f"a broken array ends as if it were whole: {r.body!r}"


# -- fields ----------------------------------------------------------------------------------------------------------
def test_fields_of_the_dialect_pass_and_the_gateways_own_do_not():
    d = DIALECTS["messages"]
    with through(d, http(d.answer, headers=["request-id: req_up", "anthropic-ratelimit-requests-remaining: 5"])) as (gw,
            provider):
        r = gw.post(d.path, d.body, key=None, headers=[f"x-api-key: {CLIENT_KEY}", "anthropic-version: 2023-06-01",
            "anthropic-beta: a-1,b-2", "User-Agent: sdk/1", "x-stainless-lang: js",
                                                       "x-sluice-user: u1", "x-sluice-tags: a,b",
                                                           "x-sluice-timeout: 5s", "x-sluice-request-id: mine-1"])
        same(r.status, 200)
        q, = provider.requests
        same(q.get("anthropic-version"), "2023-06-01")
        same(q.get("anthropic-beta"), "a-1,b-2")
        for name, _ in q.headers:
            assert not name.lower().startswith(b"x-sluice"), f"{name!r} went upstream"


def test_anthropic_version_is_added_when_the_client_does_not_say():
    d = DIALECTS["messages"]
    with through(d, http(d.answer)) as (gw, provider):
        same(gw.post(d.path, d.body).status, 200)
        assert provider.requests[0].get("anthropic-version")


def test_fields_of_the_configuration_go_upstream():
    d = DIALECTS["chat"]
    with Provider(lambda r: http(d.answer)) as provider:
        cfg = d.config(provider)
        cfg["providers"]["up"]["headers"] = {"x-team": "ml", "user-agent": "ours/1"}
        with Gateway(cfg) as gw:
            same(gw.post(d.path, d.body, headers=["X-Team: theirs", "User-Agent: theirs"]).status, 200)
            q, = provider.requests
            same((q.get("x-team"), q.get("user-agent")), ("ml", "ours/1"))


def test_answers_say_who_answered():
    d = DIALECTS["chat"]
    with through(d, http(d.answer)) as (gw, provider):
        r = gw.post(d.path, d.body)
        same({n: r.get(n) for n in ("x-sluice-provider", "x-sluice-model", "x-sluice-deployment", "x-sluice-attempts")},
             {"x-sluice-provider": "up", "x-sluice-model": "real-m", "x-sluice-deployment": "up/real-m",
                 "x-sluice-attempts": "1"})
        same(r.get("x-sluice-cost-usd"), "0.000092", "11 × 2 $ + 7 × 10 $ for a million tokens")
        assert int(r.get("x-sluice-overhead-us")) < 1_000_000
        a, b = r.get("x-request-id"), gw.post(d.path, d.body).get("x-request-id")
        assert a and b and a != b
        same(len(a.removeprefix("req_")), 26, f"{a} is a ULID")
        r = gw.post(d.path, chat(stream=True))
        assert r.get("x-request-id") and r.get("x-sluice-provider") == "up"


def test_every_path_also_stands_without_v1():
    for name in ("chat", "completions", "embeddings", "responses", "messages", "count_tokens"):
        d = DIALECTS[name]
        with through(d, http(d.answer)) as (gw, provider):
            r = gw.post(d.path.removeprefix("/v1"), d.body)
            same(r.status, 200, f"{name}: {short(r.body)}")
            same(provider.requests[0].target, d.upstream)


def test_a_base_url_may_have_a_path_of_its_own():
    d = DIALECTS["chat"]
    with Provider(lambda r: http(d.answer)) as provider:
        for base in ("/deep/er/v1", "/deep/er/v1/"):
            cfg = d.config(provider)
            cfg["providers"]["up"]["base_url"] = provider.url + base
            with Gateway(cfg) as gw:
                same(gw.post(d.path, d.body).status, 200)
                same(provider.requests[-1].target, "/deep/er/v1/chat/completions")


def test_x_sluice_timeout_and_bad_values_of_it():
    d = DIALECTS["chat"]
    from provider import Never
    with through(d, [Never], routing={"retries": {"attempts": 0}}) as (gw, provider):
        is_error(gw.post(d.path, d.body, headers=["x-sluice-timeout: 200ms"]), 504, "upstream_timeout")
        for bad in ("", "0", "x", "-1s", "5", "1e3s", "99999999999s"):
            is_error(gw.post(d.path, d.body, headers=[f"x-sluice-timeout: {bad}"]), {400, 504})


def test_concurrent_requests_get_their_own_answers():
    import threading
    from strict import echo
    with Provider(echo) as provider, Gateway(config(provider, workers=2)) as gw:
        wrong = []

        def work(n):
            from harness import request_bytes
            with gw.client(20) as c:
                for i in range(60):
                    mark = f"t{n}-{i}"
                    c.send(request_bytes("POST", "/v1/chat/completions", json.dumps(chat(mark)).encode()))
                    got = c.answer().json()["choices"][0]["message"]["content"]
                    if got != mark:
                        wrong.append((mark, got))

        threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        same(wrong, [])
        same(len(provider.requests), 16 * 60)
