# SPDX-License-Identifier: Apache-2.0
"""A deployment that dies before the first event of its stream that means something costs a client of no dialect an
error: it refuses, hangs, answers 500, cuts its stream before that event, or answers 200 with an error event."""
import socket

from carry import CLIENTS, PIECES, PROVIDERS, SPEAKS, TEXT, Cut
from harness import PROVIDER_KEY, SLOW, Gateway, chunk, config, event, http, same, short
from provider import Close, Never, Provider, Reset

OWN = {"chat": "openai-chat", "messages": "anthropic", "responses": "openai-responses", "gemini": "gemini",
       "gemini-array": "gemini", "converse": "bedrock", "ollama": "ollama", "generate": "ollama", "cohere": "cohere"}
PINGS = {"openai-chat": b": ping\n\n", "anthropic": event({"type": "ping"}, "ping"), "openai-responses": b": ping\n\n",
         "gemini": b": ping\n\n", "cohere": b": ping\n\n"}
# Gemini's array has a framing of its own, and so has what its provider sends then
ARRAY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def ways(dialect, hangs=True):
    """(name, steps) of how a provider of this dialect dies before it has said anything."""
    make, head, _, error = PROVIDERS[dialect]
    quiet = make(PIECES)[:SPEAKS[dialect] - 1]
    pings = [chunk(PINGS[dialect])] * 2 if dialect in PINGS else []
    yield "closes", [Close]
    yield "resets", [Reset]
    yield "answers 500", [http(b'{"error":{"message":"oh","type":"server_error"}}', "500 Oh")]
    yield "answers 529", [http(b'{"error":{"message":"oh","type":"overloaded_error"}}', "529 Oh")]
    yield "answers 200 with no stream", [http(b"<html>", content_type="text/html")]
    yield "cuts behind the head", [head, Close]
    yield "ends behind the head", [head + b"0\r\n\r\n"]
    yield "pings and cuts", [head, *pings, Close]
    for k in range(1, len(quiet) + 1):
        if (dialect, k) in (("openai-responses", 2), ("openai-responses", 3), ("anthropic", 3), ("cohere", 2)):
            continue                 # a block that begins means something
        yield f"cuts behind {k} frames", [head, *(chunk(f) for f in quiet[:k]), Close]
    if error:
        yield "tells an error", [head, chunk(error), b"0\r\n\r\n"]
        yield "tells an error and cuts", [head, chunk(error), Close]
        yield "pings and tells an error", [head, *pings, chunk(error), Close]
    if hangs:
        yield "hangs", [Never]
        yield "hangs behind the head", [head, Never]
        yield "pings and hangs", [head, *pings, Never]


def no_client_error(client, second):
    """Whatever the dialect of the deployment that dies."""
    dying = [None]
    path, body, read = CLIENTS[client]
    good = Cut()
    good.dialect = second
    if client == "gemini-array" and second == "gemini":
        frames = [f[6:].strip() for f in PROVIDERS["gemini"][0](PIECES)]
        good.provider.answer = lambda r: [ARRAY + chunk(b"[" + b",\r\n".join(frames) + b"]") + b"0\r\n\r\n"]
    with Provider(lambda r: dying[0]) as bad, good.provider, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))        # bound, and nobody listens there
        places = {"good": (good.provider.url, second), "refuses": (f"http://127.0.0.1:{nobody.getsockname()[1]}", second),
                  **{d: (bad.url, d) for d in PROVIDERS}}
        providers = {n: {"dialect": d, "base_url": url + PROVIDERS[d][2], "api_key": PROVIDER_KEY,
                         "timeouts": {"connect": "500ms", "first_byte": "150ms", "idle": "150ms"}}
                     for n, (url, d) in places.items()}
        models = [{"name": f"m-{n}", "strategy": "ordered", "deployments": [{"provider": n, "model": "real-m", "order": 1},
            {"provider": "good", "model": "real-m", "order": 2}]} for n in places if n != "good"]
        with Gateway(config(None, providers=providers, models=models, routing={"retries": {"attempts": 1, "base": "1ms"},
                "breaker": {"consecutive_failures": 100000}, "cooldown": {"min_requests": 100000, "on_429": False}})) as gw:
            for first in PROVIDERS:
                for name, dying[0] in ways(first, first == OWN[client] or first == second):
                    one(gw, client, first, f"{first} {name}")
            one(gw, client, "refuses", "refuses")


def one(gw, client, first, what):
    path, body, read = CLIENTS[client]
    r = gw.post(path.replace("{m}", f"m-{first}"), {"model": f"m-{first}", **body}, timeout=15 * SLOW)
    same((r.status, r.get("x-sluice-attempts")), (200, "2"), f"{what}: {short(r.body)}")
    text, ends, used, errors = read(r.body)
    same((text, ends, errors), (TEXT, (1, 1), []), what)


def cases():
    for client, own in OWN.items():
        for second in (own, "anthropic" if own != "anthropic" else "gemini"):
            yield (f"a {client} client has no error when somebody dies before {second}",
                   lambda c=client, s=second: no_client_error(c, s))
