# SPDX-License-Identifier: Apache-2.0
"""Who is asked first: strategies and filters over a real gateway, seen from both of its sides."""
import json
import threading
import time

from harness import PROVIDER_KEY, Gateway, Stage, chat, chat_answer, config, http, is_error, same, short
from provider import Provider

PATH = "/v1/chat/completions"


class Three(Stage):
    """Providers a, b, c, whose answers are their names; models as given, each of deployments at some of them."""

    def __init__(self, models, answer=None, **over):
        self.on = {n: Provider(lambda r, n=n: answer(n, r) if answer else http(chat_answer(n))) for n in "abc"}
        self.gw = Gateway(config(None, **{
            "providers": {n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY}
                          for n, p in self.on.items()}, "models": models, **over}))

    def ask(self, model, headers=(), **more):
        return self.gw.post(PATH, chat(model=model, **more), headers=headers, timeout=20)

    def who(self, model, headers=(), **more):
        r = self.ask(model, headers, **more)
        same(r.status, 200, short(r.body))
        return r.json()["choices"][0]["message"]["content"]


def at(name, **more):
    return {"provider": name, "model": f"at-{name}", **more}


def model(name, strategy, *deployments, **more):
    return {"name": name, "strategy": strategy, "deployments": list(deployments), **more}


def test_hash_keeps_together_what_is_alike():
    with Three([model("m", "hash", at("a"), at("b"), at("c")),
                model("by-user", "hash", at("a"), at("b"), at("c"), hash_by="user")]) as w:
        seen = {}
        for key in range(24):
            seen[key] = w.who("m", [f"x-sluice-hash: k{key}"])
        same(set(seen.values()), set("abc"), "all have their share")
        for key in range(24):
            same(w.who("m", [f"x-sluice-hash: k{key}"]), seen[key])
        by_session = {w.who("m", ["x-session-id: s1"]) for _ in range(6)}
        same(len(by_session), 1, "a session stays")
        same(len({w.who("by-user", ["x-sluice-user: u1"]) for _ in range(6)}), 1, "a user stays")
        same(len({w.who("by-user") for _ in range(40)}), 3, "who tells no user is drawn for")


def test_the_least_busy_is_asked():
    gate = threading.Event()

    def answer(n, r):
        if n == "a":
            gate.wait(10)
        return http(chat_answer(n))

    with Three([model("m", "least_busy", at("a"), at("b")), model("a", "ordered", at("a"))], answer) as w:
        held = threading.Thread(target=lambda: w.who("a"))
        held.start()
        try:
            w.on["a"].wait_for(lambda: w.on["a"].requests)
            same([w.who("m") for _ in range(8)], ["b"] * 8)
        finally:
            gate.set()
            held.join()


def test_the_cheapest_for_this_request_is_asked():
    with Three([model("m", "cost", at("a", price={"input": 1, "output": 10}),
                      at("b", price={"input": 5, "output": 5})),
                model("listed", "ordered", at("a", price={"input": 9, "output": 9}), at("b", price={"input": 1, "output": 1}))]) as w:
        same(w.who("m", max_tokens=1, messages=[{"role": "user", "content": "word " * 2000}]), "a", "a long prompt")
        same(w.who("m", max_tokens=4000), "b", "a long answer")
        same(w.who("listed"), "a")
        same(w.who("listed:floor"), "b", "the suffix sorts by price")
        same(json.loads(w.on["b"].requests[-1].body)["model"], "at-b", "and does not go upstream")


def test_those_that_cannot_are_not_asked():
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}
    with Three([model("m", "ordered", at("a", capabilities=["-tools", "-vision"]), at("b", capabilities=["tools", "-vision"]),
                      at("c", capabilities=["tools", "vision"])),
                model("windows", "ordered", at("a", context_window=1000), at("b", context_window=100000)),
                model("small", "ordered", at("a", context_window=1000))]) as w:
        same(w.who("m"), "a")
        same(w.who("m", tools=[tool]), "b")
        same(w.who("m", messages=[image]), "c")
        same(w.who("windows"), "a")
        long = [{"role": "user", "content": "word " * 3000}]
        # what texts are counted with is unpacked when it is needed first; until then a count is a guess
        for _ in range(200):
            if w.who("windows", messages=long) == "b":
                break
            time.sleep(0.02)
        same(w.who("windows", messages=long), "b")
        before = len(w.on["a"].requests)
        r = w.ask("small", messages=long)
        e = is_error(r, 400, "context_length_exceeded")
        same(len(w.on["a"].requests), before, "nobody was asked")
        assert "1000" in e["message"] and "at-a: context_window" in e["message"], e


def test_who_is_out_is_not_asked_where_the_last_resort_is_off():
    def answer(n, r):
        return http({"error": {"message": "no", "type": "x"}}, "500 No")
    routing = {"retries": {"attempts": 0}, "breaker": {"consecutive_failures": 1, "open_for": "1m"}}
    with Three([model("m", "ordered", at("a"))], answer, routing={**routing, "last_resort": False}) as w:
        is_error(w.ask("m"), 502)
        e = is_error(w.ask("m"), 503, "no_healthy_deployment")
        assert "at-a: broken" in e["message"], e
