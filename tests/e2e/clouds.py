# SPDX-License-Identifier: Apache-2.0
"""Clouds: what is put around a dialect, where credentials come from, and that signatures are right by another's reckoning."""
import base64
import contextlib
import datetime
import hashlib
import hmac
import json
import pathlib
import struct
import subprocess
import tempfile
import threading
import time
import urllib.parse
import zlib

from harness import PROGRAM, Gateway, chat, chat_answer, config, events_of, http, request_bytes, same, short, sse, chat_stream
from provider import Provider, Wait

ACCESS, SECRET = "AKIDEXAMPLE12345", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [{"type": "text", "text": "hi"}],
           "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 11, "output_tokens": 7}}
ASK = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
STREAM = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None, "usage": {"input_tokens": 11, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]
# Nothing of this machine's own is to be found by the gateway.
CLEAN = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
         "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_ROLE_ARN": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "GOOGLE_APPLICATION_CREDENTIALS": "", "HOME": "/nonexistent"}


# -- AWS, reckoned anew -------------------------------------------------------------------------------------------------
def signature_of(request, secret):
    """The signature that a request should have, by what it says of itself."""
    auth = request.get("authorization")
    fields = dict(part.strip().split("=", 1) for part in auth.split(" ", 1)[1].split(","))
    scope = fields["Credential"].split("/", 1)[1]
    names = fields["SignedHeaders"].split(";")
    path, _, query = request.target.partition("?")
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    canonical = "\n".join([
        request.method, urllib.parse.quote(path, safe="/-_.~"),
        "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs),
        "".join(f"{n}:{' '.join(request.get(n).split())}\n" for n in names), ";".join(names),
        hashlib.sha256(request.body).hexdigest()])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", request.get("x-amz-date"), scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return fields, hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def check_signed(request, region, access=ACCESS, secret=SECRET, token=None):
    fields, want = signature_of(request, secret)
    same(fields["Signature"], want, f"signature of {request.head!r}")
    day = request.get("x-amz-date")[:8]
    same(fields["Credential"], f"{access}/{day}/{region}/bedrock/aws4_request")
    sent = datetime.datetime.strptime(request.get("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    assert abs((datetime.datetime.now(datetime.timezone.utc) - sent).total_seconds()) < 60, sent
    same(request.get("x-amz-security-token"), token)
    signed = fields["SignedHeaders"].split(";")
    assert "host" in signed and "x-amz-date" in signed and (not token or "x-amz-security-token" in signed), signed
    for name in (n.decode("latin-1") for n, _ in request.headers):
        assert not name.lower().startswith("x-amz-") or name.lower() in signed, f"{name} is not signed"


def message(headers, payload):
    block = b"".join(bytes([len(k)]) + k.encode() + b"\7" + struct.pack(">H", len(v)) + v.encode() for k, v in headers.items())
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    return prelude + block + payload + struct.pack(">I", zlib.crc32(prelude + block + payload))


def invoke_event(event):
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abc"}).encode()
    return message({":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}, payload)


def exception(kind, text):
    return message({":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"},
                   json.dumps({"message": text}).encode())


def aws_stream(*messages, cut=None):
    body = b"".join(messages)
    return http(body[:cut], content_type="application/vnd.amazon.eventstream", headers=("x-amzn-requestid: r-1",))


def bedrock(provider, model=CLAUDE, **over):
    return config(None, providers={"bedrock": {"region": "eu-west-1", "base_url": provider.url, **over}},
                  models=[{"name": "m", "deployments": [{"provider": "bedrock", "model": model}]}], routing={"retries": {"attempts": 0}})


KEYS = {"access_key_id": ACCESS, "secret_access_key": SECRET}


@contextlib.contextmanager
def running(settings, env=None):
    with Gateway(settings, env={**CLEAN, **(env or {})}) as gw:
        yield gw


def ask(gw, body=ASK, path="/v1/messages", **kw):
    return gw.post(path, body, timeout=20, **kw)


def test_claude_on_bedrock_is_asked_in_its_envelope_and_signed():
    with Provider(lambda r: http(MESSAGE, headers=("x-amzn-requestid: r-1",))) as p, running(bedrock(p, **KEYS)) as gw:
        r = ask(gw, headers=("anthropic-beta: fine-1,files-api-2025-04-14", "anthropic-version: 2023-06-01", "x-amz-date: lie",
                             "x-amz-security-token: lie"))
        same((r.status, r.json()), (200, MESSAGE), short(r.body))
        same(r.get("x-sluice-dropped"), "anthropic-beta:files-api-2025-04-14")
        up = p.requests[0]
        same(up.target, "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke")
        same(json.loads(up.body), {"anthropic_version": "bedrock-2023-05-31", "anthropic_beta": ["fine-1"], "max_tokens": 5,
                                   "messages": ASK["messages"]})
        check_signed(up, "eu-west-1")
        same((up.get("anthropic-version"), up.get("anthropic-beta"), up.get("x-api-key")), (None, None, None))


def test_tokens_for_claude_on_bedrock_are_counted_here():
    with Provider(lambda r: http(MESSAGE)) as p, running(bedrock(p, **KEYS)) as gw:
        r = ask(gw, {"model": "m", "messages": ASK["messages"]}, "/v1/messages/count_tokens")
        same((r.status, len(p.requests)), (200, 0), short(r.body))
        assert 1 <= r.json()["input_tokens"] < 50, short(r.body)


def test_a_session_token_is_sent_and_signed():
    with Provider(lambda r: http(MESSAGE)) as p, running(bedrock(p, session_token="FwoGZXIvY+XdzE//token==", **KEYS)) as gw:
        same(ask(gw).status, 200)
        check_signed(p.requests[0], "eu-west-1", token="FwoGZXIvY+XdzE//token==")


def test_keys_of_the_environment_are_found():
    env = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-west-2"}
    with Provider(lambda r: http(MESSAGE)) as p, running(bedrock(p, region=""), env) as gw:
        same(ask(gw).status, 200)
        check_signed(p.requests[0], "us-west-2")


def test_an_api_key_of_bedrock_is_sent_as_it_is():
    with Provider(lambda r: http(MESSAGE)) as p, running(bedrock(p, api_key="ABSKbedrock-api-key")) as gw:
        same(ask(gw).status, 200)
        up = p.requests[0]
        same((up.get("authorization"), up.get("x-amz-date")), ("Bearer ABSKbedrock-api-key", None))


def test_a_stream_of_bedrock_reaches_the_client_as_anthropics_own():
    steps = aws_stream(*[invoke_event(e) for e in STREAM])
    with Provider(lambda r: steps) as p, running(bedrock(p, **KEYS)) as gw:
        r = ask(gw, {**ASK, "stream": True})
        same((r.status, r.get("content-type")), (200, "text/event-stream"))
        same(events_of(r.body), STREAM)
        same([line[7:] for line in r.body.decode().splitlines() if line.startswith("event: ")], [e["type"] for e in STREAM])
        up = p.requests[0]
        same(up.target, f"/model/{urllib.parse.quote(CLAUDE, safe='')}/invoke-with-response-stream")
        same((up.get("accept"), "stream" in json.loads(up.body)), ("application/vnd.amazon.eventstream", False))
        check_signed(up, "eu-west-1")
        same(gw.admin("GET", "/admin/v1/logs").json()["data"][0]["tokens"]["output"], 7)


def test_a_stream_of_bedrock_that_fails_is_never_a_good_end():
    begun, whole = b"".join(invoke_event(e) for e in STREAM[:3]), b"".join(invoke_event(e) for e in STREAM)
    cases = {
        "an exception": exception("throttlingException", "slow down"),
        "cut in a message": whole[len(begun):-5],
        "cut between two": b"",
        "a broken checksum": invoke_event(STREAM[3])[:-1] + b"x",
        "something else": b"event: ping\ndata: {}\n\n" * 10,
    }
    for name, rest in cases.items():
        go_on = threading.Event()
        steps = [aws_stream(begun, rest)[:-len(rest) or None], Wait(go_on), rest]
        with Provider(lambda r: steps) as p, running(bedrock(p, **KEYS)) as gw, gw.client() as c:
            c.send(request_bytes("POST", "/v1/messages", json.dumps({**ASK, "stream": True}).encode()))
            while b"hello" not in c.reader.buf:
                c.reader.fill()
            go_on.set()
            events = events_of(c.answer().body)
            same(events[:3], STREAM[:3], name)
            same(events[-1]["type"], "error", f"{name}: {events[-1]}")
            assert not any(e["type"] == "message_stop" for e in events), name


def test_an_exception_before_the_first_event_is_tried_elsewhere():
    def answer(r):
        return aws_stream(exception("serviceUnavailableException", "later")) if len(p.requests) == 1 else \
            aws_stream(*[invoke_event(e) for e in STREAM])

    with Provider(answer) as p, running({**bedrock(p, **KEYS), "routing": {"retries": {"attempts": 1, "base": "1ms"}}}) as gw:
        same(events_of(ask(gw, {**ASK, "stream": True}).body), STREAM)
        same(len(p.requests), 2)


def test_what_aws_says_of_a_signature_does_not_reach_the_client():
    said = {"message": f"The Canonical String should have been 'POST x-amz-security-token:TOKENTOKENTOKEN' for {ACCESS}"}
    with Provider(lambda r: http(said, "400 Bad")) as p, running(bedrock(p, session_token="TOKENTOKENTOKEN", **KEYS)) as gw:
        r = ask(gw)
        assert r.status >= 400 and b"TOKENTOKENTOKEN" not in r.body and ACCESS.encode() not in r.body, short(r.body)


# -- Bedrock's own API, and clients of others ------------------------------------------------------------------------------
CONVERSE = {"output": {"message": {"role": "assistant", "content": [{"text": "hello"}]}}, "stopReason": "end_turn",
            "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}, "metrics": {"latencyMs": 1}}
NOVA = "eu.amazon.nova-lite-v1:0"


def converse_event(kind, payload):
    return message({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, json.dumps(payload).encode())


CONVERSE_STREAM = [
    converse_event("messageStart", {"role": "assistant"}),
    converse_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "hello"}}),
    converse_event("contentBlockStop", {"contentBlockIndex": 0}), converse_event("messageStop", {"stopReason": "end_turn"}),
    converse_event("metadata", {"usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}, "metrics": {"latencyMs": 1}}),
]


def test_a_client_of_converse_passes_signed_anew():
    def answer(r):
        return aws_stream(*CONVERSE_STREAM) if r.target.endswith("-stream") else http(CONVERSE)

    with Provider(answer) as p, running(bedrock(p, NOVA, **KEYS)) as gw:
        body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
        mine = ("x-amz-date: 20200101T000000Z", "amz-sdk-invocation-id: 1", "x-amz-content-sha256: lie")
        r = gw.post("/model/m/converse", body, headers=mine)
        same((r.status, r.json()), (200, CONVERSE), short(r.body))
        r = gw.post("/model/m/converse-stream", body, headers=mine)
        same((r.status, r.get("content-type"), r.body), (200, "application/vnd.amazon.eventstream", b"".join(CONVERSE_STREAM)))
        same([u.target for u in p.requests], [f"/model/eu.amazon.nova-lite-v1%3A0/{c}" for c in ("converse", "converse-stream")])
        for up in p.requests:
            check_signed(up, "eu-west-1")
            same(json.loads(up.body), body)


def test_clients_of_other_apis_reach_bedrock_by_the_face_that_serves_the_model():
    def answer(r):
        if r.target.endswith("converse-stream"):
            return aws_stream(*CONVERSE_STREAM)
        if r.target.endswith("invoke-with-response-stream"):
            return aws_stream(*[invoke_event(e) for e in STREAM])
        return http(CONVERSE if r.target.endswith("converse") else MESSAGE)

    for model, calls in ((NOVA, ("converse", "converse-stream")), (CLAUDE, ("invoke", "invoke-with-response-stream"))):
        with Provider(answer) as p, running(bedrock(p, model, **KEYS)) as gw:
            r = gw.post("/v1/chat/completions", chat())
            same(r.status, 200, short(r.body))
            assert r.json()["choices"][0]["message"]["content"] in ("hello", "hi"), short(r.body)
            r = gw.post("/v1/chat/completions", chat(stream=True))
            same((r.status, r.get("content-type")), (200, "text/event-stream"), short(r.body))
            events = events_of(r.body)
            same(events[-1], "[DONE]")
            assert "hello" in "".join(e["choices"][0]["delta"].get("content") or "" for e in events[:-1] if e["choices"]), events
            same([u.target.rsplit("/", 1)[1] for u in p.requests], list(calls))
            for up in p.requests:
                check_signed(up, "eu-west-1")
                assert "model" not in json.loads(up.body) and "stream" not in json.loads(up.body), up.body


# -- AWS: credentials that are fetched ------------------------------------------------------------------------------------
def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def instance(life=3600, role="my-role"):
    """The metadata service, version 2; each fetch gives other keys."""
    served = []

    def answer(r):
        if r.method == "PUT" and r.target == "/latest/api/token" and r.get("x-aws-ec2-metadata-token-ttl-seconds"):
            return http(b"IMDS-TOKEN", content_type="text/plain")
        if r.get("x-aws-ec2-metadata-token") != "IMDS-TOKEN":
            return http(b"", "401 Unauthorized")
        base = "/latest/meta-data/iam/security-credentials/"
        if r.target == base:
            return http(role.encode() + b"\n", content_type="text/plain")
        if r.target == base + role:
            served.append(1)
            return http({"Code": "Success", "AccessKeyId": f"ASIA{len(served)}", "SecretAccessKey": f"secret{len(served)}",
                         "Token": f"session{len(served)}", "Expiration": iso(life)})
        return http(b"", "404 Not Found")

    return answer, served


def test_keys_of_the_instance_are_fetched_once_and_before_they_end():
    answer, served = instance(life=6)
    with Provider(lambda r: http(MESSAGE)) as p, Provider(answer) as meta:
        with running(bedrock(p), {"AWS_EC2_METADATA_SERVICE_ENDPOINT": meta.url + "/"}) as gw:
            asks = [threading.Thread(target=ask, args=(gw,)) for _ in range(8)]
            for t in asks:
                t.start()
            for t in asks:
                t.join()
            same((len(p.requests), len(served)), (8, 1))
            for up in p.requests:
                check_signed(up, "eu-west-1", "ASIA1", "secret1", "session1")
            p.forget()
            deadline = time.monotonic() + 20
            while len(served) < 3 and time.monotonic() < deadline:
                same(ask(gw).status, 200)
                time.sleep(0.05)
            assert len(served) >= 3, "not renewed"
            seen = {u.get("x-amz-security-token") for u in p.requests}
            assert {"session1", "session2"} <= seen, seen
            for up in p.requests:
                n = up.get("x-amz-security-token")[7:]
                check_signed(up, "eu-west-1", f"ASIA{n}", f"secret{n}", f"session{n}")


def test_keys_of_the_container_are_fetched():
    def answer(r):
        same((r.method, r.target, r.get("authorization")), ("GET", "/v2/credentials", "token-of-the-task"))
        return http({"AccessKeyId": "ASIAC", "SecretAccessKey": "sc", "Token": "tc", "Expiration": iso(3600)})

    with tempfile.NamedTemporaryFile("w") as f, Provider(lambda r: http(MESSAGE)) as p, Provider(answer) as agent:
        f.write("token-of-the-task\n")
        f.flush()
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url + "/v2/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f.name}
        with running(bedrock(p), env) as gw:
            same(ask(gw).status, 200)
            check_signed(p.requests[0], "eu-west-1", "ASIAC", "sc", "tc")


def test_a_web_identity_is_exchanged_at_sts():
    def answer(r):
        same((r.method, r.get("content-type")), ("POST", "application/x-www-form-urlencoded"))
        form = dict(urllib.parse.parse_qsl(r.body.decode()))
        same(form, {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/r",
                    "RoleSessionName": "sluice", "WebIdentityToken": "eyJ.to+ken/=.x"})
        return http(b"<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
                    b"<AccessKeyId>ASIAW</AccessKeyId><SecretAccessKey>sw+/=</SecretAccessKey><SessionToken>tw</SessionToken>"
                    b"<Expiration>" + iso(3600).encode() + b"</Expiration></Credentials>"
                    b"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>", content_type="text/xml")

    with tempfile.NamedTemporaryFile("w") as f, Provider(lambda r: http(MESSAGE)) as p, Provider(answer) as sts:
        f.write("eyJ.to+ken/=.x")
        f.flush()
        with running(bedrock(p, role_arn="arn:aws:iam::1:role/r", web_identity_token_file=f.name, token_url=sts.url)) as gw:
            same(ask(gw).status, 200)
            check_signed(p.requests[0], "eu-west-1", "ASIAW", "sw+/=", "tw")


# -- Google ---------------------------------------------------------------------------------------------------------------
def make_key(folder):
    private, public = folder / "key.pem", folder / "key.pub"
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    return private.read_text(), public


def unpad(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def check_jwt(jwt, public, folder, audience):
    """Verified by openssl's command, not by the code under test."""
    head, claims, signature = jwt.split(".")
    (folder / "sig").write_bytes(unpad(signature))
    (folder / "text").write_text(f"{head}.{claims}")
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", folder / "sig", folder / "text"], check=True,
                   capture_output=True)
    same(json.loads(unpad(head)), {"alg": "RS256", "typ": "JWT", "kid": "key-1"})
    c = json.loads(unpad(claims))
    same((c["iss"], c["scope"], c["aud"]), ("sluice@p-1.iam.gserviceaccount.com", "https://www.googleapis.com/auth/cloud-platform",
                                            audience))
    assert abs(c["iat"] - time.time()) < 60 and c["exp"] == c["iat"] + 3600, c


def vertex(provider, **over):
    return config(None, providers={"vertex": {"location": "europe-west4", "base_url": provider.url, **over}},
                  models=[{"name": "m", "deployments": [{"provider": "vertex", "model": "claude-sonnet-4-5@20250929"}]},
                          {"name": "g", "deployments": [{"provider": "vertex", "model": "gemini-2.5-flash"}]},
                          {"name": "o", "deployments": [{"provider": "vertex", "model": "meta/llama-4"}]}],
                  routing={"retries": {"attempts": 0}})


@contextlib.contextmanager
def google(life=3600, status="200 OK"):
    """A service account's key file, and the token endpoint that it names; .tokens are those that were given."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-google-"))
    pem, public = make_key(folder)
    given, faults = [], []

    def answer(r):
        try:
            form = dict(urllib.parse.parse_qsl(r.body.decode()))
            same(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer")
            check_jwt(form["assertion"], public, folder, issuer.url + "/token")
        except Exception as e:     # pylint: disable=broad-except
            faults.append(repr(e))
        if status != "200 OK":
            return http({"error": "invalid_grant", "error_description": "secret details"}, status)
        given.append(f"ya29.token-{len(given) + 1}")
        return http({"access_token": given[-1], "expires_in": life, "token_type": "Bearer"})

    with Provider(answer) as issuer:
        issuer.given, issuer.faults_found = given, faults
        issuer.file = folder / "vertex.json"
        issuer.file.write_text(json.dumps({"type": "service_account", "project_id": "p-1", "private_key_id": "key-1", "private_key": pem,
                                           "client_email": "sluice@p-1.iam.gserviceaccount.com", "token_uri": issuer.url + "/token"}))
        yield issuer
        same(faults, [])


def test_vertex_gets_a_token_for_the_service_account_and_each_model_has_its_place():
    def answer(r):
        return http({"candidates": [{"content": {"parts": [{"text": "g"}], "role": "model"}, "finishReason": "STOP"}],
                     "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}}) \
            if "google" in r.target else http(chat_answer()) if "openapi" in r.target else http(MESSAGE)

    with google() as issuer, Provider(answer) as p, running(vertex(p, credentials=f"file:{issuer.file}")) as gw:
        same(ask(gw, headers=("anthropic-beta: a-1,context-management-2025-06-27",)).json(), MESSAGE)
        r = gw.post("/v1beta/models/g:generateContent", {"contents": [{"parts": [{"text": "hi"}], "role": "user"}]})
        same(r.status, 200, short(r.body))
        r = gw.post("/v1/chat/completions", chat(model="o"))
        same(r.status, 200, short(r.body))
        base = "/v1/projects/p-1/locations/europe-west4"
        same([u.target for u in p.requests], [
            f"{base}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
            f"{base}/publishers/google/models/gemini-2.5-flash:generateContent", f"{base}/endpoints/openapi/chat/completions"])
        same([u.get("authorization") for u in p.requests], ["Bearer ya29.token-1"] * 3)
        same(json.loads(p.requests[0].body), {"anthropic_version": "vertex-2023-10-16", "max_tokens": 5, "messages": ASK["messages"]})
        same((p.requests[0].get("anthropic-beta"), p.requests[0].get("anthropic-version")), ("a-1", None))
        same(issuer.given, ["ya29.token-1"])


def test_a_stream_of_claude_on_vertex_passes():
    steps = sse(*[f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in STREAM])
    with google() as issuer, Provider(lambda r: steps) as p, running(vertex(p, credentials=f"file:{issuer.file}")) as gw:
        same(events_of(ask(gw, {**ASK, "stream": True}).body), STREAM)
        assert p.requests[0].target.endswith(":streamRawPredict"), p.requests[0].target
        same(json.loads(p.requests[0].body)["stream"], True)


def test_a_token_is_renewed_before_it_ends_and_when_it_is_refused():
    with google(life=5) as issuer, Provider(lambda r: http(MESSAGE)) as p, running(vertex(p, credentials=f"file:{issuer.file}")) as gw:
        deadline = time.monotonic() + 20
        while len(issuer.given) < 3 and time.monotonic() < deadline:
            same(ask(gw).status, 200)
            time.sleep(0.05)
        assert len(issuer.given) >= 3, issuer.given


def test_a_token_that_cannot_be_had_is_told_without_details():
    with google(status="400 Bad Request") as issuer, Provider(lambda r: http(MESSAGE)) as p, \
            running(vertex(p, credentials=f"file:{issuer.file}")) as gw:
        r = ask(gw)
        same(r.status, 502, short(r.body))
        text = r.json()["error"]["message"]
        assert "credential" in text and "invalid_grant" in text and "secret details" not in text, text
        same(len(p.requests), 0)
        ask(gw)
        same(len(issuer.requests), 1, "asked again at once")


def test_a_file_that_is_not_there_is_told_when_it_is_needed():
    with Provider(lambda r: http(MESSAGE)) as p, running(vertex(p, project="p", credentials="file:/nonexistent/key.json")) as gw:
        r = ask(gw)
        same(r.status, 502, short(r.body))
        assert "/nonexistent/key.json" in r.json()["error"]["message"], short(r.body)


def test_the_metadata_server_and_a_users_refresh_token_give_tokens_too():
    def meta_answer(r):
        same((r.method, r.target, r.get("metadata-flavor")),
             ("GET", "/computeMetadata/v1/instance/service-accounts/default/token", "Google"))
        return http({"access_token": "ya29.meta", "expires_in": 3599, "token_type": "Bearer"})

    def user_answer(r):
        same(dict(urllib.parse.parse_qsl(r.body.decode())),
             {"grant_type": "refresh_token", "client_id": "id", "client_secret": "shh", "refresh_token": "1//rt"})
        return http({"access_token": "ya29.user", "expires_in": 3599})

    with Provider(lambda r: http(MESSAGE)) as p, Provider(meta_answer) as meta, Provider(user_answer) as issuer:
        with running(vertex(p, project="p"), {"GCE_METADATA_HOST": f"127.0.0.1:{meta.port}"}) as gw:
            same(ask(gw).status, 200)
        user = json.dumps({"type": "authorized_user", "client_id": "id", "client_secret": "shh", "refresh_token": "1//rt"})
        with running(vertex(p, project="p", credentials=user, token_url=issuer.url + "/token")) as gw:
            same(ask(gw).status, 200)
        same([u.get("authorization") for u in p.requests], ["Bearer ya29.meta", "Bearer ya29.user"])


def test_a_slow_token_keeps_only_its_own_requests_waiting():
    release = threading.Event()

    def slow(r):
        release.wait(20)
        return http({"access_token": "ya29.late", "expires_in": 3599})

    user = json.dumps({"type": "authorized_user", "client_id": "id", "client_secret": "shh", "refresh_token": "1//rt"})
    with Provider(lambda r: http(MESSAGE)) as p, Provider(slow) as issuer, Provider(lambda r: http(chat_answer())) as other:
        settings = vertex(p, project="p", credentials=user, token_url=issuer.url + "/token")
        settings["providers"]["up"] = {"dialect": "openai-chat", "base_url": other.url + "/v1"}
        with running(settings) as gw:
            got = []
            waiting = threading.Thread(target=lambda: got.append(ask(gw).status))
            waiting.start()
            issuer.wait_for(lambda: len(issuer.requests) == 1)
            same(gw.post("/v1/chat/completions", chat(model="up/x")).status, 200)
            with gw.client() as gone:      # one that leaves while it waits
                gone.send(request_bytes("POST", "/v1/messages", json.dumps(ASK).encode()))
            same(got, [])
            release.set()
            waiting.join(20)
            same(got, [200])


# -- others -----------------------------------------------------------------------------------------------------------------
def test_azure_has_its_deployments_in_the_path_or_not():
    with Provider(lambda r: http(chat_answer())) as p:
        settings = config(None, providers={
            "azure": {"api_key": "azure-key", "base_url": p.url + "/"},
            "azure-openai": {"api_key": "azure-key", "base_url": p.url, "api_version": "2025-01-01-preview"},
            "second": {"like": "azure", "api_key": "other-key", "base_url": p.url + "/openai/v1/"}})
        with running(settings) as gw:
            for model in ("azure/gpt-5-mini", "azure-openai/gpt-5-mini", "second/x"):
                same(gw.post("/v1/chat/completions", chat(model=model)).status, 200)
        same([(u.target, u.get("api-key"), u.get("authorization")) for u in p.requests], [
            ("/openai/v1/chat/completions", "azure-key", None),
            ("/openai/deployments/gpt-5-mini/chat/completions?api-version=2025-01-01-preview", "azure-key", None),
            ("/openai/v1/chat/completions", "other-key", None)])


def test_an_application_of_entra_gets_a_token_for_azure():
    def answer(r):
        same(dict(urllib.parse.parse_qsl(r.body.decode())),
             {"grant_type": "client_credentials", "client_id": "app", "client_secret": "shh",
              "scope": "https://cognitiveservices.azure.com/.default"})
        return http({"access_token": "eyJ.entra", "expires_in": 3599})

    with Provider(lambda r: http(chat_answer())) as p, Provider(answer) as entra:
        settings = config(None, providers={"azure": {"base_url": p.url, "tenant_id": "t", "client_id": "app", "client_secret": "shh",
                                                     "token_url": entra.url + "/t/oauth2/v2.0/token"}})
        with running(settings) as gw:
            same(gw.post("/v1/chat/completions", chat(model="azure/d")).status, 200)
        same((p.requests[0].get("authorization"), p.requests[0].get("api-key")), ("Bearer eyJ.entra", None))


def test_watsonx_gets_its_own_words_and_a_token_for_the_key():
    def answer(r):
        same(dict(urllib.parse.parse_qsl(r.body.decode())), {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": "ibm-key"})
        return http({"access_token": "eyJ.iam", "expires_in": 3600, "expiration": int(time.time()) + 3600})

    def steps(r):
        return sse(*chat_stream("a", "b")) if "stream" in r.target else http(chat_answer())

    with Provider(steps) as p, Provider(answer) as iam:
        settings = config(None, providers={"watsonx": {"api_key": "ibm-key", "project": "pr", "base_url": p.url + "/ml/v1",
                                                       "token_url": iam.url + "/identity/token"}})
        with running(settings) as gw:
            same(gw.post("/v1/chat/completions", chat(model="watsonx/ibm/granite-4")).status, 200)
            r = gw.post("/v1/chat/completions", chat(model="watsonx/ibm/granite-4", stream=True))
            same([e["choices"][0]["delta"].get("content") for e in events_of(r.body)[:2]], ["a", "b"])
        same([u.target for u in p.requests], ["/ml/v1/text/chat?version=2024-10-08", "/ml/v1/text/chat_stream?version=2024-10-08"])
        same(p.requests[0].get("authorization"), "Bearer eyJ.iam")
        same(json.loads(p.requests[0].body), {"model_id": "ibm/granite-4", "project_id": "pr", "messages": chat()["messages"]})


def test_a_place_that_is_missing_is_named():
    for provider, settings, word in (("bedrock", {}, "needs region (or the variable AWS_REGION)"),
                                     ("vertex", {}, "needs project (or the variable GOOGLE_CLOUD_PROJECT)"),
                                     ("azure", {"api_key": "k"}, "needs resource (or the variable AZURE_RESOURCE_NAME)"),
                                     ("vertex", {"project": "p/../x"}, "project must be letters"),
                                     ("bedrock", {"region": "eu-west-1", "access_key_id": "A"}, "belong together")):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            json.dump({"auth": "none", "providers": {provider: settings}}, f)
            f.flush()
            got = subprocess.run([PROGRAM, "check", "-c", f.name], capture_output=True, text=True, env=CLEAN, check=False)
            assert got.returncode == 1 and word in got.stdout + got.stderr, got


def test_the_environment_alone_enables_clouds():
    env = {**CLEAN, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "eu-west-1",
           "AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/", "WATSONX_API_KEY": "k",
           "CLOUDFLARE_API_TOKEN": "k"}
    with tempfile.TemporaryDirectory() as folder:
        got = subprocess.run([PROGRAM, "models"], capture_output=True, text=True, env=env, cwd=folder, check=True).stdout
    names = {line.split("/")[0] for line in got.splitlines() if "/*" in line}
    assert {"bedrock", "azure", "watsonx"} <= names, got
    assert "cloudflare-workers-ai" not in names, "its account is not known"
