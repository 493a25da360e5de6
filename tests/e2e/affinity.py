# SPDX-License-Identifier: Apache-2.0
"""Conversations stay with the deployment that holds their prompt cache, by a session's id or by how they begin."""
import concurrent.futures
import json

from harness import PROVIDER_KEY, Gateway, Stage, chat_answer, config, http, same, short
from provider import Close, Provider

CONVERSATIONS, TURNS = 60, 20
PRICE = {"input": 2, "output": 8, "cache_read": 0.5}


def answer(cached=0):
    out = chat_answer("well", usage=(1000, 10))
    out["usage"]["prompt_tokens_details"] = {"cached_tokens": cached}
    return http(out)


class Three(Stage):
    """A model at three deployments; which one got each request of which conversation."""

    def __init__(self, strategy="weighted", workers=2, **over):
        self.dead, self.cached = set(), 0
        self.providers = {n: Provider(lambda r, n=n: [Close] if n in self.dead else answer(self.cached)) for n in "abc"}
        model = {"name": "m", "strategy": strategy,
                 "deployments": [{"provider": n, "model": "real-m", "price": PRICE} for n in "abc"]}
        self.gw = Gateway(config(None, workers=workers, models=[model], providers={
            n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY}
            for n, p in self.providers.items()}, **over))

    def ask(self, body, headers=(), path="/v1/chat/completions"):
        r = self.gw.post(path, body, headers=headers, timeout=15)
        same(r.status, 200, short(r.body))
        return r.get("x-sluice-provider")


def turns_of(name, n):
    """What a chat client sends as turn n of a conversation: all that was said before."""
    out = [{"role": "system", "content": "You help with forms."}]
    for i in range(n):
        out.append({"role": "user", "content": f"{name} asks {i}"})
        out.append({"role": "assistant", "content": "well"})
    return out + [{"role": "user", "content": f"{name} asks {n}"}]


def talk(three, name, turns):
    return [three.ask({"model": "m", "messages": turns_of(name, n)}) for n in turns]


def all_talk(three):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda i: talk(three, f"c{i}", range(TURNS)), range(CONVERSATIONS)))


def test_long_conversations_stay_where_they_began():
    for strategy in ("weighted", "latency"):
        with Three(strategy) as three:
            places = all_talk(three)
            kept = sum(p.count(max(set(p), key=p.count)) for p in places)
            assert kept >= 0.97 * CONVERSATIONS * TURNS, f"{strategy}: {kept} of {CONVERSATIONS * TURNS}"
            if strategy == "weighted":      # and the conversations are spread all the same
                first = [p[0] for p in places]
                assert min(first.count(n) for n in "abc") >= CONVERSATIONS // 10, f"{first}"


def test_when_their_deployment_dies_nobody_notices_and_they_stay_with_the_next():
    with Three() as three:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            before = list(pool.map(lambda i: talk(three, f"c{i}", range(8)), range(CONVERSATIONS)))
            three.dead.add("b")
            after = list(pool.map(lambda i: talk(three, f"c{i}", range(8, TURNS)), range(CONVERSATIONS)))
        moved = [a for b, a in zip(before, after) if b[-1] == "b"]
        assert len(moved) >= CONVERSATIONS // 10, f"{before}"
        same([a for a in after if len(set(a)) > 1], [])
        same([b for b, a in zip(before, after) if b[-1] not in ("b", a[0])], [])


def test_equal_questions_are_spread_as_the_strategy_says():
    with Three() as three:
        got = [three.ask({"model": "m", "messages": turns_of("x", 0)}) for _ in range(90)]
        assert min(got.count(n) for n in "abc") >= 10, f"{got}"


def places(three, requests):
    return {three.ask(*r[:1], **r[1]) for r in requests}


SESSION_BODIES = (
    ("OpenRouter's session_id", lambda n: {"session_id": "s-1"}),
    ("OpenAI's prompt_cache_key", lambda n: {"prompt_cache_key": "s-1"}),
)


def test_a_sessions_id_is_found_wherever_clients_put_it():
    cases = [(name, [({"model": "m", "messages": turns_of(f"q{n}", 0), **members(n)}, {}) for n in range(12)])
             for name, members in SESSION_BODIES]
    cases += [(name, [({"model": "m", "messages": turns_of(f"q{n}", 0)}, {"headers": [f"{name}: s-1"]}) for n in range(12)])
              for name in ("x-sluice-session", "x-session-id", "X-Session-Affinity", "X-Claude-Code-Session-Id", "session-id")]
    cases.append(("Claude Code's metadata", [
        ({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": f"q{n}"}],
          "metadata": {"user_id": "user_1_account_2_session_3"}}, {"path": "/v1/messages"}) for n in range(12)]))
    for name, requests in cases:
        with Three() as three:
            same(len(places(three, requests)), 1, name)


def test_a_users_id_is_no_session():
    with Three() as three:
        got = places(three, [({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": f"q{n}"}],
                               "metadata": {"user_id": "user_1"}}, {"path": "/v1/messages"}) for n in range(40)])
        assert len(got) > 1, f"{got}"


def claude(n, marked):
    """Turn n as clients of Anthropic's API send it: the mark of the cache stands at the last turn, and moves."""
    def user(i):
        if i == n and marked:
            return {"role": "user", "content": [{"type": "text", "text": f"asks {i}",
                                                 "cache_control": {"type": "ephemeral"}}]}
        return {"role": "user", "content": f"asks {i}"}
    messages = [m for i in range(n) for m in (user(i), {"role": "assistant", "content": "well"})] + [user(n)]
    return {"model": "m", "max_tokens": 5, "system": [{"type": "text", "text": "You help."}], "messages": messages}


def gemini(n):
    contents = [{"parts": [{"text": "asks 0"}]}]
    for i in range(n):
        contents += [{"role": "model", "parts": [{"text": "well"}]}, {"role": "user", "parts": [{"text": f"asks {i + 1}"}]}]
    return {"systemInstruction": {"parts": [{"text": "You help."}]}, "contents": contents}


def responses(n):
    items = [{"role": "user", "content": "asks 0"}]
    for i in range(n):
        items += [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "well"}]},
                  {"role": "user", "content": [{"type": "input_text", "text": f"asks {i + 1}"}]}]
    return {"model": "m", "instructions": "You help.", "input": items}


def test_the_beginning_is_found_in_each_dialect():
    for name, path, body in (("Anthropic", "/v1/messages", lambda n: claude(n, False)),
                             ("Anthropic with a mark that moves", "/v1/messages", lambda n: claude(n, True)),
                             ("Gemini", "/v1beta/models/m:generateContent", gemini),
                             ("Responses", "/v1/responses", responses)):
        for _ in range(3):
            with Three() as three:
                got = [three.ask(body(n), path=path) for n in range(6)]
                same(len(set(got)), 1, f"{name}: {got}")


def test_keys_do_not_share_conversations():
    keys = [{"name": n, "key": f"sk-sl-client-{n * 8}"} for n in "pq"]
    with Three(keys=keys) as three:
        same_place = 0
        for i in range(16):
            body = {"model": "m", "messages": turns_of(f"k{i}", 3)}
            got = []
            for k in keys:
                r = three.gw.post("/v1/chat/completions", body, key=k["key"])
                got.append(r.get("x-sluice-provider"))
            same_place += got[0] == got[1]
        assert same_place < 16


def test_it_may_be_turned_off():
    with Three(routing={"affinity": {"enabled": False}}) as three:
        got = [three.ask({"model": "m", "messages": turns_of("x", 3)}) for _ in range(60)]
        assert len(set(got)) == 3, f"{got}"


def test_the_log_tells_what_the_prompt_cache_saved():
    with Three() as three:
        three.ask({"model": "m", "messages": turns_of("x", 0)})
        three.cached = 800
        three.ask({"model": "m", "messages": turns_of("x", 1)})
        rows = three.gw.admin("GET", "/admin/v1/logs?limit=2").json()["data"]
        same([r["saved_usd"] for r in rows], ["0.0012", "0"])
        three.gw.stop()
        lines = [l for l in three.gw.log_lines() if l["endpoint"] == "/v1/chat/completions"]
        assert "saved_usd" not in lines[0], f"{lines[0]}"
        # 800 tokens at 0.50 instead of 2 dollars a million
        same((lines[1]["saved_usd"], lines[1]["cost_usd"]), ("0.0012", "0.00088"), json.dumps(lines[1]))
