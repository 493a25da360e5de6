# SPDX-License-Identifier: Apache-2.0
"""All of routing at once: limits and queues, races, streams that go on elsewhere, fallbacks, probes, wishes of all kinds, clients
that leave and reloads in the midst. Nobody crashes, every request is recorded once, and nothing is left behind."""
import copy
import json
import random
import threading
import time

from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, Stage, chat, chat_answer, chat_chunk, chat_stream, chunk, config, http,
    request_bytes, sse, same)
from money import Late
from provider import Close, Never, Provider, Reset, Wait

PATH = "/v1/chat/completions"
CLIENTS, EACH = 16, 40
SCRIPT = "function order(request, candidates) table.sort(candidates, function(a, b) return a.in_flight < b.in_flight end) return candidates end"
WISHES = (
    {}, {"provider": {"order": ["b"], "allow_fallbacks": False}}, {"provider": {"sort": "latency"}}, {"models": ["n", "o"]},
    {"provider": {"only": ["a", "c"]}}, {"providerOptions": {"gateway": {"byok": {"a": [{"apiKey": "sk-own-0123456789"}]}}}},
)
FIELDS = (
    [], ["x-sluice-timeout: 300ms"], ["x-sluice-retries: 5"], ["x-sluice-explain: true"], ["x-sluice-session: s1"],
    ["cf-aig-max-attempts: 3", "cf-aig-backoff: linear", "cf-aig-retry-delay: 5"],
    ['x-portkey-config: {"strategy":{"mode":"fallback"},"targets":[{"override_params":{"model":"n"}},{"provider":"b"}]}'],
    ['x-portkey-config: {"retry":{"attempts":2},"override_params":{"temperature":0.5}}'],
)


class Chaos(Stage):
    def __init__(self):
        self.up = {n: Provider(lambda r, n=n: self.answer(n, r)) for n in "abc"}
        self.draw, self.lock = random.Random(4), threading.Lock()
        self.settings = config(None, workers=2,
            providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_keys": [PROVIDER_KEY, PROVIDER_KEY + "2"],
                    "timeouts": {"first_byte": "250ms", "idle": "250ms"}}
                for n, p in self.up.items()},
            models=[{"name": "m", "strategy": "latency", "fallbacks": ["o"], "content_policy_fallbacks": ["n"],
                     "deployments": [self.at("a", max_parallel=3), self.at("b", rpm=500), self.at("c", tpm=100000)]},
                    {"name": "n", "strategy": "least_busy", "deployments": [self.at("b", max_parallel=2), self.at("c")]},
                    {"name": "o", "strategy": "custom", "script": SCRIPT, "deployments": [self.at("a"), self.at("c")]}],
            routing={"hedge_after": "30ms", "hedge_max": 0.3, "stream_failover": "continue", "byok": True,
                     "queue": {"max": 50, "wait": "400ms"}, "probe": {"every": "1s"},
                     "retries": {"attempts": 2, "base": "1ms", "max": "20ms"}, "cooldown": {"duration": "100ms"},
                     "breaker": {"consecutive_failures": 4, "open_for": "150ms"}})
        self.gw = Gateway(copy.deepcopy(self.settings))

    def at(self, name, **more):
        return {"provider": name, "model": f"real-{name}", "price": {"input": 2, "output": 10}, **more}

    def answer(self, name, r):
        stream = b'"stream": true' in r.body or b'"stream":true' in r.body
        with self.lock:
            kind = self.draw.choices(("good", "slow", "hangs", "500", "429", "policy", "long", "401", "404", "before", "midst", "reset"),
                (60, 10, 2, 5, 3, 3, 2, 2, 1, 3, 8, 2))[0]
        said = [SSE_HEAD, *(chunk(b"data: " + json.dumps(chat_chunk(t)).encode() + b"\n\n") for t in ("x", "y"))]
        whole = sse(*chat_stream("one", "two")) if stream else http(chat_answer("one"))
        codes = {"policy": (400, "content_policy_violation"), "long": (400, "context_length_exceeded"), "401": (401, "invalid_api_key"),
                 "404": (404, "model_not_found"), "500": (500, None), "429": (429, "rate_limit_exceeded")}
        if kind in codes:
            status, code = codes[kind]
            return http({"error": {"message": "no", "type": "x", "code": code}}, f"{status} No", headers=["Retry-After: 0"])
        return {"good": [whole], "slow": [Wait(Late(0.06)), whole], "hangs": [Never], "reset": [Reset],
                "before": [whole[:70], Close], "midst": [*said, Wait(Late(0.01)), Close] if stream else [whole[:90], Close]}[kind]


def client(c, n, statuses):
    draw = random.Random(n)
    for i in range(EACH):
        body = chat(f"{n}-{i}", model=draw.choice("mmmno"), stream=draw.random() < 0.5, max_tokens=50, **draw.choice(WISHES))
        headers = [f"x-sluice-request-id: {n}-{i}", *draw.choice(FIELDS)]
        if draw.random() < 0.15:
            with c.gw.client() as conn:
                conn.send(request_bytes("POST", PATH, json.dumps(body).encode(), headers))
                time.sleep(draw.uniform(0, 0.08))
        else:
            statuses.append(c.gw.post(PATH, body, headers=headers, timeout=30 * SLOW).status)


def reloads(c, stop):
    draw = random.Random(1)
    while not stop.wait(0.3):
        settings = copy.deepcopy(c.settings)
        for m in settings["models"]:
            draw.shuffle(m["deployments"])
            if draw.random() < 0.3:
                m["deployments"].pop()
        settings["routing"]["stream_failover"] = draw.choice(("continue", "error"))
        settings["routing"]["hedge_after"] = draw.choice(("30ms", "p90", "off"))
        c.gw.reload(settings)


def test_all_at_once_leaves_nothing_behind():
    with Chaos() as c:
        stop, statuses = threading.Event(), []
        reloader = threading.Thread(target=reloads, args=(c, stop))
        threads = [reloader, *(threading.Thread(target=client, args=(c, n, statuses)) for n in range(CLIENTS))]
        for t in threads:
            t.start()
        for t in threads[1:]:
            t.join()
        stop.set()
        reloader.join()
        for p in c.up.values():
            same(p.faults, [])
        deadline = time.monotonic() + 10 * SLOW
        while c.gw.metrics()["sluice_requests_in_flight"] > 1 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1.2)                          # figures are told once a second
        m = c.gw.metrics()
        same((m["sluice_requests_in_flight"], m["sluice_queue_waiting"]), (1, 0))
        same({k: v for k, v in m.items() if k.startswith("sluice_deployment_in_flight") and v}, {}, "calls that are not over")
        rows = [l for l in c.gw.log_lines() if l.get("model") in ("m", "n", "o") and l["key_name"] != "probe"]
        ids = [r["client_request_id"] for r in rows]
        same(len(ids), len(set(ids)), "each request is recorded once")
        assert len(rows) >= len(statuses), f"{len(rows)} records of {len(statuses)} answers"
        spent = c.gw.admin("GET", "/admin/v1/spend").json()["data"]
        probes = sum(1 for l in c.gw.log_lines() if l["key_name"] == "probe")
        same(sum(r["requests"] for r in spent), len(rows) + probes, "requests in the ledger")
        assert statuses.count(200) > len(statuses) * 0.3, f"{sorted(set((s, statuses.count(s)) for s in statuses))}"
        same([s for s in statuses if s in (500, 403, 401)], [])
