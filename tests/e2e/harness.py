# SPDX-License-Identifier: Apache-2.0
"""harness: starts the gateway for a test, talks to it, stops it, and runs the tests.

A test is a function whose name is a sentence and starts with `test_`; it starts what it needs itself. A file may also
have cases(), which yields (name, function) for each row of a table. SLUICE names the program under test (default
build/sluice), so that `SLUICE=build/asan/sluice tests/e2e/run` tests the sanitized one.
"""
import contextlib
import fcntl
import importlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import wire
from provider import Provider

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("SLUICE", ROOT / "build" / "sluice")).resolve()
# Everything is slower under a sanitizer or valgrind; the deadlines of the tests stretch by this.
SLOW = float(os.environ.get("E2E_SLOW", "1"))

# Shadow memory and quarantines make figures of memory meaningless.
SANITIZED = PROGRAM.exists() and re.search(rb"__[at]san_init", PROGRAM.read_bytes()) is not None

ADMIN_KEY = "sk-sl-admin-8d1f0f3c5f6e4a7b9c2d"
CLIENT_KEY = "sk-sl-client-4b7e9a1c2d3f5a6b8c9d"
PROVIDER_KEY = "sk-prov-secret-77aa55ee33cc11bb99dd"

# What must never stand in a log, whatever happens.
SANITIZER = re.compile(rb"ERROR: \w+Sanitizer|SUMMARY: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|Assertion |panic")


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def _own_ports():
    """Ports for this run alone, below those that the kernel gives to outgoing connections: gateways of two runs on one
    port would share its connections (SO_REUSEPORT)."""
    for first in itertools.cycle(range(10000, 32000, 500)):
        try:
            lock = open(pathlib.Path(tempfile.gettempdir(), f"sluice-e2e-ports-{first}"), "a")   # held while this runs
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.01)
            continue
        yield from itertools.cycle(range(first, first + 500))


_ports = _own_ports()


def free_port():
    for port in _ports:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            return port


# Routing that leaves no deployment alone for its failures: for tests of many bad answers one after the other.
PATIENT = {"breaker": {"consecutive_failures": 1000000}, "cooldown": {"min_requests": 1000000, "on_429": False}}


def config(provider=None, **over):
    """The usual configuration: one provider, the model `m` there called `real-m`, one client key. `over` replaces whole members."""
    out = {
        "workers": 1,
        "admin": {"key": ADMIN_KEY},
        "keys": [{"name": "test", "key": CLIENT_KEY}],
    }
    if provider:
        out["providers"] = {"up": {"dialect": "openai-chat", "base_url": provider.url + "/v1", "api_key": PROVIDER_KEY}}
        out["models"] = [{"name": "m", "deployments": [{"provider": "up", "model": "real-m"}]}]
    out.update(over)
    return out


class Gateway:
    """The program under test with a configuration of its own; a context manager. Leaving it stops the program and
    checks its exit code and its messages."""

    def __init__(self, settings, env=None, args=(), ready="/health/ready", command="serve"):
        self.settings, self.env, self.args, self.ready = dict(settings), env or {}, list(args), ready
        self.command = command
        self.process = None
        self.stopped = False
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sluice-e2e-"))

    # -- life ---------------------------------------------------------------------------------------------------
    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                if not self.stopped:
                    self.stop()
            else:
                self._kill()
                tail = self.messages()[-3000:].decode(errors="replace")
                if tail:
                    print("    the gateway's last messages:\n      " + "\n      ".join(tail.splitlines()[-15:]))
        finally:
            self._kill()
            if not os.environ.get("E2E_KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        for attempt in range(3):
            self.port = free_port()
            self._write()
            self._spawn()
            if self._wait_ready():
                return
            if b"in use" not in self.messages():
                break
        raise AssertionError(f"the gateway did not get ready (exit code {self.process.poll()}): "
                             f"{self.messages()[-2000:].decode(errors='replace')}")

    def _write(self):
        settings = {"listen": f"127.0.0.1:{self.port}", "data_dir": str(self.dir / "data"), **self.settings}
        if settings.get("data_dir") is None:
            del settings["data_dir"]
        # YAML is a superset of JSON, and what a failing test leaves behind is readable.
        text = json.dumps(settings, indent=1).replace("@PORT@", str(self.port)).replace("@DIR@", str(self.dir))
        (self.dir / "sluice.yaml").write_text(text)

    def _spawn(self):
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        env.update({"ASAN_OPTIONS": "detect_leaks=1:exitcode=77", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                    **self.env})
        command = [str(PROGRAM), self.command, "-c", str(self.dir / "sluice.yaml"), *self.args]
        self.stdout, self.stderr = open(self.dir / "stdout", "ab"), open(self.dir / "stderr", "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.stdout, stderr=self.stderr,
                                        env=env, cwd=self.dir)

    def _wait_ready(self):
        deadline = time.monotonic() + 10 * SLOW
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get(self.ready, key=None, timeout=2).status == 200:
                    return True
            except (OSError, wire.Ended, wire.Late):
                pass
            time.sleep(0.005)
        return False

    def reload(self, settings):
        """New settings by SIGHUP; returns at once."""
        self.settings = dict(settings)
        self._write()
        self.process.send_signal(signal.SIGHUP)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self, within=15):
        """SIGTERM; exit code 0 and nothing from a sanitizer."""
        self.stopped = True
        if self.process.poll() is None:
            self.terminate()
        try:
            code = self.process.wait(within * SLOW)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the gateway did not end within {within} s of SIGTERM") from None
        found = SANITIZER.search(self.messages())
        if code != 0 or found:
            raise AssertionError(f"the gateway ended with {code}: {self.messages()[-6000:].decode(errors='replace')}")

    def _kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for f in ("stdout", "stderr"):
            if getattr(self, f, None):
                getattr(self, f).close()

    def messages(self):
        """Everything it wrote: messages and the access log."""
        return b"".join((self.dir / f).read_bytes() for f in ("stderr", "stdout") if (self.dir / f).exists())

    def log_lines(self):
        """The JSON lines of its log, as dicts."""
        out = []
        for line in self.messages().splitlines():
            if line.startswith(b"{"):
                with contextlib.suppress(ValueError):
                    out.append(json.loads(line))
        return out

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(l.split()[1]) for l in f if l.startswith("VmRSS"))

    def peak_rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(l.split()[1]) for l in f if l.startswith("VmHWM"))

    # -- requests -----------------------------------------------------------------------------------------------
    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def client(self, timeout=5.0):
        return wire.Client(self.address, timeout * SLOW)

    def request(self, method, path, body=None, headers=(), key=CLIENT_KEY, timeout=5.0):
        """One whole request on a fresh connection. body: bytes, or anything for JSON."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        with self.client(timeout) as c:
            c.send(request_bytes(method, path, body, headers, key))
            return c.answer(method)

    def get(self, path, **kw):
        return self.request("GET", path, **kw)

    def post(self, path, body, **kw):
        return self.request("POST", path, body, **kw)

    def admin(self, method, path, body=None, **kw):
        return self.request(method, path, body, key=ADMIN_KEY, **kw)

    def metrics(self):
        """{'name{labels}': value}"""
        r = self.get("/metrics", key=ADMIN_KEY)
        assert r.status == 200, r.head
        out = {}
        for line in r.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out


class Stage:
    """A gateway, self.gw, and the providers around it, in members of their own or in a dictionary: opened and closed together."""

    def __enter__(self):
        self.gw.__enter__()
        return self

    def __exit__(self, *e):
        try:
            self.gw.__exit__(*e)
        finally:
            for member in vars(self).values():
                for p in member.values() if isinstance(member, dict) else [member]:
                    if isinstance(p, Provider):
                        p.stop()


def request_bytes(method, path, body=None, headers=(), key=CLIENT_KEY, host="sluice.test"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body is not None:
        if not any(h.lower().startswith("content-type:") for h in headers):
            lines.append("Content-Type: application/json")
        lines.append(f"Content-Length: {len(body)}")
    lines += list(headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


# -- what providers say -------------------------------------------------------------------------------------------------
def http(body, status="200 OK", content_type="application/json", headers=()):
    """A whole provider answer with a length."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def sse(*events, end=True):
    """A whole provider stream: each event in its own chunk. An event is bytes as they are, or an object for a data: line."""
    out = SSE_HEAD
    for e in events:
        out += chunk(event(e))
    return out + (b"0\r\n\r\n" if end else b"")


def event(e, name=None):
    if isinstance(e, bytes):
        return e
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(e, separators=(',', ':'))}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def chat_answer(text="hello", model="real-m", usage=(11, 7)):
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None},
                         "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}}


def chat_chunk(text=None, finish=None, **over):
    out = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "real-m",
           "choices": [{"index": 0, "delta": {"content": text} if text is not None else {}, "finish_reason": finish}]}
    out.update(over)
    return out


def chat_stream(*texts, usage=(11, 7)):
    events = [chat_chunk(t) for t in texts] + [chat_chunk(finish="stop")]
    if usage:
        events.append(chat_chunk(choices=[], usage={"prompt_tokens": usage[0], "completion_tokens": usage[1],
                                                    "total_tokens": sum(usage)}))
    return events + [DONE]


def chat(text="hi", model="m", **more):
    """A chat request's body, as an object."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def events_of(body):
    """The data of each SSE event of a body, by the rules of the HTML standard: parsed, or the text when it is not JSON."""
    out, data = [], []
    for line in re.split("\r\n|\r|\n", body.decode().removeprefix("\ufeff")):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            text, data = "\n".join(data), []
            try:
                out.append(json.loads(text))
            except ValueError:
                out.append(text)
    return out


# -- checks --------------------------------------------------------------------------------------------------------
def same(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what}\n      want {short(want)}\n      got  {short(got)}")


def short(thing, limit=1200):
    text = repr(thing)
    return text if len(text) <= limit else text[:limit] + f"… ({len(text)} characters)"


def is_error(response, statuses, code=None):
    """A refusal of the gateway in OpenAI's shape, with nothing secret in it."""
    statuses = {statuses} if isinstance(statuses, int) else statuses
    if response.status not in statuses:
        raise AssertionError(f"status {response.status} {response.body[:300]!r}, wanted {sorted(statuses)}")
    no_secret(response)
    if response.headers.has("content-type") and response.body:
        assert response.get("content-type").startswith("application/json"), response.head
    error = response.json()["error"]
    assert isinstance(error["message"], str) and error["message"], response.body
    if code:
        same(error.get("code"), code, f"error code of {response.body!r}")
    return error


def no_secret(response):
    for secret in (PROVIDER_KEY, ADMIN_KEY, CLIENT_KEY):
        assert secret.encode() not in response.head + response.body, f"a key is shown: {response.head + response.body!r}"


# -- the runner ----------------------------------------------------------------------------------------------------
class _TooLong(BaseException):
    pass


def _alarm(*_):
    raise _TooLong


def _tests_of(module):
    for name, thing in list(vars(module).items()):   # warnings write into a module
        if name.startswith("test_") and callable(thing):
            yield name[5:].replace("_", " "), thing
    if hasattr(module, "cases"):
        yield from module.cases()


def _run_one(run, limit):
    """None when it passed, else (kind, text)."""
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        run()
        return None
    except Skip as e:
        return "skipped", str(e)
    except _TooLong:
        return "failed", f"took longer than {limit:.0f} s\n" + "".join(traceback.format_exc().splitlines(True)[-8:])
    except Exception as e:
        if isinstance(e, (AssertionError, wire.Malformed, wire.Ended, wire.Late)):
            where = traceback.extract_tb(e.__traceback__)
            place = next((f for f in reversed(where) if pathlib.Path(f.filename).name not in ("wire.py", "harness.py")),
                where[-1])
            return "failed", f"{type(e).__name__}: {e}\n  at {pathlib.Path(place.filename).name}:{place.lineno} {place.line}"
        return "failed", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(arguments):
    """run [-v] [FILTER…]: every test whose "file: name" holds one of the filters."""
    if not PROGRAM.exists():
        print(f"{PROGRAM} is not built: make build")
        return 1
    verbose = "-v" in arguments
    filters = [a for a in arguments if a != "-v"]
    signal.signal(signal.SIGALRM, _alarm)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    reasons = {}
    here = pathlib.Path(__file__).parent
    for path in sorted(here.glob("*.py")):
        if path.stem in ("harness", "wire", "provider"):
            continue
        module = importlib.import_module(path.stem)
        for name, run in _tests_of(module):
            full = f"{path.stem}: {name}"
            if filters and not any(f in full for f in filters):
                continue
            started = time.monotonic()
            got = _run_one(run, getattr(run, "limit", 30) * SLOW)
            kind = got[0] if got else "passed"
            counts[kind] += 1
            if kind == "failed":
                print(f"FAILED {full}\n    " + got[1].rstrip().replace("\n", "\n    "), flush=True)
            elif kind == "skipped":
                reasons.setdefault(got[1], []).append(full)
            elif verbose:
                print(f"passed {full} ({time.monotonic() - started:.2f} s)", flush=True)
        if hasattr(module, "done"):
            got = _run_one(module.done, 60 * SLOW)
            if got:
                counts[got[0]] += 1
                print(f"FAILED {path.stem}: at its end\n    " + got[1].replace("\n", "\n    "), flush=True)
    for reason, names in reasons.items():
        print(f"skipped {len(names)}: {reason} ({names[0]}{' …' if len(names) > 1 else ''})")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] or not sum(counts.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
