# SPDX-License-Identifier: Apache-2.0
"""The strategy custom: a script of the operator's decides, and one that is wrong costs nobody a request."""
import os
import tempfile
import time

from harness import ADMIN_KEY, PROVIDER_KEY, Gateway, Stage, chat, chat_answer, config, http, same
from provider import Provider

PATH = "/v1/chat/completions"
SCRIPT = """
function order(request, candidates)
  if request.metadata.tier == "gold" and request.tags.eu then return {"b/real-b"} end
  if request.needs.tools then return {2} end
  if request.user == "loop" then while true do end end
  if request.user == "memory" then local t = {} while true do t[#t + 1] = {} end end
  if request.user == "mistake" then return nobody.at.all end
  return candidates
end
"""


class World(Stage):
    def __init__(self, script):
        self.a, self.b = (Provider(lambda r, n=n: http(chat_answer(n))) for n in "ab")
        self.gw = Gateway(config(None, providers={
            n: {"dialect": "openai-chat", "base_url": p.url + "/v1", "api_key": PROVIDER_KEY} for n, p in (("a", self.a), ("b", self.b))},
            models=[{"name": "m", "strategy": "custom", "script": script,
                     "deployments": [{"provider": n, "model": "real-" + n, "order": i} for i, n in enumerate("ab")]}]))

    def ask(self, headers=(), **more):
        r = self.gw.post(PATH, chat(**more), headers=headers)
        same(r.status, 200)
        return r.json()["choices"][0]["message"]["content"]


def test_a_script_sees_the_request_and_decides():
    with World(SCRIPT) as w:
        same(w.ask(), "a")
        same(w.ask(headers=['x-sluice-metadata: {"tier": "gold"}', "x-sluice-tags: x, eu"]), "b")
        same(w.ask(headers=['x-sluice-metadata: {"tier": "iron"}', "x-sluice-tags: eu"]), "a")
        same(w.ask(tools=[{"type": "function", "function": {"name": "f"}}]), "b")
        same(w.gw.metrics()["sluice_script_failures_total"], 0)
        same(w.gw.metrics()["sluice_script_calls_total"], 4)


def test_a_script_that_fails_costs_nobody_a_request():
    with World(SCRIPT) as w:
        for user in ("loop", "memory", "mistake", "loop"):
            begin = time.monotonic()
            same(w.ask(headers=["x-sluice-user: " + user]), "a")
            assert time.monotonic() - begin < 2
        same(w.ask(tools=[{"type": "function", "function": {"name": "f"}}]), "b")
        same(w.gw.metrics()["sluice_script_failures_total"], 4)
        log = w.gw.messages()
        same(log.count(b"its script failed"), 1, log)


def test_a_file_is_read_at_each_reload_and_a_wrong_one_is_refused():
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "order.lua")

        def write(text):
            with open(path, "w") as f:
                f.write(text)
        write("function order(r, c) return {2} end")
        with World(path) as w:
            same(w.ask(), "b")
            write("function order(r, c) return {1} end")
            same(w.gw.post("/admin/reload", None, key=ADMIN_KEY).status, 200)
            same(w.ask(), "a")
            write("function order(r, c")
            r = w.gw.post("/admin/reload", None, key=ADMIN_KEY)
            assert r.status == 400 and b"does not work" in r.body, (r.status, r.body)
            same(w.ask(), "a")
