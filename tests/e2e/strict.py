# SPDX-License-Identifier: Apache-2.0
"""strict: what the strictness tables share: one gateway and one provider for a table, and the checks of a row.

Bodies hold @@MARK@@, replaced by a mark of the same length for each run, by which what reaches the provider is found
again. A smuggled request, were it ever taken for one, would bring @@EVIL@@ to the provider.
"""
import itertools
import json

from harness import (ADMIN_KEY, CLIENT_KEY, PROVIDER_KEY, Gateway, chat_answer, config, http, is_error, request_bytes, same)
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
        self.faulty = 0         # faults that rows have told of already

    def up(self):
        if self.provider is None:
            self.provider = Provider(self.answer)
        if self.gateway is None:
            gateway = Gateway(config(self.provider, **self.settings))
            gateway.__enter__()
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
            client.send_pieces(pieces(raw.replace(MARK, mark)), stop_on_answer=isinstance(want, (Refused, Either)))
            want.check(bench, client, mark)
        finally:
            bench.alive()
    faults = bench.provider.faults[before:]
    bench.faulty += len(faults)
    same(faults, [], "unclean bytes upstream")
