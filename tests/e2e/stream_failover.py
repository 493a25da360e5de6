# SPDX-License-Identifier: Apache-2.0
"""A deployment that dies before the first event of its stream that means something costs a client of no dialect an
error: it refuses, hangs, answers 500, cuts its stream before that event, or answers 200 with an error event."""
import socket

from carry import CLIENTS, PIECES, PROVIDERS, SPEAKS, TEXT, Cut, of_chat
from harness import PROVIDER_KEY, SLOW, Gateway, chunk, config, event, http, same, short
from provider import Close, Never, Provider, Reset

OWN = {"chat": "openai-chat", "messages": "anthropic", "responses": "openai-responses", "gemini": "gemini",
       "gemini-array": "gemini", "converse": "bedrock", "ollama": "ollama", "generate": "ollama", "cohere": "cohere"}
PINGS = {"openai-chat": b": ping\n\n", "anthropic": event({"type": "ping"}, "ping"), "openai-responses": b": ping\n\n",
         "gemini": b": ping\n\n", "cohere": b": ping\n\n"}
# Gemini's array has a framing of its own, and so has what its provider sends then
ARRAY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def ways(dialect):
    """(name, steps) of how a provider of this dialect dies before it has said anything."""
    make, head, _, error = PROVIDERS[dialect]
    quiet = make(PIECES)[:SPEAKS[dialect] - 1]
    yield "hangs", [Never]
    yield "closes", [Close]
    yield "resets", [Reset]
    yield "answers 500", [http(b'{"error":{"message":"oh","type":"server_error"}}', "500 Oh")]
    yield "answers 529", [http(b'{"error":{"message":"oh","type":"overloaded_error"}}', "529 Oh")]
    yield "answers 200 with no stream", [http(b"<html>", content_type="text/html")]
    yield "cuts behind the head", [head, Close]
    yield "ends behind the head", [head + b"0\r\n\r\n"]
    yield "hangs behind the head", [head, Never]
    if dialect in PINGS:
        yield "pings and cuts", [head, chunk(PINGS[dialect]), chunk(PINGS[dialect]), Close]
        yield "pings and hangs", [head, chunk(PINGS[dialect]), Never]
    for k in range(1, len(quiet) + 1):
        if (dialect, k) in (("openai-responses", 2), ("openai-responses", 3), ("anthropic", 3), ("cohere", 2)):
            continue                 # a block that begins means something
        yield f"cuts behind {k} frames", [head, *(chunk(f) for f in quiet[:k]), Close]
    if error:
        yield "tells an error", [head, chunk(error), b"0\r\n\r\n"]
        yield "tells an error and cuts", [head, chunk(error), Close]
        yield "pings and tells an error", [head, *(chunk(PINGS[d]) for d in (dialect,) if d in PINGS), chunk(error), Close]


def settings(first, second, dialect, other):
    def at(provider, d):
        return {"dialect": d, "base_url": provider + PROVIDERS[d][2], "api_key": PROVIDER_KEY,
                "timeouts": {"connect": "500ms", "first_byte": "150ms", "idle": "150ms"}}
    return config(None, providers={"a": at(first, dialect), "b": at(second, other)},
                  models=[{"name": "m", "strategy": "ordered", "deployments": [
                      {"provider": "a", "model": "real-m", "order": 1}, {"provider": "b", "model": "real-m", "order": 2}]}],
                  routing={"retries": {"attempts": 1, "base": "1ms"}, "breaker": {"consecutive_failures": 100000},
                           "cooldown": {"min_requests": 100000, "on_429": False}})


def no_client_error(client, first, second):
    dying = [None]
    path, body, read = CLIENTS[client]
    good = Cut()
    good.dialect = second
    if client == "gemini-array" and second == "gemini":
        frames = [f[6:].strip() for f in PROVIDERS["gemini"][0](PIECES)]
        good.provider.answer = lambda r: [ARRAY + chunk(b"[" + b",\r\n".join(frames) + b"]") + b"0\r\n\r\n"]
    with Provider(lambda r: dying[0]) as bad, good.provider:
        with Gateway(settings(bad.url, good.provider.url, first, second)) as gw:
            for name, dying[0] in ways(first):
                r = gw.post(path.replace("{m}", "m"), {"model": "m", **body}, timeout=15 * SLOW)
                same((r.status, r.get("x-sluice-attempts")), (200, "2"), f"{name}: {short(r.body)}")
                text, ends, used, errors = read(r.body)
                same((text, ends, errors), (TEXT, (1, 1), []), name)
        with socket.socket() as s:   # bound, and nobody listens there
            s.bind(("127.0.0.1", 0))
            with Gateway(settings(f"http://127.0.0.1:{s.getsockname()[1]}", good.provider.url, first, second)) as gw:
                r = gw.post(path.replace("{m}", "m"), {"model": "m", **body}, timeout=15 * SLOW)
                same((r.status, read(r.body)[0]), (200, TEXT), "refuses")


def cases():
    for client, own in OWN.items():
        foreign = [p for p in PROVIDERS if p != own]
        for first, second in ((own, own), (own, foreign[0]), (foreign[1], own), (foreign[2], foreign[3])):
            yield (f"a {client} client has no error when {first} dies before {second}",
                   lambda c=client, f=first, s=second: no_client_error(c, f, s))
