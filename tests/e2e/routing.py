# SPDX-License-Identifier: Apache-2.0
"""What happens when a provider fails: retries, back-off, Retry-After, fallbacks, order and weights, and what the client is told."""
import json
import time

from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, Stage, chat, chat_answer, chat_chunk, chunk, config, event,
    events_of, http, is_error,
                     same, short, sse, chat_stream)
from provider import Close, Never, Provider, Reset

PATH = "/v1/chat/completions"
FAST = {"retries": {"attempts": 2, "base": "1ms", "max": "2ms"}}


def fail(status, headers=()):
    return http({"error": {"message": f"no {status}", "type": "x"}}, f"{status} No", headers=headers)


def say(text):
    return http(chat_answer(text))


def two(a, b, **over):
    """Two providers a and b, the models `m` at both (a first) and `ma`, `mb` at one of them."""
    def at(name, **more):
        return {"provider": name, "model": f"real-{name}", **more}
    return config(None, providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY,
        "timeouts": {"first_byte": "400ms", "idle": "400ms"}} for n, p in (("a", a), ("b", b))},
                  **{"models": [{"name": "m", "strategy": "ordered", "deployments": [at("a", order=1),
                      at("b", order=2)]}, {"name": "ma", "deployments": [at("a")], "fallbacks": ["mb"]},
                                {"name": "mb", "deployments": [at("b")]}, {"name": "alone", "deployments": [at("a")]},
                                    {"name": "drawn", "deployments": [at("a", weight=3), at("b", weight=1)]}],
                     "routing": FAST, **over})


class Both(Stage):
    def __init__(self, a, b, **over):
        self.a, self.b = Provider(a), Provider(b)
        self.gw = Gateway(two(self.a, self.b, **over))

    def ask(self, model="m", **more):
        headers = more.pop("headers", ())
        return self.gw.post(PATH, chat(model=model, **more), headers=headers, timeout=15)


def text(r):
    same(r.status, 200, short(r.body))
    return r.json()["choices"][0]["message"]["content"]


def test_what_can_be_retried_is_tried_at_the_next_deployment():
    for steps in ([fail(429)], [fail(500)], [fail(502)], [fail(503)], [fail(529)], [fail(408)], [Close], [Reset],
            [Never], [b"HTTP/1.1 200 OK\r\n\r\n", Close], [b"garbage\r\n\r\n", Close]):
        with Both(lambda r: steps, lambda r: say("from b")) as both:
            r = both.ask()
            same(text(r), "from b", f"{steps}")
            same((r.get("x-sluice-provider"), r.get("x-sluice-attempts")), ("b", "2"))


def test_what_is_the_clients_to_mend_is_not_retried():
    for status in (400, 422, 413):
        with Both(lambda r: fail(status), lambda r: say("from b")) as both:
            r = both.ask()
            assert r.status in (status, 400), f"{r.status} for {status}: {short(r.body)}"
            assert f"no {status}" in r.json()["error"]["message"], short(r.body)
            same((len(both.a.requests), len(both.b.requests)), (1, 0))


def test_a_bad_credential_is_tried_elsewhere_and_not_again():
    for status in (401, 403):
        with Both(lambda r: fail(status), lambda r: say("from b")) as both:
            same(text(both.ask()), "from b")
            same(len(both.a.requests), 1)
            is_error(both.ask("alone"), {502, 503})
            same(len(both.a.requests), 2)


def test_a_model_that_one_deployment_does_not_know_is_asked_of_others_and_told_when_nobody_does():
    with Both(lambda r: fail(404), lambda r: say("from b")) as both:
        same(text(both.ask()), "from b")
        same(len(both.a.requests), 1)
    with Both(lambda r: fail(404), lambda r: fail(404)) as both:
        r = both.ask()
        same((r.status, r.get("x-sluice-attempts")), (404, "2"), short(r.body))
        assert "no 404" in r.json()["error"]["message"], short(r.body)


def test_one_deployment_is_tried_as_often_as_the_settings_say():
    for attempts in (0, 1, 3):
        with Both(lambda r: fail(503), lambda r: say("b"), routing={"retries": {"attempts": attempts, "base": "1ms",
                "max": "2ms"}}) as both:
            r = both.ask("alone")
            e = is_error(r, {502, 503})
            same(len(both.a.requests), attempts + 1)
            assert "a/real-a" in e["message"] and "503" in e["message"], f"the attempts are not listed: {e}"


def test_the_third_try_may_succeed():
    n = []

    def answer(r):
        n.append(1)
        return fail(503) if len(n) < 3 else say("at last")

    with Both(answer, lambda r: say("b")) as both:
        r = both.ask("alone")
        same((text(r), r.get("x-sluice-attempts")), ("at last", "3"))


def test_statuses_that_are_not_in_the_list_are_not_retried():
    with Both(lambda r: fail(503), lambda r: say("b"), routing={"retries": {"attempts": 2, "on": [429],
            "base": "1ms"}}) as both:
        is_error(both.ask("alone"), {502, 503})
        same(len(both.a.requests), 1)
        same(is_error(both.ask("m"), {502, 503}) and len(both.b.requests), 0, "another deployment is another try")
        same(text(both.ask("ma")), "b", "fallbacks follow all the same")
        same(len(both.a.requests), 3)


def test_retry_after_is_waited_for():
    times = []

    def answer(r):
        times.append(time.monotonic())
        return fail(429, ["Retry-After: 1"]) if len(times) == 1 else say("ok")

    with Both(answer, lambda r: say("b")) as both:
        same(text(both.ask("alone")), "ok")
        assert 0.9 <= times[1] - times[0] <= 3 * SLOW, f"waited {times[1] - times[0]:.2f} s"


def test_a_retry_after_that_is_too_long_is_not_waited_for():
    with Both(lambda r: fail(429, ["Retry-After: 3600"]), lambda r: say("b")) as both:
        start = time.monotonic()
        is_error(both.ask("alone"), {429, 502, 503})
        assert time.monotonic() - start < 2 * SLOW
        for odd in ("x", "-1", "99999999999999999999", "Wed, 21 Oct 2015 07:28:00 GMT", ""):
            both.a.answer = lambda r: fail(429, [f"Retry-After: {odd}"])
            start = time.monotonic()
            is_error(both.ask("alone"), {429, 502, 503})
            assert time.monotonic() - start < 3 * SLOW, f"Retry-After: {odd}"


def test_fallback_models_are_asked_when_all_tries_fail():
    with Both(lambda r: fail(503), lambda r: say("from b")) as both:
        r = both.ask("ma")
        same((text(r), r.get("x-sluice-attempts"), r.get("x-sluice-model")), ("from b", "4", "real-b"))


def test_when_everything_fails_each_attempt_is_listed_and_no_address_is_shown():
    with Both(lambda r: fail(503), lambda r: [Close]) as both:
        e = is_error(both.ask("ma"), {502, 503, 504})
        for want in ("a/real-a", "b/real-b", "503"):
            assert want in e["message"], e["message"]
        for secret in (str(both.a.port), str(both.b.port), "127.0.0.1", PROVIDER_KEY):
            assert secret not in e["message"], f"{secret} is shown: {e['message']}"


def test_nothing_is_retried_once_the_client_has_the_first_byte():
    with Both(lambda r: [SSE_HEAD + chunk(event(chat_chunk("x"))), Close], lambda r: sse(*chat_stream("b"))) as both:
        r = both.ask(stream=True)
        same(r.status, 200)
        assert events_of(r.body)[-1]["error"]["message"], short(r.body)
        same((len(both.a.requests), len(both.b.requests)), (1, 0))


def test_a_stream_that_fails_before_its_first_event_is_tried_elsewhere():
    for steps in ([fail(503)], [SSE_HEAD, Close], [Close], [SSE_HEAD + chunk(b": comment\n\n"), Close]):
        with Both(lambda r: steps, lambda r: sse(*chat_stream("from b"))) as both:
            r = both.ask(stream=True)
            same(r.status, 200, short(r.body))
            same(events_of(r.body)[0]["choices"][0]["delta"]["content"], "from b", f"{steps}")
            same(events_of(r.body)[-1], "[DONE]")


def test_an_error_hidden_in_a_stream_before_its_first_event_is_an_error():
    with Both(lambda r: sse(event({"error": {"message": "overloaded", "type": "server_error", "code": 503}})),
            lambda r: sse(*chat_stream("from b"))) as both:
        r = both.ask(stream=True)
        same(r.status, 200, short(r.body))
        same(events_of(r.body)[0]["choices"][0]["delta"]["content"], "from b")


def test_order_decides_before_weight():
    with Both(lambda r: say("a"), lambda r: say("b")) as both:
        same({text(both.ask()) for _ in range(20)}, {"a"})


def test_the_draw_follows_the_weights():
    with Both(lambda r: say("a"), lambda r: say("b")) as both:
        got = [text(both.ask("drawn")) for _ in range(400)]
        assert 240 <= got.count("a") <= 352, f"{got.count('a')} of 400 where 300 were due"      # 6 standard deviations


def test_a_weight_of_0_is_only_taken_when_nothing_else_is_left():
    with Both(lambda r: say("a"), lambda r: say("b")) as both:
        cfg = two(both.a, both.b)
        cfg["models"] = [{"name": "m", "deployments": [{"provider": "a", "model": "x", "weight": 0},
            {"provider": "b", "model": "x", "weight": 1}]}]
        with Gateway(cfg) as gw:
            for _ in range(30):
                same(text(gw.post(PATH, chat())), "b")
            both.b.answer = lambda r: fail(503)
            same(text(gw.post(PATH, chat())), "a")


def test_several_credentials_of_a_provider_are_drawn_by_weight():
    with Provider(lambda r: say("a")) as a:
        cfg = config(a)
        cfg["providers"]["up"].pop("api_key")
        cfg["providers"]["up"]["api_keys"] = [{"key": "sk-prov-one", "weight": 1}, {"key": "sk-prov-two", "weight": 1},
            {"key": "sk-prov-never", "weight": 0}]
        with Gateway(cfg) as gw:
            for _ in range(60):
                text(gw.post(PATH, chat()))
        seen = [q.get("authorization") for q in a.requests]
        same(set(seen), {"Bearer sk-prov-one", "Bearer sk-prov-two"})


def test_a_client_that_leaves_while_we_wait_to_retry_ends_it():
    with Both(lambda r: fail(503), lambda r: say("b"), routing={"retries": {"attempts": 5, "base": "1s", "max": "1s",
            "jitter": "none"}}) as both:
        from strict import message
        c = both.gw.client()
        c.send(message(body=json.dumps(chat(model="alone")).encode()))
        both.a.wait_for(lambda: len(both.a.requests) == 1)
        c.reset()
        time.sleep(1.3)                 # longer than the back-off
        same(len(both.a.requests), 1, "tries for a client that has left")


def test_the_plan_is_in_the_log_and_where_it_took_two_attempts_in_the_answers_head():
    with Both(lambda r: fail(500), lambda r: say("from b")) as both:
        r = both.ask()
        same(r.get("x-sluice-plan"), "a/real-a strategy; b/real-b strategy")
        r = both.ask("ma")
        same((r.status, r.get("x-sluice-plan")), (200, "mb: b/real-b only"))
        r = both.ask("mb")
        same((r.status, r.get("x-sluice-plan")), (200, None))
        plans = lambda: [line.get("plan") for line in both.gw.log_lines() if line["endpoint"] == PATH]
        deadline = time.monotonic() + 5
        while len(plans()) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)                    # the line is written behind the answer
        same(plans(), ["a/real-a strategy; b/real-b strategy", "mb: b/real-b only", None])
