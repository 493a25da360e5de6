# SPDX-License-Identifier: Apache-2.0
"""Who is told when a deployment is taken out and when it is back: the log, the metrics, and a webhook that may be slow, wrong or away."""
import hashlib
import hmac
import json
import time

from harness import PROVIDER_KEY, Gateway, Stage, chat, chat_answer, config, http, same, short
from provider import Never, Provider

PATH = "/v1/chat/completions"
SECRET = "hook-secret-0123"


def fail(status, headers=()):
    return http({"error": {"message": f"no {status}", "type": "x"}}, f"{status} No", headers=headers)


class Scene(Stage):
    """Two providers a (which fails as told) and b, and a webhook."""

    def __init__(self, answer_a, hook, **alerts):
        self.a, self.b = Provider(answer_a), Provider(lambda r: http(chat_answer("from b")))
        self.hook = Provider(hook)
        at = [{"provider": n, "model": f"real-{n}", "order": i} for i, n in enumerate("ab", 1)]
        self.gw = Gateway(config(None, providers={n: {"dialect": "openai-chat", "base_url": p.url + "/v1",
            "api_key": PROVIDER_KEY} for n, p in (("a", self.a), ("b", self.b))},
            models=[{"name": "m", "deployments": at}],
            routing={"breaker": {"consecutive_failures": 2, "open_for": "300ms"},
                     "retries": {"base": "1ms", "max": "2ms"}},
            alerts={"webhook": self.hook.url + "/hook?token=abc", "secret": SECRET, "timeout": "500ms", **alerts}))

    def ask(self):
        r = self.gw.post(PATH, chat(), timeout=15)
        same(r.status, 200, short(r.body))
        return r

    def told(self, kind):
        return [e for e in (json.loads(r.body) for r in list(self.hook.requests)) if e["type"] == kind]

    def await_kind(self, kind, n=1):
        self.hook.wait_for(lambda: len(self.told(kind)) >= n, 15)
        return self.told(kind)[n - 1]


def test_a_webhook_is_told_when_a_deployment_is_out_and_when_it_is_back():
    works = []
    with Scene(lambda r: http(chat_answer("a")) if works else fail(500), lambda r: http({})) as s:
        for _ in range(3):
            s.ask()
        e = s.await_kind("deployment.opened")
        same((e["deployment"], e["why"], e["alarm"]), ("a/real-a", "breaker", False), f"{e}")
        assert 0 < e["out_for_ms"] <= 300, f"{e}"
        works.append(1)
        deadline = time.monotonic() + 10
        while not s.told("deployment.closed") and time.monotonic() < deadline:
            s.ask()
            time.sleep(0.05)
        e = s.await_kind("deployment.closed")
        same((e["deployment"], e["out_for_ms"]), ("a/real-a", 0))
        for r in s.hook.requests:
            same(r.get("x-sluice-signature"), "sha256=" + hmac.new(SECRET.encode(), r.body, hashlib.sha256).hexdigest())
            same(r.get("content-type"), "application/json")
        ids = [json.loads(r.body)["id"] for r in s.hook.requests]
        same(len(ids), len(set(ids)))
        log = s.gw.messages().decode()
        assert "deployment.opened a/real-a" in log and "deployment.closed a/real-a" in log, log
        assert SECRET not in log and "token=abc" not in log, "a secret is in the log"


def test_a_refused_credential_is_an_alarm():
    with Scene(lambda r: fail(401), lambda r: http({})) as s:
        s.ask()
        e = s.await_kind("deployment.cooled")
        same((e["deployment"], e["why"], e["alarm"]), ("a/real-a", "credential", True))


def test_a_webhook_that_fails_is_asked_again_in_order_and_holds_nobody_up():
    seen = []

    def hook(r):
        seen.append(json.loads(r.body)["id"])
        return [Never] if len(seen) == 1 else fail(503) if len(seen) == 2 else http({})

    with Scene(lambda r: fail(500), hook) as s:
        start = time.monotonic()
        for _ in range(5):
            s.ask()
        assert time.monotonic() - start < 3, "a slow webhook holds requests up"
        s.hook.wait_for(lambda: len(seen) >= 3, 20)
        same(len(set(seen[:3])), 1, "the same alert is sent until it is taken")


def test_no_webhook_no_harm():
    with Scene(lambda r: fail(500), lambda r: http({}), webhook="http://127.0.0.1:1/") as s:
        for _ in range(4):
            s.ask()
        assert "deployment.opened a/real-a" in s.gw.messages().decode()


def test_the_gateway_itself_sees_that_a_deployment_works_again():
    works = []
    with Scene(lambda r: http(chat_answer("a", usage=(1, 1))) if works else fail(500), lambda r: http({})) as s:
        settings = s.gw.settings
        settings["routing"].update({"probe": {"every": "1s"}, "breaker": {"consecutive_failures": 2, "open_for": "1h"},
            "cooldown": {"min_requests": 1000}})
        s.gw.reload(settings)
        for _ in range(3):
            s.ask()
        s.await_kind("deployment.opened")
        before = len(s.a.requests)
        s.a.wait_for(lambda: len(s.a.requests) >= before + 2, 10)        # probes that fail
        works.append(1)
        s.await_kind("deployment.closed")
        same(s.ask().get("x-sluice-provider"), "a")
        probes = [line for line in s.gw.log_lines() if line["key_name"] == "probe"]
        assert len(probes) >= 3 and probes[-1]["status"] == 200, f"{probes}"
        same(probes[-1]["tokens"]["output"], 1)
        same([p["attempts"][0]["deployment"] for p in probes], ["a/real-a"] * len(probes))
        body = json.loads(next(r for r in s.a.requests if b'"ping"' in r.body).body)
        same((body["model"], body["max_tokens"]), ("real-a", 1))
        n = len(s.a.requests)
        time.sleep(1.5)
        same(len(s.a.requests), n, "one that is in is not probed")


def test_a_probe_under_way_holds_no_shutdown_up():
    with Scene(lambda r: [Never] if b'"ping"' in r.body else fail(500), lambda r: http({})) as s:
        settings = s.gw.settings
        settings["routing"].update({"probe": {"every": "1s"}, "breaker": {"consecutive_failures": 2, "open_for": "1h"}})
        s.gw.reload(settings)
        for _ in range(3):
            s.ask()
        s.a.wait_for(lambda: any(b'"ping"' in r.body for r in s.a.requests), 10)
        start = time.monotonic()
        s.gw.stop()
        assert time.monotonic() - start < 5
        probe, = [line for line in s.gw.log_lines() if line["key_name"] == "probe"]
        same((probe["status"], probe["error"], len(probe["attempts"])), (499, "client_closed_request", 1), "what was asked is written down")


def test_what_speaks_no_chat_is_probed_in_its_own_way_and_leaves_nothing_in_flight():
    works = []
    answer = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1]}], "model": "x", "usage": {"total_tokens": 1}}
    with Scene(lambda r: http(answer) if works else fail(500), lambda r: http({})) as s:
        settings = s.gw.settings
        settings["providers"]["a"]["dialect"] = "voyage"
        settings["routing"].update({"probe": {"every": "1s"}, "breaker": {"consecutive_failures": 2, "open_for": "1h"}})
        s.gw.reload(settings)
        for _ in range(4):
            s.gw.post("/v1/embeddings", json.dumps({"model": "m", "input": "x"}).encode(), timeout=15)
        s.await_kind("deployment.opened")
        works.append(1)
        s.await_kind("deployment.closed")
        assert b'"ping"' in s.a.requests[-1].body, short(s.a.requests[-1].body)
        same(s.gw.metrics()["sluice_requests_in_flight"], 1, "the scrape itself")
