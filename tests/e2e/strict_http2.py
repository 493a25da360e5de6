# SPDX-License-Identifier: Apache-2.0
"""Strictness towards clients that speak HTTP/2 (RFC 9113) with prior knowledge: malformed messages are stream errors or 4xx and never
reach the provider as HTTP/1.1; broken framing ends the connection; floods are bounded."""
import json
import socket
import struct

from harness import CLIENT_KEY, SLOW, same, short
from strict import BODY, EVIL, MARK, Bench, check_upstream, fresh_mark

bench = Bench()
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED = 1, 4, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b"", length=None):
    n = len(payload) if length is None else length
    return struct.pack(">I", n)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


HELLO = PREFACE + frame(SETTINGS, 0, 0)


def integer(n, bits, first=0):
    limit = (1 << bits) - 1
    if n < limit:
        return bytes([first | n])
    out, n = bytes([first | limit]), n - limit
    while n >= 128:
        out += bytes([n % 128 + 128])
        n //= 128
    return out + bytes([n])


def literal(name, value):
    """A field without indexing and without Huffman coding: any bytes at all."""
    name, value = (x if isinstance(x, bytes) else x.encode() for x in (name, value))
    return b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(n, v) for n, v in fields)


PSEUDO = [(":method", "POST"), (":scheme", "http"), (":authority", "sluice.test"), (":path", "/v1/chat/completions")]
REGULAR = [("authorization", f"Bearer {CLIENT_KEY}"), ("content-type", "application/json")]


def ask(*fields, pseudo=None, regular=None, body=BODY, stream=1, flags=END_HEADERS, trailers=None):
    """The frames of a request."""
    fields = (PSEUDO if pseudo is None else pseudo) + (REGULAR if regular is None else regular) + list(fields)
    out = frame(HEADERS, flags | (END_STREAM if body is None else 0), stream, block(fields))
    if body is not None:
        out += frame(DATA, 0 if trailers is not None else END_STREAM, stream, body)
    if trailers is not None:
        out += frame(HEADERS, END_HEADERS | END_STREAM, stream, block(trailers))
    return out


def without(name):
    return [f for f in PSEUDO if f[0] != name]


def changed(name, value):
    return [(n, value if n == name else v) for n, v in PSEUDO]


_DIGITS = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6",
    "011101": "7", "011110": "8", "011111": "9"}


def status_of(payload):
    """The :status at the front of a header block."""
    while payload and payload[0] & 0xe0 == 0x20:        # a change of the dynamic table's size
        payload = payload[1:]
    first = payload[0]
    if first & 0x80:
        return {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}.get(first & 0x7f)
    n = payload[1] & 0x7f
    text = payload[2:2 + n]
    if not payload[1] & 0x80:
        return int(text)
    bits, out, at = "".join(f"{b:08b}" for b in text), "", ""
    for b in bits:
        at += b
        if at in _DIGITS:
            out, at = out + _DIGITS[at], ""
    return int(out)


class Connection:
    def __init__(self, gateway, hello=HELLO):
        self.sock = socket.create_connection(gateway.address, 5 * SLOW)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(5 * SLOW)
        self.statuses, self.bodies, self.ended, self.reset, self.goaway, self.closed = {}, {}, set(), {}, None, False
        self.ponged = False
        self.buf = b""
        self.send(hello)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            self.closed = True

    def read(self):
        """One frame; False at the end."""
        while len(self.buf) < 9 or len(self.buf) < 9 + int.from_bytes(self.buf[:3], "big"):
            try:
                got = self.sock.recv(65536)
            except (ConnectionResetError, BrokenPipeError):
                got = b""
            except TimeoutError:
                raise AssertionError(f"nothing more came: statuses {self.statuses}, resets {self.reset}, goaway {self.goaway}") from None
            if not got:
                self.closed = True
                return False
            self.buf += got
        n = int.from_bytes(self.buf[:3], "big")
        kind, flags, stream, payload = self.buf[3], self.buf[4], int.from_bytes(self.buf[5:9], "big"), self.buf[9:9 + n]
        self.buf = self.buf[9 + n:]
        if kind == HEADERS:
            self.statuses.setdefault(stream, []).append(status_of(payload))
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.reset[stream] = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == PING and flags & 1:
            self.ponged = True
        elif kind == SETTINGS and not flags & 1:
            self.send(frame(SETTINGS, 1, 0))
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            self.ended.add(stream)
        return True

    def until_over(self, stream):
        """Until the stream or the connection has come to an end of some kind."""
        while stream not in self.ended and stream not in self.reset and self.read():
            pass
        return (self.statuses.get(stream) or [None])[-1]


class Accepted:
    def check(self, c, mark):
        status = c.until_over(1)
        same(status, 200, f"{short(c.bodies.get(1, b''))}, resets {c.reset}, goaway {c.goaway}")
        assert json.loads(c.bodies[1])["choices"][0]["message"]["content"].encode() == mark
        got = bench.provider.with_body(mark)
        same(len(got), 1, "requests upstream")
        check_upstream(bench, got[0], mark)
        works(c)


class Refused:
    """A stream error, 4xx, or the end of the connection; nothing upstream."""

    def __init__(self, *statuses):
        self.statuses = statuses or (400,)

    def check(self, c, mark):
        status = c.until_over(1)
        assert c.reset or c.goaway is not None or c.closed or status in self.statuses, f"status {status}: {short(c.bodies.get(1, b''))}"
        assert status is None or status in self.statuses, f"status {status}: {short(c.bodies.get(1, b''))}"
        nothing(mark)
        if c.goaway is None and not c.closed:
            works(c)


class Dead:
    """A connection error (section 5.4.1): GOAWAY, then the end."""

    def check(self, c, mark):
        while c.read():
            pass
        assert c.goaway not in (None,
                0), f"closed without an error code: goaway {c.goaway}, statuses {c.statuses}, resets {c.reset}"
        nothing(mark)


class Ignored:
    """A connection error or no reaction at all; nothing upstream."""

    def check(self, c, mark):
        c.send(frame(PING, 0, 0, b"12345678"))
        while not c.ponged and c.read():
            pass
        nothing(mark)


class Survived:
    """Served, refused or ended, but the gateway lives."""

    def check(self, c, mark):
        c.send(frame(PING, 0, 0, b"12345678"))
        c.until_over(1)


def nothing(mark):
    got = bench.provider.with_body(mark) + bench.provider.with_body(EVIL)
    assert not got, f"it reached the provider: {got[0].head + got[0].body!r}"


def works(c):
    """Another stream of the same connection is answered as usual."""
    mark = fresh_mark()
    c.send(ask(stream=101, body=BODY.replace(MARK, mark)))
    same(c.until_over(101), 200, f"a stream after it: resets {c.reset}, goaway {c.goaway}")


OK, BAD, DEAD = Accepted(), Refused(), Dead()
ROWS = []


def row(name, section, data, want):
    ROWS.append((name, section, data, want))


# -- fields (8.2) ----------------------------------------------------------------------------------------------------
row("a plain request", "8.1", ask(), OK)
row("a request in one go with the preface", "3.4", ask(), OK)
for name in ("X-A", "x-A", "content-Type", "x a", "x:a", "x\ta", "", "x\0a", "x\x7fa", "x\u00e9", ":x", "x(a)", "x\ra",
        "x\na", "x/a", "x@a"):
    row(f"a field named {name!r}", "8.2.1", ask((name, "b")), BAD)
for value in ("b\0c", "b\rc", "b\nc", "b\r\nx-b: c", "\r\n\r\nGET /evil HTTP/1.1", "b\x01", "b\x7f"):
    row(f"a field with value {value!r}", "8.2.1", ask(("x-a", value)), BAD)
for value in (" b", "b ", "\tb", "b\t"):
    row(f"a field with value {value!r}", "8.2.1", ask(("x-a", value)), Survived())      # MUST NOT, but harmless
for name, value in (("connection", "close"), ("connection", "keep-alive"), ("connection", ""),
        ("keep-alive", "timeout=5"), ("proxy-connection", "close"), ("transfer-encoding", "chunked"),
                    ("transfer-encoding", "identity"), ("upgrade", "h2c"), ("te", "gzip"), ("te", "trailers, gzip"),
                        ("te", "")):
    row(f"{name}: {value}", "8.2.2", ask((name, value)), BAD)
row("te: trailers", "8.2.2", ask(("te", "trailers")), OK)
row("a cookie in crumbs", "8.2.3", ask(("cookie", "a=b"), ("cookie", "c=d")), OK)
row("an empty value", "8.2", ask(("x-a", "")), OK)
row("obs-text in a value", "9110 5.5", ask(("x-a", b"\xe9")), Survived())
row("a field with an underscore", "9110 5.1", ask(("x_sluice_key", "a")), OK)
row("host that is the same", "8.3.1", ask(("host", "sluice.test")), OK)
row("host that differs", "8.3.1", ask(("host", "evil.test")), BAD)
row("host twice", "8.3.1", ask(("host", "sluice.test"), ("host", "sluice.test")), BAD)
for name in ("content-encoding", "content-type"):
    row(f"{name} that is not taken", "9110 15.5.16", ask((name, "gzip")), Refused(400, 415))
row("authorization twice", "9110 5.3", ask(("authorization", "Bearer x")), Refused(400, 401))
row("expect: 100-continue", "9110 10.1.1", ask(("expect", "100-continue")), OK)
row("expect: banana", "9110 10.1.1", ask(("expect", "banana")), Refused(417))

# -- pseudo-header fields (8.3) --------------------------------------------------------------------------------------
for name in (":method", ":scheme", ":path"):
    row(f"no {name}", "8.3.1", ask(pseudo=without(name)), BAD)
for name, value in PSEUDO:
    row(f"{name} twice", "8.3.1", ask(pseudo=PSEUDO + [(name, value)]), BAD)
    row(f"{name} behind another field", "8.3", ask((name, value), pseudo=without(name)), BAD)
row(":authority missing, host there", "8.3.1", ask(("host", "sluice.test"), pseudo=without(":authority")), OK)
row(":authority and host missing", "9110 7.2", ask(pseudo=without(":authority")), BAD)
for value in ("", "a b", "user@sluice.test", "sluice.test/x", "sluice.test:x", "a,b c", "sl\0u", "slu\r\nx: y", "[::1",
        "http://sluice.test"):
    row(f":authority {value!r}", "8.3.1", ask(pseudo=changed(":authority", value)), BAD)
for value in ("", "v1/chat/completions", "*", "/v1/chat/completions x", "/v1/chat/completions HTTP/1.1\r\nx: y",
        "/v1/chat/completions\0", "/v1/chat/completions#a", "/v1/chat/completions?a=%zz",
        "http://sluice.test/v1/chat/completions", "/v1/chat/completions\t", "\\v1",
              "/v1/chat/completions?\u00e9", "/v1/../v1/chat/completions", "//v1/chat/completions"):
    row(f":path {value!r}", "8.3.1", ask(pseudo=changed(":path", value)), Refused(400, 404, 405))
for value in ("post", "", "PO ST", "POST /x HTTP/1.1\r\n", "P\0ST", "FOO", "CONNECT", "TRACE"):
    row(f":method {value!r}", "8.3.1", ask(pseudo=changed(":method", value)), Refused(400, 405, 501))
for value in ("", "ht tp", "http\0", "1http", "http://", "ht\r\ntp"):
    row(f":scheme {value!r}", "8.3.1", ask(pseudo=changed(":scheme", value)), BAD)
row("an unknown pseudo-header field", "8.3", ask(pseudo=PSEUDO + [(":foo", "bar")]), BAD)
row(":status in a request", "8.3", ask(pseudo=PSEUDO + [(":status", "200")]), BAD)
row(":protocol without the setting", "8441 4", ask(pseudo=changed(":method", "CONNECT") + [(":protocol", "websocket")]),
    Refused(400, 405, 501))
row("no field at all", "8.3.1", frame(HEADERS, END_HEADERS | END_STREAM, 1, b""), BAD)

# -- lengths and trailers --------------------------------------------------------------------------------------------
row("content-length that is right", "8.1.1", ask(("content-length", str(len(BODY)))), OK)
for value in (len(BODY) - 1, len(BODY) + 1, 0, "+63", "-1", "63,63", "0x3f", "", "63 ", 10**30, "6 3"):
    row(f"content-length {value!r}", "8.1.1", ask(("content-length", str(value))),
        Refused(400, 413) if value != "63 " else Survived())
row("content-length twice", "8.1.1", ask(("content-length", str(len(BODY))), ("content-length", str(len(BODY)))), BAD)
row("content-length of a body that is not there", "8.1.1", ask(("content-length", "5"), body=None), BAD)
row("content-length of 33 MiB", "9110 15.5.14", ask(("content-length", str(33 << 20)), body=b"{"), Refused(400, 413))
row("a body in many frames", "6.1", ask(body=b"")[:-9] + b"".join(frame(DATA, 0, 1, BODY[i:i + 8]) for i in range(0, 48,
    8)) + frame(DATA, 0, 1, BODY[48:]) + frame(DATA, END_STREAM, 1), OK)
row("a padded body", "6.1", ask(body=b"")[:-9] + frame(DATA, END_STREAM | PADDED, 1, b"\x05" + BODY + b"\0" * 5), OK)
row("trailers", "8.1", ask(trailers=[("x-a", "b")]), OK)
row("trailers with a pseudo-header field", "8.1", ask(trailers=[(":path", "/evil")]), BAD)
row("trailers with connection", "8.2.2", ask(trailers=[("connection", "close")]), BAD)
row("trailers that do not end the stream", "8.1", ask(trailers=[])[:-9] + frame(HEADERS, END_HEADERS, 1,
    block([("x-a", "b")])), BAD)
row("no body", "9110 8.6", ask(body=None), BAD)

# -- framing (4, 5, 6) -----------------------------------------------------------------------------------------------
row("DATA on stream 0", "6.1", frame(DATA, END_STREAM, 0, b"x"), DEAD)
row("HEADERS on stream 0", "6.2", frame(HEADERS, END_HEADERS, 0, block(PSEUDO)), DEAD)
row("HEADERS on an even stream", "5.1.1", ask(stream=2), DEAD)
row("a stream number that goes back", "5.1.1", ask(stream=5, body=None) + ask(stream=3), Ignored())
row("DATA on an idle stream", "5.1", frame(DATA, END_STREAM, 1, BODY), DEAD)
row("RST_STREAM on an idle stream", "6.4", frame(RST_STREAM, 0, 1, bytes(4)), DEAD)
row("WINDOW_UPDATE on an idle stream", "5.1", frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\1"), DEAD)
row("WINDOW_UPDATE of 0", "6.9", frame(WINDOW_UPDATE, 0, 0, bytes(4)), DEAD)
row("WINDOW_UPDATE over the maximum", "6.9.1", frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, DEAD)
row("WINDOW_UPDATE of 3 bytes", "6.9", frame(WINDOW_UPDATE, 0, 0, bytes(3)), DEAD)
row("SETTINGS on a stream", "6.5", frame(SETTINGS, 0, 1), DEAD)
row("SETTINGS of 5 bytes", "6.5", frame(SETTINGS, 0, 0, bytes(5)), DEAD)
row("SETTINGS acknowledged with a payload", "6.5", frame(SETTINGS, 1, 0, bytes(6)), DEAD)
row("SETTINGS with a window of 2^31", "6.5.2", frame(SETTINGS, 0, 0, b"\0\4\x80\0\0\0"), DEAD)
row("SETTINGS with a frame size of 1", "6.5.2", frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1"), DEAD)
row("SETTINGS with push of 2", "6.5.2", frame(SETTINGS, 0, 0, b"\0\2\0\0\0\2"), DEAD)
row("SETTINGS that nobody knows", "6.5.2", frame(SETTINGS, 0, 0, b"\x99\x99\0\0\0\1") + ask(), OK)
row("PING of 7 bytes", "6.7", frame(PING, 0, 0, bytes(7)), DEAD)
row("PING on a stream", "6.7", frame(PING, 0, 1, bytes(8)), DEAD)
row("PUSH_PROMISE of a client", "8.4", frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4)), DEAD)
row("CONTINUATION without HEADERS", "6.10", frame(CONTINUATION, END_HEADERS, 1, block(PSEUDO)), DEAD)
row("another frame between HEADERS and CONTINUATION", "6.10", frame(HEADERS, END_STREAM, 1, block(PSEUDO)) + frame(PING,
    0, 0, bytes(8)), DEAD)
row("CONTINUATION of another stream", "6.10", frame(HEADERS, END_STREAM, 1, block(PSEUDO)) + frame(CONTINUATION,
    END_HEADERS, 3, b""), DEAD)
row("a head in CONTINUATION frames", "6.10", frame(HEADERS, 0, 1, block(PSEUDO)) + frame(CONTINUATION, 0, 1,
    block(REGULAR)) + frame(CONTINUATION, END_HEADERS, 1) + frame(DATA, END_STREAM, 1, BODY), OK)
row("a frame of more than 16 KiB", "4.2", frame(DATA, 0, 0, bytes(16385)), DEAD)
row("a frame that says 16 MiB", "4.2", frame(HEADERS, END_HEADERS, 1, bytes(100), length=(1 << 24) - 1), DEAD)
row("padding longer than the frame", "6.1", ask(body=b"")[:-9] + frame(DATA, END_STREAM | PADDED, 1, b"\xff" + BODY),
    DEAD)
row("a frame of a kind that nobody knows", "4.1", frame(0x99, 0xff, 0, b"hello") + ask(), OK)
row("a stream that depends on itself", "5.3.1", frame(PRIORITY, 0, 1, b"\0\0\0\1\0") + ask(), Survived())
row("an index that is not there", "7541 2.3.3", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff\xff\xff\x7f"), DEAD)
row("a dynamic index that is not there", "7541 2.3.3", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xbe"), DEAD)
row("a literal that is cut", "7541 6.2", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\x05ab"), DEAD)
row("an integer without end", "7541 5.1", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" * 64), DEAD)
row("a dynamic table that is too large", "7541 6.3", frame(HEADERS, END_HEADERS | END_STREAM, 1,
    b"\x3f\xff\xff\xff\x7f" + block(PSEUDO)), DEAD)
row("Huffman padding that is too long", "7541 5.2", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\x82\xff\xff\0"),
    DEAD)
row("DATA after the end of the stream", "5.1", ask() + frame(DATA, END_STREAM, 1, b"x"), Survived())
row("HEADERS after the end of the stream", "5.1", ask() + frame(HEADERS, END_STREAM | END_HEADERS, 1,
    block(PSEUDO + REGULAR)), Survived())
row("a head over every limit", "10.5.1", b"".join([frame(HEADERS, END_STREAM, 1, block(PSEUDO))] + [frame(CONTINUATION,
    0, 1, literal("x-a", "b" * 16000))] * 100), Survived())
row("CONTINUATION frames without end", "10.5", b"".join([frame(HEADERS, END_STREAM, 1,
    block(PSEUDO))] + [frame(CONTINUATION, 0, 1, b"")] * 20000), Survived())
row("1,000 fields", "10.5.1", ask(*[(f"x-{i}", "b") for i in range(300)]), Refused(400, 431))
row("SETTINGS, 5,000 of them", "10.5", frame(SETTINGS, 0, 0) * 5000, Survived())
row("PING, 20,000 of them", "10.5", frame(PING, 0, 0, bytes(8)) * 20000, Survived())
row("empty DATA, 20,000 of them", "10.5", ask(body=b"")[:-9] + frame(DATA, 0, 1) * 20000, Survived())
row("streams that are reset at once, 2,000 of them", "10.5", b"".join(ask(stream=s, body=None) + frame(RST_STREAM, 0, s,
    b"\0\0\0\x08") for s in range(1, 4001, 2)), Survived())
row("500 streams at once", "5.1.2", b"".join(ask(stream=s, body=BODY) for s in range(1, 1001, 2)), Survived())


def cases():
    for name, section, data, want in ROWS:
        yield f"{name} [{section}]", _case(data, want)


def _case(data, want):
    def run():
        gateway = bench.up()
        bench.provider.forget()
        before = len(bench.provider.faults)
        mark = fresh_mark()
        try:
            with Connection(gateway) as c:
                c.send(data.replace(MARK, mark))
                want.check(c, mark)
        finally:
            bench.alive()
        faults = bench.provider.faults[before:]
        bench.faulty += len(faults)
        same(faults, [], "unclean bytes upstream")
        same(gateway.get("/v1/models").status, 200, "the gateway after it")
    run.limit = 30
    return run


def done():
    bench.done()


# -- the preface -----------------------------------------------------------------------------------------------------
def test_the_preface_may_come_byte_by_byte():
    import time
    gateway = bench.up()
    mark = fresh_mark()
    with Connection(gateway, b"") as c:
        for b in HELLO + ask(body=BODY.replace(MARK, mark)):
            c.send(bytes([b]))
            time.sleep(0.0002)
        same(c.until_over(1), 200)


def test_a_broken_preface_is_no_http_2():
    gateway = bench.up()
    for bad in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
            b"PRI * HTTP/2.0\r\nHost: x\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n",
            b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with gateway.client() as c:
            c.send(bad + frame(SETTINGS, 0, 0))
            while c.reader.fill():
                pass
            assert not c.reader.log or c.reader.log.startswith((b"HTTP/1.1 4",
                    b"HTTP/1.1 5")), f"{bad!r}: {bytes(c.reader.log)!r}"


def test_what_is_no_settings_frame_after_the_preface_ends_the_connection():
    gateway = bench.up()
    for first in (frame(PING, 0, 0, bytes(8)), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, block(PSEUDO))):
        with Connection(gateway, PREFACE) as c:
            c.send(first)
            while c.read():
                pass
            assert c.goaway not in (None, 0), f"{first!r}: goaway {c.goaway}"


def test_http_2_after_http_1_on_a_connection_is_refused():
    from harness import request_bytes
    gateway = bench.up()
    with gateway.client() as c:
        c.send(request_bytes("GET", "/v1/models") + HELLO)
        same(c.answer("GET").status, 200)
        assert c.answer("GET").status in (400, 505)
        c.is_closed()


def test_a_window_of_nothing_holds_the_stream_and_not_the_gateway():
    gateway = bench.up()
    mark = fresh_mark()
    with Connection(gateway, PREFACE + frame(SETTINGS, 0, 0, b"\0\4\0\0\0\0")) as c:
        c.send(ask(body=BODY.replace(MARK, mark)))
        while 1 not in c.statuses:
            assert c.read()
        same(gateway.get("/v1/models").status, 200)
        assert 1 not in c.bodies, "DATA without a window"
        c.send(frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1 << 20)))
        same(c.until_over(1), 200)
        assert mark in c.bodies[1]


def test_a_stream_reset_in_the_same_read_as_its_request():
    """An answer is decided, waits for the journal, and its client has left: refused, served, and sent upstream."""
    gateway = bench.up()
    get = changed(":method", "GET")[:3]
    requests = [dict(regular=[], pseudo=get + [(":path", "/v1/models")], body=None), dict(pseudo=get + [(":path", "/v1/models")], body=None),
                dict(pseudo=get + [(":path", "/nowhere")], body=None), dict(regular=[]), dict(body=b"{"), dict()]
    streams = range(1, 97, 2)
    with Connection(gateway) as c:
        c.send(b"".join(ask(stream=s, **requests[s // 2 % len(requests)]) + frame(RST_STREAM, 0, s, struct.pack(">I", 8)) for s in streams))
        works(c)
    same(gateway.get("/v1/models").status, 200)
