"""The Dataflow REST API as `server.py` answers it: jobs that are made, waited for, cancelled; messages; templates.

Written after https://cloud.google.com/dataflow/docs/reference/rest. A job is worked on by `replay.py`, in a process of
its own, like the service's workers: it fetches the staged pipeline and runs it.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from google.cloud.dataflow_v1beta3 import ContainerSpec, LaunchFlexTemplateParameter
from google.protobuf import json_format

from tests.google_cloud.cloud_storage import Answer, CloudStorage, RefusedError, Request

REGIONS = {"europe-west4", "us-central1"}
PENDING, RUNNING, DONE, FAILED = (f"JOB_STATE_{name}" for name in ("PENDING", "RUNNING", "DONE", "FAILED"))
CANCELLED = "JOB_STATE_CANCELLED"
MOST_BYTES = 10 << 20
"""Of the request that makes a job: what the service takes."""


class Dataflow:
    """Jobs in memory."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage = storage
        self.jobs: dict[str, dict] = {}
        self.requests: list[dict] = []
        self.messages: dict[str, list[dict]] = {}
        self.launched: list[dict] = []
        self.worked_on = True
        """Whether jobs are done; otherwise they wait as PENDING."""
        self.environment: dict[str, str] = {}
        """Of workers."""
        self._numbers, self._lock = itertools.count(1), threading.RLock()

    def answer(self, request: Request) -> Answer | None:
        """None for a path that is not of this API."""
        place = re.fullmatch(
            r"/v1b3/projects/([^/]+)/locations/([^/]+)/(jobs|flexTemplates:launch)(/.*)?", request.path
        )
        if place is None:
            return None
        project, region, what, rest = place.groups()
        if region not in REGIONS:
            message = f"Invalid location: {region}. The regional endpoint is not supported."
            raise ApiRefusedError(400, "INVALID_ARGUMENT", message)
        if what == "flexTemplates:launch":
            return self._launch(project, region, request)
        with self._lock:
            if rest is None:
                return self._make(project, region, request) if request.method == "POST" else self._listed()
            job, *below = rest.removeprefix("/").split("/")
            if job not in self.jobs:
                raise ApiRefusedError(404, "NOT_FOUND", f"({job}): Information about job {job} could not be found.")
            if below == ["messages"]:
                return Answer.of({"jobMessages": self.messages[job]})
            if below == ["metrics"]:
                return Answer.of({"metrics": []})
            if request.method == "PUT":
                asked = json.loads(request.body)["requestedState"]
                asked = CANCELLED if asked == 5 else asked  # enumerations by name or by number
                if self.jobs[job]["currentState"] in (PENDING, RUNNING):
                    self.end(job, asked)
            return Answer.of(self.jobs[job])

    def _make(self, project: str, region: str, request: Request) -> Answer:
        if len(request.body) > MOST_BYTES:
            raise ApiRefusedError(400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 10485760 bytes.")
        asked = json.loads(request.body)
        active = [
            job
            for job in self.jobs.values()
            if job["name"] == asked["name"] and job["currentState"] in (PENDING, RUNNING)
        ]
        if active:
            what = f"There is already an active job named {asked['name']}."
            raise ApiRefusedError(
                409, "ALREADY_EXISTS", f"(8a3f): The workflow could not be created. Causes: (8a3f): {what}"
            )
        self.requests.append({"bytes": len(request.body), "job": asked})
        number = f"2026-11-28_00_00_00-{next(self._numbers)}"
        self.jobs[number] = _job(number, project, region, asked["name"], PENDING)
        self.messages[number] = []
        options = asked["environment"].get("sdkPipelineOptions", {}).get("options", {})
        if self.worked_on:
            threading.Thread(target=self._work, args=(number, options["pipelineUrl"]), daemon=True).start()
        return Answer.of(self.jobs[number])

    def _listed(self) -> Answer:
        return Answer.of({"jobs": list(self.jobs.values())})

    def _work(self, job: str, pipeline: str) -> None:
        """As the service does: workers start, run the staged pipeline, and what they say becomes messages."""
        time.sleep(0.3)
        if self.jobs[job]["currentState"] != PENDING:
            return
        self.jobs[job]["currentState"] = RUNNING
        self.say(job, "JOB_MESSAGE_BASIC", "Starting 1 workers...")
        command = [self.python, str(Path(__file__).with_name("replay.py")), pipeline]
        worker = subprocess.Popen(command, **self.process())
        said = []
        reader = threading.Thread(target=lambda: said.append(worker.stderr.read()), daemon=True)
        reader.start()
        while worker.poll() is None:
            if self.jobs[job]["currentState"] != RUNNING:
                worker.kill()
            time.sleep(0.05)
        reader.join(10)
        if self.jobs[job]["currentState"] == RUNNING:
            if worker.returncode:
                self.say(job, "JOB_MESSAGE_ERROR", "".join(said)[-4000:] or f"worker ended with {worker.returncode}")
            self.end(job, FAILED if worker.returncode else DONE)

    def say(self, job: str, importance: str, text: str) -> None:
        with self._lock:
            when = f"2026-11-28T00:00:{len(self.messages[job]):02}Z"
            message = {"id": str(len(self.messages[job])), "time": when, "messageImportance": importance}
            self.messages[job].append({**message, "messageText": text})

    def end(self, job: str, state: str) -> None:
        self.jobs[job]["currentState"] = state

    def _launch(self, project: str, region: str, request: Request) -> Answer:
        """A Flex Template: its file names the image, whose launcher writes the job down; then that job is started."""
        asked = _strictly(json.loads(request.body)["launchParameter"], LaunchFlexTemplateParameter)
        bucket, name = asked["containerSpecGcsPath"].removeprefix("gs://").split("/", 1)
        file = self.storage.buckets.get(bucket, {}).get(name)
        if file is None:
            raise ApiRefusedError(400, "INVALID_ARGUMENT", f"Unable to read {asked['containerSpecGcsPath']}: not found")
        spec, given = _strictly(json.loads(file.data), ContainerSpec), dict(asked["parameters"])
        for known in spec["metadata"]["parameters"]:
            value = given.pop(known["name"], None)
            if value is None and not known.get("isOptional"):
                raise ApiRefusedError(400, "INVALID_ARGUMENT", f"{known['name']}: missing")
            if value is not None and not all(re.search(one, value) for one in known.get("regexes", [])):
                raise ApiRefusedError(400, "INVALID_ARGUMENT", f"{known['name']}: {value} is not valid")
        if given:
            raise ApiRefusedError(400, "INVALID_ARGUMENT", f"Unrecognized parameters: {sorted(given)}")
        self.launched.append(asked)
        number = f"2026-11-28_00_00_00-{next(self._numbers)}"
        self.jobs[number] = _job(number, project, region, asked["jobName"], "JOB_STATE_QUEUED")
        self.messages[number] = []
        arguments = (number, spec["image"], asked, request.address)
        threading.Thread(target=self._start_launcher, args=arguments, daemon=True).start()
        return Answer.of({"job": self.jobs[number]})

    def _start_launcher(self, job: str, image: str, asked: dict, address: str) -> None:
        place, environment = self.jobs[job], asked["environment"]
        written = f"{environment['stagingLocation']}/template_launches/{job}/job_object"
        line = [f"--{name}={value}" for name, value in asked["parameters"].items()]
        line += ["--runner=DataflowRunner", f"--project={place['projectId']}", f"--region={place['location']}"]
        line += [f"--job_name={asked['jobName']}", f"--temp_location={environment['tempLocation']}"]
        line += [f"--staging_location={environment['stagingLocation']}", f"--template_location={written}"]
        line += [f"--max_num_workers={environment['maxWorkers']}", f"--dataflow_endpoint={address}", "--unknown=1"]
        launcher = subprocess.run(
            [self.python, "-m", "gristmill.infra.dataflow.launch", *line],
            **self.process({"GRISTMILL_IMAGE": image}),
        )
        if launcher.returncode:
            self.say(job, "JOB_MESSAGE_ERROR", f"Error in launching the template: {launcher.stderr[-2000:]}")
            self.end(job, FAILED)
            return
        bucket, name = written.removeprefix("gs://").split("/", 1)
        template = json.loads(self.storage.buckets[bucket][name].data)
        self.requests.append({"bytes": len(self.storage.buckets[bucket][name].data), "job": template})
        self.jobs[job]["currentState"] = PENDING
        self._work(job, template["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"])

    @property
    def python(self) -> str:
        """That of the image, where the tests are given one."""
        return os.environ.get("GRISTMILL_IMAGE_PYTHON") or sys.executable

    def process(self, more: dict[str, str] | None = None) -> dict:
        """How processes of the image are started; an image of its own sees nothing of this checkout."""
        environment = {**os.environ, **self.environment, **(more or {})}
        if "GRISTMILL_IMAGE_PYTHON" in os.environ:
            del environment["PYTHONPATH"]
        return {"env": environment, "text": True, "stderr": subprocess.PIPE, "cwd": "/"}


def _strictly(sent: dict, kind: type) -> dict:
    """As it was sent, where Google's own message of that kind knows every key of it."""
    try:
        json_format.ParseDict(sent, kind.pb()())
    except json_format.ParseError as error:
        raise ApiRefusedError(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from None
    return sent


def _job(number: str, project: str, region: str, name: str, state: str) -> dict:
    place = {"id": number, "projectId": project, "location": region, "name": name}
    return {**place, "type": "JOB_TYPE_BATCH", "currentState": state, "createTime": "2026-11-28T00:00:00Z"}


class ApiRefusedError(RefusedError):
    """As the newer APIs refuse."""

    def __init__(self, status: int, name: str, message: str, reason: str = "", **metadata: str):
        super().__init__(status, reason, message)
        self.name, self.metadata = name, metadata

    def to_json(self) -> dict:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        info = {"@type": kind, "reason": self.reason, "domain": "googleapis.com", "metadata": self.metadata}
        details = [info] if self.reason else []
        return {"error": {"code": self.status, "message": self.message, "status": self.name, "details": details}}
