# SPDX-License-Identifier: Apache-2.0
"""soak: what only shows under load and in time: lost or doubled ledger records after kill -9, thousands of open streams,
reloads under load, answers to the wrong client, memory that grows. Each test is a function of its size, so that `make soak` runs it
in full and `make test` for some seconds. Each returns a line of figures and raises rig.Failed when something is wrong."""

import json
import os
import random
import re
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench"))
import rig  # noqa: E402

BOTH = set(rig.CORES)
# What the mock is told to do wrong must not put its one deployment on hold.
PATIENT = "routing:\n  retries: {attempts: 0}\n  cooldown: {failure_ratio: 1, min_requests: 1000000, on_429: false}\n" \
          "  breaker: {consecutive_failures: 1000000}\n"


def need(condition, text):
    if not condition:
        raise rig.Failed(text)


def need_no(result, *kinds):
    for kind in kinds:
        need(not result["errors"][kind], "%d × %s: %s" % (result["errors"][kind], kind, json.dumps(result)))


class Scene:
    """A mock, a gateway with two workers, and a folder, for one test."""

    def __init__(self, name, orders="", **options):
        self.tmp = rig.TempDir(name)
        self.mock = rig.Mock(orders, core=rig.TOOLS_CORE)
        self.gateway = rig.Sluice(self.mock.port, self.tmp, cores=BOTH, workers=2, **options)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind and self.gateway.proc:
            print("the gateway's last messages:\n" + self.gateway.proc.said(), file=sys.stderr)
        self.gateway.stop(wait=15)
        self.mock.proc.stop()
        self.tmp.remove()

    def finish(self):
        """SIGTERM: it must drain and end with 0."""
        code = self.gateway.stop(wait=30)
        need(code == 0, "ended with %s after SIGTERM: %s" % (code, self.gateway.proc.said()))


def ledger(scene):
    """({request id: rows}, requests by the sums) of a running gateway; each question waits until all that was answered is stored."""
    port, rows, cursor = scene.gateway.port, {}, None
    sums = rig.admin(port, "/admin/v1/spend")["data"]
    while True:
        page = rig.admin(port, "/admin/v1/logs?limit=1000" + ("&cursor=" + cursor if cursor else ""))
        for row in page["data"]:
            rows[row["request_id"]] = rows.get(row["request_id"], 0) + 1
        cursor = page["next_cursor"]
        if not cursor:
            return rows, sum(int(row["requests"]) for row in sums)


def kill9(cycles=100):
    """A finished answer, its last byte received, is in the ledger exactly once, however the gateway dies."""
    finished, wrong_by_kill, chance = [], 0, random.Random(1)
    with Scene("kill9", "gap=2;events=6") as s:
        for cycle in range(cycles):
            s.gateway.start()
            records = [s.tmp.file("record.%d" % i) for i in range(2)]
            loads = [rig.Load(s.gateway.port, connections=24, seconds=30, record=records[0]),
                     rig.Load(s.gateway.port, mode="streams", connections=12, requests=10**9, seconds=30, record=records[1])]
            time.sleep(chance.uniform(0.1, 0.5))
            s.gateway.proc.kill()
            for l in loads:
                r = l.end()
                need_no(r, "wrong", "order", "short", "status", "no_marker")
                wrong_by_kill += r["errors"]["closed"]
            for path in records:
                with open(path) as f:
                    finished += f.read().split()
        s.gateway.start()
        need(finished, "no answer was finished")
        need(len(set(finished)) == len(finished), "two answers had the same request id")
        rows, sums = ledger(s)
        missing = [i for i in finished if i not in rows]
        doubled = [i for i, n in rows.items() if n > 1]
        need(not missing, "%d of %d finished answers are not in the ledger, such as %s" % (len(missing), len(finished), missing[:3]))
        need(not doubled and sums == len(rows), "doubled: %d rows, the sums say %d of %d" % (len(doubled), sums, len(rows)))
        s.finish()
        asked = s.mock.stop()["requests"]
        need(len(rows) <= asked + wrong_by_kill, "%d records of %d provider calls" % (len(rows), asked))
        return "%d cycles: %d finished answers, all in the ledger once; %d records, %d provider calls" % (cycles, len(finished), len(rows), asked)


def h2load(scene, streams, orders):
    """Streams over HTTP/2, a hundred per connection; where descriptors are too few for one connection each."""
    body = scene.tmp.file("body.json", json.dumps({"model": "bench", "stream": True, "messages": [
        {"role": "user", "content": "@mk-0123456789abcdef;%s@ hello" % orders}]}))
    connections = (streams + 99) // 100
    return subprocess.Popen([rig.program("h2load"), "-n", str(connections * 100), "-c", str(connections), "-m", "100", "-d", body, "-T", "60",
                             "-H", "content-type: application/json", "-H", "authorization: Bearer " + rig.KEY,
                             "http://127.0.0.1:%d/v1/chat/completions" % scene.gateway.port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def streams(n=10000, events=8):
    """n streams open at once: every event arrives, in order, and every end is a true one."""
    orders = "gap=1000;events=%d" % events
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    over_h2, note = 0, ""
    if 2 * n + 300 > limit:
        # A stream takes two descriptors of the gateway, or one when its client shares a connection.
        over_h2 = (2 * n + 300 - limit + 99) // 100 * 100 if rig.program("h2load") else 0
        fit = n - over_h2 if over_h2 else (limit - 300) // 2
        note = "; %d of them over HTTP/2, as this machine allows %d descriptors" % (over_h2, limit) if over_h2 else \
               "; not %d, as this machine allows %d descriptors" % (n, limit)
        n = fit
    with Scene("streams") as s:
        s.gateway.start()
        rig.load_clean(s.gateway.port, connections=64, requests=500)
        before = rig.memory(s.gateway.proc.pid)["rss"]
        other = h2load(s, over_h2, orders) if over_h2 else None
        load = rig.Load(s.gateway.port, mode="streams", connections=n, orders=orders, ramp=4000, timeout=60000)
        opened = load.wait_open()
        during = rig.memory(s.gateway.proc.pid)["rss"]
        r = load.result()
        need(r["ok"] == n and not r["failed"], "streams failed: %s" % json.dumps(r))
        if other:
            said = other.communicate(timeout=120)[0].decode()
            got = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said)
            need(got and int(got[1]) >= over_h2 and not int(got[2]) + int(got[3]) + int(got[4]), "over HTTP/2: " + said[-1500:])
        s.finish()
        return "%d streams open at once, %d events, 0 errors, %d bytes of resident memory each%s" % (
            opened + over_h2, r["events"], (during - before) / (opened + over_h2), note)


def reloads(n=200):
    """Reloads under load: each takes effect, no request fails, no stream is cut."""
    with Scene("reload", "gap=5;events=20") as s:
        s.gateway.start()
        loads = [rig.Load(s.gateway.port, connections=32, seconds=600),
                 rig.Load(s.gateway.port, mode="streams", connections=32, requests=10**9, seconds=600)]
        begin = time.monotonic()
        for i in range(n):
            time.sleep(max(0, begin + 1.0 * i / n - time.monotonic()))  # streams are to begin and end meanwhile
            name = "extra-%d" % i
            s.gateway.reload(models="  - {name: %s, deployments: [{provider: mock, model: other}]}\n" % name)
            end = time.monotonic() + 10
            while True:
                models = rig.http(s.gateway.port, path="/v1/models", headers={"authorization": "Bearer " + rig.ADMIN_KEY})[2]
                if name.encode() in models:
                    break
                need(time.monotonic() < end, "reload %d took no effect: %s" % (i, s.gateway.proc.said()))
                time.sleep(0.01)
        done = [l.end() for l in loads]
        for r in done:
            need(r["ok"] and not r["failed"], "requests failed during reloads: %s" % json.dumps(r))
        s.finish()
        return "%d reloads under load: %d requests and %d streams, 0 failed" % (n, done[0]["ok"], done[1]["ok"])


def chaos(requests=1000000, connections=128):
    """Aborts, timeouts, provider errors and cuts mixed: no answer to the wrong client, no false end, nothing left hanging."""
    with Scene("chaos", more=PATIENT) as s:
        s.gateway.start()
        r = rig.load(s.gateway.port, mode="chaos", connections=connections, requests=requests, seconds=3000)
        # one more may have begun in the turn in which the last one ended
        need(r["finished"] == r["begun"] >= requests, "only %d of %d: %s" % (r["finished"], requests, json.dumps(r)))
        need_no(r, "wrong", "order", "short", "parse", "no_marker", "closed", "timeout", "connect", "status")
        rig.load_clean(s.gateway.port, connections=8, requests=200)
        s.finish()
        return "%d requests with aborts and errors mixed (%d per second): 0 answers to the wrong client, %d left by their clients" % (
            requests, r["per_second"], r["left"])


def memory(rounds=20, requests=20000):
    """Resident memory does not grow once warm."""
    with Scene("memory", more=PATIENT) as s:
        s.gateway.start()

        def once(seed):
            rig.load(s.gateway.port, mode="chaos", connections=64, requests=requests, seconds=300, seed=seed)
            rig.load_clean(s.gateway.port, mode="streams", connections=500, orders="gap=5;events=20")
            rig.load_clean(s.gateway.port, connections=8, requests=200, body=200000)
            rig.admin(s.gateway.port, "/admin/v1/spend")  # the ledger has caught up
            time.sleep(0.3)                               # the heap is trimmed in the first turn after a quiet while
            rig.admin(s.gateway.port, "/admin/v1/spend")
            return rig.memory(s.gateway.proc.pid)["rss"]

        # SQLite's page cache and the heaps of all threads come to their size within some rounds
        warm = [once(i) for i in range(max(8, rounds // 5))]
        sizes = [once(100 + i) for i in range(rounds)]
        half = max(1, rounds // 2)
        first, last = max(warm + sizes[:half]), min(sizes[half:] or sizes)
        need(last <= first + max(512 * 1024, first // 50), "RSS grows: %s KiB" % [x // 1024 for x in warm + sizes])
        s.finish()
        return "RSS over %d rounds of %d requests and 500 streams: %d KiB warm, %d KiB at the end" % (
            rounds, requests, warm[-1] // 1024, sizes[-1] // 1024)
