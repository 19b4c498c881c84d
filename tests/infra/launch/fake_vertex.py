"""The part of Vertex AI's REST API that custom jobs need, with Google's token server, on loopback; jobs really run."""

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

JOBS = re.compile(r"/v1/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/customJobs")
TOKEN = "ya29.of-the-tests"


@dataclass
class Vertex:
    """Custom jobs by name. `refusal`: (status, error) that every call gets; `lost`: an answer that gets lost."""

    logs: Path
    jobs: dict[str, dict] = field(default_factory=dict)
    page: str = ""
    """What a proxy says in the API's place."""
    refusal: tuple[int, dict] | None = None
    lost: bool = False
    runs: bool = True
    tokens: int = 0

    def create(self, project: str, region: str, body: dict) -> dict:
        name = f"projects/123456/locations/{region}/customJobs/{1000 + len(self.jobs)}"
        self.jobs[name] = {**body, "name": name, "createTime": f"2026-11-28T20:00:{len(self.jobs):02}Z"}
        self.jobs[name]["state"] = "JOB_STATE_PENDING"
        if self.runs:
            threading.Thread(target=self.run, args=(name,), daemon=True).start()
        return self.jobs[name]

    def run(self, name: str) -> None:
        """What a machine of Google's does with a job."""
        (pool,) = self.jobs[name]["jobSpec"]["workerPoolSpecs"]
        container = pool["containerSpec"]
        assert container["command"] == ["python"]
        environment = {**os.environ, "CLOUD_ML_JOB_ID": name.rpartition("/")[2]}
        self.jobs[name]["state"] = "JOB_STATE_RUNNING"
        with (self.logs / "log").open("ab") as log:
            done = subprocess.run([sys.executable, *container["args"]], stdout=log, stderr=log, env=environment)
        if done.returncode:
            message = f"The replica workerpool0-0 exited with a non-zero status of {done.returncode}."
            self.jobs[name]["error"] = {"code": 3, "message": message}
        self.jobs[name]["state"] = "JOB_STATE_FAILED" if done.returncode else "JOB_STATE_SUCCEEDED"


def serve(vertex: Vertex) -> ThreadingHTTPServer:
    """Until `shutdown`, in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args) -> None:
            pass

        def answer(self, code: int, body: dict | str) -> None:
            raw = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def refused(self) -> bool:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                self.answer(401, {"error": {"code": 401, "message": "invalid authentication credentials"}})
            elif vertex.page:
                self.answer(200, vertex.page)
            elif vertex.refusal is not None:
                code, error = vertex.refusal
                self.answer(code, {"error": {"code": code, **error}})
            else:
                return False
            return True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/token":
                assert parse_qs(raw.decode())["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
                vertex.tokens += 1
                self.answer(200, {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})
                return
            if self.refused():
                return
            found = JOBS.fullmatch(self.path)
            assert found is not None
            if found["region"] != "europe-west4":
                self.answer(404, {"error": {"code": 404, "message": "The requested URL was not found", "details": []}})
                return
            made = vertex.create(found["project"], found["region"], json.loads(raw))
            if vertex.lost:
                vertex.lost = False
                self.close_connection = True
                return
            self.answer(200, made)

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if self.refused():
                return
            if JOBS.fullmatch(url.path):
                (wanted,) = parse_qs(url.query)["filter"]
                found = re.fullmatch(r'labels\.([a-z-]+)="([^"]*)"', wanted)
                assert found is not None
                jobs = [job for job in vertex.jobs.values() if job["labels"].get(found[1]) == found[2]]
                self.answer(200, {"customJobs": jobs} if jobs else {})
            else:
                job = vertex.jobs.get(url.path.removeprefix("/v1/"))
                self.answer(200, job) if job else self.answer(404, {"error": {"code": 404, "message": "not found"}})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
