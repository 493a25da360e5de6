# SPDX-License-Identifier: Apache-2.0
"""wire: HTTP/1.1 as bytes, for both ends of a test.

Reading is stricter than any RFC asks for, since what is read here was written by the gateway: one framing, CRLF
only, no folded line, no byte too many. What breaks a rule raises Malformed with the bytes. Sending is the opposite: any
bytes at all, in one write, cut anywhere, or one at a time.
"""
import random
import re
import select
import socket
import struct
import time

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|")
REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.1")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t\x20-\x7e]*)")
HEAD_LIMIT = 1 << 20

# Fields that say something about one connection only (RFC 9110 7.6.1); none may cross a gateway.
HOP_BY_HOP = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade",
              b"proxy-authenticate", b"proxy-authorization", b"http2-settings"}


class Malformed(Exception):
    """What the gateway wrote is not clean HTTP/1.1."""


class Ended(Exception):
    """The other side ended the connection in the middle of a message; .got holds what came."""

    def __init__(self, where, got=b""):
        super().__init__(f"the connection ended in {where} after {got[-200:]!r}")
        self.got = got


class Late(Exception):
    """The other side did not act before the deadline."""


class Headers(list):
    """A list of (name, value) as bytes, in the order they came."""

    def all(self, name):
        name = name.lower() if isinstance(name, bytes) else name.lower().encode()
        return [v for n, v in self if n.lower() == name]

    def get(self, name, default=None):
        values = self.all(name)
        if len(values) > 1:
            raise Malformed(f"{name} stands {len(values)} times: {values!r}")
        return values[0].decode("latin-1") if values else default

    def has(self, name):
        return bool(self.all(name))


class Message:
    def __init__(self):
        self.headers, self.trailers = Headers(), Headers()
        self.head = self.body = b""
        self.chunks = None          # chunked: the chunks as they were cut
        self.interim = []           # status codes of 1xx answers that came before

    def get(self, name, default=None):
        return self.headers.get(name, default)

    def tokens(self, name):
        return [t.strip().lower() for v in self.headers.all(name) for t in v.decode("latin-1").split(",") if t.strip()]


class Request(Message):
    method = target = None
    connection = None               # the provider's connection it came on


class Response(Message):
    status = reason = None

    @property
    def says_close(self):
        return "close" in self.tokens("connection")

    def json(self):
        import json
        return json.loads(self.body)


class Reader:
    """A socket with a buffer and one deadline for everything."""

    def __init__(self, sock, timeout=5.0):
        self.sock, self.buf, self.timeout = sock, bytearray(), timeout
        self.log = bytearray()      # all bytes ever read
        self.eof = False
        self.reset = False

    def fill(self, deadline=None):
        """Read something; False at the end of the stream."""
        if self.eof:
            return False
        deadline = deadline or time.monotonic() + self.timeout
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.sock], [], [], left)[0]:
            raise Late(f"nothing came for {self.timeout} s; so far: {bytes(self.log[-400:])!r}")
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            data, self.reset = b"", True
        if not data:
            self.eof = True
            return False
        self.buf += data
        self.log += data
        return True

    def take(self, n):
        out = bytes(self.buf[:n])
        del self.buf[:n]
        return out

    def until(self, mark, limit, where):
        at = 0
        while True:
            i = self.buf.find(mark, max(0, at - len(mark)))
            if i >= 0:
                return self.take(i + len(mark))
            at = len(self.buf)
            if at > limit:
                raise Malformed(f"{where} is longer than {limit} bytes")
            if not self.fill():
                raise Ended(where, bytes(self.buf))

    def exactly(self, n, where):
        while len(self.buf) < n:
            if not self.fill():
                raise Ended(where, bytes(self.buf))
        return self.take(n)

    def ended(self):
        """True when the peer ends the stream without another byte; raises Malformed when bytes come instead."""
        if not self.buf and self.fill():
            raise Malformed(f"bytes after the last message: {bytes(self.buf[:400])!r}")
        if self.buf:
            raise Malformed(f"bytes after the last message: {bytes(self.buf[:400])!r}")
        return True


def _fields(block, where):
    out = Headers()
    for line in block.split(b"\r\n"):
        if b"\n" in line or b"\r" in line or b"\0" in line:
            raise Malformed(f"bare CR, LF or NUL in {where}: {line!r}")
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name):
            raise Malformed(f"not a field in {where}: {line!r}")
        value = value.strip(b" \t")
        if not VALUE.fullmatch(value):
            raise Malformed(f"bad value in {where}: {line!r}")
        out.append((name, value))
    return out


def _framing(m):
    """('none'|'length'|'chunked', n) from the fields alone; two framings or two lengths are Malformed."""
    lengths, codings = m.headers.all("content-length"), m.headers.all("transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise Malformed(f"more than one framing: {m.head!r}")
    if codings:
        if codings[0] != b"chunked":
            raise Malformed(f"transfer-encoding {codings[0]!r}")
        return "chunked", 0
    if lengths:
        if not re.fullmatch(rb"0|[1-9][0-9]{0,15}", lengths[0]):
            raise Malformed(f"content-length {lengths[0]!r}")
        return "length", int(lengths[0])
    return "none", 0


def _read_chunked(r, m):
    m.chunks = []
    while True:
        line = r.until(b"\r\n", 4096, "a chunk size")
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", line[:-2]):
            raise Malformed(f"chunk size {line!r}")
        n = int(line, 16)
        if n == 0:
            break
        m.chunks.append(r.exactly(n, "a chunk"))
        if r.exactly(2, "the end of a chunk") != b"\r\n":
            raise Malformed("no CRLF after a chunk")
    end = r.until(b"\r\n", 65536, "the trailer section")
    if end != b"\r\n":
        raise Malformed(f"a trailer was sent: {end!r}")
    m.body = b"".join(m.chunks)


def read_request(r, on_head=None):
    """One request, or None when the connection ends cleanly before it. on_head(request) is called before the body."""
    if not r.buf and not r.fill():
        return None
    m = Request()
    m.head = r.until(b"\r\n\r\n", HEAD_LIMIT, "a request head")
    line, _, block = m.head[:-4].partition(b"\r\n")
    got = REQUEST_LINE.fullmatch(line)
    if not got:
        raise Malformed(f"request line {line!r}")
    m.method, m.target = got[1].decode(), got[2].decode()
    m.headers = _fields(block, "the request head")
    if len(m.headers.all("host")) != 1:
        raise Malformed(f"host stands {len(m.headers.all('host'))} times")
    kind, n = _framing(m)
    if on_head:
        on_head(m)
    if kind == "chunked":
        _read_chunked(r, m)
    else:
        m.body = r.exactly(n, "a request body")
    return m


def read_response_head(r):
    m = Response()
    m.head = r.until(b"\r\n\r\n", HEAD_LIMIT, "an answer's head")
    line, _, block = m.head[:-4].partition(b"\r\n")
    got = STATUS_LINE.fullmatch(line)
    if not got:
        raise Malformed(f"status line {line!r}")
    m.status, m.reason = int(got[1]), got[2].decode()
    m.headers = _fields(block, "the answer's head") if block else Headers()
    return m


def read_response(r, method="POST"):
    """The next final response; interim ones are noted in .interim."""
    interim = []
    while True:
        m = read_response_head(r)
        if m.status >= 200:
            break
        if m.headers.has("content-length") or m.headers.has("transfer-encoding"):
            raise Malformed(f"an interim answer with a framing: {m.head!r}")
        interim.append(m.status)
    m.interim = interim
    kind, n = _framing(m)
    if m.status in (204, 304) or method == "HEAD":
        if m.status == 204 and kind != "none":
            raise Malformed(f"204 with a framing: {m.head!r}")
        return m
    if kind == "none":
        raise Malformed(f"an answer without a framing: {m.head!r}")
    if kind == "chunked":
        _read_chunked(r, m)
    else:
        m.body = r.exactly(n, "an answer's body")
    return m


# How a message is put on the wire: a list of pieces, each sent with its own write.
def in_one(data):
    return [data]


def byte_by_byte(data):
    """One byte a write; messages of more than 4 KiB in some 400 pieces, since the point is made by then."""
    if len(data) <= 4096:
        return [data[i:i + 1] for i in range(len(data))]
    step = max(1, len(data) // 400)
    return [data[i:i + step] for i in range(0, len(data), step)]


def cut_randomly(seed, cuts=3):
    def pieces(data):
        rnd = random.Random(seed)
        at = sorted({rnd.randrange(1, len(data)) for _ in range(cuts)}) if len(data) > 1 else []
        return [data[a:b] for a, b in zip([0] + at, at + [len(data)])]
    return pieces


class Client:
    """One raw connection to the gateway."""

    def __init__(self, address, timeout=5.0):
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(address)
        else:
            self.sock = socket.create_connection(address, timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(timeout)
        self.reader = Reader(self.sock, timeout)
        self.broken = False         # the gateway closed while we were sending

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        if self.broken:
            return
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.broken = True

    def send_pieces(self, pieces, stop_on_answer=False):
        """Each piece in its own segment; with stop_on_answer, no more once the gateway has said something."""
        for i, piece in enumerate(pieces):
            if i:
                time.sleep(0.00003 if len(pieces) > 8 else 0.0005)      # lets the gateway read what is there
                if stop_on_answer and select.select([self.sock], [], [], 0)[0]:
                    return
            self.send(piece)
            if self.broken:
                return

    def answer(self, method="POST"):
        return read_response(self.reader, method)

    def is_closed(self):
        """The gateway has ended the connection and sent nothing more (waits for it)."""
        return self.reader.ended()

    def end_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()
