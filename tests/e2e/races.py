# SPDX-License-Identifier: Apache-2.0
"""What happens while a request of a translated dialect, or an upload, waits: the client leaves, the configuration
changes, the gateway is told to end, the disk is full."""
import contextlib
import json
import os
import re
import resource
import socket
import threading
import time

from harness import PATIENT, PROVIDER_KEY, Gateway, chat_chunk, chunk, config, event, http, is_error, request_bytes, same
from hostile_streams import CLIENTS, ENDED, HEADS, STREAMS, settings
from provider import Provider, Wait

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50
CONVERSED = {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn",
             "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}
FORM = ["Content-Type: multipart/form-data; boundary=B"]


def images(*urls):
    parts = [{"type": "image_url", "image_url": {"url": u}} for u in urls]
    return {"model": "to-bedrock", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, *parts]}]}


def form(n):
    head = b'--B\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
    return head % (b"model", b"") + b"m\r\n" + head % (b"file", b'; filename="a"') + os.urandom(n) + b"\r\n--B--\r\n"


def stream_request(client, dialect):
    path, body = CLIENTS[client]
    body = {**body, "model": "to-" + dialect} if "model" in body else body
    return request_bytes("POST", path.replace("/M", "/to-" + dialect), json.dumps(body).encode())


def test_a_client_leaves_while_its_images_are_fetched():
    free = threading.Event()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n"
    with Provider(lambda r: [head + PNG, Wait(free)]) as web, Provider(lambda r: http(CONVERSED)) as p:
        with Gateway({**settings(p), "translation": {"fetch_private": True}}) as gw:
            for i in range(10):
                with gw.client() as c:
                    c.send(request_bytes("POST", "/v1/chat/completions", json.dumps(images(f"{web.url}/{i}")).encode()))
                    if i % 2:
                        web.wait_for(lambda: len(web.requests) > i // 2)
            web.wait_for(lambda: all(c.ended.is_set() or c.reader.eof for c in web.connections) or True)
            same(len(p.requests), 0)
            with gw.client() as c:       # and it can be told to end meanwhile
                c.send(request_bytes("POST", "/v1/chat/completions", json.dumps(images(f"{web.url}/last")).encode()))
                web.wait_for(lambda: any(r.target == "/last" for r in web.requests))
                gw.terminate()
                free.set()


def test_a_request_may_name_many_images_but_not_without_end():
    with Provider(lambda r: http(PNG, content_type="image/png")) as web, Provider(lambda r: http(CONVERSED)) as p:
        with Gateway({**settings(p), "translation": {"fetch_private": True}}) as gw:
            r = gw.post("/v1/chat/completions", images(*[f"{web.url}/{i}" for i in range(100)]))
            same((r.status, p.requests[0].body.count(b"iVBORw0KGg")), (200, 100), r.body)
            r = gw.post("/v1/chat/completions", images(*[web.url + "/same"] * 500))
            same((r.status, sum(q.target == "/same" for q in web.requests)), (200, 1), r.body)
            web.forget()
            is_error(gw.post("/v1/chat/completions", images(*[f"{web.url}/{i}" for i in range(3000)])), 400)
            same((len(web.requests), len(p.requests)), (100, 2))


def test_fetched_images_are_no_more_than_a_body():
    big = PNG + b"x" * (600 << 10)
    with Provider(lambda r: http(big, content_type="image/png")) as web, Provider(lambda r: http(CONVERSED)) as p:
        over = {"translation": {"fetch_private": True}, "server": {"body_max": "2MiB"}}
        with Gateway({**settings(p), **over}) as gw:
            same(gw.post("/v1/chat/completions", images(web.url + "/1", web.url + "/2")).status, 200)
            is_error(gw.post("/v1/chat/completions", images(*[f"{web.url}/{i}" for i in range(9)])), 413)
            same(len(p.requests), 1)


def test_a_client_leaves_between_two_attempts():
    with Provider(lambda r: http(b'{"error":{"type":"overloaded_error"}}', "529 X", headers=["retry-after: 1"])) as p:
        with Gateway({**settings(p), "routing": {**PATIENT, "retries": {"attempts": 3}}}) as gw:
            for i in range(20):
                with gw.client() as c:
                    c.send(stream_request("openai-chat", "anthropic"))
                    p.wait_for(lambda: len(p.requests) > i)
            p.wait_for(lambda: len(p.requests) >= 20)
            seen = len(p.requests)
            time.sleep(1.2)
            same(len(p.requests), seen, "asked again for clients that have left")


def test_streams_go_on_over_a_reload_and_a_shutdown():
    for dialect, events in STREAMS.items():
        gate, half = threading.Event(), len(events) // 2
        with Provider(lambda r: [HEADS[dialect] + chunk(b"".join(events[:half])), Wait(gate),
                                 chunk(b"".join(events[half:])) + b"0\r\n\r\n"]) as p, Gateway(settings(p)) as gw:
            clients = {c: gw.client(20) for c in CLIENTS if c != dialect and (dialect, c) != ("openai-chat", "openai-completions")}
            for name, c in clients.items():
                c.send(stream_request(name, dialect))
            p.wait_for(lambda: len(p.requests) == len(clients))
            gw.reload({**gw.settings, "models": []})
            deadline = time.monotonic() + 5
            while b"reloaded" not in gw.messages() and time.monotonic() < deadline:
                time.sleep(0.01)
            gw.terminate()
            time.sleep(0.05)
            gate.set()
            for name, c in clients.items():
                r = c.answer("POST")
                assert re.search(ENDED[name], r.body), (dialect, name, r.body[-300:])
                c.close()


def test_clients_leave_in_the_middle_of_streams_and_nothing_stays():
    for dialect, events in STREAMS.items():
        gate, half = threading.Event(), len(events) // 2
        with Provider(lambda r: [HEADS[dialect] + chunk(b"".join(events[:half])), Wait(gate),
                                 chunk(b"".join(events[half:])) + b"0\r\n\r\n"]) as p, Gateway(settings(p)) as gw:
            for name in CLIENTS:
                if name != dialect and (dialect, name) != ("openai-chat", "openai-completions"):
                    for _ in range(5):
                        with gw.client() as c:
                            c.send(stream_request(name, dialect))
                            c.sock.recv(1)
            gate.set()
            deadline = time.monotonic() + 5
            while True:
                lines = [x for x in gw.log_lines() if x["endpoint"] != "/health/ready"]
                if len(lines) == len(p.requests) or time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            same({x["status"] for x in lines}, {499}, dialect)


def test_a_slow_client_makes_the_provider_wait():
    sent, big = [0], chunk(event(chat_chunk("x" * 4000)))

    def answer(r):
        yield HEADS["openai-chat"]
        for _ in range(8000):
            sent[0] += 1
            yield big
        yield chunk(b"".join(STREAMS["openai-chat"][-3:])) + b"0\r\n\r\n"
    with Provider(answer) as p, Gateway(settings(p)) as gw, socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(gw.address)
        s.sendall(stream_request("anthropic", "openai-chat"))
        last = -1
        while sent[0] != last:
            last = sent[0]
            time.sleep(0.3)
        assert 0 < last < 7000, f"the provider could send {last} of 8000 events"
        s.settimeout(20)
        tail = b""
        while not tail.endswith(b"0\r\n\r\n"):
            data = s.recv(1 << 20)
            assert data, tail
            tail = (tail + data)[-400:]
        assert b"message_stop" in tail, tail


def test_a_full_disk_refuses_uploads_and_nothing_else():
    with Provider(lambda r: http(b"{}")) as p, Gateway(config(p)) as gw:
        resource.prlimit(gw.process.pid, resource.RLIMIT_FSIZE, (3 << 20, resource.RLIM_INFINITY))
        for n in (2 << 20, 8 << 20):
            is_error(gw.post("/v1/audio/transcriptions", form(n), headers=FORM), 500, "internal_error")
            raw = request_bytes("POST", "/v1/audio/transcriptions", None, [*FORM, "Transfer-Encoding: chunked"])
            with gw.client() as c, contextlib.suppress(OSError):
                c.send(raw + chunk(form(n)) + b"0\r\n\r\n")
                is_error(c.answer("POST"), 500, "internal_error")
        same(len(p.requests), 0)
        same(gw.post("/v1/audio/transcriptions", form(1000), headers=FORM).status, 200)
        resource.prlimit(gw.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        same(gw.post("/v1/audio/transcriptions", form(8 << 20), headers=FORM).status, 200)


def test_uploads_that_are_left_or_shut_down_leave_nothing_behind():
    with Provider(lambda r: http(b"{}")) as p, Gateway(config(p, shutdown_grace="2s")) as gw:
        raw = request_bytes("POST", "/v1/audio/transcriptions", form(8 << 20), FORM)
        with gw.client() as c:
            c.send(raw[:3 << 20])
        same(gw.post("/v1/audio/transcriptions", form(1000), headers=FORM).status, 200)
        with gw.client() as c:
            c.send(raw[:3 << 20])
            gw.stop(within=20)
        same([f for f in os.listdir(gw.dir / "data") if f.startswith("spool") or "upload" in f], [])
        same(len(p.requests), 1)
