# SPDX-License-Identifier: Apache-2.0
"""Who is left alone and for how long: circuit breaker, cooldowns, limits of a deployment, several keys of a provider."""
import json
import threading
import time

from harness import (PROVIDER_KEY, SSE_HEAD, Gateway, Stage, chat, chat_answer, chat_stream, chunk, config, http,
    request_bytes, same, short, sse)
from provider import Close, Never, Provider, Reset, Wait

PATH = "/v1/chat/completions"
RETRIES = {"attempts": 2, "base": "1ms", "max": "2ms"}


def fail(status, headers=()):
    return http({"error": {"message": f"no {status}", "type": "x"}}, f"{status} No", headers=headers)


def say(text):
    return http(chat_answer(text))


def logged(gw, *words):
    return [m for m in gw.messages().decode().splitlines() if m[:1] != "{" and all(w in m for w in words)]


class Both(Stage):
    """The model m at the providers a and b: a first, for whom `first` says more; b when a is not to be had."""

    def __init__(self, a, b=lambda r: say("from b"), first=None, providers=None, **routing):
        self.a, self.b = Provider(a), Provider(b)
        self.routing = {"retries": RETRIES, **routing}
        at = [{"provider": "a", "model": "x", "order": 1, **(first or {})}, {"provider": "b", "model": "y", "order": 2}]
        self.settings = config(None, providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1",
            "api_key": PROVIDER_KEY} for n, p in (("a", self.a), ("b", self.b))}, routing=self.routing,
            models=[{"name": "m", "strategy": "ordered", "deployments": at}, {"name": "alone", "deployments": at[:1]}])
        self.gw = Gateway(self.settings)

    def ask(self, model="m", **more):
        return self.gw.post(PATH, chat(model=model, **more), timeout=15)

    def says(self, want, times=1, **more):
        for _ in range(times):
            r = self.ask(**more)
            same(r.status, 200, short(r.body))
            same(r.json()["choices"][0]["message"]["content"], want)

    def state(self, name):
        return self.gw.metrics()[f'sluice_deployment_state{{deployment="{name}"}}']

    def reload(self, **over):
        self.gw.reload({**self.settings, **over})
        until(lambda: self.gw.metrics().get('sluice_config_reloads_total{result="good"}') == 1, "the reload")

    def logged(self, *words):
        return logged(self.gw, *words)


def until(condition, what, timeout=5.0):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


# -- the breaker -----------------------------------------------------------------------------------------------------
def test_five_failures_in_a_row_open_the_breaker_and_one_probe_closes_it():
    works = threading.Event()
    with Both(lambda r: say("from a") if works.is_set() else fail(500), breaker={"open_for": "1s"},
              cooldown={"min_requests": 1000}) as both:
        both.says("from b", 20)
        same(len(both.a.requests), 5, "of a deployment that fails")
        same((both.state("a/x"), both.state("b/y")), (3, 0))
        time.sleep(1.05)
        both.says("from b", 5)
        same(len(both.a.requests), 6, "one probe while it is still broken")
        works.set()
        time.sleep(1.05)
        both.says("from a", 5)
        same(len(both.a.requests), 11)
        same(len(both.logged("deployment.opened", "a/x")), 2)
        same(len(both.logged("deployment.closed", "a/x")), 1)
        same(both.logged("b/y"), [])


def test_one_probe_at_a_time():
    works, go = threading.Event(), threading.Event()
    with Both(lambda r: [Wait(go), say("from a")] if works.is_set() else fail(500), breaker={"open_for": "500ms"},
              cooldown={"min_requests": 1000}) as both:
        both.says("from b", 5)
        works.set()
        time.sleep(0.55)
        probe = threading.Thread(target=both.says, args=("from a",))
        probe.start()
        until(lambda: len(both.a.requests) == 6, "the probe")
        both.says("from b", 10)
        same(len(both.a.requests), 6, "while the probe is under way")
        go.set()
        probe.join()
        both.says("from a", 3)


def test_a_client_that_leaves_gives_the_probe_back():
    works, go = threading.Event(), threading.Event()
    with Both(lambda r: [Wait(go), say("from a")] if works.is_set() else fail(500), breaker={"open_for": "500ms"},
              cooldown={"min_requests": 1000}) as both:
        both.says("from b", 5)
        works.set()
        time.sleep(0.55)
        with both.gw.client() as c:
            c.send(request_bytes("POST", PATH, json.dumps(chat(model="m")).encode()))
            until(lambda: len(both.a.requests) == 6, "the probe")
            both.says("from b")
        until(lambda: both.state("a/x") == 1, "that it may be probed again")
        go.set()
        both.says("from a", 3)
        same(both.state("a/x"), 0)


def test_streams_that_are_cut_are_failures():
    def cut(r):
        return [sse(*chat_stream("hel")[:2], end=False), Close]
    with Both(cut, lambda r: sse(*chat_stream("hello")), cooldown={"min_requests": 1000}) as both:
        for _ in range(8):
            r = both.ask(stream=True)
            same(r.status, 200)
        same(len(both.a.requests), 5, "of streams that were all cut")


def test_what_the_client_did_wrong_is_no_failure():
    with Both(lambda r: fail(400)) as both:
        for _ in range(10):
            same(both.ask().status, 400)
        same(len(both.a.requests), 10)


def test_a_client_that_is_in_a_hurry_does_no_harm():
    go = threading.Event()
    with Both(lambda r: [Wait(go), say("from a")]) as both:
        for wish in ("x-sluice-timeout: 20ms", "cf-aig-request-timeout: 20", "x-sluice-timeout: first_byte=20ms"):
            for _ in range(7):
                r = both.gw.post(PATH, chat(model="alone"), headers=[wish, "x-sluice-retries: 0"], timeout=15)
                same(r.status, 504, short(r.body))
        go.set()
        both.says("from a", 3)


def test_a_client_that_has_time_sees_a_deployment_that_hangs_go_out():
    with Both(lambda r: [Never], cooldown={"min_requests": 1000}) as both:
        both.reload(models=[{**m, "timeouts": {"first_byte": "60ms", "connect": "1s"}} for m in both.settings["models"]])
        for wish in ("x-sluice-timeout: 10s", "x-sluice-timeout: connect=300ms, total=5s"):
            for _ in range(3):
                same(both.gw.post(PATH, chat(model="m"), headers=[wish], timeout=15).status, 200)
        same((len(both.a.requests), both.state("a/x")), (5, 3), "the provider's own limit ran out, not the client's")


# -- cooldown --------------------------------------------------------------------------------------------------------
def test_a_429_is_left_alone_for_as_long_as_it_asks_for():
    calm = threading.Event()
    with Both(lambda r: say("from a") if calm.is_set() else fail(429, headers=["retry-after: 2"]),
              cooldown={"duration": "200ms"}) as both:
        both.says("from b", 10)
        same(len(both.a.requests), 1)
        calm.set()
        time.sleep(1.0)
        both.says("from b", 3)
        same(len(both.a.requests), 1)
        time.sleep(1.05)
        both.says("from a", 3)
        same(len(both.logged("deployment.cooled", "a/x", "rate_limit")), 1)


def test_a_429_can_be_taken_for_an_answer_like_others():
    with Both(lambda r: fail(429), cooldown={"on_429": False, "min_requests": 1000}) as both:
        both.says("from b", 10)
        same(len(both.a.requests), 10)


def test_a_bad_credential_is_left_alone_with_alarm():
    with Both(lambda r: fail(401)) as both:
        both.says("from b", 10)
        same(len(both.a.requests), 1)
        same(len(both.logged("ERROR", "deployment.cooled", "a/x", "credential")), 1)


def test_more_than_half_of_five():
    turn = iter([True, False, True, False, False] + [False] * 100)
    with Both(lambda r: say("from a") if next(turn) else fail(503)) as both:
        for _ in range(12):
            same(both.ask().status, 200)
        same(len(both.a.requests), 5)
        same(len(both.logged("deployment.cooled", "a/x", "failure_ratio")), 1)


def test_health_outlives_a_reload():
    with Both(lambda r: fail(429)) as both:
        both.says("from b", 3)
        same(len(both.a.requests), 1)
        both.reload(routing={**both.routing, "max_fallbacks": 3})
        both.says("from b", 3)
        same(len(both.a.requests), 1)


# -- one of three dies -----------------------------------------------------------------------------------------------
def dies(kind):
    """What a dead provider does with a request for a stream."""
    return {"500": lambda r: fail(500), "hangs": lambda r: [Never], "reset": lambda r: [Reset],
            "cut": lambda r: [SSE_HEAD + chunk(b": hello\n\n"), Close],
            "error event": lambda r: sse({"error": {"message": "overloaded", "type": "server_error"}}),
            "error": lambda r: http({"error": {"message": "overloaded", "type": "server_error"}})}[kind]


def one_of_three_dies(kind, stream):
    dead = threading.Event()

    def good(r):
        return sse(*chat_stream("hello")) if stream else say("hello")
    three = [Provider(lambda r: dies(kind)(r) if dead.is_set() else good(r)), Provider(good), Provider(good)]
    settings = config(None, providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY,
        "timeouts": {"first_byte": "300ms"}} for n, p in zip("abc", three)}, routing={"retries": RETRIES},
        models=[{"name": "m", "deployments": [{"provider": n, "model": n} for n in "abc"]}])
    clients, got = 6, []

    def run(gw, n):
        for _ in range(n):
            r = gw.post(PATH, chat(model="m", stream=stream), timeout=15)
            got.append((r.status, b"hello" in r.body and (not stream or b"[DONE]" in r.body)))

    def all_run(gw, n):
        threads = [threading.Thread(target=run, args=(gw, n)) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    try:
        with Gateway(settings) as gw:
            all_run(gw, 10)
            assert len(three[0].requests) > 5, "it was in use"
            three[0].forget()
            dead.set()
            all_run(gw, 60)
            same(set(got), {(200, True)}, f"{kind}, {'streams' if stream else 'whole answers'}")
            seen = len(three[0].requests)
            # a connection that was kept and is dead is replaced by a fresh one, unseen by routing
            assert 5 <= seen <= 2 * (5 + clients), f"{seen} requests for one that {kind}"
            all_run(gw, 20)
            same(len(three[0].requests), seen, "after the breaker opened")
    finally:
        for p in three:
            p.stop()


def test_one_of_three_dies_and_no_client_sees_it():
    for kind in ("500", "hangs", "reset", "error"):
        one_of_three_dies(kind, False)
    for kind in ("500", "hangs", "reset", "cut", "error event"):
        one_of_three_dies(kind, True)


test_one_of_three_dies_and_no_client_sees_it.limit = 90


# -- limits ----------------------------------------------------------------------------------------------------------
def hammer(both, clients, each=1, **more):
    got, threads = [], []

    def run():
        for _ in range(each):
            r = both.ask(**more)
            got.append((r.status, r.json()["choices"][0]["message"]["content"] if r.status == 200 else None))
    for _ in range(clients):
        threads.append(threading.Thread(target=run))
        threads[-1].start()
    return threads, got


def test_max_parallel_holds():
    lock, now, most = threading.Lock(), [0], [0]

    def slow(r):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= 1
        return say("from a")
    with Both(slow, first={"max_parallel": 3}) as both:
        threads, got = hammer(both, 50, 4)
        for t in threads:
            t.join()
        same({s for s, _ in got}, {200})
        assert 1 <= most[0] <= 3, f"{most[0]} at once"
        assert {t for _, t in got} == {"from a", "from b"}


def test_rpm_holds():
    with Both(lambda r: say("from a"), first={"rpm": 40}) as both:
        threads, got = hammer(both, 50, 4)
        for t in threads:
            t.join()
        same({s for s, _ in got}, {200})
        same(len(both.a.requests), 40)


def test_tpm_holds_by_what_answers_came_to():
    with Both(lambda r: http(chat_answer("from a", usage=(600, 400))), first={"tpm": 3000}) as both:
        for _ in range(10):
            same(both.ask(max_tokens=10).status, 200)
        same(len(both.a.requests), 3, "of a thousand tokens each")


# -- several keys of one provider ------------------------------------------------------------------------------------
GOOD, BAD = "sk-provider-good-0123456789", "sk-provider-bad-0123456789"


def test_a_bad_key_is_left_alone_and_the_other_serves():
    for status, words in ((401, ("ERROR", "credential")), (429, ("rate_limit",)), (403, ("credential",))):
        def answer(r, status=status):
            return fail(status) if BAD in (r.get("authorization") or "") else say("from a")
        a = Provider(answer)
        settings = config(None, providers={"a": {"dialect": "openai-chat", "base_url": a.url + "/v1", "api_keys": [
            {"key": BAD, "weight": 9}, {"key": GOOD}]}}, routing={"retries": {"attempts": 0}},
            models=[{"name": "m", "deployments": [{"provider": "a", "model": "x"}]}])
        try:
            with Gateway(settings) as gw:
                for _ in range(30):
                    r = gw.post(PATH, chat(model="m"))
                    same(r.status, 200, short(r.body))
                bad = [r for r in a.requests if BAD in (r.get("authorization") or "")]
                same(len(bad), 1, f"calls with the key that gets {status}")
                same(len(a.requests), 31)
                same(len(logged(gw, "key.cooled", "a, key 1", *words)), 1)
                assert BAD.encode() not in gw.messages()
        finally:
            a.stop()


def test_when_all_keys_are_out_the_deployment_is():
    with Both(lambda r: fail(429)) as both:
        a = {k: v for k, v in both.settings["providers"]["a"].items() if k != "api_key"}
        both.reload(providers={**both.settings["providers"], "a": {**a, "api_keys": [{"key": GOOD}, {"key": BAD}]}})
        both.says("from b", 10)
        same(len(both.a.requests), 2, "one with each key")
