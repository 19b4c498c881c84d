"""python -m tests.google_cloud.server: Cloud Storage, Dataflow, images on a loopback port, which it prints.

POST /_tests with {"do": ...} is the tests' own door: see `Doors`. Requests without a token are refused, as by Google.
"""

import contextlib
import json
import re
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.google_cloud.cloud_storage import Answer, CloudStorage, RefusedError, Request
from tests.google_cloud.dataflow_api import ApiRefusedError, Dataflow

storage = CloudStorage()
dataflow = Dataflow(storage)
images: set[str] = set()
faults: list[dict] = []
log: list[str] = []


class Doors:
    """What tests may ask for beside Google's APIs."""

    def bucket(self, name: str) -> None:
        storage.buckets.setdefault(name, {})

    def image(self, path: str) -> None:
        images.add(path)

    def fault(self, **fault) -> None:
        """path: pattern; status, name, message, reason, times: how the next requests there are refused."""
        faults.append({"times": 1, "reason": "", **fault})

    def heal(self) -> None:
        faults.clear()

    def work(self, wanted: bool) -> None:
        dataflow.worked_on = wanted

    def end(self, job: str, state: str, message: str = "") -> None:
        if message:
            dataflow.say(job, "JOB_MESSAGE_ERROR", message)
        dataflow.end(job, state)

    def jobs(self) -> list:
        return list(dataflow.jobs.values())

    def requests(self) -> list:
        return dataflow.requests

    def launched(self) -> list:
        return dataflow.launched

    def log(self) -> list:
        return log

    def clear(self, environment: dict[str, str]) -> None:
        """environment: of the workers."""
        faults.clear()
        log.clear()
        images.clear()
        for known in (dataflow.jobs, dataflow.messages, dataflow.requests, dataflow.launched, storage.buckets):
            known.clear()
        dataflow.worked_on, dataflow.environment = True, environment


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(ConnectionError):
            super().handle()

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        address = f"http://{headers.get('host')}"
        request = Request(self.command, url.path, query, headers, self.body(headers), address)
        try:
            answer = respond(request)
        except RefusedError as refusal:
            answer = Answer.of(refusal.to_json(), refusal.status)
        except Exception as error:
            answer = Answer.of({"error": {"code": 500, "message": repr(error)}}, 500)
        with contextlib.suppress(ConnectionError):  # the client has gone
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = handle_any  # noqa: N815

    def body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)


def respond(request: Request) -> Answer:
    if request.path == "/_tests":
        asked = json.loads(request.body)
        return Answer.of(getattr(Doors(), asked.pop("do"))(**asked))
    log.append(f"{request.method} {request.path}")
    if request.path == "/token":
        return Answer.of({"access_token": "t0ken", "expires_in": 3600, "token_type": "Bearer"})
    hurt(request)
    public = re.match(r"/(download/)?storage/v1/b/[^/]+/o/.+pipeline\.pb", request.path)  # replay.py has no client
    if "authorization" not in request.headers and not public:
        raise ApiRefusedError(401, "UNAUTHENTICATED", "Request is missing required authentication credential.")
    if found := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", request.path):
        if f"{found[1]}:{found[2]}" not in images and f"{found[1]}@{found[2]}" not in images:
            missing = {"code": "MANIFEST_UNKNOWN", "message": f'Failed to fetch "{found[2]}"'}
            return Answer.of({"errors": [missing]}, 404)
        return Answer.of({"schemaVersion": 2})
    answer = storage.answer(request) or dataflow.answer(request)
    if answer is None:
        raise RefusedError(404, "notFound", f"Not Found: {request.method} {request.path}")
    return answer


def hurt(request: Request) -> None:
    for fault in faults:
        if fault["times"] > 0 and re.search(fault["path"], f"{request.method} {request.path}"):
            fault["times"] -= 1
            raise ApiRefusedError(fault["status"], fault.get("name", ""), fault["message"], fault["reason"])


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
