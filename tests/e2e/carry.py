# SPDX-License-Identifier: Apache-2.0
"""A stream that is cut in the midst goes on with another deployment: the client of each dialect sees one stream, whole
and in order, with one end and one usage, whoever spoke first and whoever goes on."""
import contextlib
import itertools
import json

import converse
from harness import PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chunk, config, event, events_of, same, short
from ollama_cohere import LINES, co
from provider import Close, Never, Provider, Reset

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
# how far a stream's first frames mean nothing to a client: an attempt that ends there is tried anew
QUIET = {"openai-chat": 1, "anthropic": 2, "openai-responses": 1, "gemini": 0, "bedrock": 1, "ollama": 0, "cohere": 1}


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
    used = [(e["usage"]["input_tokens"], e["usage"]["output_tokens"]) for e in got if e["type"] == "message_delta"]
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
    text = "".join(e["message"]["content"] for e in got if "message" in e)
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
    "cohere": ("/v2/chat", {"messages": SAY, "stream": True}, of_cohere),
}


def texts_in(value):
    """All strings of a request's body."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for v in value for t in texts_in(v)] if isinstance(value, list) else []


def said_in(request):
    """What of TEXT the request says was said already."""
    return max((t for t in texts_in(json.loads(request.body)) if t and TEXT.startswith(t)), key=len, default="")


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


def ask(gw, client, model="m", **more):
    path, body, read = CLIENTS[client]
    r = gw.post(path.replace("{m}", model), {"model": model, **body, **more}, timeout=15 * SLOW)
    same(r.status, 200, short(r.body))
    return r, read(r.body)


def is_whole(got, parts, what):
    text, ends, used, errors = got
    same((text, ends, errors), (TEXT, (1, 1), []), what)
    assert parts is None or used[-1:] == [(11 * parts, 7 * parts)], f"{what}: {used} of {parts} calls"


def goes_on_wherever_it_is_cut(client, first, second):
    n = len(PROVIDERS[first][0](PIECES))
    with three(first, second) as (gw, (a, b, c)):
        for k in range(n):
            a.frames = k
            r, got = ask(gw, client)
            text, ends, used, errors = got
            same((text, ends, errors), (TEXT, (1, 1), []), f"cut after {k} frames of {first}")
        same(len(c.provider.requests), 0)


def cases():
    for client in CLIENTS:
        for first, second in (("openai-chat", "anthropic"), ("anthropic", "openai-chat"), ("gemini", "openai-responses"),
                              ("openai-responses", "gemini"), ("bedrock", "cohere"), ("cohere", "ollama"),
                              ("ollama", "bedrock")):
            if client == "completions" and "openai-chat" in (first, second):
                continue             # it has their own Completions, where nothing goes on
            yield (f"a {client} client's stream of {first} goes on with {second} wherever it is cut",
                   lambda c=client, f=first, s=second: goes_on_wherever_it_is_cut(c, f, s))
