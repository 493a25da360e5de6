# SPDX-License-Identifier: Apache-2.0
"""Strictness towards clients where time or more than one message matters: pipelines, 100-continue, bodies over the limit,
slow and vanishing clients, back-pressure, and bytes changed at random."""
import os
import random
import threading
import time

from harness import (SANITIZED, SLOW, SSE_HEAD, Gateway, chat_chunk, chat_stream, chunk, config, event, events_of,
                     http, is_error, request_bytes, same, sse)
from provider import Never, Provider, Wait
from strict import BODY, EVIL, EVIL_REQUEST, MARK, Bench, echo, fresh_mark, message
from wire import STATUS_LINE, Ended, Late, byte_by_byte, cut_randomly, in_one, read_response_head

SHORT = {"server": {"header_timeout": "400ms", "body_timeout": "400ms", "idle_timeout": "1s", "body_max": "1MiB"}}
bench = Bench()
short = Bench(**SHORT)


def done():
    bench.done()
    short.done()


def text_of(response):
    same(response.status, 200, f"{response.head + response.body!r}")
    return response.json()["choices"][0]["message"]["content"].encode()


# -- more than one message ------------------------------------------------------------------------------------------
def test_pipelined_requests_are_answered_in_order():
    gw = bench.up()
    for pieces in (in_one, byte_by_byte, cut_randomly(1, 9)):
        marks = [fresh_mark() for _ in range(5)]
        with gw.client() as c:
            c.send_pieces(pieces(b"".join(message(body=BODY.replace(MARK, m)) for m in marks)))
            same([text_of(c.answer()) for _ in marks], marks, "answers")


def test_requests_of_all_kinds_can_be_pipelined():
    gw = bench.up()
    chunked = message(framing=b"Transfer-Encoding: chunked", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY))
    with gw.client() as c:
        c.send(request_bytes("GET", "/v1/models") + chunked + b"\r\n" + message() + request_bytes("GET", "/v1/nothing")
               + request_bytes("HEAD", "/health/live") + request_bytes("GET", "/health/live"))
        same([c.answer(m).status for m in ("GET", "POST", "POST", "GET", "HEAD", "GET")],
            [200, 200, 200, 404, 200, 200])


def test_a_bad_request_behind_a_good_one_is_refused_after_its_answer():
    gw = bench.up()
    for bad in (b"GARBAGE\r\n\r\n", message(b"Content-Length: 0"), message(host=b""), b"\0",
            b" GET / HTTP/1.1\r\n\r\n"):
        for pieces in (in_one, byte_by_byte):
            mark = fresh_mark()
            with gw.client() as c:
                c.send_pieces(pieces(message(body=BODY.replace(MARK, mark)) + bad + EVIL_REQUEST))
                same(text_of(c.answer()), mark)
                is_error(c.answer(), {400, 405, 501})
                c.is_closed()
    assert not bench.provider.with_body(EVIL)


def test_nothing_behind_a_refused_request_is_read():
    gw = bench.up()
    for bad in (message(b"Content-Length: 5"), message(framing=b"Transfer-Encoding: xchunked"), message(b"X : y")):
        with gw.client() as c:
            c.send(bad + EVIL_REQUEST)
            is_error(c.answer(), {400, 501})
            c.is_closed()
    assert not bench.provider.with_body(EVIL)


def test_bytes_behind_a_body_are_the_next_request():
    gw = bench.up()
    with gw.client() as c:
        c.send(message() + b"xx")
        text_of(c.answer())
        c.send(b" HTTP/1.1\r\n\r\n")
        is_error(c.answer(), {400})
        c.is_closed()


def test_bytes_without_a_length_are_not_a_body():
    gw = bench.up()
    mark = fresh_mark()
    with gw.client() as c:
        c.send(message(framing=b"", body=BODY.replace(MARK, mark)))
        r = c.answer()
        is_error(r, {400, 411})
        if not r.says_close:
            c.send(b"\r\n\r\n")
            is_error(c.answer(), {400})
        c.is_closed()
    assert not bench.provider.with_body(mark)


def test_a_thousand_pipelined_requests_are_answered_though_nobody_reads_for_a_while():
    gw = bench.up()
    data = request_bytes("GET", "/v1/models") * 1000
    with gw.client(20) as c:
        sender = threading.Thread(target=c.send, args=(data,), daemon=True)
        sender.start()
        time.sleep(0.2)
        for _ in range(1000):
            same(c.answer("GET").status, 200)
        sender.join()


def test_a_request_cut_at_every_byte_is_the_same_request():
    gw = bench.up()
    data = message()
    with gw.client() as c:
        for at in range(1, len(data)):
            mark = fresh_mark()
            whole = data.replace(MARK, mark)
            c.send_pieces([whole[:at], whole[at:]])
            same(text_of(c.answer()), mark, f"cut at {at}")


def test_a_chunked_request_cut_at_every_byte_is_the_same_request():
    gw = bench.up()
    data = message(framing=b"Transfer-Encoding: chunked",
                   body=b"10;a=b\r\n%s\r\n%x\r\n%s\r\n0\r\nX-A: b\r\n\r\n" % (BODY[:16], len(BODY) - 16, BODY[16:]))
    with gw.client() as c:
        for at in range(1, len(data)):
            mark = fresh_mark()
            whole = data.replace(MARK, mark)
            c.send_pieces([whole[:at], whole[at:]])
            same(text_of(c.answer()), mark, f"cut at {at}")


# -- 100-continue (RFC 9110 10.1.1) --------------------------------------------------------------------------------
EXPECT = b"Expect: 100-continue"


def test_100_continue_comes_before_the_body_is_sent():
    gw = bench.up()
    for fields in ((), (b"Connection: close",)):
        mark = fresh_mark()
        head, body = message(EXPECT, *fields).split(b"\r\n\r\n")
        with gw.client() as c:
            c.send(head + b"\r\n\r\n")
            same(read_response_head(c.reader).status, 100)
            c.send(body.replace(MARK, mark))
            r = c.answer()
            same(text_of(r), mark)
            same(r.interim, [], "interim answers after the body")


def test_100_continue_comes_before_a_chunked_body_is_sent():
    gw = bench.up()
    with gw.client() as c:
        c.send(message(EXPECT, framing=b"Transfer-Encoding: chunked", body=b""))
        same(read_response_head(c.reader).status, 100)
        mark = fresh_mark()
        c.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY.replace(MARK, mark)))
        same(text_of(c.answer()), mark)


def test_no_100_for_a_request_that_is_refused_by_its_head():
    gw = bench.up()
    for name, statuses, raw in (
            ("no key", {401}, message(EXPECT, auth=b"", body=b"", framing=b"Content-Length: 100")),
            ("wrong key", {401}, message(EXPECT, auth=b"Authorization: Bearer nobody", body=b"",
                framing=b"Content-Length: 100")),
            ("unknown path", {404}, message(EXPECT, line=b"POST /v1/nothing HTTP/1.1", body=b"",
                framing=b"Content-Length: 100")),
            ("wrong method", {405}, message(EXPECT, line=b"PUT /v1/chat/completions HTTP/1.1", body=b"",
                framing=b"Content-Length: 100")),
            ("too large", {413}, message(EXPECT, body=b"", framing=b"Content-Length: 34603008")),
            ("wrong type", {415}, message(EXPECT, content_type=b"Content-Type: text/plain", body=b"",
                framing=b"Content-Length: 100")),
            ("coded", {415}, message(EXPECT, b"Content-Encoding: gzip", body=b"", framing=b"Content-Length: 100"))):
        with gw.client() as c:
            c.send(raw)
            try:
                r = c.answer()
            except Late:
                raise AssertionError(f"{name}: no answer before the body") from None
            same(r.interim, [], f"{name}: interim answers")
            is_error(r, statuses)


def test_http_1_0_gets_no_100():
    gw = bench.up()
    with gw.client() as c:
        c.send(message(EXPECT, line=b"POST /v1/chat/completions HTTP/1.0"))
        r = c.answer()
        same((r.status, r.interim), (200, []))
        c.is_closed()


# -- bodies over the limit ------------------------------------------------------------------------------------------
def big(n):
    """A chat request of exactly n bytes."""
    frame = BODY.replace(MARK, b"%s")
    return frame % (b"x" * (n - len(frame) + 2))


def test_a_length_over_32_MiB_is_refused_before_the_body():
    gw = bench.up()
    for n in (33 << 20, (32 << 20) + 1, 1 << 40, 10**18):
        with gw.client() as c:
            c.send(message(framing=b"Content-Length: %d" % n, body=b""))
            is_error(c.answer(), {413})
            c.is_closed()


def test_a_client_that_goes_on_sending_still_reads_the_413():
    gw = bench.up()
    with gw.client(20) as c:
        c.send(message(framing=b"Content-Length: %d" % (33 << 20), body=b""))
        c.send(b"x" * (8 << 20))
        is_error(c.answer(), {413})


def test_a_chunked_body_over_32_MiB_is_refused():
    gw = bench.up()
    with gw.client(20) as c:
        c.send(message(framing=b"Transfer-Encoding: chunked", body=b""))
        piece = chunk(b"x" * 65536)
        for _ in range((33 << 20) // 65536):
            c.send(piece)
        is_error(c.answer(), {413})
    assert SANITIZED or gw.rss_kib() < 100 << 10, f"{gw.rss_kib()} KiB"


def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_not():
    gw = short.up()
    for framing in ("length", "chunked"):
        for n, status in ((1 << 20, 200), ((1 << 20) + 1, 413)):
            body = big(n)
            same(len(body), n)
            raw = message(body=body) if framing == "length" else message(framing=b"Transfer-Encoding: chunked",
                                                                         body=chunk(body) + b"0\r\n\r\n")
            with gw.client(20) as c:
                c.send(raw)
                r = c.answer()
                same(r.status, status, f"{framing} {n}: {r.body[:200]!r}")


# -- slow clients ---------------------------------------------------------------------------------------------------
def drip(client, data, every, total):
    """Send a byte each `every` seconds until the gateway says something; the seconds that took."""
    import select
    start = time.monotonic()
    for b in data:
        client.send(bytes([b]))
        if select.select([client.sock], [], [], every)[0] or time.monotonic() - start > total:
            break
    return time.monotonic() - start


def closes_with_408(client, start, at_least, at_most):
    r = client.answer()
    took = time.monotonic() - start
    is_error(r, {408})
    assert r.says_close, r.head
    client.is_closed()
    assert at_least <= took <= at_most * SLOW, f"after {took:.2f} s"


def test_half_a_head_is_answered_408_and_closed():
    gw = short.up()
    for part in (b"P", b"POST /v1/chat", b"POST /v1/chat/completions HTTP/1.1\r\n", message().split(b"\r\n\r\n")[0]):
        with gw.client() as c:
            start = time.monotonic()
            c.send(part)
            closes_with_408(c, start, 0.3, 2)


def test_a_head_that_drips_is_not_given_more_time():
    gw = short.up()
    with gw.client() as c:
        start = time.monotonic()
        drip(c, message(*[b"X-A: b"] * 50), 0.05, 5)
        closes_with_408(c, start, 0.3, 2)


def test_half_a_body_is_answered_408_and_closed():
    gw = short.up()
    for raw in (message(body=BODY[:10], framing=b"Content-Length: %d" % len(BODY)),
            message(body=b"", framing=b"Content-Length: 5"),
                message(body=b"", framing=b"Transfer-Encoding: chunked"), message(body=b"3f\r\n{",
                    framing=b"Transfer-Encoding: chunked"),
                message(body=chunk(BODY) + b"0\r\n", framing=b"Transfer-Encoding: chunked")):
        with gw.client() as c:
            start = time.monotonic()
            c.send(raw)
            closes_with_408(c, start, 0.3, 2.5)


def test_a_body_that_drips_is_not_read_for_ever():
    gw = short.up()
    with gw.client(20) as c:
        took = drip(c, message(body=b" " * 500, framing=b"Content-Length: 500"), 0.1, 12)
        is_error(c.answer(), {408})
        c.is_closed()
        assert took < 8 * SLOW, f"it read for {took:.1f} s"


def test_chunk_sizes_that_drip_are_not_read_for_ever():
    gw = short.up()
    with gw.client(20) as c:
        c.send(message(body=b"", framing=b"Transfer-Encoding: chunked"))
        took = drip(c, b"1\r\n \r\n" * 300, 0.1, 12)
        is_error(c.answer(), {408})
        assert took < 8 * SLOW, f"it read for {took:.1f} s"


def test_a_connection_without_a_byte_is_closed_without_a_word():
    gw = short.up()
    with gw.client() as c:
        start = time.monotonic()
        c.is_closed()
        assert time.monotonic() - start < 3 * SLOW


def test_an_idle_connection_is_closed_without_a_word():
    gw = short.up()
    with gw.client() as c:
        c.send(message())
        text_of(c.answer())
        start = time.monotonic()
        c.is_closed()
        assert 0.8 < time.monotonic() - start < 3 * SLOW


def test_a_client_that_keeps_an_ended_connection_open_is_not_waited_for_long():
    """RFC 9112 9.6: half-close, read on for a short time, close. A minute for each such client would be a way to flood."""
    gw = bench.up()
    for raw in (message(b"Connection: close"), message(b"Content-Length: 0")):
        with gw.client() as c:
            c.send(raw)
            c.answer()
            c.is_closed()               # its half; ours stays open
            time.sleep(4)
            c.send(b"x")
            time.sleep(0.05)
            c.send(b"x")
            assert c.broken, "the gateway still holds the connection after 4 s"


def test_a_slow_client_on_one_connection_does_not_keep_another_waiting():
    gw = short.up()
    slow = [gw.client() for _ in range(50)]
    for c in slow:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: ")
    start = time.monotonic()
    same(gw.post("/v1/chat/completions", BODY).status, 200)
    assert time.monotonic() - start < 0.3 * SLOW
    for c in slow:
        c.close()


# -- clients that vanish --------------------------------------------------------------------------------------------
def test_a_request_cut_short_never_reaches_the_provider():
    gw = bench.up()
    for raw in (message(), message(framing=b"Transfer-Encoding: chunked", body=chunk(BODY) + b"0\r\n\r\n")):
        mark = fresh_mark()
        data = raw.replace(MARK, mark)
        for at in list(range(1, len(data), 7)) + [len(data) - 1]:
            with gw.client() as c:
                c.send(data[:at])
                (c.reset if at % 2 else c.close)()
        same(gw.get("/v1/models").status, 200)
        assert not bench.provider.with_body(mark), "a request that was cut short went upstream"


def test_a_request_that_ends_early_is_refused_or_dropped():
    gw = bench.up()
    for raw in (message(body=BODY[:-1], framing=b"Content-Length: %d" % len(BODY)), message().split(b"\r\n\r\n")[0],
                message(framing=b"Transfer-Encoding: chunked", body=chunk(BODY)),
                    message(framing=b"Transfer-Encoding: chunked", body=chunk(BODY) + b"0\r\n"),
                message(framing=b"Transfer-Encoding: chunked", body=b"3f\r\n{"),
                    message(framing=b"Content-Length: 5", body=b"")):
        mark = fresh_mark()
        with gw.client() as c:
            c.send(raw.replace(MARK, mark))
            c.end_sending()
            try:
                is_error(c.answer(), {400, 408})
            except Ended as e:
                same(e.got, b"", "half an answer")
            c.is_closed()
        assert not bench.provider.with_body(mark)


def test_a_client_that_ends_its_side_after_the_request_is_answered():
    gw = bench.up()
    mark = fresh_mark()
    with gw.client() as c:
        c.send(message(body=BODY.replace(MARK, mark)))
        c.end_sending()
        same(text_of(c.answer()), mark)
        c.is_closed()


def test_when_the_client_goes_the_call_upstream_is_ended():
    with Provider(lambda r: [Never]) as provider, Gateway(config(provider)) as gw:
        for how in ("close", "reset"):
            n = len(provider.requests)
            c = gw.client()
            c.send(message())
            provider.wait_for(lambda: len(provider.requests) == n + 1)
            getattr(c, how)()
            assert provider.requests[-1].connection.ended.wait(5 * SLOW), f"{how}: the call upstream went on"


def test_when_the_client_goes_in_a_stream_the_call_upstream_is_ended():
    go = threading.Event()
    with Provider(lambda r: [SSE_HEAD + chunk(event(chat_chunk("a"))),
            Never]) as provider, Gateway(config(provider)) as gw:
        c = gw.client()
        c.send(message(body=BODY[:-1] + b',"stream":true}'))
        same(read_response_head(c.reader).status, 200)
        c.reader.until(b"\n\n", 65536, "an event")
        c.reset()
        assert provider.requests[-1].connection.ended.wait(5 * SLOW), "the call upstream went on"
        go.set()


# -- streams --------------------------------------------------------------------------------------------------------
STREAM_BODY = BODY[:-1] + b',"stream":true}'


def test_a_stream_to_http_1_0_ends_with_the_connection():
    with Provider(lambda r: sse(*chat_stream("a", "b"))) as provider, Gateway(config(provider)) as gw, gw.client() as c:
        c.send(message(line=b"POST /v1/chat/completions HTTP/1.0", body=STREAM_BODY))
        head = read_response_head(c.reader)
        same(head.status, 200)
        assert not head.headers.has("transfer-encoding"), head.head
        while c.reader.fill():
            pass
        assert events_of(bytes(c.reader.buf))[-1] == "[DONE]", bytes(c.reader.buf)


def test_each_event_comes_at_once():
    gates = [threading.Event() for _ in range(4)]

    def answer(request):
        yield SSE_HEAD
        for i, gate in enumerate(gates):
            yield Wait(gate)
            yield chunk(event(chat_chunk(f"t{i}")))
        yield chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    with Provider(answer) as provider, Gateway(config(provider)) as gw, gw.client() as c:
        c.send(message(body=STREAM_BODY))
        for i, gate in enumerate(gates):
            gate.set()                  # only now does the provider send the next
            got = c.reader.until(b"\n\n", 65536, "an event")
            assert f"t{i}".encode() in got, got


def test_a_slow_reader_slows_the_provider():
    total, done_sending, sent = 64 << 20, threading.Event(), [0]
    piece = chunk(event(chat_chunk("x" * 32000)))

    def answer(request):
        yield SSE_HEAD
        while sent[0] < total:
            yield piece
            sent[0] += len(piece)
        done_sending.set()
        yield chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    with Provider(answer) as provider, Gateway(config(provider)) as gw:
        before = gw.rss_kib()
        with gw.client(20) as c:
            c.send(message(body=STREAM_BODY))
            assert not done_sending.wait(1.5), "64 MiB went to a client that reads nothing"
            grown = gw.rss_kib() - before
            assert SANITIZED or grown < 4 << 10, f"{grown} KiB more for one slow stream"
            at = sent[0]
            r = c.answer()              # now it reads all of it
            same(events_of(r.body[-100:])[-1], "[DONE]")
            same(r.body.count(b"data: {"), sent[0] // len(piece), "events")
            assert at < total


def test_a_client_that_takes_nothing_is_given_up():
    """write_timeout: the stream is ended on both sides; a client that takes a little now and then is kept."""
    piece = chunk(event(chat_chunk("x" * 32000)))

    def answer(request):
        yield SSE_HEAD
        while True:
            yield piece

    with Provider(answer) as provider, Gateway(config(provider, server={"write_timeout": "1s"})) as gw:
        with gw.client(20) as c:
            c.send(message(body=STREAM_BODY))
            provider.wait_for(lambda: provider.requests)
            assert provider.requests[0].connection.ended.wait(5 * SLOW), "a client that reads nothing is waited for"
        with gw.client(20) as c:
            c.send(message(body=STREAM_BODY))
            provider.wait_for(lambda: len(provider.requests) == 2)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                assert c.sock.recv(1 << 20), "a client that reads slowly was given up"
                time.sleep(0.2)


def test_connections_over_the_limit_wait():
    with Provider(echo) as provider, Gateway(config(provider, server={"max_connections": 3})) as gw:
        held = [gw.client() for _ in range(3)]
        for c in held:
            c.send(message())
            text_of(c.answer())
        with gw.client() as waiting:
            waiting.send(message())
            try:
                waiting.reader.timeout = 0.3
                waiting.answer()
                raise AssertionError("a fourth connection was served")
            except Late:
                waiting.reader.timeout = 5 * SLOW
            held[0].close()
            text_of(waiting.answer())
        for c in held[1:]:
            c.close()


def test_an_answer_larger_than_every_buffer_arrives_whole():
    text = "".join(f"{i:08d}" for i in range(1 << 19))     # 4 MiB
    import json

    def answer(request):
        from harness import chat_answer
        return http(chat_answer(text))

    with Provider(answer) as provider, Gateway(config(provider)) as gw, gw.client(20) as c:
        c.send(message())
        time.sleep(0.2)
        same(json.loads(c.answer().body)["choices"][0]["message"]["content"] == text, True)


# -- bytes changed at random ---------------------------------------------------------------------------------------
SEEDS = [message(),
    message(framing=b"Transfer-Encoding: chunked", body=b"10;a=b\r\n%s\r\n%x\r\n%s\r\n0\r\nX-A: b\r\n\r\n" %
                            (BODY[:16], len(BODY) - 16, BODY[16:])),
         message(b"Connection: x-a", b"X-A: b", b"Expect: 100-continue"), request_bytes("GET", "/v1/models?a=b")]
PARTS = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b"0", b"\r\n\r\n", b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
         b"GET / HTTP/1.1\r\n", b"\xff", b"\r\n 0", b"HTTP/1.1", b";", b'"', b"%", b"/", b"Host: x\r\n",
             b"ffffffffffffffff", b"-1"]


def changed_at_random(rnd, seeds):
    data = bytearray(rnd.choice(seeds))
    for _ in range(rnd.choice((1, 1, 1, 2, 3))):
        at = rnd.randrange(len(data))
        kind = rnd.randrange(5)
        if kind == 0:
            data[at] = rnd.randrange(256)
        elif kind == 1:
            data[at:at] = rnd.choice(PARTS)
        elif kind == 2:
            del data[at:at + rnd.choice((1, 1, 2, 8, 40))]
        elif kind == 3:
            to = rnd.randrange(len(data))
            data[to:to] = data[at:at + rnd.randrange(1, 40)]
        else:
            data[at:at + 1] = rnd.choice(PARTS)
    return bytes(data)


# More of them, and others, by hand: E2E_CHANGES=20000 E2E_SEED=7 tests/e2e/run random
CHANGES, SEED = int(os.environ.get("E2E_CHANGES", "700")), int(os.environ.get("E2E_SEED", "1"))


def test_requests_with_random_changes_are_answered_or_refused_and_nothing_unclean_goes_upstream():
    gw = bench.up()
    rnd = random.Random(SEED)
    before = len(bench.provider.faults)
    for i in range(CHANGES):
        data = changed_at_random(rnd, SEEDS)
        with gw.client() as c:
            c.send_pieces((byte_by_byte if i % 10 == 0 else cut_randomly(i))(data))
            c.end_sending()
            try:
                while c.reader.fill():
                    pass
            except Late:
                raise AssertionError(f"change {i}: no end of {data!r}") from None
            got = bytes(c.reader.log)
            if got:
                assert STATUS_LINE.fullmatch(got.partition(b"\r\n")[0]), f"change {i} of {data!r} got {got[:200]!r}"
        bench.alive()
    same(bench.provider.faults[before:], [], "unclean bytes upstream")


test_requests_with_random_changes_are_answered_or_refused_and_nothing_unclean_goes_upstream.limit = 120 + CHANGES / 20
