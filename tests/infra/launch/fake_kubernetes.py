"""The part of Kubernetes' API that a Job needs, on loopback: names are unique, objects validated, pods really run."""

import json
import os
import re
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate

TOKEN = "the-token-of-the-tests"
JOBS = re.compile(r"/apis/batch/v1/namespaces/([^/]+)/jobs(?:/([^/]+))?")
PODS = re.compile(r"/api/v1/namespaces/([^/]+)/pods(?:/([^/]+)/log)?")
SINCE = "2026-11-28T20:00:00Z"


@dataclass
class Cluster:
    """Jobs by name. `refusal`: (status, message) that every creation gets; `image`: whether it can be pulled."""

    logs: Path
    jobs: dict[str, dict] = field(default_factory=dict)
    creations: int = 0
    refusal: tuple[int, str] | None = None
    image: bool = True
    lost: bool = False
    """Whether the answer to a creation gets lost."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, namespace: str, body: dict) -> tuple[int, dict]:
        with self.lock:
            self.creations += 1
            name = body["metadata"]["name"]
            if self.refusal is not None:
                return self.refusal[0], failure(*self.refusal)
            if body["metadata"]["namespace"] != namespace or namespace not in ("default", "train"):
                return 404, failure(404, f'namespaces "{namespace}" not found')
            kubernetes_validate.validate(body, "1.34", strict=True)
            if name in self.jobs:
                return 409, failure(409, f'jobs.batch "{name}" already exists')
            job = {**body, "status": {"active": 1}}
            job["metadata"] = {**body["metadata"], "uid": str(uuid.uuid4())}
            self.jobs[name] = job
        if self.image:
            threading.Thread(target=self.run, args=(name,), daemon=True).start()
        return 201, job

    def run(self, name: str) -> None:
        """What a kubelet and the controller of Jobs do."""
        job = self.jobs[name]
        spec = job["spec"]["template"]["spec"]["containers"][0]
        environment = {**os.environ, **{one["name"]: one["value"] for one in spec["env"]}}
        environment = {**environment, "HOME": os.environ["HOME"], "TMPDIR": str(self.logs)}
        with (self.logs / name).open("ab") as log:
            process = subprocess.Popen([sys.executable, *spec["command"][1:]], stdout=log, stderr=log, env=environment)
            job["pod"] = "Running"
            code = process.wait()
        job["pod"] = "Succeeded" if code == 0 else "Failed"
        kind = "Complete" if code == 0 else "Failed"
        told = {} if code == 0 else {"reason": "PodFailurePolicy", "message": f"exit code {code}"}
        job["status"] = {"conditions": [{"type": kind, "status": "True", **told}]}

    def pods(self, name: str) -> list[dict]:
        if name not in self.jobs:
            return []
        phase = self.jobs[name].get("pod", "Pending")
        status: dict = {"phase": phase}
        if not self.image:
            waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "none:1"'}
            one = {"name": "training", "ready": False, "restartCount": 0, "image": "none:1", "imageID": ""}
            status["containerStatuses"] = [{**one, "state": {"waiting": waiting}}]
        return [{"metadata": {"name": f"{name}-x7k2p", "creationTimestamp": SINCE}, "status": status}]


def failure(code: int, message: str) -> dict:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def serve(cluster: Cluster) -> ThreadingHTTPServer:
    """Until `shutdown`, in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args) -> None:
            pass

        def answer(self, code: int, body: dict | bytes) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if isinstance(body, bytes) else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def known(self) -> bool:
            if self.headers["Authorization"] == f"Bearer {TOKEN}":
                return True
            self.answer(401, failure(401, "Unauthorized"))
            return False

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = JOBS.fullmatch(urlsplit(self.path).path)
            if not self.known():
                return
            assert found is not None
            assert found[2] is None
            code, made = cluster.create(found[1], body)
            if cluster.lost:
                cluster.lost = False
                self.close_connection = True
                return
            self.answer(code, made)

        def do_GET(self) -> None:
            if not self.known():
                return
            url = urlsplit(self.path)
            if found := JOBS.fullmatch(url.path):
                job = cluster.jobs.get(found[2])
                self.answer(200, job) if job else self.answer(404, failure(404, f'jobs.batch "{found[2]}" not found'))
            elif (found := PODS.fullmatch(url.path)) and found[2] is None:
                (selector,) = parse_qs(url.query)["labelSelector"]
                name = selector.removeprefix("batch.kubernetes.io/job-name=")
                self.answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": cluster.pods(name)})
            elif found:
                file = cluster.logs / found[2].removesuffix("-x7k2p")
                self.answer(200, file.read_bytes() if file.exists() else b"")
            else:
                self.answer(404, failure(404, "the server could not find the requested resource"))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
