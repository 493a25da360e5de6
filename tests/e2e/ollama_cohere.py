# SPDX-License-Identifier: Apache-2.0
"""Ollama, Cohere and rerankers: their streams pass to their own clients, and other dialects' clients and providers meet
them."""
import contextlib
import json
import time

from harness import (PROVIDER_KEY, Gateway, chat, chat_answer, chat_stream, chunk, config, events_of, http, no_secret, same,
    sse)
from provider import Close, Provider

TOOL = {"type": "function", "function": {"name": "get", "description": "gets", "parameters": {"type": "object"}}}
LINES = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"


def lines(*objects, end=True, size=None):
    """An NDJSON stream of a provider, each line in its own chunk or all in chunks of `size` bytes."""
    rows = [json.dumps(o).encode() + b"\n" for o in objects]
    if size:
        rows = [b"".join(rows)[i:i + size] for i in range(0, len(b"".join(rows)), size)]
    return LINES + b"".join(chunk(r) for r in rows) + (b"0\r\n\r\n" if end else b"")


def line(done=False, **message):
    out = {"model": "real-m", "created_at": "2026-01-01T00:00:00.000001Z",
           "message": {"role": "assistant", "content": "", **message}, "done": done}
    return out | ({"done_reason": "stop", "prompt_eval_count": 11, "eval_count": 7} if done else {})


OLLAMA = [line(thinking="hm"), line(content="hel"), line(content="lo \N{EARTH GLOBE AMERICAS}"), line(done=True)]
COHERE_USAGE = {"billed_units": {"input_tokens": 11, "output_tokens": 7}, "tokens": {"input_tokens": 500, "output_tokens": 9}}


def co(kind, index=None, **message):
    out = {"type": kind} | ({} if index is None else {"index": index}) | ({"delta": {"message": message}} if message else {})
    return f"event: {kind}\ndata: {json.dumps(out)}\n\n".encode()


COHERE_END = ("event: message-end\ndata: " + json.dumps({"type": "message-end", "delta": {"finish_reason": "COMPLETE",
    "usage": COHERE_USAGE}}) + "\n\n").encode()
COHERE = [co("message-start", role="assistant", content=[]), co("content-start", 0, content={"type": "text", "text": ""}),
          co("content-delta", 0, content={"text": "hel"}), co("content-delta", 0, content={"text": "lo"}),
          co("content-end", 0), COHERE_END, b"data: [DONE]\n\n"]


@contextlib.contextmanager
def up(answer, dialect):
    """A gateway before a provider of this dialect."""
    with Provider((lambda request: answer) if isinstance(answer, (bytes, list)) else answer) as p:
        base = p.url + ("/v1" if dialect in ("openai-chat", "anthropic", "voyage", "rerank") else "")
        with Gateway(config(providers={"up": {"dialect": dialect, "base_url": base, "api_key": PROVIDER_KEY}},
                            models=[{"name": "m", "deployments": [{"provider": "up", "model": "real-m",
                                "price": {"input": 2, "output": 10}}]}])) as g:
            yield g, p


def rows(body):
    return [json.loads(r) for r in body.decode().splitlines()]


def post(g, path, body):
    return g.post(path, json.dumps(body).encode())


def ask(**more):
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}


def test_an_ollama_stream_passes_as_it_is():
    for size in (None, 1, 7):
        whole = lines(*OLLAMA, size=size)
        with up(whole, "ollama") as (g, p):
            r = post(g, "/api/chat", ask(options={"num_predict": 5}))
            same((r.status, r.get("content-type")), (200, "application/x-ndjson"))
            same(rows(r.body), OLLAMA)
            same(p.requests[0].target, "/api/chat")
            same(json.loads(p.requests[0].body), {"model": "real-m", "messages": [{"role": "user", "content": "hi"}],
                                                  "options": {"num_predict": 5}})
            time.sleep(0.05)
            same([x["tokens"]["input"] for x in g.log_lines() if x["endpoint"] == "/api/chat"], [11])


def test_an_ollama_stream_that_is_cut_ends_with_an_error():
    with up([lines(*OLLAMA[:2], end=False), Close], "ollama") as (g, p):
        r = post(g, "/api/chat", ask())
        got = rows(r.body)
        same(got[:2], OLLAMA[:2])
        assert set(got[2]) == {"error"} and len(got) == 3, got
        no_secret(r)


def test_ollama_clients_without_a_stream_and_with_errors():
    with up(http(OLLAMA[-1]), "ollama") as (g, p):
        r = post(g, "/api/chat", ask(stream=False))
        same((r.status, r.json()), (200, OLLAMA[-1]))
        same(r.get("x-sluice-cost-usd"), "0.000092")
        r = post(g, "/api/chat", ask(model="no"))
        same((r.status, set(r.json())), (404, {"error"}))
        r = g.get("/api/tags")
        same([m["name"] for m in r.json()["models"]], ["m"])
        assert g.get("/api/version").json()["version"]
    with up(http({"error": "model 'real-m' not found"}, "404 Not Found"), "ollama") as (g, p):
        r = post(g, "/api/chat", ask())
        assert r.status == 404 and isinstance(r.json()["error"], str), r.body


def test_an_openai_client_of_ollama():
    with up(lines(line(content="a"), line(tool_calls=[{"function": {"name": "get", "arguments": {"a": 1}}}]),
                  line(done=True)), "ollama") as (g, p):
        r = post(g, "/v1/chat/completions", chat(stream=True, tools=[TOOL], max_tokens=9, seed=3))
        deltas = [e["choices"][0]["delta"] for e in events_of(r.body) if isinstance(e, dict) and e["choices"]]
        same("".join(d.get("content") or "" for d in deltas), "a")
        call = [d["tool_calls"][0] for d in deltas if "tool_calls" in d]
        assert call[0]["id"].startswith("call_") and call[0]["function"]["name"] == "get", call
        same("".join(c["function"]["arguments"] for c in call), '{"a":1}')
        sent = json.loads(p.requests[0].body)
        same((p.requests[0].target, sent["stream"], sent["options"]), ("/api/chat", True, {"num_predict": 9, "seed": 3}))


def test_ollama_clients_of_openai():
    with up(sse(*chat_stream("hel", "lo")), "openai-chat") as (g, p):
        r = post(g, "/api/chat", ask(think=False))
        got = rows(r.body)
        same((r.get("content-type"), "".join(x["message"]["content"] for x in got)), ("application/x-ndjson", "hello"))
        same({k: got[-1][k] for k in ("done", "done_reason", "prompt_eval_count", "eval_count")},
             {"done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 7})
        r = post(g, "/api/generate", {"model": "m", "prompt": "hi"})
        same("".join(x["response"] for x in rows(r.body)), "hello")
    with up(http(chat_answer("yes")), "openai-chat") as (g, p):
        r = post(g, "/api/chat", ask(stream=False))
        same((r.status, r.json()["message"], r.json()["done"]), (200, {"role": "assistant", "content": "yes"}, True))


def test_a_cohere_stream_passes_as_it_is():
    with up(sse(*COHERE), "cohere") as (g, p):
        r = post(g, "/v2/chat", ask(stream=True))
        same((r.status, r.body), (200, b"".join(COHERE)))
        same(p.requests[0].target, "/v2/chat")
    with up([sse(*COHERE[:3], end=False), Close], "cohere") as (g, p):
        last = events_of(post(g, "/v2/chat", ask(stream=True)).body)[-1]
        same((last["type"], last["delta"]["finish_reason"]), ("message-end", "ERROR"))


def test_an_openai_client_of_cohere():
    with up(sse(*COHERE), "cohere") as (g, p):
        r = post(g, "/v1/chat/completions", chat(stream=True, stream_options={"include_usage": True}, top_p=0.5,
                                                 tools=[TOOL], tool_choice="required"))
        events = events_of(r.body)
        same(events[-1], "[DONE]")
        same("".join(e["choices"][0]["delta"].get("content") or "" for e in events[:-1] if e["choices"]), "hello")
        same(events[-2]["usage"]["prompt_tokens"], 11)
        sent = json.loads(p.requests[0].body)
        same((sent["p"], sent["tool_choice"], sent["stream"]), (0.5, "REQUIRED", True))
    with up(http({"id": "x", "message": "no such key"}, "401 Unauthorized"), "cohere") as (g, p):
        r = post(g, "/v1/chat/completions", chat())
        assert r.status >= 400 and r.json()["error"]["message"], r.body


def test_cohere_clients_of_openai_and_anthropic():
    with up(sse(*chat_stream("hel", "lo")), "openai-chat") as (g, p):
        events = events_of(post(g, "/v2/chat", ask(stream=True)).body)
        same([e["type"] for e in events[:-1]], ["message-start", "content-start", "content-delta", "content-delta",
                                                "content-end", "message-end"])
        same(events[-2]["delta"]["usage"]["billed_units"], {"input_tokens": 11, "output_tokens": 7})
    answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "real-m", "stop_reason": "tool_use",
              "content": [{"type": "text", "text": "I get"}, {"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}}],
              "usage": {"input_tokens": 11, "output_tokens": 7}}
    with up(http(answer), "anthropic") as (g, p):
        r = post(g, "/v2/chat", ask(tools=[TOOL], documents=[{"id": "d", "data": {"text": "of frogs"}}]))
        got = r.json()
        same((got["finish_reason"], got["message"]["tool_plan"], got["message"]["tool_calls"][0]["function"]),
             ("TOOL_CALL", "I get", {"name": "get", "arguments": '{"a":1}'}))
        assert b"of frogs" in p.requests[0].body


def embed_answer(request):
    body = json.loads(request.body)
    texts = body.get("texts") or body["input"]
    vectors = [[len(t), 0.5] for t in texts]
    if request.target.endswith("/v2/embed"):
        return http({"id": "e", "embeddings": {"float": vectors}, "texts": texts,
                     "meta": {"billed_units": {"input_tokens": len(texts)}}})
    if request.target.endswith("/api/embed"):
        return http({"model": "real-m", "embeddings": vectors, "prompt_eval_count": len(texts)})
    return http({"object": "list", "data": [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)],
                 "model": "real-m", "usage": {"total_tokens": len(texts)}})


def test_embeddings_of_all():
    texts = ["x" * (i % 5) for i in range(200)]
    for dialect, path, calls in (("cohere", "/v2/embed", 3), ("ollama", "/api/embed", 1), ("voyage", "/v1/embeddings", 1)):
        with up(embed_answer, dialect) as (g, p):
            r = post(g, "/v1/embeddings", {"model": "m", "input": texts, "dimensions": 2})
            same(r.status, 200, r.body)
            same([d["embedding"][0] for d in r.json()["data"]], [len(t) for t in texts])
            same((len(p.requests), p.requests[0].target, r.json()["usage"]["prompt_tokens"]), (calls, path, 200), dialect)
    with up(embed_answer, "openai-chat") as (g, p):
        r = post(g, "/api/embed", {"model": "m", "input": ["a", "bc"]})
        same((r.json()["embeddings"], r.json()["prompt_eval_count"]), ([[1, 0.5], [2, 0.5]], 2))
        same(post(g, "/api/embeddings", {"model": "m", "prompt": "abc"}).json(), {"embedding": [3, 0.5]})
        r = post(g, "/v2/embed", {"model": "m", "texts": ["abc"], "input_type": "search_query", "embedding_types": ["float"]})
        same(r.json()["embeddings"], {"float": [[3, 0.5]]})


RANKED = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.25}]


def rerank_answer(request):
    body = json.loads(request.body)
    same(len(body["documents"]), 2)
    if request.target == "/v2/rerank":
        return http({"id": "r", "results": RANKED, "meta": {"billed_units": {"search_units": 1}}})
    if "top_k" in body:
        return http({"object": "list", "data": RANKED, "model": "real-m", "usage": {"total_tokens": 12}})
    return http({"model": "real-m", "object": "list", "results": RANKED, "usage": {"prompt_tokens": 12, "total_tokens": 12}})


def test_rerankers():
    ask_for = {"model": "m", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 2}
    for dialect, target in (("cohere", "/v2/rerank"), ("voyage", "/v1/rerank"), ("rerank", "/v1/rerank"),
                            ("openai-chat", "/v1/rerank")):
        with up(rerank_answer, dialect) as (g, p):
            for path in ("/v1/rerank", "/rerank", "/v2/rerank"):
                r = post(g, path, ask_for)
                same((r.status, r.json()["results"]), (200, RANKED), (dialect, path))
                same(p.requests[-1].target, target)
            if dialect == "voyage":
                same(json.loads(p.requests[-1].body), {"model": "real-m", "query": "q", "documents": ["a", "b"], "top_k": 2})
                r = post(g, "/v2/rerank", ask_for | {"return_documents": True, "top_n": 1})
                same(r.json()["results"], [RANKED[0] | {"document": {"text": "b"}}])
                same(post(g, "/v1/rerank", ask_for).json()["usage"]["total_tokens"], 12)
                r = post(g, "/v2/rerank", {"model": "m", "query": "q", "documents": []})
                same((r.status, set(r.json())), (400, {"id", "message"}))
            if dialect == "cohere":
                same(post(g, "/v1/rerank", ask_for).json()["meta"]["billed_units"], {"search_units": 1})
