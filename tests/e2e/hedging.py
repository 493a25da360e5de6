# SPDX-License-Identifier: Apache-2.0
"""Two candidates in a race: a second one is asked when the first is slow; one answers, the other is cancelled."""
import contextlib
import itertools
import json
import random
import threading
import time

import converse
import strict_http2 as h2
from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chat_stream, chunk, config, event,
    events_of, http, is_error, same, short, sse)
from ollama_cohere import COHERE, OLLAMA, lines
from provider import Close, Never, Provider, Wait
from proxying import MESSAGE, MESSAGE_EVENTS, RESPONSE, RESPONSE_EVENTS
from strict import message

PATH = "/v1/chat/completions"


class Late:
    """An event that comes by itself, for provider.Wait."""
    def __init__(self, seconds):
        self.seconds = seconds

    def wait(self, _):
        time.sleep(self.seconds)


AFTER = 0.15                                     # seconds until the second is asked
PRICES = {"a": {"input": 2, "output": 10}, "b": {"input": 4, "output": 20}, "c": {"input": 8, "output": 40}}
COST = {"a": 0.000092, "b": 0.000184}            # of 11 and 7 tokens


def setup(providers, **over):
    """The model `m` at providers a, b, c …, in that order. providers: {name: (Provider, settings)}."""
    routing = {"hedge_after": f"{int(AFTER * 1000)}ms", "hedge_max": 1, "retries": {"attempts": 2, "base": "1ms", "max": "2ms"},
               **over.pop("routing", {})}
    return config(None, providers={n: {"api_key": PROVIDER_KEY, **s} for n, (_, s) in providers.items()},
        models=[{"name": "m", "strategy": "ordered", "deployments": [{"provider": n, "model": f"real-{n}", "order": i,
            "price": PRICES[n]} for i, n in enumerate(providers)], **over.pop("model", {})}], routing=routing, **over)


@contextlib.contextmanager
def racing(a, b, like=("openai", "openai"), more=None, **over):
    """A gateway before providers that answer with `a` and `b`: steps, or functions of the request."""
    with contextlib.ExitStack() as stack:
        providers = {}
        for name, steps, kind in [("a", a, like[0]), ("b", b, like[1])] + [("c", s, "openai") for s in more or []]:
            p = stack.enter_context(Provider(steps if callable(steps) else lambda r, s=steps: s))
            base = {"dialect": kind[1:]} if kind.startswith("=") else {"like": kind}
            v1 = "" if kind in ("=gemini", "=bedrock", "=ollama", "=cohere") else "/v1"
            providers[name] = (p, {**base, "base_url": p.url + v1})
        gw = stack.enter_context(Gateway(setup(providers, **over)))
        gw.providers = {n: p for n, (p, _) in providers.items()}
        yield gw
        for n, p in gw.providers.items():
            same(p.faults, [], f"unclean bytes to {n}")


def ask(gw, **more):
    return gw.post(PATH, chat(**more), timeout=10)


def text_of(r):
    same(r.status, 200, short(r.body))
    if b"data:" in r.body[:8]:
        return "".join(e["choices"][0]["delta"].get("content", "") for e in events_of(r.body)[:-1] if e.get("choices"))
    return r.json()["choices"][0]["message"]["content"]


def log_of(gw, n=1):
    """The lines of the log about answers of models, when there are n."""
    deadline = time.monotonic() + 5 * SLOW
    while time.monotonic() < deadline:
        found = [l for l in gw.log_lines() if l.get("model") == "m"]
        if len(found) >= n:
            same(len(found), n, "records")
            return found
        time.sleep(0.01)
    raise AssertionError(f"{n} lines were due: {gw.log_lines()}")


def races_of(line):
    return [(a["deployment"], a["status"], a.get("hedge")) for a in line["attempts"]]


def is_cut(provider, n=0):
    """The gateway closes the connection of the call."""
    provider.wait_for(lambda: len(provider.requests) > n)
    c = provider.requests[n].connection
    assert c.ended.wait(2 * SLOW), "the loser's connection is still open"


# -- who wins -------------------------------------------------------------------------------------------------------
def test_a_slow_answer_is_overtaken():
    with racing([Never], http(chat_answer("from b"))) as gw:
        started = time.monotonic()
        r = ask(gw)
        took = time.monotonic() - started
        same((text_of(r), r.get("x-sluice-deployment"), r.get("x-sluice-attempts")), ("from b", "b/real-b", "2"))
        assert AFTER * 0.9 <= took < AFTER + 1 * SLOW, f"{took:.2f} s"
        is_cut(gw.providers["a"])
        line, = log_of(gw)
        same(races_of(line), [("a/real-a", None, "overtaken"), ("b/real-b", 200, "won")])
        same((line["status"], line["request_id"]), (200, r.get("x-request-id")))
        same(gw.metrics()['sluice_hedges_total{deployment="b/real-b",result="won"}'], 1)
        same(gw.metrics()["sluice_requests_in_flight"], 1, "the scrape itself")


def test_a_slow_stream_is_overtaken():
    for slow, status in (([Never], None), ([SSE_HEAD, Never], 200), ([SSE_HEAD + chunk(b": wait\n\n"), Never], 200)):
        with racing(slow, sse(*chat_stream("from", " b"))) as gw:
            r = ask(gw, stream=True)
            same((text_of(r), r.get("x-sluice-deployment")), ("from b", "b/real-b"))
            same(events_of(r.body)[-1], "[DONE]")
            is_cut(gw.providers["a"])
            line, = log_of(gw)
            same(races_of(line), [("a/real-a", status, "overtaken"), ("b/real-b", 200, "won")])


def test_the_first_may_win_all_the_same():
    for stream in (False, True):
        go = threading.Event()
        answer = sse(*chat_stream("from a")) if stream else http(chat_answer("from a"))
        with racing([Wait(go), answer], [Never]) as gw:
            got = []
            t = threading.Thread(target=lambda: got.append(ask(gw, stream=stream)))
            t.start()
            gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
            go.set()
            t.join()
            same((text_of(got[0]), got[0].get("x-sluice-deployment")), ("from a", "a/real-a"))
            is_cut(gw.providers["b"])
            line, = log_of(gw)
            same(races_of(line), [("b/real-b", None, "lost"), ("a/real-a", 200, None)])
            same(gw.metrics()['sluice_hedges_total{deployment="b/real-b",result="lost"}'], 1)


def test_a_fast_answer_is_not_hedged():
    with racing(http(chat_answer("from a")), http(chat_answer("from b"))) as gw:
        for _ in range(5):
            same(text_of(ask(gw)), "from a")
        time.sleep(2 * AFTER)
        same(len(gw.providers["b"].requests), 0)
        assert all("hedge" not in a for l in log_of(gw, 5) for a in l["attempts"])


def test_an_answer_that_has_begun_is_waited_for():
    go = threading.Event()
    whole = http(chat_answer("from a"))
    stream = sse(*chat_stream("from a"))
    first = len(SSE_HEAD) + stream[len(SSE_HEAD):].index(b"\n\n") + 4
    for stream_it, steps in ((False, [whole[:120], Wait(go), whole[120:]]), (True, [stream[:first], Wait(go), stream[first:]])):
        go.clear()
        with racing(steps, http(chat_answer("from b"))) as gw:
            got = []
            t = threading.Thread(target=lambda: got.append(ask(gw, stream=stream_it)))
            t.start()
            gw.providers["a"].wait_for(lambda: gw.providers["a"].requests)
            time.sleep(2 * AFTER)
            go.set()
            t.join()
            same((text_of(got[0]), len(gw.providers["b"].requests)), ("from a", 0))


def test_the_tail_of_slow_answers_is_cut():
    n = [0]

    def sometimes(r):
        n[0] += 1
        return [Never] if n[0] % 5 == 0 else http(chat_answer("quick"))
    with racing(sometimes, http(chat_answer("from b"))) as gw:
        times = []
        for _ in range(40):
            started = time.monotonic()
            assert text_of(ask(gw)) in ("quick", "from b")
            times.append(time.monotonic() - started)
        assert max(times) < AFTER + 0.7 * SLOW, f"{max(times):.2f} s"
        same((len(gw.providers["a"].requests), len(gw.providers["b"].requests)), (40, 8))
        same(len(log_of(gw, 40)), 40)


# -- when one fails ---------------------------------------------------------------------------------------------------
FAIL = http({"error": {"message": "no", "type": "x"}}, "503 No")


def test_the_second_fails_and_the_first_goes_on():
    go = threading.Event()
    with racing([Wait(go), http(chat_answer("from a"))], FAIL) as gw:
        got = []
        t = threading.Thread(target=lambda: got.append(ask(gw)))
        t.start()
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        time.sleep(0.1)
        go.set()
        t.join()
        same((text_of(got[0]), got[0].get("x-sluice-attempts")), ("from a", "2"))
        same(races_of(log_of(gw)[0]), [("b/real-b", 503, "failed"), ("a/real-a", 200, None)])
        same(len(gw.providers["b"].requests), 1)
        same(gw.metrics()['sluice_hedges_total{deployment="b/real-b",result="failed"}'], 1)


def test_the_first_fails_and_the_second_goes_on():
    for stream in (False, True):
        a, b = threading.Event(), threading.Event()
        answer = sse(*chat_stream("from b")) if stream else http(chat_answer("from b"))
        with racing([Wait(a), FAIL], [Wait(b), answer]) as gw:
            got = []
            t = threading.Thread(target=lambda: got.append(ask(gw, stream=stream)))
            t.start()
            gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
            a.set()
            time.sleep(0.1)
            b.set()
            t.join()
            same((text_of(got[0]), got[0].get("x-sluice-attempts")), ("from b", "2"))
            same(races_of(log_of(gw)[0]), [("a/real-a", 503, None), ("b/real-b", 200, "won")])
            same(len(gw.providers["a"].requests), 1)


def test_both_fail_and_the_tries_go_on_once():
    a, b = threading.Event(), threading.Event()
    for order in ((a, b), (b, a)):
        a.clear()
        b.clear()
        seen = []

        def c(r):
            seen.append(1)
            return http(chat_answer("from c"))
        with racing([Wait(a), FAIL], [Wait(b), FAIL], more=[c]) as gw:
            got = []
            t = threading.Thread(target=lambda: got.append(ask(gw)))
            t.start()
            gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
            order[0].set()
            time.sleep(0.1)
            order[1].set()
            t.join()
            same((text_of(got[0]), got[0].get("x-sluice-attempts"), len(seen)), ("from c", "3", 1))
            same({n: len(p.requests) for n, p in gw.providers.items()}, {"a": 1, "b": 1, "c": 1})


def test_all_fail_within_the_number_of_tries():
    a, b = threading.Event(), threading.Event()
    for order in ((a, b), (b, a)):
        a.clear()
        b.clear()
        with racing([Wait(a), FAIL], [Wait(b), FAIL]) as gw:
            got = []
            t = threading.Thread(target=lambda: got.append(ask(gw)))
            t.start()
            gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
            order[0].set()
            time.sleep(0.1)
            order[1].set()
            t.join()
            e = is_error(got[0], {502, 503})
            same(e["message"].count(": 503 upstream_error"), 3, e["message"])
            same(sum(len(p.requests) for p in gw.providers.values()), 3, "1 + 2 retries")
            log_of(gw)


def test_the_clients_own_mistake_is_told_at_once():
    go = threading.Event()
    with racing([Wait(go), http({"error": {"message": "bad field", "type": "invalid_request_error"}}, "400 Bad Request")],
            [Never]) as gw:
        got = []
        t = threading.Thread(target=lambda: got.append(ask(gw)))
        t.start()
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        go.set()
        t.join()
        same(got[0].status, 400)
        assert "bad field" in got[0].json()["error"]["message"], got[0].body
        is_cut(gw.providers["b"])
        log_of(gw)


def test_a_stream_that_has_overtaken_and_is_cut_goes_on_elsewhere():
    begun = SSE_HEAD + b"".join(chunk(event(chat_chunk(t))) for t in ("one ", "two "))
    go = threading.Event()
    with racing([Never], [begun, Wait(go), Close], more=[sse(*chat_stream("three"))], like=("groq", "openai"),
            model={"stream_failover": "continue"}) as gw:
        threading.Timer(2 * AFTER, go.set).start()
        r = ask(gw, stream=True)
        same((text_of(r), events_of(r.body)[-1]), ("one two three", "[DONE]"))
        line, = log_of(gw)
        same([(a["deployment"], a.get("hedge")) for a in line["attempts"]],
            [("a/real-a", "overtaken"), ("b/real-b", "won"), ("c/real-c", None)])
        assert float(next(a for a in line["attempts"] if "hedge" in a)["cost_usd"]) > 0, line
        same(len(gw.providers["a"].requests), 1)


# -- the client leaves -------------------------------------------------------------------------------------------------
def test_a_client_that_leaves_ends_both():
    for stream in (False, True):
        with racing([Never], [Never]) as gw:
            c = gw.client()
            c.send(message(body=json.dumps(chat(stream=stream)).encode()))
            gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
            c.reset()
            is_cut(gw.providers["a"])
            is_cut(gw.providers["b"])
            line, = log_of(gw)
            same(line["status"], 499)
            same(races_of(line), [("b/real-b", None, "lost"), ("a/real-a", None, None)])
            same(len(gw.providers["a"].requests) + len(gw.providers["b"].requests), 2)


def test_a_client_that_leaves_a_stream_that_has_overtaken():
    with racing([Never], [SSE_HEAD + chunk(event(chat_chunk("x"))), Never]) as gw:
        c = gw.client()
        c.send(message(body=json.dumps(chat(stream=True)).encode()))
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        is_cut(gw.providers["a"])
        c.reset()
        is_cut(gw.providers["b"])
        same(log_of(gw)[0]["status"], 499)


def test_races_of_one_http2_connection():
    def b(r):
        return sse(*chat_stream("from", " b")) if b'"stream": true' in r.body else http(chat_answer("from b"))
    with racing([Never], b) as gw, h2.Connection(gw) as c:
        for i in range(8):
            c.send(h2.ask(body=json.dumps(chat(stream=i % 2 == 1)).encode(), stream=2 * i + 1))
        for i in range(8):
            same(c.until_over(2 * i + 1), 200)
            assert b"from" in c.bodies[2 * i + 1] and b" b" in c.bodies[2 * i + 1], c.bodies
        log_of(gw, 8)
    with racing([Never], [Never]) as gw, h2.Connection(gw) as c:
        c.send(h2.ask(body=json.dumps(chat()).encode()))
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        c.send(h2.frame(h2.RST_STREAM, 0, 1, (8).to_bytes(4, "big")))
        is_cut(gw.providers["a"])
        is_cut(gw.providers["b"])
        same(log_of(gw)[0]["status"], 499)


def test_a_drain_waits_for_a_race():
    go = threading.Event()
    with racing([Never], [Wait(go), http(chat_answer("from b"))], shutdown_grace="10s") as gw:
        got = []
        t = threading.Thread(target=lambda: got.append(ask(gw)))
        t.start()
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        gw.terminate()
        time.sleep(0.2)
        go.set()
        t.join()
        same(text_of(got[0]), "from b")
        gw.stop()
    with racing([Never], [Never], shutdown_grace="300ms") as gw:
        c = gw.client()
        c.send(message(body=json.dumps(chat()).encode()))
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        gw.stop()


def test_a_storm_of_races_leaves_nothing_behind():
    dice = random.Random(20261128)
    lock = threading.Lock()

    def anyhow(r):
        stream = b'"stream": true' in r.body
        with lock:
            what, late = dice.random(), Late(dice.choice((0, 0.01, 0.02, 0.021, 0.03, 0.06)))
        if what < 0.1:
            return [Never]
        if what < 0.2:
            return [Wait(late), FAIL]
        if what < 0.3:
            return [Wait(late), Close]
        if stream and what < 0.4:
            return [SSE_HEAD, Wait(late), chunk(event(chat_chunk("x"))), Wait(late), Close]
        return [Wait(late), sse(*chat_stream("an", "swer")) if stream else http(chat_answer("answer"))]

    asked = []

    def client(gw, n):
        mine = random.Random(n)
        for i in range(12):
            body, leaves = chat(stream=mine.random() < 0.5), mine.random() < 0.2
            with gw.client(10) as c, contextlib.suppress(ConnectionError):
                c.send(message(body=json.dumps(body).encode()))
                if leaves:
                    time.sleep(mine.choice((0.005, 0.02, 0.022, 0.04)))
                    c.reset()
                    continue
                asked.append(c.answer().status)

    with racing(anyhow, anyhow, more=[anyhow], routing={"hedge_after": "20ms", "breaker": {"consecutive_failures": 1000000},
            "cooldown": {"failure_ratio": 1}}, model={"timeouts": {"first_byte": "200ms", "idle": "200ms"}}) as gw:
        threads = [threading.Thread(target=client, args=(gw, n)) for n in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert asked.count(200) > len(asked) * 0.9, asked
        deadline = time.monotonic() + 5 * SLOW
        while time.monotonic() < deadline and gw.metrics()["sluice_requests_in_flight"] > 1:
            time.sleep(0.05)
        time.sleep(1.1)                          # figures are told once a second
        gw.metrics()
        m = gw.metrics()
        same((m["sluice_requests_in_flight"], m["sluice_upstream_connections_active"]), (1, 0))
        lines = [l for l in gw.log_lines() if l.get("model") == "m"]
        same(len(lines), len({l["request_id"] for l in lines}), "a request is recorded once")
        assert len(lines) >= len(asked), f"{len(lines)} records of {len(asked)} answers"
        calls = sum(len(p.requests) for p in gw.providers.values())
        same(sum(v for k, v in m.items() if k.startswith("sluice_upstream_attempts_total")), sum(len(l["attempts"]) for l in lines))
        # a kept connection that was closed is replaced, and the call made again
        assert calls <= sum(len(l["attempts"]) for l in lines) + m["sluice_upstream_stale_total"], f"{calls} calls"
        assert sum(1 for l in lines for a in l["attempts"] if a.get("hedge")) > 20, "hardly a race"
        for n in "abc":
            same(m.get(f'sluice_deployment_in_flight{{deployment="{n}/real-{n}"}}', 0), 0)
        rows, cursor = [], ""
        while cursor is not None:
            page = gw.admin("GET", "/admin/v1/logs?limit=100" + (f"&cursor={cursor}" if cursor else "")).json()
            rows += page["data"]
            cursor = page["next_cursor"]
        same(len(rows), len(lines), "spend records")


# -- money -------------------------------------------------------------------------------------------------------------
def charged(like, stream, first_wins=False):
    """(the request's cost, the loser's, usage_source) where the first of these two kinds of providers loses."""
    go = threading.Event()
    answer = sse(*chat_stream("x")) if stream else http(chat_answer("x"))
    steps = ([Wait(go), answer], [Never]) if first_wins else ([Never], answer)
    with racing(*steps, like=like) as gw:
        got = []
        t = threading.Thread(target=lambda: got.append(ask(gw, stream=stream)))
        t.start()
        gw.providers["b"].wait_for(lambda: gw.providers["b"].requests)
        go.set()
        t.join()
        same(text_of(got[0]), "x")
        line, = log_of(gw)
        loser = next(a for a in line["attempts"] if a.get("hedge") in ("overtaken", "lost"))
        if not stream:
            same(float(got[0].get("x-sluice-cost-usd")), float(line["cost_usd"]))
        rows = gw.admin("GET", "/admin/v1/logs").json()["data"]
        same(float(rows[0]["cost_usd"]), float(line["cost_usd"]), "in the ledger")
        return float(line["cost_usd"]), loser.get("cost_usd"), line["usage_source"]


def test_a_stream_is_charged_where_the_provider_does_not_stop():
    both = COST["a"] + COST["b"]
    same(charged(("openai", "openai"), True), (COST["b"], None, "reported"))
    same(charged(("groq", "openai"), True), (round(both, 9), "0.000092", "counted"))
    same(charged(("mistral", "openai"), True), (round(both, 9), "0.000092", "counted"))
    same(charged(("groq", "groq"), True, first_wins=True), (round(both, 9), "0.000184", "counted"))
    same(charged(("=openai-chat", "openai"), True), (round(both, 9), "0.000092", "counted"))
    same(charged(("vllm", "openai"), True), (COST["b"], None, "reported"))


def test_a_whole_answer_is_charged_by_all():
    both = COST["a"] + COST["b"]
    same(charged(("openai", "openai"), False), (round(both, 9), "0.000092", "counted"))
    same(charged(("openai", "groq"), False, first_wins=True), (round(both, 9), "0.000184", "counted"))


def test_who_was_never_reached_charges_nothing():
    with contextlib.ExitStack() as stack:
        b = stack.enter_context(Provider(lambda r: http(chat_answer("from b"))))
        # a port that takes no connections and refuses none: a full queue
        import socket
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        fill = [socket.socket() for _ in range(4)]
        for s in fill:
            stack.callback(s.close)
            s.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                s.connect(full.getsockname())
        cfg = setup({"a": (None, {"like": "groq", "base_url": f"http://127.0.0.1:{full.getsockname()[1]}/v1"}),
            "b": (b, {"like": "groq", "base_url": b.url + "/v1"})})
        with Gateway(cfg) as gw:
            same(text_of(ask(gw)), "from b")
            line, = log_of(gw)
            same(races_of(line), [("a/real-a", None, "overtaken"), ("b/real-b", 200, "won")])
            same((float(line["cost_usd"]), line["usage_source"]), (COST["b"], "reported"))


def test_an_unknown_price_makes_an_unknown_cost():
    with racing([Never], http(chat_answer("x")), like=("groq", "groq")) as gw:
        cfg = dict(gw.settings)
        del cfg["models"][0]["deployments"][0]["price"]
        gw.reload(cfg)
        time.sleep(0.3 * SLOW)
        same(text_of(ask(gw)), "x")
        line, = log_of(gw)
        same((line["cost_usd"], [a.get("cost_usd", "") for a in line["attempts"]]), (None, [None, ""]))


# -- how often ---------------------------------------------------------------------------------------------------------
def test_only_a_share_of_the_requests_is_hedged():
    late = threading.Event()
    with racing(lambda r: [Wait(late), http(chat_answer("from a"))], http(chat_answer("from b")),
            routing={"hedge_max": 0.1}) as gw:
        threading.Timer(4 * AFTER, late.set).start()
        got = []
        threads = [threading.Thread(target=lambda: got.append(text_of(ask(gw)))) for _ in range(30)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        same((got.count("from b"), len(gw.providers["b"].requests)), (3, 3), "a tenth of 30")


def test_a_percentile_decides_once_it_is_known():
    slow, turn = threading.Event(), itertools.count()

    def a(r):
        if slow.is_set():
            return [Never]
        time.sleep(0.02 if next(turn) % 4 else 0.1)      # so that its p90 is far from what it usually takes
        return sse(*chat_stream("from a")) if b'"stream": true' in r.body else http(chat_answer("from a"))
    for stream in (False, True):
        slow.clear()
        with racing(a, sse(*chat_stream("from b")) if stream else http(chat_answer("from b")),
                routing={"hedge_after": "p90"}) as gw:
            c = gw.client()
            slow.set()
            c.send(message(body=json.dumps(chat(stream=stream)).encode()))
            gw.providers["a"].wait_for(lambda: gw.providers["a"].requests)
            time.sleep(3 * AFTER)
            same(len(gw.providers["b"].requests), 0, "nothing is known yet")
            c.reset()
            slow.clear()
            for _ in range(30):
                assert text_of(ask(gw, stream=stream)) in ("from a", "from b")
            n = len(gw.providers["b"].requests)
            assert n <= 15, f"{n} of 30 were hedged at their p90"
            time.sleep(1.1)                  # percentiles are found once a second
            slow.set()
            started = time.monotonic()
            same(text_of(ask(gw, stream=stream)), "from b")
            assert time.monotonic() - started < 0.2 + SLOW
            # what is known of one kind says nothing of the other
            n = len(gw.providers["a"].requests)
            c = gw.client()
            c.send(message(body=json.dumps(chat(stream=not stream)).encode()))
            gw.providers["a"].wait_for(lambda: len(gw.providers["a"].requests) > n)
            n = len(gw.providers["b"].requests)
            time.sleep(3 * AFTER)
            same(len(gw.providers["b"].requests), n)
            c.reset()


def test_a_loser_is_slow_but_not_sick():
    with racing([Never], http(chat_answer("from b")), routing={"hedge_after": "20ms", "breaker": {"consecutive_failures": 2},
            "cooldown": {"min_requests": 2}}) as gw:
        for _ in range(15):
            same(text_of(ask(gw)), "from b")
        same(len(gw.providers["a"].requests), 15, "it is still asked first")
        for line in log_of(gw, 15):
            same(races_of(line), [("a/real-a", None, "overtaken"), ("b/real-b", 200, "won")])


def test_a_second_at_its_limit_is_not_asked():
    go = threading.Event()
    with racing([Wait(go), http(chat_answer("from a"))], [Never]) as gw:
        cfg = dict(gw.settings)
        cfg["models"][0]["deployments"][1]["max_parallel"] = 1
        gw.reload(cfg)
        time.sleep(0.3 * SLOW)
        got = []
        threads = [threading.Thread(target=lambda: got.append(ask(gw))) for _ in range(3)]
        for t in threads:
            t.start()
        gw.providers["a"].wait_for(lambda: len(gw.providers["a"].requests) == 3)
        time.sleep(3 * AFTER)
        same(len(gw.providers["b"].requests), 1)
        go.set()
        for t in threads:
            t.join()
        same([text_of(r) for r in got], ["from a"] * 3)
        log_of(gw, 3)
        # its place is free again
        go.clear()
        t = threading.Thread(target=lambda: got.append(ask(gw)))
        t.start()
        gw.providers["b"].wait_for(lambda: len(gw.providers["b"].requests) == 2)
        go.set()
        t.join()


def test_a_model_may_have_its_own_time_or_none():
    with racing([Wait(threading.Event())], http(chat_answer("from b")), model={"hedge_after": "off"}) as gw:
        c = gw.client()
        c.send(message(body=json.dumps(chat()).encode()))
        gw.providers["a"].wait_for(lambda: gw.providers["a"].requests)
        time.sleep(3 * AFTER)
        same(len(gw.providers["b"].requests), 0)
        c.reset()
    with racing([Never], http(chat_answer("from b")), routing={"hedge_after": "off"}, model={"hedge_after": "50ms"}) as gw:
        same(text_of(ask(gw)), "from b")


def test_without_a_second_deployment_nothing_is_hedged():
    go = threading.Event()
    with Provider(lambda r: [Wait(go), http(chat_answer("from a"))]) as a:
        with Gateway(setup({"a": (a, {"like": "openai", "base_url": a.url + "/v1"})})) as gw:
            threading.Timer(3 * AFTER, go.set).start()
            same(text_of(ask(gw)), "from a")
            same(len(a.requests), 1)


def test_the_second_is_never_of_a_fallback_model():
    go = threading.Event()
    with racing([Wait(go), FAIL], [Wait(go), FAIL], more=[http(chat_answer("from c"))]) as gw:
        cfg = dict(gw.settings)
        d = cfg["models"][0]["deployments"]
        # two places at one deployment are no second one
        cfg["models"] = [{"name": "m", "strategy": "ordered", "deployments": [d[0], {**d[0], "order": 5}], "fallbacks": ["n"]},
            {"name": "n", "deployments": [d[2]]}]
        gw.reload(cfg)
        time.sleep(0.3 * SLOW)
        got = []
        t = threading.Thread(target=lambda: got.append(ask(gw)))
        t.start()
        gw.providers["a"].wait_for(lambda: gw.providers["a"].requests)
        time.sleep(3 * AFTER)
        same([len(gw.providers[n].requests) for n in "ac"], [1, 0])
        go.set()
        t.join()
        same(text_of(got[0]), "from c")
        log_of(gw)


def test_what_must_not_be_asked_twice_is_not():
    late = [Wait(threading.Event())]
    cases = [("/v1/responses", {"model": "m", "input": "hi"}),
        ("/v1/responses", {"model": "m", "input": "hi", "store": False, "previous_response_id": "resp_x"}),
        (PATH, chat("x" * (1 << 20))),
        (PATH, {"model": "m", "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}),
        ("/v1/moderations", {"model": "m", "input": "hi"}),
        ("/passthrough/a/v1/anything", {"model": "m"})]
    with racing(late, http(chat_answer("from b"))) as gw:
        for path, body in cases:
            n = len(gw.providers["a"].requests)
            c = gw.client()
            c.send(message(line=f"POST {path} HTTP/1.1".encode(), body=json.dumps(body).encode()))
            gw.providers["a"].wait_for(lambda: len(gw.providers["a"].requests) > n)
            time.sleep(2 * AFTER)
            same(len(gw.providers["b"].requests), 0, f"{path} {short(body, 100)}")
            c.reset()


# -- dialects ----------------------------------------------------------------------------------------------------------
CHAT_EVENTS = chat_stream("hel", "lo")
GENERATED = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}],
             "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}}
COHERE_ANSWER = {"id": "1", "finish_reason": "COMPLETE", "message": {"role": "assistant", "content": [{"type": "text",
    "text": "hello"}]}, "usage": {"billed_units": {"input_tokens": 11, "output_tokens": 7}}}
# kind of provider: whole answer, stream
ANSWERS = {
    "openai": (http(chat_answer("hello")), sse(*CHAT_EVENTS)),
    "=anthropic": (http(MESSAGE), sse(*MESSAGE_EVENTS)),
    "=openai-responses": (http(RESPONSE), sse(*RESPONSE_EVENTS)),
    "=gemini": (http(GENERATED), sse(event(GENERATED))),
    "=bedrock": (http(converse.ANSWER), converse.streamed(*converse.STREAM)),
    "=ollama": (http({"model": "real-m", "message": {"role": "assistant", "content": "hello"}, "done": True,
        "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 7}), lines(*OLLAMA)),
    "=cohere": (http(COHERE_ANSWER), sse(*COHERE)),
}
HI = {"messages": [{"role": "user", "content": "hi"}], "model": "m"}
# client's dialect: path, path of the stream, body, body of the stream
CLIENTS = {
    "openai": (PATH, PATH, HI, {**HI, "stream": True}),
    "=anthropic": ("/v1/messages", "/v1/messages", {**HI, "max_tokens": 9}, {**HI, "max_tokens": 9, "stream": True}),
    "=openai-responses": ("/v1/responses", "/v1/responses", {"model": "m", "input": "hi", "store": False},
        {"model": "m", "input": "hi", "store": False, "stream": True}),
    "=gemini": ("/v1beta/models/m:generateContent", "/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [{"parts": [{"text": "hi"}]}]}, {"contents": [{"parts": [{"text": "hi"}]}]}),
    "=bedrock": ("/model/m/converse", "/model/m/converse-stream", converse.ASK, converse.ASK),
    "=ollama": ("/api/chat", "/api/chat", {**HI, "stream": False}, HI),
    "=cohere": ("/v2/chat", "/v2/chat", HI, {**HI, "stream": True}),
}


def of_dialects(client, provider, stream):
    def run():
        path, body = CLIENTS[client][1 if stream else 0], CLIENTS[client][3 if stream else 2]
        answer = ANSWERS[provider][1 if stream else 0]
        for steps, n_cut in (([[Never], answer], "a"), ([[FAIL], answer], None)):
            with racing(*steps, like=(provider, provider), routing={"hedge_after": "60ms"}) as gw:
                r = gw.post(path, body, timeout=10)
                same((r.status, r.get("x-sluice-deployment")), (200, "b/real-b"), short(r.body))
                assert b"hel" in r.body, short(r.body)
                if n_cut:
                    is_cut(gw.providers[n_cut])
                log_of(gw)
    return run


def cases():
    for client in CLIENTS:
        for provider in {client, "openai", "=anthropic"}:
            for stream in (False, True):
                yield (f"{client.strip('=')} over {provider.strip('=')}, {'stream' if stream else 'whole'}",
                    of_dialects(client, provider, stream))
