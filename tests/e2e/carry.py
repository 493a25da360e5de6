# SPDX-License-Identifier: Apache-2.0
"""A stream that is cut in the midst goes on with another deployment: the client of each dialect sees one stream, whole
and in order, with one end and one usage, whoever spoke first and whoever goes on."""
import contextlib
import itertools
import json
import select
import threading
import time

import converse
from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chunk, config, event, events_of, http, request_bytes, same,
    short)
from ollama_cohere import LINES, co
from provider import Close, Never, Provider, Reset, Wait

TEXT = "One two\n three \"four\" \N{EARTH GLOBE AMERICAS} five.\n\n six seven, and all of it once."
PIECES = [TEXT[i:i + 9] for i in range(0, len(TEXT), 9)]
PLEASE = "Your answer was cut off at this point."
USED = (11, 7)


# ---- providers: the frames of a stream that says these texts, and one that reports an error ----------------------------

def chat_frames(texts, used=USED):
    def one(delta, finish=None, **more):
        return event({"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "real-m",
                      "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})
    return [one({"role": "assistant", "content": ""}), *(one({"content": t}) for t in texts), one({}, "stop"),
            one({}, choices=[], usage={"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)}),
            b"data: [DONE]\n\n"]


def named(*objects):
    return [event(o, o["type"]) for o in objects]


def anthropic_frames(texts, used=USED):
    return named(
        {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "real-m",
            "content": [], "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": used[0], "output_tokens": 1}}},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": t}} for t in texts),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
         "usage": {"output_tokens": used[1]}},
        {"type": "message_stop"})


def responses_frames(texts, used=USED):
    numbers = itertools.count()
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "real-m", "error": None}
    part = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "msg_1", "role": "assistant"}
    whole = {"type": "output_text", "text": "".join(texts), "annotations": []}
    done = {**item, "status": "completed", "content": [whole]}
    out = [
        {"type": "response.created", "response": {**head, "status": "in_progress", "output": [], "usage": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **part, "part": {**whole, "text": ""}},
        *({"type": "response.output_text.delta", **part, "delta": t} for t in texts),
        {"type": "response.output_text.done", **part, "text": whole["text"]},
        {"type": "response.content_part.done", **part, "part": whole},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": {**head, "status": "completed", "output": [done], "usage": {
            "input_tokens": used[0], "output_tokens": used[1], "total_tokens": sum(used),
            "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}}}]
    return named(*({**o, "sequence_number": next(numbers)} for o in out))


def gemini_frames(texts, used=USED):
    def one(i, t):
        last = i == len(texts) - 1
        return event({"candidates": [{"content": {"role": "model", "parts": [{"text": t}]}, "index": 0,
                                      **({"finishReason": "STOP"} if last else {})}], "modelVersion": "real-m",
                      "usageMetadata": {"promptTokenCount": used[0], "candidatesTokenCount": used[1] if last else 1,
                                        "totalTokenCount": used[0] + used[1]}})
    return [one(i, t) for i, t in enumerate(texts)]


def bedrock_frames(texts, used=USED):
    return [converse.event("messageStart", {"role": "assistant"}),
            *(converse.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": t}}) for t in texts),
            converse.event("contentBlockStop", {"contentBlockIndex": 0}),
            converse.event("messageStop", {"stopReason": "end_turn"}),
            converse.event("metadata", {"usage": {"inputTokens": used[0], "outputTokens": used[1],
                                                  "totalTokens": sum(used)}, "metrics": {"latencyMs": 5}})]


def ollama_frames(texts, used=USED):
    def one(done=False, **more):
        return (json.dumps({"model": "real-m", "created_at": "2026-01-01T00:00:00.000001Z", "done": done, **more})
                + "\n").encode()
    return [*(one(message={"role": "assistant", "content": t}) for t in texts),
            one(True, message={"role": "assistant", "content": ""}, done_reason="stop", prompt_eval_count=used[0],
                eval_count=used[1])]


def cohere_frames(texts, used=USED):
    end = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {
        "billed_units": {"input_tokens": used[0], "output_tokens": used[1]},
        "tokens": {"input_tokens": used[0], "output_tokens": used[1]}}}}
    return [co("message-start", role="assistant", content=[]), co("content-start", 0, content={"type": "text", "text": ""}),
            *(co("content-delta", 0, content={"text": t}) for t in texts), co("content-end", 0),
            event(end, "message-end"), b"data: [DONE]\n\n"]


CHAT_ERROR = event({"error": {"message": "overloaded", "type": "server_error", "code": "server_error"}})
# name: (frames, head, what comes behind the provider's address, its error event)
PROVIDERS = {
    "openai-chat": (chat_frames, SSE_HEAD, "/v1", CHAT_ERROR),
    "anthropic": (anthropic_frames, SSE_HEAD, "", event({"type": "error", "error": {"type": "overloaded_error",
                                                          "message": "Overloaded"}}, "error")),
    "openai-responses": (responses_frames, SSE_HEAD, "/v1", event({"type": "error", "sequence_number": 9,
        "code": "server_error", "message": "overloaded", "param": None}, "error")),
    "gemini": (gemini_frames, SSE_HEAD, "/v1beta", event({"error": {"code": 503, "message": "overloaded",
                                                                     "status": "UNAVAILABLE"}})),
    "bedrock": (bedrock_frames, converse.HEAD, "", converse.message("exception", "serviceUnavailableException",
                                                                     {"message": "overloaded"})),
    "ollama": (ollama_frames, LINES, "", b'{"error":"overloaded"}\n'),
    "cohere": (cohere_frames, SSE_HEAD, "", None),
}
# how many frames there are up to the first text
SPEAKS = {"openai-chat": 2, "anthropic": 4, "openai-responses": 4, "gemini": 1, "bedrock": 2, "ollama": 1, "cohere": 3}


# ---- clients: what they ask, and (text, ends, usage, error) of what they get ------------------------------------------

def of_chat(body):
    got = events_of(body)
    chunks = [e for e in got if isinstance(e, dict) and "choices" in e]
    text = "".join(c["delta"].get("content") or "" for e in chunks for c in e["choices"])
    ends = sum(c["finish_reason"] is not None for e in chunks for c in e["choices"])
    used = [(e["usage"]["prompt_tokens"], e["usage"]["completion_tokens"]) for e in chunks if e.get("usage")]
    starts = len({e["id"] for e in chunks}), sum(c["delta"].get("role") is not None for e in chunks for c in e["choices"])
    same(starts, (1, 1), "ids and roles")
    return text, (ends, got.count("[DONE]")), used, [e for e in got if isinstance(e, dict) and e.get("error")]


def of_completions(body):
    got = events_of(body)
    chunks = [e for e in got if isinstance(e, dict) and "choices" in e]
    text = "".join(c["text"] for e in chunks for c in e["choices"])
    ends = sum(c["finish_reason"] is not None for e in chunks for c in e["choices"])
    used = [(e["usage"]["prompt_tokens"], e["usage"]["completion_tokens"]) for e in chunks if e.get("usage")]
    return text, (ends, got.count("[DONE]")), used, [e for e in got if isinstance(e, dict) and e.get("error")]


def of_messages(body):
    got = [e for e in events_of(body) if e["type"] != "ping"]
    kinds = [e["type"] for e in got]
    same(kinds.count("message_start"), 1, kinds)
    text, index, is_open = "", -1, False
    for e in got:
        if e["type"] == "content_block_start":
            same((e["index"], is_open), (index + 1, False), "blocks in order")
            index, is_open = index + 1, True
        elif e["type"] == "content_block_delta":
            same((e["index"], is_open), (index, True))
            text += e["delta"].get("text", "")
        elif e["type"] == "content_block_stop":
            same((e["index"], is_open), (index, True))
            is_open = False
    used = [(e["usage"].get("input_tokens"), e["usage"]["output_tokens"]) for e in got if e["type"] == "message_delta"]
    return text, (len(used), kinds.count("message_stop")), used, [e for e in got if e["type"] == "error"]


def of_responses(body):
    got = events_of(body)
    kinds = [e["type"] for e in got if isinstance(e, dict)]
    same([e["sequence_number"] for e in got if isinstance(e, dict)], list(range(len(kinds))), "sequence numbers")
    same((kinds.count("response.created"), kinds.count("response.output_item.added")), (1, 1), kinds)
    text = "".join(e["delta"] for e in got if e["type"] == "response.output_text.delta")
    ends = [e["response"] for e in got if e["type"] == "response.completed"]
    for r in ends:
        same("".join(p["text"] for o in r["output"] for p in o["content"]), text, "the whole at the end")
    return (text, (len(ends), kinds.count("response.output_text.done")),
            [(r["usage"]["input_tokens"], r["usage"]["output_tokens"]) for r in ends],
            [e for e in got if e["type"] in ("error", "response.failed")])


def of_gemini(body):
    got = json.loads(body) if body.lstrip().startswith(b"[") else events_of(body)
    text = "".join(p.get("text", "") for e in got for c in e.get("candidates", ()) for p in c["content"].get("parts", ()))
    ends = sum("finishReason" in c for e in got for c in e.get("candidates", ()))
    used = [(e["usageMetadata"]["promptTokenCount"], e["usageMetadata"]["candidatesTokenCount"]) for e in got
            if "usageMetadata" in e]
    return text, (ends, ends), used, [e for e in got if "error" in e]


def of_converse(body):
    got = converse.messages(body)
    kinds = [k for k, _ in got]
    same(kinds.count("messageStart"), 1, kinds)
    text = "".join(e["delta"].get("text", "") for k, e in got if k == "contentBlockDelta")
    used = [(e["usage"]["inputTokens"], e["usage"]["outputTokens"]) for k, e in got if k == "metadata"]
    return (text, (kinds.count("messageStop"), kinds.count("metadata")), used,
            [k for k in kinds if k.endswith("Exception")])


def of_ollama(body):
    got = [json.loads(line) for line in body.decode().splitlines()]
    text = "".join(e["response"] if "response" in e else e["message"]["content"] for e in got if "error" not in e)
    ends = [e for e in got if e.get("done")]
    return (text, (len(ends), len(ends)), [(e["prompt_eval_count"], e["eval_count"]) for e in ends],
            [e for e in got if "error" in e])


def of_cohere(body):
    got = [e for e in events_of(body) if isinstance(e, dict)]
    kinds = [e["type"] for e in got if "type" in e]
    same(kinds.count("message-start"), 1, kinds)
    text = "".join(e["delta"]["message"]["content"]["text"] for e in got if e.get("type") == "content-delta")
    ends = [e for e in got if e.get("type") == "message-end"]
    errors = [e for e in ends if e["delta"].get("error") or e["delta"]["finish_reason"] == "ERROR"]
    good = [e for e in ends if e not in errors]
    return (text, (len(good), len(good)), [(e["delta"]["usage"]["tokens"]["input_tokens"],
            e["delta"]["usage"]["tokens"]["output_tokens"]) for e in good], errors)


SAY = [{"role": "user", "content": "hi"}]
CLIENTS = {
    "chat": ("/v1/chat/completions", {"messages": SAY, "stream": True, "stream_options": {"include_usage": True}}, of_chat),
    "completions": ("/v1/completions", {"prompt": "hi", "stream": True, "stream_options": {"include_usage": True}},
                    of_completions),
    "messages": ("/v1/messages", {"max_tokens": 400, "messages": SAY, "stream": True}, of_messages),
    "responses": ("/v1/responses", {"input": "hi", "stream": True}, of_responses),
    "gemini": ("/v1beta/models/{m}:streamGenerateContent?alt=sse", {"contents": [{"parts": [{"text": "hi"}]}]}, of_gemini),
    "gemini-array": ("/v1beta/models/{m}:streamGenerateContent", {"contents": [{"parts": [{"text": "hi"}]}]}, of_gemini),
    "converse": ("/model/{m}/converse-stream", {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}, of_converse),
    "ollama": ("/api/chat", {"messages": SAY, "stream": True}, of_ollama),
    "generate": ("/api/generate", {"prompt": "hi", "stream": True}, of_ollama),
    "cohere": ("/v2/chat", {"messages": SAY, "stream": True}, of_cohere),
}


def texts_in(value):
    """All strings of a request's body."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in texts_in(v)] if isinstance(value, list) else []


def text_of(content):
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def said_in(request):
    """What of TEXT the request says was said already."""
    return max((t for t in texts_in(json.loads(request.body)) if t and TEXT.startswith(t)), key=len, default="")


# The client has got the first bytes of its answer.
SEEN = threading.Event()


class Cut:
    """A provider whose stream is cut after `frames` frames, in the way of `how`; None: not at all. The rest of TEXT comes
    from wherever the request says it was cut."""

    def __init__(self):
        self.frames, self.how = None, Close
        self.provider = Provider(self.answer)
        self.dialect = "openai-chat"
        self.used = USED
        self.before = ""             # said before the rest

    def answer(self, request):
        make, head, _, error = PROVIDERS[self.dialect]
        said = said_in(request)
        rest = self.before + TEXT[len(said):]
        frames = make([rest[i:i + 9] for i in range(0, len(rest), 9)] or [""], self.used)
        if self.frames is None or self.frames >= len(frames):
            return [head + b"".join(chunk(f) for f in frames) + b"0\r\n\r\n"]
        out = [head, *(chunk(f) for f in frames[:self.frames])]
        if self.frames >= SPEAKS[self.dialect]:
            out.append(Wait(SEEN))
        return out + ([chunk(error), b"0\r\n\r\n"] if self.how == "error" else
                      [b"0\r\n\r\n"] if self.how == "end" else [self.how])


@contextlib.contextmanager
def three(first, second, third="openai-chat", model="real-m", **over):
    """A gateway before three providers a, b, c of these dialects, in this order; `m` goes on."""
    cuts = [Cut(), Cut(), Cut()]
    for c, dialect in zip(cuts, (first, second, third)):
        c.dialect = dialect
    settings = {n: {"dialect": c.dialect, "base_url": c.provider.url + PROVIDERS[c.dialect][2], "api_key": PROVIDER_KEY,
                    "timeouts": {"first_byte": "2s", "idle": "300ms"}} for n, c in zip("abc", cuts)}
    deployments = [{"provider": n, "model": model, "order": i, "price": {"input": 2, "output": 10}}
                   for i, n in enumerate("abc", 1)]
    cfg = {"providers": settings, "models": [{"name": "m", "strategy": "ordered", "deployments": deployments,
                                              "stream_failover": "continue"}],
           "routing": {"retries": {"attempts": 2, "base": "1ms", "max": "2ms"}, "cooldown": {"min_requests": 100000,
               "on_429": False}, "breaker": {"consecutive_failures": 100000}}, **over}
    try:
        with Gateway(config(None, **cfg)) as gw:
            yield gw, cuts
            for c in cuts:
                same(c.provider.faults, [], "unclean bytes upstream")
    finally:
        for c in cuts:
            c.provider.stop()


def ask(gw, client, model="m", headers=(), **more):
    path, body, read = CLIENTS[client]
    SEEN.clear()
    with gw.client(15) as c:
        c.send(request_bytes("POST", path.replace("{m}", model), json.dumps({"model": model, **body, **more}).encode(),
                             headers))
        select.select([c.sock], [], [], 10 * SLOW)
        SEEN.set()
        r = c.answer("POST")
    same(r.status, 200, short(r.body))
    return r, read(r.body)


def is_whole(got, parts, what):
    text, ends, used, errors = got
    same((text, ends, errors), (TEXT, (1, 1), []), what)
    assert parts is None or used[-1:] == [(11 * parts, 7 * parts)], f"{what}: {used} of {parts} calls"


def log_of(gw, n=1):
    """The last lines of the log that are about models."""
    for _ in range(int(200 * SLOW)):
        lines = [e for e in gw.log_lines() if e.get("model") and e.get("stream")]
        if len(lines) >= n:
            return lines
        time.sleep(0.01)
    raise AssertionError(f"{len(lines)} of {n} lines in the log")


def goes_on_wherever_it_is_cut(client, first, second):
    n = len(PROVIDERS[first][0](PIECES))
    with three(first, second) as (gw, (a, b, c)):
        for k in range(n):
            a.frames = k
            r, got = ask(gw, client)
            text, ends, used, errors = got
            same((text, ends, errors), (TEXT, (1, 1), []), f"cut after {k} frames of {first}")
            line = log_of(gw, k + 1)[-1]
            tokens = line["tokens"]
            assert len(used) <= 1 or client in ("gemini", "gemini-array"), used
            if used:
                same(used[-1], (tokens["input"], tokens["output"]), f"the usage in client's and log's words, {k} frames")
            same(line["cost_usd"].rstrip("0"), f"{(tokens['input'] * 2 + tokens['output'] * 10) / 1e6:.9f}".rstrip("0"))
            if k in range(SPEAKS[first], SPEAKS[first] + len(PIECES) - 1):
                same([(x["deployment"], x["error"], x.get("continued")) for x in line["attempts"]],
                     [("a/real-m", "upstream_error", True), ("b/real-m", None, None)])
                assert tokens["input"] > 11 and tokens["output"] > 7, tokens
                same(line["usage_source"], "counted")
        same(len(c.provider.requests), 0)


def test_nothing_goes_on_before_the_client_has_seen_anything():
    """Cut in the same moment as the first text comes: another is asked as if nothing had been said."""
    with three("openai-chat", "anthropic") as (gw, (a, b, c)):
        a.provider.answer = lambda r: [SSE_HEAD + b"".join(chunk(f) for f in chat_frames(PIECES)[:1]), Close]
        r, got = ask(gw, "chat")
        same((got[0], got[1], got[3], r.get("x-sluice-provider")), (TEXT, (1, 1), [], "b"))
        same(said_in(b.provider.requests[0]), "")


def goes_on_however_it_is_cut(first, second, how):
    with three(first, second) as (gw, (a, b, c)):
        a.frames, a.how = SPEAKS[first] + 2, how
        r, got = ask(gw, "chat")
        same((got[0], got[1], got[3]), (TEXT, (1, 1), []), f"{how}")
        same((r.get("x-sluice-provider"), r.get("x-sluice-attempts")), ("a", "1"), "the head is the first one's")
        line, = log_of(gw)
        same([x["error"] for x in line["attempts"]],
             ["upstream_timeout" if how is Never else line["attempts"][0]["error"], None])
        assert line["attempts"][0]["continued"] and line["error"] is None, line
        same(gw.metrics()["sluice_streams_continued_total"], 1)


def test_the_one_that_was_cut_is_blamed_and_not_the_one_that_goes_on():
    with three("openai-chat", "anthropic", routing={"retries": {"attempts": 2, "base": "1ms"},
            "breaker": {"consecutive_failures": 3, "open_for": "1m"}, "cooldown": {"min_requests": 1000}}) as (gw, (a, b, c)):
        a.frames = 4
        for i in range(5):
            r, got = ask(gw, "chat")
            same((got[0], r.get("x-sluice-provider")), (TEXT, "a" if i < 3 else "b"), f"request {i}")
        same([len(x.provider.requests) for x in (a, b, c)], [3, 5, 0])


def test_the_ledger_has_one_row_with_the_cost_of_both():
    with three("openai-chat", "anthropic") as (gw, (a, b, c)):
        a.frames = 4
        ask(gw, "chat")
        line, = log_of(gw)
        for _ in range(100):
            rows = gw.admin("GET", "/admin/v1/logs").json()["data"]
            if rows:
                break
            time.sleep(0.05)
        row, = rows
        same((row["cost_usd"].rstrip("0"), row["provider"], row["usage_source"], row["status"]),
             (line["cost_usd"].rstrip("0"), "b", "counted", 200))
        assert float(row["cost_usd"]) > (11 * 2 + 7 * 10) / 1e6, row


def test_the_second_may_be_cut_as_well():
    for client in CLIENTS:
        if client == "completions":
            continue
        with three("openai-chat", "anthropic", "gemini") as (gw, (a, b, c)):
            a.frames = b.frames = 5
            r, got = ask(gw, client)
            same((got[0], got[1], got[3]), (TEXT, (1, 1), []), client)
            same([x.get("continued") for x in log_of(gw)[-1]["attempts"]], [True, True, None])
            same(gw.metrics()["sluice_streams_continued_total"], 2)


def test_when_nobody_is_left_the_error_is_an_honest_one():
    for client in CLIENTS:
        if client == "completions":
            continue
        with three("openai-chat", "anthropic", "gemini") as (gw, (a, b, c)):
            a.frames, b.frames, c.frames = 4, 5, 1
            r, (text, ends, used, errors) = ask(gw, client)
            assert errors and ends[0] == 0 and TEXT.startswith(text) and len(text) > 40, (client, text, ends, errors)
            line, = log_of(gw)
            same((line["status"], line["error"], len(line["attempts"])), (200, "upstream_error", 3))
            assert line["tokens"]["output"] > 0 and line["usage_source"] == "counted", line
            same(len(gw.log_lines()), len({e["request_id"] for e in gw.log_lines() if "request_id" in e}) +
                 sum("request_id" not in e for e in gw.log_lines()), "one line for each request")


def test_who_answers_with_an_error_is_not_the_one():
    for status in ("400 Bad Request", "404 Not Found", "401 Unauthorized", "429 Too Many Requests", "500 Oh", "200 OK"):
        with three("openai-chat", "openai-chat", "anthropic") as (gw, (a, b, c)):
            a.frames = 4
            b.provider.answer = lambda r: [http(b'{"error":{"message":"no prefill here","type":"x"}}', status)]
            r, got = ask(gw, "messages")
            same((got[0], got[1], got[3]), (TEXT, (1, 1), []), status)
            same((len(b.provider.requests), len(c.provider.requests)), (1, 1), status)


def test_the_setting_decides():
    for of_all, of_model, goes_on in ((None, None, False), ("continue", None, True), ("continue", "error", False),
                                      ("error", "continue", True), (None, "continue", True)):
        with three("openai-chat", "anthropic") as (gw, (a, b, c)):
            cfg = json.loads(json.dumps(gw.settings))
            model = cfg["models"][0]
            model.pop("stream_failover")
            if of_model:
                model["stream_failover"] = of_model
            if of_all:
                cfg["routing"]["stream_failover"] = of_all
            with Gateway(cfg) as other:
                a.frames = 4
                r, (text, ends, used, errors) = ask(other, "chat")
                same((text == TEXT, bool(errors)), (goes_on, not goes_on), f"{of_all} {of_model}")
                same(len(b.provider.requests), int(goes_on))


TOOL = {"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}
CALL = event({"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "real-m", "choices": [{"index": 0,
    "delta": {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "get",
        "arguments": "{\"a\":"}}]}, "finish_reason": None}]})


def test_half_an_answer_that_nobody_can_go_on_with_ends_in_the_error():
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    for more in ({"n": 2}, {"logprobs": True}, {"response_format": {"type": "json_object"}}, {"response_format": schema},
                 {"tools": [TOOL]}):
        with three("openai-chat", "openai-chat") as (gw, (a, b, c)):
            a.frames = 4
            if "tools" in more:
                a.provider.answer = lambda r: [SSE_HEAD, *(chunk(f) for f in chat_frames(PIECES)[:4]), chunk(CALL), Wait(SEEN), Close]
            r, (text, ends, used, errors) = ask(gw, "chat", **more)
            assert errors and ends == (0, 0), (more, text, ends, errors)
            same(len(b.provider.requests), 0, f"{more}")
            assert "continued" not in log_of(gw)[0]["attempts"][0]


def test_what_the_translation_would_lose_passes_as_it_is():
    weird = [{"role": "user", "content": [{"type": "weird", "x": 1}, {"type": "text", "text": "hi"}]}]
    for more in ({"messages": weird}, {"messages": [*SAY, {"role": "oracle", "content": "x"}]}):
        with three("openai-chat", "anthropic") as (gw, (a, b, c)):
            r, got = ask(gw, "chat", **more)
            same((got[0], r.get("x-sluice-dropped")), (TEXT, None))
            same(json.loads(a.provider.requests[0].body)["messages"], more["messages"])


def test_thoughts_alone_are_thought_anew():
    thought = event({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "",
        "signature": ""}}, "content_block_start") + event({"type": "content_block_delta", "index": 0, "delta": {
            "type": "thinking_delta", "thinking": "Hm, one"}}, "content_block_delta")
    with three("anthropic", "openai-chat") as (gw, (a, b, c)):
        a.provider.answer = lambda r: [SSE_HEAD, chunk(anthropic_frames(PIECES)[0] + thought), Wait(SEEN), Close]
        r, got = ask(gw, "messages")
        same((got[0], got[1], got[3]), (TEXT, (1, 1), []))
        same(said_in(b.provider.requests[0]), "")
        assert PLEASE not in b.provider.requests[0].body.decode()


def test_it_is_asked_to_go_on_by_a_prefill_or_a_turn_of_the_users():
    def messages_of(cut):
        return json.loads(cut.provider.requests[0].body)["messages"]
    with three("openai-chat", "openai-chat") as (gw, (a, b, c)):
        a.frames = 4
        ask(gw, "chat")
        user, said, please = messages_of(b)
        same((user["role"], said["role"], please["role"]), ("user", "assistant", "user"))
        same(text_of(said["content"]), TEXT[:27])
        assert text_of(please["content"]).startswith(PLEASE), please
    with three("openai-chat", "anthropic", model="claude-sonnet-4-5") as (gw, (a, b, c)):
        a.frames = 4
        r, got = ask(gw, "messages")
        same(got[0], TEXT)
        user, said = messages_of(b)
        same((said["role"], text_of(said["content"])), ("assistant", TEXT[:27]))
        left = json.loads(b.provider.requests[0].body)["max_tokens"]
        assert 380 < left < 398, left
    # a server of one's own that says that it can
    with three("openai-chat", "openai-chat") as (gw, (a, b, c)):
        cfg = json.loads(json.dumps(gw.settings))
        for d in cfg["models"][0]["deployments"]:
            d["capabilities"] = ["prefill"]
        with Gateway(cfg) as other:
            a.frames = 4
            same(ask(other, "chat")[1][0], TEXT)
            same(messages_of(b)[-1]["role"], "assistant")
            same(json.loads(b.provider.requests[0].body)["continue_final_message"], True)


def test_a_prefill_does_not_end_in_white_space():
    # "One two\n " is the first piece
    with three("openai-chat", "anthropic", model="claude-sonnet-4-5") as (gw, (a, b, c)):
        a.frames = 2
        r, got = ask(gw, "chat")
        same((got[0], got[1], got[3]), (TEXT, (1, 1), []))
        said = json.loads(b.provider.requests[0].body)["messages"][-1]
        same(text_of(said["content"]), "One two")


def test_what_is_repeated_is_cut_out():
    with three("openai-chat", "openai-chat") as (gw, (a, b, c)):
        a.frames = 6                 # 45 characters
        b.before = TEXT[25:45]
        same(ask(gw, "chat")[1][0], TEXT)
        b.before = TEXT[:45]
        same(ask(gw, "chat")[1][0], TEXT)
        b.before = TEXT[40:45]       # too little to be sure
        same(ask(gw, "chat")[1][0], TEXT[:45] + TEXT[40:])


def test_the_clients_own_time_is_over_for_all_of_them():
    with three("openai-chat", "anthropic") as (gw, (a, b, c)):
        a.frames, a.how = 4, Close
        b.provider.answer = lambda r: [Never]
        start = time.monotonic()
        r, (text, ends, used, errors) = ask(gw, "chat", headers=["x-sluice-timeout: 700ms"])
        assert errors and ends == (0, 0), (text, ends, errors)
        assert time.monotonic() - start < 1.9 * SLOW, time.monotonic() - start
        same(len(c.provider.requests), 0)


def test_the_client_hears_that_it_is_not_forgotten():
    go = threading.Event()
    with three("openai-chat", "openai-chat", server={"stream_ping": "100ms"}) as (gw, (a, b, c)):
        a.frames = 4
        answer = b.answer
        b.provider.answer = lambda r: [Wait(go), *answer(r)]
        threading.Timer(0.6, go.set).start()
        r, got = ask(gw, "messages")
        same((got[0], got[1], got[3]), (TEXT, (1, 1), []))
        assert r.body.count(b"event: ping") >= 3, r.body.count(b"event: ping")


def test_waiting_for_the_next_one_has_signs_of_life_and_an_end():
    no = http(b'{"error":{"message":"later","type":"x"}}', "429 No", headers=["retry-after: 1"])
    for timeout, goes_on in ((None, True), ("600ms", False)):
        with three("openai-chat", "openai-chat", server={"stream_ping": "100ms"}) as (gw, (a, b, c)):
            cfg = json.loads(json.dumps(gw.settings))
            del cfg["models"][0]["deployments"][2]
            cfg["routing"]["retries"]["attempts"] = 5
            with Gateway(cfg) as other:
                a.frames = 4
                answers, answer = itertools.chain([[no]], itertools.repeat(None)), b.answer
                b.provider.answer = lambda r: next(answers) or answer(r)
                first = a.answer
                calls = itertools.count()
                a.provider.answer = lambda r: first(r) if next(calls) == 0 else [no]
                r, (text, ends, used, errors) = ask(other, "messages",
                                                    headers=[f"x-sluice-timeout: {timeout}"] if timeout else ())
                same((text == TEXT, bool(errors)), (goes_on, not goes_on), f"{timeout} {text} {errors}")
                assert r.body.count(b"event: ping") >= 3, r.body


def test_the_winner_of_a_race_goes_on_as_well():
    with three("openai-chat", "openai-chat", "anthropic", routing={"hedge_after": "50ms", "retries": {"attempts": 3,
            "base": "1ms"}}) as (gw, (a, b, c)):
        a.provider.answer = lambda r: [Never]
        b.frames = 4
        r, got = ask(gw, "chat")
        same((got[0], got[1], got[3]), (TEXT, (1, 1), []), log_of(gw)[0]["attempts"])
        same((r.get("x-sluice-provider"), len(c.provider.requests)), ("b", 1))


def test_a_client_that_leaves_in_between_ends_it():
    with three("openai-chat", "openai-chat") as (gw, (a, b, c)):
        a.frames = 4
        b.provider.answer = lambda r: [Never]
        with gw.client() as client:
            body = json.dumps({"model": "m", **CLIENTS["chat"][1]}).encode()
            SEEN.clear()
            client.send(request_bytes("POST", "/v1/chat/completions", body))
            select.select([client.sock], [], [], 10 * SLOW)
            SEEN.set()
            b.provider.wait_for(lambda: b.provider.requests)
        line, = log_of(gw)
        same((line["status"], line["error"], line["usage_source"]), (499, "client_closed_request", "counted"))
        b.provider.wait_for(lambda: all(x.ended.is_set() for x in b.provider.connections))


def test_a_slow_client_slows_the_second_provider_as_well():
    big = "".join(f"{i:07d} " for i in range(1 << 17))           # 1 MiB
    with three("openai-chat", "openai-chat", server={"stream_ping": "1h"}) as (gw, (a, b, c)):
        a.frames = 4
        frames = chat_frames([big[i:i + 8192] for i in range(0, len(big), 8192)])
        b.provider.answer = lambda r: [SSE_HEAD, *(chunk(f) for f in frames), b"0\r\n\r\n"]
        with gw.client(30) as client:
            body = json.dumps({"model": "m", **CLIENTS["chat"][1]}).encode()
            SEEN.clear()
            client.send(request_bytes("POST", "/v1/chat/completions", body))
            select.select([client.sock], [], [], 10 * SLOW)
            SEEN.set()
            b.provider.wait_for(lambda: b.provider.requests)
            time.sleep(0.3)
            r = client.answer("POST")
        text, ends, used, errors = of_chat(r.body)
        same((text == TEXT[:27] + big, ends, errors), (True, (1, 1), []))


def cases():
    for client in CLIENTS:
        for first, second in (("openai-chat", "anthropic"), ("anthropic", "openai-chat"), ("gemini", "openai-responses"),
                              ("openai-responses", "gemini"), ("bedrock", "cohere"), ("cohere", "ollama"),
                              ("ollama", "bedrock")):
            if client == "completions" and "openai-chat" in (first, second):
                continue             # it has their own Completions, where nothing goes on
            yield (f"a {client} client's stream of {first} goes on with {second} wherever it is cut",
                   lambda c=client, f=first, s=second: goes_on_wherever_it_is_cut(c, f, s))
    for first, second in zip(PROVIDERS, [*list(PROVIDERS)[1:], "openai-chat"]):
        for how in (Close, Reset, Never, "end", "error"):
            if how == "error" and PROVIDERS[first][3] is None:
                continue
            yield (f"a stream of {first} goes on with {second} after {how}",
                   lambda f=first, s=second, h=how: goes_on_however_it_is_cut(f, s, h))
