# SPDX-License-Identifier: Apache-2.0
"""sluice route-test: what a plan would be, without a gateway and without a provider."""
import json
import os
import pathlib
import re
import subprocess
import tempfile

from harness import PROGRAM, same

CONFIG = """
auth: none
providers:
  openai: {api_key: x}
  mine: {dialect: openai-chat, base_url: 'http://127.0.0.1:1', region: eu, zdr: true}
models:
  - name: chat
    deployments:
      - {provider: openai, model: gpt-4o, weight: 3}
      - {provider: mine, model: llama, price: {input: 0.2, output: 0.6}, context_window: 30}
    fallbacks: [other]
    context_window_fallbacks: [scripted]
  - {name: other, deployments: [{provider: openai, model: gpt-4o-mini}]}
  - name: scripted
    strategy: custom
    script: SCRIPT.lua
    deployments: [{provider: openai, model: gpt-4o}, {provider: mine, model: llama, order: 2, price: {input: 0.2, output: 0.6}}]
  - name: hashed
    strategy: hash
    deployments: [{provider: openai, model: gpt-4o}, {provider: mine, model: llama}]
keys: [{name: ci, key: abcdefghijkl, models: [chat], team: t}, {name: all, key: abcdefghijkm}]
teams: [{name: t, regions: [eu]}]
"""
SCRIPT = """
function order(request, candidates)
  table.sort(candidates, function(a, b) return (a.input_price or 0) < (b.input_price or 0) end)
  return candidates
end
"""
BODY = {"model": "chat", "messages": [{"role": "user", "content": "hello there " * 20}], "max_tokens": 50,
        "tools": [{"type": "function", "function": {"name": "f"}}]}


def route_test(*args, code=0, body=None, script=SCRIPT):
    """stdout and stderr."""
    with tempfile.TemporaryDirectory() as d:
        with open(d + "/sluice.yaml", "w") as f:
            f.write(CONFIG.replace("SCRIPT.lua", d + "/order.lua"))
        with open(d + "/order.lua", "w") as f:
            f.write(script)
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
        p = subprocess.run([str(PROGRAM), "route-test", *args], cwd=d, capture_output=True, timeout=60, text=True,
                           input=json.dumps(body) if body else None, env=clean)
        same(p.returncode, code, f"{args}: {p.stdout}{p.stderr}")
        return p.stdout, p.stderr


def plan(*args, **more):
    return json.loads(route_test(*args, "--json", **more)[0])


def names(p, excluded=False):
    return [c["deployment"] for c in p["candidates"] if bool(c["excluded"]) == excluded]


def test_people_get_a_table():
    out, _ = route_test("--model", "chat")
    assert re.search(r"openai/gpt-4o +gpt-4o +openai-chat +1 +3 +strategy +2.5 +10 +128000", out), out
    assert "fallbacks: other\ncontext_window_fallbacks: scripted\n" in out, out


def test_shares_follow_the_weights():
    p = plan("--model", "chat", "-n", "20000")
    assert abs(p["draws"]["openai/gpt-4o"] / 20000 - 0.75) < 0.02 and p["nobody"] == 0, p


def test_a_request_is_looked_into():
    p = plan("--body", "-", body=BODY)
    same(p["request"]["needs"], ["tools"])
    same(names(p), ["openai/gpt-4o"])
    same([(c["deployment"], c["excluded"]) for c in p["candidates"] if c["excluded"]], [("mine/llama", "context_window")])


def test_wishes_are_read_from_head_and_body():
    same(names(plan("--model", "chat", "--header", "x-sluice-zdr: require")), ["mine/llama"])
    same(names(plan("--body", "-", body={**BODY, "messages": [{"role": "user", "content": "x"}], "tools": [],
                                         "provider": {"only": ["openai"]}})), ["openai/gpt-4o"])
    same(names(plan("--model", "chat:floor")), ["mine/llama", "openai/gpt-4o"])


def test_other_dialects_are_translated_for():
    same(plan("--model", "chat", "--dialect", "gemini")["candidates"][0]["dialect"], "openai-chat")


def test_a_keys_policy_holds():
    same(names(plan("--model", "chat", "--key", "ci")), ["mine/llama"])
    _, err = route_test("--model", "other", "--key", "ci", code=1)
    assert "ci may not use the model other" in err, err


def test_a_script_decides():
    same(names(plan("--model", "scripted")), ["mine/llama", "openai/gpt-4o"])
    out, err = route_test("--model", "scripted", script="function order() return {3} end")
    assert out.index("openai/gpt-4o") < out.index("mine/llama") and "its script failed" in err, (out, err)
    _, err = route_test("--model", "scripted", script="function order(", code=1)
    assert "sluice.yaml:16:13: models[2].script does not work: " in err, err


def test_a_script_sees_who_asks_and_a_hash_is_stable():
    script = """function order(r, c)
      if (r.key or "") == "all" and r.user == "u" and r.tags.x and r.metadata.a == "b" then return {2} end
      return {1}
    end"""
    who = ["--header", "x-sluice-user: u", "--header", "x-sluice-tags: x", "--header", 'x-sluice-metadata: {"a": "b"}']
    same(names(plan("--model", "scripted", script=script, *who)), ["openai/gpt-4o", "mine/llama"])
    same(names(plan("--model", "scripted", "--key", "all", script=script, *who)), ["mine/llama", "openai/gpt-4o"])
    firsts = {tuple(plan("--model", "hashed", "-n", "500", "--header", f"x-sluice-hash: {i}")["draws"].items()) for i in range(9)}
    same(firsts, {(("openai/gpt-4o", 500),), (("mine/llama", 500),)})


def test_the_manuals_script_works():
    manual = (pathlib.Path(__file__).parents[2] / "docs/routing.md").read_text()
    script = re.search(r"script: \|\n((?:      .*\n)+)", manual).group(1)
    assert "function order" in script
    same(names(plan("--model", "scripted", script=script)), ["mine/llama", "openai/gpt-4o"])
    long = {"model": "scripted", "messages": [{"role": "user", "content": "one " * 60000}]}
    same(names(plan("--body", "-", body=long, script=script)), ["openai/gpt-4o", "mine/llama"])


def test_what_is_wrong_is_told_with_the_right_exit_code():
    for args, code, what in ((["--model", "chatt"], 1, 'did you mean "chat"'), ([], 2, "--model"),
                             (["--model", "chat", "-n", "x"], 2, "-n"), (["--model", "chat", "--header", "x"], 2, "--header"),
                             (["--model", "chat", "more"], 2, "more"), (["--model", "chat", "--dialect", "x"], 1, "no dialect x"),
                             (["--model", "chat", "--key", "x"], 1, "no key"), (["--body", "/nonexistent"], 1, "/nonexistent")):
        _, err = route_test(*args, code=code)
        assert what in err, (args, err)
    out, err = route_test("--model", "other", "--header", "x-sluice-region: us", code=1)
    assert "excluded: region" in out and "no deployment" in err, (out, err)
    out, err = route_test("--model", "chat", "--header", "x-sluice-region: us")
    assert "excluded: region" in out and "the fallbacks follow" in err, (out, err)


# -- what the manual shows -------------------------------------------------------------------------------------------
def recipes():
    text = (pathlib.Path(__file__).parents[2] / "docs/routing.md").read_text()
    section = text[text.index("\n## Recipes\n"):text.index("\n## Coming from another gateway\n")]
    return re.findall(r"```yaml\n(.*?)```", section, re.S)


def test_the_recipes_of_the_manual_are_good_and_each_model_has_a_plan():
    found = recipes()
    same(len(found), 5)
    for text in found:
        with tempfile.TemporaryDirectory() as d:
            pathlib.Path(d, "sluice.yaml").write_text(text)
            clean = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
            clean.update({v: "a-value-123" for v in re.findall(r"\$\{(\w+)\}", text)})

            def run(*args):
                p = subprocess.run([str(PROGRAM), *args], cwd=d, capture_output=True, timeout=60, text=True, env=clean)
                same(p.returncode, 0, f"{args}: {p.stdout}{p.stderr}\n{text}")
                same(p.stderr, "", f"{args} of\n{text}")
                return p.stdout

            run("check")
            for model in re.findall(r"- (?:\{)?name: (\w+)(?:\n|, deployments)", text):
                a = json.loads(run("route-test", "--model", model, "--json"))
                assert all(c["excluded"] is None for c in a["candidates"]), (model, a)
            if "clinic" in text:
                a = json.loads(run("route-test", "--model", "chat", "--key", "clinic-app", "--json"))
                same([c["excluded"] for c in a["candidates"]], [None, "region"])
