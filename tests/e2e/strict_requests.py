# SPDX-License-Identifier: Apache-2.0
"""Strictness towards clients: requests as RFC 9110 and RFC 9112 forbid or allow them, each row in one write, byte by
byte and cut at random places. The number in each row is the section it was written from (no RFC number: 9112)."""
from strict import (AUTH, BODY, EVIL_REQUEST, HOST, JSON, Accepted, Answered, Bench, Either, Refused, bad_chunks,
                    doubtful_chunks, good_chunks, length, message, one_chunk, rows_to_cases)

bench = Bench()
CL, TE = length(), b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
# What a lenient neighbour would take for a second request, in both places where it can hide.
CHUNKED_EVIL = b"0\r\n\r\n" + EVIL_REQUEST
CTL = [c for c in range(0x20) if c not in (0x09, 0x0a, 0x0d)] + [0x7f]
OK, BAD = Accepted(), Refused(400)
OK_OR_BAD = Either(Accepted(), Refused(400))
ROWS = []


def row(name, section, raw, want=BAD):
    ROWS.append((name, section, raw, want))


def chunked(body, *fields, **over):
    return message(*fields, framing=TE, body=body, **over)


# -- framing: Content-Length ---------------------------------------------------------------------------------------
for name, value in {
        "two equal in a list": b"%d, %d" % (len(BODY), len(BODY)), "two different in a list": b"%d, 5" % len(BODY),
        "with a trailing comma": b"%d," % len(BODY), "with a leading comma": b",%d" % len(BODY),
        "with a plus sign": b"+%d" % len(BODY), "negative": b"-%d" % len(BODY), "minus zero": b"-0",
        "with a space inside": b"6 3", "with a tab inside": b"6\t3", "in hex": b"0x3f", "in hex without 0x": b"3f",
        "with an underscore": b"6_3", "with a letter behind": b"63a", "with a fraction": b"63.0",
        "with an exponent": b"63e0", "with a semicolon": b"63;", "in quotes": b'"63"', "empty": b"",
        "only spaces": b"   ", "of no digit": b"abc", "in full-width digits": "６３".encode(),
        "in Arabic digits": "٦٣".encode(), "with a vertical tab before": b"\x0b63",
            "with a form feed before": b"\x0c63",
        "with a vertical tab behind": b"63\x0b", "with NUL behind": b"63\x00", "with NUL before": b"\x0063",
        "with a no-break space": b"\xa063", "with a bare CR behind": b"63\r", "with a bare CR before": b"\r63",
        "in brackets": b"(63)"}.items():
    row(f"Content-Length {name}", "9110 8.6", message(framing=b"Content-Length: " + value))
for name, value in {"2^63": 2**63, "2^64-1": 2**64 - 1, "2^64": 2**64, "2^64 and the true length": 2**64 + len(BODY),
                    "2^32 and the true length": 2**32 + len(BODY), "40 digits": 10**40, "300 digits": 10**300}.items():
    row(f"Content-Length {name}", "9110 8.6", message(framing=b"Content-Length: %d" % value), Refused(400, 413))
row("Content-Length with a leading zero", "9110 8.6", message(framing=b"Content-Length: 0%d" % len(BODY)), OK_OR_BAD)
row("Content-Length with 30 leading zeros", "9110 8.6",
    message(framing=b"Content-Length: " + b"0" * 30 + b"%d" % len(BODY)),
    OK_OR_BAD)
row("Content-Length with spaces around", "9110 5.5", message(framing=b"Content-Length:   %d   " % len(BODY)), OK)
row("Content-Length without a space", "5", message(framing=b"Content-Length:%d" % len(BODY)), OK)
row("Content-Length with tabs around", "9110 5.5", message(framing=b"Content-Length:\t%d\t" % len(BODY)), OK_OR_BAD)
row("Content-Length in capitals", "9110 5.1", message(framing=b"CONTENT-LENGTH: %d" % len(BODY)), OK)
row("Content-Length twice, equal", "6.3", message(CL))
row("Content-Length twice, different, small first", "6.3", message(CL, framing=b"Content-Length: 5"))
row("Content-Length twice, different, small last", "6.3", message(b"Content-Length: 5"))
row("Content-Length twice, one in other case", "6.3", message(b"content-length: 0"))
row("Content-Length twice, one empty", "6.3", message(b"Content-Length:"))
row("Content-Length three times", "6.3", message(CL, CL))
row("Content-Length twice around other fields", "6.3", message(b"X-A: b", b"Content-Length: 0"))
row("Content-Length folded", "5.2", message(framing=b"Content-Length:\r\n %d" % len(BODY)))
row("Content-Length folded with a second number", "5.2", message(framing=CL + b"\r\n 5"))
row("Content-Length with a space before the colon", "5.1", message(framing=b"Content-Length : %d" % len(BODY)))
row("Content-Length with a tab before the colon", "5.1", message(framing=b"Content-Length\t: %d" % len(BODY)))
row("Content-Length with NUL before the colon", "9110 5.1", message(framing=b"Content-Length\0: %d" % len(BODY)))
row("Content-Length behind a bare CR", "2.2", message(b"X-A: b\rContent-Length: 0"))
row("Content-Length behind a bare LF", "2.2", message(b"X-A: b\nContent-Length: 0"))
row("Content_Length beside the right one", "9110 5.1", message(b"Content_Length: 5"), OK_OR_BAD)
row("neither a length nor chunks is no body", "6.3", message(framing=b"", body=b""), Answered(400, 411))
row("Content-Length 0", "6.3", message(framing=b"Content-Length: 0", body=b""),
    Answered(400, 411))

# -- framing: Transfer-Encoding -----------------------------------------------------------------------------------
for name, value in {"chunked": b"chunked", "Chunked": b"Chunked", "CHUNKED": b"CHUNKED", "cHuNkEd": b"cHuNkEd",
                    "chunked with spaces around": b"   chunked   "}.items():
    row(f"Transfer-Encoding {name}", "7", message(framing=b"Transfer-Encoding: " + value, body=CHUNKS), OK)
row("Transfer-Encoding without a space", "5", message(framing=b"Transfer-Encoding:chunked", body=CHUNKS), OK)
row("Transfer-Encoding with a tab for the space", "9110 5.5", message(framing=b"Transfer-Encoding:\tchunked",
    body=CHUNKS),
    OK_OR_BAD)
row("transfer-encoding in small letters", "9110 5.1", message(framing=b"transfer-encoding: chunked", body=CHUNKS), OK)
for name, value in {
        "twice chunked": b"chunked, chunked", "identity": b"identity", "identity, chunked": b"identity, chunked",
        "chunked, identity": b"chunked, identity", "gzip, chunked": b"gzip, chunked", "gzip": b"gzip",
        "chunked, gzip": b"chunked, gzip", "deflate, chunked": b"deflate, chunked", "xchunked": b"xchunked",
        "chunkedx": b"chunkedx", "x-chunked": b"x-chunked", "chunked;q=1": b"chunked;q=1",
            "chunked; a=b": b"chunked; a=b",
        "in quotes": b'"chunked"', "in single quotes": b"'chunked'", "empty": b"", "a comma": b",",
        "chunked with a trailing comma": b"chunked,", "chunked with a leading comma": b", chunked",
        "chunked twice without a comma": b"chunked chunked", "cow": b"cow", "chunk ed": b"chunk ed",
        "with a vertical tab before": b"\x0bchunked", "with a form feed before": b"\x0cchunked",
        "with a vertical tab behind": b"chunked\x0b", "with a form feed behind": b"chunked\x0c",
        "with NUL before": b"\0chunked", "with NUL behind": b"chunked\0", "with a bare CR before": b"\rchunked",
        "with a bare CR behind": b"chunked\r", "with a no-break space": b"\xa0chunked",
            "with 0xff behind": b"chunked\xff",
        "chunked in brackets": b"[chunked]", "chunked with a colon": b": chunked", "chunked=1": b"chunked=1",
        "trailers": b"trailers", "null": b"null", "with a Kelvin sign": "chun\u212aed".encode(),
        "with a dotless i": "\u0131dentity".encode(), "chunked with backspace": b"chunked\x08"}.items():
    row(f"Transfer-Encoding {name}", "6.1", message(framing=b"Transfer-Encoding: " + value, body=CHUNKS),
        Refused(400, 501))
    if name in ("identity", "xchunked", "empty", "twice chunked", "with a vertical tab before", "gzip, chunked"):
        row(f"Transfer-Encoding {name}, with a Content-Length", "6.3",
            message(b"Transfer-Encoding: " + value, body=BODY), Refused(400, 501))
row("Transfer-Encoding twice, chunked", "6.1", chunked(CHUNKS, TE))
row("Transfer-Encoding twice, identity first", "6.1", message(TE, framing=b"Transfer-Encoding: identity", body=CHUNKS),
    Refused(400, 501))
row("Transfer-Encoding twice, cow last", "6.1", chunked(CHUNKS, b"Transfer-Encoding: cow"), Refused(400, 501))
row("Transfer-Encoding twice, empty last", "6.1", chunked(CHUNKS, b"Transfer-Encoding:"), Refused(400, 501))
row("Transfer-Encoding with a space before the colon", "5.1", message(framing=b"Transfer-Encoding : chunked",
    body=CHUNKS))
row("Transfer-Encoding with a tab before the colon", "5.1", message(framing=b"Transfer-Encoding\t: chunked",
    body=CHUNKS))
row("Transfer-Encoding with NUL before the colon", "9110 5.1", message(framing=b"Transfer-Encoding\0: chunked",
    body=CHUNKS))
row("Transfer-Encoding with 0xff in the name", "9110 5.1", message(framing=b"Transfer-Encoding\xff: chunked",
    body=CHUNKS))
row("Transfer-Encoding without a colon", "5", message(framing=b"Transfer-Encoding chunked", body=CHUNKS))
row("Transfer-Encoding folded", "5.2", message(framing=b"Transfer-Encoding:\r\n chunked", body=CHUNKS))
row("Transfer-Encoding folded with a tab", "5.2", message(framing=b"Transfer-Encoding:\r\n\tchunked", body=CHUNKS))
row("Transfer-Encoding folded in the word", "5.2", message(framing=b"Transfer-Encoding: chu\r\n nked", body=CHUNKS))
row("Transfer-Encoding with a folded second coding", "5.2", message(framing=TE + b"\r\n , identity", body=CHUNKS))
row("Transfer-Encoding folded away", "5.2", message(b"X-A: b\r\n Transfer-Encoding: chunked"))
row("Transfer-Encoding behind a bare LF", "2.2", message(b"X-A: b\nTransfer-Encoding: chunked"))
row("Transfer-Encoding behind a bare CR", "2.2", message(b"X-A: b\rTransfer-Encoding: chunked"))
row("Transfer-Encoding in front with leading space", "2.2",
    message(line=b"POST /v1/chat/completions HTTP/1.1\r\n " + TE))
row("Transfer_Encoding is another field", "9110 5.1", message(b"Transfer_Encoding: chunked"), OK_OR_BAD)
row("Transfer-Encoding in HTTP/1.0", "6.1", chunked(CHUNKS, line=b"POST /v1/chat/completions HTTP/1.0"))
row("Transfer-Encoding and a length in HTTP/1.0", "6.1", message(TE, line=b"POST /v1/chat/completions HTTP/1.0"))
row("CL.TE", "6.3", message(TE, framing=b"Content-Length: %d" % len(CHUNKED_EVIL), body=CHUNKED_EVIL))
row("TE.CL", "6.3", message(CL, framing=TE, body=CHUNKED_EVIL))
row("TE.CL with length 0", "6.3", message(b"Content-Length: 0", framing=TE, body=CHUNKS))
row("CL.TE, both telling the truth", "6.3", message(b"Content-Length: %d" % len(CHUNKS), framing=TE, body=CHUNKS))
row("CL.TE in other case", "6.3", message(b"tRANSFER-eNCODING: Chunked", framing=CL, body=BODY))
row("CL.TE with an obscured TE (vertical tab)", "6.3", message(b"Transfer-Encoding: \x0bchunked"), Refused(400, 501))
row("TE.CL around other fields", "6.3", message(b"X-A: b", CL, framing=TE, body=CHUNKED_EVIL))
row("CL.CL.TE", "6.3", message(CL, TE))
row("TE with an evil second request behind a good first", "6.3",
    message(framing=b"Transfer-Encoding: xchunked", body=CHUNKED_EVIL), Refused(400, 501))

# -- chunks --------------------------------------------------------------------------------------------------------
N = b"%x" % len(BODY)
for name, body in good_chunks(BODY).items():
    row(f"chunks {name}", "7.1", chunked(body), OK)
for name, body in doubtful_chunks(BODY).items():
    row(f"chunks {name}", "7.1", chunked(body), OK_OR_BAD)
for name, body in bad_chunks(BODY).items():
    row(f"chunk {name}", "7.1", chunked(body))
for name, size in {"of 16 digits": b"F" * 16, "of 17 digits": b"1" + b"0" * 14 + N, "2^63": b"8" + b"0" * 15,
                   "2^64 and the true one": b"1" + b"0" * 14 + N, "2^32 and the true one": b"1" + b"0" * 6 + N,
                   "of 400 digits": b"1" * 400}.items():
    row(f"chunk size {name}", "7.1", chunked(one_chunk(BODY, size)), Refused(400, 413))
for name in ("Content-Length: 5", "Transfer-Encoding: chunked", "Host: evil.test", "Authorization: Bearer x",
             "Content-Type: text/plain", "Content-Encoding: gzip", "Trailer: X-A", "Connection: close",
                 "Expect: 100-continue",
             "Cookie: a=b", "X-Api-Key: x"):
    row(f"chunk trailer {name}", "9110 6.5.1",
        chunked(one_chunk(BODY, N, end=b"\r\n0\r\n" + name.encode() + b"\r\n\r\n")), OK_OR_BAD)
row("chunk extension of 1 MiB", "7.1.1", chunked(one_chunk(BODY, N + b";a=" + b"b" * (1 << 20))),
    Refused(400, 413, 431))
row("chunk extensions without end on many chunks", "7.1.1",
    chunked(b"".join(b"1;%s\r\n%c\r\n" % (b"e" * 16000, c) for c in BODY) + b"0\r\n\r\n"), Refused(400, 413, 431))
row("chunk trailer of 1 MiB", "9110 5.4",
    chunked(one_chunk(BODY, N, end=b"\r\n0\r\nX-A: " + b"b" * (1 << 20) + b"\r\n\r\n")),
    Refused(400, 413, 431))
row("chunk trailers, 20,000 of them", "9110 5.4", chunked(one_chunk(BODY, N,
    end=b"\r\n0\r\n" + b"X-A: b\r\n" * 20000 + b"\r\n")),
    Refused(400, 413, 431))

# -- field lines ---------------------------------------------------------------------------------------------------
for c in CTL:
    row(f"control character {c:#04x} in a value", "9110 5.5", message(b"X-A: b%cc" % c))
    row(f"control character {c:#04x} in a name", "9110 5.1", message(b"X-%cA: b" % c))
for c in b"()<>@,;\\\"/[]?={} \t\x80\xff":
    row(f"{bytes([c])!r} in a name", "9110 5.6.2", message(b"X-%cA: b" % c))
for c in b"!#$%&'*+.^`|~":
    row(f"{bytes([c])!r} in a name, which is a token", "9110 5.6.2", message(b"X-%cA: b" % c), OK)
for name, field in {
        "without a colon": b"X-A", "without a name": b": b", "only a colon": b":",
            "with a space before the colon": b"X-A : b",
        "with a tab before the colon": b"X-A\t: b", "with a space in the name": b"X A: b", "folded": b"X-A: b\r\n c",
        "folded with a tab": b"X-A: b\r\n\tc", "folded to nothing": b"X-A: b\r\n ", "folded at once": b"X-A:\r\n b",
        "with a bare CR in the value": b"X-A: b\rc", "with a bare CR at the end": b"X-A: b\r",
            "with a bare CR in the name": b"X-\rA: b",
        "with a bare LF in the value": b"X-A: b\nc", "with a bare LF that starts a field": b"X-A: b\nX-C: d",
        "with a bare LF in the name": b"X-\nA: b", "with CR at the start of the name": b"\rX-A: b",
        "with LF at the start of the name": b"\nX-A: b", "that is a request line": b"GET /evil HTTP/1.1",
        "with a name of UTF-8": "X-Ä: b".encode(), "with NUL alone": b"\0", "that is a space": b" ",
            "that is a tab": b"\t",
        "that is a bare CR": b"\r", "starting with a space": b" X-A: b", "starting with a tab": b"\tX-A: b"}.items():
    row(f"a field {name}", "5", message(field))
for name, field in {
        "with an empty value": b"X-A:", "with only spaces": b"X-A:    ", "with a tab in the value": b"X-A: b\tc",
        "with colons": b"X-A: b:c:d", "with quotes": b'X-A: "b\\"c"', "without a space": b"X-A:b",
            "with two spaces": b"X-A:  b  ",
        "of all visible characters": b"X-A: " + bytes(range(0x21, 0x7f)), "of one character": b"A: b",
        "twice": b"X-A: b\r\nX-A: c", "with 4,000 bytes": b"X-A: " + b"b" * 4000, "with a digit name": b"1: 2"}.items():
    row(f"a field {name}", "5", message(field), OK)
for name, field in {"UTF-8": "X-A: é".encode(), "0x80 to 0xff": b"X-A: " + bytes(range(0x80, 0x100))}.items():
    row(f"a value of {name}", "9110 5.5", message(field), OK_OR_BAD)
row("a space before the first field", "2.2", message(line=b"POST /v1/chat/completions HTTP/1.1\r\n X-A: b"))
row("a tab before the first field", "2.2", message(line=b"POST /v1/chat/completions HTTP/1.1\r\n\tX-A: b"))
row("an empty folded line before the first field", "2.2", message(line=b"POST /v1/chat/completions HTTP/1.1\r\n "))
row("bare LF everywhere", "2.2", message().replace(b"\r\n", b"\n"))
row("bare CR everywhere", "2.2", message().replace(b"\r\n", b"\r"))
row("bare LF after the request line", "2.2", message().replace(b"\r\n", b"\n", 1))
row("bare CR after the request line", "2.2", message().replace(b"\r\n", b"\r", 1))
row("CR CR LF after the request line", "2.2", message().replace(b"\r\n", b"\r\r\n", 1))
row("LF CR after the request line", "2.2", message().replace(b"\r\n", b"\n\r", 1))
row("the head ends in CRLF LF", "2.2", message().replace(b"\r\n\r\n", b"\r\n\n"))
row("the head ends in LF CRLF", "2.2", message().replace(b"\r\n\r\n", b"\n\r\n"))
row("the head ends in LF LF", "2.2", message().replace(b"\r\n\r\n", b"\n\n"))
row("the head ends in CR CR LF", "2.2", message().replace(b"\r\n\r\n", b"\r\n\r\r\n"))
row("the head ends in CRLF and a bare CR", "2.2", message().replace(b"\r\n\r\n", b"\r\n\rX"))
row("the head ends in CRLF space CRLF", "2.2", message().replace(b"\r\n\r\n", b"\r\n \r\n"))
row("Authorization folded", "5.2", message(auth=AUTH.replace(b"Bearer ", b"Bearer\r\n ")))
row("NUL in Authorization", "9110 5.5", message(auth=AUTH + b"\0"))

# -- sizes ---------------------------------------------------------------------------------------------------------
MIB = 1 << 20
row("a value of 1 MiB", "9110 5.4", message(b"X-A: " + b"b" * MIB), Refused(431))
row("a name of 1 MiB", "9110 5.4", message(b"a" * MIB + b": b"), Refused(431))
row("1 MiB of fields", "9110 5.4", message(*[b"X-%05d: %s" % (i, b"b" * 1000) for i in range(1024)]), Refused(431))
row("20,000 small fields", "9110 5.4", message(*[b"A: b"] * 20000), Refused(431))
row("50 fields", "9110 5.4", message(*[b"X-%d: b" % i for i in range(50)]), OK)
row("a target of 1 MiB", "3", message(line=b"POST /" + b"a" * MIB + b" HTTP/1.1"), Refused(414, 431))
row("a query of 1 MiB", "3", message(line=b"POST /v1/chat/completions?" + b"a" * MIB + b" HTTP/1.1"), Refused(414, 431))
row("a target of 2,000 bytes", "3", message(line=b"POST /v1/chat/completions?a=" + b"b" * 2000 + b" HTTP/1.1"), OK)
row("a method of 1 MiB", "3", message(line=b"A" * MIB + b" / HTTP/1.1"), Refused(400, 405, 414, 431, 501))
row("1 MiB without a line end", "3", b"G" * MIB, Refused(400, 405, 414, 431, 501))
row("1 MiB of spaces", "3", b" " * MIB)
row("1 MiB of CRLF", "2.2", b"\r\n" * (MIB // 2) + message(), Refused(400, 431, silent=True))
row("1 MiB of LF", "2.2", b"\n" * MIB, Refused(400, 431, silent=True))

# -- the request line ----------------------------------------------------------------------------------------------
P = b"/v1/chat/completions"
for name, line in {
        "two spaces before the target": b"POST  " + P + b" HTTP/1.1",
            "two spaces before the version": b"POST " + P + b"  HTTP/1.1",
        "a tab before the target": b"POST\t" + P + b" HTTP/1.1",
            "a tab before the version": b"POST " + P + b"\tHTTP/1.1",
        "a vertical tab before the target": b"POST\x0b" + P + b" HTTP/1.1",
            "a form feed before the version": b"POST " + P + b"\x0cHTTP/1.1",
        "a bare CR before the target": b"POST\r" + P + b" HTTP/1.1",
            "a bare CR before the version": b"POST " + P + b"\rHTTP/1.1",
        "a no-break space": b"POST\xa0" + P + b" HTTP/1.1", "a space in front": b" POST " + P + b" HTTP/1.1",
        "a tab in front": b"\tPOST " + P + b" HTTP/1.1", "a bare CR in front": b"\rPOST " + P + b" HTTP/1.1",
        "NUL in front": b"\0POST " + P + b" HTTP/1.1",
            "a byte order mark in front": b"\xef\xbb\xbfPOST " + P + b" HTTP/1.1",
        "a space at the end": b"POST " + P + b" HTTP/1.1 ", "a tab at the end": b"POST " + P + b" HTTP/1.1\t",
        "a word at the end": b"POST " + P + b" HTTP/1.1 x", "NUL at the end": b"POST " + P + b" HTTP/1.1\0",
        "a space in the target": b"POST " + P + b"?a b HTTP/1.1", "a word more": b"POST " + P + b" " + P + b" HTTP/1.1",
        "no version": b"POST " + P, "no version, a space": b"POST " + P + b" ", "no target": b"POST HTTP/1.1",
        "no target, two spaces": b"POST  HTTP/1.1", "only a method": b"POST", "only a version": b"HTTP/1.1",
        "only a target": P, "a status line": b"HTTP/1.1 200 OK", "a field": b"Host: sluice.test"}.items():
    row(f"request line: {name}", "3", message(line=line), Refused(400, 405, 501, 505))
row("request line: HTTP/0.9", "3", b"GET /v1/models\r\n", Refused(400, 505))
row("request line: HTTP/0.9, long", "3", b"GET /v1/models\r\n\r\n", Refused(400, 505))
for version in (b"HTTP/2.0", b"HTTP/3.0", b"HTTP/0.9", b"HTTP/0.0", b"HTTP/9.9", b"HTTP/11.1", b"HTTP/1.10",
        b"HTTP/1.01", b"HTTP/1", b"HTTP/1.",
                b"HTTP/.1", b"HTTP/1,1", b"HTTP/01.1", b"http/1.1", b"Http/1.1", b"HTTPS/1.1", b"HTTP 1.1",
                    b"HTTP/ 1.1", b"HTTP/1 .1",
                b"HTTP /1.1", b"HTTP/-1.1", b"HTTP/+1.1", b"HTTP/1.1.1", b"HTTP/1.x", b"HTTP/a.b", b"HTTP//1.1",
                    b"XHTTP/1.1", b"HTTP", b"HTTP/",
                b"HTP/1.1", b"HTTP\\1.1", b"HTTP/1.1;", b"ICE/1.0", b"RTSP/1.0", b"SIP/2.0", b"HTTP/\xd9\xa1.1",
                    b"HTTP/1.1\x0b", b"HTTP/1\x00.1"):
    row(f"version {version!r}", "2.3", message(line=b"POST " + P + b" " + version), Refused(400, 505))
row("version HTTP/1.2", "9110 2.5", message(line=b"POST " + P + b" HTTP/1.2"), Either(Accepted(), Refused(400, 505)))
row("an empty line in front", "2.2", b"\r\n" + message(), OK)
row("two empty lines in front", "2.2", b"\r\n\r\n" + message(), OK_OR_BAD)
row("a bare LF in front", "2.2", b"\n" + message())
row("a bare CR in front", "2.2", b"\r" + message())
row("an empty line with a space in front", "2.2", b" \r\n" + message())

# -- methods -------------------------------------------------------------------------------------------------------
for method in (b"post", b"Post", b"POSt", b"FOO", b"BREW", b"POSTT", b"POS", b"X-POST", b"P.O.S.T", b"!#$%&'*+-.^_`|~",
        b"0"):
    row(f"method {method!r}", "9110 9.1", message(line=method + b" " + P + b" HTTP/1.1"),
        Either(Refused(405, 501), Answered(405, 501)))
for method in (b"P(ST", b"P@ST", b"P,ST", b"P;ST", b"P/ST", b"P:ST", b"P[ST", b"P{ST", b'P"ST', b"P=ST", b"P?ST",
        b"P\\ST", b"P\0ST", b"P\x7fST",
               b"P\xc3\x96ST", b"P\x01ST"):
    row(f"method {method!r}", "9110 5.6.2", message(line=method + b" " + P + b" HTTP/1.1"))
for method in (b"GET", b"PUT", b"DELETE", b"PATCH", b"PROPFIND", b"LOCK", b"M-SEARCH", b"PURGE", b"SUBSCRIBE",
        b"QUERY"):
    row(f"method {method.decode()} where only POST is", "9110 15.5.6", message(line=method + b" " + P + b" HTTP/1.1"),
        Either(Answered(405), Refused(405)))
row("method HEAD where only POST is", "9110 15.5.6", message(line=b"HEAD " + P + b" HTTP/1.1", framing=b"", body=b""),
    Answered(405, method="HEAD"))
row("method TRACE", "9110 9.3.8", message(line=b"TRACE " + P + b" HTTP/1.1", framing=b"", body=b""),
    Either(Answered(405, 501), Refused(400, 405, 501)))
row("method TRACE with a body", "9110 9.3.8", message(line=b"TRACE " + P + b" HTTP/1.1"),
    Either(Answered(405, 501), Refused(400, 405, 501)))
row("method CONNECT in authority form", "3.2.3", message(line=b"CONNECT evil.test:443 HTTP/1.1", framing=b"", body=b""),
    Refused(400, 403, 404, 405, 501))
row("method CONNECT with a path", "3.2.3", message(line=b"CONNECT " + P + b" HTTP/1.1"),
    Refused(400, 403, 404, 405, 501))
row("method CONNECT with bytes behind it", "9110 9.3.6",
    message(line=b"CONNECT evil.test:443 HTTP/1.1", framing=b"", body=EVIL_REQUEST), Refused(400, 403, 404, 405, 501))
row("method SOURCE as of Icecast", "9110 9.1", message(line=b"SOURCE " + P + b" ICE/1.0"), Refused(400, 405, 501, 505))
row("method OPTIONS *", "9110 9.3.7", message(line=b"OPTIONS * HTTP/1.1", framing=b"", body=b""),
    Either(Answered(200, 204, 400, 404, 405, 501), Refused(400, 404, 405, 501)))
row("method OPTIONS of a path", "9110 9.3.7", message(line=b"OPTIONS " + P + b" HTTP/1.1", framing=b"", body=b""),
    Either(Answered(200, 204, 404, 405), Refused(405)))
row("method POST of *", "3.2.4", message(line=b"POST * HTTP/1.1"), Refused(400, 404, 405))
row("method PRI of something else", "9113 3.4", message(line=b"PRI " + P + b" HTTP/1.1"),
    Either(Refused(400, 405, 501), Answered(405, 501)))
row("a broken HTTP/2 preface", "9113 3.4", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Refused(400, 505, silent=True))

# -- the target ----------------------------------------------------------------------------------------------------
for name, target in {"absolute form": b"http://sluice.test" + P, "absolute form with https": b"https://sluice.test" + P,
                     "absolute form in capitals": b"HTTP://SLUICE.TEST" + P, 
                     "with a query": P + b"?api-version=1", "with an empty query": P + b"?",
                     "with a query of all allowed characters": P + b"?a-z=._~!$&'()*+,;=:@/?%41"}.items():
    row(f"target {name}", "3.2", message(line=b"POST " + target + b" HTTP/1.1"), OK)
row("target absolute form with a port", "3.2.2", message(line=b"POST http://sluice.test:80" + P + b" HTTP/1.1",
    host=b"Host: sluice.test:80"), OK)
row("target absolute form with a port that Host leaves out", "3.2.2",
    message(line=b"POST http://sluice.test:80" + P + b" HTTP/1.1"), OK)
for name, target in {
        "with a fragment": P + b"#top", "with a fragment in the query": P + b"?a#b", "with an empty fragment": P + b"#",
        "with half a percent": P + b"?a=%", "with a percent and one digit": P + b"?a=%4",
            "with a percent and letters": P + b"?a=%zz",
        "with a backslash for a slash": b"\\v1\\chat\\completions", "with a backslash in front": b"\\" + P,
            "without a slash": P[1:],
        "empty": b"", "only a query": b"?a=b", "authority form": b"sluice.test:80", "of a host only": b"sluice.test",
        "absolute without a host": b"http://" + P, "absolute without slashes": b"http:" + P,
            "absolute with an empty host and a port": b"http://:80" + P,
        "absolute with a user": b"http://user:pw@sluice.test" + P,
            "absolute with a bad port": b"http://sluice.test:8a" + P,
        "absolute with a space in the host": b"http://sluice .test" + P,
            "absolute with a bad character in the host": b"http://slu<ce.test" + P,
        "of UTF-8": P + "?ä".encode(), "with 0xff": P + b"?\xff",
            "of UTF-8 in the path": "/v1/chät/completions".encode(),
        **{f"with control character {c:#04x}": P + b"?a%cb" % c for c in CTL + [9]},
        **{f"with {bytes([c])!r} in the query": P + b"?a%cb" % c for c in b"\"<>\\^`{|}"}}.items():
    row(f"target {name}", "3.2", message(line=b"POST " + target + b" HTTP/1.1"), Refused(400, 404))
for name, target in {"of ftp": b"ftp://sluice.test" + P, "of file": b"file:///etc/passwd",
        "of gopher": b"gopher://sluice.test" + P}.items():
    row(f"target absolute {name}", "3.2.2", message(line=b"POST " + target + b" HTTP/1.1"),
        Either(Refused(400, 404, 421), Answered(400, 404, 421)))
for c in b"[]":
    row(f"target with {bytes([c])!r} in the query", "3.2", message(line=b"POST " + P + b"?a%cb HTTP/1.1" % c),
        OK_OR_BAD)
NOT_FOUND = Either(Answered(400, 404), Refused(400, 404))
for target in (b"/", b"/v1/", b"/v1/chat", b"/v1/nothing", b"//v1/chat/completions", b"/v1//chat/completions",
        b"/v1/./chat/completions",
               b"/v1/x/../chat/completions", b"/../v1/chat/completions", b"/v1/chat/completions/..",
                   b"/v1/chat/completions/.", b"/v1/../../etc/passwd",
               b"/%2e%2e/v1/chat/completions", b"/v1/x/%2e%2e/chat/completions", b"/v1/x/%2E./chat/completions",
                   b"/v1/chat%2fcompletions", b"/v1/chat%5ccompletions",
               b"/v1/chat/completions%00", b"/v1/chat/completions%00.json", b"/v1/chat/completions%0d%0aX-A:b",
                   b"/v1/chat/completions%20", b"/v1/chat/completions;a=b",
               b"/v1/chat/completions/x", b"/V1/chat/completions", b"/v1/Chat/Completions", b"/%c0%af",
                   b"/%c0%ae%c0%ae/", b"/%ff", b"/v1/chat/completions.json",
               b"/v1beta/models/../admin:generateContent", b"/v1beta/models/m%2f..%2fx:generateContent",
                   b"/v1beta/models/:generateContent",
               b"/v1beta/models/m:nothing", b"/v1beta/models/m", b"/passthrough/../admin/v1/keys",
                   b"/passthrough/up/../../admin", b"/...", b"/.git/config"):
    row(f"target {target!r}", "3986 6.2", message(line=b"POST " + target + b" HTTP/1.1"),
        Either(Answered(400, 404, 405), Refused(400, 404, 405)))
row("target with an encoded letter", "3986 6.2.2.2", message(line=b"POST /%761/chat/completions HTTP/1.1"),
    Either(Accepted(), *NOT_FOUND.choices))

# -- Host ----------------------------------------------------------------------------------------------------------
row("Host missing", "3.2", message(host=b""))
row("Host missing, absolute target", "3.2", message(host=b"", line=b"POST http://sluice.test" + P + b" HTTP/1.1"))
row("Host twice, equal", "3.2", message(HOST))
row("Host twice, different", "3.2", message(b"Host: evil.test"))
row("Host twice, one empty", "3.2", message(b"Host:"))
row("Host twice in other case", "3.2", message(b"hOST: evil.test"))
row("Host with a space before the colon", "5.1", message(host=b"Host : sluice.test"))
row("Host folded", "5.2", message(host=b"Host:\r\n sluice.test"))
row("Host with another folded to it", "5.2", message(host=HOST + b"\r\n evil.test"))
row("Host with a space in front of the field", "2.2", message(host=b" Host: sluice.test"))
for value in (b"", b"a b", b"sluice.test, evil.test", b"user@sluice.test", b"user:pw@sluice.test", b"sluice.test:80:80",
        b"sluice.test:abc",
              b"sluice.test:-1", b"sluice.test:+80", b"sluice.test:8 0", b"sluice.test: 80", b"sluice.test :80",
                  b"sluice.test:0x50", b":80", b":", b"::1", b"[::1", b"::1]", b"[::1]x",
              b"[::1]:x", b"[::g]", b"[]", b"[1]", b"[::1]]", b"[[::1]]", b"http://sluice.test", b"sluice.test/",
                  b"sluice.test/v1", b"/", b"sluice.test?a", b"sluice.test#a", b"slu\tice.test",
              b"slu\\ice.test", b"slu<ice.test", b"slu>ice", b'slu"ice', b"slu^ice", b"slu`ice", b"slu{ice", b"slu|ice",
                  b"slu}ice", b"slu\x80ice", "slüice.test".encode(),
              b"slu\0ice", b"slu\x01ice", b"slu\x7fice", b"slu%zzice", b"slu%2", b"slu%", b"@", b"@sluice.test",
                  b"sluice.test@", b"sluice.test:80@evil.test", b"[::1%25eth0", b"[fe80::1]evil"):
    row(f"Host {value!r}", "9110 7.2", message(host=b"Host: " + value))
row("Host of 5,000 letters", "9110 7.2", message(host=b"Host: " + b"a" * 5000), Either(Accepted(), Refused(400, 431)))
for value in (b"sluice.test:99999", b"sluice.test:65536", b"sluice.test:999999999999999999999"):
    row(f"Host {value!r}", "9110 4.2.1", message(host=b"Host: " + value))
for value in (b"a,b", b"sluice.test:", b"slu%20ice", b"slu_ice.test", b"[v1.fe80]", b"*", b"sluice.test..",
        b"[::1%25eth0]",
              b"[::ffff:127.0.0.1]"):
    row(f"Host {value!r}", "9110 7.2", message(host=b"Host: " + value), OK_OR_BAD)
for value in (b"sluice.test", b"SLUICE.TEST", b"sluice.test:80", b"sluice.test:8080", b"127.0.0.1", b"127.0.0.1:65535",
        b"[::1]", b"[::1]:8080", b"[2001:DB8::7]", b"a", b"sluice.test.", b"a-b.c-d", b"localhost", b"1.2.3"):
    row(f"Host {value!r}", "9110 7.2", message(host=b"Host: " + value), OK)
row("host in small letters", "9110 5.1", message(host=b"host: sluice.test"), OK)
row("Host with spaces around", "9110 5.5", message(host=b"Host:   sluice.test  "), OK)
row("Host last", "9110 7.2", message(HOST, host=b""), OK)
row("Host that differs from the absolute target", "3.2.2",
    message(line=b"POST http://sluice.test" + P + b" HTTP/1.1", host=b"Host: evil.test"), OK)
row("a bad Host beside an absolute target", "3.2", message(line=b"POST http://sluice.test" + P + b" HTTP/1.1",
    host=b"Host: a b"))

# -- HTTP/1.0 ------------------------------------------------------------------------------------------------------
OLD = b"POST /v1/chat/completions HTTP/1.0"
row("HTTP/1.0", "9.3", message(line=OLD), Accepted(closed=True))
row("HTTP/1.0 without Host", "3.2", message(line=OLD, host=b""), Accepted(closed=True))
row("HTTP/1.0 with keep-alive", "9.3", message(b"Connection: keep-alive", line=OLD), OK)
row("HTTP/1.0 with close", "9.3", message(b"Connection: close", line=OLD), Accepted(closed=True))
row("HTTP/1.0 with two Hosts", "3.2", message(b"Host: evil.test", line=OLD))
row("HTTP/1.0 with a bad Host", "3.2", message(line=OLD, host=b"Host: a b"))
row("HTTP/1.0 with a second request behind it", "9.3", message(line=OLD) + EVIL_REQUEST, Accepted(closed=True))
row("HTTP/1.0 without a length", "6.3", message(line=OLD, framing=b""), Refused(400, 411))
row("HTTP/1.0 that expects 100", "9110 10.1.1", message(b"Expect: 100-continue", line=OLD), Accepted(closed=True))

# -- Connection, and what it names ---------------------------------------------------------------------------------
HOP = b"X-Sluice-Hop: 1"
row("Connection: close", "9.6", message(b"Connection: close"), Accepted(closed=True))
row("Connection: CLOSE", "9110 7.6.1", message(b"Connection: CLOSE"), Accepted(closed=True))
row("Connection: close in a list", "9110 7.6.1", message(b"Connection: x-sluice-hop, close", HOP),
    Accepted(closed=True))
row("Connection: close on a second line", "9110 7.6.1", message(b"Connection: x-sluice-hop", HOP, b"Connection: close"),
    Accepted(closed=True))
row("Connection: close, and a request behind it", "9.6", message(b"Connection: close") + EVIL_REQUEST,
    Accepted(closed=True))
row("Connection: keep-alive", "9.3", message(b"Connection: keep-alive"), Accepted(closed=False))
row("Connection: keep-alive, close", "9.3", message(b"Connection: keep-alive, close"), Accepted(closed=True))
row("Connection with empty elements", "9110 5.6.1", message(b"Connection: , x-sluice-hop ,,", HOP), OK)
row("Connection empty", "9110 7.6.1", message(b"Connection:"), OK)
row("Connection names a field", "9110 7.6.1", message(b"Connection: x-sluice-hop", HOP), OK)
row("Connection names a field in other case", "9110 7.6.1", message(b"Connection: X-SLUICE-HOP", HOP), OK)
row("Connection names a field that came before", "9110 7.6.1", message(HOP, b"Connection: x-sluice-hop"), OK)
row("Connection names a field twice there", "9110 7.6.1", message(b"Connection: x-sluice-hop", HOP, HOP), OK)
row("Connection on two lines names fields", "9110 7.6.1", message(b"Connection: x-other", b"Connection: x-sluice-hop",
    HOP), OK)
for name in (b"content-length", b"host", b"content-type", b"transfer-encoding", b"connection", b"expect", b"accept"):
    row(f"Connection names {name.decode()}", "9110 7.6.1", message(b"Connection: " + name), OK_OR_BAD)
row("Connection names authorization", "9110 7.6.1", message(b"Connection: authorization"),
    Either(Accepted(), Refused(400), Answered(401)))
row("Connection with a bad token", "9110 7.6.1", message(b"Connection: x(y)"), OK_OR_BAD)
row("Connection with a quoted close", "9110 7.6.1", message(b'Connection: "close"'), OK_OR_BAD)
for field in (b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"Proxy-Connection: close",
        b"Proxy-Authorization: Basic eDp5", b"TE: trailers", b"TE: gzip;q=0.5",
              b"Trailer: X-A", b"Cookie: a=b", b"X-Api-Key: sk-other", b"Api-Key: sk-other",
                  b"X-Goog-Api-Key: sk-other", b"Accept-Encoding: gzip", b"Range: bytes=0-1", b"If-None-Match: *",
                  b"If-Match: \"x\"",
              b"Max-Forwards: 0", b"X-Forwarded-For: 1.2.3.4", b"X-HTTP-Method-Override: DELETE",
                  b"X-Original-URL: /admin", b"X_Sluice_Key: a"):
    row(f"a field of no effect upstream: {field.decode()}", "9110 7.6.1", message(field), OK)
for name, fields in {"h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
                     "websocket": (b"Connection: Upgrade", b"Upgrade: websocket",
                         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"),
                     "something unknown": (b"Connection: upgrade", b"Upgrade: foo/2"),
                         "h2c without Connection": (b"Upgrade: h2c",),
                     "TLS": (b"Connection: Upgrade", b"Upgrade: TLS/1.0")}.items():
    row(f"Upgrade to {name} is ignored", "9110 7.8", message(*fields), OK_OR_BAD)

# -- Expect --------------------------------------------------------------------------------------------------------
row("Expect: 100-continue with the body at once", "9110 10.1.1", message(b"Expect: 100-continue"), OK)
row("Expect: 100-Continue in capitals", "9110 10.1.1", message(b"Expect: 100-CONTINUE"), OK)
for value in (b"banana", b"100-continue, banana", b"200-ok", b"100-continue; a=b", b"100", b"100-continuex",
        b'"100-continue"'):
    row(f"Expect: {value.decode()}", "9110 10.1.1", message(b"Expect: " + value), Either(Answered(417), Refused(417)))
row("Expect empty", "9110 10.1.1", message(b"Expect:"), Either(Accepted(), Answered(417), Refused(400, 417)))
row("Expect twice", "9110 10.1.1", message(b"Expect: 100-continue", b"Expect: 100-continue"),
    Either(Accepted(), Answered(417), Refused(400, 417)))

# -- what the body is said to be -----------------------------------------------------------------------------------
UNSUPPORTED = Either(Answered(415), Refused(415))
for coding in (b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"x-gzip", b"GZIP", b"aes128gcm", b"nonsense"):
    row(f"Content-Encoding {coding.decode()}", "9110 15.5.16", message(b"Content-Encoding: " + coding), UNSUPPORTED)
row("Content-Encoding identity", "9110 8.4.1", message(b"Content-Encoding: identity"),
    Either(Accepted(), *UNSUPPORTED.choices))
for kind in (b"text/plain", b"text/json", b"application/xml", b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=a", b"application/octet-stream",
             b"application/jsonp", b"application/jsonlines", b"image/png", b"text/plain; a=application/json",
                 b"xapplication/json"):
    row(f"Content-Type {kind.decode()}", "9110 15.5.16", message(content_type=b"Content-Type: " + kind), UNSUPPORTED)
for kind in (b"application/json; charset=utf-8", b"application/json;charset=UTF-8", b"Application/JSON",
        b"application/json ; charset=utf-8", b"application/json; charset=\"utf-8\"", b"application/json;"):
    row(f"Content-Type {kind.decode()}", "9110 8.3", message(content_type=b"Content-Type: " + kind), OK)
row("no Content-Type", "9110 8.3", message(content_type=b""), OK)
row("Content-Type twice, equal", "9110 5.3", message(JSON), Either(Accepted(), Answered(400, 415), Refused(400, 415)))
row("Content-Type twice, different", "9110 5.3", message(b"Content-Type: text/plain"),
    Either(Answered(400, 415), Refused(400, 415)))
for kind in (b"application", b"/", b"application/", b"application/json/x", b"application json", b""):
    row(f"Content-Type {kind!r}", "9110 8.3", message(content_type=b"Content-Type: " + kind),
        Either(Answered(400, 415), Refused(400, 415), *([Accepted()] if not kind else [])))

# -- another protocol altogether -----------------------------------------------------------------------------------
for name, data in {
        "a TLS ClientHello": bytes.fromhex("160301004a010000460303") + bytes(range(32)) + bytes.fromhex("00000213010100") + bytes(40),
        "an SSLv2 hello": bytes.fromhex("802e0100020015000000100700c0"), "an SSH banner": b"SSH-2.0-OpenSSH_9.2\r\n",
        "a mail client": b"EHLO sluice.test\r\n", "a Redis client": b"*1\r\n$4\r\nPING\r\n", "zeros": bytes(64),
            "0xff": b"\xff" * 64,
        "a PROXY line where none is expected": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + message(),
        "a binary PROXY header where none is expected": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + message(),
        "an HTTP answer": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "JSON": BODY + b"\r\n\r\n",
        "a chunk": CHUNKS, "a Memcached client": b"get a\r\n", "a bare word": b"hello\r\n\r\n"}.items():
    row(f"{name}", "3", data, Refused(400, 405, 501, 505, silent=True))


def cases():
    yield from rows_to_cases(bench, ROWS)


def done():
    bench.done()
