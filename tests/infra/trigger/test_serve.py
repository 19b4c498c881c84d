"""Events: who may send them, in which forms, and what the sender is told to do."""

import base64
import contextlib
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gristmill.infra.launch.local import Local
from gristmill.infra.launch.protocol import Job, State
from gristmill.infra.trigger import serve as module
from gristmill.infra.trigger.serve import BadEventError, Event, answer, bearer, event_of, serve
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.tokens import identity
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch
from gristmill.pipelines.errors import RecipeError, RunnerError

TOKEN = "a-token-令牌"
NEW = "google.cloud.storage.object.v1.finalized"


@pytest.fixture
def submitted(monkeypatch) -> list[Job]:
    jobs: list[Job] = []

    def submit(self: Local, job: Job, spec: str) -> str:
        time.sleep(0.05)
        jobs.append(job)
        return "1 "

    monkeypatch.setattr(Local, "submit", submit)
    monkeypatch.setattr(Local, "state", lambda self, job, handle: State("runs"))
    return jobs


@pytest.fixture
def port(runs, target, submitted) -> Iterator[int]:
    watch = Watch(str(runs), Trigger(*load_target(target())), lambda text: None)
    server = serve(watch, threading.Lock(), ("127.0.0.1", 0), bearer(TOKEN))
    yield server.server_port
    server.shutdown()


def post(port: int, body: bytes | dict, token: str | None = TOKEN, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        told["Authorization"] = f"Bearer {token}".encode().decode("latin-1")
    connection.request("POST", "/", sent, told)
    return connection.getresponse().status


def manifest(runs: Path, name: str = "good") -> dict:
    return {"address": f"{runs}/{name}/manifest.json"}


def pushed(body: dict) -> dict:
    data = base64.b64encode(json.dumps(body).encode()).decode()
    return {"message": {"data": data, "messageId": "1", "publishTime": "2026-11-28T20:00:00Z"}, "subscription": "s"}


def test_an_event__starts_what_it_names_and_a_second_one_nothing(port, runs, submitted):
    assert post(port, manifest(runs), ce_type=NEW) == 200
    assert len(submitted) == 1
    assert post(port, pushed(manifest(runs))) == 200
    assert len(submitted) == 1


def test_many_at_once__start_one(port, runs, submitted):
    found: list[int] = []
    told = [threading.Thread(target=lambda: found.append(post(port, pushed(manifest(runs))))) for _ in range(12)]
    for one in told:
        one.start()
    for one in told:
        one.join()
    assert (found, len(submitted)) == ([200] * 12, 1)


@pytest.mark.parametrize("token", [None, "", "a-token", "a-token-令牌x", "Bearer"])
def test_who_may_not_send__starts_nothing(port, runs, submitted, token):
    assert post(port, manifest(runs), token, ce_type=NEW) == 401
    assert submitted == []


def test_what_is_not_ready_or_does_not_answer__is_sent_again(port, runs, mill, submitted, monkeypatch):
    report = runs / "good" / "report" / "report.json"
    whole = report.read_bytes()
    report.unlink()
    assert post(port, manifest(runs), ce_type=NEW) == 503
    report.write_bytes(whole)

    def fail(self, job, spec):
        raise RunnerError("it does not answer", where="there", fix="wait")

    with monkeypatch.context() as patched:
        patched.setattr(Local, "submit", fail)
        assert post(port, manifest(runs), ce_type=NEW) == 503
    assert post(port, manifest(runs), ce_type=NEW) == 200
    assert len(submitted) == 1


@pytest.mark.parametrize("name", ["ghost", "../good", "none/x", "good/../good", "", "."])
def test_what_is_none_of_these_runs__is_taken_and_left(port, runs, submitted, name):
    assert post(port, manifest(runs, name), ce_type=NEW) == 200
    assert submitted == []


def test_another_event_or_object__is_taken_and_left(port, runs, submitted):
    assert post(port, manifest(runs), ce_type="google.cloud.storage.object.v1.deleted") == 200
    assert post(port, {"address": f"{runs}/good/run.json"}, ce_type=NEW) == 200
    assert submitted == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"x": 1}', b'{"message": {"data": "%%"}}', b'{"message": 1}', b"\xff"]
)
def test_what_is_no_event__is_refused(port, body):
    assert post(port, body) == 400


def test_what_is_too_long__is_refused_unread(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/")
    connection.putheader("Authorization", f"Bearer {TOKEN}".encode().decode("latin-1"))
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_damaged_manifest__is_not_sent_for_ever(port, runs, submitted):
    path = runs / "good" / "manifest.json"
    path.write_bytes(path.read_bytes()[:-9])
    assert post(port, manifest(runs), ce_type=NEW) == 200
    assert submitted == []


NESTED = b"[" * 200_000
"""More brackets than Python's parser of JSON can hold."""


@pytest.mark.parametrize("body", [NESTED, {"message": {"data": base64.b64encode(NESTED).decode()}}])
def test_what_is_nested_too_deeply__is_refused(port, body):
    assert post(port, body, ce_type=NEW) == 400
    assert post(port, body) == 400


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 256, "磨" * 100, "a\0/../good"])
def test_what_no_folder_can_be_called__is_taken_and_left(port, runs, submitted, name):
    assert post(port, manifest(runs, name), ce_type=NEW) == 200
    assert submitted == []


def head(length: object) -> bytes:
    """Of a request that is allowed, whose body has yet to come."""
    lines = ("POST / HTTP/1.1", f"Authorization: Bearer {TOKEN}", f"ce-type: {NEW}", f"Content-Length: {length}")
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5000, 413), ("-1", 411), ("1e3", 411), ("", 411), ("²", 411), (str(1 << 20), 400)]
)
def test_lengths_that_are_none(port, length, status):
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(head(length))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1000).split(b" ")[1] == str(status).encode()


@pytest.fixture
def few(monkeypatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)


def test_slow_clients__hold_nobody_up(few, port, runs, submitted, monkeypatch):
    """Byte by byte, each in time: in the head without a token, in the body with one. No more than some at once."""
    heads = [b"POST / HTTP/1.1\r\nX: ", head(999)]
    with monkeypatch.context() as patched:
        patched.setattr(module, "SECONDS", 0.3)
        clients = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(4)]
        for number, client in enumerate(clients):
            with contextlib.suppress(ConnectionError):
                client.sendall(heads[number % 2])
                while client.send(b" "):
                    time.sleep(0.02)
    found, deadline = 0, time.monotonic() + 20
    while found != 200 and time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError, http.client.HTTPException):  # the last one may just be leaving
            found = post(port, manifest(runs), ce_type=NEW)
    assert (found, len(submitted)) == (200, 1)


def test_a_client_that_is_gone__loses_nothing(port, runs, submitted):
    body = json.dumps(manifest(runs)).encode()
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(head(len(body)) + body)
        time.sleep(0.05)
    deadline = time.monotonic() + 20
    while not submitted and time.monotonic() < deadline:
        time.sleep(0.01)
    assert post(port, manifest(runs), ce_type=NEW) == 200
    assert len(submitted) == 1


def test_events_of_runs_that_there_are_not__are_not_remembered(runs, target, submitted):
    watch = Watch(str(runs), Trigger(*load_target(target())), lambda text: None)
    for number in range(3):
        answer(watch, threading.Lock(), Event(f"{runs}/ghost-{number}/manifest.json"))
    assert watch.known == {}


GCS = {"bucket": "b", "name": "runs/a/manifest.json"}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"ce-type": NEW}, GCS),
        ({}, {"specversion": "1.0", "type": NEW, "source": "s", "id": "1", "data": GCS}),
        ({}, pushed(GCS)),
        (
            {},
            {"message": {"attributes": {"bucketId": "b", "objectId": GCS["name"], "eventType": "OBJECT_FINALIZE"}}},
        ),
        ({"ce-type": "google.cloud.pubsub.topic.v1.messagePublished"}, pushed(GCS)),
    ],
)
def test_forms_of_an_event(headers, body):
    assert event_of(headers, json.dumps(body).encode()) == Event("gs://b/runs/a/manifest.json", True)


def test_an_event_without_an_object():
    with pytest.raises(BadEventError, match="names no bucket and object"):
        event_of({"ce-type": NEW}, b'{"bucket": 1, "name": ""}')


@pytest.fixture(scope="module")
def google(tmp_path_factory):
    """A JWKS, and what signs with its key."""
    jwt = pytest.importorskip("jwt")
    from cryptography.hazmat.primitives.asymmetric import rsa

    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "k1", "alg": "RS256"}
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps({"keys": [public]}))

    def token(signer=key, kid="k1", algorithm="RS256", **claims) -> str:
        now = int(time.time())
        whole = {
            "iss": "https://accounts.google.com",
            "aud": "https://us.example/events",
            "email": "push@p.iam.gserviceaccount.com",
            "email_verified": True,
            "iat": now,
            "exp": now + 3600,
        }
        return jwt.encode({**whole, **claims}, signer, algorithm=algorithm, headers={"kid": kid})

    allowed = identity("https://us.example/events", "push@p.iam.gserviceaccount.com", str(file))
    return token, allowed, other


def test_googles_token__is_of_this_account_for_this_audience(google):
    token, allowed, other = google
    assert allowed(token())
    assert not allowed(token(aud="https://other.example"))
    assert not allowed(token(email="other@p.iam.gserviceaccount.com"))
    assert not allowed(token(email_verified=False))
    assert not allowed(token(iss="https://evil.example"))
    assert not allowed(token(exp=int(time.time()) - 3600))
    assert not allowed(token(signer=other))
    assert not allowed(token(kid="k2"))
    assert not allowed(token(signer="x" * 32, algorithm="HS256"))
    assert not allowed("")
    assert not allowed("a.b.c")
    assert not allowed(token().rpartition(".")[0] + ".")
    assert not allowed("x" * 100_000)
    nested = base64.urlsafe_b64encode(b"[" * 11_000).decode().rstrip("=")
    assert not allowed(f"{nested}.e30.x")
    assert not allowed("e30.e30.e30")


def test_no_keys(tmp_path):
    with pytest.raises(RecipeError, match="no keys"):
        identity("a", "b", str(tmp_path / "none.json"))
