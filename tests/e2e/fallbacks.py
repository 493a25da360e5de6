# SPDX-License-Identifier: Apache-2.0
"""Who is asked after a failure: the three lists of fallbacks for the errors of each provider's dialect, and what a dead
deployment among three, or nobody at all, costs the clients and the providers."""
import concurrent.futures
import json
import time

from harness import (DONE, PROVIDER_KEY, SSE_HEAD, Gateway, Stage, chat, chat_answer, chat_chunk, chat_stream, chunk, config, event,
                     events_of, http, is_error, same, short, sse)
from operations import until
from provider import Close, Never, Provider, Reset

PATH = "/v1/chat/completions"
LISTS = {"fallbacks": ["general"], "context_window_fallbacks": ["long"], "content_policy_fallbacks": ["lenient"]}
QUICK = {"attempts": 0, "base": "1ms", "max": "2ms"}
PATIENT = {"cooldown": {"failure_ratio": 1, "min_requests": 1000000, "on_429": False},
           "breaker": {"consecutive_failures": 1000000}}


def refuse(status, body, headers=()):
    return http(body, f"{status} No", headers=headers)


def openai(message, code=None, type="invalid_request_error", param=None):
    return {"error": {"message": message, "type": type, "param": param, "code": code}}


def claude(type, message):
    return {"type": "error", "error": {"type": type, "message": message}}


def google(code, status, message):
    return {"error": {"code": code, "message": message, "status": status}}


# What each kind of failure looks like in each dialect, as the providers word it: name → dialect, path of the base URL, and
# for each list the answers that lead there.
FAILURES = {
    "openai": ("openai-chat", "/v1", {
        "general": [refuse(503, openai("The engine is overloaded.", type="server_error")),
                    refuse(429, openai("Rate limit reached", "rate_limit_exceeded", "tokens")),
                    refuse(429, openai("You exceeded your current quota", "insufficient_quota", "insufficient_quota")),
                    refuse(401, openai("Incorrect API key provided: sk-x.", "invalid_api_key")),
                    refuse(404, openai("The model `x` does not exist.", "model_not_found"))],
        "long": [refuse(400, openai("This model's maximum context length is 8192 tokens.", "context_length_exceeded", param="messages"))],
        "lenient": [refuse(400, openai("Invalid prompt: flagged as potentially violating our usage policy.", "invalid_prompt")),
                    http({**chat_answer(), "choices": [{"index": 0, "message": {"role": "assistant", "content": None,
                          "refusal": None}, "logprobs": None, "finish_reason": "content_filter"}]})]}),
    "azure": ("openai-chat", "/v1", {
        "general": [refuse(404, {"error": {"type": "invalid_request_error", "code": "DeploymentNotFound", "message": "no"}})],
        "long": [refuse(413, {"error": {"code": "tokens_limit_reached", "message": "Max size: 8000 tokens."}})],
        "lenient": [refuse(400, {"error": {"code": "content_filter", "param": "prompt", "status": 400, "type": None,
            "message": "The prompt triggered Azure OpenAI's content management policy.",
            "innererror": {"code": "ResponsibleAIPolicyViolation"}}})]}),
    "responses": ("openai-responses", "/v1", {
        "general": [http({"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "failed", "output": [],
                          "error": {"code": "server_error", "message": "x"}})],
        "long": [refuse(400, openai("Your input exceeds the context window of this model.", "context_length_exceeded", param="input"))],
        "lenient": [refuse(400, openai("Invalid prompt: flagged.", "invalid_prompt"))]}),
    "anthropic": ("anthropic", "/v1", {
        "general": [refuse(529, claude("overloaded_error", "Overloaded")), refuse(429, claude("rate_limit_error", "Slow down")),
                    refuse(400, claude("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")),
                    refuse(404, claude("not_found_error", "model: claude-x"))],
        "long": [refuse(400, claude("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"))],
        "lenient": [refuse(400, claude("invalid_request_error", "Output blocked by content filtering policy")),
                    http({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                          "stop_reason": "refusal", "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 0}})]}),
    "gemini": ("gemini", "", {
        "general": [refuse(503, google(503, "UNAVAILABLE", "The model is overloaded.")),
                    refuse(429, google(429, "RESOURCE_EXHAUSTED", "Resource exhausted.")),
                    refuse(400, google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."))],
        "long": [refuse(400, google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."))],
        "lenient": [http({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9,
                          "totalTokenCount": 9}, "modelVersion": "m"}),
                    http({"candidates": [{"finishReason": "SAFETY", "index": 0}], "usageMetadata": {"promptTokenCount": 9}})]}),
    "bedrock": ("bedrock", "", {
        "general": [refuse(429, {"message": "Too many requests"}), refuse(403, {"message": "The security token included in the request is expired"}),
                    refuse(400, {"message": "The provided model identifier is invalid."})],
        "long": [refuse(400, {"message": "Input is too long for requested model."})],
        "lenient": [http({"output": {"message": {"role": "assistant", "content": [{"text": "Blocked by guardrail."}]}},
                          "stopReason": "guardrail_intervened", "usage": {"inputTokens": 9, "outputTokens": 0, "totalTokens": 9},
                          "metrics": {"latencyMs": 1}})]}),
    "cohere": ("cohere", "", {
        "general": [refuse(429, {"id": "1", "message": "You are using a trial key"}), refuse(500, {"id": "1", "message": "internal"})],
        "long": [refuse(400, {"id": "1", "message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"})],
        "lenient": [http({"id": "1", "finish_reason": "ERROR_TOXIC", "message": {"role": "assistant", "content": []},
                          "usage": {"tokens": {"input_tokens": 9, "output_tokens": 0}}})]}),
    "ollama": ("ollama", "", {
        "general": [refuse(404, {"error": "model 'x' not found"}), refuse(500, {"error": "llama runner process has terminated"})],
        "long": [refuse(400, {"error": "prompt too long; exceeded max context length by 9 tokens"})]}),
    "mistral": ("openai-chat", "/v1", {
        "general": [refuse(400, {"object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500"}),
                    refuse(401, {"detail": "Invalid API Key"})],
        "long": [refuse(400, {"object": "error", "message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
                              "type": "invalid_request_prompt", "code": "3051"})]}),
    "groq": ("openai-chat", "/v1", {
        "general": [refuse(413, openai("Request too large for model", "rate_limit_exceeded", "tokens")),
                    refuse(498, openai("capacity exceeded", None, "x"))]}),
    "deepseek": ("openai-chat", "/v1", {
        "general": [refuse(402, openai("Insufficient Balance", "invalid_request_error", "unknown_error"))],
        "long": [refuse(400, openai("This model's maximum context length is 65536 tokens."))],
        "lenient": [refuse(400, openai("Content Exists Risk"))]}),
    "xai": ("openai-chat", "/v1", {
        "general": [refuse(400, {"code": "invalid-argument", "error": "Model not found: grok-x"})],
        "long": [refuse(400, {"code": "invalid-argument", "error": "This model's maximum prompt length is 131072 but more was sent."})],
        "lenient": [refuse(403, {"code": "permission", "error": "Content violates usage guidelines."})]}),
    "openrouter": ("openai-chat", "/v1", {
        "general": [http({"error": {"message": "Provider returned error", "code": 502}}),
                    refuse(400, {"error": {"message": "openai/x is not a valid model ID", "code": 400}})],
        "long": [refuse(400, {"error": {"message": "This endpoint's maximum context length is 8192 tokens.", "code": 400}})],
        "lenient": [refuse(403, {"error": {"message": "x requires moderation. Your input was flagged.", "code": 403}})]}),
}


def models(provider, **lists):
    """`m` and `m0` to `m9` at the failing provider, and a model for each list that answers with its own name."""
    return [{"name": m, "deployments": [{"provider": provider, "model": m.replace("m", "x")}], **lists}
            for m in ("m", *(f"m{i}" for i in range(10)))] + [
        {"name": n, "deployments": [{"provider": "good", "model": n}]} for n in ("general", "long", "lenient")]


def good(request):
    """Says which model was asked for."""
    name = json.loads(request.body)["model"]
    return sse(*chat_stream(name)) if json.loads(request.body).get("stream") else http(chat_answer(name))


class Two(Stage):
    """One provider that fails, in some dialect, and one that answers."""

    def __init__(self, answer, dialect="openai-chat", base="/v1", routing=None, lists=None, **over):
        self.bad, self.good = Provider(answer if callable(answer) else lambda r: answer), Provider(good)
        self.gw = Gateway(config(None, providers={
            "bad": {"dialect": dialect, "base_url": self.bad.url + base, "api_key": PROVIDER_KEY,
                    "timeouts": {"first_byte": "400ms", "idle": "400ms"}},
            "good": {"dialect": "openai-chat", "base_url": self.good.url + "/v1", "api_key": PROVIDER_KEY}},
            models=models("bad", **(LISTS if lists is None else lists)),
            routing={"retries": QUICK, **PATIENT, **(routing or {})}, **over))


def ask_openai(gw, model="m", **more):
    r = gw.post(PATH, chat(model=model, **more), timeout=15)
    return r, (lambda: r.json()["choices"][0]["message"]["content"])


def ask_anthropic(gw, model="m", **more):
    r = gw.post("/v1/messages", {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **more}, timeout=15)
    return r, (lambda: r.json()["content"][0]["text"])


def to_the_right_list(name, kind, ask):
    dialect, base, failures = FAILURES[name]

    def run():
        now = [None]
        with Two(lambda r: now[0], dialect, base) as two:
            for i, answer in enumerate(failures[kind]):      # each of another model, as some put theirs on hold
                now[0] = answer
                r, text = ask(two.gw, f"m{i}")
                same(r.status, 200, f"{short(answer)}: {short(r.body)}")
                same((text(), r.get("x-sluice-attempts")), (kind, "2"), short(answer))
    return run


def cases():
    for name, (_, _, failures) in FAILURES.items():
        for kind in failures:
            for client, ask in (("openai", ask_openai), ("anthropic", ask_anthropic)):
                yield f"errors of {name} reach the list {kind} for a client of {client}", to_the_right_list(name, kind, ask)


def test_the_log_tells_the_class_of_each_failed_attempt():
    for kind, want in (("general", "transient"), ("long", "context_window"), ("lenient", "content_policy")):
        with Two(FAILURES["openai"][2][kind][0]) as two:
            same(ask_openai(two.gw)[0].status, 200)
            deadline, rows = time.monotonic() + 5, []
            while not rows and time.monotonic() < deadline:             # a log line may be a moment late
                rows = [l for l in two.gw.log_lines() if l.get("model") == "m"]
            same([a.get("class") for a in rows[0]["attempts"]], [want, None])


def test_a_list_without_an_entry_falls_through_to_the_general_one():
    for answers in (FAILURES["openai"][2]["long"], FAILURES["openai"][2]["lenient"][:1]):
        with Two(answers[0], lists={"fallbacks": ["general"]}) as two:
            r, text = ask_openai(two.gw)
            same((r.status, text()), (200, "general"))
        with Two(answers[0], lists={}, routing={"fallbacks": ["general", "m"]}) as two:
            r, text = ask_openai(two.gw)
            same((r.status, text()), (200, "general"))
        with Two(answers[0], lists={"context_window_fallbacks": ["to-come"], "content_policy_fallbacks": ["to-come"]},
                 routing={"fallbacks": ["general"]}) as two:     # names of models that are still to come
            r, text = ask_openai(two.gw)
            same((r.status, text()), (200, "general"))


def test_without_any_list_the_providers_own_words_go_to_the_client():
    for answer, code in ((FAILURES["openai"][2]["long"][0], "context_length_exceeded"), (FAILURES["openai"][2]["lenient"][0], "invalid_prompt")):
        with Two(answer, lists={}) as two:
            is_error(ask_openai(two.gw)[0], 400, code)
            same(len(two.bad.requests), 1)
    refused = FAILURES["openai"][2]["lenient"][1]
    with Two(refused, lists={"fallbacks": ["general"]}) as two:       # a refusal with a good status is an answer, then
        r, _ = ask_openai(two.gw)
        same((r.status, r.json()["choices"][0]["finish_reason"]), (200, "content_filter"))


def test_what_a_refusal_has_read_is_charged():
    refused = http({**chat_answer(usage=(1000, 0)), "choices": [{"index": 0, "finish_reason": "content_filter", "logprobs": None,
                    "message": {"role": "assistant", "content": None, "refusal": None}}]})
    with Two(refused) as two:
        two.gw.stop()
        settings = dict(two.gw.settings)
        for m in settings["models"]:
            m["deployments"][0]["price"] = {"input": 1000, "output": 1000} if m["name"][0] == "m" else {"input": 1, "output": 1}
        with Gateway(settings) as gw:
            r, text = ask_openai(gw)
            same((r.status, text(), r.get("x-sluice-cost-usd")), (200, "lenient", "1.000018"))


def test_a_refusal_that_was_preceded_by_words_is_an_answer():
    with Two(http({**chat_answer("Once"), "choices": [{"index": 0, "message": {"role": "assistant", "content": "Once"},
             "finish_reason": "content_filter"}]})) as two:
        r, text = ask_openai(two.gw)
        same((r.status, text()), (200, "Once"))


def test_a_stream_that_refuses_before_its_first_word_is_answered_by_another_model():
    role = chat_chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
    for steps in ([sse(role, chat_chunk(finish="content_filter"), DONE)],
                  [SSE_HEAD + chunk(event(role)), chunk(event(chat_chunk(finish="content_filter"))), chunk(DONE), b"0\r\n\r\n"]):
        with Two(steps) as two:
            r = two.gw.post(PATH, chat(stream=True), timeout=15)
            same((r.status, events_of(r.body)[0]["choices"][0]["delta"]["content"]), (200, "lenient"), short(r.body))
            assert b"content_filter" not in r.body, short(r.body)
    with Two([sse(role, chat_chunk("Once"), chat_chunk(finish="content_filter"), DONE)]) as two:
        r = two.gw.post(PATH, chat(stream=True), timeout=15)
        assert r.status == 200 and b"content_filter" in r.body and b"Once" in r.body, short(r.body)


def test_an_error_event_before_the_first_word_reaches_the_right_list():
    for error, want in ((openai("maximum context length", "context_length_exceeded"), "long"), (openai("flagged", "invalid_prompt"), "lenient"),
                        (openai("overloaded", None, "server_error"), "general")):
        with Two(sse(event(error))) as two:
            r = two.gw.post(PATH, chat(stream=True), timeout=15)
            same((r.status, events_of(r.body)[0]["choices"][0]["delta"]["content"]), (200, want), short(r.body))


def test_a_prompt_that_cannot_fit_is_never_sent_there():
    def sized(window, lists):
        out = models("bad", **lists)
        out[0]["deployments"][0].update(context_window=window)
        return out
    prompt = "one two three four five " * 200
    with Two(http(chat_answer("bad")), lists={}) as two:
        two.gw.stop()
        settings = dict(two.gw.settings)
        for lists, want in ((LISTS, "long"), ({"fallbacks": ["general"]}, "general"), ({}, None)):
            settings["models"] = sized(300, lists)
            with Gateway(settings) as gw:
                r, text = ask_openai(gw)
                same((r.status, text()), (200, "bad"))
                deadline = time.monotonic() + 5           # the first one that is counted has the tokens unpacked
                while gw.post(PATH, chat(prompt), timeout=15).get("x-sluice-provider") == "bad" and time.monotonic() < deadline:
                    time.sleep(0.01)
                before = len(two.bad.requests)
                r = gw.post(PATH, chat(prompt), timeout=15)
                if want:
                    same((r.status, r.json()["choices"][0]["message"]["content"], r.get("x-sluice-attempts")), (200, want, "1"), short(r.body))
                else:
                    e = is_error(r, 400, "context_length_exceeded")
                    assert "300" in e["message"], e
                    r = gw.post("/v1/messages", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": prompt}]})
                    same((r.status, r.json()["error"]["type"]), (400, "invalid_request_error"), short(r.body))
                same(len(two.bad.requests), before)


def test_fallbacks_are_followed_no_deeper_than_allowed():
    with Two(refuse(503, openai("no", None, "server_error")), routing={"max_fallbacks": 2, "fallbacks": ["m2", "m3", "general"]}, lists={}) as two:
        e = is_error(ask_openai(two.gw)[0], {502, 503})
        same([json.loads(q.body)["model"] for q in two.bad.requests], ["x", "x2", "x3"])
        assert "bad/x3: 503" in e["message"], e


def test_what_the_client_is_told_in_the_end():
    limited, down = refuse(429, openai("slow", "rate_limit_exceeded"), ["Retry-After: 90"]), refuse(500, openai("x", None, "server_error"))

    def told(a, b, dialect="openai-chat"):
        n = []

        def answer(r):
            n.append(1)
            return a if len(n) == 1 else b
        with Two(answer, lists={}, routing={"retries": {**QUICK, "attempts": 1}}) as two:
            two.gw.stop()
            settings = dict(two.gw.settings)
            settings["models"] = [{"name": "m", "strategy": "ordered", "deployments": [{"provider": "bad", "model": "x"}, {"provider": "bad", "model": "y"}]}]
            with Gateway(settings) as gw:
                r, _ = ask_openai(gw)
                return r, is_error(r, {429, 502, 503, 504})

    r, e = told(limited, refuse(429, openai("slow", "rate_limit_exceeded"), ["Retry-After: 70"]))
    same((r.status, r.get("retry-after"), e["code"]), (429, "70", "rate_limit_exceeded"))
    assert "bad/x: 429" in e["message"] and "bad/y: 429" in e["message"], e
    r, e = told(down, limited)
    same((r.status, r.get("retry-after"), e["code"]), (503, "90", "upstream_error"))
    r, e = told(limited, down)
    same((r.status, e["code"]), (502, "upstream_error"))
    r, e = told(down, refuse(404, openai("no such model", "model_not_found")))
    same((r.status, e["code"]), (502, "upstream_error"))
    r, e = told([Never], [Never])
    same((r.status, e["code"]), (504, "upstream_timeout"))
    assert "bad/x: upstream_timeout; bad/y: upstream_timeout" in e["message"], e  # no answer, no status


# ---- one of three is dead -------------------------------------------------------------------------------------------

DEAD = {
    "answers 500": lambda r: refuse(500, openai("x", None, "server_error")),
    "ends the connection": lambda r: [Close],
    "resets the connection": lambda r: [Reset],
    "says nothing": lambda r: [Never],
    "cuts its streams before their first event": lambda r: [SSE_HEAD, Close] if b'"stream": true' in r.body else [b"HTTP/1.1 200 OK\r\n", Close],
    "answers 200 with an error": lambda r: sse(event(openai("overloaded", None, "server_error")))
        if b'"stream": true' in r.body else http(openai("overloaded", None, "server_error")),
    "refuses the key": lambda r: refuse(401, openai("Incorrect API key provided", "invalid_api_key")),
    "is over its limit": lambda r: refuse(429, openai("slow", "rate_limit_exceeded")),
}


class Three:
    def __init__(self, dead, **routing):
        self.providers = [Provider(dead), Provider(good), Provider(good)]
        self.gw = Gateway(config(None, providers={f"p{i}": {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY,
            "timeouts": {"first_byte": "150ms", "connect": "150ms"}} for i, p in enumerate(self.providers)},
            models=[{"name": "m", "deployments": [{"provider": f"p{i}", "model": "m"} for i in range(3)]}],
            routing={"retries": {"attempts": 2, "base": "1ms", "max": "2ms"}, **routing}))

    __enter__, __exit__ = Two.__enter__, None

    def __exit__(self, *e):
        try:
            self.gw.__exit__(*e)
        finally:
            for p in self.providers:
                p.stop()


def ask_many(gw, n, threads=8):
    def one(i):
        stream = i % 2 == 1
        r = gw.post(PATH, chat(stream=stream), timeout=20)
        good = r.status == 200 and (events_of(r.body)[-1] == "[DONE]" and events_of(r.body)[0]["choices"][0]["delta"]["content"] == "m"
                                    if stream else r.json()["choices"][0]["message"]["content"] == "m")
        return None if good else (r.status, short(r.body))
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return [bad for bad in pool.map(one, range(n)) if bad]


def one_of_three_dead(dead):
    def run():
        with Three(dead) as three:
            same(ask_many(three.gw, 300), [], "errors of clients")
            asked = len(three.providers[0].requests)
            assert asked <= 40, f"the dead one was asked {asked} times"
    return run


def one_of_three_refuses():
    with Three(good) as three:
        three.providers[0].stop()
        same(ask_many(three.gw, 300), [], "errors of clients")


_failures = cases


def cases():
    yield from _failures()
    for name, dead in DEAD.items():
        yield f"no client sees that one of three {name}", one_of_three_dead(dead)
    yield "no client sees that one of three refuses connections", one_of_three_refuses


def test_a_dead_one_is_back_soon_after_it_works_again():
    down = [True]
    with Three(lambda r: DEAD["answers 500"](r) if down[0] else good(r), breaker={"consecutive_failures": 5, "open_for": "500ms"},
               cooldown={"failure_ratio": 1, "min_requests": 1000000, "duration": "100ms"}) as three:
        same(ask_many(three.gw, 100), [], "errors of clients")
        down[0] = False
        since, before = time.monotonic(), len(three.providers[0].requests)
        while len(three.providers[0].requests) < before + 20:
            same(ask_many(three.gw, 20, 4), [], "errors of clients")
            assert time.monotonic() - since < 5, "it is not asked again"


def test_when_everybody_is_down_there_is_no_storm():
    for attempts in (0, 2):
        with Three(lambda r: refuse(500, openai("x", None, "server_error")), last_resort=False,
                   cooldown={"failure_ratio": 1, "min_requests": 1000000, "duration": "100ms"},
                   breaker={"consecutive_failures": 5, "open_for": "10m"},
                   retries={"attempts": attempts, "base": "1ms", "max": "2ms"}) as three:
            for p in three.providers:
                p.answer = lambda r: refuse(500, openai("x", None, "server_error"))
            calls = lambda: sum(len(p.requests) for p in three.providers)
            requests = 0
            while requests < 60:
                is_error(three.gw.post(PATH, chat(), timeout=15), {502, 503})
                requests += 1
                assert calls() <= (1 + attempts) * requests, f"{calls()} calls for {requests} requests"
            assert all(len(p.requests) <= 5 + attempts for p in three.providers), [len(p.requests) for p in three.providers]
            before = calls()
            r = three.gw.post(PATH, chat())
            e = is_error(r, 503, "no_healthy_deployment")
            assert 500 <= int(r.get("retry-after")) <= 600 and "p0/m: broken" in e["message"], (r.get("retry-after"), e)
            same(len(ask_many(three.gw, 200)), 200)
            same(calls() - before, 0, "calls while all breakers are open")


def test_the_last_resort_is_no_storm_either():
    down = lambda r: refuse(500, openai("x", None, "server_error"))
    with Three(down, cooldown={"failure_ratio": 1, "min_requests": 1000000, "duration": "100ms"},
               breaker={"consecutive_failures": 5, "open_for": "10m"}, retries={"attempts": 2, "base": "1ms", "max": "2ms"}) as three:
        for p in three.providers:
            p.answer = down
        calls = lambda: sum(len(p.requests) for p in three.providers)
        same(len(ask_many(three.gw, 60)), 60)
        since, before = time.monotonic(), calls()
        same(len(ask_many(three.gw, 300)), 300)
        seconds = time.monotonic() - since
        assert calls() - before <= 3 * (seconds + 2), f"{calls() - before} calls in {seconds:.1f} s while all breakers are open"


def test_the_plan_tells_of_each_model_that_was_tried():
    with Provider(lambda r: refuse(500, openai("no"))) as p:
        at = {n: {"provider": n, "model": f"real-{n}"} for n in "abcd"}
        with Gateway(config(None, providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY} for n in at},
                models=[{"name": "m", "strategy": "ordered", "fallbacks": ["n"], "deployments": [at["a"], at["b"]]},
                        {"name": "n", "strategy": "ordered", "deployments": [at["c"], at["d"]]}],
                routing={**PATIENT, "retries": QUICK})) as gw:
            want = "a/real-a strategy; b/real-b strategy; then n: c/real-c strategy; d/real-d strategy"
            same(gw.post(PATH, chat()).get("x-sluice-plan"), want)
            until(lambda: any(l.get("model") for l in gw.log_lines()), "its line in the log")
            same([l["plan"] for l in gw.log_lines() if l.get("model")], [want])
