# SPDX-License-Identifier: Apache-2.0
"""What a request says about its routing, in OpenRouter's, Vercel's, Portkey's, Cloudflare's and our own words: that it acts, that it
never goes upstream, and that it widens nothing."""
import json
import time

from harness import (CLIENT_KEY, PATIENT, PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chat_stream, chunk,
    config, event, events_of, http, is_error, same, short, sse)
from provider import Close, Never, Provider, Wait

PATH = "/v1/chat/completions"
OWN_KEY = "sk-own-of-the-request-123456789"
TEAM_KEY, SOME_KEY, EU_KEY = "sk-sl-team-1234567890", "sk-sl-some-1234567890", "sk-sl-eu-1234567890"


class Soon:
    """An event that comes by itself, when what was sent before has been read."""
    @staticmethod
    def wait(timeout=None):
        time.sleep(0.2)
        return True


def fail(status, text="no"):
    return http({"error": {"message": f"{text} {status}", "type": "x"}}, f"{status} No")


def say(text):
    return http(chat_answer(text))


class World:
    """Providers a (in the US, dear, trains on data) and b (in the EU, cheap, keeps nothing); m at both, a first."""

    def __init__(self, a=None, b=None, byok=False, routing=None, **over):
        self.a, self.b = Provider(a or (lambda r: say("a"))), Provider(b or (lambda r: say("b")))

        def at(name, price, **more):
            return {"provider": name, "model": f"real-{name}", "price": {"input": price, "output": price * 2}, **more}
        providers = {n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY + n, **more}
            for n, p, more in (("a", self.a, {"region": "us", "trains_on_data": True}),
                               ("b", self.b, {"region": "eu", "zdr": True, "trains_on_data": False}))}
        both = [at("a", 2), at("b", 1)]
        models = [{"name": "m", "strategy": "ordered", "deployments": both},
                  {"name": "ma", "deployments": [at("a", 2)], "fallbacks": ["mb"]},
                  {"name": "alone", "deployments": [at("a", 2)]},
                  {"name": "mb", "deployments": [at("b", 1)]},
                  {"name": "secret", "deployments": [at("b", 1)]}]
        self.gw = Gateway(config(None, **{
            "providers": providers, "models": models,
            "routing": {**PATIENT, "retries": {"attempts": 2, "base": "1ms", "max": "2ms"}, "byok": byok,
                **(routing or {})},
            "keys": [{"name": "test", "key": CLIENT_KEY}, {"name": "some", "key": SOME_KEY, "models": ["m", "ma"]},
                {"name": "eu", "key": EU_KEY, "team": "eu"}, {"name": "strict", "key": TEAM_KEY, "team": "strict"}],
            "teams": [{"name": "eu", "regions": ["eu"]}, {"name": "strict", "require_zdr": True}], **over}))

    def __enter__(self):
        self.gw.__enter__()
        return self

    def __exit__(self, kind, *e):
        try:
            if kind is None:
                self.nothing_leaked()
            self.gw.__exit__(kind, *e)
        finally:
            self.a.stop()
            self.b.stop()

    def nothing_leaked(self):
        for p in (self.a, self.b):
            same(p.faults, [])
            for q in p.requests:
                head = q.head.decode("latin-1").lower()
                bad = [n for n in ("x-portkey-", "cf-aig-", "x-sluice-") if n in head]
                same(bad, [], "fields that went upstream")
                body = json.loads(q.body) if q.body else {}
                bad = [n for n in ("models", "provider", "providerOptions", "route") if n in body]
                same(bad, [], "members that went upstream")

    def ask(self, model="m", headers=(), key=CLIENT_KEY, **more):
        return self.gw.post(PATH, chat(model=model, **more), headers=headers, key=key, timeout=15)

    def who(self, *args, **more):
        """Who answered: "a", "b", or the error."""
        r = self.ask(*args, **more)
        if r.status != 200:
            return f"{r.status} {r.json()['error']['code']}"
        return r.json()["choices"][0]["message"]["content"]


def sent(request):
    return json.loads(request.body)


def field(name, value):
    return f"{name}: {value if isinstance(value, str) else json.dumps(value)}"


def portkey(value):
    return [field("x-portkey-config", value)]


# -- OpenRouter --------------------------------------------------------------------------------------------------------
def test_openrouters_provider_object():
    with World() as w:
        for provider, want in (({}, "a"), ({"order": ["b"]}, "b"), ({"order": ["B", "A"]}, "b"), ({"only": ["b"]}, "b"),
                ({"ignore": ["a"]}, "b"), ({"sort": "price"}, "b"), ({"sort": {"by": "price", "partition": "model"}}, "b"),
                ({"max_price": {"prompt": 1.5}}, "b"), ({"max_price": {"prompt": "1", "completion": "2"}}, "b"),
                ({"max_price": {"prompt": 0.5}}, "400 invalid_request_error"), ({"zdr": True}, "b"),
                ({"data_collection": "deny"}, "b"), ({"data_collection": "allow"}, "a"), ({"only": ["b/real-b"]}, "b"),
                ({"only": ["b/eu"]}, "b"), ({"only": ["nobody"]}, "400 invalid_request_error"),
                ({"order": ["b"], "allow_fallbacks": False}, "b"), (None, "a"), ({"unheard_of": 1}, "a"),
                ({"only": ["a"], "zdr": True}, "400 invalid_request_error")):
            same(w.who(provider=provider), want, f"{provider}")


def test_wrong_values_name_their_place():
    with World() as w:
        for provider, words in (({"order": 3}, "provider.order: must be a list of names, not 3"),
                ({"order": ["a", 3]}, "provider.order[1]: must be a name, not 3"), ({"zdr": "yes"}, "provider.zdr: must be true or false"),
                ({"sort": "speed"}, "provider.sort: must be price, throughput or latency, not \"speed\""),
                ({"max_price": {"prompt": -1}}, "provider.max_price.prompt"), ("a", "provider: must be an object"),
                ({"data_collection": "no"}, "allow or deny"), ({"enforce_distillable_text": True}, "distill"),
                ({"preferred_max_latency": {"p90": "x"}}, "provider.preferred_max_latency.p90")):
            r = w.ask(provider=provider)
            e = is_error(r, 400, "invalid_request_error")
            assert words in e["message"], f"{provider}: {e['message']}"
        e = is_error(w.ask(models=["m", 5]), 400)
        assert "models[1]" in e["message"], e["message"]
        same((len(w.a.requests), len(w.b.requests)), (0, 0))


def test_allow_fallbacks_false_stays_with_the_order():
    with World(a=lambda r: fail(503)) as w:
        same(w.who(provider={"order": ["a"]}), "b")
        n = len(w.b.requests)
        assert w.who(provider={"order": ["a"], "allow_fallbacks": False})[:3] in ("502", "503")
        assert w.who("ma", provider={"allow_fallbacks": False})[:3] in ("502", "503")
        same(len(w.b.requests), n)
    with World(a=lambda r: fail(503)) as w:
        same(w.who("ma", provider={}), "b")


def test_models_are_tried_in_order():
    with World(a=lambda r: fail(500)) as w:
        r = w.ask("alone", models=["alone", "mb"], route="fallback")
        same((r.status, r.get("x-sluice-provider")), (200, "b"))
        same(sent(w.b.requests[-1])["model"], "real-b")
        same(w.who("alone", models=[]), w.who("alone"))
        is_error(w.ask("alone", models=["mx"]), 404, "model_not_found")
        is_error(w.ask("alone", models=["mb"], route="other"), 400)


def test_a_list_of_models_is_enough():
    with World(a=lambda r: fail(500)) as w:
        for more in ({"models": ["alone", "mb"]}, {"models": ["mb"]}):
            body = chat(**more)
            del body["model"]
            r = w.gw.post(PATH, body)
            same((r.status, r.get("x-sluice-provider")), (200, "b"), short(r.body))
            same(sent(w.b.requests[-1])["model"], "real-b")
        for bad in ([], [5], "mb"):
            body = chat(models=bad)
            del body["model"]
            is_error(w.gw.post(PATH, body), 400)
        body = chat(models=["mb"])
        del body["model"]
        is_error(w.gw.post(PATH, body, key=SOME_KEY), 403, "model_not_allowed")


def test_clients_of_anthropic_too():
    with World() as w:
        body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
        for more, headers in (({"provider": {"only": ["b"]}}, []), ({"providerOptions": {"gateway": {"only": ["b"]}}}, []),
                ({}, portkey({"provider": "b"})), ({}, ["x-sluice-region: eu"])):
            r = w.gw.post("/v1/messages", {**body, **more}, headers=headers)
            same((r.status, r.get("x-sluice-provider")), (200, "b"), short(r.body))
        e = w.gw.post("/v1/messages", {**body, "provider": 5}).json()
        same(e["type"], "error")
        cfg = {"override_params": {"max_tokens": 7}}
        same(w.gw.post("/v1/messages", body, headers=portkey(cfg)).status, 200)
        same(sent(w.a.requests[-1])["max_tokens"], 7)
        r = w.gw.post("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
            headers=portkey({"provider": "b", "override_params": {"generationConfig": {"temperature": 0.5}}}))
        same((r.status, r.get("x-sluice-provider")), (200, "b"), short(r.body))
        same(sent(w.b.requests[-1])["temperature"], 0.5)


def test_streams_too():
    with World(a=lambda r: fail(500), b=lambda r: sse(*chat_stream("from b"))) as w:
        r = w.ask("alone", models=["mb"], stream=True, provider={"zdr": False})
        same(r.status, 200)
        assert b"from b" in r.body and b"[DONE]" in r.body


# -- Vercel ------------------------------------------------------------------------------------------------------------
def test_vercels_gateway_options():
    with World() as w:
        for options, want in (({"order": ["b"]}, "b"), ({"only": ["b"]}, "b"), ({"sort": "cost"}, "b"), ({"zeroDataRetention": True}, "b"),
                ({"disallowPromptTraining": True}, "b"), ({"user": "u-1", "tags": ["x", "y"]}, "a"), ({}, "a"),
                ({"hipaaCompliant": True}, "400 invalid_request_error"), ({"sort": "price"}, "400 invalid_request_error"),
                ({"models": [{"model": "mb", "when": {}}]}, "400 invalid_request_error")):
            same(w.who(providerOptions={"gateway": options, "openai": {"x": 1}}), want, f"{options}")
        same(w.who(providerOptions={"gateway": {"only": ["a"]}}, provider={"only": ["b"]}), "400 invalid_request_error")
        same(w.who(providerOptions={"gateway": {"order": ["b"]}}, provider={"order": ["a"]}), "a", "OpenRouter's word wins")
    with World(a=lambda r: fail(500)) as w:
        same(w.who("alone", providerOptions={"gateway": {"models": ["mb"]}}), "b")


# -- Portkey -----------------------------------------------------------------------------------------------------------
def test_portkeys_fallback():
    def target(name, model=None, **more):
        return {"provider": name, **({"override_params": {"model": model}} if model else {}), **more}
    with World(a=lambda r: fail(500)) as w:
        cfg = {"strategy": {"mode": "fallback"}, "targets": [target("@a"), target("b", "mb")]}
        same(w.who("alone", portkey(cfg)), "b")
        cfg = {"strategy": {"mode": "fallback", "on_status_codes": [429]}, "targets": [target("a"), target("b")]}
        assert w.who("m", portkey(cfg)).startswith("50"), "500 is not in the list"
        cfg = {"strategy": {"mode": "fallback", "on_status_codes": [500]}, "targets": [target("a"), target("b")]}
        same(w.who("m", portkey(cfg)), "b")
        same(sent(w.b.requests[-1])["model"], "real-b")
        w.a.forget()
        assert w.who("m", portkey({"provider": "a", "retry": {"attempts": 0}})).startswith("50")
        same(len(w.a.requests), 1)


def test_portkeys_targets_name_models_at_providers():
    with World() as w:
        same(w.who("anything", portkey({"provider": "b", "override_params": {"model": "new-model"}})), "b")
        same(sent(w.b.requests[-1])["model"], "new-model")
        same(w.who("raw-name", ["x-portkey-provider: @b"]), "b")
        same(sent(w.b.requests[-1])["model"], "raw-name")
        same(w.who("m", portkey({"override_params": {"model": "@b/slug-model"}})), "b")
        same(sent(w.b.requests[-1])["model"], "slug-model")
        same(w.who("m", ["x-portkey-provider: nobody"]), "400 invalid_request_error")


def test_portkeys_loadbalance_draws_by_weight():
    with World() as w:
        cfg = {"strategy": {"mode": "loadbalance"}, "targets": [{"provider": "a", "weight": 0.25}, {"provider": "b", "weight": 0.75}]}
        got = [w.who("m", portkey(cfg)) for _ in range(200)]
        assert 20 < got.count("a") < 85 and got.count("a") + got.count("b") == 200, got.count("a")
        cfg["targets"][1]["weight"] = 0
        same({w.who("m", portkey(cfg)) for _ in range(10)}, {"a"})


def test_portkeys_conditions():
    def routed(query, want, metadata=None, **more):
        cfg = {"strategy": {"mode": "conditional", "conditions": [{"query": query, "then": "B"}], "default": "A"},
            "targets": [{"name": "A", "provider": "a"}, {"name": "B", "provider": "b"}]}
        headers = portkey(cfg) + ([field("x-portkey-metadata", metadata)] if metadata else [])
        same(w.who("m", headers, **more), want, f"{query} {metadata} {more}")
    with World() as w:
        routed({"metadata.plan": {"$eq": "paid"}}, "b", {"plan": "paid"})
        routed({"metadata.plan": {"$eq": "paid"}}, "a", {"plan": "free"})
        routed({"metadata.plan": "paid"}, "b", {"plan": "paid"})
        routed({"metadata.plan": {"$ne": "paid"}}, "b")
        routed({"$or": [{"metadata.x": {"$in": ["1", "2"]}}, {"params.temperature": {"$gt": 1}}]}, "b", temperature=1.5)
        routed({"$and": [{"params.max_tokens": {"$lte": 100}}, {"params.model": {"$regex": "^m$"}}]}, "b", max_tokens=50)
        routed({"$and": [{"params.max_tokens": {"$lte": 100}}, {"params.model": {"$regex": "^m$"}}]}, "a", max_tokens=500)
        routed({"url.pathname": {"$regex": "/chat/"}}, "b")
        routed({"metadata.region": {"$nin": ["us"]}}, "a", {"region": "us"})
        e = is_error(w.ask("m", portkey({"strategy": {"mode": "conditional", "conditions": [
            {"query": {"metadata.x": {"$regex": "(a+)+$"}}, "then": "A"}], "default": "A"}, "targets": [{"name": "A", "provider": "a"}]})
            + [field("x-portkey-metadata", {"x": "a" * 5000 + "!"})]), 400)
        assert "steps" in e["message"], e["message"]


def test_portkeys_parameters():
    with World() as w:
        cfg = {"override_params": {"temperature": 0.1, "metadata": {"x": "y"}}, "default_params": {"top_p": 0.5, "seed": 7},
            "drop_params": ["user", "model"]}
        same(w.who("m", portkey(cfg), temperature=2, seed=3, user="me"), "a")
        body = sent(w.a.requests[-1])
        same({k: v for k, v in body.items() if k != "messages"},
            {"model": "real-a", "temperature": 0.1, "metadata": {"x": "y"}, "top_p": 0.5, "seed": 3})
        is_error(w.ask("m", portkey({"override_params": {"stream": True}})), 400)
        is_error(w.ask("m", portkey({"override_params": {"messages": [{"role": "user", "content": "other"}]}})), 400)
    with World(a=lambda r: fail(500)) as w:
        cfg = {"strategy": {"mode": "fallback"}, "targets": [{"provider": "a", "override_params": {"temperature": 1}},
            {"provider": "b", "override_params": {"top_p": 0.5}}]}
        same(w.who("m", portkey(cfg)), "b")
        same(sent(w.a.requests[0])["temperature"], 1)
        assert "temperature" not in sent(w.b.requests[0]) and sent(w.b.requests[0])["top_p"] == 0.5, short(w.b.requests[0].body)


def test_parameters_are_not_looked_for_among_any_number_of_members():
    with World() as w:
        many = {f"c{i}": 1 for i in range(100000)}
        params = {f"b{i}": 1 for i in range(60)}
        started = time.monotonic()
        is_error(w.ask("m", portkey({"override_params": params}), **many), {413}, "request_too_large")
        assert time.monotonic() - started < 1 * SLOW, "it was done all the same"
        same(len(w.a.requests) + len(w.b.requests), 0)


def test_what_portkey_would_do_and_we_do_not_is_refused():
    with World() as w:
        for value, words in (("pc-my-config", "pc-my-config"), ("{", "x-portkey-config"), ({"targets": []}, "targets"),
                ({"strategy": {"mode": "fallback"}}, "targets"), ({"targets": [{"provider": "a"}]}, "strategy.mode"),
                ({"provider": "a", "custom_host": "http://127.0.0.1:1"}, "custom_host"),
                ({"provider": "a", "input_guardrails": ["x"]}, "input_guardrails"), ({"cache": {"mode": "odd"}}, "cache.mode")):
            e = is_error(w.ask("m", portkey(value)), 400)
            assert words in e["message"], f"{value}: {e['message']}"
        is_error(w.ask("m", ["x-portkey-custom-host: http://127.0.0.1:1"]), 400)
        same(w.who("m", portkey({"cache": {"mode": "simple", "max_age": 60}})), "a")


def test_a_stream_that_is_cut_goes_on_with_the_next_target():
    cut = SSE_HEAD + chunk(event(chat_chunk("Hello, ")))
    with World(a=lambda r: [cut, Wait(Soon), Close], b=lambda r: sse(*chat_stream("world")), routing={"stream_failover": "continue"}) as w:
        cfg = {"strategy": {"mode": "fallback"}, "retry": {"attempts": 0}, "targets": [{"provider": "a", "override_params": {"temperature": 1}},
            {"provider": "b", "override_params": {"top_p": 0.5}}]}
        r = w.ask("m", portkey(cfg), stream=True)
        text = "".join(e["choices"][0]["delta"].get("content") or "" for e in events_of(r.body) if e != "[DONE]" and e["choices"])
        same((r.status, text), (200, "Hello, world"), short(r.body))
        body = sent(w.b.requests[0])
        assert body["top_p"] == 0.5 and "temperature" not in body and "Hello, " in json.dumps(body), short(w.b.requests[0].body)


# -- Cloudflare, and our own fields ------------------------------------------------------------------------------------
def test_cloudflares_timeout_and_attempts():
    with World(a=lambda r: [Never]) as w:
        start = time.monotonic()
        same(w.who("m", ["cf-aig-request-timeout: 300"]), "b")
        assert 0.2 < time.monotonic() - start < 3 * SLOW
    with World(a=lambda r: fail(503)) as w:
        for n in (1, 2, 5):
            w.a.forget()
            assert w.who("alone", [f"cf-aig-max-attempts: {n}", "cf-aig-retry-delay: 1", "cf-aig-backoff: constant"]).startswith("50")
            same(len(w.a.requests), n)
            time.sleep(0)
    with World() as w:
        same(w.who("m", ["cf-aig-skip-cache: true", "cf-aig-cache-ttl: 60", "cf-aig-cache-key: k", 'cf-aig-metadata: {"a": "b"}',
            "cf-aig-event-id: e", "cf-aig-custom-cost: {}", "cf-aig-authorization: Bearer x", "cf-aig-collect-log: true"]), "a")
        for bad in ("cf-aig-request-timeout: soon", "cf-aig-max-attempts: 0", "cf-aig-backoff: odd", "cf-aig-metadata: [1]"):
            is_error(w.ask("m", [bad]), 400)


def test_ids_of_other_gateways_are_the_clients_id():
    with World() as w:
        for header in ("x-portkey-trace-id: trace-1", "cf-aig-event-id: event-1"):
            same(w.ask("m", [header]).status, 200)
        same(w.ask("m", ["x-sluice-request-id: ours-1", "x-portkey-trace-id: trace-2"]).status, 200)
        same(w.ask("m", ["x-portkey-trace-id: a b"]).status, 200)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and b"ours-1" not in w.gw.messages():
            time.sleep(0.01)
        log = w.gw.messages()
        assert b"trace-1" in log and b"event-1" in log and b"ours-1" in log and b"trace-2" not in log


def test_our_own_fields():
    with World() as w:
        same(w.who("m", ["x-sluice-zdr: require"]), "b")
        same(w.who("m", ["x-sluice-region: eu"]), "b")
        same(w.who("m", ["x-sluice-region: us, eu"]), "a")
        same(w.who("m", ["x-sluice-region: moon"]), "403 policy_violation")
        same(w.who("m", ['x-sluice-metadata: {"a": 1}']), "a")
        for bad in ("x-sluice-zdr: maybe", "x-sluice-retries: -1", "x-sluice-retries: 1000", "x-sluice-metadata: {", "x-sluice-metadata: 3",
                "x-sluice-timeout: first=1s", "x-sluice-timeout: connect=", "x-sluice-region: ,", "x-sluice-explain: perhaps"):
            e = is_error(w.ask("m", [bad]), 400)
            assert bad.split(":")[0] in e["message"], e["message"]
        is_error(w.ask("m", ["x-sluice-retries: 1", "x-sluice-retries: 2"]), 400)
    with World(a=lambda r: fail(503)) as w:
        assert w.who("alone", ["x-sluice-retries: 0"]).startswith("50")
        same(len(w.a.requests), 1)
    with World(a=lambda r: [Never]) as w:
        same(w.who("m", ["x-sluice-timeout: first_byte=200ms, connect=1s"]), "b")
        same(w.who("m", ["x-sluice-timeout: total=200ms"])[:3], "504")


# -- what is not widened -----------------------------------------------------------------------------------------------
def test_a_key_for_some_models_gets_no_others():
    with World(byok=True) as w:
        def refused(*args, **more):
            same(w.who(*args, key=SOME_KEY, **more), "403 model_not_allowed", f"{args} {more}")
        same(w.who("m", key=SOME_KEY), "a")
        refused("m", models=["secret"])
        refused("m", providerOptions={"gateway": {"models": ["secret"]}})
        refused("m", portkey({"override_params": {"model": "secret"}}))
        refused("m", portkey({"provider": "b", "override_params": {"model": "real-b"}}))
        refused("m", portkey({"strategy": {"mode": "fallback"}, "targets": [{}, {"override_params": {"model": "b/x"}}]}))
        refused("m", portkey({"provider": "b", "api_key": OWN_KEY, "override_params": {"model": "gpt"}}))
        refused("secret")
        same(w.who("m", key=SOME_KEY, provider={"only": ["b"]}), "b")
        same(w.who("m:floor", key=SOME_KEY), "b")
        same(w.who("ma", key=SOME_KEY, models=["m"]), "a")
        assert not any(sent(q)["model"] not in ("real-a", "real-b") for q in w.a.requests + w.b.requests)


def test_the_policy_of_a_team_holds_whatever_a_request_says():
    with World(byok=True) as w:
        for key in (EU_KEY, TEAM_KEY):
            same(w.who("m", key=key), "b")
            same(w.who("m", key=key, provider={"order": ["a"]}), "b")
            same(w.who("m", key=key, provider={"only": ["a"]})[:2], "40")
            same(w.who("m", key=key, provider={"zdr": False}), "b")
            same(w.who("alone", key=key), "403 policy_violation")
            same(w.who("a/x", key=key), "403 policy_violation")
            same(w.who("m", portkey({"provider": "a"}), key=key)[:2], "40")
            same(w.who("m", portkey({"provider": "a", "api_key": OWN_KEY}), key=key)[:2], "40")
            same(w.gw.post("/passthrough/a/v1/x", {}, key=key).status, 403)
            same(w.gw.post("/passthrough/b/v1/x", {}, key=key).status, 200)
        same(len(w.a.requests), 0)
        for header, want in (("x-sluice-zdr: require", 403), ("x-sluice-region: eu", 403), ("x-sluice-region: us", 200),
                ("x-portkey-provider: b", 400), ("x-sluice-timeout: total=5s", 200), ("x-sluice-timeout: x=1", 400)):
            same(w.gw.post("/passthrough/a/v1/x", {}, headers=[header]).status, want, header)
        same(w.who("m", ["x-sluice-region: us"], key=EU_KEY), "403 policy_violation")


MSG = [{"role": "user", "content": "hi"}]
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
# Every way to name a model, for a key that may use m and ma: (path, body, headers), who answers or the status.
NAMED = (
    (("/v1beta/models/secret:generateContent", GEMINI), 403),
    (("/v1beta/models/b%2Freal:generateContent", GEMINI), 403),
    (("/v1/messages", {"model": "m", "max_tokens": 5, "messages": MSG, "models": ["secret"]}), 403),
    (("/v1/messages", {"model": "m", "max_tokens": 5, "messages": MSG, "fallbacks": [{"model": "secret"}]}), "a"),
    (("/v1/messages/count_tokens", {"model": "secret", "messages": MSG}), 403),
    (("/v1/responses", {"model": "m", "input": "x", "models": ["secret"]}), 403),
    (("/v1/embeddings", {"model": "m", "input": "x", "models": ["secret"]}), 403),
    ((PATH, {"model": "m", "messages": MSG}, portkey({"default_params": {"model": "secret"}})), "a"),
    ((PATH, {"model": "m", "messages": MSG}, portkey({"override_params": {"models": ["secret"], "route": "fallback"}})), "a"),
    ((PATH, {"model": "m", "messages": MSG}, portkey({"override_params": {"model": "@b/real-b"}})), 403),
    ((PATH, {"model": "m", "messages": MSG}, portkey({"drop_params": ["model", "messages"]})), "a"),
    ((PATH, b'{"model":"m","model":"secret","messages":[]}'), 400),
    ((PATH, b'{"model":"m","mod\\u0065l":"secret","messages":[]}'), 400),
    ((PATH, b'{"model":"m","mod\\u0065ls":["secret"],"messages":[{"role":"user","content":"x"}]}'), 403),
    ((PATH, b'{"model":"m","models":["m"],"models":["secret"],"messages":[]}'), 400),
    ((PATH, {"model": "real-b", "messages": MSG}, ["x-portkey-provider: b"]), 403),
    ((PATH, {"model": "m", "messages": MSG}, ["x-portkey-provider: b"]), "b"),
    *(((PATH, {"model": n, "messages": MSG}), 403) for n in ("@b/real-b", "b/real-b", "secret:nitro", "m:nitro:floor", " m", "M", "m\u0000")),
)


def test_no_way_to_name_a_model_widens_a_key():
    with World(byok=True) as w:
        for (path, body, *headers), want in NAMED:
            for p in (w.a, w.b):
                p.forget()
            r = w.gw.post(path, body, headers=headers[0] if headers else (), key=SOME_KEY, timeout=10)
            asked = [n for n, p in (("a", w.a), ("b", w.b)) for q in p.requests]
            same((r.status, asked), (200, [want]) if isinstance(want, str) else (want, []), f"{path} {body} {headers}: {short(r.body)}")
        for path, body in (("/v1/files", {}), ("/v1/batches", {})):
            same(w.gw.post(path, body, headers=["x-sluice-provider: a"], key=EU_KEY).status, 403, path)
        same(w.gw.post("/v1/embeddings", {"model": "alone", "input": "x"}, key=EU_KEY).status, 403)


# -- credentials of the request ----------------------------------------------------------------------------------------
def test_own_credentials_need_the_setting():
    ways = ({"headers": portkey({"provider": "a", "api_key": OWN_KEY})},
            {"providerOptions": {"gateway": {"byok": {"a": [{"apiKey": OWN_KEY}]}}}})
    with World() as w:
        for way in ways:
            e = is_error(w.ask("m", **way), 403, "policy_violation")
            assert "routing.byok" in e["message"]
        same(len(w.a.requests), 0)
    with World(byok=True, a=lambda r: http({"error": {"message": f"bad key {OWN_KEY}"}}, "400 No",
                                           headers=[f"x-echo: {OWN_KEY}"])) as w:
        for way in ways:
            r = w.ask("m", **way)
            same(r.status, 400)
            assert OWN_KEY.encode() not in r.body and OWN_KEY not in r.head.decode("latin-1"), short(r.body)
            same(w.a.requests[-1].get("authorization"), f"Bearer {OWN_KEY}")
            assert PROVIDER_KEY not in w.a.requests[-1].head.decode("latin-1")
        assert OWN_KEY.encode() not in w.gw.messages()
        assert b'"own_key":true' in w.gw.messages()
        for bad in ("a\r\nx-evil: 1", "", "ä", 5, None):
            r = w.ask("m", providerOptions={"gateway": {"byok": {"a": [{"apiKey": bad}]}}})
            same(r.status, 400, repr(bad))
        for bad in ("a\r\nx-evil: 1", "ä", 5):
            same(w.ask("m", portkey({"provider": "a", "api_key": bad})).status, 400, repr(bad))
        same({q.get("authorization") for q in w.a.requests}, {f"Bearer {OWN_KEY}"})


def test_an_own_credential_costs_the_gateway_nothing():
    with World(byok=True) as w:
        r = w.ask("m", portkey({"provider": "a", "api_key": OWN_KEY}))
        same((r.status, r.get("x-sluice-cost-usd")), (200, "0"))
        r = w.ask("m")
        assert float(r.get("x-sluice-cost-usd")) > 0


def test_the_plan_is_told_where_it_is_asked_for():
    with World() as w:
        same(w.ask("m").get("x-sluice-plan"), None)
        plan = w.ask("m", ["x-sluice-explain: true", "x-sluice-zdr: require"]).get("x-sluice-plan")
        assert "b/real-b" in plan and "a/real-a excluded:zdr" in plan, plan


def test_a_bad_credential_of_one_request_is_no_fault_of_the_deployment():
    def answer(r):
        return say("a") if r.get("authorization") != f"Bearer {OWN_KEY}" else fail(401)
    with World(byok=True, a=answer) as w:
        for _ in range(12):
            w.who("m", portkey({"provider": "a", "api_key": OWN_KEY}))
        same(w.who("m"), "a")
