# SPDX-License-Identifier: Apache-2.0
"""Gemini's clients: where they put the credential, the paths they know, and what they get from providers of other dialects."""
import json

from harness import CLIENT_KEY, PROVIDER_KEY, Gateway, chat_answer, chat_stream, config, event, http, is_error, same, sse
from provider import Provider

HI = b'{"contents":[{"parts":[{"text":"hi"}]}]}'
GENERATED = {"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP", "index": 0}],
             "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}}


def over(provider, dialect="gemini", model="real-m"):
    return config(None, providers={"up": {"dialect": dialect, "base_url": provider.url + ("" if dialect == "gemini" else "/v1"),
        "api_key": PROVIDER_KEY}},
                  models=[{"name": n, "deployments": [{"provider": "up", "model": to, "price": {"input": 2, "output": 10}}]}
                      for n, to in (("m", model), ("tunedModels/t", "tunedModels/real-t"))])


def test_the_credential_may_stand_in_the_query_and_stays_here():
    with Provider(lambda r: http(GENERATED)) as provider, Gateway(over(provider)) as gw:
        for query in (f"?key={CLIENT_KEY}", f"?alt=json&key={CLIENT_KEY}&x=1", f"?%6bey={CLIENT_KEY}&key={CLIENT_KEY}", f"?$key={CLIENT_KEY}&key={CLIENT_KEY}"):
            r = gw.post("/v1beta/models/m:generateContent" + query, HI, key=None)
            same(r.status, 200, (query, r.body))
        for request in provider.requests:
            assert CLIENT_KEY.encode() not in request.head + request.body, request.head
            assert PROVIDER_KEY.encode() not in request.target.encode(), request.target
        same(provider.requests[1].target, "/v1beta/models/real-m:generateContent?alt=json&x=1")
        assert CLIENT_KEY.encode() not in gw.messages(), "the key is in the log"
        is_error(gw.post("/v1beta/models/m:generateContent?key=wrong", HI, key=None), 401)


def test_the_paths_of_both_of_googles_apis():
    with Provider(lambda r: http(GENERATED)) as provider, Gateway(over(provider)) as gw:
        for path in ("/v1/models/m", "/models/m", "/v1beta/models/m", "/v1/projects/p/locations/l/publishers/google/models/m",
                     "/v1beta1/projects/p/locations/global/publishers/google/models/m"):
            r = gw.post(path + ":generateContent", HI)
            same(r.status, 200, (path, r.body))
        same({q.target for q in provider.requests}, {"/v1beta/models/real-m:generateContent"})
        same(gw.post("/v1beta/tunedModels/t:generateContent", HI).status, 200)
        same(provider.requests[-1].target, "/v1beta/tunedModels/real-t:generateContent")
        is_error(gw.post("/v1beta/models/m:predict", HI), 404)


def test_an_answer_of_chat_completions():
    with Provider(lambda r: http(chat_answer("hello"))) as provider, Gateway(over(provider, "openai-chat")) as gw:
        r = gw.post("/v1beta/models/m:generateContent", json.dumps({"system_instruction": {"parts": [{"text": "S"}]},
            "contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 5, "topK": 3}}).encode())
        same(r.status, 200, r.body)
        answer = r.json()
        same(answer["candidates"], [{"content": {"parts": [{"text": "hello"}], "role": "model"}, "finishReason": "STOP", "index": 0}])
        same(answer["usageMetadata"]["totalTokenCount"], 18)
        same(json.loads(provider.requests[0].body)["messages"], [{"role": "system", "content": "S"}, {"role": "user", "content": "hi"}])


def stream_of(texts):
    return sse(*[event(e) for e in chat_stream(*texts)])


def test_a_stream_of_chat_completions_as_events_and_as_an_array():
    with Provider(lambda r: stream_of(("hel", "lo"))) as provider, Gateway(over(provider, "openai-chat")) as gw:
        r = gw.post("/v1beta/models/m:streamGenerateContent?alt=sse", HI)
        same((r.status, r.get("content-type")), (200, "text/event-stream"))
        events = [json.loads(line[6:]) for line in r.body.decode().split("\r\n") if line.startswith("data: ")]
        r = gw.post("/v1beta/models/m:streamGenerateContent", HI)
        same((r.status, r.get("content-type")), (200, "application/json"))
        for answers in (events, json.loads(r.body)):
            same("".join(p.get("text", "") for a in answers for c in a["candidates"] for p in c["content"]["parts"]), "hello")
            same([c.get("finishReason") for a in answers for c in a["candidates"]][-1], "STOP")
            same(answers[-1]["usageMetadata"]["totalTokenCount"], 18)


def test_a_stream_that_is_cut_ends_with_an_error():
    cut = sse(*[event(e) for e in chat_stream("hel", "lo")][:2])
    with Provider(lambda r: cut) as provider, Gateway(over(provider, "openai-chat")) as gw:
        r = gw.post("/v1beta/models/m:streamGenerateContent", HI)
        answers = json.loads(r.body)
        assert "error" in answers[-1] and answers[-1]["error"]["status"], answers
        assert not any(c.get("finishReason") for a in answers[:-1] for c in a["candidates"]), answers


def test_what_was_dropped_is_told():
    with Provider(lambda r: http(chat_answer("hello"))) as provider, Gateway(over(provider, "openai-chat")) as gw:
        r = gw.post("/v1beta/models/m:generateContent", json.dumps({"contents": [{"parts": [{"text": "hi"}]}],
            "safetySettings": [{"category": "A"}], "frob": 1}).encode())
        same(r.status, 200, r.body)
        same(set(r.get("x-sluice-dropped").split(",")), {"safety_settings", "frob"})
        r = gw.post("/v1beta/models/m:generateContent", json.dumps({"contents": [{"parts": [{"text": "hi"}]}],
            "cachedContent": "cachedContents/x"}).encode())
        same(r.status, 400, r.body)
        assert b"cachedContent" in r.body, r.body
