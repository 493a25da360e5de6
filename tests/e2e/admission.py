# SPDX-License-Identifier: Apache-2.0
"""Requests wait for room where a model's deployments are at their limits: fairly, in order, and not for ever."""
import concurrent.futures
import json
import threading
import time

from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chat_stream, config, http,
    request_bytes, same, short, sse)
from provider import Provider, Wait

PATH = "/v1/chat/completions"
KEYS = {n: f"sk-sl-client-{n * 12}" for n in "abhl"}


class Busy:
    """A model at one deployment that takes so much and no more; a provider that counts how many it is asked at once."""

    def __init__(self, limits, took_s=0.0, gate=None, queue=None, answer=None, **over):
        self.now = self.most = self.served = 0
        self.lock, self.gate, self.took_s, self.other = threading.Lock(), gate, took_s, answer
        self.order = []
        self.up = Provider(self.answer)
        self.gw = Gateway(config(None, workers=2,
            keys=[{"name": n, "key": k, "priority": {"h": 0, "l": 2}.get(n, 1)} for n, k in KEYS.items()],
            providers={"up": {"dialect": "openai-chat", "base_url": self.up.url + "/v1", "api_key": PROVIDER_KEY}},
            models=[{"name": "m", "deployments": [{"provider": "up", "model": "real-m", **limits}]}],
            routing={"queue": queue or {"wait": "20s"}}, **over))

    def answer(self, r):
        if self.other:
            return self.other(r)
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.order.append(json.loads(r.body)["messages"][0]["content"])
        if self.gate:
            self.gate.wait(30)
        time.sleep(self.took_s)
        with self.lock:
            self.now -= 1
            self.served += 1
        return http(chat_answer("well"))

    def __enter__(self):
        self.gw.__enter__()
        return self

    def __exit__(self, *e):
        if self.gate:
            self.gate.set()
        try:
            self.gw.__exit__(*e)
        finally:
            self.up.stop()

    def ask(self, key="a", text="hi", **more):
        return self.gw.post(PATH, chat(text, max_tokens=10), key=KEYS[key], timeout=30 * SLOW, **more)

    def waiting(self):
        return self.gw.metrics()["sluice_queue_waiting"]

    def until(self, what, n):
        end = time.monotonic() + 10 * SLOW
        while what() != n:
            assert time.monotonic() < end, f"{what()} instead of {n}"
            time.sleep(0.02)


def later(f, *args, **kw):
    pool = concurrent.futures.ThreadPoolExecutor(1)
    out = pool.submit(f, *args, **kw)
    pool.shutdown(wait=False)
    return out


def test_a_burst_is_served_without_a_refusal_and_without_exceeding_the_limit():
    with Busy({"max_parallel": 5}, took_s=0.01) as b:
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            got = [r.status for r in pool.map(lambda i: b.ask("ab"[i % 2]), range(100))]
        same(got, [200] * 100)
        same((b.served, b.most), (100, 5))
        b.until(b.waiting, 0)
        b.until(lambda: b.gw.metrics()["sluice_queue_refused_total"], 0)
        assert b.gw.metrics()["sluice_queue_waits_total"] >= 50
        b.gw.stop()
        waited = [l for l in b.gw.log_lines() if l["steps"].get("queue")]
        assert len(waited) >= 50, f"{len(waited)}"


def test_a_flood_leaves_another_key_what_it_asks_for():
    with Busy({"max_parallel": 2}, took_s=0.01) as b:
        stop, got = threading.Event(), {"a": 0, "b": 0}

        def flood():
            while not stop.is_set():
                got["a"] += b.ask("a").status == 200
        with concurrent.futures.ThreadPoolExecutor(80) as pool:
            floods = [pool.submit(flood) for _ in range(60)]
            b.until(lambda: b.waiting() > 40, True)
            before, began = b.served, time.monotonic()
            asked = []
            while len(asked) < 50:      # fewer than half of what can be served in the time
                asked.append(pool.submit(b.ask, "b"))
                while b.served < before + 3 * len(asked):
                    time.sleep(0.002)
            statuses = [f.result().status for f in asked]
            took = time.monotonic() - began
            stop.set()
            for f in floods:
                f.result()
        good = statuses.count(200)
        assert good >= 0.95 * len(asked), f"{good} of {len(asked)}"
        assert took < 10 * SLOW, f"{took}"
        same(b.most, 2)
        b.gw.stop()
        waits = sorted(l["steps"].get("queue", 0) for l in b.gw.log_lines() if l["key_name"] == "b")
        floods = sorted(l["steps"].get("queue", 0) for l in b.gw.log_lines() if l["key_name"] == "a")
        assert waits[len(waits) // 2] * 4 < floods[len(floods) // 2], f"{waits} {floods[::20]}"


def test_a_wait_ends_with_a_refusal_that_names_the_limit():
    with Busy({"max_parallel": 1}, gate=threading.Event(), queue={"wait": "300ms"}) as b:
        first = later(b.ask)
        b.until(lambda: b.now, 1)
        began = time.monotonic()
        r = b.ask("b")
        assert 0.25 <= time.monotonic() - began < 5 * SLOW
        e = r.json()["error"]
        same((r.status, e["code"]), (429, "rate_limit_exceeded"), short(r.body))
        assert "up/real-m (max_parallel 1)" in e["message"], e["message"]
        assert int(r.get("retry-after")) >= 1
        b.gate.set()
        same(first.result().status, 200)
        b.until(lambda: b.gw.metrics()["sluice_queue_refused_total"], 1)


def test_without_a_queue_the_refusal_comes_at_once():
    with Busy({"rpm": 3}, queue={"max": 0}) as b:
        same([b.ask().status for _ in range(3)], [200] * 3)
        r = b.ask()
        same(r.status, 429, short(r.body))
        assert "up/real-m (rpm 3)" in r.json()["error"]["message"], short(r.body)
        assert 1 <= int(r.get("retry-after")) <= 62, r.get("retry-after")


def test_a_burst_leaves_another_key_its_share_of_the_minute():
    with Busy({"rpm": 20}, queue={"wait": "1s"}) as b:
        same(b.ask("b").status, 200)
        with concurrent.futures.ThreadPoolExecutor(30) as pool:
            flood = [pool.submit(b.ask, "a") for _ in range(30)]
            got = [f.result() for f in flood]
        served = [r for r in got if r.status == 200]
        assert 10 <= len(served) <= 12, f"{len(served)}"      # half, and what the pace lets through
        refused = next(r for r in got if r.status == 429).json()["error"]["message"]
        assert "had its share" in refused and "rpm 20" in refused, refused
        began = time.monotonic()
        same([b.ask("b").status for _ in range(19 - len(served))], [200] * (19 - len(served)))
        assert time.monotonic() - began < 1 * SLOW
        same(len(b.up.requests), 20)


def test_one_key_alone_may_use_up_a_minute_at_once():
    with Busy({"rpm": 20}, queue={"wait": "1s"}) as b:
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            same([r.status for r in pool.map(lambda _: b.ask("a"), range(20))], [200] * 20)


def test_the_queue_has_a_ceiling():
    with Busy({"max_parallel": 1}, gate=threading.Event(), queue={"max": 2, "wait": "20s"}) as b:
        all_ = [later(b.ask)]
        b.until(lambda: b.now, 1)
        all_ += [later(b.ask), later(b.ask, "b")]
        b.until(b.waiting, 2)
        same(b.ask().status, 429)
        b.gate.set()
        same([f.result().status for f in all_], [200] * 3)


def test_a_key_with_priority_goes_first_and_one_without_goes_last():
    with Busy({"max_parallel": 1}, gate=threading.Event()) as b:
        all_ = [later(b.ask, text="first")]
        b.until(lambda: b.now, 1)
        for n, key in enumerate("lah"):
            all_.append(later(b.ask, key, text=key))
            b.until(b.waiting, n + 1)
        b.gate.set()
        same([f.result().status for f in all_], [200] * 4)
        same(b.order, ["first", "h", "a", "l"])


def test_a_client_that_leaves_makes_room_in_the_line():
    with Busy({"max_parallel": 1}, gate=threading.Event()) as b:
        first = later(b.ask)
        b.until(lambda: b.now, 1)
        gone = b.gw.client()
        gone.send(request_bytes("POST", PATH, json.dumps(chat("gone")).encode(), key=KEYS["b"]))
        b.until(b.waiting, 1)
        last = later(b.ask, text="last")
        b.until(b.waiting, 2)
        gone.close()
        b.until(b.waiting, 1)
        b.gate.set()
        same((first.result().status, last.result().status), (200, 200))
        same(b.order, ["hi", "last"])
        b.until(b.waiting, 0)


def test_a_stream_keeps_its_place_until_it_ends():
    go = threading.Event()

    def answer(r):
        if json.loads(r.body).get("stream"):
            return [sse(chat_chunk("one"), end=False), Wait(go), sse(*chat_stream("two"))[len(SSE_HEAD):]]
        return http(chat_answer("well"))
    with Busy({"max_parallel": 1}, answer=answer) as b:
        stream = later(b.gw.post, PATH, chat(stream=True), key=KEYS["a"], timeout=30)
        b.until(lambda: len(b.up.requests), 1)
        second = later(b.ask, "b")
        b.until(b.waiting, 1)
        go.set()
        same((stream.result().status, second.result().status), (200, 200))


def test_who_waits_when_the_gateway_stops_is_served():
    with Busy({"max_parallel": 1}, gate=threading.Event()) as b:
        all_ = [later(b.ask)]
        b.until(lambda: b.now, 1)
        all_ += [later(b.ask, "b"), later(b.ask)]
        b.until(b.waiting, 2)
        b.gw.terminate()
        time.sleep(0.1)
        b.gate.set()
        same([f.result().status for f in all_], [200] * 3)
        b.gw.stop()


def test_who_waits_longer_than_a_shutdown_may_take_is_cut():
    with Busy({"max_parallel": 1}, gate=threading.Event(), shutdown_grace="300ms") as b:
        all_ = [later(b.ask), ]
        b.until(lambda: b.now, 1)
        all_ += [later(b.ask, "b") for _ in range(5)]
        b.until(b.waiting, 5)
        b.gw.stop()
        b.gate.set()
        for f in all_:
            assert f.exception() or f.result().status >= 400
