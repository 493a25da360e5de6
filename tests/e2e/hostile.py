# SPDX-License-Identifier: Apache-2.0
"""What a hostile client puts into names, paths, queries and fields, and what a hostile provider says in its answers."""
import json
import os
import resource
import signal
import threading
import time

from harness import (ADMIN_KEY, CLIENT_KEY, PATIENT, PROVIDER_KEY, Gateway, chat, chat_answer, chat_stream, config, event, http,
                     is_error, request_bytes, same, short, sse)
from provider import Provider
from strict import echo

GEMINI_ANSWER = {"candidates": [{"content": {"parts": [{"text": "x"}], "role": "model"}, "finishReason": "STOP"}],
                 "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}}
GEMINI_ASK = {"contents": [{"parts": [{"text": "x"}]}]}
CONTROLS = ["a\r\nx-evil: 1", "a\nb", "a\rb", "a\0b", "\x01", "a\x7f", "a\tb"]


def wildcards(provider, **over):
    """Models whose names reach the provider as the client wrote them."""
    return config(provider, providers={
        "up": {"dialect": "openai-chat", "base_url": provider.url + "/v1", "api_key": PROVIDER_KEY},
        "gem": {"dialect": "gemini", "base_url": provider.url + "/v1beta", "api_key": PROVIDER_KEY}},
        models=[{"name": "m", "deployments": [{"provider": "up", "model": "real-m"}]},
                {"name": "w/*", "deployments": [{"provider": "up", "model": "*"}]},
                {"name": "g/*", "deployments": [{"provider": "gem", "model": "*"}]}], **over)


def gemini(request):
    return http(GEMINI_ANSWER)


def percent(text):
    return "".join(f"%{b:02x}" for b in text.encode())


def test_control_characters_in_a_model_never_reach_header_fields():
    with Provider(echo) as provider, Gateway(wildcards(provider)) as gateway:
        for name in CONTROLS:
            r = gateway.post("/v1/chat/completions", chat("x", "w/" + name))
            is_error(r, {400, 404})
            assert not r.headers.has("x-evil"), r.head
            r = gateway.post(f"/v1beta/models/{percent('g/' + name)}:generateContent", GEMINI_ASK)
            assert r.status in (400, 404), f"{name!r} in a path: {short(r.body)}"
        assert not provider.requests, "it went upstream"


def test_a_model_of_other_characters_is_passed_as_it_is():
    with Provider(echo) as provider, Gateway(wildcards(provider)) as gateway:
        for name in ("é", "a b", " a ", "a:b", '"', "\\", "../x", "\u2028", "a" * 500):
            provider.forget()
            r = gateway.post("/v1/chat/completions", chat("x", "w/" + name))
            same(r.status, 200, f"{name!r}: {short(r.body)}")
            same(json.loads(provider.requests[0].body)["model"], name)


def test_a_wildcard_that_takes_nothing_is_no_model():
    with Provider(echo) as provider, Gateway(wildcards(provider)) as gateway:
        is_error(gateway.post("/v1/chat/completions", chat("x", "w/")), {404})
        assert not provider.requests


def test_a_path_upstream_cannot_be_climbed():
    with Provider(gemini) as provider, Gateway(wildcards(provider)) as gateway:
        for name in ("g%2F..%2F..%2Fx", "g/../../x", "g%2F%2e%2e", "g%2F.", "g/a/../b"):
            r = gateway.post(f"/v1beta/models/{name}:generateContent", GEMINI_ASK)
            assert r.status in (400, 404), f"{name}: {r.status}"
        assert not provider.requests
        r = gateway.post("/v1beta/models/g%2Fa%2Fb%3Fc%23d:generateContent", GEMINI_ASK)
        same(r.status, 200, short(r.body))
        same(provider.requests[0].target, "/v1beta/models/a%2Fb%3Fc%23d:generateContent")


def test_a_query_brings_neither_the_clients_credential_nor_a_mask_upstream():
    with Provider(gemini) as provider, Gateway(wildcards(provider)) as gateway:
        for query in (*[f"{name}={CLIENT_KEY}" for name in ("key", "k%65y", "%24key", "$key", "KEY", "access_token",
                                                            "access%5Ftoken")],
                      "fields=candidates", "$fields=candidates", "f%69elds=candidates", "callback=x"):
            provider.forget()
            r = gateway.post(f"/v1beta/models/g%2Fa:generateContent?{query}&a=b", GEMINI_ASK)
            same(r.status, 200, f"{query}: {short(r.body)}")
            same(provider.requests[0].target, "/v1beta/models/a:generateContent?a=b", query)


def test_fields_that_change_what_a_provider_understands_stay_here():
    names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
             "X-Real-IP", "X-Goog-FieldMask", "X-Forwarded-Host", "X-Sluice-Anything", "Proxy", "Range", "If-Match",
             "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Max-Forwards"]
    with Provider(echo) as provider, Gateway(wildcards(provider)) as gateway:
        r = gateway.post("/v1/chat/completions", chat("x", "m"), headers=[f"{n}: x" for n in names] + ["X-Mine: y"])
        same(r.status, 200, short(r.body))
        got = provider.requests[0].headers
        same([n for n in names if got.has(n)], [], "fields upstream")
        same(got.all("x-mine"), [b"y"])


def test_as_many_fields_as_the_settings_allow():
    most = {"header_count": 256, "header_max": "1MiB"}
    many = {"server": most, "upstream": most}

    def answer(request):
        return http(chat_answer("x"), headers=[f"X-{i}: {i}" for i in range(200)])

    with Provider(answer) as provider, Gateway(config(provider, **many)) as gateway:
        for n, wanted in ((240, 200), (256, 431), (1000, 431)):
            r = gateway.post("/v1/chat/completions", chat("x", "m"), headers=[f"X-{i}: b" for i in range(n)])
            same(r.status, wanted, f"{n} fields")
        r = gateway.post("/v1/chat/completions", chat("x", "m"))
        same(r.get("content-type"), "application/json", "of an answer with many fields")
        assert r.headers.has("x-request-id")


def test_garbage_in_a_stream_is_an_error_and_no_end():
    events = [event(e) for e in chat_stream("one ", "two ", "three")]
    garbage = [b"data: %s\n\n" % d
               for d in (b"garbage", b'{"a":', b"{}}", b"<html>", b"\0", b'{"a":"\xff"}', b"[1]", b"null",
                         b'{\ndata: "a"')]
    script = {}
    once = {**PATIENT, "retries": {"attempts": 0}}
    with Provider(lambda r: script["steps"]) as provider, Gateway(config(provider, routing=once)) as gateway:
        for bad in garbage:
            script["steps"] = [sse(events[0], bad, *events[1:])]
            r = gateway.post("/v1/chat/completions", chat("x", "m", stream=True))
            same(r.status, 200)
            assert b"[DONE]" not in r.body and b"error" in r.body, f"{bad}: {r.body!r}"
            assert b"two" not in r.body, f"{bad}: {r.body!r}"
            script["steps"] = [sse(bad, *events)]
            r = gateway.post("/v1/chat/completions", chat("x", "m", stream=True))
            is_error(r, {502})
        for good in (b": ping\n\n", b"data:\n\n", b"data: {\ndata: \"a\": 1}\n\n", b"id: 1\n\n"):
            script["steps"] = [sse(events[0], good, *events[1:])]
            r = gateway.post("/v1/chat/completions", chat("x", "m", stream=True))
            assert b"[DONE]" in r.body and b"error" not in r.body, f"{good}: {r.body!r}"


def _heads(gateway, data, method="GET"):
    """What is answered to `data`, with the status codes of interim answers."""
    with gateway.client() as c:
        c.send(data)
        return c.answer(method)


def test_what_every_answer_must_say():
    with Provider(echo) as provider, Gateway(config(provider)) as gateway:
        r = gateway.request("GET", "/v1/models", key="wrong")
        same((r.status, r.get("www-authenticate")), (401, "Bearer"), "RFC 9110 15.5.2")
        r = _heads(gateway, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        same((r.status, r.headers.has("allow")), (405, True), "OPTIONS *")
        r = _heads(gateway, b"GET /health/live HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")
        same((r.status, r.interim), (200, []), "nothing to wait for")
        r = _heads(gateway, b"GET http://a?b=c HTTP/1.1\r\nHost: a\r\n\r\n")
        same(r.status, 200, "an absolute target without a path")
        r = _heads(gateway, b"HEAD /v1/models HTTP/1.1\r\nHost : a\r\n\r\n", "HEAD")
        same((r.status, r.says_close), (400, True), "a refused HEAD has no body")


def test_two_different_credentials_are_none():
    with Provider(echo) as provider, Gateway(config(provider)) as gateway:
        good, other = f"x-api-key: {CLIENT_KEY}", "x-api-key: sk-other"
        for fields, wanted in (([good], 200), ([good, good], 200), ([good, other], 401), ([other, good], 401),
                               ([good, "api-key: sk-other"], 401), ([f"api-key: {CLIENT_KEY}", good], 200)):
            same(gateway.request("GET", "/v1/models", key=None, headers=fields).status, wanted, f"{fields}")


def test_where_nothing_can_be_written_what_costs_nothing_is_still_answered():
    with Provider(echo) as provider, Gateway(config(provider)) as gateway:
        same(gateway.post("/v1/chat/completions", chat("x", "m")).status, 200)
        process, free = gateway.process.pid, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        provider.forget()
        got = [gateway.post("/v1/chat/completions", chat("x", "m")).status for _ in range(3)]
        same(got, [500, 503, 503], "the first finds out; the others are not sent upstream")
        same(len(provider.requests), 1)
        for path, key, wanted in (("/health/live", None, 200), ("/health/ready", None, 200), ("/metrics", None, 200),
                                  ("/v1/models", CLIENT_KEY, 200), ("/v1/models", "wrong", 401),
                                  ("/nothing", None, 404)):
            same(gateway.request("GET", path, key=key).status, wanted, path)
        resource.prlimit(process, resource.RLIMIT_FSIZE, free)
        deadline = time.monotonic() + 10
        while gateway.post("/v1/chat/completions", chat("x", "m")).status != 200:
            assert time.monotonic() < deadline, "it does not write again"
            time.sleep(0.05)


def test_what_stands_behind_an_answer_is_never_the_next_ones():
    """The gateway's read ends exactly with the answer, so that nothing tells of the bytes behind it."""
    evil = http(chat_answer("not yours"))

    def answer(request):
        if b"first" not in request.body:
            return echo(request)
        os.kill(gateway.process.pid, signal.SIGSTOP)        # all of it is there when it reads
        threading.Timer(0.2, os.kill, (gateway.process.pid, signal.SIGCONT)).start()
        body = json.dumps(chat_answer("first")).encode()
        head = len(http(body)) - len(body)
        return http(body.ljust(size - head - len(str(size)) + len(str(len(body))))) + evil

    with Provider(answer) as provider, Gateway(config(provider)) as gateway:
        for size in (16384, 32768, 65536, 131072):
            for text in ("first", "mine"):
                r = gateway.post("/v1/chat/completions", chat(text, "m"))
                same(r.json()["choices"][0]["message"]["content"], text, f"an answer of {size} bytes")


def test_a_provider_gives_no_orders_to_servers_in_front_and_shows_no_credential():
    fields = ["X-Accel-Redirect: /etc/passwd", "X-Accel-Buffering: yes", "X-Sendfile: /etc/passwd",
              "Clear-Site-Data: *",
              f"X-Echo: Bearer {PROVIDER_KEY}", f"X-Echo-2: {PROVIDER_KEY}", "X-Mine: y", "Set-Cookie: a=b"]
    with Provider(lambda r: http(chat_answer("x"), headers=fields)) as provider, Gateway(config(provider)) as gateway:
        r = gateway.post("/v1/chat/completions", chat("x", "m"))
        same((r.status, r.get("x-mine")), (200, "y"))
        same([f for f in fields if r.headers.has(f.partition(":")[0]) and not f.startswith("X-Mine")], [])


def test_two_content_types_and_hidden_control_characters_are_refused():
    with Provider(echo) as provider, Gateway(config(provider)) as gateway:
        r = gateway.post("/v1/chat/completions", chat("x", "m"), headers=["Content-Type: application/json"] * 2)
        is_error(r, {400})
        for path in ("/v1/chat/completions%0d%0aX-A:b", "/v1/chat/completions%00", "/v1/models/%0a", "/v1/models/%1F",
                     "/v1/models/%7f"):
            same(gateway.request("GET", path).status, 400, path)
        assert not provider.requests


class FewDescriptors(Gateway):
    """Started with so few descriptors that clients could use them up."""

    def _spawn(self):
        soft_and_hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (96, soft_and_hard[1]))
        try:
            super()._spawn()
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (96, 96))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, soft_and_hard)


def test_clients_cannot_use_up_all_descriptors():
    with Provider(echo) as provider, FewDescriptors(config(provider)) as gateway:
        gateway.request("POST", "/admin/v1/config/reload", key=ADMIN_KEY)      # looks at the limit again
        idle = [gateway.client(5) for _ in range(150)]
        try:
            idle[0].send(request_bytes("POST", "/v1/chat/completions", json.dumps(chat("x", "m")).encode()))
            r = idle[0].answer()
            same(r.status, 200, f"a call of a provider finds a descriptor: {short(r.body)}")
        finally:
            for c in idle:
                c.close()
        same(gateway.post("/v1/chat/completions", chat("x", "m")).status, 200)


def test_models_that_clients_make_up_do_not_fill_the_metrics():
    with Provider(echo) as provider, Gateway(wildcards(provider)) as gateway:
        with gateway.client(10) as c:
            for i in range(1200):
                c.send(request_bytes("POST", "/v1/chat/completions", json.dumps(chat("x", f"w/model-{i}")).encode()))
                same(c.answer().status, 200)
        same(gateway.post("/v1/chat/completions", chat("x", "m")).status, 200)
        text = gateway.get("/metrics").body.decode()
        series = [line for line in text.splitlines() if line.startswith("sluice_requests_total{")]
        assert 1000 < len(series) < 1100, f"{len(series)} series"
        assert any('model="other"' in line for line in series) and any('model="m"' in line for line in series)
