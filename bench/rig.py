# SPDX-License-Identifier: Apache-2.0
"""What the bench and the soak tests share: processes that end with us, their CPU and memory, the mock provider, the load
generator, and the gateways that are measured. Standard library only."""

import atexit
import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))
BUILD = BUILD if os.path.isabs(BUILD) else os.path.join(ROOT, BUILD)
PROGRAM = os.path.abspath(os.environ.get("SLUICE", os.path.join(BUILD, "sluice")))
PR_SET_PDEATHSIG = 1
KEY, ADMIN_KEY = "sk-bench", "sk-bench-admin"
CORES = sorted(os.sched_getaffinity(0))
TOOLS_CORE, TARGET_CORE = CORES[0], CORES[-1]

_running = []
_libc = ctypes.CDLL(None)


class Failed(AssertionError):
    """The thing measured did not do what it should."""


def raise_fd_limit():
    """10,000 streams are 20,000 descriptors in the gateway."""
    for want in (200000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (want, want))
            return
        except (ValueError, OSError):
            continue


raise_fd_limit()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def program(name):
    for where in (os.environ.get("PATH", ""), "/usr/sbin:/usr/local/sbin:/sbin"):
        found = shutil.which(name, path=where)
        if found:
            return found
    return None


class Proc:
    """A process of ours: pinned, killed with us, its output in a file."""

    def __init__(self, argv, cores=None, log=None, env=None, cwd=None, stdout=None):
        def child():
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if cores is not None:
                os.sched_setaffinity(0, cores)

        self.argv, self.log = argv, log
        out = open(log, "ab") if log else subprocess.DEVNULL
        self.p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=out, env=env, cwd=cwd, preexec_fn=child)
        if log:
            out.close()
        self.pid = self.p.pid
        _running.append(self)

    def alive(self):
        return self.p.poll() is None

    def kill(self):
        """kill -9, and wait until it is gone."""
        if self.alive():
            self.p.kill()
        self.p.wait()
        if self in _running:
            _running.remove(self)

    def stop(self, wait=10.0):
        """SIGTERM; the exit code. What does not listen is killed and None returned."""
        try:
            if self.alive():
                self.p.terminate()
            self.p.wait(wait)
        except subprocess.TimeoutExpired:
            children = tree(self.pid)
            for pid in children[::-1]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.p.wait()
            return None
        finally:
            if self in _running:
                _running.remove(self)
        return self.p.returncode

    def said(self, n=2000):
        try:
            with open(self.log, "rb") as f:
                return f.read()[-n:].decode(errors="replace")
        except (OSError, TypeError):
            return ""


def _end_all(*_):
    for p in list(_running):
        p.stop(wait=3)


def _on_signal(number, _frame):
    sys.exit(128 + number)


atexit.register(_end_all)
signal.signal(signal.SIGTERM, _on_signal)
signal.signal(signal.SIGHUP, _on_signal)


class TempDir:
    """Removed at the end, also after an exception; `keep` for looking at what went wrong."""

    def __init__(self, name):
        self.path = tempfile.mkdtemp(prefix="sluice-%s-" % name)
        os.chmod(self.path, 0o755)
        self.keep = bool(os.environ.get("KEEP"))
        atexit.register(self.remove)

    def remove(self):
        if self.keep:
            print("kept: " + self.path, file=sys.stderr)
        else:
            shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text=None):
        path = os.path.join(self.path, name)
        if text is not None:
            with open(path, "w") as f:
                f.write(text)
        return path


def tree(pid):
    """pid and all its descendants."""
    found, new = [], [pid]
    while new:
        p = new.pop()
        found.append(p)
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, task)) as f:
                    new += [int(c) for c in f.read().split()]
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def cpu_ns(pid):
    """Nanoseconds on a CPU of every thread of the process tree."""
    total = 0
    for p in tree(pid):
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/schedstat" % (p, task)) as f:
                    total += int(f.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def cpu_threads(pid):
    """{thread name: ns} of the process tree."""
    found = {}
    for p in tree(pid):
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/comm" % (p, task)) as f:
                    name = f.read().strip()
                with open("/proc/%d/task/%s/schedstat" % (p, task)) as f:
                    found[name] = found.get(name, 0) + int(f.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def memory(pid):
    """Bytes of the process tree: {"rss": …, "pss": …, "anon": …}."""
    total = {"rss": 0, "pss": 0, "anon": 0}
    names = {"Rss:": "rss", "Pss:": "pss", "Anonymous:": "anon"}
    for p in tree(pid):
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                for line in f:
                    word = line.split()
                    if word[0] in names:
                        total[names[word[0]]] += int(word[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def http(port, method="GET", path="/", headers=None, body=b"", timeout=10.0):
    """One exchange on a fresh connection: (status, headers, body). OSError when nobody answers."""
    import http.client
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        c.request(method, path, body=body or None, headers=headers or {})
        r = c.getresponse()
        return r.status, dict((k.lower(), v) for k, v in r.getheaders()), r.read()
    except http.client.HTTPException as e:
        raise OSError(str(e) or type(e).__name__)
    finally:
        c.close()


def admin(port, path, method="GET", body=None):
    status, _, answer = http(port, method, path, {"authorization": "Bearer " + ADMIN_KEY, "content-type": "application/json"},
                             json.dumps(body).encode() if body is not None else b"")
    if status // 100 != 2:
        raise Failed("%s %s: %d %s" % (method, path, status, answer[:300]))
    return json.loads(answer) if answer else None


def wait_ready(proc, port, path, seconds=20.0):
    """Until path answers 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not proc.alive():
            raise Failed("%s ended with %s:\n%s" % (proc.argv[0], proc.p.returncode, proc.said()))
        try:
            if http(port, path=path, timeout=2)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise Failed("%s is not ready:\n%s" % (proc.argv[0], proc.said()))


class Mock:
    def __init__(self, orders="", core=TOOLS_CORE, spin=False):
        argv = [os.path.join(BUILD, "bench/mock"), "--seconds", "3600"] + (["--set", orders] if orders else []) + (["--spin"] if spin else [])
        self.proc = Proc(argv, {core}, stdout=subprocess.PIPE)
        self.port = int(self.proc.p.stdout.readline().split()[1])

    def stop(self):
        """Its counts."""
        self.proc.p.terminate()
        out = self.proc.p.stdout.read()
        self.proc.stop()
        return json.loads(out.splitlines()[-1])


class Load:
    """A running load generator; result() waits for its counts."""

    def __init__(self, port, core=TOOLS_CORE, **options):
        argv = [os.path.join(BUILD, "bench/load"), "--port", str(port)]
        for name, value in options.items():
            for v in value if isinstance(value, list) else [value]:
                if v is True:
                    argv.append("--" + name)
                elif v not in (None, False):
                    argv += ["--" + name, str(v)]
        self.errors = tempfile.TemporaryFile()
        self.proc = Proc(argv, {core}, stdout=subprocess.PIPE)
        self.seconds = int(options.get("seconds", 60)) + int(options.get("timeout", 30000)) / 1000 + 20

    def wait_open(self):
        """Until all streams have had an event."""
        line = json.loads(self.proc.p.stdout.readline())
        if "open" not in line:
            raise Failed("not all streams opened: %s" % line)
        return line["open"]

    def end(self):
        self.proc.p.terminate()
        return self.result()

    def result(self):
        try:
            out, _ = self.proc.p.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            raise Failed("the load generator did not end")
        self.proc.stop()
        lines = out.splitlines()
        if not lines:
            raise Failed("the load generator said nothing: %s" % " ".join(self.proc.argv))
        return json.loads(lines[-1])


def load(port, **options):
    return Load(port, **options).result()


def load_clean(port, **options):
    """The same; any failed request is an error."""
    r = load(port, **options)
    if r["failed"] or r["ok"] != r["finished"] or not r["ok"]:
        raise Failed("load failed: %s" % json.dumps(r))
    return r


# ---- gateways ----

class Target:
    """A gateway: started with start(), reached at .port (JSON), .stream_port and .tls_port; .headers go with every request."""

    name, health, headers = "", "/health/ready", []

    def __init__(self, mock_port, tmp, cores=None):
        self.mock_port, self.tmp, self.cores = mock_port, tmp, {TARGET_CORE} if cores is None else cores
        self.port = free_port()
        self.stream_port = self.port
        self.tls_port = None
        self.proc = None
        self.log = tmp.file("%s.log" % self.name)

    def start(self, wrap=()):
        self.proc = Proc(list(wrap) + self.argv(), self.cores, log=self.log, env=self.env())
        wait_ready(self.proc, self.port, self.health, 60 if wrap else 20)
        return self

    def env(self):
        return None

    def stop(self, wait=10.0):
        return self.proc.stop(wait) if self.proc else 0


class Direct(Target):
    """The mock itself."""
    name = "direct"

    def __init__(self, mock_port, tmp, cores=None):
        super().__init__(mock_port, tmp, cores)
        self.port = self.stream_port = mock_port

    def start(self, wrap=()):
        return self

    def stop(self, wait=10.0):
        return 0


NGINX = """daemon off; worker_processes 1; pid {tmp}/nginx.pid; error_log {tmp}/nginx.err warn; {extra}
events {{ worker_connections 8192; }}
http {{
    access_log off; tcp_nodelay on; sendfile on; server_tokens off;
    keepalive_requests 1000000000; keepalive_timeout 3600s; client_max_body_size 32m; client_body_buffer_size 256k;
    client_body_temp_path {tmp}/n1; proxy_temp_path {tmp}/n2; fastcgi_temp_path {tmp}/n3; uwsgi_temp_path {tmp}/n4; scgi_temp_path {tmp}/n5;
    upstream mock {{ server 127.0.0.1:{mock}; keepalive 1024; keepalive_requests 1000000000; keepalive_timeout 3600s; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 600s;
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://mock; }}
              location = /health/ready {{ return 200; }} }}
    server {{ listen 127.0.0.1:{stream} backlog=4096; location / {{ proxy_pass http://mock; proxy_buffering off; }} }}
    server {{ listen 127.0.0.1:{tls} ssl backlog=4096; ssl_certificate {tmp}/cert.pem; ssl_certificate_key {tmp}/key.pem;
              location / {{ proxy_pass http://mock; proxy_buffering off; }} }}
}}
"""


class Nginx(Target):
    name = "nginx"

    def __init__(self, mock_port, tmp, cores=None, single=False):
        super().__init__(mock_port, tmp, cores)
        self.stream_port, self.tls_port = free_port(), free_port()
        certificate(tmp)
        self.conf = tmp.file("nginx.conf", NGINX.format(tmp=tmp.path, mock=mock_port, port=self.port, stream=self.stream_port,
                                                        tls=self.tls_port, extra="master_process off;" if single else ""))

    def argv(self):
        return [program("nginx"), "-c", self.conf, "-e", self.tmp.file("nginx.err")]


HAPROXY = """global
    nbthread 1
    maxconn 8192
    tune.bufsize 16384
defaults
    mode http
    option http-no-delay
    http-reuse always
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    timeout http-keep-alive 3600s
frontend in
    bind 127.0.0.1:{port} backlog 4096
    bind 127.0.0.1:{tls} ssl crt {tmp}/both.pem backlog 4096
    http-request return status 200 if {{ path /health/ready }}
    default_backend mock
backend mock
    server m 127.0.0.1:{mock} pool-max-conn 4096 pool-purge-delay 3600s
"""


class Haproxy(Target):
    name = "haproxy"

    def __init__(self, mock_port, tmp, cores=None):
        super().__init__(mock_port, tmp, cores)
        self.tls_port = free_port()
        certificate(tmp)
        self.conf = tmp.file("haproxy.cfg", HAPROXY.format(tmp=tmp.path, mock=mock_port, port=self.port, tls=self.tls_port))

    def argv(self):
        return [program("haproxy"), "-db", "-f", self.conf]


class Portkey(Target):
    """The npm gateway, from bench/portkey's lock file into build/portkey. Asked for a provider of one's own with its two headers."""
    name, health = "portkey", "/"

    def __init__(self, mock_port, tmp, cores=None):
        super().__init__(mock_port, tmp, cores)
        self.headers = ["x-portkey-provider: openai", "x-portkey-custom-host: http://127.0.0.1:%d/v1" % mock_port]
        self.dir = os.path.join(BUILD, "portkey")

    def install(self):
        if not program("npm") or not program("node"):
            raise Failed("portkey: npm and node are needed")
        main = os.path.join(self.dir, "node_modules/@portkey-ai/gateway/build/start-server.js")
        if os.path.exists(main):
            return main
        os.makedirs(self.dir, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(ROOT, "bench/portkey", name), self.dir)
        done = subprocess.run([program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=self.dir, capture_output=True,
                              timeout=300)
        if done.returncode:
            raise Failed("portkey: npm ci failed: %s" % done.stderr.decode()[-300:])
        return main

    def argv(self):
        return [program("node"), self.install(), "--port=%d" % self.port, "--headless"]

    def env(self):
        return dict(os.environ, NODE_ENV="production")


SLUICE = """listen:
  - 127.0.0.1:{port}
{tls}workers: {workers}
{top}data_dir: {data}
admin: {{key: {admin}}}
auth: required
providers:
{providers}  mock-anthropic: {{dialect: anthropic, base_url: "http://127.0.0.1:{mock}", api_key: k}}
models:
  - name: bench
    deployments:
{deployments}  - name: bench-anthropic
    deployments: [{{provider: mock-anthropic, model: mock-model, price: {{input: 3, output: 15}}}}]
{models}keys:
  - {{name: bench, key: {key}, models: [bench, bench-anthropic]}}
logs: {{requests: metadata, access: {log}}}
telemetry: {{prometheus: true}}
{more}"""


class Sluice(Target):
    """With everything on: keys, routing, prices, ledger, metrics, a log line per request to a file."""
    name = "sluice"

    def __init__(self, mock_port, tmp, cores=None, workers=1, top="", more="", name="sluice", tls=True, deployments=1):
        self.name = name
        self.providers = ["mock", "mock-2", "mock-3"][:deployments]
        super().__init__(mock_port, tmp, cores)
        if tls:
            self.tls_port = free_port()
            certificate(tmp)
        self.data = tmp.file(name + "-data")
        self.access = tmp.file(name + "-access.log")
        self.workers, self.top = workers, top
        self.conf = tmp.file(name + ".yaml", self.config(more))

    def config(self, more="", models=""):
        tls = '  - {address: "127.0.0.1:%d", tls: {cert: %s/cert.pem, key: %s/key.pem}}\n' % (
            self.tls_port, self.tmp.path, self.tmp.path) if self.tls_port else ""
        providers = "".join('  %s: {dialect: openai-chat, base_url: "http://127.0.0.1:%d/v1", api_key: k}\n' % (p, self.mock_port)
                            for p in self.providers)
        deployments = "".join("      - {provider: %s, model: mock-model, price: {input: 0.20, output: 0.60}}\n" % p
                              for p in self.providers)
        return SLUICE.format(port=self.port, providers=providers, deployments=deployments, tls=tls, workers=self.workers, top=self.top, more=more,
                             models=models, data=self.data, admin=ADMIN_KEY, key=KEY, mock=self.mock_port, log=self.access)

    def reload(self, more="", models=""):
        """Another configuration and SIGHUP."""
        self.tmp.file(os.path.basename(self.conf) + ".new", self.config(more, models))
        os.rename(self.conf + ".new", self.conf)
        os.kill(self.proc.pid, signal.SIGHUP)

    def argv(self):
        return [PROGRAM, "-c", self.conf]


def certificate(tmp):
    """A self-signed certificate for the TLS listeners."""
    cert, key = tmp.file("cert.pem"), tmp.file("key.pem")
    if os.path.exists(cert):
        return
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    os.chmod(key, 0o600)
    with open(tmp.file("both.pem"), "w") as both:
        both.write(open(cert).read() + open(key).read())


TARGETS = {"direct": Direct, "nginx": Nginx, "haproxy": Haproxy, "portkey": Portkey, "sluice": Sluice}


# ---- instructions ----

def callgrind_total(path):
    with open(path) as f:
        for line in f:
            if line.startswith("summary:") or line.startswith("totals:"):
                return int(line.split()[1])
    raise Failed("%s: no total" % path)


def callgrind_run(target, requests, out, **options):
    """User instructions of the whole process that started, answered this many requests, and ended."""
    if os.path.exists(out):
        os.unlink(out)
    target.start(wrap=[program("valgrind"), "--tool=callgrind", "--callgrind-out-file=" + out, "--error-exitcode=0", "-q"])
    load_clean(target.port, requests=requests, seconds=120, timeout=60000, header=target.headers, **options)
    target.stop(wait=60)
    return callgrind_total(out)


def instructions_per_request(make_target, tmp, few=300, many=1300, **options):
    """From two runs that differ only in their number of requests: what start and end cost falls out."""
    options.setdefault("connections", 8)
    totals = []
    for n in (few, many):
        totals.append(callgrind_run(make_target(), n, tmp.file("callgrind.%d" % n), **options))
    return (totals[1] - totals[0]) / (many - few)
