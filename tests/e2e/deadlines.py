# SPDX-License-Identifier: Apache-2.0
"""The deadlines of an attempt: connect, first byte, idle, total; each leads to the next deployment while the client has
nothing yet."""
import contextlib
import socket
import time

from harness import (PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chat, chat_answer, chat_chunk, chat_stream, chunk, config, event,
    events_of, http, is_error, same, short, sse)
from hedging import Late
from provider import Never, Provider, Wait

PATH = "/v1/chat/completions"
LONG = {"connect": "20s", "first_byte": "20s", "idle": "20s", "total": "20s"}
WHOLE = http(chat_answer("from a"))


class Drip:
    """A step: these bytes again and again, until the gateway gives up."""
    def __init__(self, data, every=0.05):
        self.data, self.every = data, every


def Sleep(seconds):
    return Wait(Late(seconds))


def play_drips(provider):
    """Teaches a provider the step above."""
    play = provider._play

    def with_drips(c, steps):
        steps = [steps] if isinstance(steps, (bytes, bytearray)) else steps
        for step in steps:
            if isinstance(step, Drip):
                while not provider.stopping:
                    c.sock.sendall(step.data)
                    time.sleep(step.every)
                return False
            if not play(c, [step]):
                return False
        return True
    provider._play = with_drips


@contextlib.contextmanager
def full_port(stack):
    """A port whose queue is full: a connection to it is neither taken nor refused."""
    full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        s = stack.enter_context(socket.socket())
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect(full.getsockname())
    yield full.getsockname()[1]


@contextlib.contextmanager
def first_is(steps, provider_has=None, model_has=None, **over):
    """A gateway whose first deployment answers with `steps` (None: takes no connection), and whose second is good."""
    with contextlib.ExitStack() as stack:
        b = stack.enter_context(Provider(lambda r: sse(*chat_stream("from b")) if b'"stream": true' in r.body
            else http(chat_answer("from b"))))
        if steps is None:
            a, port = None, stack.enter_context(full_port(stack))
        else:
            a = stack.enter_context(Provider(lambda r: steps))
            play_drips(a)
            port = a.port
        cfg = config(None, providers={"a": {"dialect": "openai-chat", "base_url": f"http://127.0.0.1:{port}/v1",
                "api_key": PROVIDER_KEY, "timeouts": {**LONG, **(provider_has or {})}},
            "b": {"dialect": "openai-chat", "base_url": b.url + "/v1", "api_key": PROVIDER_KEY}},
            models=[{"name": n, "strategy": "ordered", "timeouts": model_has or {}, "deployments": d} for n, d in (
                ("m", [{"provider": "a", "model": "x"}, {"provider": "b", "model": "x", "order": 2}]),
                ("alone", [{"provider": "a", "model": "x"}]))],
            routing={"retries": {"attempts": 1, "base": "1ms", "max": "1ms"}}, **over)
        gw = stack.enter_context(Gateway(cfg))
        gw.a, gw.b = a, b
        yield gw


def fails_over(gw, after, stream=False, headers=()):
    """The answer is the second deployment's, after the deadline and soon after it."""
    started = time.monotonic()
    r = gw.post(PATH, chat(stream=stream), headers=headers, timeout=15)
    took = time.monotonic() - started
    same((r.status, r.get("x-sluice-deployment")), (200, "b/x"), short(r.body))
    assert b"from b" in r.body, short(r.body)
    assert after * 0.9 <= took < after + 1.5 * SLOW, f"took {took:.2f} s where {after} s were due"
    if gw.a:
        c = gw.a.requests[0].connection
        assert c.ended.wait(2 * SLOW), "the connection is still open"
    while not (line := next((l for l in gw.log_lines() if l.get("model") == "m"), None)):
        time.sleep(0.01)
    same([a["error"] for a in line["attempts"]], ["upstream_timeout", None])


PART = len(WHOLE) - 40
PINGS = chunk(b": still here\n\n")
# name: what the first does, stream?, the deadline that ends it
CASES = {
    "a connection that is not taken": (None, False, "connect"),
    "a connection that is not taken, for a stream": (None, True, "connect"),
    "no answer": ([Never], False, "first_byte"),
    "no answer to a stream": ([Never], True, "first_byte"),
    "a head and no stream": ([SSE_HEAD, Never], True, "first_byte"),
    "a head and half an event": ([SSE_HEAD + chunk(b'data: {"id": "x", '), Never], True, "first_byte"),
    "signs of life and no event": ([SSE_HEAD, Drip(PINGS)], True, "first_byte"),
    "silence inside of an answer": ([WHOLE[:PART], Never], False, "idle"),
    "an answer that drips": ([http(chat_answer("x"))[:60], Drip(b"X-More: 1\r\n")], False, "total"),
    "a body that drips": ([b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
        Drip(b" ")], False, "total"),
    "a stream of signs of life": ([SSE_HEAD, Drip(PINGS)], True, "total"),
}


def of_case(name, where):
    steps, stream, deadline = CASES[name]

    def run():
        limit = {deadline: "400ms"}
        if where == "client":
            with first_is(steps) as gw:
                fails_over(gw, 0.4, stream, headers=[f"x-sluice-timeout: {deadline}=400ms"])
        else:
            with first_is(steps, limit if where == "provider" else None, limit if where == "model" else None) as gw:
                fails_over(gw, 0.4, stream)
    return run


def cases():
    for name, (_, _, deadline) in CASES.items():
        # the total that a client asks for is the request's: nothing is left of it for another try
        for where in ("provider", "model", "client"):
            if where != "client" or deadline != "total":
                yield f"{name}: {deadline} of the {where}", of_case(name, where)


def test_the_model_wins_over_the_provider_and_the_client_over_both():
    with first_is([Never], {"first_byte": "300ms"}, {"first_byte": "600ms"}) as gw:
        fails_over(gw, 0.6)
    with first_is([Never], {"first_byte": "300ms"}, {"first_byte": "600ms"}) as gw:
        fails_over(gw, 0.4, headers=["x-sluice-timeout: first_byte=400ms"])


def test_the_total_of_a_client_is_that_of_the_request():
    for stream in (False, True):
        with first_is([Never]) as gw:
            started = time.monotonic()
            r = gw.post(PATH, chat(stream=stream), headers=["x-sluice-timeout: 400ms"], timeout=10)
            is_error(r, {504}, "upstream_timeout")
            assert 0.35 <= time.monotonic() - started < 0.4 + SLOW


def test_no_wait_for_another_try_outlasts_the_time_that_a_client_gives():
    busy = http({"error": {"message": "busy", "type": "x"}}, "503 Busy", headers=["Retry-After: 3"])
    with first_is(busy) as gw:
        started = time.monotonic()
        r = gw.post(PATH, chat(model="alone"), headers=["x-sluice-timeout: 1s"], timeout=10)
        is_error(r, {502}, "upstream_error")
        assert time.monotonic() - started < 1 * SLOW, "it was waited for in vain"
        same(len(gw.a.requests), 1, "calls of which nobody would have seen the answer")


def test_thinking_between_events_is_bounded_by_idle():
    first = SSE_HEAD + chunk(event(chat_chunk("x")))
    with first_is([first, Never], {"idle": "400ms", "first_byte": "200ms"}) as gw:
        started = time.monotonic()
        r = gw.post(PATH, chat(stream=True), timeout=10)
        assert 0.35 <= time.monotonic() - started < 0.4 + SLOW
        same(events_of(r.body)[-1]["error"]["code"], "upstream_timeout")
        same(len(gw.b.requests), 0)


def test_signs_of_life_bridge_the_time_between_events():
    rest = b"".join(chunk(event(e)) for e in chat_stream("y")) + b"0\r\n\r\n"
    pings = [s for _ in range(8) for s in (PINGS, Sleep(0.1))]
    with first_is([SSE_HEAD + chunk(event(chat_chunk("x"))), *pings, rest], {"idle": "400ms", "first_byte": "300ms"}) as gw:
        r = gw.post(PATH, chat(stream=True), timeout=10)
        same(events_of(r.body)[-1], "[DONE]")


def test_the_first_event_may_take_longer_than_idle():
    whole = sse(*chat_stream("from a"))
    with first_is([SSE_HEAD, Sleep(0.8), whole[len(SSE_HEAD):]], {"idle": "300ms", "first_byte": "5s"}) as gw:
        r = gw.post(PATH, chat(stream=True), timeout=10)
        same((r.status, r.get("x-sluice-deployment"), events_of(r.body)[-1]), (200, "a/x", "[DONE]"))


def test_a_stream_is_cut_by_its_total():
    with first_is([SSE_HEAD, Drip(chunk(event(chat_chunk("x"))))], {"total": "500ms"}) as gw:
        r = gw.post(PATH, chat(stream=True), timeout=10)
        same(events_of(r.body)[-1]["error"]["code"], "upstream_timeout")

