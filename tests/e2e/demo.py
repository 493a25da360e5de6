# SPDX-License-Identifier: Apache-2.0
"""sluice demo: what it prints can be pasted, and its provider does in every API what docs/demo.md says."""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import harness
import wire
from harness import PROGRAM, SLOW, Skip, events_of, same

KEY, ADMIN = "sk-sl-demo", "sk-sl-demo-admin"


class Demo:
    """The command, on a free port, with $TMPDIR in a folder of its own."""

    def __init__(self, *args):
        self.args, self.dir = args or ("--listen", "127.0.0.1:0"), pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-"))

    def __enter__(self):
        self.out = open(self.dir / "stdout", "wb")
        self.err = open(self.dir / "stderr", "wb")
        env = {**os.environ, "TMPDIR": str(self.dir), "UBSAN_OPTIONS": "halt_on_error=1", "ASAN_OPTIONS": "detect_leaks=1:exitcode=77"}
        self.process = subprocess.Popen([str(PROGRAM), "demo", *self.args], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err, env=env)
        until = time.monotonic() + 10 * SLOW
        while "help" not in self.printed():
            if self.process.poll() is not None or time.monotonic() > until:
                self.end()
                raise AssertionError(f"it did not start: {self.messages()}")
            time.sleep(0.01)
        self.host, port = re.search(r"gateway at http://([^:]+):(\d+)", self.printed()).groups()
        self.port = int(port)
        return self

    def __exit__(self, kind, *_):
        code = self.end()
        left = [p.name for p in self.dir.iterdir() if p.is_dir()]
        messages = self.messages()
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is None:
            same(code, 0, f"exit code; {messages}")
            same(left, [], "folders left behind")
            assert not harness.SANITIZER.search(messages.encode()), messages

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.out.close()
            self.err.close()

    def printed(self):
        return (self.dir / "stdout").read_text()

    def messages(self):
        return (self.dir / "stderr").read_text()

    def commands(self):
        return re.findall(r"^\d\. .*\n(.*)$", self.printed(), re.M)

    def post(self, path, body, key=KEY, timeout=10.0, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        with wire.Client((self.host, self.port), timeout * SLOW) as c:
            c.send(harness.request_bytes("POST", path, body, headers, key))
            return c.answer("POST")

    def get(self, path, key=ADMIN):
        with wire.Client((self.host, self.port), 10 * SLOW) as c:
            c.send(harness.request_bytes("GET", path, key=key))
            return c.answer("GET")


_shared = None


def shared():
    """One demo for the rows of the tables; done() ends it."""
    global _shared
    if _shared is None:
        _shared = Demo().__enter__()
    return _shared


def done():
    global _shared
    if _shared:
        _shared, demo = None, _shared
        demo.__exit__(None)


def tokens(*texts):
    return (sum(len(t.encode()) for t in texts) + 3) // 4


def text_for(prompt):
    return f"Hello from the demo provider. You said: {prompt}\nNo model was asked, so this is all I can say."


def paste(command):
    return subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20 * SLOW)


# -- the command ---------------------------------------------------------------------------------------------------------
def test_the_three_commands_work_when_pasted():
    if not shutil.which("curl"):
        raise Skip("curl is not installed")
    with Demo() as d:
        chat, stream, spend = d.commands()
        answers = [paste(c) for c in (chat, stream)]
        said = [json.loads(re.search(r"-d '(.*?)'", c).group(1))["messages"][0]["content"] for c in (chat, stream)]
        same([a.returncode for a in answers], [0, 0], str(answers))
        same(json.loads(answers[0].stdout)["choices"][0]["message"]["content"], text_for(said[0]))
        events = events_of(answers[1].stdout.rstrip("\n").encode() + b"\n\n")
        same("".join(e["choices"][0]["delta"].get("content", "") for e in events[:-1] if e["choices"]), text_for(said[1]))
        same(events[-1], "[DONE]")
        ins, outs = sum(tokens(s) for s in said), sum(tokens(text_for(s)) for s in said)
        cost = (ins * 2500 + outs * 10000) / 1e9
        shown = paste(spend)
        assert shown.returncode == 0 and "demo" in shown.stdout and f"{cost:.7f}".rstrip("0") in shown.stdout, shown
        total = json.loads(paste(spend + " --json").stdout)["data"]
        same([(r["group"], r["requests"], r["tokens"]["input"], r["tokens"]["output"]) for r in total], [("demo", 2, ins, outs)])
        same(float(total[0]["cost_usd"]), cost)


def test_a_port_that_is_taken_is_named():
    with Demo() as d:
        got = subprocess.run([str(PROGRAM), "demo", "--listen", f"127.0.0.1:{d.port}"], capture_output=True, text=True, timeout=20 * SLOW)
        same(got.returncode, 1)
        assert f"127.0.0.1:{d.port}" in got.stderr and "--listen" in got.stderr, got.stderr


def test_what_makes_no_sense_is_a_usage_error():
    for args in (["--bogus"], ["--listen"], ["--listen", "nowhere"]):
        got = subprocess.run([str(PROGRAM), "demo", *args], capture_output=True, text=True, timeout=20 * SLOW)
        same(got.returncode, 2, f"{args}: {got.stderr}")


def test_with_a_data_dir_spend_stays():
    with tempfile.TemporaryDirectory() as keep:
        for n in (1, 2):
            with Demo("--listen", "127.0.0.1:0", "--data-dir", keep) as d:
                same(d.post("/v1/chat/completions", harness.chat("hi", "demo")).status, 200)
                same(d.get("/admin/v1/spend").json()["data"][0]["requests"], n)


def test_open_to_others_the_keys_are_not_the_known_ones():
    with Demo("--listen", "0.0.0.0:0") as d:
        d.host = "127.0.0.1"
        same(d.post("/v1/chat/completions", harness.chat("hi", "demo")).status, 401)
        key = re.search(r"OPENAI_API_KEY=(\S+)", d.printed()).group(1)
        same(d.post("/v1/chat/completions", harness.chat("hi", "demo"), key=key).status, 200)


# -- what it says, in every API ------------------------------------------------------------------------------------------
SCHEMA = {"type": "object", "required": ["city"], "properties": {
    "city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}, "unit": {"enum": ["c", "f"]},
    "tags": {"type": "array", "items": {"type": "string"}}, "more": {"$ref": "#/$defs/more"}},
    "$defs": {"more": {"type": "object", "properties": {"deep": {"type": ["boolean", "null"]}}}}}
INSTANCE = {"city": "demo", "days": 3, "unit": "c", "tags": ["demo"], "more": {"deep": True}}


class Api:
    """How one API asks, and where in its answers the parts are."""

    def chat(self, text, stream, max_output=None, tools=False, schema=False, result=None):
        body = {"model": "demo", "messages": [{"role": "user", "content": text}]}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if max_output:
            body["max_tokens"] = max_output
        if tools:
            body["tools"] = [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]
        if schema:
            body["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
        if result:
            body["messages"] += [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
                                 {"role": "tool", "tool_call_id": "c", "content": result}]
        answer = shared().post("/v1/chat/completions", body)
        same(answer.status, 200, answer.body)
        if not stream:
            a = answer.json()
            m, u = a["choices"][0]["message"], a["usage"]
            call = m.get("tool_calls", [{}])[0].get("function", {})
            return m["content"] or "", call.get("name"), call.get("arguments"), a["choices"][0]["finish_reason"], u["prompt_tokens"], u["completion_tokens"]
        events = events_of(answer.body)
        same(events.pop(), "[DONE]")
        u = events.pop()["usage"]
        deltas = [e["choices"][0]["delta"] for e in events]
        calls = [c["function"] for d in deltas for c in d.get("tool_calls", [])]
        return ("".join(d.get("content") or "" for d in deltas), calls[0]["name"] if calls else None, "".join(c["arguments"] for c in calls) if calls else None,
                events[-1]["choices"][0]["finish_reason"], u["prompt_tokens"], u["completion_tokens"])

    def completions(self, text, stream, max_output=None):
        body = {"model": "demo", "prompt": text}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if max_output:
            body["max_tokens"] = max_output
        answer = shared().post("/v1/completions", body)
        same(answer.status, 200, answer.body)
        events = events_of(answer.body)[:-1] if stream else [answer.json()]
        choices = [c for e in events for c in e["choices"]]
        u = events[-1]["usage"]
        return "".join(c["text"] for c in choices), None, None, choices[-1]["finish_reason"], u["prompt_tokens"], u["completion_tokens"]

    def responses(self, text, stream, max_output=None, tools=False, schema=False, result=None):
        body = {"model": "demo", "input": [{"role": "user", "content": [{"type": "input_text", "text": text}]}], "stream": stream}
        if max_output:
            body["max_output_tokens"] = max_output
        if tools:
            body["tools"] = [{"type": "function", "name": "weather", "parameters": SCHEMA}]
        if schema:
            body["text"] = {"format": {"type": "json_schema", "name": "x", "schema": SCHEMA}}
        if result:
            body["input"] += [{"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"},
                              {"type": "function_call_output", "call_id": "c", "output": result}]
        answer = shared().post("/v1/responses", body)
        same(answer.status, 200, answer.body)
        a = answer.json() if not stream else self._response_of(events_of(answer.body))
        item = a["output"][0]
        text = item["content"][0]["text"] if item["type"] == "message" else ""
        finish = (a["incomplete_details"] or {}).get("reason") or a["status"]
        return text, item.get("name"), item.get("arguments"), finish, a["usage"]["input_tokens"], a["usage"]["output_tokens"]

    @staticmethod
    def _response_of(events):
        """The last event's answer, after the events before it have been held against it."""
        same([e["sequence_number"] for e in events], list(range(len(events))))
        same([e["type"] for e in events[:3]], ["response.created", "response.in_progress", "response.output_item.added"])
        assert events[-1]["type"] in ("response.completed", "response.incomplete"), events[-1]
        same(events[-2]["item"], events[-1]["response"]["output"][0])
        deltas = "".join(e["delta"] for e in events if e["type"].endswith(".delta"))
        item = events[-2]["item"]
        same(deltas, item["content"][0]["text"] if item["type"] == "message" else item["arguments"])
        return events[-1]["response"]

    def messages(self, text, stream, max_output=None, tools=False, schema=False, result=None):
        body = {"model": "claude-demo", "max_tokens": max_output or 1000, "messages": [{"role": "user", "content": text}], "stream": stream}
        if tools:
            body["tools"] = [{"name": "weather", "input_schema": SCHEMA}]
        if schema:
            body["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if result:
            body["messages"] += [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "weather", "input": {}}]},
                                 {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": result}]}]
        answer = shared().post("/v1/messages", body)
        same(answer.status, 200, answer.body)
        if not stream:
            a = answer.json()
            b = a["content"][0]
            return (b.get("text", ""), b.get("name"), json.dumps(b["input"]) if "input" in b else None, a["stop_reason"],
                    a["usage"]["input_tokens"], a["usage"]["output_tokens"])
        events = events_of(answer.body)
        kinds = [e["type"] for e in events]
        same((kinds[:3], kinds[-3:]), (["message_start", "content_block_start", "ping"], ["content_block_stop", "message_delta", "message_stop"]))
        block, last = events[1]["content_block"], events[-2]
        deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
        same(events[0]["message"]["usage"]["input_tokens"], last["usage"]["input_tokens"])
        return ("".join(d.get("text", "") for d in deltas), block.get("name"), "".join(d.get("partial_json", "") for d in deltas) or None,
                last["delta"]["stop_reason"], last["usage"]["input_tokens"], last["usage"]["output_tokens"])

    def gemini(self, text, stream, max_output=None, tools=False, schema=False, result=None, sse=True):
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": {}}
        if max_output:
            body["generationConfig"]["maxOutputTokens"] = max_output
        if tools:
            body["tools"] = [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": SCHEMA}]}]
        if schema:
            body["generationConfig"] |= {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
        if result:
            body["contents"] += [{"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]},
                                 {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"result": result}}}]}]
        method = "generateContent" if not stream else "streamGenerateContent" + ("?alt=sse" if sse else "")
        answer = shared().post(f"/v1beta/models/gemini-demo:{method}", body)
        same(answer.status, 200, answer.body)
        events = [answer.json()] if not stream else events_of(answer.body.replace(b"\r\n", b"\n")) if sse else answer.json()
        parts = [p for e in events for p in e["candidates"][0]["content"]["parts"]]
        calls = [p["functionCall"] for p in parts if "functionCall" in p]
        u = events[-1]["usageMetadata"]
        same(u["totalTokenCount"], u["promptTokenCount"] + u["candidatesTokenCount"])
        return ("".join(p.get("text", "") for p in parts), calls[0]["name"] if calls else None, json.dumps(calls[0]["args"]) if calls else None,
                events[-1]["candidates"][0]["finishReason"], u["promptTokenCount"], u["candidatesTokenCount"])

    def gemini_array(self, text, stream, **more):
        return self.gemini(text, stream, sse=False, **more)


#         whole end,   cut end,             tool end
FINISH = {
    "chat": ("stop", "length", "tool_calls"),
    "completions": ("stop", "length", None),
    "responses": ("completed", "max_output_tokens", "completed"),
    "messages": ("end_turn", "max_tokens", "tool_use"),
    "gemini": ("STOP", "MAX_TOKENS", "STOP"),
    "gemini_array": ("STOP", "MAX_TOKENS", "STOP"),
}


def _says(api, stream):
    ask = getattr(Api(), api)
    prompt = "Grüße, \"demo\"!"
    said = text_for(prompt)
    same(ask(prompt, stream), (said, None, None, FINISH[api][0], tokens(prompt), tokens(said)), "a text")
    same(ask("x", stream, max_output=3), (text_for("x")[:12], None, None, FINISH[api][1], 1, 3), "a text that is cut")


def _calls(api, stream):
    ask, prompt = getattr(Api(), api), "use a tool please"
    text, name, arguments, finish, n_in, n_out = ask(prompt, stream, tools=True)
    same((text, name, json.loads(arguments), finish, n_in), ("", "weather", INSTANCE, FINISH[api][2], tokens(prompt)), "a tool call")
    same(n_out, tokens("weather", json.dumps(INSTANCE, separators=(",", ":"))))
    same(ask("hello", stream, tools=True)[1], None, "a tool that nobody asked for")
    same(json.loads(ask("hello", stream, schema=True)[0]), INSTANCE, "an answer by schema")
    answer = ask(prompt, stream, tools=True, result="it rains")[0]
    assert answer.startswith("The tool answered: ") and "it rains" in answer, answer


def _ordered(model, stream, statuses, check):
    r = shared().post("/v1/chat/completions", {**harness.chat("hi", model), "stream": stream})
    same(r.status in statuses, True, f"status {r.status} {r.body!r}")
    check(r)


def _is_error(r):
    assert r.json()["error"]["message"], r.body


def _ends_in_error(r):
    events = events_of(r.body)
    assert len(events) > 1 and "error" in events[-1], events[-1]


ORDERS = [
    # model, stream, statuses that the gateway may give, what must be seen
    ("demo-error-400", False, {400}, _is_error),
    ("demo-error-404", True, {404}, _is_error),
    ("demo-error-429", False, {429}, _is_error),
    ("demo-error-500", True, {500, 502}, _is_error),
    ("demo-error-503", False, {502, 503}, _is_error),
    ("demo-cut", False, {502}, _is_error),
    ("demo-cut", True, {200}, _ends_in_error),
    ("demo-fail", True, {200}, _ends_in_error),
    ("demo-garbage", False, {502}, _is_error),
    ("demo-garbage", True, {200}, _ends_in_error),
    ("demo-words-3-demo-fast", True, {200}, lambda r: same(events_of(r.body)[-1], "[DONE]")),
]


def _waits():
    started = time.monotonic()
    same(shared().post("/v1/chat/completions", harness.chat("hi", "demo-wait-300")).status, 200)
    assert time.monotonic() - started >= 0.29    # the loop's clock is that of the turn's start


def _hangs():
    for model in ("demo-hang", "demo-stall"):
        try:
            r = shared().post("/v1/chat/completions", harness.chat("hi", model), timeout=0.5 / SLOW)
        except wire.Late:
            continue
        raise AssertionError(f"{model} answered: {r.status} {r.body!r}")


def _embeds():
    d = shared()
    r = d.post("/v1/embeddings", {"model": "demo-embed", "input": ["a cat sat", "a cat stood", "stocks fell sharply"], "dimensions": 256}).json()
    a, b, c = (e["embedding"] for e in r["data"])
    dot = lambda x, y: sum(p * q for p, q in zip(x, y))
    same([len(v) for v in (a, b, c)], [256] * 3)
    assert abs(dot(a, a) - 1) < 1e-3 and dot(a, b) > dot(a, c) + 0.3, (dot(a, a), dot(a, b), dot(a, c))
    same(r["usage"]["prompt_tokens"], tokens("a cat sat", "a cat stood", "stocks fell sharply"))
    r = d.post("/v1/embeddings", {"model": "demo-embed", "input": "a cat sat", "dimensions": 256, "encoding_format": "base64"}).json()
    got = struct.unpack("<256f", base64.b64decode(r["data"][0]["embedding"]))
    assert max(abs(p - q) for p, q in zip(got, a)) < 1e-6
    same(len(d.post("/v1/embeddings", {"model": "demo-embed", "input": [1, 2, 3]}).json()["data"]), 1)
    same(d.post("/v1/embeddings", {"model": "demo-embed", "input": "x", "dimensions": 5000}).status, 400)
    g = d.post("/v1beta/models/gemini-demo:embedContent", {"content": {"parts": [{"text": "a cat sat"}]}, "outputDimensionality": 256}).json()
    assert max(abs(p - q) for p, q in zip(g["embedding"]["values"], a)) < 1e-6
    g = d.post("/v1beta/models/gemini-demo:batchEmbedContents",
               {"requests": [{"model": "models/gemini-demo", "content": {"parts": [{"text": t}]}} for t in "xy"]}).json()
    same(len(g["embeddings"]), 2)


def _counts():
    d = shared()
    r = d.post("/v1/messages/count_tokens", {"model": "claude-demo", "system": "Be brief", "messages": [{"role": "user", "content": "hello"}]})
    same(r.json(), {"input_tokens": tokens("Be brief", "hello")})
    r = d.post("/v1beta/models/gemini-demo:countTokens", {"contents": [{"parts": [{"text": "hello"}]}]})
    same(r.json()["totalTokens"], 2)


def _has_choices():
    r = shared().post("/v1/chat/completions", {**harness.chat("hi", "demo"), "n": 3}).json()
    same([c["index"] for c in r["choices"]], [0, 1, 2])
    same(r["usage"]["completion_tokens"], 3 * tokens(text_for("hi")))


def cases():
    for api in FINISH:
        for stream in (False, True):
            yield f"{api}{' stream' if stream else ''} says what the manual says", lambda a=api, s=stream: _says(a, s)
            if FINISH[api][2]:
                yield f"{api}{' stream' if stream else ''} calls tools and fills schemas", lambda a=api, s=stream: _calls(a, s)
    for row in ORDERS:
        yield f"{row[0]}{' stream' if row[1] else ''} is obeyed", lambda r=row: _ordered(*r)
    yield "demo-wait waits", _waits
    yield "demo-hang and demo-stall do not end", _hangs
    yield "embeddings are near where words are", _embeds
    yield "tokens are counted", _counts
    yield "several choices", _has_choices
