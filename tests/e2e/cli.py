# SPDX-License-Identifier: Apache-2.0
"""The commands that talk to a running gateway, as a person and as a script use them."""
import json
import os
import re
import signal
import subprocess

from harness import ADMIN_KEY, CLIENT_KEY, PROGRAM, Gateway, Stage, chat, chat_answer, config, http, same
from provider import Provider

PRICE = {"input": 2, "output": 10}     # dollars for a million tokens


class World(Stage):
    """A gateway with a provider that counts 1,000 tokens in and 500 out: 0.007 dollars."""

    def __init__(self, **over):
        self.provider = Provider(lambda r: http(chat_answer(usage=(1000, 500))))
        cfg = config(self.provider, **over)
        cfg["models"][0]["deployments"][0]["price"] = PRICE
        self.gw = Gateway(cfg)

    def sluice(self, *args, code=0, env=None, cwd=None):
        """stdout and stderr of a command run in the gateway's folder, where sluice.yaml lies."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SLUICE_")}
        p = subprocess.run([str(PROGRAM), *args], cwd=cwd or self.gw.dir, env={**clean, **(env or {})}, capture_output=True,
                           timeout=30, text=True)
        same(p.returncode, code, f"{args}: {p.stdout}{p.stderr}")
        return p.stdout, p.stderr

    def ask(self, key=CLIENT_KEY):
        return self.gw.post("/v1/chat/completions", chat(), key=key).status


def test_a_key_is_made_used_rotated_and_revoked_by_hand():
    with World() as w:
        out, err = w.sluice("key", "create", "--name", "app", "--models", "m,x/*", "--expires=30d", "--tags", "a,b")
        key, made = out.strip(), re.search(r"key_[0-9A-Z]{26}", err)
        assert key.startswith("sk-sl-") and "\n" not in key and made, (out, err)
        same(w.ask(key), 200)
        out, _ = w.sluice("key", "list")
        row, = [line for line in out.splitlines() if made.group() in line]
        assert "app" in row and "m,x/*" in row and row.endswith("valid") and key not in out, out
        out, _ = w.sluice("key", "rotate", made.group())
        same((w.ask(key), w.ask(out.strip())), (401, 200))
        w.sluice("key", "revoke", made.group())
        same(w.ask(out.strip()), 401)
        assert made.group() not in w.sluice("key", "list")[0]
        assert "revoked" in w.sluice("key", "list", "--all")[0]


def test_scripts_get_json():
    with World() as w:
        out, _ = w.sluice("key", "create", "--name", "ops", "--role", "admin", "--weight", "3", "--priority", "0", "--json")
        same((json.loads(out)["weight"], json.loads(out)["priority"]), (3, 0))
        made = json.loads(out)
        same((made["name"], made["role"]), ("ops", "admin"))
        listed = [json.loads(line) for line in w.sluice("key", "list", "--json")[0].splitlines()]
        same({k["name"] for k in listed}, {"test", "ops"})
        same(w.ask(), 200)
        spend = json.loads(w.sluice("spend", "--by", "model", "--json")[0])
        same([(r["group"], r["cost_usd"]) for r in spend["data"]], [("m", "0.007")])
        row, = [json.loads(line) for line in w.sluice("logs", "--json")[0].splitlines()]
        same((row["model"], row["status"], row["cost_usd"]), ("m", 200, "0.007"))


def test_people_get_tables():
    with World() as w:
        for _ in range(3):
            same(w.ask(), 200)
        out, _ = w.sluice("spend", "--by", "key", "--since", "1h")
        head, row, total = out.splitlines()
        assert head.startswith("key") and head.endswith("USD"), out
        assert row.startswith("test (cfg_test)") and row.endswith(" 0.021"), out
        assert total.startswith("total") and total.endswith(" 0.021"), out
        out, _ = w.sluice("logs", "--limit", "2")
        same(len(out.splitlines()), 3, out)
        assert "up/real-m" in out and " 0.007 " in out, out


def test_logs_follow_what_comes():
    with World() as w:
        same(w.ask(), 200)
        p = subprocess.Popen([str(PROGRAM), "logs", "-f", "--json"], cwd=w.gw.dir, stdout=subprocess.PIPE, text=True)
        try:
            first = json.loads(p.stdout.readline())
            same(w.ask(), 200)
            second = json.loads(p.stdout.readline())
            assert second["request_id"] > first["request_id"], (first, second)
        finally:
            p.send_signal(signal.SIGTERM)
            p.wait(10)
            p.stdout.close()


def test_what_is_wrong_is_told_with_the_right_exit_code():
    with World() as w:
        for args, code, says in (
                (("key",), 2, "create, list, revoke or rotate"), (("key", "crate"), 2, "crate"), (("key", "create"), 2, "--name"),
                (("key", "create", "--name"), 2, "needs a value"), (("key", "create", "--nmae", "x"), 2, "--nmae"),
                (("key", "create", "--name", "a", "b"), 2, "unexpected"), (("key", "revoke"), 2, "which key"),
                (("key", "create", "--name", "a", "--role", "root"), 1, "root"), (("key", "create", "--name", "a", "--expires", "soon"), 1, "soon"),
                (("key", "create", "--name", "a", "--weight", "0"), 1, "weight"), (("key", "create", "--name", "a", "--priority", "x"), 1, "priority"),
                (("key", "revoke", "key_none"), 1, "key_none"), (("key", "revoke", "cfg_test"), 1, "409"),
                (("spend", "--by", "colour"), 1, "colour"), (("spend", "--since", "yesterday"), 1, "yesterday"),
                (("logs", "--limit", "0"), 2, "--limit"), (("logs", "--limit", "100001"), 2, "--limit"), (("logs", "x"), 2, "unexpected"),
                (("spend", "--admin-key", "nobody"), 1, "SLUICE_ADMIN_KEY"), (("spend", "--admin-key", CLIENT_KEY), 1, "admin"),
                (("spend", "--url", "http://127.0.0.1:1"), 1, "cannot reach"), (("spend", "--url", "ftp://x"), 1, "http://HOST:PORT"),
                (("spend", "-c", "no-such.yaml"), 1, "no-such.yaml"), (("spend", "--json=1"), 2, "takes no value")):
            out, err = w.sluice(*args, code=code)
            assert says in err and out == "", (args, out, err)


def test_the_gateway_and_its_key_are_found():
    with World() as w:
        elsewhere = w.gw.dir / "elsewhere"
        elsewhere.mkdir()
        url = f"http://127.0.0.1:{w.gw.port}"
        w.sluice("spend", cwd=elsewhere, env={"SLUICE_URL": url, "SLUICE_ADMIN_KEY": ADMIN_KEY})
        w.sluice("spend", "--url", url + "/", "--admin-key", ADMIN_KEY, cwd=elsewhere)
        w.sluice("spend", "-c", str(w.gw.dir / "sluice.yaml"), cwd=elsewhere)
        w.sluice("spend", cwd=elsewhere, code=1)


def test_a_generated_admin_key_is_found_in_the_data_directory():
    with World(admin={}) as w:
        w.sluice("spend")
        assert (w.gw.dir / "data" / "admin_key").read_text().strip() not in w.gw.messages().decode()


def test_a_unix_socket_is_reached():
    with World(listen=["127.0.0.1:@PORT@", "unix:@DIR@/s.sock"]) as w:
        w.sluice("spend", "--url", f"unix:{w.gw.dir}/s.sock", "--admin-key", ADMIN_KEY)


def test_the_catalogue_needs_no_gateway():
    with World() as w:
        out, _ = w.sluice("models")
        assert re.search(r"m +up/real-m +1 +1 +2 +10 ", out), out
        model, = json.loads(w.sluice("models", "--json")[0])
        same((model["name"], model["deployments"][0]["usd_per_million_output"]), ("m", "10"))
        rows = json.loads(w.sluice("providers", "--json", env={"OPENAI_API_KEY": "sk-very-secret"})[0])
        openai, = [r for r in rows if r["name"] == "openai"]
        same((openai["key_env"], openai["key_is_set"]), ("OPENAI_API_KEY", True))
        assert "sk-very-secret" not in w.sluice("providers", env={"OPENAI_API_KEY": "sk-very-secret"})[0]


def test_tokens_are_counted_and_estimates_are_judged():
    with World() as w:
        same(w.sluice("tokens", "--json")[0].count('"samples":0'), w.sluice("tokens", "--json")[0].count('"samples"'))
        # 1,000 tokens are reported for 5 KB: an estimate is made, compared and shown.
        same(w.gw.post("/v1/chat/completions", chat("a word or two, " * 330)).status, 200)
        out, _ = w.sluice("tokens", "--json")
        row, = [r for r in json.loads(out) if r["family"] == "other"]
        same((row["body"]["samples"], row["text"]["samples"], row["exact"]), (1, 0, False))
        assert 0 < float(row["body"]["error"]) < 0.5, row
        assert re.search(r"^other +o200k_base .* 1$", w.sluice("tokens")[0], re.M), w.sluice("tokens")[0]
        assert 'sluice_token_estimate_samples_total{family="other"} 1' in w.gw.get("/metrics").body.decode()
        (w.gw.dir / "text").write_text("Hello, world")
        same(w.sluice("tokens", "--model", "gpt-4o", "text")[0], "3\n")
        same(json.loads(w.sluice("tokens", "--json", "--model", "us.anthropic.claude-opus-4-6", "text")[0]),
             {"tokens": 3, "family": "claude-4-5", "exact": False})
        w.sluice("tokens", "--model", "gpt-4o", "no-such-file", code=1)
        w.sluice("tokens", "text", code=2)
