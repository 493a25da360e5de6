# SPDX-License-Identifier: Apache-2.0
"""Providers that are broken, or mean harm, towards clients of another dialect: whatever comes, the client gets a good
answer or an error of its own dialect, never a made-up end; nothing crashes, nothing grows, and no credential is shown."""
import copy
import json
import random
import re
import struct
import zlib

from harness import (DONE, PATIENT, PROVIDER_KEY, SANITIZED, SSE_HEAD, Gateway, chat_answer, chat_chunk, chunk, config, event, http, same,
                     short)
from provider import Provider
from proxying import GENERATED, MESSAGE, RESPONSE

CLIENTS = {
    "openai-chat": ("/v1/chat/completions", {"model": "M", "messages": [{"role": "user", "content": "hi"}], "stream": True}),
    "openai-completions": ("/v1/completions", {"model": "M", "prompt": "hi", "stream": True}),
    "openai-responses": ("/v1/responses", {"model": "M", "input": "hi", "stream": True}),
    "anthropic": ("/v1/messages", {"model": "M", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}], "stream": True}),
    "gemini": ("/v1beta/models/M:streamGenerateContent?alt=sse", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
    "bedrock": ("/model/M/converse-stream", {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}),
}
# Of a stream, as the client takes it for ended well, and for failed.
ENDED = {
    "openai-chat": rb"data: \[DONE\]", "openai-completions": rb"data: \[DONE\]", "openai-responses": rb"event: response.(completed|incomplete)",
    "anthropic": b"event: message_stop", "gemini": b'"finishReason"', "bedrock": b"messageStop",
}
FAILED = {
    "openai-chat": rb'data: {"error"', "openai-completions": rb'data: {"error"', "openai-responses": b"event: (response.failed|error)",
    "anthropic": b"event: error", "gemini": rb'data: {"error"', "bedrock": b":exception-type",
}


def named(*events):
    return [event(e, e["type"]) for e in events]


def frame(name, body):
    """A message of an AWS event stream."""
    head = b""
    for key, value in ((":event-type", name), (":content-type", "application/json"), (":message-type", "event")):
        head += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    body = json.dumps(body).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    out = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + body
    return out + struct.pack(">I", zlib.crc32(out))


def call_chunk(**call):
    return event(chat_chunk(choices=[{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]))


CONVERSE = [("messageStart", {"role": "assistant"}),
            ("contentBlockDelta", {"delta": {"reasoningContent": {"text": "hm"}}, "contentBlockIndex": 0}),
            ("contentBlockDelta", {"delta": {"reasoningContent": {"signature": "c2ln"}}, "contentBlockIndex": 0}),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("contentBlockDelta", {"delta": {"text": "hello"}, "contentBlockIndex": 1}), ("contentBlockStop", {"contentBlockIndex": 1}),
            ("contentBlockStart", {"start": {"toolUse": {"toolUseId": "c1", "name": "f"}}, "contentBlockIndex": 2}),
            ("contentBlockDelta", {"delta": {"toolUse": {"input": "{\"a\":1}"}}, "contentBlockIndex": 2}),
            ("contentBlockStop", {"contentBlockIndex": 2}), ("messageStop", {"stopReason": "tool_use"}),
            ("metadata", {"usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}, "metrics": {"latencyMs": 1}})]
STREAMS = {
    "openai-chat": [event(chat_chunk("a")), call_chunk(index=0, id="c1", type="function", function={"name": "f", "arguments": ""}),
                    call_chunk(index=0, function={"arguments": "{\"a\":1}"}),
                    call_chunk(index=1, id="c2", type="function", function={"name": "g", "arguments": "{}"}),
                    event(chat_chunk(finish="tool_calls")),
                    event(chat_chunk(choices=[], usage={"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18})), DONE],
    "anthropic": named(
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "hello"}},
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "f", "input": {}}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}},
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"}),
    "openai-responses": named(
        {"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": []}},
        {"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0,
         "part": {"type": "output_text", "text": "", "annotations": []}},
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "hello"},
        {"type": "response.output_item.done", "output_index": 0, "item": RESPONSE["output"][0]},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 1, "delta": "{\"a\":1}"},
        {"type": "response.output_item.done", "output_index": 1, "item": {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"}},
        {"type": "response.completed", "response": RESPONSE}),
    "gemini": [event({"candidates": [{"content": {"role": "model", "parts": [{"text": "t", "thought": True}]}, "index": 0}],
                      "usageMetadata": {"promptTokenCount": 11}}),
               event({"candidates": [{"content": {"role": "model", "parts": [{"text": "hello", "thoughtSignature": "c2ln"}]}, "index": 0}]}),
               event({"candidates": [{"content": {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]},
                                      "finishReason": "STOP", "index": 0}],
                      "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}})],
    "bedrock": [frame(*e) for e in CONVERSE],
}
HEADS = {d: SSE_HEAD for d in STREAMS}
HEADS["bedrock"] = SSE_HEAD.replace(b"text/event-stream", b"application/vnd.amazon.eventstream")
ODD = [None, 3, -1, 1e300, 2**63, 2**64, -2**63, True, "x", "", [], {}, [1], {"a": 1}, "A" * 5000, [[[[[]]]]], "\ud800", "\0", 0.5]


def settings(p):
    providers = {d: {"dialect": d, "base_url": p.url + ("/v1" if d.startswith("openai") else ""), "api_key": PROVIDER_KEY} for d in STREAMS}
    return config(None, providers=providers, routing={**PATIENT, "retries": {"attempts": 0}},
                  models=[{"name": "to-" + d, "deployments": [{"provider": d, "model": "real-m"}]} for d in STREAMS])


def ask(gw, client, dialect, **more):
    path, body = CLIENTS[client]
    body = {**body, **more}
    if "model" in body:
        body["model"] = "to-" + dialect
    return gw.post(path.replace("/M", "/to-" + dialect), body, timeout=10)


def check(client, r, what):
    """Either a good end or an error, and not both; or an error instead of a stream."""
    if r.status != 200:
        assert r.status in (502, 503), (r.status, r.body[:300], what)
        return
    ended, failed = (bool(re.search(t[client], r.body)) for t in (ENDED, FAILED))
    if client == "bedrock" and failed:
        return           # its reason comes before its last event
    assert ended != failed, f"{client}: ended {ended}, failed {failed}: {short(r.body[-500:])} of {short(what)}"


def places(value, at=()):
    if at:
        yield at
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, key))


def spoil(rng, value):
    """Some member of it is of another type, or gone."""
    for _ in range(rng.choice((1, 1, 1, 3))):
        all_places = list(places(value))
        if not all_places:
            return value
        *path, last = rng.choice(all_places)
        inner = value
        for key in path:
            inner = inner[key]
        if isinstance(inner, dict) and rng.random() < 0.3:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(rng.choice(ODD))
    return value


def spoil_event(rng, dialect, e):
    if dialect == "bedrock":
        name, body = copy.deepcopy(rng.choice(CONVERSE))
        return frame(name, spoil(rng, body))
    head, mark, data = e.partition(b"data: ")
    return head + mark + json.dumps(spoil(rng, json.loads(data))).encode() + b"\n\n" if data.startswith(b"{") else e


def hostile(rng, dialect):
    events = list(STREAMS[dialect])
    for _ in range(rng.choice((1, 1, 2, 3))):
        i, kind = rng.randrange(len(events)) if events else 0, rng.randrange(9)
        data = b"".join(events)
        if not events:
            break
        if kind == 0:
            events.insert(rng.randrange(len(events)), events[i])
        elif kind == 1:
            events.pop(i)
        elif kind == 2:
            rng.shuffle(events)
        elif kind < 6:
            events[i] = spoil_event(rng, dialect, events[i])
        elif kind == 6:
            return data[:rng.randrange(len(data) + 1)]
        elif kind == 7:
            flipped = bytearray(data)
            for _ in range(rng.choice((1, 2, 8))):
                flipped[rng.randrange(len(flipped))] = rng.randrange(256)
            return bytes(flipped)
        else:
            events += events
    return b"".join(events)


def test_whatever_a_provider_streams_a_client_gets_an_end_or_an_error():
    rng, now = random.Random(20), []
    with Provider(lambda r: HEADS[now[0]] + (chunk(now[1]) if now[1] else b"") + b"0\r\n\r\n") as p, Gateway(settings(p)) as gw:
        sizes = []
        for n in range(2000):
            dialect = rng.choice(list(STREAMS))
            client = rng.choice([c for c in CLIENTS if c != dialect and (dialect, c) != ("openai-chat", "openai-completions")])
            now[:] = dialect, hostile(rng, dialect)
            check(client, ask(gw, client, dialect), now)
            if n % 500 == 499:
                sizes.append(gw.rss_kib())
        assert SANITIZED or sizes[-1] - sizes[0] < 2048, f"it grows: {sizes} KiB"
        for line in gw.log_lines():
            tokens = [v for v in line.get("tokens", {}).values() if v is not None]
            assert all(0 <= v < 1 << 62 for v in tokens), line


test_whatever_a_provider_streams_a_client_gets_an_end_or_an_error.limit = 90


def test_a_stream_cut_at_any_byte_has_no_end():
    now = []
    with Provider(lambda r: HEADS[now[0]] + (chunk(now[1]) if now[1] else b"") + b"0\r\n\r\n") as p, Gateway(settings(p)) as gw:
        for dialect, events in STREAMS.items():
            data, client = b"".join(events), "gemini" if dialect == "anthropic" else "anthropic"
            if client == dialect:
                continue
            for n in range(0, len(data) - len(events[-1]) if dialect != "gemini" else len(data) - 60, 7):
                now[:] = dialect, data[:n]
                r = ask(gw, client, dialect)
                check(client, r, now)
                assert r.status != 200 or not re.search(ENDED[client], r.body) or dialect in ("openai-chat", "bedrock"), (dialect, n, r.body)


ANSWERS = {
    "openai-chat": {**chat_answer("x"), "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
        "role": "assistant", "content": "x", "reasoning_content": "r",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}]},
    "anthropic": {**MESSAGE, "stop_reason": "tool_use", "content": [
        {"type": "thinking", "thinking": "t", "signature": "c2ln"}, {"type": "text", "text": "a"}, {"type": "tool_use", "id": "c1", "name": "f", "input": {}}]},
    "openai-responses": {**RESPONSE, "output": [*RESPONSE["output"], {"type": "function_call", "id": "fc", "call_id": "c1", "name": "f", "arguments": "{}"}]},
    "gemini": {**GENERATED, "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
        {"text": "t", "thought": True}, {"text": "a"}, {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}]}}]},
    "bedrock": {"output": {"message": {"role": "assistant", "content": [{"text": "a"}, {"toolUse": {"toolUseId": "c1", "name": "f", "input": {}}}]}},
                "stopReason": "tool_use", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}},
}


def test_whatever_a_provider_answers_a_client_gets_an_answer_or_an_error():
    rng, now = random.Random(21), []
    whole = {c: (path.replace("streamGenerateContent?alt=sse", "generateContent").replace("converse-stream", "converse"),
                 {k: v for k, v in body.items() if k != "stream"}) for c, (path, body) in CLIENTS.items()}
    reason = {"openai-chat": lambda j: j["choices"][0]["finish_reason"], "openai-completions": lambda j: j["choices"][0]["finish_reason"],
              "openai-responses": lambda j: j["status"], "anthropic": lambda j: j["stop_reason"],
              "gemini": lambda j: j["candidates"][0]["finishReason"], "bedrock": lambda j: j["stopReason"]}
    with Provider(lambda r: http(now[0])) as p, Gateway(settings(p)) as gw:
        for _ in range(1500):
            dialect = rng.choice(list(ANSWERS))
            client = rng.choice([c for c in CLIENTS if c != dialect and (dialect, c) != ("openai-chat", "openai-completions")])
            now[:] = [json.dumps(spoil(rng, copy.deepcopy(ANSWERS[dialect]))).encode()]
            path, body = whole[client]
            body = {**body, "model": "to-" + dialect} if "model" in body else body
            r = gw.post(path.replace("/M", "/to-" + dialect), body, timeout=10)
            assert r.status in (200, 502, 503), (r.status, r.body, now)
            assert r.status != 200 or reason[client](json.loads(r.body)), (client, r.body, now)


test_whatever_a_provider_answers_a_client_gets_an_answer_or_an_error.limit = 90


def test_no_error_of_a_stream_shows_the_credential():
    text = f"the key {PROVIDER_KEY} is bad"
    errors = {
        "openai-chat": event({"error": {"message": text, "type": "invalid_request_error", "code": PROVIDER_KEY, "param": PROVIDER_KEY}}),
        "anthropic": event({"type": "error", "error": {"type": "invalid_request_error", "message": text}}, "error"),
        "openai-responses": event({"type": "error", "code": "invalid_prompt", "message": text, "param": PROVIDER_KEY}, "error"),
        "gemini": event({"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}}),
    }
    now = []
    with Provider(lambda r: HEADS[now[0]] + chunk(now[1]) + b"0\r\n\r\n") as p, Gateway(settings(p)) as gw:
        for dialect, error in errors.items():
            for first in (0, 1, len(STREAMS[dialect]) - 2):
                for client in CLIENTS:
                    now[:] = dialect, b"".join(STREAMS[dialect][:first]) + error
                    r = ask(gw, client, dialect)
                    assert PROVIDER_KEY.encode() not in r.head + r.body, (dialect, client, first, r.body)
        assert PROVIDER_KEY.encode() not in gw.messages()


def test_an_end_without_a_reason_is_no_end():
    now = []
    with Provider(lambda r: [HEADS[now[0]] + chunk(now[1][:-50]), chunk(now[1][-50:]) + b"0\r\n\r\n"]) as p, Gateway(settings(p)) as gw:
        for client in CLIENTS:
            if client != "anthropic":
                now[:] = "anthropic", b"".join(STREAMS["anthropic"][:-2] + STREAMS["anthropic"][-1:])
                r = ask(gw, client, "anthropic")
                check(client, r, now)
                assert r.status != 200 or not re.search(ENDED[client], r.body), (client, r.body)
