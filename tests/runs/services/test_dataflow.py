"""`--runner dataflow` against Google's services on loopback: submitted by Beam's runner, replayed, the same bytes."""

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import gcsfs
import pytest
from apache_beam.utils import retry

from gristmill.pipelines.errors import RecipeError, RunnerError
from gristmill.pipelines.records.sealed import unseal
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.dataflow import runner
from tests import in_process
from tests.google_cloud.fixture import IMAGE, PROJECT, REGION, Google
from tests.google_cloud.rights import given, needed
from tests.runs.conftest import Command, chinese, english

pytestmark = pytest.mark.process

RECIPE = """\
gristmill: 1
name: mill
sources:
  web: {format: jsonl, paths: "gs://mill/in/*.jsonl", id: id}
plan: {unit_bytes: 20kB}
decide:
  - when: {language: en}
    rules: [{signal: words, at_least: 5}]
  - when: {language: zh}
    presets: [chinese@gristmill]
deduplicate: {minhash: {threshold: 0.7}}
scrub: {operator: tag}
tokenizer: {vocabulary: 512, sample_bytes: 1MB}
tokens: {sequence_length: 64}
"""


@pytest.fixture
def recipe(google: Google, tmp_path: Path) -> Path:
    """A recipe here, whose input is on the bucket: English and Chinese, a copy among them."""
    rng, fs = random.Random(3), gcsfs.GCSFileSystem()
    for name, write in (("english", english), ("中文", chinese)):
        texts = [write(rng) for _ in range(12)]
        lines = [json.dumps({"id": f"{name}-{i}", "text": text}) for i, text in enumerate([*texts, texts[0]])]
        fs.pipe_file(f"mill/in/{name}.jsonl", "\n".join(lines).encode())
    file = tmp_path / "recipe.yaml"
    file.write_text(RECIPE, encoding="utf-8")
    return file


@pytest.fixture
def submit(google: Google, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict]:
    """Function: options of the job that differ -> what the run gives, in this process.

    Beam asks three times more, whatever the service has refused: half a minute, in which nothing is waited for here.
    """
    monkeypatch.setattr(retry.Clock, "sleep", lambda self, seconds: None)

    def run(*more: str, out: str | Path = "gs://mill/run", recipe: Path = recipe, until: str = "tokens") -> dict:
        named = {one.partition("=")[0] for one in more}
        kept = [one for one in google.arguments if one.partition("=")[0] not in named]
        return execute(Request(recipe, out, runner="dataflow", beam_args=(*kept, *more), until=until))

    return run


def objects(prefix: str) -> dict[str, bytes]:
    """Everything on the bucket below a folder."""
    fs = gcsfs.GCSFileSystem()
    fs.invalidate_cache()
    found = fs.find(f"mill/{prefix}")
    return {path.removeprefix(f"mill/{prefix}/"): fs.cat_file(path) for path in found}


def digests_there(place: str) -> dict[str, str]:
    """As the fixture `digests`, of a run on the bucket."""
    skipped = ("_work", "_plan", "report", "run.json", "run.lock", "run.log")
    kept = {name: data for name, data in objects(place).items() if name.split("/")[0] not in skipped}
    return {name: hashlib.sha256(data).hexdigest() for name, data in kept.items()}


@pytest.fixture
def local(google, recipe, digests, tmp_path) -> dict[str, str]:
    """What a run of the recipe here writes. Of this test's input: a bucket tells two uploads of equal bytes apart."""
    in_process.execute(Request(recipe, tmp_path / "local", workers=1))
    return digests(tmp_path / "local")


@pytest.mark.slow
def test_submitted_and_replayed__the_bytes_of_a_local_run(google, recipe, command, local, submit):
    options = ("--labels=team=data", "--machine_type=n2-standard-4", "--flexrs_goal=COST_OPTIMIZED")
    done = command("run", recipe, "--out", "gs://mill/run", "--runner", "dataflow", "--", *google.arguments, *options)
    assert done.returncode == 0, done.stderr
    assert f"Dataflow in {REGION}, project {PROJECT}: at most 16 machines" in done.stderr
    assert digests_there("run") == local

    there = objects("run")
    cost = unseal(there["run.json"], "")["cost"]
    assert 0 < cost["total"] < 1
    assert f"cost, at the prices of {cost['prices']}" in there["report/report.json"].decode()
    assert {"report/index.html", "run.json", "manifest.json"} <= there.keys()
    assert not {"run.lock", "_work/job.json"} & there.keys()
    (job,) = google.ask("jobs")
    assert job["currentState"] == "JOB_STATE_DONE"
    (request,) = google.ask("requests")
    assert request["bytes"] < 100_000
    environment = request["job"]["environment"]
    (pool,) = environment["workerPools"]
    assert pool["workerHarnessContainerImage"] == f"localhost:{google.port}/{PROJECT}/mill/gristmill:0.1.0"
    assert (pool["machineType"], pool["numThreadsPerWorker"]) == ("n2-standard-4", 1)
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 16
    (image,) = pool["sdkHarnessContainerImages"]
    assert image["useSingleCorePerContainer"] is True
    assert "packages" not in pool, "nothing to install"
    assert request["job"]["labels"] == {"team": "data"}
    assert environment["tempStoragePrefix"].startswith("storage.googleapis.com/mill/temp/")
    staged = [name for name in objects("temp") if not name.endswith("pipeline.pb")]
    assert staged == [], "only the pipeline is staged"
    for text in (*there.values(), done.stdout.encode(), done.stderr.encode()):
        assert b"PRIVATE KEY" not in text

    assert needed(google.ask("log")) <= given("gristmill-launcher") | given("gristmill-worker")

    submit()
    assert len(google.ask("jobs")) == 1, "a run that is whole starts no machines"


@pytest.mark.slow
def test_submitted_template__the_bytes_of_a_local_run(google, recipe, command, local):
    image, template = f"localhost:{google.port}/{IMAGE}", "gs://mill/templates/gristmill.json"
    written = command("dataflow", "template", "--image", image, "--to", template)
    assert written.returncode == 0, written.stderr
    place = (
        f"--project={PROJECT}",
        f"--region={REGION}",
        "--temp_location=gs://mill/temp",
        f"--dataflow_endpoint={google.address}",
    )
    asked = (
        "--out",
        "gs://mill/run",
        "--template",
        template,
        "--",
        *place,
        "--labels=team=data",
        "--max_num_workers=3",
    )
    done = command("dataflow", "submit", recipe, *asked)
    said = done.stderr
    assert done.returncode == 0, said
    assert digests_there("run") == local
    assert "report/index.html" in objects("run")
    (launched,) = google.ask("launched")
    assert launched["parameters"] == {
        "recipe": "gs://mill/run-recipe/recipe.yaml",
        "out": "gs://mill/run",
        "labels": "team=data",
        "max_num_workers": "3",
    }
    (written,) = google.ask("requests")
    (pool,) = written["job"]["environment"]["workerPools"]
    assert pool["workerHarnessContainerImage"] == f"localhost:{google.port}/{IMAGE}", (
        "launcher and workers have one image"
    )
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 3
    assert ": done" in said


@pytest.mark.parametrize(
    ("options", "what", "exit_code"),
    [
        (("--region=mars-north1",), "there is no Dataflow in the region 'mars-north1'", 6),
        (("--temp_location=gs://nobodys/temp",), "there is no bucket for gs://nobodys/temp", 6),
        (("--project=Wrong",), "--project: 'Wrong' does not do", 2),
    ],
)
def test_wrong_option__is_found_before_anything_is_written(google, submit, options, what, exit_code):
    with pytest.raises((RunnerError, RecipeError)) as caught:
        submit(*options)
    assert what in caught.value.what
    assert caught.value.exit_code == exit_code
    assert objects("run") == {}
    assert google.ask("jobs") == []


def test_image_that_is_not_there(google, submit):
    with pytest.raises(RunnerError, match=r"the image localhost:.*:0.9 is not there") as caught:
        submit(f"--sdk_container_image=localhost:{google.port}/{PROJECT}/mill/gristmill:0.9")
    assert "gristmill dataflow build" in caught.value.fix
    assert objects("run") == {}


@pytest.mark.parametrize(
    ("path", "status", "name", "message", "reason", "what"),
    [
        (
            "GET .*/locations/.*/jobs",
            403,
            "PERMISSION_DENIED",
            "Dataflow API has not been used in project 42 before or it is disabled.",
            "SERVICE_DISABLED",
            "an API of Google's is off",
        ),
        ("GET .*/jobs", 403, "PERMISSION_DENIED", "The caller does not have permission", "", "no permission in"),
        ("GET /storage/v1/b/mill$", 403, "", "mill@x does not have storage.buckets.get access", "", "no permission in"),
        ("POST .*/jobs", 429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'jobs'", "", "the quota of"),
        ("POST .*/jobs", 409, "ALREADY_EXISTS", "There is already an active job named x", "", "a job of this name"),
        ("GET .*/jobs", 401, "UNAUTHENTICATED", "Request had invalid credentials", "", "does not accept the cred"),
    ],
)
def test_refused__one_message_and_no_job(google, submit, path, status, name, message, reason, what):
    google.ask("fault", path=path, status=status, name=name, message=message, reason=reason, times=99)
    with pytest.raises(RunnerError, match=what) as caught:
        submit()
    assert caught.value.fix
    assert caught.value.exit_code == 6
    assert google.ask("jobs") == []
    assert not any(name.startswith(("text", "manifest")) for name in objects("run"))


def test_no_credentials(google, submit, monkeypatch, tmp_path):
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(RunnerError, match="no credentials for Google Cloud") as caught:
        submit()
    assert "gcloud auth application-default login" in caught.value.fix
    assert google.ask("jobs") == []


def test_places_of_this_machine__are_named(google, submit, recipe, tmp_path):
    with pytest.raises(RecipeError, match="the run cannot lie here") as caught:
        submit(out=tmp_path / "run")
    assert "gs://" in caught.value.fix
    local = tmp_path / "local.yaml"
    local.write_text(RECIPE.replace("gs://mill/in/*.jsonl", "网页/*.jsonl"), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"source 'web': 网页/\*\.jsonl") as caught:
        submit(recipe=local)
    assert "local.yaml:4" in caught.value.where
    assert "gcloud storage cp" in caught.value.fix
    assert not (tmp_path / "run").exists()


def test_job_that_fails__says_why_and_its_name_is_free_again(google, submit):
    google.ask("work", wanted=False)
    said = "Startup of the worker pool failed. QUOTA_EXCEEDED: Quota 'CPUS' exceeded. Limit: 24.0"
    ends_when_submitted(google, "JOB_STATE_FAILED", said)
    with pytest.raises(RunnerError, match="the quota of project") as caught:
        submit()
    assert "job 2026-" in caught.value.where
    assert "_work/job.json" not in objects("run")
    ends_when_submitted(google, "JOB_STATE_CANCELLED", "")
    with pytest.raises(RunnerError, match="the job was cancelled"):
        submit()


def ends_when_submitted(google: Google, state: str, said: str) -> None:
    count = len(google.ask("jobs"))

    def end() -> None:
        while len(jobs := google.ask("jobs")) == count:
            time.sleep(0.05)
        google.ask("end", job=jobs[-1]["id"], state=state, message=said)

    threading.Thread(target=end, daemon=True).start()


def test_killed_command__its_job_is_cancelled_by_the_next_run(google, recipe, submit, tmp_path, monkeypatch):
    google.ask("work", wanted=False)
    request = Request(recipe, "gs://mill/run", runner="dataflow", beam_args=google.arguments, until="score")
    line = [sys.executable, "-m", "gristmill.pipelines.run.worker", request.to_json(), str(tmp_path / "killed")]
    first = subprocess.Popen(line)
    while "_work/job.json" not in objects("run"):
        assert first.poll() is None
        time.sleep(0.2)
    first.kill()
    first.wait()
    google.ask("work", wanted=True)
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.5)
    submit(until="score")
    assert [job["currentState"] for job in google.ask("jobs")] == ["JOB_STATE_CANCELLED", "JOB_STATE_DONE"]
    assert "manifest.json" in objects("run")


def test_interrupted__the_job_is_cancelled(google, recipe, tmp_path):
    google.ask("work", wanted=False)
    command = Command(tmp_path, recipe, "--runner", "dataflow", "--out", "gs://mill/run", "--", *google.arguments)
    while "_work/job.json" not in objects("run"):
        assert command.process.poll() is None, command.said()
        time.sleep(0.2)
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 130, command.said()
    (job,) = google.ask("jobs")
    assert job["currentState"] == "JOB_STATE_CANCELLED"
    assert "_work/job.json" not in objects("run")


def test_dry_run_and_template__write_the_pipeline_down_and_start_nothing(google, submit):
    assert submit("--dry_run=True")["status"] == "written down"
    assert submit("--template_location=gs://mill/templates/mill", out="gs://mill/other")["status"] == "written down"
    assert google.ask("jobs") == []
    template = json.loads(objects("templates")["mill"])
    assert template["environment"]["workerPools"][0]["numThreadsPerWorker"] == 1


def test_without_google_s_packages__the_extra_is_named(google, submit, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[:2] == ["google", "cloud"]]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RecipeError, match="the dataflow runner needs the package") as caught:
        submit()
    assert caught.value.fix == "pip install 'gristmill[gcp]'"
