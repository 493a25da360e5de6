# SPDX-License-Identifier: Apache-2.0
"""Who may ask: client keys, the admin key, models allowed per key, the admin API of keys, and what was spent."""
import json
import time

from harness import (CLIENT_KEY, PROVIDER_KEY, SSE_HEAD, Gateway, Stage, chat, chat_answer, chat_chunk, chat_stream, chunk,
                     config, event, http, is_error, no_secret, same, short, sse)
from provider import Close, Never, Provider

PATH = "/v1/chat/completions"
PRICE = {"input": 2, "output": 10, "cache_read": 0.5}     # dollars for a million tokens
# The paths that nobody needs a key for. Each is listed here by hand: a new one must be thought about.
OPEN = {"/", "/health/live", "/health/ready", "/livez", "/readyz", "/health/liveliness", "/health/readiness",
    "/openapi.json", "/metrics"}


def priced(provider, **over):
    cfg = config(provider, **over)
    for m in cfg["models"]:
        for d in m["deployments"]:
            d["price"] = PRICE
    return cfg


class World(Stage):
    def __init__(self, answer=None, **over):
        self.provider = Provider(answer or (lambda r: http(chat_answer())))
        self.gw = Gateway(priced(self.provider, **over))

    def ask(self, key=CLIENT_KEY, model="m", **kw):
        return self.gw.post(PATH, chat(model=model), key=key, **kw)

    def make_key(self, **spec):
        r = self.gw.admin("POST", "/admin/v1/keys", spec)
        same(r.status, 201, short(r.body))
        return r.json()


def test_missing_unknown_revoked_and_expired_keys_get_one_text():
    with World() as w:
        revoked, soon = w.make_key(name="revoked"), w.make_key(name="soon",
            expires_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2)))
        same(w.gw.admin("DELETE", f"/admin/v1/keys/{revoked['id']}").status, 204)
        time.sleep(2.1)                 # the one thing here that only time does
        texts = set()
        for key, fields in ((None, ()), (None, ["Authorization: Bearer"]), (None, ["Authorization: Bearer "]),
                (None, ["Authorization: Basic eDp5"]), (None, [f"Authorization: Basic {CLIENT_KEY}"]),
                (None, [f"Authorization: {CLIENT_KEY}"]),
                            ("sk-sl-nobody", ()), (CLIENT_KEY[:-1], ()), (CLIENT_KEY + "x", ()),
                                (CLIENT_KEY.upper(), ()), (" ", ()), ("\u00e9", ()), ("x" * 4000, ()),
                                (PROVIDER_KEY, ()), (revoked["key"], ()), (soon["key"], ()),
                            (None, ["x-api-key: nobody"]), (None, ["x-api-key:"]), ("key_" + revoked["id"], ())):
            e = is_error(w.ask(key, headers=fields), 401, "invalid_api_key")
            texts.add(json.dumps({k: v for k, v in e.items() if k != "request_id"}, sort_keys=True))
        same(len(texts), 1, f"texts: {texts}")
        same(len(w.provider.requests), 0)


def test_two_credentials_are_not_better_than_one():
    with World() as w:
        r = w.ask("sk-nobody", headers=[f"x-api-key: {CLIENT_KEY}"])
        assert r.status in (400, 401), f"{r.status}"
        r = w.ask(None, headers=[f"Authorization: Bearer {CLIENT_KEY}", "Authorization: Bearer other"])
        assert r.status in (400, 401), f"{r.status} with two Authorization fields"


def test_portkeys_clients_show_their_key_in_its_own_field():
    with World() as w:
        name = "x-portkey-api-key"
        for bearer, fields, status in ((None, [f"{name}: {CLIENT_KEY}"], 200), ("sk-of-a-provider", [f"{name}: {CLIENT_KEY}"], 200),
                (None, [f"{name}: {CLIENT_KEY}", f"{name}: {CLIENT_KEY}"], 200), (CLIENT_KEY, [f"{name}: sk-nobody"], 401),
                (None, [f"{name}: {CLIENT_KEY}", f"{name}: sk-nobody"], 401), (CLIENT_KEY, [f"{name}:"], 200)):
            same(w.ask(bearer, headers=fields).status, status, f"{bearer} {fields}")
        for q in w.provider.requests:
            head = q.head.decode("latin-1").lower()
            assert "portkey" not in head and CLIENT_KEY not in head and "sk-of-a-provider" not in head, head


def test_every_route_needs_a_key_but_those_that_are_meant_to_be_open():
    with World() as w:
        doc = w.gw.get("/openapi.json", key=None).json()
        assert doc["openapi"].startswith("3."), doc
        routes = [(m.upper(), p) for p, ops in doc["paths"].items() for m in ops if m in ("get", "post", "put", "patch",
            "delete")]
        assert len(routes) > 20, routes
        known = {p for _, p in routes}
        for p in ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings", "/v1/completions",
                "/v1/models", "/admin/v1/keys", "/admin/v1/spend", "/health/live"):
            assert p in known, f"{p} is not in /openapi.json"
        for method, path in routes:
            import re
            concrete = re.sub(r"\{[^}]*\}", "x", path)
            admin = path.startswith("/admin")
            body = b"{}" if method in ("POST", "PUT", "PATCH") else None
            r = w.gw.request(method, concrete, body, key=None)
            no_secret(r)
            if path in OPEN:
                assert r.status in (200, 204, 302, 503), f"{method} {path}: {r.status}"
            else:
                same(r.status, 401, f"{method} {path} without a key")
                same(w.gw.request(method, concrete, body, key="sk-nobody").status, 401,
                    f"{method} {path} with an unknown key")
                if admin:
                    same(w.gw.request(method, concrete, body).status, 403, f"{method} {path} with a client's key")


def test_head_and_the_like_do_not_pass_where_get_does_not():
    with World() as w:
        for method in ("HEAD", "OPTIONS"):
            for path in ("/admin/v1/keys", "/v1/models", "/admin/v1/spend"):
                r = w.gw.request(method, path, key=None)
                assert r.status in (401, 405), f"{method} {path}: {r.status}"
        for path in ("/admin/v1/keys/", "/admin//v1/keys", "/admin/v1/keys?x", "/admin/v1/../v1/keys",
                "/admin/./v1/keys", "/Admin/v1/keys", "/admin/v1/keys%2f", "/v1/../admin/v1/keys", "//admin/v1/keys",
                "/admin/v1/keys;x"):
            for key in (None, CLIENT_KEY):
                r = w.gw.get(path, key=key)
                assert r.status in (400, 401, 403, 404, 405), f"{path}: {r.status}"


def test_a_key_may_only_use_its_models():
    with World(keys=[{"name": "some", "key": "sk-some", "models": ["m", "fast/*"]},
            {"name": "all", "key": CLIENT_KEY}]) as w:
        same(w.ask("sk-some").status, 200)
        for model in ("other", "fast", "M", "up/real-m", "mm"):
            is_error(w.ask("sk-some", model), 403, "model_not_allowed")
        is_error(w.ask("sk-some", "fast/x"), 404, "model_not_found")
        same(w.ask(model="up/real-m").status, 200)
        ids = [x["id"] for x in w.gw.get("/v1/models", key="sk-some").json()["data"]]
        same(ids, ["m"], "models that the key may see")
        r = w.gw.post("/v1/messages", {"model": "other", "max_tokens": 1, "messages": [{"role": "user",
            "content": "x"}]}, key="sk-some")
        same((r.status, r.json()["error"]["type"]), (403, "permission_error"))


# -- the admin API of keys ---------------------------------------------------------------------------------------------
def test_a_new_key_works_at_once_and_is_shown_once():
    with World() as w:
        k = w.make_key(name="new", team="blue", user="ann", tags=["a", "b"], models=["m"])
        assert k["id"].startswith("key_") and k["key"].startswith("sk-sl-") and len(k["key"]) > 30, k
        same((k["name"], k.get("team"), k.get("models")), ("new", "blue", ["m"]))
        same(w.ask(k["key"]).status, 200)
        r = w.gw.admin("GET", "/admin/v1/keys")
        same(r.status, 200)
        row, = [x for x in r.json()["data"] if x["id"] == k["id"]]
        assert "key" not in row and k["key"].encode() not in r.body, "the key is shown again"
        same(row["name"], "new")
        assert k["key"].encode() not in w.gw.admin("GET", f"/admin/v1/keys/{k['id']}").body
        assert k["key"].encode() not in w.gw.messages()
        for f in w.gw.dir.rglob("*"):
            if f.is_file():
                assert k["key"].encode() not in f.read_bytes(), f"the key stands in {f.name}"


def test_a_revoked_key_stops_at_once_on_every_loop_and_on_open_connections():
    with World(workers=2) as w:
        from strict import message
        k = w.make_key(name="k")
        raw = message(auth=b"Authorization: Bearer " + k["key"].encode())
        clients = [w.gw.client() for _ in range(8)]
        for c in clients:
            c.send(raw)
            same(c.answer().status, 200)
        same(w.gw.admin("DELETE", f"/admin/v1/keys/{k['id']}").status, 204)
        n = len(w.provider.requests)
        for c in clients:
            c.send(raw)
            same(c.answer().status, 401)
            c.close()
        same(len(w.provider.requests), n)
        assert w.gw.admin("DELETE", f"/admin/v1/keys/{k['id']}").status in (204, 404)
        is_error(w.gw.admin("DELETE", "/admin/v1/keys/key_00000000000000000000000000"), 404)


def test_keys_are_listed_page_by_page():
    with World() as w:
        made = {w.make_key(name=f"k{i}")["id"] for i in range(7)}
        seen, cursor, pages = set(), "", 0
        while True:
            r = w.gw.admin("GET", f"/admin/v1/keys?limit=3{'&cursor=' + cursor if cursor else ''}")
            same(r.status, 200, short(r.body))
            page = r.json()
            assert len(page["data"]) <= 3
            ids = {x["id"] for x in page["data"]}
            assert not ids & seen, "a key on two pages"
            seen |= ids
            pages += 1
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert made <= seen and pages >= 3, (made - seen, pages)
        for bad in ("limit=0", "limit=-1", "limit=x", "limit=99999999", "cursor=garbage"):
            r = w.gw.admin("GET", f"/admin/v1/keys?{bad}")
            assert r.status in (200, 400), f"{bad}: {r.status}"


def test_a_bad_key_request_is_400_and_says_which_member():
    with World() as w:
        for body in (b"", b"{", b"[]", b"null", {"name": 1}, {"name": ""}, {"name": "x" * 10000},
                {"name": "a", "models": "m"}, {"name": "a", "models": [1]}, {"name": "a", "expires_at": "soon"},
                     {"name": "a", "role": "king"}, {"name": "a", "nonsense": 1}, {"name": "a\u0000b"},
                         {"name": "a\nb"}, {"name": "a", "expires_at": -1}, {"name": "a",
                         "expires_at": "2001-01-01T00:00:00Z"}):
            r = w.gw.admin("POST", "/admin/v1/keys", body)
            e = is_error(r, 400)
            if isinstance(body, dict) and len(body) > 1:
                name = list(body)[-1]
                assert name in e["message"], f"{body}: {e['message']}"


def test_an_idempotency_key_makes_one_key():
    with World() as w:
        a = w.gw.admin("POST", "/admin/v1/keys", {"name": "once"}, headers=["Idempotency-Key: abc"])
        b = w.gw.admin("POST", "/admin/v1/keys", {"name": "once"}, headers=["Idempotency-Key: abc"])
        same((a.status, b.status), (201, 201), short(b.body))
        same(a.json()["id"], b.json()["id"])
        c = w.gw.admin("POST", "/admin/v1/keys", {"name": "other"}, headers=["Idempotency-Key: abc"])
        assert c.status in (400, 409, 422), f"{c.status} for another body with the same Idempotency-Key"
        same(len([x for x in w.gw.admin("GET", "/admin/v1/keys").json()["data"] if x["name"] == "once"]), 1)


def test_a_key_with_the_admin_role_is_an_admin_and_no_other_is():
    with World() as w:
        k = w.make_key(name="boss", role="admin")
        same(w.gw.get("/admin/v1/keys", key=k["key"]).status, 200)
        for path in ("/admin/v1/keys", "/admin/v1/spend", "/admin/v1/logs"):
            is_error(w.gw.get(path), 403)
        is_error(w.gw.post("/admin/v1/keys", {"name": "x", "role": "admin"}), 403)


def test_keys_outlive_a_restart_and_revoked_ones_stay_dead():
    with World() as w:
        alive, dead = w.make_key(name="alive"), w.make_key(name="dead")
        w.gw.admin("DELETE", f"/admin/v1/keys/{dead['id']}")
        w.gw.stop()
        w.gw.start()
        w.gw.stopped = False
        same(w.ask(alive["key"]).status, 200)
        same(w.ask(dead["key"]).status, 401)


def test_an_admin_key_is_made_at_the_first_start_and_its_file_is_named():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider,
            admin=None) | {"admin": {}}) as gw:
        path = gw.dir / "data" / "admin_key"
        assert path.exists(), list(gw.dir.rglob("*"))
        same(path.stat().st_mode & 0o777, 0o600)
        key = path.read_text().strip()
        assert b"admin_key" in gw.messages() and key.encode() not in gw.messages()
        same(gw.get("/admin/v1/keys", key=key).status, 200)


def test_an_edited_key_is_another_at_once():
    with World() as w:
        k = w.make_key(name="k", models=["m"])
        same(w.ask(k["key"]).status, 200)
        r = w.gw.admin("PATCH", f"/admin/v1/keys/{k['id']}", {"name": "k2", "models": ["other"]})
        same(r.status, 200, short(r.body))
        same((r.json()["name"], r.json()["models"]), ("k2", ["other"]))
        same(w.ask(k["key"]).status, 403)
        same(w.gw.admin("PATCH", f"/admin/v1/keys/{k['id']}", {"models": ["m"]}).status, 200)
        same(w.ask(k["key"]).status, 200)
        is_error(w.gw.admin("PATCH", f"/admin/v1/keys/{k['id']}", {"key": "sk-mine"}), 400)
        is_error(w.gw.admin("PATCH", "/admin/v1/keys/key_00000000000000000000000000", {"name": "x"}), 404)


def test_a_rotated_key_changes_its_text():
    with World() as w:
        k = w.make_key(name="k")
        r = w.gw.admin("POST", f"/admin/v1/keys/{k['id']}/rotate", {})
        assert r.status in (200, 201), short(r.body)
        same(r.json()["id"], k["id"])
        same((w.ask(k["key"]).status, w.ask(r.json()["key"]).status), (401, 200))


# -- spend -----------------------------------------------------------------------------------------------------------
def spend(gw, query=""):
    r = gw.admin("GET", "/admin/v1/spend" + query)
    same(r.status, 200, short(r.body))
    return r.json()["data"]


def total(gw, query=""):
    row, = spend(gw, query)
    return row


def test_what_was_spent_is_there_when_the_answer_is_and_money_is_a_decimal_string():
    with World(lambda r: http(chat_answer(usage=(1000, 500)))) as w:
        r = w.ask()
        same(r.get("x-sluice-cost-usd"), "0.007")       # 1000 × 2 $ + 500 × 10 $ for a million
        t = total(w.gw)
        same((t["requests"], t["cost_usd"]), (1, "0.007"))
        same({k: t["tokens"][k] for k in ("input", "output")}, {"input": 1000, "output": 500})
        for i in range(2, 12):
            w.ask()
            same(total(w.gw)["requests"], i, "the record is there before the answer's last byte")
        same(total(w.gw)["cost_usd"], "0.077")


def test_streams_are_charged_by_what_the_provider_reports():
    with World(lambda r: sse(*chat_stream("a", "b", usage=(3, 4)))) as w:
        r = w.gw.post(PATH, chat(stream=True))
        same(r.status, 200)
        t = total(w.gw)
        same((t["requests"], t["cost_usd"], t["tokens"]["input"], t["tokens"]["output"]), (1, "0.000046", 3, 4))


def test_cached_tokens_are_charged_at_their_own_price():
    a = chat_answer(usage=(1000, 0))
    a["usage"]["prompt_tokens_details"] = {"cached_tokens": 400}
    with World(lambda r: http(a)) as w:
        w.ask()
        t = total(w.gw)
        same(t["cost_usd"], "0.0014")                   # 600 × 2 $ + 400 × 0.5 $
        same((t["tokens"]["input"], t["tokens"]["cache_read"]), (600, 400))


def test_calls_that_failed_cost_nothing():
    with World(lambda r: [Close], routing={"retries": {"attempts": 0}}) as w:
        is_error(w.ask(), 502)
        is_error(w.ask("sk-nobody"), 401)
        is_error(w.ask(model="none"), 404)
        t = total(w.gw)
        same((t["cost_usd"], t["tokens"]["input"]), ("0", 0))


def test_what_a_provider_may_have_billed_is_unknown_and_never_nothing():
    whole = http(chat_answer())
    for name, answer, unknown in (("cut", [whole[:-20], Close], 1), ("garbage", http("not json"), 1), ("timeout", [Never], 1),
                                  ("an error", http({"error": {"message": "no"}}, status="500 No"), 0), ("closed", [Close], 0)):
        with World(lambda r: answer, routing={"retries": {"attempts": 0}}) as w:
            r = w.gw.post(PATH, chat(), headers=["x-sluice-timeout: 300ms"])
            assert r.status in (502, 504), f"{name}: {r.head}"
            same(r.headers.has("x-sluice-cost-usd"), not unknown, name)
            t = total(w.gw)
            same((t["requests"], t["unknown_cost_requests"], t["cost_usd"]), (1, unknown, "0"), name)


def test_a_stream_that_broke_is_charged_for_what_was_reported():
    with World(lambda r: [SSE_HEAD + chunk(event(chat_chunk("a", usage={"prompt_tokens": 1000, "completion_tokens": 500,
            "total_tokens": 1500}))), Close], routing={"retries": {"attempts": 0}}) as w:
        w.gw.post(PATH, chat(stream=True))
        same(total(w.gw)["cost_usd"], "0.007")


def test_a_model_without_a_price_is_counted_apart():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        r = gw.post(PATH, chat())
        assert not r.headers.has("x-sluice-cost-usd"), r.head
        t = total(gw)
        same((t["requests"], t["unknown_cost_requests"]), (1, 1))


def test_spend_is_told_by_key_model_provider_and_day():
    with World(lambda r: http(chat_answer(usage=(1000, 500)))) as w:
        k = w.make_key(name="ann")
        w.ask(k["key"])
        w.ask(k["key"])
        w.ask()
        for group, want in (("key", {k["id"]: 2, "cfg_test": 1}), ("model", {"m": 3}), ("provider", {"up": 3})):
            rows = spend(w.gw, f"?group={group}")
            same({(x.get("group") or x.get(group) or x.get("key_id")): x["requests"] for x in rows}, want,
                f"group={group}: {rows}")
        day, = spend(w.gw, "?group=day")
        same(day["requests"], 3)
        assert "ann" in json.dumps(spend(w.gw, "?group=key"))
        same(total(w.gw, f"?key={k['id']}")["requests"], 2)
        is_error(w.gw.admin("GET", "/admin/v1/spend?group=nonsense"), 400)


def test_spend_outlives_a_restart():
    with World(lambda r: http(chat_answer(usage=(1000, 500)))) as w:
        for _ in range(3):
            w.ask()
        w.gw.stop()
        w.gw.start()
        w.gw.stopped = False
        same((total(w.gw)["requests"], total(w.gw)["cost_usd"]), (3, "0.021"))


def test_spend_outlives_a_kill():
    with World(lambda r: http(chat_answer(usage=(1000, 500)))) as w:
        for _ in range(5):
            same(w.ask().status, 200)
        w.gw.process.kill()
        w.gw.process.wait()
        w.gw.start()
        same(total(w.gw)["requests"], 5)


def test_the_log_of_requests_has_a_row_for_each():
    with World(lambda r: http(chat_answer(usage=(10, 5)))) as w:
        a = w.ask(headers=["x-sluice-user: ann", "x-sluice-tags: x,y"])
        is_error(w.ask(model="none"), 404)
        r = w.gw.admin("GET", "/admin/v1/logs")
        same(r.status, 200, short(r.body))
        rows = r.json()["data"]
        row, = [x for x in rows if x["request_id"] == a.get("x-request-id")]
        for name, want in (("key_id", "cfg_test"), ("key_name", "test"), ("user", "ann"), ("tags", ["x", "y"]),
                ("dialect", "openai-chat"), ("endpoint", PATH), ("model", "m"), ("provider", "up"),
                           ("deployment", "up/real-m"), ("upstream_model", "real-m"), ("status", 200), ("error", None),
                               ("stream", False), ("usage_source", "reported"), ("cost_usd", "0.00007")):
            same(row[name], want, name)
        same((row["tokens"]["input"], row["tokens"]["output"]), (10, 5))
        assert row["time"] and row["latency_ms"] >= 0 and row["overhead_us"] >= 0
