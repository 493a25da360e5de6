# SPDX-License-Identifier: Apache-2.0
"""Running it: health, metrics, log lines, reload, drain, bad configurations, the command line."""
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import threading
import time

from harness import (ADMIN_KEY, CLIENT_KEY, PROGRAM, PROVIDER_KEY, SLOW, SSE_HEAD, Gateway, chat, chat_answer,
                     chat_chunk, chunk, config, event, http, is_error, no_secret, same, short)
from provider import Never, Provider, Wait
from strict import message
from wire import Ended, Late, read_response_head

PATH = "/v1/chat/completions"
SECRET_PROMPT, SECRET_ANSWER = "prompt-3f9a-not-for-logs", "answer-7c1d-not-for-logs"


def until(condition, what, within=5.0):
    """Wait for something of which nobody tells us."""
    deadline = time.monotonic() + within * SLOW
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.01)


# -- health ----------------------------------------------------------------------------------------------------------
def test_health_needs_no_key_and_is_json():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        for path in ("/health/live", "/health/ready", "/livez", "/readyz", "/health/liveliness", "/health/readiness"):
            r = gw.get(path, key=None)
            same(r.status, 200, path)
            assert r.get("content-type").startswith("application/json") and r.json() is not None
            r = gw.request("HEAD", path, key=None)
            same((r.status, r.body), (200, b""))
        same(gw.request("HEAD", "/", key=None).status, 200)


# -- metrics ---------------------------------------------------------------------------------------------------------
def value(metrics, name, **labels):
    """The sum of all series of that name with these labels."""
    return sum(v for k, v in metrics.items() if (k == name or k.startswith(name + "{")) and all(f'{l}="{x}"' in k for l,
        x in labels.items()))


def test_metrics_count_what_happened():
    with Provider(lambda r: http(chat_answer(usage=(11, 7)))) as provider:
        cfg = config(provider)
        cfg["models"][0]["deployments"][0]["price"] = {"input": 2, "output": 10}
        with Gateway(cfg) as gw:
            for _ in range(3):
                same(gw.post(PATH, chat()).status, 200)
            gw.post(PATH, chat(), key="nobody")
            m = gw.metrics()
            same(value(m, "sluice_requests_total", status="200", endpoint=PATH), 3)
            same(value(m, "sluice_requests_total", status="401"), 1)
            same(value(m, "sluice_tokens_total", kind="input"), 33)
            same(value(m, "sluice_tokens_total", kind="output"), 21)
            assert abs(value(m, "sluice_cost_usd_total") - 0.000276) < 1e-9, value(m, "sluice_cost_usd_total")
            same(value(m, "sluice_upstream_attempts_total"), 3)
            same(value(m, "sluice_request_seconds_count", endpoint=PATH), 4)
            until(lambda: value(gw.metrics(), "sluice_upstream_connects_total") >= 1, "the connection is counted")
            same(value(m, "sluice_ready"), 1)


def test_metrics_are_the_prometheus_text_format():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        gw.post(PATH, chat())
        r = gw.get("/metrics", key=None)
        same(r.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
        typed = {}
        for line in r.body.decode().splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                assert name not in typed, f"{name} twice"
                typed[name] = kind
            elif not line.startswith("#"):
                got = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)', line)
                assert got, line
                float(got[3])
                base = re.sub("_(bucket|sum|count)$", "", got[1])
                assert got[1] in typed or typed.get(base) == "histogram", f"{got[1]} has no TYPE"
        for name in typed:
            assert name.startswith("sluice_") or name.startswith("process_"), name
        no_secret(r)


def test_odd_names_do_not_break_metrics_or_logs():
    with Provider(lambda r: http(chat_answer())) as provider:
        cfg = config(provider)
        cfg["models"] = [{"name": 'a"b\\c d{}', "deployments": [{"provider": "up", "model": 'x"y\\z'}]}]
        with Gateway(cfg) as gw:
            same(gw.post(PATH, chat(model='a"b\\c d{}')).status, 200)
            for i in range(300):
                gw.post(PATH, chat(model=f"unknown-{i}"))
            m = gw.metrics()
            assert len(m) < 3000, f"{len(m)} series: unknown names must not make series"
            until(lambda: any(l.get("model") == 'a"b\\c d{}' for l in gw.log_lines()), "a log line with the odd name")


# -- the log ---------------------------------------------------------------------------------------------------------
def test_each_request_is_one_json_line_without_a_secret_or_a_prompt():
    with Provider(lambda r: http(chat_answer(SECRET_ANSWER)), ) as provider, Gateway(config(provider)) as gw:
        gw.post(PATH, chat(SECRET_PROMPT), headers=["x-sluice-request-id: mine-1", "x-sluice-user: ann"])
        gw.post(PATH, chat(SECRET_PROMPT), key="sk-sl-wrong-0123456789abcdef")
        gw.post(PATH, chat(SECRET_PROMPT, model="none"))
        gw.post(PATH, b'{"model":"m","messages":"' + SECRET_PROMPT.encode())
        gw.get(f"/v1beta/models?key={CLIENT_KEY}", key=None)
        gw.post(f"/v1/nothing/{CLIENT_KEY}?key={CLIENT_KEY}", b"{}")
        until(lambda: len([l for l in gw.log_lines() if l.get("endpoint") == PATH]) >= 4, "four log lines")
        line, = [l for l in gw.log_lines() if l.get("client_request_id") == "mine-1" or l.get("request_id") == "mine-1"]
        for name, want in (("key_name", "test"), ("user", "ann"), ("model", "m"), ("provider", "up"),
                ("deployment", "up/real-m"), ("status", 200), ("error", None), ("stream", False),
                ("dialect", "openai-chat")):
            same(line[name], want, name)
        assert line["steps"] and isinstance(line["latency_ms"], int) and line["attempts"][0]["status"] == 200, line
        same(len(gw.log_lines()),
            len({l.get("request_id") for l in gw.log_lines() if l.get("request_id")}) + len([l for l in gw.log_lines() if not l.get("request_id")]), "lines")
        gw.stop()
        said = gw.messages()
        for secret in (SECRET_PROMPT, SECRET_ANSWER, CLIENT_KEY, ADMIN_KEY, PROVIDER_KEY,
                "sk-sl-wrong-0123456789abcdef"):
            assert secret.encode() not in said, f"{secret} stands in the log: {said[max(0, said.index(secret.encode()) - 200):][:400]!r}"


def test_what_a_provider_says_of_the_prompt_is_not_logged():
    """Providers repeat the prompt, or the key, in their errors."""
    for status in ("400 No", "401 No", "500 No"):
        with Provider(lambda r: http({"error": {"message": f"cannot read {SECRET_PROMPT} with {PROVIDER_KEY}",
                "type": SECRET_PROMPT, "code": SECRET_PROMPT}}, status)) as provider:
            with Gateway(config(provider, routing={"retries": {"attempts": 0}})) as gw:
                gw.post(PATH, chat(SECRET_PROMPT))
                gw.post(PATH, chat(SECRET_PROMPT, stream=True))
                until(lambda: len([l for l in gw.log_lines() if l.get("endpoint") == PATH]) >= 2, "two log lines")
                gw.stop()
                for secret in (SECRET_PROMPT, PROVIDER_KEY):
                    assert secret.encode() not in gw.messages(), f"{secret} stands in the log"


def test_a_crash_names_the_requests_in_flight_and_no_secret():
    with Provider(lambda r: [Never]) as provider, Gateway(config(provider)) as gw:
        c = gw.client()
        c.send(message(body=json.dumps(chat(SECRET_PROMPT)).encode()))
        provider.wait_for(lambda: provider.requests)
        gw.stopped = True
        gw.process.send_signal(signal.SIGABRT)
        same(gw.process.wait(5 * SLOW), -signal.SIGABRT, "it ends by the signal, so that the system can tell")
        said = gw.messages()
        assert PATH.encode() in said, said[-1500:]
        for secret in (SECRET_PROMPT, CLIENT_KEY, ADMIN_KEY, PROVIDER_KEY):
            assert secret.encode() not in said
        c.close()


def test_a_client_that_left_is_logged_as_499():
    with Provider(lambda r: [Never]) as provider, Gateway(config(provider)) as gw:
        c = gw.client()
        c.send(message())
        provider.wait_for(lambda: provider.requests)
        c.reset()
        until(lambda: any(l.get("status") == 499 for l in gw.log_lines()), "a line with status 499")


def test_a_request_id_of_the_client_is_checked_and_given_back():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        r = gw.post(PATH, chat(), headers=["x-sluice-request-id: abc-123"])
        assert "abc-123" in (r.get("x-request-id"), r.get("x-sluice-request-id")), r.head
        for bad in ("a" * 1000, "a b", "a\tb", 'a"b', "\u00e9"):
            r = gw.post(PATH, chat(), headers=[f"x-sluice-request-id: {bad}"])
            assert r.status == 400 or bad not in r.head.decode("latin-1"), r.head


# -- reload ----------------------------------------------------------------------------------------------------------
def test_a_reload_changes_models_and_keys_and_running_requests_are_not_touched():
    gate = threading.Event()

    def answer(request):
        if b"wait" in request.body:
            yield SSE_HEAD + chunk(event(chat_chunk("before")))
            yield Wait(gate)
            yield chunk(event(chat_chunk("after"))) + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        else:
            yield http(chat_answer())

    with Provider(answer) as provider, Gateway(config(provider)) as gw, gw.client(10) as c:
        c.send(message(body=json.dumps(chat("wait", stream=True)).encode()))
        same(read_response_head(c.reader).status, 200)
        c.reader.until(b"\n\n", 65536, "an event")
        settings = {**gw.settings, "keys": [{"name": "other", "key": "sk-other"}],
            "models": [{"name": "m2", "deployments": [{"provider": "up", "model": "x"}]}]}
        gw.reload(settings)
        until(lambda: gw.post(PATH, chat(model="m2"), key="sk-other").status == 200, "the new key and model")
        is_error(gw.post(PATH, chat()), 401)
        is_error(gw.post(PATH, chat(), key="sk-other"), 404)
        gate.set()
        assert b"after" in c.reader.until(b"[DONE]\n\n", 65536, "the end of the stream")


def test_a_bad_configuration_is_refused_at_reload_and_the_old_one_stays():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        for empty in ("", "# nothing yet\n", "models: []\n"):
            (gw.dir / "sluice.yaml").write_text(empty)
            e = is_error(gw.admin("POST", "/admin/v1/config/reload", b"{}"), {400, 409, 422})
            assert "no providers" in e["message"], e
        (gw.dir / "sluice.yaml").write_text("listen: [\n")
        r = gw.admin("POST", "/admin/v1/config/reload", b"{}")
        e = is_error(r, {400, 409, 422})
        assert "sluice.yaml" in e["message"] and re.search(r":\d+:\d+", e["message"]), e
        same(gw.post(PATH, chat()).status, 200)
        good = json.dumps({**json.loads(json.dumps(gw.settings)), "listen": f"127.0.0.1:{gw.port}",
            "data_dir": str(gw.dir / "data"), "modles": []})
        (gw.dir / "sluice.yaml").write_text(good)
        gw.process.send_signal(signal.SIGHUP)
        until(lambda: b"modles" in gw.messages(), "a message about the unknown key")
        assert b"models" in gw.messages()
        same(gw.post(PATH, chat()).status, 200)
        same(value(gw.metrics(), "sluice_config_reloads_total", result="refused"), 5)


def test_a_setting_that_this_version_refuses_is_refused_at_reload_too():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        gw.settings["budgets"] = {"on_exhausted": "cap"}
        gw._write()
        e = is_error(gw.admin("POST", "/admin/v1/config/reload", b"{}"), {400, 409, 422})
        assert "budgets.on_exhausted" in e["message"], e
        gw.process.send_signal(signal.SIGHUP)
        until(lambda: value(gw.metrics(), "sluice_config_reloads_total", result="refused") == 2, "a second refusal")
        same(gw.post(PATH, chat()).status, 200)


def test_a_reload_tells_what_waits_for_the_next_start():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        gw.reload({**gw.settings, "workers": 3, "routing": {"affinity": {"entries": 512}, "hedge_after": "p99"}})
        until(lambda: gw.messages().count(b"takes effect at the next start") == 2, "two settings that wait")
        for word in (b"workers has changed", b"routing.affinity.entries has changed"):
            assert word in gw.messages(), (word, gw.messages())
        gw.reload(gw.settings)
        assert gw.messages().count(b"takes effect at the next start") == 2, gw.messages()


def test_what_is_said_of_a_reload_has_the_form_of_the_log():
    with Provider(lambda r: http(chat_answer())) as provider, \
            Gateway(config(provider, logs={"format": "json"})) as gw:
        gw.settings["modles"] = []
        gw.settings["routing"] = {"retires": 1}
        gw._write()
        is_error(gw.admin("POST", "/admin/v1/config/reload", b"{}"), {400, 409, 422})
        until(lambda: b"reload refused" in gw.messages(), "the refusal")
        lines = [json.loads(line) for line in gw.messages().splitlines() if line.strip()]
        for word in ("modles", "retires"):
            assert any(word in json.dumps(line) for line in lines), (word, lines)


def test_a_reload_through_the_admin_api():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw:
        gw.settings["keys"] = [{"name": "other", "key": "sk-other"}]
        gw._write()
        for path in ("/admin/v1/config/reload", "/admin/reload"):
            r = gw.admin("POST", path, b"{}")
            assert r.status in (200, 204), f"{path}: {r.status} {short(r.body)}"
        same(gw.post(PATH, chat(), key="sk-other").status, 200)
        is_error(gw.post(PATH, chat()), 401)


def test_reloads_under_load_fail_nothing():
    from strict import echo
    with Provider(echo) as provider, Gateway(config(provider, workers=2)) as gw:
        stop, wrong, count = threading.Event(), [], [0]

        def load():
            with gw.client(20) as c:
                while not stop.is_set():
                    c.send(message())
                    r = c.answer()
                    count[0] += 1
                    if r.status != 200:
                        wrong.append(r.body)

        threads = [threading.Thread(target=load) for _ in range(4)]
        [t.start() for t in threads]
        for _ in range(50):
            gw.process.send_signal(signal.SIGHUP)
            time.sleep(0.01)
        until(lambda: value(gw.metrics(), "sluice_config_reloads_total") >= 10, "ten reloads")
        stop.set()
        [t.join() for t in threads]
        same(wrong, [])
        assert count[0] > 100


# -- descriptors -----------------------------------------------------------------------------------------------------
def test_without_descriptors_it_waits_and_goes_on():
    from strict import echo
    with Provider(echo) as provider, Gateway(config(provider)) as gw:
        pid, proc = gw.process.pid, pathlib.Path(f"/proc/{gw.process.pid}")
        with gw.client(20) as c:
            same(gw.get("/health/live", key=None).status, 200)
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            room = len(list((proc / "fd").iterdir())) + 3
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (room, limits[1]))
            waiting = [socket.create_connection(gw.address) for _ in range(12)]
            until(lambda: len(list((proc / "fd").iterdir())) == room, "no descriptor is left")
            c.send(message())
            r = c.answer()
            is_error(r, (502, 503))
            before = _cpu_seconds(proc)
            time.sleep(0.5)
            assert _cpu_seconds(proc) - before < 0.2, "it turns round and round for a descriptor"
            [s.close() for s in waiting]
            until(lambda: len(list((proc / "fd").iterdir())) < room - 1, "descriptors are free again")
            c.send(message())
            same(c.answer().status, 200)
        same(gw.post(PATH, chat()).status, 200)


def _cpu_seconds(proc):
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- the end ---------------------------------------------------------------------------------------------------------
def test_sigterm_lets_streams_end_and_takes_nothing_new():
    gate = threading.Event()

    def answer(request):
        yield SSE_HEAD + chunk(event(chat_chunk("before")))
        yield Wait(gate)
        yield chunk(event(chat_chunk("after"))) + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    with Provider(answer) as provider, Gateway(config(provider)) as gw, gw.client(10) as c, gw.client(10) as idle:
        c.send(message(body=json.dumps(chat("x", stream=True)).encode()))
        same(read_response_head(c.reader).status, 200)
        c.reader.until(b"\n\n", 65536, "an event")
        gw.terminate()
        idle.is_closed()                # an idle connection is closed at once

        def refused():
            try:
                r = gw.get("/health/ready", key=None, timeout=1)
                return r.status == 503
            except (ConnectionError, Ended):
                return True
        until(refused, "new connections are refused or told 503")
        assert gw.process.poll() is None, "it ended before its stream"
        gate.set()
        assert b"after" in c.reader.until(b"[DONE]\n\n", 65536, "the end of the stream")
        gw.stop(within=5)


def test_streams_that_do_not_end_are_cut_after_the_grace():
    with Provider(lambda r: [SSE_HEAD + chunk(event(chat_chunk("x"))), Never]) as provider, Gateway(config(provider,
            shutdown_grace="300ms")) as gw, gw.client(10) as c:
        c.send(message(body=json.dumps(chat("x", stream=True)).encode()))
        same(read_response_head(c.reader).status, 200)
        c.reader.until(b"\n\n", 65536, "an event")
        start = time.monotonic()
        gw.stop(within=5)
        assert time.monotonic() - start < 4 * SLOW
        while c.reader.fill():
            pass
        assert b"[DONE]" not in bytes(c.reader.log), "a stream that was cut ends as if it were whole"


def test_a_second_sigint_ends_at_once():
    with Provider(lambda r: [Never]) as provider, Gateway(config(provider)) as gw, gw.client() as c:
        c.send(message())
        provider.wait_for(lambda: provider.requests)
        gw.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert gw.process.poll() is None, "the first SIGINT should drain"
        gw.process.send_signal(signal.SIGINT)
        gw.process.wait(3 * SLOW)
        gw.stopped = True


def test_systemd_is_told():
    path = f"\0sluice-e2e-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(5)
        with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider),
                env={"NOTIFY_SOCKET": "@" + path[1:]}) as gw:
            assert b"READY=1" in s.recv(4096)
            gw.terminate()
            assert b"STOPPING=1" in s.recv(4096)


# -- listening -------------------------------------------------------------------------------------------------------
def test_a_unix_socket_can_be_listened_on():
    from wire import Client
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider,
            listen=["127.0.0.1:@PORT@", "unix:@DIR@/s.sock"])) as gw:
        with Client(f"{gw.dir}/s.sock") as c:
            c.send(message())
            same(c.answer().status, 200)
        same(gw.post(PATH, chat()).status, 200)


def test_without_a_key_it_listens_on_loopback_only():
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider, auth="none")) as gw:
        same(gw.post(PATH, chat(), key=None).status, 200)
        same(gw.get("/admin/v1/keys", key=None).status, 401)
    p = run("check", text=json.dumps({"listen": "0.0.0.0:1", "auth": "none"}))
    same(p.returncode, 1, p.stderr)


# -- the command line ------------------------------------------------------------------------------------------------
def run(*args, text=None, env=None, timeout=10):
    import tempfile
    with tempfile.TemporaryDirectory(prefix="sluice-e2e-") as d:
        args = list(args)
        if text is not None:
            with open(f"{d}/c.yaml", "w") as f:
                f.write(text)
            args += ["-c", f"{d}/c.yaml"]
        clean = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        return subprocess.run([str(PROGRAM), *args], capture_output=True, text=True, timeout=timeout * SLOW, cwd=d,
            env={**clean, **(env or {})}, stdin=subprocess.DEVNULL)


def test_check_names_file_line_column_and_what_is_allowed():
    same(run("check", text="listen: 127.0.0.1:8080\n").returncode, 0)
    for text, where, words in (("listen: 127.0.0.1:8080\nmodles: []\n", "c.yaml:2:1", ["modles", "models"]),
            ("workers: many\n", "c.yaml:1:10", ["workers", "auto"]), ("server:\n  header_timeout: 3 parsecs\n",
            "c.yaml:2:19", ["header_timeout"]),
                               ("server:\n  body_max: 1TB\n", "c.yaml:2:13", ["body_max"]),
                                   ("routing:\n  retries: {attempts: 99}\n", "c.yaml:2:23", ["attempts", "20"]),
                                   ("a: [\n", "c.yaml:", []), ("listen: 127.0.0.1:99999\n", "c.yaml:1:9", []),
                               ("models:\n  - name: m\n    deployments: [{provider: nowhere, model: x}]\n", "c.yaml:3:",
                                   ["nowhere"]), ("providers:\n  x: {dialect: klingon, base_url: http://127.0.0.1/}\n",
                                   "c.yaml:2:", ["klingon", "openai-chat"]),
                               ("admin: {key: \"${NOT_SET_ANYWHERE}\"}\n", "c.yaml:1:", ["NOT_SET_ANYWHERE"]),
                                   ("listen: a\nlisten: b\n", "c.yaml:2:", ["listen"]),
                                   ("\tlisten: x\n", "c.yaml:1:", []), ("&a [*a]\n", "c.yaml:1:", []),
                                   ("auth: maybe\n", "c.yaml:1:7", ["required", "none"])):
        p = run("check", text=text)
        same(p.returncode, 1, f"{text!r}: {p.stdout}{p.stderr}")
        said = p.stdout + p.stderr
        assert where in said, f"{text!r}: no {where} in {said!r}"
        for w in words:
            assert w in said, f"{text!r}: no {w} in {said!r}"


def test_the_command_line_has_its_usage_codes():
    same(run("version").returncode, 0)
    same(run("--version").stdout, run("version").stdout)
    assert re.search(r"\d+\.\d+\.\d+", run("version").stdout)
    same(run("help").returncode, 0)
    same(run("--help").returncode, 0)
    for command in ("serve", "check", "demo", "key", "spend"):
        p = run("help", command)
        same((p.returncode, bool(p.stdout)), (0, True), command)
    for bad in (["nonsense"], ["serve", "--nonsense"], ["check", "-c"], ["key", "nonsense"], ["serve", "extra"]):
        p = run(*bad)
        same(p.returncode, 2, f"{bad}: {p.stdout}{p.stderr}")
        assert p.stderr and not p.stdout, bad
    same(run("check", "-c", "/nonexistent.yaml").returncode, 1)


def test_no_secret_is_shown_by_check():
    p = run("check", text=json.dumps({"admin": {"key": ADMIN_KEY}, "providers": {"openai": {"api_key": PROVIDER_KEY,
        "base_url": "nonsense"}}}))
    assert ADMIN_KEY not in p.stdout + p.stderr and PROVIDER_KEY not in p.stdout + p.stderr


def test_zero_configuration_takes_providers_from_the_environment():
    # without a file, a known provider whose variable is set is there under provider/model
    from harness import free_port
    import tempfile
    with tempfile.TemporaryDirectory(prefix="sluice-e2e-") as d:
        port = free_port()
        env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")} | {"OPENAI_API_KEY": PROVIDER_KEY}
        p = subprocess.Popen([str(PROGRAM), "--listen", f"127.0.0.1:{port}", "--data-dir", f"{d}/data"], cwd=d, env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            gw = Gateway({})
            gw.port = port
            until(lambda: _answers(gw), "it gets ready")
            key = open(f"{d}/data/admin_key").read().strip()
            r = gw.post(PATH, chat(model="anthropic/x"), key=key)
            same(r.status, 404, short(r.body))
            is_error(gw.get("/v1/models"), 401)
        finally:
            p.terminate()
            out, err = p.communicate(timeout=10 * SLOW)
        same(p.returncode, 0, err.decode())
        assert PROVIDER_KEY.encode() not in out + err


def _answers(gw):
    try:
        return gw.get("/health/ready", key=None, timeout=1).status == 200
    except (OSError, Ended, Late):
        return False


def test_the_key_and_spend_commands_talk_to_a_running_gateway():
    with Provider(lambda r: http(chat_answer(usage=(1000, 500)))) as provider:
        cfg = config(provider)
        cfg["models"][0]["deployments"][0]["price"] = {"input": 2, "output": 10}
        with Gateway(cfg) as gw:
            def sluice(*args):
                return subprocess.run([str(PROGRAM), *args, "-c", str(gw.dir / "sluice.yaml")], capture_output=True,
                    text=True, timeout=10 * SLOW, cwd=gw.dir, stdin=subprocess.DEVNULL)
            p = sluice("key", "create", "--name", "ann", "--json")
            same(p.returncode, 0, p.stdout + p.stderr)
            k = json.loads(p.stdout)
            same(gw.post(PATH, chat(), key=k["key"]).status, 200)
            p = sluice("key", "list", "--json")
            assert k["id"] in p.stdout and k["key"] not in p.stdout, p.stdout
            assert "ann" in sluice("key", "list").stdout
            p = sluice("spend", "--json")
            assert p.returncode == 0 and "0.007" in p.stdout, p.stdout + p.stderr
            same(sluice("key", "revoke", k["id"]).returncode, 0)
            same(gw.post(PATH, chat(), key=k["key"]).status, 401)
            same(sluice("key", "revoke", "key_00000000000000000000000000").returncode, 1)
