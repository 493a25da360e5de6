# SPDX-License-Identifier: Apache-2.0
"""Beside chat: moderations, images and audio (JSON and forms), files, batches and what passes to a provider as it is."""
import contextlib
import json
import os
import time

from harness import (CLIENT_KEY, PROVIDER_KEY, Gateway, chat_answer, chat_stream, config, event, http, is_error,
                     no_secret, request_bytes, same, sse)
from operations import until
from provider import Close, Provider

BOUNDARY = "----form-7d1"
FORM = ["Content-Type: multipart/form-data; boundary=" + BOUNDARY]


def form(*parts):
    """(name, value) is a field, (name, value, file name) a file."""
    out = b""
    for name, value, *file in parts:
        out += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        out += f'; filename="{file[0]}"\r\nContent-Type: audio/wav'.encode() if file else b""
        out += b"\r\n\r\n" + value + b"\r\n"
    return out + f"--{BOUNDARY}--\r\n".encode()


def last_log(gw):
    """The line of the last request: it is written when the last byte has left."""
    for _ in range(100):
        line = gw.log_lines()[-1]
        if line["endpoint"] != "/health/ready":
            return line
        time.sleep(0.02)
    return line


@contextlib.contextmanager
def through(answer, price=None, keys=None, dialect="openai-chat", **over):
    models = [{"name": "m", "deployments": [{"provider": "up", "model": "real-m", **({"price": price} if price else {})}]}]
    with Provider(answer if callable(answer) else lambda r: answer) as provider:
        providers = {"up": {"dialect": dialect, "base_url": provider.url + ("/v1" if dialect == "openai-chat" else ""),
                            "api_key": PROVIDER_KEY}}
        with Gateway(config(None, providers=providers, models=models, **({"keys": keys} if keys else {}), **over)) as gw:
            yield gw, provider
            same(provider.faults, [], "unclean bytes upstream")


def a_forms_model_is_replaced_and_nothing_else():
    sound = os.urandom(5000) + b"\r\n--not the boundary\r\n" + os.urandom(10)
    body = form(("language", b"en"), ("file", sound, "a.wav"), ("model", b"m"), ("prompt", b""))
    usage = {"type": "tokens", "input_tokens": 10, "output_tokens": 3, "total_tokens": 13,
             "input_token_details": {"audio_tokens": 9, "text_tokens": 1}}
    answer = json.dumps({"text": "hi", "usage": usage}).encode()
    with through(http(answer), price={"input": 2, "input_audio": 6, "output": 10}) as (gw, provider):
        r = gw.post("/v1/audio/transcriptions", body, headers=FORM)
        same((r.status, r.body), (200, answer))
        q = provider.requests[0]
        same(q.target, "/v1/audio/transcriptions")
        same(q.body, body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nreal-m\r\n"))
        same([v for n, v in q.headers if n == b"content-type"], [FORM[0].split(": ")[1].encode()])
        same(r.get("x-sluice-cost-usd"), "0.000086", "1 x 2 + 9 x 6 + 3 x 10 per million")


def forms_that_are_wrong_are_refused_and_nothing_is_sent():
    cases = {
        "no model": form(("file", b"x", "a.wav")),
        "two models": form(("model", b"m"), ("model", b"m")),
        "an empty model": form(("model", b"")),
        "a model that is a file": form(("model", b"m", "m.txt")),
        "cut short": form(("model", b"m"), ("file", b"x" * 100, "a.wav"))[:-20],
        "no boundary in it": b"hello",
        "empty": b"",
    }
    with through(http(b"{}")) as (gw, provider):
        for name, body in cases.items():
            r = gw.post("/v1/audio/transcriptions", body, headers=FORM)
            is_error(r, 400, "invalid_request_error")
        r = gw.post("/v1/audio/transcriptions", form(("model", b"m")), headers=["Content-Type: multipart/form-data"])
        is_error(r, 400, "invalid_request_error")
        r = gw.post("/v1/audio/transcriptions", form(("model", b"other")), headers=FORM)
        is_error(r, 404, "model_not_found")
        same(len(provider.requests), 0, "sent upstream")


def a_large_upload_is_not_held_in_memory():
    with through(http(b"text", content_type="text/plain")) as (gw, provider):
        gw.post("/v1/audio/transcriptions", form(("file", b"x", "a.wav"), ("model", b"m")), headers=FORM)
        before = gw.rss_kib()
        body = form(("file", os.urandom(48 << 20), "a.wav"), ("model", b"m"))
        r = gw.post("/v1/audio/transcriptions", body, headers=FORM, timeout=30)
        same((r.status, r.body), (200, b"text"))
        same(len(provider.requests[-1].body), len(body) + len("real-m") - 1)
        grown = gw.peak_rss_kib() - before
        assert grown < 24 << 10, f"{grown} KiB more for an upload of 48 MiB"
        r = gw.post("/v1/audio/transcriptions", form(("file", b"x" * (3 << 20), "a.wav"), ("model", b"m")), headers=FORM)
        same(r.status, 200)


def an_upload_above_the_ceiling_is_413():
    with through(http(b"{}"), server={"upload_max": "1MiB"}) as (gw, provider):
        r = gw.post("/v1/audio/transcriptions", form(("file", b"x" * (1 << 20), "a.wav"), ("model", b"m")), headers=FORM)
        is_error(r, 413)
        same(len(provider.requests), 0)


def uploads_together_leave_the_disk_to_the_ledger():
    with through(http(b"{}"), server={"upload_total": "8MiB"}) as (gw, provider):
        is_error(gw.post("/v1/audio/transcriptions", form(("file", b"x" * (10 << 20), "a"), ("model", b"m")), headers=FORM),
                 500, "internal_error")
        for _ in range(3):  # what was taken is given back
            r = gw.post("/v1/audio/transcriptions", form(("file", b"x" * (5 << 20), "a"), ("model", b"m")), headers=FORM)
            same(r.status, 200)


def speech_comes_as_the_bytes_that_were_made():
    sound = os.urandom(300000)
    with through(http(sound, content_type="audio/mpeg")) as (gw, provider):
        r = gw.post("/v1/audio/speech", b'{"model":"m","input":"hi","voice":"alloy"}')
        same((r.status, r.get("content-type"), r.body), (200, "audio/mpeg", sound))
        same(json.loads(provider.requests[0].body)["model"], "real-m")


def speech_that_is_cut_is_cut_for_the_client():
    head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 5000\r\n\r\n"
    with through(lambda r: [head + b"x" * 2000, Close]) as (gw, provider):
        with gw.client() as c:
            c.send(request_bytes("POST", "/v1/audio/speech", b'{"model":"m","input":"hi"}'))
            try:
                c.answer("POST")
            except Exception as e:
                assert "ended" in str(e).lower() or "reset" in str(e).lower(), e
            else:
                raise AssertionError("the client took the answer for whole")
        log = last_log(gw)
        same((log["error"], log["cost_usd"]), ("upstream_error", None))


def streams_of_media_pass_and_are_metered():
    usage = {"input_tokens": 4, "output_tokens": 2, "total_tokens": 6}
    events = [event({"type": "transcript.text.delta", "delta": "hi"}), event({"type": "transcript.text.done", "text": "hi",
              "usage": usage}), b"data: [DONE]\n\n"]
    with through(lambda r: sse(*events), price={"input": 1, "output": 1}) as (gw, provider):
        r = gw.post("/v1/audio/transcriptions", form(("file", b"x", "a"), ("model", b"m"), ("stream", b"true")), headers=FORM)
        same((r.status, r.body), (200, b"".join(events)))
        log = last_log(gw)
        same((log["stream"], log["tokens"]["input"], log["tokens"]["output"], log["cost_usd"]), (True, 4, 2, "0.000006"))


def a_model_may_be_left_out_where_openai_has_a_default():
    with through(http(b'{"results":[]}'), **{}) as (gw, provider):
        r = gw.post("/v1/moderations", b'{"input":"x"}')
        is_error(r, 404, "model_not_found")
    with through(http(b'{"results":[]}')) as (gw, provider):
        r = gw.post("/v1/moderations", b'{"model":"m","input":"x"}')
        same((r.status, provider.requests[0].body), (200, b'{"model":"real-m","input":"x"}'))


def a_providers_error_is_told_as_for_chat():
    with through(http(b'{"error":{"message":"bad voice","type":"invalid_request_error"}}', status="400 Bad Request")) as (gw, p):
        r = gw.post("/v1/audio/speech", b'{"model":"m","input":"hi"}')
        is_error(r, 400)
        assert b"bad voice" in r.body, r.body


def files_and_batches_pass_with_method_and_query():
    with through(lambda r: http(json.dumps({"id": "file-1", "saw": r.method + " " + r.target}).encode())) as (gw, provider):
        for method, path in (("GET", "/v1/files"), ("GET", "/v1/files/file-1/content?after=2"), ("DELETE", "/v1/files/file-1"),
                             ("POST", "/v1/batches"), ("POST", "/v1/batches/b/cancel"), ("POST", "/v1/uploads")):
            r = gw.request(method, path, b"{}" if method == "POST" else None)
            same((r.status, json.loads(r.body)["saw"]), (200, f"{method} {path}"))
            log = last_log(gw)
            same((log["provider"], log["status"]), ("up", 200))
        r = gw.post("/v1/files", form(("purpose", b"batch"), ("file", b'{"model":"m"}\n', "a.jsonl")), headers=FORM)
        same(r.status, 200)
        same(provider.requests[-1].body.count(b'{"model":"m"}'), 1, "not edited")
        no_secret(r)


def a_provider_is_named_by_header_or_the_first_that_fits():
    with Provider(lambda r: http(b'{"who":"a"}')) as a, Provider(lambda r: http(b'{"who":"b"}')) as b:
        providers = {"one": {"dialect": "anthropic", "base_url": a.url, "api_key": PROVIDER_KEY},
                     "two": {"dialect": "openai-chat", "base_url": b.url + "/v1", "api_key": PROVIDER_KEY}}
        with Gateway(config(None, providers=providers, models=[])) as gw:
            same(gw.get("/v1/files").body, b'{"who":"b"}')
            same(gw.get("/v1/files", headers=["x-sluice-provider: one"]).body, b'{"who":"a"}')
            same(gw.get("/v1/messages/batches", headers=["anthropic-version: 2023-06-01"]).body, b'{"who":"a"}')
            is_error(gw.get("/v1/files", headers=["x-sluice-provider: three"]), 404, "not_found")


def passthrough_hands_everything_on_and_meters_what_it_knows():
    with through(lambda r: http(json.dumps(chat_answer("hello")).encode())) as (gw, provider):
        body = b'{"model":"gpt-4o","messages":[],"x":1.0}'
        for path in ("/passthrough/up/v1/chat/completions", "/passthrough/up/chat/completions"):
            r = gw.post(path, body)
            same((r.status, provider.requests[-1].target, provider.requests[-1].body), (200, "/v1/chat/completions", body))
            log = last_log(gw)
            same((log["endpoint"], log["usage_source"], log["tokens"]["input"]), ("/passthrough/", "reported", 11))
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            gw.request(method, "/passthrough/up/v1/x/y?z=1", b"abc" if method != "GET" else None,
                       headers=["Content-Type: text/x"] if method != "GET" else [])
            q = provider.requests[-1]
            same((q.method, q.target, q.body), (method, "/v1/x/y?z=1", b"abc" if method != "GET" else b""))
        assert all(CLIENT_KEY.encode() not in v for q in provider.requests for _, v in q.headers), "the client's key went on"


def passthrough_streams_pass_and_are_metered():
    stream = b"".join(event(e) for e in chat_stream("hel", "lo"))
    with through(lambda r: sse(stream)) as (gw, provider):
        r = gw.post("/passthrough/up/v1/chat/completions", b'{"model":"x","stream":true}')
        same((r.status, r.body), (200, stream))
        same(last_log(gw)["usage_source"], "reported")


def a_credential_in_the_query_stays_here():
    with through(http(b"{}")) as (gw, provider):
        for query in (f"?key={CLIENT_KEY}&a=1", f"?a=1&%6bey={CLIENT_KEY}", f"?a=1&KEY={CLIENT_KEY}&$key={CLIENT_KEY}"):
            same(gw.get(f"/passthrough/up/x{query}", headers=[f"x-api-key: {CLIENT_KEY}"], key=None).status, 200)
            same(provider.requests[-1].target, "/v1/x?a=1")
        same(gw.get(f"/passthrough/up/x?key={CLIENT_KEY}", key=None).status, 200)
        same(provider.requests[-1].target, "/v1/x")


def what_a_passed_request_costs_is_known_only_where_it_is():
    with through(lambda r: http(b"{}", status="404 Not Found" if r.target.endswith("none") else "200 OK")) as (gw, provider):
        for n, (method, path, cost) in enumerate((("GET", "/v1/files", "0"), ("POST", "/v1/files", "0"), ("DELETE", "/v1/files/x", "0"),
                                   ("GET", "/v1/batches", "0"), ("POST", "/v1/batches", None),
                                   ("GET", "/passthrough/up/x", None), ("PUT", "/passthrough/up/x", None),
                                   ("POST", "/passthrough/up/none", "0"))):
            r = gw.request(method, path, b"{}" if method in ("POST", "PUT") else None)
            until(lambda: len([l for l in gw.log_lines() if l["provider"]]) == n + 1, "its line in the log")
            same(gw.log_lines()[-1]["cost_usd"], cost, f"{method} {path}")


def passthrough_gives_errors_as_they_are():
    with through(http(b'{"odd":"error"}', status="418 I'm a teapot", content_type="application/problem+json")) as (gw, provider):
        r = gw.post("/passthrough/up/x", b"{}")
        same((r.status, r.body, r.get("content-type")), (418, b'{"odd":"error"}', "application/problem+json"))


def passthrough_is_no_way_around():
    keys = [{"name": "some", "key": CLIENT_KEY, "models": ["m"]}]
    with through(http(b"{}"), keys=keys) as (gw, provider):
        for path in ("/passthrough/up/v1/chat/completions", "/v1/files", "/v1/batches"):
            is_error(gw.post(path, b'{"model":"m"}'), 403, "model_not_allowed")
        is_error(gw.post("/passthrough/up/x", b"{}", key="wrong"), 401, "invalid_api_key")
        same(len(provider.requests), 0)
    with through(http(b"{}")) as (gw, provider):
        for path in ("/passthrough/up/../x", "/passthrough/up/a/%2e%2e/x", "/passthrough/up/%252e%252e/x",
                     "/passthrough/up/..;a/x", "/passthrough/up/%252e%252e%252fx", "/passthrough/up/..%2Fadmin", "/passthrough/up/a/..",
                     "/passthrough/up/%zz", "/passthrough/up/..%5cx", "/v1/files/../x"):
            assert gw.post(path, b"{}").status in (400, 404), path
        is_error(gw.post("/passthrough/nobody/x", b"{}"), 404, "not_found")
        same(len(provider.requests), 0)


def cases():
    for name, f in list(globals().items()):
        if callable(f) and getattr(f, "__module__", "") == __name__ and name not in ("form", "through", "cases", "last_log"):
            yield name.replace("_", " "), f
