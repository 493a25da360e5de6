# SPDX-License-Identifier: Apache-2.0
"""TLS on both sides, HTTP/2 by ALPN and with prior knowledge, certificates that change, and the PROXY protocol."""
import collections
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

import wire
from harness import (CLIENT_KEY, SLOW, Gateway, Skip, chat, chat_answer, chat_stream, config, events_of, free_port,
                     http as whole, is_error, same, short, sse)
from provider import Never, Provider

PATH = "/v1/chat/completions"


class Certificates:
    """An authority in a folder of its own, and what it signs; made with the openssl program."""

    def __init__(self):
        if not shutil.which("openssl"):
            raise Skip("the openssl program is not installed")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sluice-tls-"))
        self._run("req", "-x509", *self.KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2",
                  "-addext", "keyUsage=critical,keyCertSign,cRLSign")    # Python 3.13 insists

    KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def _run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.dir, check=True, capture_output=True)

    def issue(self, name, san):
        """NAME.pem and NAME.key for these subject alternative names."""
        (self.dir / "ext").write_text(f"subjectAltName={san}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        self._run("req", *self.KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem",
                  "-days", "2", "-extfile", "ext")

    def path(self, name):
        return str(self.dir / name)

    def trusting(self, *protocols):
        context = ssl.create_default_context(cafile=self.path("ca.pem"))
        if protocols:
            context.set_alpn_protocols(protocols)
        return context


class Secure(Gateway):
    """Listens plain, with TLS, and with both behind PROXY headers."""

    def __init__(self, certificates, settings):
        super().__init__(settings)
        self.certificates, self.listen = certificates, None
        self.tls_port, self.proxy_port, self.proxy_tls_port = free_port(), free_port(), free_port()

    def _write(self):
        tls = {"cert": self.certificates.path("front.pem"), "key": self.certificates.path("front.key")}
        self.settings["listen"] = self.listen or [
            f"127.0.0.1:{self.port}",
            {"address": f"127.0.0.1:{self.tls_port}", "tls": tls},
            {"address": f"127.0.0.1:{self.proxy_port}", "proxy_protocol": "any"},
            {"address": f"127.0.0.1:{self.proxy_tls_port}", "proxy_protocol": "v1", "tls": tls},
        ]
        super()._write()

    def connect(self, port, context=None, before=b""):
        sock = socket.create_connection(("127.0.0.1", port), 5 * SLOW)
        if before:
            sock.sendall(before)
        return context.wrap_socket(sock, server_hostname="127.0.0.1") if context else sock

    def serial(self):
        with self.connect(self.tls_port, self.certificates.trusting()) as s:
            return s.getpeercert()["serialNumber"]


class Http2:
    """As much of HTTP/2 as a test needs: literal fields out, frames in."""

    HEADERS, DATA, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 0, 3, 4, 6, 7

    def __init__(self, sock):
        self.sock, self.next = sock, 1
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self._frame(self.SETTINGS, 0, 0, b""))

    @staticmethod
    def _frame(kind, flags, stream, payload):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    @staticmethod
    def _length(n):
        if n < 127:
            return bytes([n])
        n -= 127
        out = b"\x7f"
        while n >= 128:
            out += bytes([n % 128 + 128])
            n //= 128
        return out + bytes([n])

    def ask(self, method, path, body=None, fields=(), key=CLIENT_KEY):
        fields = [(":method", method), (":scheme", "https"), (":authority", "sluice.test"), (":path", path),
                  ("authorization", f"Bearer {key}"), *fields]
        block = b"".join(b"\0" + self._length(len(n)) + n.encode() + self._length(len(v)) + v.encode() for n, v in fields)
        stream, self.next = self.next, self.next + 2
        out = self._frame(self.HEADERS, 4 | (body is None), stream, block)
        if body is not None:
            out += self._frame(self.DATA, 1, stream, body if isinstance(body, bytes) else json.dumps(body).encode())
        self.sock.sendall(out)
        return stream

    def _bytes(self, n):
        out = b""
        while len(out) < n:
            got = self.sock.recv(n - len(out))
            if not got:
                raise wire.Ended("an HTTP/2 frame", out)
            out += got
        return out

    def frame(self):
        head = self._bytes(9)
        payload = self._bytes(int.from_bytes(head[:3], "big"))
        return head[3], head[4], int.from_bytes(head[5:], "big"), payload

    def answers(self, *streams):
        """{stream: (is it 200, body)} of these streams, which all must end well."""
        ok, body, left = {}, collections.defaultdict(bytes), set(streams)
        while left:
            kind, flags, stream, payload = self.frame()
            if kind == self.SETTINGS and not flags & 1:
                self.sock.sendall(self._frame(self.SETTINGS, 1, 0, b""))
            if kind in (self.RST_STREAM, self.GOAWAY):
                raise AssertionError(f"stream {stream} ended with {payload!r}")
            if kind == self.HEADERS:
                ok[stream] = payload[:1] == b"\x88"     # :status 200 of the static table
            if kind == self.DATA:
                body[stream] += payload
            if kind in (self.HEADERS, self.DATA) and flags & 1:
                left.discard(stream)
        return {s: (ok[s], body[s]) for s in streams}


class TlsProvider(Provider):
    """A provider behind a certificate."""

    def __init__(self, answer, certificates, name):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.path(f"{name}.pem"), certificates.path(f"{name}.key"))
        self.resumed = []
        super().__init__(answer)
        self.url = f"https://127.0.0.1:{self.port}"

    def _serve(self, c):
        try:
            c.sock.settimeout(60)
            c.sock = self.context.wrap_socket(c.sock, server_side=True)
        except (OSError, ssl.SSLError):
            c.sock.close()
            c.ended.set()
            return
        self.resumed.append(c.sock.session_reused)
        c.reader = wire.Reader(c.sock, timeout=60)
        super()._serve(c)


def say(request):
    if b'"stream": true' in request.body or b'"stream":true' in request.body:
        return sse(*chat_stream("one ", "two"))
    return whole(chat_answer("hello"))


def world():
    certificates = Certificates()
    certificates.issue("front", "DNS:localhost,IP:127.0.0.1")
    return certificates


def test_https_carries_requests_and_streams():
    with world() as cs, Provider(say) as p, Secure(cs, config(p)) as gw:
        c = http.client.HTTPSConnection("127.0.0.1", gw.tls_port, context=cs.trusting("http/1.1"), timeout=5 * SLOW)
        for _ in range(3):      # one connection
            c.request("POST", PATH, json.dumps(chat()), {"authorization": f"Bearer {CLIENT_KEY}"})
            r = c.getresponse()
            same(json.loads(r.read())["choices"][0]["message"]["content"], "hello")
        c.request("POST", PATH, json.dumps(chat(stream=True)), {"authorization": f"Bearer {CLIENT_KEY}"})
        events = events_of(c.getresponse().read())
        same(events[-1], "[DONE]")
        c.close()


def test_http_2_by_alpn_carries_requests_and_streams():
    with world() as cs, Provider(say) as p, Secure(cs, config(p)) as gw:
        with gw.connect(gw.tls_port, cs.trusting("h2", "http/1.1")) as s:
            same(s.selected_alpn_protocol(), "h2")
            c = Http2(s)
            a, b, d = c.ask("POST", PATH, chat()), c.ask("POST", PATH, chat(stream=True)), c.ask("GET", "/v1/models")
            got = c.answers(a, b, d)
            assert all(ok for ok, _ in got.values()), short(got)
            same(json.loads(got[a][1])["choices"][0]["message"]["content"], "hello")
            same(events_of(got[b][1])[-1], "[DONE]")
            same([m["id"] for m in json.loads(got[d][1])["data"]], ["m"])


def test_http_2_with_prior_knowledge():
    with world() as cs, Provider(say) as p, Secure(cs, config(p)) as gw, gw.connect(gw.port) as s:
        c = Http2(s)
        streams = [c.ask("POST", PATH, chat()) for _ in range(50)]
        got = c.answers(*streams)
        assert all(ok for ok, _ in got.values())
        is_error_key = c.ask("POST", PATH, chat(), key="sk-sl-unknown")
        ok, body = c.answers(is_error_key)[is_error_key]
        same((ok, json.loads(body)["error"]["code"]), (False, "invalid_api_key"))


def test_a_stream_that_the_client_resets_ends_upstream_and_nothing_else():
    begun = threading.Event()

    def slow(request):
        if b"slow" in request.body:
            begun.set()
            return [sse(chat_stream("a")[0], end=False), Never]
        return say(request)

    with world() as cs, Provider(slow) as p, Secure(cs, config(p)) as gw, gw.connect(gw.port) as s:
        c = Http2(s)
        a = c.ask("POST", PATH, chat("slow", stream=True))
        assert begun.wait(5 * SLOW)
        s.sendall(Http2._frame(Http2.RST_STREAM, 0, a, struct.pack(">I", 8)))
        p.wait_for(lambda: any(x.by_gateway for x in p.connections), 5 * SLOW)
        b = c.ask("POST", PATH, chat())
        assert c.answers(b)[b][0]


def test_a_new_certificate_is_served_after_sighup_and_a_bad_one_is_not():
    with world() as cs, Provider(say) as p, Secure(cs, config(p)) as gw:
        first = gw.serial()
        with gw.connect(gw.tls_port, cs.trusting("h2")) as old:
            c = Http2(old)
            cs.issue("front", "IP:127.0.0.1")
            gw.reload(gw.settings)
            deadline = time.monotonic() + 5 * SLOW
            while gw.serial() == first:
                assert time.monotonic() < deadline, "the new certificate is not served"
                time.sleep(0.02)
            second = gw.serial()
            (cs.dir / "front.pem").write_text("no certificate\n")
            gw.reload(gw.settings)
            while b"not reloaded" not in gw.messages():
                assert time.monotonic() < deadline + 5 * SLOW, "nobody complains about the bad certificate"
                time.sleep(0.02)
            same(gw.serial(), second)
            assert b"front.pem" in gw.messages()
            a = c.ask("POST", PATH, chat())
            assert c.answers(a)[a][0]     # the connection from before


def test_the_certificate_is_chosen_by_the_server_name():
    with world() as cs, Provider(say) as p:
        cs.issue("second", "DNS:second.example,DNS:*.wild.example")
        with Secure(cs, config(p)) as gw:
            tls = gw.settings["listen"][1]["tls"]
            tls["more"] = [{"cert": cs.path("second.pem"), "key": cs.path("second.key")}]
            settings = dict(gw.settings)
            gw.listen = settings["listen"]
            gw.reload(settings)
            deadline = time.monotonic() + 5 * SLOW
            while True:
                try:
                    for name in ("second.example", "x.wild.example", "localhost"):
                        with socket.create_connection(("127.0.0.1", gw.tls_port), 5 * SLOW) as s:
                            cs.trusting().wrap_socket(s, server_hostname=name).close()
                    break
                except ssl.SSLCertVerificationError:
                    assert time.monotonic() < deadline, name
                    time.sleep(0.02)


def test_what_is_no_tls_is_not_answered():
    with world() as cs, Provider(say) as p, Secure(cs, config(p)) as gw, gw.connect(gw.tls_port) as s:
        s.sendall(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
        try:
            got = s.recv(100)
        except ConnectionResetError:
            got = b""
        assert not got or got[0] == 21, got    # an alert, and no HTTP


def test_a_provider_is_verified():
    names = {"right": ("IP:127.0.0.1", True), "wrong": ("IP:127.0.0.2,DNS:localhost", False)}
    with world() as cs:
        for name, (san, good) in names.items():
            cs.issue(name, san)
            for ca, trusted in (("ca.pem", True), (None, False)):
                p = TlsProvider(say, cs, name)
                settings = config(p)
                if ca:
                    settings["providers"]["up"]["tls"] = {"ca": cs.path(ca)}
                settings["routing"] = {"retries": {"attempts": 0}}
                with p, Secure(cs, settings) as gw:
                    r = gw.post(PATH, chat())
                    if good and trusted:
                        same(r.status, 200, short(r.body))
                        same(gw.post(PATH, chat(stream=True)).status, 200)
                        same(len(p.connections), 1, "connections")
                    else:
                        is_error(r, 502)
                        assert b"127.0.0.2" not in r.body and not p.requests


def test_tls_sessions_with_a_provider_are_resumed():
    with world() as cs:
        cs.issue("right", "IP:127.0.0.1")

        def once(request):
            return whole(chat_answer("hello"), headers=("Connection: close",))

        p = TlsProvider(once, cs, "right")
        settings = config(p)
        settings["providers"]["up"]["tls"] = {"ca": cs.path("ca.pem")}
        with p, Secure(cs, settings) as gw:
            for _ in range(3):
                same(gw.post(PATH, chat()).status, 200)
            same(p.resumed, [False, True, True])


def test_the_proxy_protocol_comes_first():
    v1 = b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 443\r\n"
    v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 7, 192, 0, 2, 8, 4, 210, 1, 187])
    get = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with world() as cs, Provider(say) as p, Secure(cs, config(p)) as gw:
        for before in (v1, v2):
            with gw.connect(gw.proxy_port, before=before + get) as s:
                assert s.recv(1000).startswith(b"HTTP/1.1 200"), before
        for bad in (get, b"PROXY TCP4 x\r\n" + get):
            with gw.connect(gw.proxy_port, before=bad) as s:
                try:
                    same(s.recv(1000), b"")
                except ConnectionResetError:
                    pass
        with gw.connect(gw.proxy_tls_port, cs.trusting("http/1.1"), before=v1) as s:
            s.sendall(get)
            assert s.recv(1000).startswith(b"HTTP/1.1 200")
        try:    # this listener wants version 1
            gw.connect(gw.proxy_tls_port, cs.trusting("http/1.1"), before=v2).close()
            raise AssertionError("version 2 was accepted")
        except OSError:
            pass
