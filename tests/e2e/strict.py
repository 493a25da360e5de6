# SPDX-License-Identifier: Apache-2.0
"""strict: what the strictness tables share: one gateway and one provider for a table, and the checks of a row.

Bodies hold @@MARK@@, replaced by a mark of the same length for each run, by which what reaches the provider is found
again. A smuggled request, were it ever taken for one, would bring @@EVIL@@ to the provider.
"""
import itertools
import json

from harness import (ADMIN_KEY, CLIENT_KEY, PROVIDER_KEY, Gateway, chat_answer, config, http, is_error, request_bytes,
    same)
from provider import Provider
from wire import HOP_BY_HOP, Ended, Late, Malformed, byte_by_byte, cut_randomly, in_one

MARK, EVIL = b"@@MARK@@", b"@@EVIL@@"
BODY = b'{"model":"m","messages":[{"role":"user","content":"@@MARK@@"}]}'
UPSTREAM_BODY = BODY.replace(b'"m"', b'"real-m"')
PATH = "/v1/chat/completions"
AUTH = b"Authorization: Bearer " + CLIENT_KEY.encode()
HOST = b"Host: sluice.test"
JSON = b"Content-Type: application/json"
_marks = itertools.count(1)


def length(body=BODY):
    return b"Content-Length: %d" % len(body)


def message(*fields, line=b"POST /v1/chat/completions HTTP/1.1", host=HOST, auth=AUTH, content_type=JSON, body=BODY,
            framing=None):
    """A request; each part can be replaced or left out with b"". `fields` come last, as they are."""
    framing = length(body) if framing is None else framing
    head = [line, *[f for f in (host, auth, content_type, framing) if f], *fields]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


# -- the chunked coding, right and wrong (RFC 9112 7.1): used in both directions ------------------------------------
def one_chunk(body, size=None, data=None, end=b"\r\n0\r\n\r\n", after_size=b"\r\n"):
    """`body` in one chunk, each part of which can be replaced."""
    return (b"%x" % len(body) if size is None else size) + after_size + (body if data is None else data) + end


def good_chunks(body):
    """name → the body in chunks, which must be read."""
    n, big = b"%x" % len(body), b"%X" % len(body)

    def of(size, **parts):
        return one_chunk(body, size, **parts)

    at = body.index(MARK) if MARK in body else len(body)
    return {
        "of small hex digits": of(n), "of large hex digits": of(big), "with leading zeros": of(b"000" + n),
        "in many chunks": b"".join(b"1\r\n%c\r\n" % c for c in body[:at]) + (b"8\r\n%s\r\n" % MARK if MARK in body else b"")
                          + b"".join(b"1\r\n%c\r\n" % c for c in body[at + 8:]) + b"0\r\n\r\n",
        "with an extension": of(n + b";a"), "with a named extension": of(n + b";a=b"),
        "with a quoted extension": of(n + b';a="b; c"'),
        "with a quoted pair in an extension": of(n + b';a="b\\"c"'), "with two extensions": of(n + b";a=b;c"),
        "with a last chunk of several zeros": of(n, end=b"\r\n0000\r\n\r\n"),
        "with an extension on the last chunk": of(n, end=b"\r\n0;a=b\r\n\r\n"),
        "with a trailer": of(n, end=b"\r\n0\r\nX-Checksum: 1\r\n\r\n"),
        "with two trailers": of(n, end=b"\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n"),
        "with a trailer of no value": of(n, end=b"\r\n0\r\nX-A:\r\n\r\n")
    }


def doubtful_chunks(body):
    """What may be read or refused."""
    n = b"%x" % len(body)

    def of(size, **parts):
        return one_chunk(body, size, **parts)

    return {
        "with 20 leading zeros": of(b"0" * 20 + n), "with a space before an extension": of(n + b" ;a=b"),
        "with spaces in an extension": of(n + b"; a = b"), "with 64 zeros to end": of(n,
            end=b"\r\n" + b"0" * 64 + b"\r\n\r\n"),
    }


def bad_chunks(body):
    """What must be refused."""
    n = b"%x" % len(body)

    def of(size, **parts):
        return one_chunk(body, size, **parts)

    return {
        "size not hex": of(b"g"), "size with a letter behind": of(n + b"g"), "size empty": of(b""),
        "size only an extension": of(b";a=b"), "size with a sign": of(b"+" + n),
        "size negative": of(b"-" + n), "size minus one": of(b"-1"), "size with 0x": of(b"0x" + n),
        "size with 0X": of(b"0X" + n), "size with h": of(n + b"h"), "size with a space before": of(b" " + n),
        "size with a tab before": of(b"\t" + n), "size with a space behind": of(n + b" "),
        "size with a tab behind": of(n + b"\t"), "size with a vertical tab behind": of(n + b"\x0b"),
        "size with a space inside": of(n[:1] + b" " + n[1:]), "size with an underscore": of(n[:1] + b"_" + n[1:]),
        "size with NUL behind": of(n + b"\0"), "size with NUL before": of(b"\0" + n),
        "size with a comma": of(n + b"," + n), "size with a dot": of(n + b".0"), "size in quotes": of(b'"' + n + b'"'),
        "size in full-width digits": of("３ｆ".encode()), "size of 0xff bytes": of(b"\xff\xff"),
        "size end with bare LF": of(n, after_size=b"\n"), "size end with bare CR": of(n, after_size=b"\r"),
        "size end with CR CR LF": of(n, after_size=b"\r\r\n"), "size end with LF CR": of(n, after_size=b"\n\r"),
        "data without CRLF": of(n, end=b"0\r\n\r\n"), "data with bare LF": of(n, end=b"\n0\r\n\r\n"),
        "data with bare CR": of(n, end=b"\r0\r\n\r\n"), "data with a space before CRLF": of(n, end=b" \r\n0\r\n\r\n"),
        "data with LF CR": of(n, end=b"\n\r0\r\n\r\n"), "data with two CRLF": of(n, end=b"\r\n\r\n0\r\n\r\n"),
        "data one byte longer than the size": of(n, data=body + b" "),
        "data one byte shorter than the size": of(n, data=body[:-1]),
        "extension of nothing": of(n + b";"), "extension with a bare CR": of(n + b";a\rb"),
        "extension with a bare LF": of(n + b";a\nb"), "extension that ends in bare LF": of(n + b";a", after_size=b"\n"),
        "extension with NUL": of(n + b";a\0"), "extension with a control character": of(n + b";a\x01"),
        "extension with DEL": of(n + b";a\x7f"), "extension with a bare CR in quotes": of(n + b';a="b\rc"'),
        "extension with a bare LF in quotes": of(n + b';a="b\nc"'),
            "extension with CRLF in quotes": of(n + b';a="b\r\nc"'),
        "extension with NUL in quotes": of(n + b';a="\0"'), "extension with an open quote": of(n + b';a="b'),
        "extension without a name": of(n + b";=b"), "extension without a semicolon": of(n + b" a=b"),
        "extension that hides a chunk by bare LF": of(n + b";\n" + n),
        "last chunk with a sign": of(n, end=b"\r\n-0\r\n\r\n"), "last chunk with 0x": of(n, end=b"\r\n0x0\r\n\r\n"),
        "last chunk with bare LF": of(n, end=b"\r\n0\n\r\n"), "end with bare LF": of(n, end=b"\r\n0\r\n\n"),
        "end with two bare LF": of(n, end=b"\r\n0\n\n"), "end with CR CR LF": of(n, end=b"\r\n0\r\n\r\r\n"),
        "end with a bare CR": of(n, end=b"\r\n0\r\n\rX"), "end with a space": of(n, end=b"\r\n0\r\n \r\n"),
        "last chunk with a space": of(n, end=b"\r\n0 \r\n\r\n"),
        "trailer without a colon": of(n, end=b"\r\n0\r\nX-A\r\n\r\n"), "trailer without a name": of(n,
            end=b"\r\n0\r\n: b\r\n\r\n"),
        "trailer with a space before the colon": of(n, end=b"\r\n0\r\nX-A : b\r\n\r\n"),
        "trailer with a space before it": of(n, end=b"\r\n0\r\n X-A: b\r\n\r\n"),
        "trailer folded": of(n, end=b"\r\n0\r\nX-A: b\r\n c\r\n\r\n"), "trailer with NUL": of(n,
            end=b"\r\n0\r\nX-A: b\0\r\n\r\n"),
        "trailer with a bare CR": of(n, end=b"\r\n0\r\nX-A: b\rc\r\n\r\n"),
        "trailer with a bare LF": of(n, end=b"\r\n0\r\nX-A: b\nX-B: c\r\n\r\n"),
        "trailers that end with bare LF": of(n, end=b"\r\n0\r\nX-A: b\r\n\n"),
        "trailer with a control character": of(n, end=b"\r\n0\r\nX-A: b\x01\r\n\r\n"),
        "trailer with a bad name": of(n, end=b"\r\n0\r\nX(A): b\r\n\r\n"),
        "trailer that is a request": of(n, end=b"\r\n0\r\nGET / HTTP/1.1\r\n\r\n")
    }


EVIL_REQUEST = message(body=BODY.replace(MARK, EVIL))


def echo(request):
    """The provider of the tables: answers with the content it was asked about."""
    try:
        text = json.loads(request.body)["messages"][0]["content"]
    except (ValueError, LookupError, TypeError):
        text = "?"
    return http(chat_answer(text))


class Bench:
    """The gateway and the provider of a table; a gateway that died fails the row and is started anew."""

    def __init__(self, answer=echo, **settings):
        self.answer, self.settings = answer, settings
        self.gateway = self.provider = None
        self.broken = False
        self.faulty = 0         # faults that rows have told of already

    def up(self):
        if self.provider is None:
            self.provider = Provider(self.answer)
        if self.broken:
            raise AssertionError("the gateway does not start, see above")
        if self.gateway is None:
            gateway = Gateway(config(self.provider, **self.settings))
            self.broken = True
            gateway.__enter__()
            self.broken = False
            self.gateway = gateway
        return self.gateway

    def alive(self):
        if self.gateway and self.gateway.process.poll() is not None:
            dead, self.gateway = self.gateway, None
            dead.__exit__(None)         # raises with its last messages
            raise AssertionError("the gateway ended by itself")

    def done(self):
        try:
            if self.gateway:
                self.gateway.__exit__(None)
            if self.provider:
                assert len(self.provider.faults) <= self.faulty, f"unclean bytes reached the provider: {self.provider.faults[-1]}"
                assert not self.provider.saw(EVIL), "a smuggled request reached the provider"
        finally:
            if self.provider:
                self.provider.stop()
            self.gateway = self.provider = None


def fresh_mark():
    return b"M%07d" % next(_marks)


def check_upstream(bench, request, mark, body=UPSTREAM_BODY, path=PATH):
    """What the provider got: its own credential, clean fields, the body as the client wrote it but for the model."""
    same(request.method, "POST", "method upstream")
    same(request.target.partition("?")[0], path, "target upstream")
    same(request.get("host"), f"127.0.0.1:{bench.provider.port}", "Host upstream")
    same(request.headers.all("authorization"), [b"Bearer " + PROVIDER_KEY.encode()], "credential upstream")
    for name, value in request.headers:
        if name.lower() in HOP_BY_HOP and not (name.lower() == b"connection" and value.lower() == b"keep-alive"):
            raise AssertionError(f"hop-by-hop field upstream: {name!r}: {value!r}")
        if name.lower() in (b"cookie", b"expect", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-sluice-hop"):
            raise AssertionError(f"field upstream that is not the provider's business: {name!r}: {value!r}")
        if b"_" in name:
            raise AssertionError(f"a field with an underscore upstream: {name!r}: {value!r}")
    for secret in (CLIENT_KEY, ADMIN_KEY):
        assert secret.encode() not in request.head + request.body, "the client's credential went upstream"
    if body is not None:
        same(request.body, body.replace(MARK, mark), "body upstream")


def follow_up(client, gateway):
    """A request on a connection that was left open must be answered as usual."""
    client.send(request_bytes("GET", "/v1/models"))
    r = client.answer("GET")
    same(r.status, 200, f"the request after it: {r.head + r.body!r}")


class Accepted:
    """200; one clean request upstream with `body`; then the connection is open or closed as its head says."""

    def __init__(self, body=UPSTREAM_BODY, closed=None, interim=False):
        self.body, self.closed, self.interim = body, closed, interim

    statuses = {200}

    def check(self, bench, client, mark, r=None):
        r = r or client.answer()
        same(r.status, 200, f"answer {r.body[:300]!r}")
        assert r.json()["choices"][0]["message"]["content"].encode() == mark, f"another's answer: {r.body!r}"
        got = bench.provider.with_body(mark)
        same(len(got), 1, "requests upstream")
        check_upstream(bench, got[0], mark, self.body)
        after(client, bench.gateway, r, self.closed)


class Refused:
    """One answer with one of these statuses, then the connection is closed; nothing upstream."""

    def __init__(self, *statuses, silent=False):
        self.statuses, self.silent = set(statuses or (400,)), silent

    def check(self, bench, client, mark, r=None):
        try:
            r = r or client.answer()
        except Ended as e:
            if self.silent and not e.got:
                return nothing_upstream(bench, mark)
            raise
        is_error(r, self.statuses)
        assert r.says_close, f"it closes without saying so: {r.head!r}"
        client.is_closed()
        nothing_upstream(bench, mark)


class Answered:
    """Understood, and answered with an error; the connection is closed if the answer says so, else goes on."""

    def __init__(self, *statuses, method="POST", body=True):
        self.statuses, self.method, self.body = set(statuses), method, body

    def check(self, bench, client, mark, r=None):
        r = r or client.answer(self.method)
        assert r.status in self.statuses, f"status {r.status} {r.body[:300]!r}, wanted {sorted(self.statuses)}"
        if r.status >= 400 and self.method != "HEAD":
            is_error(r, self.statuses)
        if r.status == 405:
            assert r.headers.has("allow"), f"405 without Allow: {r.head!r}"
        nothing_upstream(bench, mark)
        after(client, bench.gateway, r, None)


class Either:
    """More than one reading is allowed by the RFC; the one whose status fits is checked in full."""

    def __init__(self, *choices):
        self.choices = choices

    def check(self, bench, client, mark):
        r = client.answer()
        fitting = [c for c in self.choices if r.status in c.statuses]
        if not fitting:
            raise AssertionError(f"status {r.status} {r.body[:300]!r}, wanted {sorted(set().union(*[c.statuses for c in self.choices]))}")
        open_ones = [c for c in fitting if not isinstance(c, Refused)]
        (open_ones[0] if open_ones and not r.says_close else fitting[0]).check(bench, client, mark, r)


def after(client, gateway, r, closed):
    if closed is not None:
        same(r.says_close, closed, f"Connection: close in {r.head!r}")
    if r.says_close:
        client.is_closed()
    else:
        follow_up(client, gateway)


def nothing_upstream(bench, mark):
    got = bench.provider.with_body(mark) + bench.provider.with_body(EVIL)
    assert not got, f"it reached the provider: {got[0].head + got[0].body!r}"


WAYS = (("in one write", in_one), ("byte by byte", byte_by_byte), ("cut at random", None), ("cut elsewhere", None))


def rows_to_cases(bench, rows, ways=WAYS):
    """(name, function) for each row, which is sent in each way. A row is (name, section, bytes, expectation)."""
    for name, section, raw, want in rows:
        yield f"{name} [{section}]", _case(bench, name, raw, want, ways)


def _case(bench, name, raw, want, ways):
    def run():
        failed = []
        for n, (way, pieces) in enumerate(ways):
            try:
                _send_row(bench, raw, want, pieces or cut_randomly(f"{name}{n}"))
            except (AssertionError, Malformed, Ended, Late, OSError) as e:
                failed.append((way, e))
                if len(failed) == 2:
                    break           # enough to see; each failure may have taken a deadline
        if failed:
            raise AssertionError("; ".join(f"{way}: {type(e).__name__ if not isinstance(e, AssertionError) else ''} {e}" for way, e in failed))
    run.limit = 60
    return run


def _send_row(bench, raw, want, pieces):
    gateway = bench.up()
    mark = fresh_mark()
    bench.provider.forget()
    before = len(bench.provider.faults)
    with gateway.client() as client:
        try:
            client.send_pieces(pieces(raw.replace(MARK, mark)), stop_on_answer=isinstance(want, Refused))
            want.check(bench, client, mark)
        finally:
            bench.alive()
    faults = bench.provider.faults[before:]
    bench.faulty += len(faults)
    same(faults, [], "unclean bytes upstream")
