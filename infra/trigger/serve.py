"""`gristmill watch --listen`: object stores tell us of new manifests, by Eventarc or by Pub/Sub's push.

An event is a hint where to look, no more: what it names is looked at as a watcher does, so that events that come twice,
late or in another order do no harm. Answers say what the sender should do:

    200  dealt with: started, started before, refused by a gate, or no manifest of these runs: do not send it again
    400, 413  no event that anybody can read; a dead-letter topic keeps it
    401, 403  not allowed to send
    503  not now (no report yet, or a store or launcher that does not answer): send it again, later
"""

import base64
import binascii
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gristmill.infra.trigger.watch import Watch, is_under
from gristmill.infra.work.order import SCRATCH
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.addresses import redacted
from gristmill.pipelines.storage.store import Store

MOST_BYTES = 1 << 20
"""Of a request; an event is 2 kB."""
SECONDS = 30.0
"""That a client may take to send its request."""
RETRY_SECONDS = 30
FINALIZED = "finalize"
"""Part of the names of events of a new object, in both dialects: google.cloud.storage.object.v1.finalized,
OBJECT_FINALIZE."""

Allowed = Callable[[str], bool]
"""Whether a bearer token may send events."""


class BadEventError(ValueError):
    """What was sent is no event."""


@dataclass(frozen=True)
class Event:
    """That an object is new."""

    address: str
    is_new: bool = True


def event_of(headers: Mapping[str, str], body: bytes) -> Event:
    """A CloudEvent in binary mode (headers ce-*), in structured mode, or the envelope of a Pub/Sub push.

    Raises BadEventError.
    """
    try:
        sent = json.loads(body)
    except ValueError:
        raise BadEventError("the body is no JSON") from None
    if not isinstance(sent, dict):
        raise BadEventError("the body is no JSON object")
    kind = headers.get("ce-type") or ""
    if not kind and "specversion" in sent:
        kind, sent = str(sent.get("type", "")), sent.get("data")
    if isinstance(sent, dict) and isinstance(sent.get("message"), dict):
        return _pushed(sent["message"])
    if not kind:
        raise BadEventError("no CloudEvent (header ce-type) and no Pub/Sub message")
    return _object(sent, FINALIZED in kind.lower())


def _pushed(message: dict[str, Any]) -> Event:
    """Of a notification of Cloud Storage, whose attributes say it all, or of an Eventarc message."""
    attributes = message.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise BadEventError("`attributes` is no JSON object")
    kind = str(attributes.get("eventType") or attributes.get("ce-type") or FINALIZED)
    if {"bucketId", "objectId"} <= attributes.keys():
        return _object({"bucket": attributes["bucketId"], "name": attributes["objectId"]}, FINALIZED in kind.lower())
    try:
        sent = json.loads(base64.b64decode(message.get("data") or "", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise BadEventError("the message's data is no JSON in base64") from None
    return _object(sent, FINALIZED in kind.lower())


def _object(sent: Any, is_new: bool) -> Event:
    """{"bucket": ..., "name": ...} as Cloud Storage says it; {"address": ...} for any other store."""
    if isinstance(sent, dict) and isinstance(sent.get("address"), str):
        return Event(sent["address"], is_new)
    if not isinstance(sent, dict) or not all(
        isinstance(sent.get(key), str) and sent[key] for key in ("bucket", "name")
    ):
        raise BadEventError("the event names no bucket and object")
    return Event(f"gs://{sent['bucket']}/{sent['name']}", is_new)


def bearer(token: str) -> Allowed:
    """One token, compared in a time that does not depend on what is sent (headers come as Latin-1)."""
    wanted = token.encode()
    return lambda sent: hmac.compare_digest(sent.encode("latin-1", "replace"), wanted)


def answer(watch: Watch, lock: threading.Lock, event: Event) -> tuple[int, str]:
    """Status and words for an event; a training is started before it says 200."""
    name = is_under(watch.root, event.address) if event.is_new else None
    if name is None:
        return 200, "no new manifest of these runs"
    with lock:
        store = Store(watch.root.url(name), SCRATCH)
        if store.root in watch.known:
            watch.known[store.root].not_before = 0.0
        standing = watch.look_at(store)
    if standing.state in ("unready", "held"):
        return 503, "not yet"
    return 200, standing.state


def serve(watch: Watch, lock: threading.Lock, where: tuple[str, int], allowed: Allowed) -> ThreadingHTTPServer:
    """A server that answers in threads until `shutdown`. Raises RecipeError for an address that is taken."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS
        server_version, sys_version = "gristmill", ""

        def log_message(self, *_: Any) -> None:
            """Nothing: what a request leads to, the watch says."""

        def do_GET(self) -> None:
            """For probes."""
            self._answer(*((200, "well") if self.path == "/healthz" else (404, "nothing here")))

        def do_POST(self) -> None:
            """An event."""
            scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
            if scheme.lower() != "bearer" or not allowed(token.strip()):
                self._answer(401, "send a bearer token that is allowed here")
                return
            length = self.headers.get("Content-Length") or ""
            if not length.isdecimal():
                self._answer(411, "send Content-Length")
                return
            if int(length) > MOST_BYTES:
                self._answer(413, "too long for an event")
                return
            try:
                event = event_of({key.lower(): value for key, value in self.headers.items()}, self._body(int(length)))
            except BadEventError as error:
                self._answer(400, str(error))
                return
            try:
                self._answer(*answer(watch, lock, event))
            except Exception as error:  # a bug of ours must not lose the event
                watch.say(f"an event could not be dealt with: {redacted(repr(error))}")
                self._answer(503, "not now")

        def _body(self, length: int) -> bytes:
            body = self.rfile.read(length)
            if len(body) < length:
                raise BadEventError("the body ends early")
            return body

        def _answer(self, status: int, said: str) -> None:
            raw = f"{said}\n".encode()
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            if status == 503:
                self.send_header("Retry-After", str(RETRY_SECONDS))
            if status in (401, 411, 413):  # what was sent has not been read
                self.close_connection = True
                self.send_header("Connection", "close")
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    try:
        server = ThreadingHTTPServer(where, Handler)
    except OSError as error:
        fix = "name another port with --listen HOST:PORT"
        raise RecipeError(f"cannot listen: {error.strerror}", where=f"{where[0]}:{where[1]}", fix=fix) from None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
