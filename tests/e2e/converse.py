# SPDX-License-Identifier: Apache-2.0
"""Bedrock's Converse: its binary streams pass from provider to client, and other dialects' clients and providers meet it."""
import contextlib
import json
import random
import struct
import zlib

from harness import (CLIENT_KEY, PROVIDER_KEY, Gateway, chat, chat_answer, chat_stream, chunk, config, events_of, http,
    is_error, no_secret, same, short, sse)
from provider import Close, Provider

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n"
ASK = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
ANSWER = {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn",
          "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}, "metrics": {"latencyMs": 5}}


def message(kind, name, payload):
    """One message of an AWS event stream; kind: event or exception."""
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    headers = b""
    for key, value in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind)):
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    head = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head += struct.pack(">I", zlib.crc32(head)) + headers + payload
    return head + struct.pack(">I", zlib.crc32(head))


def messages(body):
    """The messages of a body, each with its type and payload; both checksums must be right."""
    out = []
    while body:
        total, n = struct.unpack(">II", body[:8])
        same(struct.unpack(">I", body[8:12])[0], zlib.crc32(body[:8]), "the prelude's checksum")
        same(struct.unpack(">I", body[total - 4:total])[0], zlib.crc32(body[:total - 4]), "the checksum")
        head, found, at = body[12:12 + n], {}, 0
        while at < n:
            key = head[at + 1:at + 1 + head[at]].decode()
            at += 2 + head[at]
            size = struct.unpack(">H", head[at:at + 2])[0]
            found[key] = head[at + 2:at + 2 + size].decode()
            at += 2 + size
        out.append((found.get(":event-type") or found[":exception-type"], json.loads(body[12 + n:total - 4])))
        body = body[total:]
    return out


def event(name, payload):
    return message("event", name, payload)


BEGIN = event("messageStart", {"role": "assistant", "p": "abcdef"})
TEXT = [event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": t}}) for t in ("hel", "lo \N{EARTH GLOBE AMERICAS}")]
END = [event("contentBlockStop", {"contentBlockIndex": 0}), event("messageStop", {"stopReason": "end_turn"}),
       event("metadata", {"usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}, "metrics": {"latencyMs": 5}})]
STREAM = [BEGIN, *TEXT, *END]
CALL = [event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t1", "name": "f"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{\"a\":"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "1.0}"}}}),
        event("contentBlockStop", {"contentBlockIndex": 1}), event("messageStop", {"stopReason": "tool_use"}), END[-1]]


def streamed(*parts, end=True):
    return HEAD + b"".join(chunk(p) for p in parts) + (b"0\r\n\r\n" if end else b"")


@contextlib.contextmanager
def through(answer, dialect="bedrock", base="", **over):
    cfg = {"providers": {"up": {"dialect": dialect, "api_key": PROVIDER_KEY}},
           "models": [{"name": "m", "deployments": [{"provider": "up", "model": "anthropic.claude-sonnet-4-5-v1:0",
               "price": {"input": 2, "output": 10}}]}], **over}
    with Provider(answer if callable(answer) else lambda r: answer) as provider:
        cfg["providers"]["up"]["base_url"] = provider.url + base
        with Gateway(config(None, **cfg)) as gw:
            yield gw, provider
            same(provider.faults, [], "unclean bytes upstream")


def ask(gw, path="/model/m/converse-stream", body=ASK, **more):
    return gw.post(path, body if isinstance(body, bytes) else json.dumps(body).encode(), **more)


def test_a_stream_passes_byte_for_byte_wherever_it_is_cut():
    whole = b"".join(STREAM)
    dice = random.Random(7)
    cuts = [[whole], STREAM, [whole[i:i + 1] for i in range(len(whole))]]
    for _ in range(3):
        at = sorted(dice.sample(range(1, len(whole)), 9))
        cuts.append([whole[a:b] for a, b in zip([0, *at], [*at, len(whole)])])
    for parts in cuts:
        with through(streamed(*parts)) as (gw, provider):
            r = ask(gw)
            same(r.status, 200, short(r.body))
            same(r.get("content-type"), "application/vnd.amazon.eventstream")
            same(r.body, whole, "the stream")
            q, = provider.requests
            same(q.target, "/model/anthropic.claude-sonnet-4-5-v1%3A0/converse-stream")
            same(q.get("authorization"), f"Bearer {PROVIDER_KEY}")
            assert CLIENT_KEY.encode() not in q.head + q.body


def test_a_stream_that_breaks_ends_in_an_exception():
    for parts in ([BEGIN, TEXT[0]], [BEGIN, TEXT[0], TEXT[1][:-5]], [BEGIN, TEXT[0], b"\0" * 40]):
        with through([HEAD + b"".join(chunk(p) for p in parts), Close], routing={"retries": {"attempts": 0}}) as (gw, _):
            r = ask(gw)
            same(r.status, 200)
            got = messages(r.body)
            same([name for name, _ in got], ["messageStart", "contentBlockDelta", "modelStreamErrorException"])
            assert got[-1][1]["message"], got


def test_the_providers_exception_is_the_clients():
    slow = message("exception", "throttlingException", {"message": "slower"})
    with through(streamed(BEGIN, TEXT[0], slow)) as (gw, _):
        same(ask(gw).body, BEGIN + TEXT[0] + slow)
        r = gw.post("/v1/chat/completions", json.dumps(chat(stream=True)).encode())
        assert events_of(r.body)[-1]["error"]["message"] and b"[DONE]" not in r.body, short(r.body)


def test_an_exception_before_anything_else_is_tried_again():
    answers = [streamed(message("exception", "serviceUnavailableException", {"message": "no"})), streamed(*STREAM)]
    with through(lambda r: answers.pop(0)) as (gw, provider):
        same(ask(gw).body, b"".join(STREAM))
        same(len(provider.requests), 2)


def test_a_stream_is_paid_for():
    with through(streamed(*STREAM)) as (gw, _):
        r = ask(gw)
        same(r.status, 200)
        same(ask(gw, "/model/m/converse").status, 502, "no stream was asked for")
    with through(http(ANSWER)) as (gw, _):
        same(ask(gw, "/model/m/converse").get("x-sluice-cost-usd"), "0.000092")


def test_clients_of_other_dialects_reach_converse():
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    with through(streamed(BEGIN, *TEXT, END[0], *CALL)) as (gw, provider):
        r = gw.post("/v1/chat/completions", json.dumps(chat(stream=True, tools=tools, stream_options={"include_usage": True})).encode())
        got = events_of(r.body)
        same(got[-1], "[DONE]", short(r.body))
        deltas = [c["choices"][0]["delta"] for c in got[:-1] if c["choices"]]
        same("".join(d.get("content") or "" for d in deltas), "hello \N{EARTH GLOBE AMERICAS}")
        calls = [c for d in deltas for c in d.get("tool_calls", [])]
        same((calls[0]["id"], calls[0]["function"]["name"]), ("t1", "f"))
        same("".join(c["function"].get("arguments", "") for c in calls), '{"a":1.0}')
        same([c["choices"][0]["finish_reason"] for c in got[:-1] if c["choices"]][-1], "tool_calls")
        same(got[-2]["usage"]["total_tokens"], 18)
        same(json.loads(provider.requests[0].body)["toolConfig"]["tools"][0]["toolSpec"]["name"], "f")
    with through(http(ANSWER)) as (gw, provider):
        body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        r = gw.post("/v1/messages", json.dumps(body).encode())
        same((r.json()["content"][0]["text"], r.json()["stop_reason"]), ("hello", "end_turn"), short(r.body))
        same(json.loads(provider.requests[0].body), {**ASK, "inferenceConfig": {"maxTokens": 9}})


def test_converse_clients_reach_other_dialects():
    call = {**chat_answer(None), "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant",
        "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1.0}'}}]}}]}
    body = {**ASK, "system": [{"text": "s"}], "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {
        "type": "object"}}}}], "toolChoice": {"any": {}}}, "additionalModelRequestFields": {"unknown": 1}}
    with through(http(call), "openai-chat", "/v1") as (gw, provider):
        r = ask(gw, "/model/m/converse", body)
        same(r.status, 200, short(r.body))
        same(r.json()["output"]["message"]["content"], [{"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": 1.0}}}])
        same(r.json()["stopReason"], "tool_use")
        same(r.get("x-sluice-dropped"), "additionalModelRequestFields.unknown")
        sent = json.loads(provider.requests[0].body)
        same([m["role"] for m in sent["messages"]], ["system", "user"])
        same(sent["tool_choice"], "required")
    with through(sse(*chat_stream("hel", "lo")), "openai-chat", "/v1") as (gw, _):
        r = ask(gw)
        same(r.get("content-type"), "application/vnd.amazon.eventstream")
        got = messages(r.body)
        same([name for name, _ in got], ["messageStart", "contentBlockDelta", "contentBlockDelta", "contentBlockStop",
            "messageStop", "metadata"])
        same("".join(p["delta"]["text"] for n, p in got if n == "contentBlockDelta"), "hello")
        same(got[-1][1]["usage"]["totalTokens"], 18)
    with through([sse(*chat_stream("hel")[:1], end=False), Close], "openai-chat", "/v1", routing={"retries": {"attempts": 0}}) as (gw, _):
        same(messages(ask(gw).body)[-1][0], "modelStreamErrorException")


def test_bedrocks_errors_are_the_clients_and_ours_are_in_its_words():
    refused = http({"message": "The provided model identifier is invalid."}, "400 Bad Request",
                   headers=["x-amzn-ErrorType: ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/"])
    with through(refused) as (gw, _):
        r = ask(gw, "/model/m/converse")
        same((r.status, r.get("x-amzn-errortype")), (400, "ValidationException"))
        same(r.json()["message"], "The provided model identifier is invalid.")
        no_secret(r)
        e = is_error(gw.post("/v1/chat/completions", json.dumps(chat()).encode()), 400)
        same(e["message"], "The provided model identifier is invalid.")
        image = [{"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}}]
        is_error(gw.post("/v1/chat/completions", json.dumps({"model": "m", "messages": [{"role": "user", "content": image}]}).encode()), 400)


def test_a_signed_request_is_refused_with_the_way_out():
    signed = ["Authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"]
    with through(http(ANSWER)) as (gw, provider):
        r = ask(gw, "/model/m/converse", key=None, headers=signed)
        same((r.status, r.get("x-amzn-errortype")), (401, "UnrecognizedClientException"))
        assert "AWS_BEARER_TOKEN_BEDROCK" in r.json()["message"], r.body
        same(len(provider.requests), 0)


def test_tokens_are_counted():
    body = {"input": {"converse": ASK}}
    with through(http({"inputTokens": 11})) as (gw, provider):
        same(ask(gw, "/model/m/count-tokens", body).json(), {"inputTokens": 11})
        same(provider.requests[0].target, "/model/anthropic.claude-sonnet-4-5-v1%3A0/count-tokens")
    with through(http(chat_answer()), "openai-chat", "/v1") as (gw, provider):
        assert ask(gw, "/model/m/count-tokens", body).json()["inputTokens"] > 0
        same(len(provider.requests), 0, "calls upstream")


def test_models_are_listed_as_bedrock_does():
    with through(http(ANSWER)) as (gw, _):
        same([m["modelId"] for m in gw.get("/foundation-models").json()["modelSummaries"]], ["m"])
        same(gw.get("/foundation-models/m").json()["modelDetails"]["modelId"], "m")
