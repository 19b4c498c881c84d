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
import contextlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gristmill.infra.trigger.watch import Watch, is_under
from gristmill.infra.work.order import SCRATCH
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.addresses import redacted
from gristmill.pipelines.storage.layout import MANIFEST
from gristmill.pipelines.storage.store import Store

MOST_BYTES = 1 << 20
"""Of a request; an event is 2 kB."""
MOST_DIGITS = len(str(MOST_BYTES))
SECONDS = 30.0
"""That a client may take to send its request, all of it."""
AT_ONCE = 64
"""Requests; who comes then finds the door shut, and sends again."""
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
    sent = _parsed(body, "the body is no JSON")
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


def _parsed(text: str | bytes, wrong: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadEventError(wrong) from None


def _pushed(message: dict[str, Any]) -> Event:
    """Of a notification of Cloud Storage, whose attributes say it all, or of an Eventarc message."""
    attributes = message.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise BadEventError("`attributes` is no JSON object")
    kind = str(attributes.get("eventType") or attributes.get("ce-type") or FINALIZED)
    if {"bucketId", "objectId"} <= attributes.keys():
        return _object({"bucket": attributes["bucketId"], "name": attributes["objectId"]}, FINALIZED in kind.lower())
    wrong = "the message's data is no JSON in base64"
    try:
        data = base64.b64decode(message.get("data") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise BadEventError(wrong) from None
    return _object(_parsed(data, wrong), FINALIZED in kind.lower())


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
        elif not store.exists(MANIFEST):  # a watch remembers what it has looked at
            return 200, "absent"
        standing = watch.look_at(store)
    if standing.state in ("unready", "held"):
        return 503, "not yet"
    return 200, standing.state


class Server(ThreadingHTTPServer):
    """A thread for each request, and not more than so many of them."""

    daemon_threads = True

    def __init__(self, *told: Any):
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(*told)

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, where one is free."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """What that thread does."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


def serve(watch: Watch, lock: threading.Lock, where: tuple[str, int], allowed: Allowed) -> ThreadingHTTPServer:
    """A server that answers in threads until `shutdown`. Raises RecipeError for an address that is taken."""

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS
        server_version, sys_version = "gristmill", ""

        def setup(self) -> None:
            """A client that sends a byte now and then runs into no timeout of the socket: this one is for all."""
            super().setup()
            self.patience = threading.Timer(SECONDS, self._hang_up)
            self.patience.daemon = True
            self.patience.start()

        def finish(self) -> None:
            """The client may be gone."""
            self.patience.cancel()
            with contextlib.suppress(OSError):
                super().finish()

        def _hang_up(self) -> None:
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: Any) -> None:
            """Nothing: what a request leads to, the watch says."""

        def do_GET(self) -> None:
            """For probes."""
            self._answer(*((200, "well") if self.path == "/healthz" else (404, "nothing here")))

        def do_POST(self) -> None:
            """An event."""
            try:
                status, said = self._dealt_with()
            except (TimeoutError, ConnectionError):  # of the client: it is gone, or too slow
                self.close_connection = True
                return
            except Exception as error:  # of a store, or a bug of ours: it must not lose the event
                watch.say(f"an event could not be dealt with: {redacted(repr(error))}")
                status, said = 503, "not now"
            self._answer(status, said)

        def _dealt_with(self) -> tuple[int, str]:
            scheme, _, token = (self.headers.get("Authorization") or "").partition(" ")
            if scheme.lower() != "bearer" or not allowed(token.strip()):
                return 401, "send a bearer token that is allowed here"
            length = self.headers.get("Content-Length") or ""
            if not length.isdecimal():
                return 411, "send Content-Length"
            if len(length) > MOST_DIGITS or int(length) > MOST_BYTES:
                return 413, "too long for an event"
            body = self.rfile.read(int(length))
            self.patience.cancel()
            try:
                if len(body) < int(length):
                    raise BadEventError("the body ends early")
                event = event_of({key.lower(): value for key, value in self.headers.items()}, body)
            except BadEventError as error:
                return 400, str(error)
            return answer(watch, lock, event)

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
            with contextlib.suppress(OSError):  # who asked may be gone, and asks again
                self.end_headers()
                self.wfile.write(raw)

    try:
        server = Server(where, Handler)
    except OSError as error:
        fix = "name another port with --listen HOST:PORT"
        raise RecipeError(f"cannot listen: {error.strerror}", where=f"{where[0]}:{where[1]}", fix=fix) from None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
