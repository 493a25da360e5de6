# SPDX-License-Identifier: Apache-2.0
"""Tokens that the gateway counts: count-tokens calls for providers that have none, and what no provider told."""
import time

from harness import SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chat_stream, chunk, config, event, http, is_error, same, sse
from provider import Close, Provider

TEXT = "hello there, how are you?"
BEDROCK = {"messages": [{"role": "user", "content": [{"text": TEXT}]}]}
PRICE = {"input": 2, "output": 10}     # dollars for a million tokens


def world(provider, model="gpt-4o"):
    cfg = config(provider)
    cfg["models"][0]["deployments"][0].update(model=model, price=PRICE)
    return Gateway(cfg)


def newest(gw):
    return gw.admin("GET", "/admin/v1/logs?limit=1").json()["data"][0]


def test_a_count_of_tokens_is_made_here_for_providers_of_other_dialects():
    with Provider(lambda r: http(chat_answer())) as provider, world(provider) as gw:
        for path, body, want in (
                ("/v1/messages/count_tokens", {"model": "m", "messages": [{"role": "user", "content": TEXT}]}, {"input_tokens": 14}),
                ("/v1beta/models/m:countTokens", {"contents": [{"parts": [{"text": TEXT}]}]}, {"totalTokens": 14}),
                ("/v1beta/models/m:countTokens",
                 {"generateContentRequest": {"model": "models/m", "contents": [{"parts": [{"text": TEXT}]}]}}, {"totalTokens": 14}),
                ("/model/m/count-tokens", {"input": {"converse": BEDROCK}}, {"inputTokens": 14})):
            r = gw.post(path, body)
            same((r.status, r.json()), (200, want), path)
            same((r.headers.get("x-sluice-attempts"), r.headers.get("x-sluice-cost-usd")), ("0", "0"), path)
        same(len(provider.requests), 0)
        same(gw.post("/v1/messages/count_tokens", {"model": "m", "messages": [{"role": "x", "content": TEXT}]}).status, 400)


def test_translated_requests_teach_the_estimator_from_their_texts():
    with Provider(lambda r: http(chat_answer(usage=(1000, 5)))) as provider, world(provider, "some-model") as gw:
        for _ in range(2):     # the first one has the table unpacked
            same(gw.post("/v1/messages", {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": TEXT * 120}]}).status, 200)
            time.sleep(1.1)
        row, = [r for r in gw.admin("GET", "/admin/v1/tokens").json()["data"] if r["family"] == "other"]
        same(row["text"]["samples"], 1)
        assert float(row["text"]["error"]) < 0.25, row


def test_an_answer_without_usage_is_counted_and_charged():
    answer = chat_answer("one two three four")
    del answer["usage"]
    with Provider(lambda r: http(answer)) as provider, world(provider) as gw:
        gw.post("/v1/messages/count_tokens", {"model": "m", "messages": [{"role": "user", "content": TEXT}]})   # unpacks the table
        r = gw.post("/v1/chat/completions", chat(TEXT))
        same((r.status, r.json(), r.headers.get("x-sluice-cost-usd")), (200, answer, "0.000068"))     # 14 × 2 $ + 4 × 10 $
        row = newest(gw)
        same((row["usage_source"], row["tokens"]["input"], row["tokens"]["output"]), ("counted", 14, 4))


def test_a_stream_without_usage_is_counted_by_its_events():
    with Provider(lambda r: sse(*chat_stream(*"abcdefghij", usage=None))) as provider, world(provider) as gw:
        same(gw.post("/v1/chat/completions", chat(TEXT, stream=True)).status, 200)
        row = newest(gw)
        same(row["usage_source"], "counted")
        assert 10 <= row["tokens"]["output"] <= 12 and 10 <= row["tokens"]["input"] <= 25, row


def test_a_stream_that_broke_is_counted_to_where_it_came():
    pieces = SSE_HEAD + b"".join(chunk(event(chat_chunk("word "))) for _ in range(30))
    with Provider(lambda r: [pieces, Close]) as provider, world(provider) as gw:
        gw.post("/v1/chat/completions", chat(TEXT, stream=True))
        row = newest(gw)
        same((row["usage_source"], row["tokens"]["output"], row["cost_usd"] is None), ("counted", 30, False))
        gw.post("/v1/messages", {"model": "m", "max_tokens": 99, "stream": True, "messages": [{"role": "user", "content": TEXT}]})
        row = newest(gw)
        same((row["usage_source"], row["tokens"]["output"]), ("counted", 30 * 5 // 4))


def test_what_cannot_be_counted_stays_unknown():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 20000}}
    with Provider(lambda r: [SSE_HEAD + chunk(event(chat_chunk("x"))), Close]) as provider, world(provider) as gw:
        gw.post("/v1/chat/completions", {**chat(stream=True), "messages": [{"role": "user", "content": [image]}]})
        row = newest(gw)
        same((row["usage_source"], row["cost_usd"]), ("none", None))
        is_error(gw.post("/v1/chat/completions", {**chat(TEXT), "model": "nobody"}), 404)
