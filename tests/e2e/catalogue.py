# SPDX-License-Identifier: Apache-2.0
"""What answers cost: prices of the built-in catalogue, of a file, of the admin API and of the configuration."""
import json
import pathlib
import tempfile

from harness import (PROVIDER_KEY, SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chunk, config, http, same,
                     short, sse)
from provider import Provider

PATH = "/v1/chat/completions"
ENTRY = "/admin/v1/models/openai/gpt-4o"


def world(provider, **over):
    cfg = config(**over)
    cfg["providers"] = {"openai": {"base_url": provider.url + "/v1", "api_key": PROVIDER_KEY},
                        "second": {"like": "openai", "base_url": provider.url + "/v1", "api_key": PROVIDER_KEY},
                        "lab": {"dialect": "openai-chat", "base_url": provider.url + "/v1", "api_key": PROVIDER_KEY}}
    cfg["models"] = over.get("models") or [
        {"name": "listed", "deployments": [{"provider": "openai", "model": "gpt-4o"}]},
        {"name": "own", "deployments": [{"provider": "openai", "model": "gpt-4o", "price": {"input": 1, "output": 2,
            "request": 0.001, "flex": 0.5, "tiers": [{"above": 10, "input": 3}]}}]},
        {"name": "named", "deployments": [{"provider": "lab", "model": "my-deployment", "base_model": "openai/gpt-4o"}]},
        {"name": "alike", "deployments": [{"provider": "second", "model": "gpt-4o"}]},
        {"name": "unknown", "deployments": [{"provider": "lab", "model": "nobody-knows"}]},
        {"name": "wild-*", "deployments": [{"provider": "openai", "model": "gpt-*"}]},
    ]
    return cfg


def cost(gw, model):
    r = gw.post(PATH, chat(model=model))
    same(r.status, 200, short(r.body))
    return r.get("x-sluice-cost-usd")


def last_cost(gw):
    return gw.admin("GET", "/admin/v1/logs?limit=1").json()["data"][0]["cost_usd"]


def test_answers_cost_what_the_list_says():
    """11 tokens of input, 7 of output; 2.50 and 10 dollars a million."""
    with Provider(lambda r: http(chat_answer())) as p, Gateway(world(p)) as gw:
        same(cost(gw, "listed"), "0.0000975")
        same(last_cost(gw), "0.0000975")
        same(cost(gw, "named"), "0.0000975", "base_model")
        same(cost(gw, "alike"), "0.0000975", "another one of a known provider")
        same(cost(gw, "own"), "0.001047", "3 dollars above 10 tokens, and a fee")
        same(cost(gw, "openai/gpt-4o-mini"), "0.00000585", "a name that a client made up")
        same(cost(gw, "wild-4.1"), "0.000078", "through a pattern")
        same(cost(gw, "unknown"), None, "unknown is not nothing")
        same(last_cost(gw), None)
        same(cost(gw, "openai/made-up"), None)


def test_how_it_was_served_changes_the_price():
    tier = ["flex"]
    with Provider(lambda r: http({**chat_answer(), "service_tier": tier[0]})) as p, Gateway(world(p)) as gw:
        same(cost(gw, "listed"), "0.00004875")
        same(cost(gw, "own"), "0.0010235", "half the tokens, the whole fee")
        tier[0] = "priority"
        same(cost(gw, "listed"), "0.00016575")
        same(cost(gw, "own"), None, "no factor for it")
        tier[0] = "default"
        same(cost(gw, "listed"), "0.0000975")


def test_streams_cost_the_same():
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "prompt_tokens_details": {"cached_tokens": 6}}
    last = {**chat_chunk(), "choices": [], "usage": usage, "service_tier": "priority"}
    with Provider(lambda r: [SSE_HEAD, chunk(sse(chat_chunk("a"), chat_chunk(finish="stop"), last)), b"0\r\n\r\n"]) as p, \
            Gateway(world(p)) as gw:
        for model, want in (("listed", "0.0001530"), ("openai/gpt-4o", "0.0001530")):
            r = gw.post(PATH, chat(model=model, stream=True))
            same(r.status, 200)
            same(float(last_cost(gw)), float(want))       # 5 * 4.25 + 6 * 2.125 + 7 * 17


def test_a_file_goes_before_the_list():
    with tempfile.TemporaryDirectory() as d, Provider(lambda r: http(chat_answer())) as p:
        own, litellm, wrong = (pathlib.Path(d) / n for n in ("own.json", "litellm.json", "wrong.json"))
        own.write_text(json.dumps({"models": [{"provider": "openai", "model": "gpt-4o", "price": {"input": 5, "output": "20"}},
                                              {"model": "nobody-*", "price": {"input": 1, "output": 1}, "context_window": 777}]}))
        litellm.write_text(json.dumps({"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 1e-06,
                                                  "output_cost_per_token": 2e-06, "max_input_tokens": 1}}))
        wrong.write_text('{"models": [{"model": "x", "price": {"inptu": 1}}]}')
        with Gateway(world(p, catalogue={"file": str(own)})) as gw:
            same(cost(gw, "listed"), "0.000195")
            same(cost(gw, "unknown"), "0.000018")
            same(gw.get("/v1/models/unknown").json()["context_window"], 777)
            gw.settings = world(p, catalogue={"file": str(litellm)})
            gw._write()
            same(gw.admin("POST", "/admin/v1/config/reload").status, 200)
            same(cost(gw, "listed"), "0.000025")
            gw.settings = world(p, catalogue={"file": str(wrong)})
            gw._write()
            r = gw.admin("POST", "/admin/v1/config/reload")
            same(r.status, 400)
            assert "inptu" in r.json()["error"]["message"], short(r.body)
            same(cost(gw, "listed"), "0.000025", "the old one stays")


def test_the_admin_api_goes_before_the_file_and_lasts():
    with Provider(lambda r: http(chat_answer())) as p, Gateway(world(p)) as gw:
        r = gw.admin("GET", ENTRY).json()
        same((r["override"], r["price"]["input"], r["price_from"]), (None, "2.5", "builtin"))
        r = gw.admin("PUT", ENTRY, {"price": {"input": 3, "output": "12.5"}, "context_window": 1000})
        same(r.status, 200, short(r.body))
        same((r.json()["price_from"], r.json()["context_window"]), ("api", 1000))
        same(cost(gw, "listed"), "0.0001205", "at once")
        same(cost(gw, "openai/gpt-4o"), "0.0001205")
        same(cost(gw, "own"), "0.001047", "the configuration's own goes before it")
        r = gw.admin("PATCH", ENTRY, {"price": {"output": 20}, "context_window": None}).json()
        same((r["override"], r["context_window"]), ({"price": {"input": 3, "output": 20}}, 128000))
        same(cost(gw, "listed"), "0.000173")
        for body, word in (({"pirce": {}}, "pirce"), ({"price": {"input": -1}}, "price.input"), ([], "object"),
                           ({"capabilities": ["flying"]}, "capabilities")):
            r = gw.admin("PUT", ENTRY, body)
            same(r.status, 400, short(r.body))
            assert word in r.json()["error"]["message"], short(r.body)
        gw.stop()
        gw.stopped = False
        gw.start()
        same(cost(gw, "listed"), "0.000173", "after a restart")
        same(gw.admin("DELETE", ENTRY).status, 204)
        same(cost(gw, "listed"), "0.0000975")
        same(gw.admin("DELETE", ENTRY).status, 404)


def test_what_clients_and_operators_are_shown():
    with Provider(lambda r: http(chat_answer())) as p, Gateway(world(p)) as gw:
        m = gw.get("/v1/models/listed").json()
        same((m["context_window"], m["max_output_tokens"]), (128000, 16384))
        d = gw.admin("GET", "/admin/v1/models").json()["data"][0]["deployments"][0]
        same((d["usd_per_million_tokens"]["cache_read"], d["price_from"], d["context_window"]), ("1.25", "builtin", 128000))
        assert "vision" in d["capabilities"] and "audio_in" in d["lacks"], d
