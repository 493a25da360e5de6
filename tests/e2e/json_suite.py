# SPDX-License-Identifier: Apache-2.0
"""JSONTestSuite through the running gateway, in both directions: each text as a body of its own and as an unknown member of a request
and of an answer. What is JSON passes byte for byte, what is not is refused, what the suite leaves open is one or the other."""
import base64
import json

from harness import ROOT, PATIENT, Gateway, Skip, chat_answer, config, http, request_bytes, same
from provider import Provider

PATH = "/v1/chat/completions"
FILE = ROOT.parent / "shared" / "jsontestsuite.jsonl"


def texts():
    if not FILE.exists():
        raise Skip("JSONTestSuite is not here")
    for line in FILE.read_text().splitlines():
        case = json.loads(line)
        yield case["name"], case["verdict"], case["wrapped"], base64.b64decode(case["b64"])


def judged(name, verdict, status, good, bad, passed_whole):
    """None when the gateway judges as the suite does, else what is wrong."""
    if verdict == "y" and status != good or verdict == "n" and status != bad or status not in (good, bad):
        return f"{name}: {status}, verdict {verdict}"
    if status == good and not passed_whole:
        return f"{name}: changed on its way"


def test_requests_are_judged_as_the_suite_does():
    wrong, n = [], 0
    with Provider(lambda r: http(chat_answer())) as provider, Gateway(config(provider)) as gw, gw.client(20) as c:
        for name, _, wrapped, text in texts():
            c.send(request_bytes("POST", PATH, text))
            r = c.answer()
            if r.status != 400:
                wrong.append(f"{name} as a body: {r.status}")
            body = b'{"x":' + text + b',"model":"m","messages":[]}'
            provider.forget()
            c.send(request_bytes("POST", PATH, body))
            r = c.answer()
            whole = bool(provider.requests) and provider.requests[0].body == body.replace(b'"model":"m"',
                b'"model":"real-m"')
            wrong.append(judged(name, wrapped, r.status, 200, 400, whole))
            n += 2
    same([w for w in wrong if w], [], f"of {n}")
    assert n >= 636


test_requests_are_judged_as_the_suite_does.limit = 60


def test_answers_are_judged_as_the_suite_does():
    wrong, now = [], [b""]
    with Provider(lambda r: http(now[0])) as provider, Gateway(config(provider,
            routing={**PATIENT, "retries": {"attempts": 0}})) as gw, gw.client(20) as c:
        for name, _, wrapped, text in texts():
            now[0] = json.dumps(chat_answer())[:-1].encode() + b',"x":' + text + b"}"
            c.send(request_bytes("POST", PATH, b'{"model":"m","messages":[]}'))
            r = c.answer()
            wrong.append(judged(name, wrapped, r.status, 200, 502, r.body == now[0]))
    same([w for w in wrong if w], [])


test_answers_are_judged_as_the_suite_does.limit = 60
