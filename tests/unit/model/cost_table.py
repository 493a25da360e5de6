#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cost_rows.h, the table of cost_test.c: what providers answer, and what it costs to the nano-dollar.

The table is committed and its numbers are literals; this script documents where they come from and is run by hand:

    python3 tests/unit/model/cost_table.py >tests/unit/model/cost_rows.h

It knows nothing of the program and its catalogue. Prices are typed in below from the providers' own price lists (named
with each), in US dollars per million tokens; costs are computed with exact fractions by the providers' own words on
what counts as what, and rounded half up once, at the end.
"""
import json
from fractions import Fraction as F

rows = []


def dollars(*parts):
    """The sum of (tokens, USD per million tokens), in nano-dollars, rounded half up."""
    total = sum(F(n) * F(str(usd)) / 1000000 for n, usd in parts)
    return nano(total)


def nano(usd):
    return int(usd * 10**9 + F(1, 2))


def row(name, provider, model, dialect, answer, want, at="2026-11-28T12:00"):
    rows.append((name, provider, model, dialect, at, json.dumps(answer, separators=(",", ":")), want))


# ---- OpenAI: prompt_tokens hold the cached and the audio ones, completion_tokens the reasoning and the audio ones ----

def chat(prompt, completion, cached=0, reasoning=0, audio_in=0, audio_out=0, tier=None, **more):
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
             "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio_in},
             "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": audio_out,
                                           "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}
    usage.update(more)
    answer = {"object": "chat.completion", "choices": [], "usage": usage}
    if tier:
        answer["service_tier"] = tier
    return answer


def responses(inp, out, cached=0, reasoning=0, tier="default", items=()):
    return {"object": "response", "status": "completed", "output": list(items), "service_tier": tier,
            "usage": {"input_tokens": inp, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": out,
                      "output_tokens_details": {"reasoning_tokens": reasoning}, "total_tokens": inp + out}}


SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}}
OPEN = {"type": "web_search_call", "id": "ws_2", "status": "completed", "action": {"type": "open_page", "url": "u"}}
FILES = {"type": "file_search_call", "id": "fs_1", "status": "completed", "queries": ["q"]}

# platform.openai.com/docs/pricing: input, cached input, output
openai = {
    "gpt-4o": (2.5, 1.25, 10), "gpt-4o-2024-08-06": (2.5, 1.25, 10), "gpt-4o-mini": (0.15, 0.075, 0.6),
    "gpt-4.1": (2, 0.5, 8), "gpt-4.1-mini": (0.4, 0.1, 1.6), "gpt-4.1-nano": (0.1, 0.025, 0.4),
    "o1": (15, 7.5, 60), "o3": (2, 0.5, 8), "o3-mini": (1.1, 0.55, 4.4), "o4-mini": (1.1, 0.275, 4.4),
    "gpt-5": (1.25, 0.125, 10), "gpt-5-mini": (0.25, 0.025, 2), "gpt-5-nano": (0.05, 0.005, 0.4),
    "gpt-5.1": (1.25, 0.125, 10), "gpt-5.2": (1.75, 0.175, 14), "gpt-5.4-mini": (0.75, 0.075, 4.5),
}
for i, (model, (p_in, p_cached, p_out)) in enumerate(openai.items()):
    n, c, m = 1000 + 137 * i, 512 + 64 * (i % 5), 77 + 31 * i
    row("plain", "openai", model, "openai-chat", chat(n, m), dollars((n, p_in), (m, p_out)))
    row("cached", "openai", model, "openai-chat", chat(n, m, cached=c), dollars((n - c, p_in), (c, p_cached), (m, p_out)))
    if model[0] == "o" or "gpt-5" in model:
        row("reasoning is output", "openai", model, "openai-responses", responses(n, m + 640, c, 640),
            dollars((n - c, p_in), (c, p_cached), (m + 640, p_out)))

row("no cached price", "openai", "gpt-4-turbo", "openai-chat", chat(321, 45), dollars((321, 10), (45, 30)))
row("old", "openai", "gpt-3.5-turbo", "openai-chat", chat(3333, 777), dollars((3333, 0.5), (777, 1.5)))
row("pro", "openai", "gpt-5-pro", "openai-responses", responses(901, 4005, 0, 3900), dollars((901, 15), (4005, 120)))
row("pro", "openai", "o3-pro", "openai-responses", responses(17, 9), dollars((17, 20), (9, 80)))
row("before its price fell", "openai", "o3", "openai-chat", chat(1000, 100), dollars((1000, 10), (100, 40)), "2025-06-09T23:59")
row("since its price fell", "openai", "o3", "openai-chat", chat(1000, 100), dollars((1000, 2), (100, 8)), "2025-06-10T00:00")
row("audio both ways", "openai", "gpt-4o-audio-preview", "openai-chat", chat(150, 90, audio_in=110, audio_out=60),
    dollars((40, 2.5), (110, 40), (30, 10), (60, 80)))
row("audio both ways", "openai", "gpt-audio", "openai-chat", chat(900, 1200, audio_in=800, audio_out=1000),
    dollars((100, 2.5), (800, 32), (200, 10), (1000, 64)))
row("embedding", "openai", "text-embedding-3-small", "openai-embeddings",
    {"object": "list", "data": [], "usage": {"prompt_tokens": 8191, "total_tokens": 8191}}, dollars((8191, 0.02)))
row("embedding", "openai", "text-embedding-3-large", "openai-embeddings",
    {"object": "list", "data": [], "usage": {"prompt_tokens": 7, "total_tokens": 7}}, dollars((7, 0.13)))

# a prompt of more than 272,000 tokens reprices the whole request (gpt-5.4, gpt-5.5: twice the input, 1.5 times the output)
for model, low, high in (("gpt-5.4", (2.5, 0.25, 15), (5, 0.5, 22.5)), ("gpt-5.5", (5, 0.5, 30), (10, 1, 45))):
    for n, price in ((271999, low), (272000, high), (300000, high)):
        row("tier at %d" % n, "openai", model, "openai-chat", chat(n, 1000, cached=200000),
            dollars((n - 200000, price[0]), (200000, price[1]), (1000, price[2])))

# half price for batch and flex; openai.com/api-priority-processing for priority
row("flex", "openai", "gpt-5", "openai-responses", responses(3001, 501, 1024, 320, "flex"),
    dollars((1977, 0.625), (1024, 0.0625), (501, 5)))
row("flex", "openai", "o3", "openai-chat", chat(3001, 501, tier="flex"), dollars((3001, 1), (501, 4)))
row("flex", "openai", "o4-mini", "openai-chat", chat(3001, 501, cached=1000, tier="flex"),
    dollars((2001, 0.55), (1000, 0.1375), (501, 2.2)))
row("flex and long", "openai", "gpt-5.4", "openai-chat", chat(280000, 10, tier="flex"), dollars((280000, 2.5), (10, 11.25)))
row("batch", "openai", "gpt-4o", "openai-chat", chat(777, 333, tier="batch"), dollars((777, 1.25), (333, 5)))
for model, (p_in, p_cached, p_out) in {
        "gpt-5.4": (5, 0.5, 30), "gpt-5.2": (3.5, 0.35, 28), "gpt-5.1": (2.5, 0.25, 20), "gpt-5": (2.5, 0.25, 20),
        "gpt-5-mini": (0.45, 0.045, 3.6), "gpt-4.1": (3.5, 0.875, 14), "gpt-4.1-mini": (0.7, 0.175, 2.8),
        "gpt-4o": (4.25, 2.125, 17), "gpt-4o-mini": (0.25, 0.125, 1), "o3": (3.5, 0.875, 14), "o4-mini": (2, 0.5, 8)}.items():
    row("priority", "openai", model, "openai-chat", chat(2051, 203, cached=1920, tier="priority"),
        dollars((131, p_in), (1920, p_cached), (203, p_out)))
row("priority without a price is unknown", "openai", "gpt-5-nano", "openai-chat", chat(10, 10, tier="priority"), -1)
row("scale is paid by contract", "openai", "gpt-4o", "openai-chat", chat(10, 10, tier="scale"), -1)
row("a word that is not known is the standard one", "openai", "gpt-4o", "openai-chat", chat(10, 10, tier="on_demand"),
    dollars((10, 2.5), (10, 10)))

# built-in tools: 10 USD per 1,000 searches of the web (pages opened are free), 2.50 per 1,000 of files
row("web searches", "openai", "gpt-4.1", "openai-responses", responses(9001, 800, items=[SEARCH, OPEN, SEARCH]),
    dollars((9001, 2), (800, 8)) + 2 * 10000000)
row("file search", "openai", "gpt-5-mini", "openai-responses", responses(500, 50, 0, 0, items=[FILES]),
    dollars((500, 0.25), (50, 2)) + 2500000)
row("tools are not cheaper as flex", "openai", "gpt-5", "openai-responses", responses(1000, 100, 0, 64, "flex", [SEARCH]),
    dollars((1000, 0.625), (100, 5)) + 10000000)

# ---- Azure sells OpenAI's models at OpenAI's prices (azure.microsoft.com/pricing) ----
for model, (p_in, p_cached, p_out) in (("gpt-4o", openai["gpt-4o"]), ("gpt-4.1-mini", openai["gpt-4.1-mini"]),
                                       ("gpt-5-mini", openai["gpt-5-mini"])):
    row("azure", "azure-openai", model, "openai-chat", chat(1500, 300, cached=1024),
        dollars((476, p_in), (1024, p_cached), (300, p_out)))

# ---- Anthropic: input_tokens are what was neither read from nor written to the cache; thinking is part of output ----


def messages(inp, out, read=0, w5=0, w1=0, thinking=0, searches=0, split=True, **more):
    usage = {"input_tokens": inp, "output_tokens": out, "cache_read_input_tokens": read,
             "cache_creation_input_tokens": w5 + w1, "service_tier": "standard"}
    if split:
        usage["cache_creation"] = {"ephemeral_5m_input_tokens": w5, "ephemeral_1h_input_tokens": w1}
    if thinking:
        usage["output_tokens_details"] = {"thinking_tokens": thinking}
    if searches:
        usage["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 1}
    usage.update(more)
    return {"type": "message", "role": "assistant", "content": [], "usage": usage}


# platform.claude.com/docs/en/about-claude/pricing: input, write 5 min, write 1 h, read, output
claude = {
    "claude-opus-5": (5, 6.25, 10, 0.5, 25), "claude-opus-4-8": (5, 6.25, 10, 0.5, 25),
    "claude-opus-4-7": (5, 6.25, 10, 0.5, 25), "claude-opus-4-5-20251101": (5, 6.25, 10, 0.5, 25),
    "claude-opus-4-1-20250805": (15, 18.75, 30, 1.5, 75), "claude-sonnet-5": (2, 2.5, 4, 0.2, 10),
    "claude-sonnet-4-6": (3, 3.75, 6, 0.3, 15), "claude-sonnet-4-5-20250929": (3, 3.75, 6, 0.3, 15),
    "claude-sonnet-4-20250514": (3, 3.75, 6, 0.3, 15), "claude-haiku-4-5-20251001": (1, 1.25, 2, 0.1, 5),
    "claude-3-5-haiku-20241022": (0.8, 1, 1.6, 0.08, 4), "claude-fable-5": (10, 12.5, 20, 1, 50),
    "claude-fable-5-1": (10, 12.5, 20, 0.25, 50),
}
for i, (model, (p_in, p_5m, p_1h, p_read, p_out)) in enumerate(claude.items()):
    n, m, r, w = 13 + 101 * i, 400 + 17 * i, 20000 + 1111 * i, 3000 + 33 * i
    row("plain", "anthropic", model, "anthropic", messages(n, m), dollars((n, p_in), (m, p_out)))
    row("read and written for 5 minutes", "anthropic", model, "anthropic", messages(n, m, r, w),
        dollars((n, p_in), (r, p_read), (w, p_5m), (m, p_out)))
    row("written for an hour", "anthropic", model, "anthropic", messages(n, m, r, 7, w, 250),
        dollars((n, p_in), (r, p_read), (7, p_5m), (w, p_1h), (m, p_out)))
row("a total of writes without lifetimes", "anthropic", "claude-sonnet-4-5", "anthropic", messages(3, 4, 0, 5000, split=False),
    dollars((3, 3), (5000, 3.75), (4, 15)))
row("below the tier", "anthropic", "claude-sonnet-4-5", "anthropic", messages(100000, 10, 99999, 1),
    dollars((100000, 3), (99999, 0.3), (1, 3.75), (10, 15)))
row("cached tokens count for the tier", "anthropic", "claude-sonnet-4-5", "anthropic", messages(100000, 10, 100000, 1),
    dollars((100000, 6), (100000, 0.6), (1, 7.5), (10, 22.5)))
row("tier before its end", "anthropic", "claude-sonnet-4-6", "anthropic", messages(250000, 10), dollars((250000, 6), (10, 22.5)),
    "2026-03-12T23:59")
row("no tier since", "anthropic", "claude-sonnet-4-6", "anthropic", messages(250000, 10), dollars((250000, 3), (10, 15)),
    "2026-03-13T00:00")
row("web searches", "anthropic", "claude-sonnet-4-5", "anthropic", messages(20001, 600, searches=3),
    dollars((20001, 3), (600, 15)) + 3 * 10000000)
row("batch", "anthropic", "claude-haiku-4-5", "anthropic", messages(1001, 333, 5000, service_tier="batch"),
    dollars((1001, 0.5), (5000, 0.05), (333, 2.5)))
row("fast", "anthropic", "claude-opus-4-8", "anthropic", messages(1001, 333, 5000, speed="fast"),
    dollars((1001, 10), (5000, 1), (333, 50)))
row("in the US", "anthropic", "claude-opus-4-7", "anthropic", messages(1001, 333, 5000, inference_geo="us"),
    dollars((1001, 5.5), (5000, 0.55), (333, 27.5)))
row("fast in the US", "anthropic", "claude-opus-5", "anthropic", messages(10, 10, speed="fast", inference_geo="us"),
    dollars((10, 11), (10, 55)))
row("elsewhere", "anthropic", "claude-opus-4-7", "anthropic", messages(10, 10, inference_geo="global", speed="standard"),
    dollars((10, 5), (10, 25)))
row("priority is paid by contract", "anthropic", "claude-sonnet-4-5", "anthropic", messages(10, 10, service_tier="priority"), -1)
row("haiku 3", "anthropic", "claude-3-haiku-20240307", "anthropic", messages(111, 222, 333, 444),
    dollars((111, 0.25), (222, 1.25), (333, 0.03), (444, 0.3)))

# ---- Bedrock: as Anthropic counts; regional profiles cost a tenth more since 4.5 (aws.amazon.com/bedrock/pricing) ----


def converse(inp, out, read=0, w5=0, w1=0):
    usage = {"inputTokens": inp, "outputTokens": out, "totalTokens": inp + out + read + w5 + w1}
    if read or w5 or w1:
        usage.update({"cacheReadInputTokens": read, "cacheWriteInputTokens": w5 + w1})
        if w1:
            usage["cacheDetails"] = [{"inputTokens": w5, "ttl": "5m"}, {"inputTokens": w1, "ttl": "1h"}]
    return {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn", "usage": usage}


for model, (p_in, p_5m, p_1h, p_read, p_out) in {
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0": (3, 3.75, 6, 0.3, 15),
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0": (3.3, 4.125, 6.6, 0.33, 16.5),
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0": (1.1, 1.375, 2.2, 0.11, 5.5)}.items():
    row("bedrock", "bedrock", model, "bedrock", converse(1234, 567, 8900, 777, 55),
        dollars((1234, p_in), (8900, p_read), (777, p_5m), (55, p_1h), (567, p_out)))
for model, (p_in, p_read, p_out) in {"amazon.nova-micro-v1:0": (0.035, 0.00875, 0.14), "amazon.nova-lite-v1:0": (0.06, 0.015, 0.24),
                                     "us.amazon.nova-pro-v1:0": (0.8, 0.2, 3.2), "us.amazon.nova-premier-v1:0": (2.5, 0.625, 12.5)}.items():
    row("nova", "bedrock", model, "bedrock", converse(2001, 301, 1001), dollars((2001, p_in), (1001, p_read), (301, p_out)))
for model, p in {"us.meta.llama3-3-70b-instruct-v1:0": (0.72, 0.72), "us.deepseek.r1-v1:0": (1.35, 5.4),
                 "openai.gpt-oss-120b-1:0": (0.15, 0.6)}.items():
    row("others", "bedrock", model, "bedrock", converse(901, 77), dollars((901, p[0]), (77, p[1])))

# ---- Gemini: thoughts stand beside the candidates, cached tokens are part of the prompt, tool input beside it ----


def gemini(prompt, candidates, thoughts=0, cached=0, tool=0, audio=0, cached_audio=0, image_out=0, **more):
    usage = {"promptTokenCount": prompt, "candidatesTokenCount": candidates, "totalTokenCount": prompt + candidates + thoughts + tool,
             "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt - audio}]}
    if audio:
        usage["promptTokensDetails"].append({"modality": "AUDIO", "tokenCount": audio})
    if cached:
        usage["cachedContentTokenCount"] = cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": cached - cached_audio}]
        if cached_audio:
            usage["cacheTokensDetails"].append({"modality": "AUDIO", "tokenCount": cached_audio})
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    if tool:
        usage["toolUsePromptTokenCount"] = tool
    if image_out:
        usage["candidatesTokensDetails"] = [{"modality": "IMAGE", "tokenCount": image_out}]
    usage.update(more)
    return {"candidates": [], "usageMetadata": usage}


# ai.google.dev/gemini-api/docs/pricing: input, cached, output, audio input, cached audio
google = {
    "gemini-2.5-pro": (1.25, 0.125, 10, 1.25, 0.125), "gemini-2.5-flash": (0.3, 0.03, 2.5, 1, 0.1),
    "gemini-2.5-flash-lite": (0.1, 0.01, 0.4, 0.3, 0.03), "gemini-2.0-flash": (0.1, 0.025, 0.4, 0.7, 0.175),
    "gemini-3-pro-preview": (2, 0.2, 12, 2, 0.2), "gemini-3-flash-preview": (0.5, 0.05, 3, 1, 0.1),
    "gemini-3.5-flash": (1.5, 0.15, 9, 1.5, 0.15),
}
for i, (model, (p_in, p_cached, p_out, p_audio, p_caudio)) in enumerate(google.items()):
    n, m = 4000 + 111 * i, 222 + 13 * i
    row("plain", "gemini", model, "gemini", gemini(n, m), dollars((n, p_in), (m, p_out)))
    row("thoughts are output", "gemini", model, "gemini", gemini(n, m, thoughts=900 + i), dollars((n, p_in), (m + 900 + i, p_out)))
    row("cached", "gemini", model, "gemini", gemini(n, m, 10, cached=2048),
        dollars((n - 2048, p_in), (2048, p_cached), (m + 10, p_out)))
    row("audio, some of it cached", "gemini", model, "gemini", gemini(n, m, audio=1500, cached=1100, cached_audio=600),
        dollars((n - 1500 - 500, p_in), (900, p_audio), (500, p_cached), (600, p_caudio), (m, p_out)))
row("tool input is input", "gemini", "gemini-2.5-flash", "gemini", gemini(100, 10, 5, tool=4321),
    dollars((4421, 0.3), (15, 2.5)))
row("a model's resource name", "gemini", "models/gemini-2.5-flash", "gemini", gemini(100, 10), dollars((100, 0.3), (10, 2.5)))
for n in (200000, 200001):
    price = (1.25, 0.125, 10) if n == 200000 else (2.5, 0.25, 15)
    row("tier at %d" % n, "gemini", "gemini-2.5-pro", "gemini", gemini(n, 99, 1, cached=150000),
        dollars((n - 150000, price[0]), (150000, price[1]), (100, price[2])))
row("tier on Vertex", "vertex", "publishers/google/models/gemini-3-pro-preview", "gemini", gemini(250000, 10, 20),
    dollars((250000, 4), (30, 18)))
grounded = gemini(100, 10)
grounded["candidates"] = [{"groundingMetadata": {"webSearchQueries": ["a", "b"]}}]
row("searches", "gemini", "gemini-3-pro-preview", "gemini", grounded, dollars((100, 2), (10, 12)) + 2 * 14000000)
row("searches paid by the prompt", "gemini", "gemini-2.5-flash", "gemini", grounded, -1)
row("images made", "gemini", "gemini-2.5-flash-image", "gemini", gemini(20, 1290, image_out=1290), dollars((20, 0.3), (1290, 30)))
row("flex", "gemini", "gemini-2.5-flash", "gemini", gemini(1000, 100, serviceTier="flex"), dollars((1000, 0.15), (100, 1.25)))
row("priority", "gemini", "gemini-3.7-flash", "gemini", gemini(1000, 100, serviceTier="priority"),
    dollars((1000, "1.35"), (100, "6.75")))
row("flex on Vertex", "vertex", "gemini-2.5-pro", "gemini", gemini(201000, 100, trafficType="ON_DEMAND_FLEX"),
    dollars((201000, 1.25), (100, 7.5)))
row("on demand", "vertex", "gemini-2.5-pro", "gemini", gemini(10, 10, trafficType="ON_DEMAND"), dollars((10, 1.25), (10, 10)))
row("provisioned throughput is paid by contract", "vertex", "gemini-2.5-pro", "gemini",
    gemini(10, 10, trafficType="PROVISIONED_THROUGHPUT"), -1)
row("introductory price", "gemini", "gemini-3.6-flash", "gemini", gemini(1000, 100), dollars((1000, 0.75), (100, 3.75)), "2026-12-31T23:59")
row("price from a date on", "gemini", "gemini-3.6-flash", "gemini", gemini(1000, 100), dollars((1000, 1.5), (100, 7.5)), "2027-01-01T00:00")
row("free of charge", "gemini", "gemma-4-31b-it", "gemini", gemini(1000, 100), 0)
row("Claude on Vertex", "vertex", "claude-opus-4-1@20250805", "anthropic", messages(10, 20, 30, 40, 50),
    dollars((10, 15), (30, 1.5), (40, 18.75), (50, 30), (20, 75)))

# ---- DeepSeek: hits of the cache are part of the prompt; prices by day and hour, UTC (api-docs.deepseek.com) ----


def deepseek(hit, miss, out, reasoning):
    return {"object": "chat.completion", "choices": [],
            "usage": {"prompt_tokens": hit + miss, "completion_tokens": out, "total_tokens": hit + miss + out,
                      "prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": miss,
                      "completion_tokens_details": {"reasoning_tokens": reasoning}}}


for at, price in (("2026-08-16T12:00", (0.435, 0.003625, 0.87)), ("2026-08-17T00:00", (0.66, 0.022, 1.98)),
                  ("2026-11-28T00:59", (0.66, 0.022, 1.98)), ("2026-11-28T01:00", (1.32, 0.044, 3.96)),
                  ("2026-11-28T03:59", (1.32, 0.044, 3.96)), ("2026-11-28T04:00", (0.66, 0.022, 1.98)),
                  ("2026-11-28T06:00", (1.32, 0.044, 3.96)), ("2026-11-28T10:00", (0.66, 0.022, 1.98))):
    row("by the hour", "deepseek", "deepseek-v4-pro", "openai-chat", deepseek(1024, 333, 200, 150),
        dollars((333, price[0]), (1024, price[1]), (200, price[2])), at)

# ---- xAI: completion_tokens leave the reasoning out, which costs as output (docs.x.ai/docs/models) ----


def xai(prompt, out, cached, reasoning):
    usage = chat(prompt, out, cached, reasoning)
    usage["usage"]["total_tokens"] = prompt + out + reasoning
    return usage


for model, (p_in, p_cached, p_out) in {"grok-3": (3, 0.75, 15), "grok-3-mini": (0.3, 0.075, 0.5), "grok-4-0709": (3, 0.75, 15),
                                       "grok-4-fast-reasoning": (0.2, 0.05, 0.5), "grok-code-fast-1": (0.2, 0.02, 1.5)}.items():
    row("reasoning beside the completion", "xai", model, "openai-chat", xai(429, 44, 192, 502),
        dollars((237, p_in), (192, p_cached), (546, p_out)))
for n, price in ((199999, (1.25, 0.2, 2.5)), (200000, (2.5, 0.4, 5))):
    row("tier at %d" % n, "xai", "grok-4.3", "openai-chat", xai(n, 10, 1000, 5),
        dollars((n - 1000, price[0]), (1000, price[1]), (15, price[2])))

# ---- Perplexity: a fee for each request; Deep Research pays for what it read, searched and thought (docs.perplexity.ai) ----
for model, (p_in, p_out, fee) in {"sonar": (1, 1, 5), "sonar-pro": (3, 15, 6), "sonar-reasoning-pro": (2, 8, 6)}.items():
    row("a fee for each request", "perplexity", model, "openai-chat", chat(26, 259), dollars((26, p_in), (259, p_out)) + fee * 1000000)
row("Deep Research", "perplexity", "sonar-deep-research", "openai-chat",
    {"choices": [], "usage": {"prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "citation_tokens": 20016,
                              "num_search_queries": 48, "reasoning_tokens": 95305}},
    dollars((33, 2), (7163, 8), (20016, 2), (95305, 3)) + 48 * 5000000)

# ---- who speaks OpenAI's dialect: prices of their own lists ----
for provider, model, p_in, p_cached, p_out in (
        ("mistral", "mistral-large-2512", 0.5, 0.05, 1.5), ("mistral", "mistral-small-2603", 0.15, 0.015, 0.6),
        ("mistral", "codestral-2508", 0.3, 0.03, 0.9), ("mistral", "ministral-8b-2512", 0.15, 0.015, 0.15),
        ("groq", "openai/gpt-oss-120b", 0.15, 0.075, 0.6), ("groq", "openai/gpt-oss-20b", 0.075, 0.0375, 0.3),
        ("groq", "moonshotai/kimi-k2-instruct", 1, 0.5, 3), ("moonshot", "kimi-k2-thinking", 0.6, 0.15, 2.5),
        ("moonshot", "kimi-k2.5", 0.6, 0.1, 3), ("zhipu", "glm-4.7", 0.276, 0.055, 1.103),
        ("minimax", "MiniMax-M2", 0.3, 0.03, 1.2), ("fireworks", "accounts/fireworks/models/kimi-k2p5", 0.6, 0.1, 3),
        ("fireworks", "accounts/fireworks/models/gpt-oss-120b", 0.15, 0.014, 0.6),
        ("openrouter", "openai/gpt-5.4", 2.5, 0.25, 15), ("openrouter", "google/gemini-2.5-flash", 0.3, 0.075, 2.5)):
    row("compatible", provider, model, "openai-chat", chat(3210, 543, cached=1024),
        dollars((2186, p_in), (1024, p_cached), (543, p_out)))
for provider, model, p_in, p_out in (
        ("groq", "llama-3.3-70b-versatile", 0.59, 0.79), ("groq", "llama-3.1-8b-instant", 0.05, 0.08),
        ("cerebras", "gpt-oss-120b", 0.35, 0.75), ("cohere", "command-r-plus-08-2024", 2.5, 10), ("cohere", "command-r7b-12-2024", 0.0375, 0.15),
        ("nebius", "meta-llama/Llama-3.3-70B-Instruct", 0.25, 0.75), ("openrouter", "openai/gpt-4o", 2.5, 10),
        ("openrouter", "openai/gpt-oss-20b:free", 0, 0)):
    row("compatible", provider, model, "openai-chat", chat(1999, 101), dollars((1999, p_in), (101, p_out)))
row("Moonshot's word for cached", "moonshot", "kimi-k2.6", "openai-chat",
    {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010, "cached_tokens": 768}},
    dollars((232, 0.95), (768, 0.16), (10, 4)))
row("Groq's place of the usage", "groq", "llama-3.3-70b-versatile", "openai-chat",
    {"choices": [], "x_groq": {"usage": {"prompt_tokens": 50, "completion_tokens": 7, "total_tokens": 57}}},
    dollars((50, 0.59), (7, 0.79)))
row("embedding with a total only", "voyage", "voyage-3.5", "openai-embeddings",
    {"object": "list", "data": [], "usage": {"total_tokens": 10001}}, dollars((10001, 0.06)))
row("embedding", "mistral", "mistral-embed", "openai-embeddings",
    {"object": "list", "data": [], "usage": {"prompt_tokens": 12345, "total_tokens": 12345}}, dollars((12345, 0.1)))
row("tier of MiniMax", "minimax", "MiniMax-M3", "openai-chat", chat(512001, 100, cached=500000),
    dollars((12001, 0.6), (500000, 0.12), (100, 2.4)))

# ---- what nobody knows ----
row("a model of nobody", "openai", "gpt-99-made-up", "openai-chat", chat(10, 10), -1)
row("a provider without a list", "vllm-1", "llama-3.3-70b", "openai-chat", chat(10, 10), -1)
row("audio without a price", "openai", "gpt-4o-mini", "openai-chat", chat(10, 10, audio_in=5), -1)
row("no usage", "openai", "gpt-4o", "openai-chat", {"object": "chat.completion", "choices": []}, -1)
row("a batch of nothing", "openai", "gpt-4o", "openai-chat", chat(0, 0), 0)

print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Written by cost_table.py, which tells where the numbers come from; see there before changing one. */")
for name, provider, model, dialect, at, answer, want in rows:
    text = answer.replace("\\", "\\\\").replace('"', '\\"')
    pieces = []
    while text:
        cut = min(len(text), 88)
        while cut < len(text) and text[cut - 1] == "\\":
            cut += 1
        pieces.append('"%s"' % text[:cut])
        text = text[cut:]
    print('{ "%s", "%s", "%s",\n  "%s", "%s", %d,\n  %s },' % (name, provider, model, dialect, at, want, "\n  ".join(pieces)))
