# SPDX-License-Identifier: Apache-2.0
"""Strictness towards providers: answers as RFC 9110 and RFC 9112 forbid or allow them, whole and byte by byte. What is
wrong becomes 502 or the stream's error event, never a clean end, and the connection is not used again. After every row
the next request gets its own answer. The number in each row is the section (no RFC number: 9112)."""
import json
import random
import threading

from harness import (PATIENT, PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chat, chat_answer, chat_stream, chunk, config, event,
                     events_of, http, is_error, no_secret, same, short, sse)
from provider import Close, Each, HalfClose, Never, Provider, Reset, Wait
from strict import bad_chunks, doubtful_chunks, echo, good_chunks
from strict_connections import CHANGES, SEED, changed_at_random
from wire import Ended, Late, Malformed, read_response_head

TEXT = "the answer"
J = json.dumps(chat_answer(TEXT)).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CL = b"Content-Length: %d\r\n" % len(J)
TE = b"Transfer-Encoding: chunked\r\n"
CHUNKS = chunk(J) + b"0\r\n\r\n"
WHOLE = OK + CL + b"\r\n" + J
EVENTS = [event(e) for e in chat_stream("one ", "two ", "three")]
STREAM = b"".join(EVENTS)
NO_RETRY = {**PATIENT, "retries": {"attempts": 0}}
ROWS = []       # (name, section, steps, expectation)


def row(name, section, steps, want):
    ROWS.append((name, section, [steps] if isinstance(steps, bytes) else list(steps), want))


class Good:
    """The client gets the answer; the connection is used again or not, as `reused` says (None: either)."""

    def __init__(self, reused=True):
        self.reused = reused

    def check(self, r):
        same(r.status, 200, f"{short(r.body)}")
        same(r.json()["choices"][0]["message"]["content"], TEXT)


class Bad:
    """The client gets one of these statuses in its own dialect, and the connection is closed."""
    reused = False

    def __init__(self, *statuses, reused=False, code=None):
        self.statuses, self.reused, self.code = set(statuses or (502,)), reused, code

    def check(self, r):
        is_error(r, self.statuses, self.code)


class Either:
    def __init__(self, *choices):
        self.choices, self.reused = choices, None

    def check(self, r):
        next(c for c in self.choices if (r.status == 200) == isinstance(c, Good)).check(r)


BAD, GOOD, GOOD_OR_BAD = Bad(), Good(), Either(Good(), Bad())

# -- framing -------------------------------------------------------------------------------------------------------
row("a whole answer with a length", "6.2", WHOLE, GOOD)
row("a whole answer in chunks", "7.1", OK + TE + b"\r\n" + CHUNKS, GOOD)
row("an answer that ends with the connection", "6.3", [OK + b"\r\n" + J, Close], Good(reused=False))
row("an answer of HTTP/1.0 that ends with the connection", "6.3", [OK.replace(b"1.1", b"1.0") + b"\r\n" + J, Close],
    Good(reused=False))
row("an answer of HTTP/1.0 with a length", "9.3", [OK.replace(b"1.1", b"1.0") + CL + b"\r\n" + J], Good(reused=False))
row("an answer of HTTP/1.0 that keeps alive", "9.3",
    OK.replace(b"1.1", b"1.0") + CL + b"Connection: keep-alive\r\n\r\n" + J, Good(reused=None))
row("an answer with Connection: close", "9.6", OK + CL + b"Connection: close\r\n\r\n" + J, Good(reused=False))
row("an answer with Connection: Close in a list", "9.6", OK + CL + b"Connection: x-a, Close\r\n\r\n" + J,
    Good(reused=False))
row("the body is shorter than its length", "8", [OK + b"Content-Length: %d\r\n\r\n" % (len(J) + 1) + J, Close], BAD)
row("the body is much shorter than its length", "8", [OK + b"Content-Length: 1000000\r\n\r\n" + J, Close], BAD)
row("the body is shorter than its length by whitespace", "8",
    [OK + b"Content-Length: %d\r\n\r\n" % (len(J) + 4) + J + b"   ", Close], BAD)
row("no byte of the body comes", "8", [OK + CL + b"\r\n", Close], BAD)
row("the body is longer than its length", "6.3", OK + b"Content-Length: %d\r\n\r\n" % (len(J) - 1) + J, BAD)
row("the body is cut by a reset", "8", [OK + CL + b"\r\n" + J[:20], Reset], BAD)
row("an answer without framing is cut", "8", [OK + b"\r\n" + J[:-5], Close], BAD)
for name, value in {
        "twice, different": CL + b"Content-Length: 5",
            "twice, different, small first": b"Content-Length: 5\r\n" + CL.strip(),
        "in a list, different": b"Content-Length: %d, 5" % len(J), "signed": b"Content-Length: +%d" % len(J),
            "negative": b"Content-Length: -1",
        "in hex": b"Content-Length: 0x%x" % len(J), "empty": b"Content-Length:", "not a number": b"Content-Length: x",
        "with a space inside": b"Content-Length: 1 0", "with a letter": b"Content-Length: %da" % len(J),
            "with NUL": b"Content-Length: %d\0" % len(J),
        "of 2^64 and the true one": b"Content-Length: %d" % (2**64 + len(J)),
            "of 40 digits": b"Content-Length: " + b"9" * 40,
        "with a fraction": b"Content-Length: %d.0" % len(J),
            "with a space before the colon": b"Content-Length : %d" % len(J),
        "folded": b"Content-Length:\r\n %d" % len(J), "after a bare LF": b"X-A: b\nContent-Length: %d" % len(J),
        "after a bare CR": b"X-A: b\rContent-Length: %d" % len(J)}.items():
    row(f"Content-Length {name}", "6.3", OK + value + b"\r\n\r\n" + J, BAD)
for name, value in {"twice, equal": CL + CL, "in a list, equal": b"Content-Length: %d, %d\r\n" % (len(J), len(J)),
                    "with a leading zero": b"Content-Length: 0%d\r\n" % len(J)}.items():
    row(f"Content-Length {name}", "6.3", OK + value + b"\r\n" + J, GOOD_OR_BAD)
row("a length of 1 TiB", "6.2", [OK + b"Content-Length: 1099511627776\r\n\r\n" + J, Never], BAD)
row("CL and TE", "6.3", OK + CL + TE + b"\r\n" + CHUNKS, BAD)
row("TE and CL", "6.3", OK + TE + CL + b"\r\n" + CHUNKS, BAD)
row("TE and a length of 0", "6.3", OK + TE + b"Content-Length: 0\r\n\r\n" + CHUNKS, BAD)
for value in (b"gzip, chunked", b"identity", b"xchunked", b"chunked, chunked", b"chunked, gzip", b"", b"cow",
        b"chunked;q=1", b'"chunked"',
              b"\x0bchunked", b"chunked\0", b"gzip"):
    row(f"Transfer-Encoding {value!r}", "6.1", OK + b"Transfer-Encoding: " + value + b"\r\n\r\n" + CHUNKS, BAD)
row("Transfer-Encoding twice", "6.1", OK + TE + TE + b"\r\n" + CHUNKS, BAD)
row("Transfer-Encoding in HTTP/1.0", "6.1", [OK.replace(b"1.1", b"1.0") + TE + b"\r\n" + CHUNKS, Close], BAD)
row("Transfer-Encoding with a space before the colon", "5.1", OK + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS, BAD)
row("Transfer-Encoding folded", "5.2", OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNKS, BAD)
row("Transfer-Encoding CHUNKED", "7", OK + b"TRANSFER-ENCODING: CHUNKED\r\n\r\n" + CHUNKS, GOOD)

# -- chunks --------------------------------------------------------------------------------------------------------
for name, body in good_chunks(J).items():
    row(f"chunks {name}", "7.1", OK + TE + b"\r\n" + body, GOOD)
for name, body in doubtful_chunks(J).items():
    row(f"chunks {name}", "7.1", OK + TE + b"\r\n" + body, GOOD_OR_BAD)
for name, body in bad_chunks(J).items():
    row(f"chunk {name}", "7.1", [OK + TE + b"\r\n" + body, HalfClose], BAD)
for name, end in {"before the last chunk": b"", "in the last chunk": b"0\r\n", "in its CRLF": b"0\r",
        "before the last CRLF": b"0\r\n\r"}.items():
    row(f"chunks end {name}", "7.1", [OK + TE + b"\r\n" + chunk(J) + end, Close], BAD)
row("chunk size of 17 digits", "7.1", OK + TE + b"\r\n1" + b"0" * 14 + CHUNKS, BAD)
row("chunk size of 2^63", "7.1", [OK + TE + b"\r\n8" + b"0" * 15 + b"\r\n" + J, Never], BAD)
row("a chunk extension of 1 MiB", "7.1.1",
    [OK + TE + b"\r\n%x;" % len(J) + b"a" * (1 << 20) + b"\r\n" + J + b"\r\n0\r\n\r\n"], BAD)
row("trailers of 1 MiB", "7.1.2", [OK + TE + b"\r\n" + chunk(J) + b"0\r\n" + b"X-A: b\r\n" * (1 << 17) + b"\r\n"], BAD)
for trailer in (b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Set-Cookie: a=b", b"Connection: close"):
    row(f"trailer {trailer.decode()}", "9110 6.5.1", OK + TE + b"\r\n" + chunk(J) + b"0\r\n" + trailer + b"\r\n\r\n",
        Either(Good(reused=None), BAD))

# -- heads ---------------------------------------------------------------------------------------------------------
REST = b"Content-Type: application/json\r\n" + CL + b"\r\n" + J
for line in (b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/1.1 abc OK", b"HTTP/1.1 2x0 OK", b"HTTP/1.1 -20 OK",
        b"HTTP/1.1 000 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1 0x200 OK",
             b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1200 OK", b"HTTP/1.1 200OK", b"HTTP/1.1", b"HTTP/1.1 ",
                 b"HTTP/1.1 OK", b"http/1.1 200 OK", b" HTTP/1.1 200 OK",
             b"HTTP/2.0 200 OK", b"HTTP/2 200 OK", b"HTTP/0.9 200 OK", b"HTTP/11.1 200 OK", b"HTTP/1.10 200 OK",
                 b"HTTP/1 200 OK", b"HTTP/a.b 200 OK", b"ICY 200 OK", b"RTSP/1.0 200 OK",
             b"XHTTP/1.1 200 OK", b"HTTP/1.1 200 O\0K", b"HTTP/1.1 200 O\x01K", b"HTTP/1.1 200 O\rK",
                 b"HTTP/1.1 200 OK\r", b"HTTP/1.1 200 O\x7fK", b"\0HTTP/1.1 200 OK",
             b"POST / HTTP/1.1", b"200 OK", b"", b"HTTP/1.1 200 OK\nX-A: b"):
    row(f"status line {line!r}", "4", [line + b"\r\n" + REST, HalfClose], BAD)
for line in (b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.2 200 OK", b"\r\nHTTP/1.1 200 OK", b"HTTP/1.1 200 \xe9"):
    row(f"status line {line!r}", "4", [line + b"\r\n" + REST, HalfClose], Either(Good(reused=None), BAD))
row("status 600", "9110 15", b"HTTP/1.1 600 What\r\n" + REST, BAD)
row("status 999", "9110 15", b"HTTP/1.1 999 What\r\n" + REST, BAD)
row("HTTP/0.9", "4", [J, Close], BAD)
for name, field in {
        "without a colon": b"X-A", "without a name": b": b", "with a space before the colon": b"X-A : b",
            "with a space in the name": b"X A: b",
        "with a bad character in the name": b"X(A): b", "with 0xff in the name": b"X\xffA: b",
            "with NUL in the name": b"X\0A: b", "with NUL in the value": b"X-A: b\0",
        "with a bare CR": b"X-A: b\rc", "with a bare LF": b"X-A: b\nc", "that ends in CR CR LF": b"X-A: b\r",
            "with a control character": b"X-A: b\x01", "with DEL": b"X-A: b\x7f",
        "folded": b"X-A: b\r\n c", "folded with a tab": b"X-A: b\r\n\tc", "that starts with a space": b" X-A: b",
            "that starts with a tab": b"\tX-A: b", "with escape": b"X-A: \x1b[31m"}.items():
    row(f"a field {name}", "5", OK + field + b"\r\n" + CL + b"\r\n" + J, BAD)
row("a folded first field", "2.2", b"HTTP/1.1 200 OK\r\n X-A: b\r\n" + REST, BAD)
row("bare LF everywhere", "2.2", [WHOLE.replace(b"\r\n", b"\n"), HalfClose], BAD)
row("the head ends in CRLF LF", "2.2", [WHOLE.replace(b"\r\n\r\n", b"\r\n\n", 1), HalfClose], BAD)
row("the head ends in LF CRLF", "2.2", [WHOLE.replace(b"\r\n\r\n", b"\n\r\n", 1), HalfClose], BAD)
row("an empty field value", "5", OK + b"X-A:\r\n" + CL + b"\r\n" + J, GOOD)
row("obs-text in a value", "9110 5.5", OK + b"X-A: \xe9\r\n" + CL + b"\r\n" + J, GOOD_OR_BAD)
row("a value of 1 MiB", "9110 5.4", [OK + b"X-A: " + b"b" * (1 << 20) + b"\r\n" + CL + b"\r\n" + J], BAD)
row("20,000 fields", "9110 5.4", [OK + b"X-A: b\r\n" * 20000 + CL + b"\r\n" + J], BAD)
row("a head without an end", "9110 5.4", [OK, *[b"X-A: b\r\n" * 1000] * 2000, Never], BAD)
row("a status line without an end", "4", [b"HTTP/1.1 200 ", *[b"O" * 65536] * 64, Never], BAD)
row("the head is cut", "8", [OK + b"Content-Le", Close], BAD)
row("the head is cut before its last LF", "8", [OK + CL + b"\r", Close], BAD)
row("the status line is cut", "8", [b"HTTP/1.1 2", Close], BAD)

# -- statuses without a body, and interim ones ---------------------------------------------------------------------
row("204", "9110 15.3.5", b"HTTP/1.1 204 No Content\r\n\r\n", Bad(reused=None))
row("204 with a body", "6.3", b"HTTP/1.1 204 No Content\r\n" + CL + b"\r\n" + J, BAD)
row("205 without a body", "9110 15.3.6", b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", Bad(reused=None))
row("304", "9110 15.4.5", b"HTTP/1.1 304 Not Modified\r\n\r\n", Bad(reused=None))
row("304 with a body", "6.3", b"HTTP/1.1 304 Not Modified\r\n" + CL + b"\r\n" + J, BAD)
row("206 nobody asked for", "9110 15.3.7",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/100\r\n" + CL + b"\r\n" + J,
    Either(Good(reused=None), Bad(reused=None)))
row("100 before the answer", "9110 15.2", b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, GOOD)
row("103 before the answer", "9110 15.2", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + WHOLE, GOOD)
row("three interim answers", "9110 15.2", b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + WHOLE, GOOD)
row("interim answers without end", "9110 15.2", [*[b"HTTP/1.1 100 Continue\r\n\r\n" * 1000] * 200, Never], BAD)
row("101 nobody asked for", "9110 15.2.2",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n" + WHOLE, BAD)
row("an interim answer with a body", "9110 15.2", b"HTTP/1.1 100 Continue\r\n" + CL + b"\r\n" + J + WHOLE, BAD)
row("only an interim answer", "9110 15.2", [b"HTTP/1.1 100 Continue\r\n\r\n", Close], BAD)

# -- bytes behind the answer ---------------------------------------------------------------------------------------
row("garbage behind the answer", "6.3", WHOLE + b"garbage", Good(reused=False))
row("one byte behind the answer", "6.3", WHOLE + b"\n", Good(reused=False))
row("CRLF behind the answer", "6.3", WHOLE + b"\r\n", Good(reused=False))
row("a second answer behind the answer", "9.2", WHOLE + OK + b"Content-Length: 2\r\n\r\n{}", Good(reused=False))
row("a second answer behind chunks", "9.2", OK + TE + b"\r\n" + CHUNKS + WHOLE, Good(reused=False))
row("the connection ends behind the answer", "9.6", [WHOLE, Close], Good(reused=False))

# -- 200 that is no answer -----------------------------------------------------------------------------------------
for name, body in {
        "nothing": b"", "not JSON": b"<html>Bad gateway</html>", "half JSON": J[:-1], "JSON and more": J + b"x",
            "two JSON texts": J + J, "a JSON array": b"[" + J + b"]",
        "a JSON string": b'"ok"', "null": b"null", "a number": b"42",
            "bytes that are not UTF-8": J.replace(b"the answer", b"\xff\xfe"),
            "NUL in a string": J.replace(b"the answer", b"a\0b"),
        "NUL behind": J + b"\0", "a raw newline in a string": J.replace(b"the answer", b"a\nb"),
            "deep nesting": b"[" * 100000 + b"]" * 100000, "deep nesting that is open": b'{"a":' * 100000,
        "spaces": b"   ", "a byte order mark": b"\xef\xbb\xbf", "single quotes": b"{'a': 1}",
            "NaN": J.replace(b"11", b"NaN", 1), "UTF-16": J.decode().encode("utf-16")}.items():
    row(f"200 with {name}", "9110 15.6.3", http(body), Bad(reused=None))
row("200 with text/html", "9110 15.6.3", http(b"<html></html>", content_type="text/html"), Bad(reused=None))
row("200 without a content type but JSON", "9110 8.3", b"HTTP/1.1 200 OK\r\n" + CL + b"\r\n" + J,
    Either(Good(reused=None), Bad()))
row("200 with JSON called text/plain", "9110 8.3", http(J, content_type="text/plain"), Either(Good(reused=None), Bad()))
row("200 with a stream nobody asked for", "9110 15.6.3", http(STREAM, content_type="text/event-stream"),
    Bad(reused=None))
for coding in (b"gzip", b"br", b"deflate", b"zstd", b"nonsense"):
    row(f"Content-Encoding {coding.decode()} nobody asked for", "9110 12.5.3",
        OK + CL + b"Content-Encoding: " + coding + b"\r\n\r\n" + J, Bad(reused=None))
row("Content-Encoding identity", "9110 12.5.3", OK + CL + b"Content-Encoding: identity\r\n\r\n" + J,
    Either(Good(reused=None), Bad(reused=None)))

# -- nothing, or too late ------------------------------------------------------------------------------------------
row("the connection ends before a byte", "9.5", [Close], BAD)
row("a reset before a byte", "9.5", [Reset], BAD)
row("only CRLF", "4", [b"\r\n\r\n", Close], BAD)
row("another protocol", "4", [b"SSH-2.0-OpenSSH_9.2\r\n", Close], BAD)
row("a TLS alert", "4", [bytes.fromhex("15030300020228"), Close], BAD)
row("HTTP/2", "4", [bytes.fromhex("00000604000000000000050000400000"), HalfClose], BAD)
LATE = Bad(504, code="upstream_timeout")
row("no byte in time", "9110 15.6.5", [Never], LATE)
row("half a head in time", "9110 15.6.5", [OK, Never], LATE)
row("half a body in time", "9110 15.6.5", [OK + CL + b"\r\n" + J[:10], Never], Bad(502, 504))
row("only an interim answer in time", "9110 15.6.5", [b"HTTP/1.1 100 Continue\r\n\r\n", Never], LATE)
row("a body that drips", "9110 15.6.5", [OK + b"Content-Length: 100000\r\n\r\n", *[b" "] * 30, Never], Bad(502, 504))

# -- redirects and refusals ----------------------------------------------------------------------------------------
for status in (300, 301, 302, 303, 307, 308):
    row(f"redirect {status} is not followed", "9110 15.4",
        [b"HTTP/1.1 %d Moved\r\nLocation: @@ELSEWHERE@@\r\nContent-Length: 0\r\n\r\n" % status], Bad(reused=None))
for status, wanted in ((400, 400), (404, 404), (422, 422)):
    row(f"{status} of the provider passes with its message", "9110 15.5",
        http({"error": {"message": "do better", "type": "invalid_request_error", "param": None, "code": None}},
            f"{status} No"), Bad(wanted, reused=None))
for status, wanted in ((401, {502, 503}), (403, {502, 503}), (407, {502, 503}), (429, {429, 502, 503}),
        (500, {502, 503}), (501, {502, 503}), (502, {502, 503}), (503, {502, 503}), (504, {502, 503, 504}),
                       (529, {502, 503, 529}), (599, {502, 503})):
    row(f"{status} of the provider", "9110 15.6", http({"error": {"message": "no", "type": "x"}}, f"{status} No"),
        Bad(*wanted, reused=None))
for status in (400, 401, 404, 429, 500):
    row(f"{status} that shows the credential", "9110 17",
        http({"error": {"message": f"bad key {PROVIDER_KEY}, you sent Bearer {PROVIDER_KEY}", "type": "x",
        "code": PROVIDER_KEY}},
        f"{status} No", headers=[f"X-Key: {PROVIDER_KEY}"]), Bad(400, 401, 403, 404, 429, 500, 502, 503, reused=None))
row("400 that is HTML", "9110 15.5", http(b"<html>no</html>", "400 Bad Request", "text/html"),
    Bad(400, 502, reused=None))
row("400 that is empty", "9110 15.5", http(b"", "400 Bad Request"), Bad(400, 502, reused=None))
row("400 that is cut", "8", [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n{", Close], Bad(400, 502))
row("500 of 10 MiB", "9110 15.6", [http(b"x" * (10 << 20), "500 No")], Bad(502, 503, reused=None))


# -- running the rows ----------------------------------------------------------------------------------------------
class Bench:
    """One gateway for all rows: each row has a model of its own, so that no row's failures weigh on another's."""

    def __init__(self):
        self.gateway = self.provider = self.elsewhere = None

    def up(self):
        if self.gateway:
            return
        if self.provider:
            raise AssertionError("the gateway does not start, or ended, see above")
        self.script = {}
        self.elsewhere = Provider(echo)
        self.provider = Provider(self.answer)
        names = ["good"] + [f"m{i}" for i in range(len(ROWS) + len(STREAMS))]
        gateway = Gateway(config(
            self.provider, routing=NO_RETRY,
            providers={"up": {"dialect": "openai-chat", "base_url": self.provider.url + "/v1", "api_key": PROVIDER_KEY,
                              "timeouts": {"connect": "1s", "first_byte": "500ms", "idle": "500ms", "total": "2s"}}},
            models=[{"name": n, "deployments": [{"provider": "up", "model": n}]} for n in names]))
        gateway.__enter__()
        self.gateway = gateway

    def answer(self, request):
        steps = self.script.get(json.loads(request.body)["model"])
        return steps() if steps else echo(request)

    def play(self, index, steps, want, each):
        """Let the provider play `steps` for a model of this row; the client's answer and the provider's connection."""
        self.up()
        name = f"m{index}"
        steps = [s.replace(b"@@ELSEWHERE@@", self.elsewhere.url.encode() + b"/v1/chat/completions") if isinstance(s,
            bytes) else s for s in steps]
        if each:
            steps = [Each(s) if isinstance(s, bytes) else s for s in steps]
        self.script[name] = lambda: steps
        self.provider.forget()
        return name

    def after(self, want):
        """The connection is closed or open as wanted, and the next request gets its own answer."""
        last = self.provider.requests[-1].connection if self.provider.requests else None
        assert last, "nothing reached the provider"
        if want.reused is False:
            assert last.ended.wait(4 * SLOW) and last.by_gateway or last.ended.is_set(), "the connection upstream stays open"
        mark = f"next {id(want)}"
        r = self.gateway.post("/v1/chat/completions", chat(mark, "good"))
        same(r.status, 200, f"the request after it: {short(r.body)}")
        same(r.json()["choices"][0]["message"]["content"], mark, "the request after it got another's answer")
        now = self.provider.requests[-1].connection
        if want.reused is True:
            same(now.index, last.index, "the connection that the next request used")
        elif want.reused is False:
            assert now is not last, "a spoiled connection was used again"
        assert not self.elsewhere.requests, "a redirect was followed"
        same(self.provider.faults, [], "unclean bytes upstream")

    def alive(self):
        if self.gateway and self.gateway.process.poll() is not None:
            dead, self.gateway = self.gateway, None
            self.stop_providers()
            dead.__exit__(None)
            raise AssertionError("the gateway ended by itself")

    def stop_providers(self):
        for p in (self.provider, self.elsewhere):
            if p:
                p.stop()
        self.provider = self.elsewhere = None

    def done(self):
        try:
            if self.gateway:
                self.gateway.__exit__(None)
        finally:
            self.stop_providers()


bench = Bench()


def _run_row(index, steps, want):
    def run():
        failed = []
        for way, each in (("whole", False), ("byte by byte", True)):
            if each and sum(len(s) for s in steps if isinstance(s, bytes)) > 1 << 20:
                continue                # sent slowly it would be a matter of deadlines
            try:
                name = bench.play(index, steps, want, each)
                try:
                    r = bench.gateway.post("/v1/chat/completions", chat("x", name), timeout=8)
                    no_secret(r)
                    want.check(r)
                    bench.after(want)
                finally:
                    bench.alive()
            except (AssertionError, Malformed, Ended, Late, OSError) as e:
                failed.append(f"{way}: {type(e).__name__} {e}")
        if failed:
            raise AssertionError("; ".join(failed))
    run.limit = 40
    return run


# -- streams -------------------------------------------------------------------------------------------------------
STREAMS = []
SSE_CLOSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
SSE_LEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n"
ONE = SSE_HEAD + chunk(EVENTS[0])


def stream(name, steps, want):
    STREAMS.append((name, [steps] if isinstance(steps, bytes) else list(steps), want))


class Whole:
    """All of the provider's texts and [DONE] come to the client."""
    reused = None

    def check(self, head, body, ended):
        assert ended, "the stream was cut"
        got = events_of(body)
        same("".join(e["choices"][0]["delta"].get("content", "") for e in got if isinstance(e,
            dict) and e.get("choices")), "one two three")
        same(got[-1], "[DONE]")


class Broken:
    """What came before the fault, then an error as the last event; no finish, no [DONE]. Or 502/504 when nothing had been sent."""

    def __init__(self, *events, statuses=(200,), reused=False):
        self.events, self.statuses, self.reused = events, statuses, reused

    def check(self, head, body, ended):
        assert head.status in self.statuses, f"status {head.status}: {short(body)}"
        if head.status != 200:
            assert json.loads(body)["error"]["message"], body
            return
        got = events_of(body)
        assert "[DONE]" not in got, f"a broken stream ends as if it were whole: {short(body)}"
        assert got and isinstance(got[-1], dict) and got[-1].get("error",
                {}).get("message"), f"the last event is no error: {short(body)}"
        texts = [e["choices"][0]["delta"].get("content") for e in got[:-1] if e.get("choices")]
        same(texts, list(self.events), "texts before the error")
        assert not any(e["choices"][0].get("finish_reason") for e in got[:-1] if e.get("choices")), "a finish that the provider did not send"


class StreamRefused:
    reused = False

    def __init__(self, *statuses, reused=False):
        self.statuses, self.reused = set(statuses or (502,)), reused

    def check(self, head, body, ended):
        assert head.status in self.statuses, f"status {head.status}: {short(body)}"
        assert json.loads(body)["error"]["message"]


class Any:
    """Only what no stream may do: hang, or invent an end."""
    reused = None

    def check(self, head, body, ended):
        pass


one = Broken("one ")
stream("a whole stream", sse(*EVENTS), Whole())
stream("a whole stream that ends with the connection", [SSE_CLOSE + STREAM, Close], Whole())
stream("a whole stream with a length", SSE_LEN % len(STREAM) + STREAM, Whole())
stream("a whole stream in one chunk", SSE_HEAD + chunk(STREAM) + b"0\r\n\r\n", Whole())
stream("a whole stream in chunks of one byte",
    SSE_HEAD + b"".join(chunk(STREAM[i:i + 1]) for i in range(len(STREAM))) + b"0\r\n\r\n", Whole())
stream("lines that end in CRLF", SSE_HEAD + chunk(STREAM.replace(b"\n", b"\r\n")) + b"0\r\n\r\n", Whole())
stream("lines that end in CR", SSE_HEAD + chunk(STREAM.replace(b"\n", b"\r")) + b"0\r\n\r\n", Whole())
stream("a byte order mark in front", SSE_HEAD + chunk(b"\xef\xbb\xbf" + STREAM) + b"0\r\n\r\n", Whole())
stream("comments between events", sse(b": hello\n\n", *EVENTS[:2], b": ping\n\n:\n\n", *EVENTS[2:]), Whole())
stream("no space after data:", SSE_HEAD + chunk(STREAM.replace(b"data: ", b"data:")) + b"0\r\n\r\n", Whole())
stream("event, id and retry fields", sse(b"retry: 1000\n\n", b"event: message\nid: 7\n" + EVENTS[0], *EVENTS[1:]),
    Whole())
stream("a content type with a charset",
    SSE_HEAD.replace(b"event-stream", b"event-stream; charset=utf-8") + chunk(STREAM) + b"0\r\n\r\n", Whole())
stream("interim answers in front", b"HTTP/1.1 100 Continue\r\n\r\n" + sse(*EVENTS), Whole())
stream("cut after the first event", [ONE, Close], one)
# a reset may overtake what was sent before it
stream("reset after the first event", [ONE, Reset], Broken("one ", statuses=(200, 502)))
stream("cut in the second event", [ONE + chunk(EVENTS[1][:20]), Close], one)
stream("cut in a chunk", [ONE + b"40\r\n" + EVENTS[1][:20], Close], one)
stream("cut in a chunk size", [ONE + b"4", Close], one)
stream("cut between CR and LF", [ONE + b"40\r", Close], one)
stream("cut before the empty line of an event", [ONE + chunk(EVENTS[1][:-1]), Close], one)
stream("cut in the middle of a UTF-8 character", [ONE + chunk('data: {"choices":[{"delta":{"content":"ä'.encode()[:-1]),
    Close], one)
stream("cut in the last chunk", [SSE_HEAD + b"".join(map(chunk, EVENTS[:-1])) + b"0\r\n", Close], Any())
stream("ended in order after the first event", ONE + b"0\r\n\r\n", Broken("one ", reused=None))
stream("ended with the connection after the first event", [SSE_CLOSE + EVENTS[0], Close], one)
stream("shorter than its length", [SSE_LEN % len(STREAM) + EVENTS[0], Close], one)
stream("longer than its length", [SSE_LEN % (len(EVENTS[0]) + 10) + STREAM], one)
stream("a bad chunk size after the first event", [ONE + b"zz\r\n" + EVENTS[1], HalfClose], one)
stream("a chunk without CRLF after the first event",
    [SSE_HEAD + b"%x\r\n" % len(EVENTS[0]) + EVENTS[0] + b"xx" + chunk(EVENTS[1]), HalfClose], one)
stream("a negative chunk size after the first event", [ONE + b"-1\r\n" + EVENTS[1], HalfClose], one)
stream("bare LF after a chunk size", [ONE + b"%x\n" % len(EVENTS[1]) + EVENTS[1] + b"\r\n", HalfClose], one)
stream("a bad trailer", [SSE_HEAD + b"".join(map(chunk, EVENTS[:1])) + b"0\r\nX A: b\r\n\r\n", HalfClose], one)
stream("silence after the first event", [ONE, Never], one)
stream("silence in the second event", [ONE + chunk(EVENTS[1][:20]), Never], one)
stream("silence after the head", [SSE_HEAD, Never], Broken(statuses=(200, 504)))
stream("comments and nothing else until the time is over", [SSE_HEAD, *[chunk(b": ping\n\n")] * 5, Never],
    Broken(statuses=(200, 504)))
stream("cut after the head", [SSE_HEAD, Close], Broken(statuses=(200, 502)))
stream("ended in order after the head", SSE_HEAD + b"0\r\n\r\n", Broken(statuses=(200, 502), reused=None))
stream("an event of 9 MiB", [ONE, chunk(b"data: " + b"x" * (9 << 20)), HalfClose], one)
stream("a line of 20 MiB that never ends", [ONE, *[chunk(b"x" * (1 << 20))] * 20, HalfClose], one)
stream("an event of 20 MiB in small lines", [ONE, *[chunk(b"data: x\n" * (1 << 17))] * 20, HalfClose], one)
stream("an error event that shows the credential", sse(EVENTS[0], event({"error": {"message": f"bad key {PROVIDER_KEY}",
    "type": "x", "code": PROVIDER_KEY}})), Broken("one ", reused=None))
stream("an error event that shows the credential, before anything else",
    sse(event({"error": {"message": f"bad key {PROVIDER_KEY}", "type": "x", "code": PROVIDER_KEY}})),
    Broken(statuses=(200, 400, 401, 500, 502, 503), reused=None))
stream("an error event", sse(EVENTS[0], event({"error": {"message": "overloaded", "type": "server_error"}})),
    Broken("one ", reused=None))
stream("no byte in time", [Never], StreamRefused(504))
stream("a connection that ends before a byte", [Close], StreamRefused(502))
stream("the head is cut", [SSE_HEAD[:-10], Close], StreamRefused(502))
stream("CL and TE", SSE_HEAD[:-2] + b"Content-Length: 5\r\n\r\n" + chunk(STREAM) + b"0\r\n\r\n", StreamRefused(502))
stream("gzip nobody asked for", SSE_HEAD[:-2] + b"Content-Encoding: gzip\r\n\r\n" + chunk(STREAM) + b"0\r\n\r\n",
    StreamRefused(502, reused=None))
stream("HTML for a stream", http(b"<html></html>", content_type="text/html"), StreamRefused(502, reused=None))
stream("400 for a stream", http({"error": {"message": "no"}}, "400 Bad Request"), StreamRefused(400, reused=None))
stream("500 for a stream", http({"error": {"message": "no"}}, "500 No"), StreamRefused(502, 503, reused=None))
stream("204 for a stream", b"HTTP/1.1 204 No Content\r\n\r\n", StreamRefused(502, reused=None))
stream("302 for a stream", b"HTTP/1.1 302 Found\r\nLocation: @@ELSEWHERE@@\r\nContent-Length: 0\r\n\r\n",
    StreamRefused(502, reused=None))
stream("events behind [DONE]", sse(*EVENTS, *EVENTS), Any())
stream("data that is not JSON", sse(EVENTS[0], b"data: garbage\n\n", *EVENTS[1:]), Any())
stream("NUL in an event", sse(EVENTS[0], b"data: \0\n\n", *EVENTS[1:]), Any())


def _run_stream(index, steps, want):
    def run():
        failed = []
        for way, each in (("whole", False), ("byte by byte", True)):
            if each and sum(len(s) for s in steps if isinstance(s, bytes)) > 1 << 20:
                continue
            try:
                name = bench.play(index, steps, want, each)
                try:
                    head, body, ended = _ask_for_stream(bench.gateway, name)
                    assert PROVIDER_KEY.encode() not in head.head + body
                    want.check(head, body, ended)
                    bench.after(want)
                finally:
                    bench.alive()
            except (AssertionError, Malformed, Ended, Late, OSError, KeyError, TypeError, ValueError) as e:
                failed.append(f"{way}: {type(e).__name__} {e}")
        if failed:
            raise AssertionError("; ".join(failed))
    run.limit = 40
    return run


def _ask_for_stream(gateway, model):
    """(head, body, whether the stream's own framing came to its end)"""
    from harness import request_bytes
    with gateway.client(8) as c:
        c.send(request_bytes("POST", "/v1/chat/completions", json.dumps(chat("x", model, stream=True)).encode()))
        head = read_response_head(c.reader)
        if head.headers.has("content-length"):
            return head, c.reader.exactly(int(head.get("content-length")), "the body"), True
        body = bytearray()
        try:
            while True:
                n = int(c.reader.until(b"\r\n", 4096, "a chunk size"), 16)
                body += c.reader.exactly(n, "a chunk")
                same(c.reader.exactly(2, "a chunk's end"), b"\r\n")
                if n == 0:
                    return head, bytes(body), True
        except Ended:
            return head, bytes(body), False


def cases():
    for i, (name, section, steps, want) in enumerate(ROWS):
        yield f"{name} [{section}]", _run_row(i, steps, want)
    for i, (name, steps, want) in enumerate(STREAMS):
        yield f"stream: {name}", _run_stream(len(ROWS) + i, steps, want)


def done():
    bench.done()


# -- where more than one connection matters -----------------------------------------------------------------------
def test_a_reused_connection_that_ends_before_a_byte_is_replaced_silently():
    for how in (Close, Reset):
        seen = {}

        def answer(request):
            n = seen[request.connection.index] = seen.get(request.connection.index, 0) + 1
            return [how] if n == 2 else echo(request)

        with Provider(answer) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
            for mark in ("one", "two", "three"):
                r = gw.post("/v1/chat/completions", chat(mark))
                same(r.status, 200, f"{how}: {short(r.body)}")
                same(r.json()["choices"][0]["message"]["content"], mark)
                same(r.get("x-sluice-attempts"), "1")
            same([q.body.count(b"two") for q in provider.requests], [0, 1, 1, 0, 0],
                "each connection ends at its second request")


def test_a_large_request_is_sent_again_whole_when_the_reused_connection_is_dead():
    text = "".join(f"{i:08d}" for i in range(1 << 18))      # 2 MiB

    def early(request):
        if request.connection.requests == 2:
            return [Close]

    for how in (None, early):
        with Provider(echo, early=how) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
            same(gw.post("/v1/chat/completions", chat("first")).status, 200)
            r = gw.post("/v1/chat/completions", chat(text), timeout=15)
            same(r.status, 200, short(r.body))
            same(r.json()["choices"][0]["message"]["content"] == text, True, "the text came back whole")


def test_the_providers_address_is_not_shown():
    with Provider(lambda r: http({"error": {"message": f"see {provider.url}/v1/x on 127.0.0.1", "type": "x"}},
            "400 No")) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
        r = gw.post("/v1/chat/completions", chat())
        same(r.status, 400)
        assert str(provider.port).encode() not in r.body, r.body


def test_a_connection_the_provider_closed_while_idle_is_not_used():
    with Provider(lambda r: [echo(r), Close]) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
        for i in range(20):
            same(gw.post("/v1/chat/completions", chat(f"n{i}")).status, 200)
        same(len(provider.connections), 20)


def test_a_fresh_connection_that_ends_before_a_byte_is_not_tried_for_ever():
    with Provider(lambda r: [Close]) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
        is_error(gw.post("/v1/chat/completions", chat()), 502, "upstream_error")
        same(len(provider.requests), 1)


def test_a_reused_connection_that_ends_in_the_head_is_not_replaced():
    seen = []

    def answer(request):
        seen.append(1)
        return echo(request) if len(seen) != 2 else [b"HTTP/1.1 200 OK\r\n", Close]

    with Provider(answer) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
        same(gw.post("/v1/chat/completions", chat("a")).status, 200)
        is_error(gw.post("/v1/chat/completions", chat("b")), 502)
        same(len(provider.requests), 2)


def test_an_answer_before_the_request_was_sent_is_taken_or_502():
    for steps in ([http({"error": {"message": "too much"}}, "413 Content Too Large", headers=["Connection: close"]),
            HalfClose, Never],
                  [http({"error": {"message": "no"}}, "400 Bad Request"), Never], [WHOLE, Never], [Close], [Reset]):
        with Provider(echo, early=lambda r: steps) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
            r = gw.post("/v1/chat/completions", chat("x" * (8 << 20)), timeout=15)
            assert r.status in (200, 400, 413, 502), f"{steps}: {r.status} {short(r.body)}"
            no_secret(r)


def test_two_clients_never_share_an_answer_when_the_provider_sends_one_too_many():
    """Response splitting: what comes behind an answer, or before a request was sent, is nobody's."""
    def answer(request):
        mark = json.loads(request.body)["messages"][0]["content"]
        return echo(request) + http(chat_answer("stolen from " + mark))

    with Provider(answer) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
        for i in range(30):
            r = gw.post("/v1/chat/completions", chat(f"mine {i}"))
            same(r.status, 200)
            same(r.json()["choices"][0]["message"]["content"], f"mine {i}")


def test_an_answer_that_comes_while_the_connection_is_idle_is_nobodys():
    gate = threading.Event()

    def answer(request):
        yield echo(request)
        if request.connection.index == 0:
            yield Wait(gate)
            yield http(chat_answer("unasked"))
            sent.set()

    sent = threading.Event()
    with Provider(answer) as provider, Gateway(config(provider, routing=NO_RETRY)) as gw:
        same(gw.post("/v1/chat/completions", chat("one")).status, 200)
        gate.set()
        assert sent.wait(5)
        for i in range(3):
            r = gw.post("/v1/chat/completions", chat(f"n{i}"))
            same((r.status, r.json()["choices"][0]["message"]["content"]), (200, f"n{i}"))
        assert provider.connections[0].ended.wait(5), "the connection that spoke unasked was kept"


def test_fields_of_the_providers_connection_do_not_reach_the_client():
    fields = ["Set-Cookie: a=b", "Server: secret-server/1.0", "Connection: x-hop", "X-Hop: 1", "Keep-Alive: timeout=5",
        "Proxy-Authenticate: Basic", "Trailer: X-A",
              "Upgrade: h2c", "Via: 1.1 inner", "Alt-Svc: h2=\":443\"", "Proxy-Connection: close", "TE: x",
                  "Location: http://10.0.0.1/", "Strict-Transport-Security: max-age=1",
              "X-Request-Id: theirs", "Access-Control-Allow-Origin: *"]
    with Provider(lambda r: http(J, headers=fields)) as provider, Gateway(config(provider)) as gw:
        r = gw.post("/v1/chat/completions", chat())
        same(r.status, 200)
        for name in ("set-cookie", "x-hop", "keep-alive", "proxy-authenticate", "trailer", "upgrade", "via",
                "proxy-connection", "te", "alt-svc", "location"):
            assert not r.headers.has(name), f"{name} passed: {r.head!r}"
        assert b"secret-server" not in r.head and b"theirs" not in r.head, r.head


def test_a_provider_that_does_not_answer_the_connect_is_502_or_504():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]       # bound, not listening: refused
        cfg = config(None, routing=NO_RETRY, providers={"up": {"dialect": "openai-chat",
            "base_url": f"http://127.0.0.1:{port}/v1", "api_key": PROVIDER_KEY}},
                     models=[{"name": "m", "deployments": [{"provider": "up", "model": "x"}]}])
        with Gateway(cfg) as gw:
            e = is_error(gw.post("/v1/chat/completions", chat()), {502}, "upstream_error")
            assert str(port) not in e["message"], "an internal address is shown"


def test_a_provider_name_that_does_not_resolve_is_502():
    cfg = config(None, routing=NO_RETRY, providers={"up": {"dialect": "openai-chat",
        "base_url": "http://nowhere.invalid/v1", "api_key": PROVIDER_KEY}},
                 models=[{"name": "m", "deployments": [{"provider": "up", "model": "x"}]}])
    with Gateway(cfg) as gw:
        is_error(gw.post("/v1/chat/completions", chat(), timeout=15), {502, 504})


# -- bytes changed at random ---------------------------------------------------------------------------------------
def test_answers_with_random_changes_become_an_answer_or_an_error_and_never_anothers():
    seeds = [WHOLE, OK + TE + b"\r\n" + chunk(J[:20]) + chunk(J[20:]) + b"0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, sse(*EVENTS), SSE_LEN % len(STREAM) + STREAM]
    rnd, now = random.Random(SEED), [b""]

    def answer(request):
        return echo(request) if b"mine" in request.body else [now[0], HalfClose, Never]

    with Provider(answer) as provider, Gateway(config(
            provider, routing=NO_RETRY, providers={"up": {"dialect": "openai-chat", "base_url": provider.url + "/v1",
                "api_key": PROVIDER_KEY, "timeouts": {"first_byte": "2s", "idle": "2s"}}})) as gw:
        for i in range(CHANGES // 2):
            now[0] = changed_at_random(rnd, seeds)
            wants_stream = i % 2 == 0
            try:
                if wants_stream:
                    head, body, _ = _ask_for_stream(gw, "m")
                else:
                    r = gw.post("/v1/chat/completions", chat("x"), timeout=8)
                    head, body = r, r.body
            except (Malformed, Ended, Late) as e:
                raise AssertionError(f"change {i}, {now[0]!r}: {type(e).__name__} {e}") from None
            assert PROVIDER_KEY.encode() not in head.head + body
            if head.status >= 400 or not wants_stream:
                assert isinstance(json.loads(body), dict), f"change {i}, {now[0]!r}: {body!r}"
            mark = f"mine {i}"
            r = gw.post("/v1/chat/completions", chat(mark))
            same((r.status, r.json()["choices"][0]["message"]["content"]), (200, mark),
                f"the request after change {i}, {now[0]!r}")
        same(provider.faults, [])


test_answers_with_random_changes_become_an_answer_or_an_error_and_never_anothers.limit = 120 + CHANGES / 20
