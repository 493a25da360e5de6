# SPDX-License-Identifier: Apache-2.0
"""Vectors from a provider of another dialect than the client's: one call or several, numbers or base64, failures between
two parts of an answer, and what is written down of it."""
import base64
import json
import struct

from harness import PROVIDER_KEY, Gateway, config, http, is_error, same
from provider import Provider


def provider_config(provider, dialect):
    return config(None, providers={"up": {"dialect": dialect, "base_url": provider.url + ("" if dialect == "gemini" else "/v1"),
        "api_key": PROVIDER_KEY}},
                  models=[{"name": "m", "deployments": [{"provider": "up", "model": "real-m",
                      "price": {"input": 2, "output": 10}}]}],
                  routing={"retries": {"attempts": 2, "base": "1ms", "max": "2ms"}})


def vector_of(text):
    return [len(text), 0.5]


def gemini_answer(request, tokens=True):
    """Two numbers for each text: its length, and a half."""
    body = json.loads(request.body)
    if request.target.endswith(":embedContent"):
        texts = [body["content"]["parts"][0]["text"]]
        answer = {"embedding": {"values": vector_of(texts[0])}}
    else:
        texts = [r["content"]["parts"][0]["text"] for r in body["requests"]]
        answer = {"embeddings": [{"values": vector_of(t)} for t in texts]}
    if tokens:
        answer["usageMetadata"] = {"promptTokenCount": len(texts)}
    return http(json.dumps(answer, indent=2).encode())


def openai_answer(request):
    body = json.loads(request.body)
    data = [{"object": "embedding", "index": i, "embedding": vector_of(t)} for i, t in enumerate(body["input"])]
    data.reverse()
    return http({"object": "list", "data": data, "model": "real-m", "usage": {"prompt_tokens": 5, "total_tokens": 5}})


def test_an_openai_client_of_gemini():
    with Provider(gemini_answer) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", json.dumps({"model": "m", "input": ["a", "bcd"], "dimensions": 2}).encode())
        same(r.status, 200, r.body)
        same(json.loads(r.body), {"object": "list", "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2},
            "data": [{"object": "embedding", "index": 0, "embedding": [1, 0.5]},
                     {"object": "embedding", "index": 1, "embedding": [3, 0.5]}]})
        same(provider.requests[0].target, "/v1beta/models/real-m:batchEmbedContents")
        same([q["outputDimensionality"] for q in json.loads(provider.requests[0].body)["requests"]], [2, 2])
        same(r.get("x-sluice-cost-usd"), "0.000004")


def test_vectors_as_base64():
    with Provider(gemini_answer) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", json.dumps({"model": "m", "input": "abc", "encoding_format": "base64"}).encode())
        same(r.status, 200, r.body)
        got = json.loads(r.body)["data"][0]["embedding"]
        same(list(struct.unpack("<2f", base64.b64decode(got))), [3.0, 0.5])
        same(provider.requests[0].target, "/v1beta/models/real-m:embedContent")


def test_gemini_clients_of_openai():
    with Provider(openai_answer) as provider, Gateway(provider_config(provider, "openai-chat")) as gw:
        r = gw.post("/v1beta/models/m:embedContent", json.dumps({"content": {"parts": [{"text": "abc"}]}}).encode())
        same((r.status, json.loads(r.body)), (200, {"embedding": {"values": [3, 0.5]},
            "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 5}}))
        r = gw.post("/v1beta/models/m:batchEmbedContents", json.dumps({"requests": [
            {"model": "models/m", "content": {"parts": [{"text": t}]}} for t in ("a", "bc")]}).encode())
        same([e["values"][0] for e in json.loads(r.body)["embeddings"]], [1, 2])
        same(json.loads(provider.requests[1].body), {"model": "real-m", "input": ["a", "bc"]})


def test_more_inputs_than_a_call_takes():
    texts = ["x" * (i % 7) for i in range(230)]
    with Provider(gemini_answer) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", json.dumps({"model": "m", "input": texts}).encode())
        same(r.status, 200, r.body)
        answer = json.loads(r.body)
        same([d["embedding"][0] for d in answer["data"]], [len(t) for t in texts])
        same([d["index"] for d in answer["data"]], list(range(230)))
        same(answer["usage"]["prompt_tokens"], 230)
        same([len(json.loads(q.body)["requests"]) for q in provider.requests], [100, 100, 30])
        same(r.get("x-sluice-attempts"), "1")
        same(r.get("x-sluice-cost-usd"), "0.00046")


def test_a_part_that_fails_is_asked_for_again():
    failed = []

    def answer(request):
        if len(json.loads(request.body)["requests"]) == 30 and not failed:
            failed.append(1)
            return http({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, "503 Busy")
        return gemini_answer(request)
    with Provider(answer) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", json.dumps({"model": "m", "input": ["ab"] * 230}).encode())
        same(r.status, 200, r.body)
        same(len(json.loads(r.body)["data"]), 230)
        same([len(json.loads(q.body)["requests"]) for q in provider.requests], [100, 100, 30, 30])


def test_a_part_that_goes_on_failing_fails_all():
    def answer(request):
        if len(json.loads(request.body)["requests"]) == 30:
            return http({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, "503 Busy")
        return gemini_answer(request)
    with Provider(answer) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", json.dumps({"model": "m", "input": ["ab"] * 230}).encode())
        is_error(r, (502, 503))


def test_tokens_that_the_provider_does_not_count_are_counted():
    with Provider(lambda q: gemini_answer(q, tokens=False)) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", json.dumps({"model": "m", "input": "hello world, how are you?"}).encode())
        usage = json.loads(r.body)["usage"]
        assert 4 <= usage["prompt_tokens"] <= 10, usage


def test_what_cannot_be_sent_is_refused_and_nothing_goes_upstream():
    with Provider(gemini_answer) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", b'{"model":"m","input":[[1,2],[3]]}')
        is_error(r, 400)
        assert b"input[0]: must be a text" in r.body, r.body
        r = gw.post("/v1/embeddings", b'{"model":"m","input":[]}')
        is_error(r, 400)
        same(provider.requests, [])


def test_an_answer_with_too_few_vectors_is_none():
    with Provider(lambda q: http({"embeddings": [{"values": [1]}]})) as provider, Gateway(provider_config(provider, "gemini")) as gw:
        r = gw.post("/v1/embeddings", b'{"model":"m","input":["a","b"]}')
        is_error(r, 502)


def test_what_was_dropped_is_told():
    with Provider(openai_answer) as provider, Gateway(provider_config(provider, "openai-chat")) as gw:
        r = gw.post("/v1beta/models/m:embedContent", json.dumps({"content": {"parts": [{"text": "abc"}]},
            "taskType": "CLUSTERING", "title": "t"}).encode())
        same(r.get("x-sluice-dropped"), "task,title")
