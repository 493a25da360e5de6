# SPDX-License-Identifier: Apache-2.0
"""What clients of every dialect may get wrong, on the way to a provider of another one: each is refused in the client's
own dialect with the place, the value and what is allowed, and nothing is sent upstream."""
import contextlib
import copy
import json
import time

from harness import PROVIDER_KEY, Gateway, chat_answer, config, http, no_secret, same, short
from provider import Provider
from proxying import GENERATED, MESSAGE, RESPONSE

PNG = "iVBORw0KGgoAAAA="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


class Client:
    """One dialect's client: how it says the same things, and where they stand in its body."""

    def __init__(self, name, to, path, body, history, user, assistant, call, result, image, places, limits):
        self.name, self.to, self.path, self.body, self.history = name, to, path, body, history
        self.user, self.assistant, self.call, self.result, self.image = user, assistant, call, result, image
        self.places, self.limits = places, limits

    def request(self, *turns, **more):
        out = copy.deepcopy(self.body)
        out[self.history] = list(turns) or [self.user("hi")]
        return {**out, **more}


def say(role, key="content"):
    return lambda content: {"role": role, key: content}


CLIENTS = [
    Client("openai-chat", "anthropic", "/v1/chat/completions", {"model": "m"}, "messages", say("user"), say("assistant"),
           lambda i: {"role": "assistant", "tool_calls": [{"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
           lambda i: {"role": "tool", "tool_call_id": i, "content": "r"},
           lambda url: say("user")([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": url}}]),
           {"image": "messages[0].content[1].image_url", "role": "messages[0].role", "orphan": "messages[0]"},
           [({"max_tokens": -1}, "max_tokens"), ({"n": 0}, "n"), ({"n": 2}, "n"), ({"temperature": "hot"}, "temperature"),
            ({"temperature": -1}, "temperature"), ({"max_tokens": 10**30}, "max_tokens"), ({"stop": [1]}, "stop"),
            ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
            ({"tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]}, "tools[0].function.strict"),
            ({"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]}, "tools[0].function.parameters"),
            ({"response_format": {"type": "json_schema", "json_schema": {"name": 1}}}, "response_format.json_schema.name"),
            ({"reasoning_effort": "huge"}, "reasoning_effort")]),
    Client("openai-responses", "anthropic", "/v1/responses", {"model": "m"}, "input", say("user"), say("assistant"),
           lambda i: {"type": "function_call", "call_id": i, "name": "f", "arguments": "{}"},
           lambda i: {"type": "function_call_output", "call_id": i, "output": "r"},
           lambda url: say("user")([{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": url}]),
           {"image": "input[0].content[1].image_url", "role": "input[0].role", "orphan": "input[0]"},
           [({"max_output_tokens": -1}, "max_output_tokens"), ({"temperature": "hot"}, "temperature"),
            ({"tool_choice": 3}, "tool_choice"), ({"reasoning": {"effort": "huge"}}, "reasoning.effort")]),
    Client("anthropic", "openai-chat", "/v1/messages", {"model": "m", "max_tokens": 99}, "messages", say("user"), say("assistant"),
           lambda i: say("assistant")([{"type": "tool_use", "id": i, "name": "f", "input": {}}]),
           lambda i: say("user")([{"type": "tool_result", "tool_use_id": i, "content": "r"}]),
           lambda url: say("user")([{"type": "text", "text": "a"}, {"type": "image", "source": {"type": "url", "url": url}}]),
           {"image": "messages[0].content[1].source.url", "role": "messages[0].role", "orphan": "messages[0]"},
           [({"max_tokens": -1}, "max_tokens"), ({"temperature": "hot"}, "temperature"), ({"top_p": -1}, "top_p"),
            ({"thinking": {"type": "enabled", "budget_tokens": "x"}}, "thinking.budget_tokens")]),
    Client("gemini", "bedrock", "/v1beta/models/m:generateContent", {}, "contents", lambda t: say("user", "parts")([{"text": t}]),
           lambda t: say("model", "parts")([{"text": t}]),
           lambda i: say("model", "parts")([{"functionCall": {"id": i, "name": "f", "args": {}}}]),
           lambda i: say("user", "parts")([{"functionResponse": {"id": i, "name": "f", "response": {}}}]),
           lambda url: say("user", "parts")([{"text": "a"}, {"fileData": {"mimeType": "image/png", "fileUri": url}}]),
           {"image": "contents[0].parts[1].fileData.fileUri", "role": "contents[0].role", "orphan": "contents[0]"},
           [({"generationConfig": {"maxOutputTokens": -1}}, "generationConfig.maxOutputTokens"),
            ({"generationConfig": {"candidateCount": 2}}, "generationConfig.candidateCount"),
            ({"generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
            ({"generationConfig": {"thinkingConfig": {"includeThoughts": 1}}}, "generationConfig.thinkingConfig.includeThoughts"),
            ({"tools": [{"functionDeclarations": [{"name": 3}]}]}, "tools[0].functionDeclarations[0].name"),
            ({"tools": [{}, {"functionDeclarations": 3}]}, "tools[1].functionDeclarations"),
            ({"toolConfig": {"functionCallingConfig": {"mode": 3}}}, "toolConfig.functionCallingConfig.mode")]),
    Client("bedrock", "openai-chat", "/model/m/converse", {}, "messages", lambda t: say("user")([{"text": t}]),
           lambda t: say("assistant")([{"text": t}]),
           lambda i: say("assistant")([{"toolUse": {"toolUseId": i, "name": "f", "input": {}}}]),
           lambda i: say("user")([{"toolResult": {"toolUseId": i, "content": [{"text": "r"}]}}]), None,
           {"role": "messages[0].role", "orphan": "messages[0]"},
           [({"inferenceConfig": {"maxTokens": -1}}, "inferenceConfig.maxTokens"),
            ({"inferenceConfig": {"temperature": "hot"}}, "inferenceConfig.temperature")]),
    Client("cohere", "anthropic", "/v2/chat", {"model": "m"}, "messages", say("user"), say("assistant"),
           lambda i: {"role": "assistant", "tool_calls": [{"id": i, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
           lambda i: {"role": "tool", "tool_call_id": i, "content": "r"},
           lambda url: say("user")([{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": url}}]),
           {"image": "messages[0].content[1].image_url", "role": "messages[0].role", "orphan": "messages[0]"},
           [({"max_tokens": -1}, "max_tokens"), ({"temperature": "hot"}, "temperature"), ({"p": "x"}, "p")]),
    Client("ollama", "anthropic", "/api/chat", {"model": "m", "stream": False}, "messages", say("user"), say("assistant"),
           lambda i: {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
           lambda i: {"role": "tool", "tool_name": "f", "content": "r"}, None,
           {"role": "messages[0].role", "orphan": "messages[0]"},
           [({"options": {"temperature": "hot"}}, "options.temperature"), ({"options": 3}, "options"), ({"tools": 3}, "tools")]),
]

ANSWERS = {"/messages": MESSAGE, "/responses": RESPONSE, "/chat/completions": chat_answer("hello"), ":generateContent": GENERATED,
           "/converse": {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn",
                         "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}}}


@contextlib.contextmanager
def through(dialect, **over):
    def answer(r):
        return http(next(a for tail, a in ANSWERS.items() if r.target.endswith(tail)))
    with Provider(answer) as p:
        base = p.url + ("/v1" if dialect.startswith("openai") else "")
        with Gateway(config(None, providers={"up": {"dialect": dialect, "base_url": base, "api_key": PROVIDER_KEY}},
                            models=[{"name": "m", "deployments": [{"provider": "up", "model": "real-m"}]}], **over)) as gw:
            yield gw, p
            same(p.faults, [], "unclean bytes upstream")


def refused(client, r, p, place="", statuses=(400,)):
    """In the client's own words, with the place."""
    assert r.status in statuses, f"{client.name}: {r.status} {short(r.body)}, wanted {place}"
    no_secret(r)
    body = json.loads(r.body)
    if client.name == "bedrock":
        assert r.headers.has("x-amzn-errortype"), r.head
        text = body["message"]
    elif client.name == "cohere":
        text = body["message"]
    elif client.name == "ollama":
        text = body["error"]
    else:
        text = body["error"]["message"]
    if client.name == "anthropic":
        same(body["type"], "error")
        assert body["error"]["type"], body
    elif client.name == "gemini":
        same((body["error"]["code"], bool(body["error"]["status"])), (r.status, True))
    elif client.name.startswith("openai"):
        assert "type" in body["error"] and "code" in body["error"], body
    assert text.startswith(place), f"{client.name}: {text!r} does not begin with {place!r}"
    same(len(p.requests), 0, f"sent upstream: {text}")
    return text


def bodies_that_are_none(client, gw, p):
    good = json.dumps(client.request()).encode()
    for body in (b"hello", b"", b"[]", b'"x"', b"null", good[:-1], good + b"x", b"[" * 1000000,
                 good[:-1] + b',"x":' + b"[" * 2000 + b"]" * 2000 + b"}", good.replace(b'"hi"', b'"\xff\xfe"'),
                 good.replace(b'"hi"', b'"h\0i"'), good.replace(b'"hi"', b'"\\ud8"'), good[:-1] + b',"temperature":NaN}',
                 good[:-1] + b',"temperature":.5}'):
        refused(client, gw.post(client.path, body), p)
    if "model" in client.body:
        refused(client, gw.post(client.path, good[:-1] + b',"model":"x"}'), p)


def wrong_turns(client, gw, p):
    for history, place in (([{**client.user("x"), "role": "wizard"}], client.places["role"]),
                           ([client.result("c9"), client.user("x")], client.places["orphan"]),
                           ([client.user("x"), client.call("c1"), client.user("x")], client.history + "[1]"),
                           ([client.user("x"), client.call("c1"), client.result("c2")], client.history + "[2]"),
                           ([3], client.history + "[0]")):
        if client.name in ("gemini", "ollama") and history[2:] == [client.result("c2")]:
            continue         # without an id that is known, the name tells
        refused(client, gw.post(client.path, client.request(*history)), p, place)
    for history in ([], None, "", 3, {}):
        if not (client.name == "openai-responses" and history == ""):
            refused(client, gw.post(client.path, {**client.body, client.history: history}), p, client.history)


def wrong_values(client, gw, p):
    for more, place in client.limits:
        refused(client, gw.post(client.path, client.request(**more)), p, place)


PRIVATE = """http://127.0.0.1/a https://[::1]/a https://169.254.169.254/latest https://10.0.0.1/a https://192.168.1.1/a
    https://172.16.5.5/a https://2130706433/a https://0x7f000001/a https://0177.0.0.1/a https://127.1/a https://0/a
    https://[::ffff:127.0.0.1]/a https://[::ffff:7f00:1]/a https://[::]/ https://localhost/a https://LOCALHOST./a
    https://x.localhost/a https://metadata.google.internal/ https://[fe80::1]/ https://[fc00::1]/ https://[64:ff9b::7f00:1]/
    https://[2002:7f00:1::]/ https://100.64.0.1/ https://198.18.0.1/ https://224.0.0.1/ https://255.255.255.255/
    file:///etc/passwd ftp://example.com/a gopher://x/ javascript:alert(1) blob:https://x //127.0.0.1/a https:///etc
    http://user@example.com/a https://user:pw@example.com/a https://[::1 https:\\\\127.0.0.1\\a https://①②⑦.0.0.1/
    data:, data:image/png,abc data:image/png;base64,!!!!""".split()


def addresses_that_are_not_public(client, gw, p):
    if not client.image:
        return
    for url in [*PRIVATE, "", "https://exa mple.com/", "https://127.0.0.1\t/", "https://example.com\0.evil/"]:
        refused(client, gw.post(client.path, client.request(client.image(url))), p, client.places["image"])


def what_is_too_large(client, gw, p):
    body = json.dumps(client.request(client.user("A" * 50))).encode().replace(b"A" * 50, b"A" * 100_000_000)
    refused(client, gw.post(client.path, body, timeout=30), p, statuses=(413,))


def tools_of(client, n):
    many = [f"é tool {i} " + "x" * 60 for i in range(n)]
    functions = {"tools": [{"type": "function", "function": {"name": t, "parameters": SCHEMA}} for t in many]}
    return {"openai-chat": functions, "cohere": functions, "ollama": functions,
            "openai-responses": {"tools": [{"type": "function", "name": t, "parameters": SCHEMA} for t in many]},
            "anthropic": {"tools": [{"name": t, "input_schema": SCHEMA} for t in many]},
            "gemini": {"tools": [{"functionDeclarations": [{"name": t, "parameters": SCHEMA} for t in many]}]},
            "bedrock": {"toolConfig": {"tools": [{"toolSpec": {"name": t, "inputSchema": {"json": SCHEMA}}} for t in many]}}}[client.name]


def what_is_long_is_not_slow(client, gw, p):
    """Whatever the answer: one client must not keep the others waiting."""
    calls, one = range(10000), client.user("z")
    for name, body in (
            ("tools", client.request(one, **tools_of(client, 10000))),
            ("turns", client.request(*[t for _ in calls for t in (client.user("q"), client.assistant("a"))], one)),
            ("calls", client.request(one, *[t for i in calls for t in (client.call(f"c{i}"), client.result(f"c{i}"))], one)),
            ("parallel", client.request(one, *[client.call(f"c{i}") for i in calls], *[client.result(f"c{i}") for i in calls], one)),
            ("one id", client.request(one, *[t for i in calls for t in (client.call("c"), client.result("c"))], one))):
        raw = json.dumps(body).encode()
        started = time.monotonic()
        r = gw.post(client.path, raw, timeout=30)
        took = time.monotonic() - started
        assert r.status in (200, 400, 413), (client.name, name, r.status, short(r.body))
        assert took < 2, f"{client.name}: {name} of {len(raw)} bytes took {took:.2f} s"


def texts_that_are_odd_but_valid_pass(client, gw, p):
    """Lone surrogates and NULs in escapes are texts; nobody may choke on them."""
    raw = json.dumps(client.request(client.user("hiXX"))).replace("XX", r" \ud800 \u0000 \udfff").encode()
    r = gw.post(client.path, raw)
    same(r.status, 200, short(r.body))
    assert rb"\ud800" in p.requests[-1].body and rb"\u0000" in p.requests[-1].body, p.requests[-1].body


def large_images_pass(client, gw, p):
    """Within the ceiling of bodies there is room for their translation."""
    data = PNG[:-1] + "A" * 20_000_001
    turn = {"openai-chat": lambda: client.image("data:image/png;base64,X"), "openai-responses": lambda: client.image("data:image/png;base64,X"),
            "cohere": lambda: client.image("data:image/png;base64,X"), "ollama": lambda: {"role": "user", "content": "a", "images": ["X"]},
            "anthropic": lambda: say("user")([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "X"}}]),
            "gemini": lambda: say("user", "parts")([{"inlineData": {"mimeType": "image/png", "data": "X"}}]),
            "bedrock": lambda: say("user")([{"image": {"format": "png", "source": {"bytes": "X"}}}])}[client.name]()
    raw = json.dumps(client.request(turn)).replace('X"', data + '"').encode()
    r = gw.post(client.path, raw, timeout=30)
    same(r.status, 200, f"{client.name}: {short(r.body)}")
    assert data.encode() in p.requests[-1].body


def responses_of_others_are_not_there():
    """A team may be called as a key of no team is."""
    keys = {"a": {}, "b": {}, "c": {"team": "cfg_a"}, "d": {"team": "t"}, "e": {"team": "t"}}
    secret = {n: f"sk-sl-tenant-{n}-0123456789abcdef" for n in keys}
    with through("anthropic", keys=[{"name": n, "key": secret[n], **more} for n, more in keys.items()]) as (gw, p):
        for owner, friends in (("a", "a"), ("c", "c"), ("d", "de")):
            r = gw.post("/v1/responses", {"model": "m", "input": "hi"}, key=secret[owner])
            same(r.status, 200, r.body)
            made, item = r.json()["id"], r.json()["output"][0]["id"]
            for n in keys:
                mine = n in friends
                same(gw.get("/v1/responses/" + made, key=secret[n]).status, 200 if mine else 404, (owner, n))
                same(gw.get(f"/v1/responses/{made}/input_items", key=secret[n]).status, 200 if mine else 404, (owner, n))
                for more in ({"input": "x", "previous_response_id": made}, {"input": [{"type": "item_reference", "id": item}]}):
                    same(gw.post("/v1/responses", {"model": "m", **more}, key=secret[n]).status, 200 if mine else 400, (owner, n))
                if not mine:
                    same(gw.request("DELETE", "/v1/responses/" + made, key=secret[n]).status, 404, (owner, n))


def cases():
    yield "responses of others are not there", responses_of_others_are_not_there
    for f in (bodies_that_are_none, wrong_turns, wrong_values, addresses_that_are_not_public, what_is_too_large,
              what_is_long_is_not_slow, texts_that_are_odd_but_valid_pass, large_images_pass):
        def run(f=f):
            for client in CLIENTS:
                with through(client.to) as (gw, p):
                    f(client, gw, p)
        yield f.__name__.replace("_", " "), run
