# SPDX-License-Identifier: Apache-2.0
"""Money adds up, whatever happens on the way: the ledger has each request once, and what providers have told of whole answers
is charged to the nano-dollar; what is not known is never nothing, what was given up on is charged by its provider's custom, and
what failed by itself costs nothing."""
import decimal
import json
import random
import threading
import time

from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, Stage, chat, chat_answer, chat_chunk, chat_stream, chunk, config, http,
    request_bytes, same, sse)
from provider import Close, Never, Provider, Reset, Wait

PATH = "/v1/chat/completions"
NANO = 10**9
PRICES = {"a": (2000, 10000), "b": (4000, 20000), "c": (8000, 40000)}      # nano-dollars a token: input, output
CLIENTS, EACH = 12, 40


class Late:
    def __init__(self, seconds):
        self.seconds = seconds

    def wait(self, _):
        time.sleep(self.seconds)


class Till(Stage):
    """Providers that draw what they do, and remember for which request they have told which usage to the end."""

    def __init__(self):
        self.lock = threading.Lock()
        self.told, self.calls = {}, {}
        self.up = {n: Provider(lambda r, n=n: self.answer(n, r)) for n in PRICES}
        self.gw = Gateway(config(None, workers=2,
            providers={n: {"like": "openai", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY} for n, p in self.up.items()},
            models=[{"name": "m", "strategy": "weighted", "timeouts": {"first_byte": "300ms"}, "fallbacks": ["f"], "content_policy_fallbacks": ["p"],
                     "deployments": [self.at("a"), self.at("b")]},
                    {"name": "f", "timeouts": {"first_byte": "300ms"}, "deployments": [self.at("c"), self.at("a")]}, {"name": "p", "timeouts": {"first_byte": "300ms"}, "deployments": [self.at("c")]}],
            routing={"hedge_after": "40ms", "hedge_max": 0.2, "stream_failover": "continue",
                     "retries": {"attempts": 2, "base": "1ms", "max": "5ms"}, "cooldown": {"min_requests": 1000000, "on_429": False},
                     "breaker": {"consecutive_failures": 1000000}}))

    def at(self, name):
        return {"provider": name, "model": f"real-{name}", "price": {k: v / 1000 for k, v in zip(("input", "output"), PRICES[name])}}

    def answer(self, name, r):
        body = json.loads(r.body)
        who = body["messages"][0]["content"]
        with self.lock:
            nth = self.calls[who] = self.calls.get(who, 0) + 1
        draw = random.Random(f"{who} {name} {nth}")
        used = (draw.randrange(1, 900), draw.randrange(1, 900))
        kind = draw.choices(("good", "slow", "hangs", "500", "429", "policy", "long", "inside", "before", "midst", "reset"),
            (50, 12, 2, 6, 4, 4, 2, 4, 4, 9, 3))[0]

        def error(status, **more):
            return http({"error": {"message": f"no {status}", "type": "x", **more}}, f"{status} No")

        def tell():
            with self.lock:
                self.told.setdefault(who, []).append((name, *used))
        whole = sse(*chat_stream("one", "two", usage=used)) if body.get("stream") else http(chat_answer("one", usage=used))
        if kind == "hangs":
            return [Never]
        if kind == "500":
            return error(500)
        if kind == "429":
            return error(429)
        if kind == "policy":
            return error(400, code="content_policy_violation")
        if kind == "long":
            return error(400, code="context_length_exceeded")
        if kind == "inside":
            inside = {"error": {"message": "no", "type": "server_error", "code": 500}}
            return [SSE_HEAD, chunk(b"data: " + json.dumps(inside).encode() + b"\n\n"), Close] if body.get("stream") else http(inside)
        if kind == "before" or (kind == "midst" and not body.get("stream")):
            return [SSE_HEAD if body.get("stream") else whole[:60], Close]
        if kind == "midst":
            return [SSE_HEAD, *(chunk(b"data: " + json.dumps(chat_chunk(t)).encode() + b"\n\n") for t in ("x", "y")), Close]
        if kind == "reset":
            return [Reset]
        tell()
        return [Wait(Late(draw.uniform(0.05, 0.09))), whole] if kind == "slow" else [whole]

    def charged(self, row):
        """What a log line's cost must at least be, and whether it is that to the nano-dollar."""
        told = list(self.told.get(row["client_request_id"], []))
        least, exact = 0, row["status"] != 499
        for a in row["attempts"]:
            name = a["deployment"][0]
            if a.get("hedge") in ("lost", "overtaken") or a.get("continued"):
                exact = False
        mine = [PRICES[n][0] * i + PRICES[n][1] * o for n, i, o in told if n == row["deployment"][0]]
        if row["status"] == 200 and not row.get("error") and mine:
            least = min(mine) if len(mine) > 1 else mine[0]
            exact = exact and len(mine) == 1
        return least, exact and row["status"] == 200 and not row.get("error")


def client(till, n):
    draw = random.Random(n)
    for i in range(EACH):
        stream, leaves = draw.random() < 0.5, draw.random() < 0.1
        body = chat(f"{n}-{i}", stream=stream)
        headers = [f"x-sluice-request-id: {n}-{i}", "x-sluice-timeout: 1s" if draw.random() < 0.1 else "x-sluice-timeout: 20s"]
        if leaves:
            with till.gw.client() as c:
                c.send(request_bytes("POST", PATH, json.dumps(body).encode(), headers))
                time.sleep(draw.uniform(0, 0.06))
        else:
            till.gw.post(PATH, body, headers=headers, timeout=30 * SLOW)


def all_rows(till, n):
    deadline = time.monotonic() + 10 * SLOW
    while True:
        rows = [l for l in till.gw.log_lines() if l.get("model") == "m"]
        if len(rows) >= n or time.monotonic() > deadline:
            return rows
        time.sleep(0.05)


def nano(text):
    return int(decimal.Decimal(str(text)) * NANO)


def test_what_providers_tell_is_what_is_charged():
    with Till() as till:
        threads = [threading.Thread(target=client, args=(till, n)) for n in range(CLIENTS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        rows = all_rows(till, CLIENTS * EACH * 0.85)
        time.sleep(1.5)
        rows = all_rows(till, len(rows))
        ids = [r["client_request_id"] for r in rows]
        same(len(ids), len(set(ids)), "each request is recorded once")
        exactly = 0
        for row in rows:
            least, exact = till.charged(row)
            cost = row.get("cost_usd")
            got = None if cost is None else nano(cost)
            what = f"{json.dumps(row)}\n{till.told.get(row['client_request_id'])}"
            if exact:
                # what was given up on may be charged: whole answers are, streams of this provider end when they are closed
                late = [a["deployment"][0] for a in row["attempts"][:-1] if a.get("error") == "upstream_timeout" and not row["stream"]]
                used = row["tokens"]["input"], row["tokens"]["output"]
                same(got, least + sum(n * p for name in late for n, p in zip(used, PRICES[name])), what)
                same(row["usage_source"], "counted" if late else "reported", what)
                exactly += 1
            elif row["status"] == 200 and not row.get("error"):
                assert got is None or got >= least > 0, what
            if got == 0:
                assert not any(a["status"] == 200 and not a.get("error") for a in row["attempts"]), what
                assert not any(a.get("error") == "upstream_timeout" for a in row["attempts"]), what
        assert exactly > CLIENTS * EACH * 0.4, f"only {exactly} of {len(rows)}"
        total = till.gw.admin("GET", "/admin/v1/spend").json()["data"]
        same(sum(r["requests"] for r in total), len(rows), "requests in the ledger")
        same(sum(nano(r["cost_usd"]) for r in total), sum(nano(r["cost_usd"]) for r in rows if r.get("cost_usd") is not None),
            "the ledger's sum")
        kinds = {k: sum(1 for r in rows for a in r["attempts"] if k(a)) for k in (lambda a: a.get("hedge"), lambda a: a.get("continued"))}
        assert all(kinds.values()), "no race, or no stream that went on"


def test_a_clients_own_credential_is_charged_to_nobody_here():
    """Neither for who lost a race, nor for the parts of a stream that went on elsewhere."""
    own = {"gateway": {"byok": {n: [{"apiKey": f"sk-own-{n}-0123456789"}] for n in "ab"}}}
    said = [SSE_HEAD, *(chunk(b"data: " + json.dumps(chat_chunk(t)).encode() + b"\n\n") for t in ("x", "y"))]
    good = sse(*chat_stream("well"))
    for case, a, b in (("a race", [Never], [good]), ("a stream that was cut", [*said, Wait(Late(0.2)), Close], [good])):
        with Provider(lambda r, a=a: a) as up_a, Provider(lambda r, b=b: b) as up_b:
            at = [{"provider": n, "model": f"real-{n}", "price": {"input": 2, "output": 10}} for n in "ab"]
            with Gateway(config(None, providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1",
                    "api_key": PROVIDER_KEY} for n, p in (("a", up_a), ("b", up_b))},
                    models=[{"name": "m", "strategy": "ordered", "deployments": at}],
                    routing={"byok": True, "stream_failover": "continue", "hedge_max": 1,
                             "hedge_after": "50ms" if case == "a race" else "off"})) as gw:
                r = gw.post(PATH, chat(stream=True, providerOptions=own), timeout=10)
                same(r.status, 200, case)
                deadline = time.monotonic() + 5 * SLOW
                while not (rows := [l for l in gw.log_lines() if l.get("model") == "m"]) and time.monotonic() < deadline:
                    time.sleep(0.02)
                same([(nano(l["cost_usd"]), len(l["attempts"]), any(x.get("hedge") or x.get("continued") for x in l["attempts"]))
                    for l in rows], [(0, 2, True)], case)


class Pair(Stage):
    """a never answers to the end; b does, 11 tokens in and 7 out. Each token of a costs 100 nano-dollars, of b 1."""

    def __init__(self, dies, **a):
        self.a = Provider(lambda r: dies)
        self.b = Provider(lambda r: sse(*chat_stream("b")) if b'"stream": true' in r.body else http(chat_answer("b")))
        at = [{"provider": n, "model": f"real-{n}", "order": i, "price": {"input": p, "output": p}} for i, (n, p) in enumerate((("a", 0.1), ("b", 0.001)))]
        self.gw = Gateway(config(None, providers={
            "a": {"base_url": self.a.url + "/v1", "api_key": PROVIDER_KEY, "timeouts": {"first_byte": "200ms"}, **a},
            "b": {"dialect": "openai-chat", "base_url": self.b.url + "/v1", "api_key": PROVIDER_KEY}},
            models=[{"name": "m", "deployments": at}], routing={"retries": {"base": "1ms", "max": "2ms"}}))

    def row(self, stream):
        r = self.gw.post(PATH, chat(stream=stream, **({"stream_options": {"include_usage": True}} if stream else {})), timeout=15)
        same(r.status, 200)
        row = self.gw.admin("GET", "/admin/v1/logs?limit=1").json()["data"][0]
        return row["cost_usd"] and int(decimal.Decimal(row["cost_usd"]) * NANO), row["usage_source"]


def test_what_a_provider_charges_for_a_call_that_failed_is_no_gift():
    ours, theirs = 18, 18 * 100
    hangs, refuses = [Never], http({"error": {"message": "no", "type": "x"}}, "500 No")
    own, known = {"dialect": "openai-chat"}, {"like": "openai"}          # the second stops to charge when a stream is closed
    for dies, a, stream, want in (
            (hangs, own, False, (theirs + ours, "counted")), (hangs, known, False, (theirs + ours, "counted")),
            (hangs, own, True, (theirs + ours, "counted")), (hangs, known, True, (ours, "reported")),
            (refuses, own, False, (ours, "reported")), ([Close], own, False, (ours, "reported"))):
        with Pair(dies, **a) as pair:
            same(pair.row(stream), want, f"{dies} {a} stream: {stream}")
