"""Vertex AI's REST API and Google's token server on loopback, with Google's own client of credentials."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gristmill.infra.launch import vertex as module
from gristmill.infra.launch.protocol import Job
from gristmill.infra.launch.vertex import VertexOptions, make
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.store import Store
from tests.infra.launch.fake_vertex import Vertex, serve
from tests.infra.trigger.stub_work import trained

pytestmark = pytest.mark.process
STUB = Path(__file__).parents[1] / "trigger" / "stub_work.py"
TARGET = """\
launch: vertex
paths: {{{runs}: /gcs/bucket/runs}}
vertex: {{project: our-project, region: {region}, image: 'europe-docker.pkg.dev/p/r/gristmill:1', endpoint: '{host}'}}
"""


@pytest.fixture
def cloud(tmp_path, monkeypatch, runs) -> Iterator[Vertex]:
    made = Vertex(tmp_path / "logs")
    made.logs.mkdir()
    server = serve(made)
    made.host = f"http://127.0.0.1:{server.server_port}"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "type": "service_account",
        "project_id": "our-project",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": "trainer@our-project.iam.gserviceaccount.com",
        "token_uri": f"{made.host}/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))

    def work(self: Job, of: str = "") -> list[str]:
        """Where the bucket is mounted on this machine, too."""
        return [str(STUB), self.run.replace("/gcs/bucket/runs", str(runs)), self.folder, f"--job-from={of}"]

    monkeypatch.setattr(Job, "work", work)
    yield made
    server.shutdown()


@pytest.fixture
def wanted(cloud, runs, target):
    """Function: -> the file of a target for the fake."""
    return lambda region="europe-west4": target(TARGET.format(runs=runs, region=region, host=cloud.host))


def look(runs: Path, target: Path) -> list[str]:
    said: list[str] = []
    Watch(str(runs), Trigger(*load_target(target)), said.append).look()
    return said


def follow(runs: Path, target: Path) -> list[str]:
    said: list[str] = []
    watch = Watch(str(runs), Trigger(*load_target(target)), said.append)
    deadline = time.monotonic() + 90
    while watch.look():
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said


def test_a_job__is_created_and_followed(runs, wanted, cloud):
    said = follow(runs, wanted())
    assert "succeeded" in said[-1], said
    (job,) = cloud.jobs.values()
    assert job["displayName"] == job["labels"]["gristmill-job"]
    assert (len(trained(runs / "good")), cloud.tokens) == (1, 1)


def test_an_answer_that_was_lost__is_no_second_job(runs, wanted, cloud):
    cloud.lost = True
    assert "does not answer" in look(runs, wanted())[0]
    follow(runs, wanted())
    assert (len(cloud.jobs), len(trained(runs / "good"))) == (1, 1)


def test_a_proxys_page__is_no_answer(runs, wanted, cloud):
    cloud.page = "<html>log in to the network</html>"
    assert "does not answer" in look(runs, wanted())[0]
    cloud.page = ""
    follow(runs, wanted())
    assert len(trained(runs / "good")) == 1


def test_a_job_that_was_started_twice__trains_once(runs, wanted, cloud, monkeypatch):
    """Vertex AI has no names that can be used once only: were it ever started twice, the second one would end."""
    monkeypatch.setattr(module.Vertex, "find", lambda self, job: None)
    look(runs, wanted())
    (note,) = (runs / "good").glob("train/main-*/launch/try-1/job.json")
    note.unlink()
    follow(runs, wanted())
    # The second one may end before the first has left its word: then a third one looks, and finds it done.
    assert len(cloud.jobs) in (2, 3)
    assert len(trained(runs / "good")) == 1


@pytest.mark.parametrize(
    ("refusal", "said", "fix"),
    [
        (
            (403, {"message": "Vertex AI API has not been used", "details": [{"reason": "SERVICE_DISABLED"}]}),
            "the Vertex AI API is off",
            "gcloud services enable aiplatform.googleapis.com --project our-project",
        ),
        ((403, {"message": "Permission 'aiplatform.customJobs.create' denied"}), "no right", "roles/aiplatform.user"),
        ((429, {"message": "quota metrics exceed quota limits"}), "the quota refuses it", "ask for quota"),
        ((400, {"message": "Machine type 'x' is not supported"}), "refused: Machine type", "correct the options"),
        ((503, {"message": "The service is unavailable"}), "does not answer", "tried again"),
    ],
)
def test_a_refusal__is_told_with_what_to_do(runs, wanted, cloud, refusal, said, fix):
    cloud.refusal = refusal
    (told, *_) = look(runs, wanted())
    assert said in told
    assert fix in told
    cloud.refusal = None
    follow(runs, wanted())
    assert len(trained(runs / "good")) == 1, "no trigger is lost"


def test_a_wrong_region(runs, wanted, cloud):
    cloud.refusal = (404, {"message": "not found"})
    assert "check that 'europe-west9' is a region" in look(runs, wanted("europe-west9"))[0]


def test_no_credentials(runs, wanted, cloud, monkeypatch):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    assert "no credentials for Google Cloud" in look(runs, wanted())[0]


def test_an_image_that_is_not_there__ends_with_googles_words(runs, wanted, cloud):
    cloud.runs = False
    look(runs, wanted())
    (job,) = cloud.jobs.values()
    job |= {"state": "JOB_STATE_FAILED", "error": {"message": "Failed to pull the image: not found"}}
    said = look(runs, wanted())
    assert "started as" in said[-1], "one retry"
    for job in cloud.jobs.values():
        job |= {"state": "JOB_STATE_FAILED", "error": {"message": "Failed to pull the image: not found"}}
    said = look(runs, wanted())
    assert "Failed to pull the image: not found" in said[-1]


def test_the_spec__has_a_process_for_each_gpu():
    options = {"project": "our-project", "region": "us-central1", "image": "x:1", "machine": "a3-highgpu-8g"}
    launcher = make(VertexOptions(**options, accelerator="NVIDIA_H100_80GB", gpus=8, scheduling="SPOT"))
    job = Job("gristmill-x-1", Store("gs://bucket/a"), "train/x/launch/try-1", "gs://bucket/a")
    spec = json.loads(launcher.render(job))
    (pool,) = spec["jobSpec"]["workerPoolSpecs"]
    assert launcher.processes == pool["machineSpec"]["acceleratorCount"] == 8
    assert pool["containerSpec"]["args"][:4] == ["-m", "gristmill.infra.work", "gs://bucket/a", "train/x/launch/try-1"]


def test_what_cannot_be__is_refused_before_anything_is_started():
    options = {"project": "our-project", "region": "us-central1", "image": "x:1"}
    with pytest.raises(RecipeError, match="belong together"):
        make(VertexOptions(**options, gpus=8))
    with pytest.raises(RecipeError, match="does not see this folder"):
        make(VertexOptions(**options)).render(Job("x", Store("/data/a"), "f", "/data/a"))
    job = Job("x", Store("gs://b/a"), "f", "gs://b/a")
    with pytest.raises(RecipeError, match="serviceAccount"):
        make(VertexOptions(**options, service_account="nobody")).render(job)
    with pytest.raises(RecipeError, match="names no project"):
        make(None)
