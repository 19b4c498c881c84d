"""Kubernetes' own client, against a server on loopback that keeps names unique, validates objects and runs pods."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from gristmill.infra.launch.kubernetes import Kubernetes, KubernetesOptions
from gristmill.infra.launch.protocol import Job
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.store import Store
from tests.infra.launch.fake_kubernetes import TOKEN, Cluster, serve
from tests.infra.test_manifests import faults
from tests.infra.trigger.stub_work import trained

pytestmark = pytest.mark.process
TARGET = "launch: kubernetes\nkubernetes: {image: 'ghcr.io/us/gristmill:1', namespace: train, gpus: 2}\n"
ROOT = Path(__file__).parents[3]
STUB = Path(__file__).parents[1] / "trigger" / "stub_work.py"


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "logs")
    made.logs.mkdir()
    server = serve(made)
    host = f"http://127.0.0.1:{server.server_port}"
    write_config(tmp_path / "kubeconfig", host, TOKEN)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(Job, "work", lambda self, of="": [str(STUB), self.run, self.folder, f"--job-from={of}"])
    import kubernetes.config.kube_config as config

    monkeypatch.setattr(config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    yield made
    server.shutdown()


def write_config(file: Path, host: str, token: str) -> None:
    named = {
        "clusters": [{"name": "c", "cluster": {"server": host}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    }
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "x", **named}))


def look(runs: Path, target: Path, times: int = 1) -> tuple[Watch, list[str]]:
    said: list[str] = []
    watch = Watch(str(runs), Trigger(*load_target(target)), said.append)
    for _ in range(times):
        for known in watch.known.values():
            known.not_before = 0.0
        watch.look()
    return watch, said


def follow(runs: Path, target: Path) -> list[str]:
    watch, said = look(runs, target)
    deadline = time.monotonic() + 90
    while watch.look():
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    return said


def test_a_job__is_created_followed_and_logged(runs, target, cluster):
    said = follow(runs, target(TARGET))
    assert "succeeded" in said[-1], said
    assert (len(cluster.jobs), len(trained(runs / "good"))) == (1, 1)
    (log,) = (runs / "good").glob("train/main-*/launch/try-1/log.txt")
    assert "step 1 of 1" in log.read_text()
    assert "torch.distributed" not in trained(runs / "good")[0]


def test_an_answer_that_was_lost__is_no_second_job(runs, target, cluster):
    cluster.lost = True
    _, said = look(runs, target(TARGET))
    assert "does not answer" in said[0]
    assert "succeeded" in follow(runs, target(TARGET))[-1]
    assert (cluster.creations, len(trained(runs / "good"))) == (1, 1)


def test_a_watcher_that_died_after_creation__finds_the_job(runs, target, cluster):
    look(runs, target(TARGET))
    (note,) = (runs / "good").glob("train/main-*/launch/try-1/job.json")
    note.unlink()
    follow(runs, target(TARGET))
    assert (cluster.creations, len(trained(runs / "good"))) == (1, 1)


def test_one_that_exists_already__is_the_one(runs, target, cluster, monkeypatch):
    """Somebody created it between our look and our creation."""
    look(runs, target(TARGET))
    (note,) = (runs / "good").glob("train/main-*/launch/try-1/job.json")
    note.unlink()
    monkeypatch.setattr(Kubernetes, "find", lambda self, job: None)
    follow(runs, target(TARGET))
    assert (cluster.creations, len(cluster.jobs), len(trained(runs / "good"))) == (2, 1, 1)


def test_an_image_that_cannot_be_pulled__is_said(runs, target, cluster):
    cluster.image = False
    _, said = look(runs, target(TARGET), times=2)
    assert "its image cannot be pulled: ImagePullBackOff" in said[-1]


def test_a_failed_training__is_named_by_its_own_word(runs, target, cluster, monkeypatch):
    monkeypatch.setenv("STUB_CODE", "2")
    said = follow(runs, target(TARGET))
    assert "its training ended with code 2" in said[-1]
    assert cluster.creations == 1


@pytest.mark.parametrize(
    ("refusal", "said", "fix"),
    [
        ((403, 'jobs.batch is forbidden: User "u" cannot create resource "jobs"'), "no right to do this", "jobs (get"),
        ((403, 'pods "x" is forbidden: exceeded quota: gpus'), "the quota refuses it", "free some of the namespace"),
        ((422, 'Job.batch "x" is invalid: spec.template'), "the cluster refuses it", "correct the options"),
        ((500, "etcdserver: leader changed"), "the cluster does not answer", "tried again"),
    ],
)
def test_a_refusal__is_told_with_what_to_do(runs, target, cluster, refusal, said, fix):
    cluster.refusal = refusal
    _, told = look(runs, target(TARGET))
    assert said in told[0]
    assert fix in told[0]
    cluster.refusal = None
    follow(runs, target(TARGET))
    assert len(trained(runs / "good")) == 1, "no trigger is lost"


def test_a_wrong_namespace_or_token(runs, target, cluster, tmp_path):
    _, told = look(runs, target(TARGET.replace("train", "trian")))
    assert "kubectl create namespace trian" in told[0]
    write_config(tmp_path / "kubeconfig", "http://127.0.0.1:9", "x")
    _, told = look(runs, target(TARGET))
    assert "does not answer" in told[0]


def test_no_credentials(runs, target, cluster, tmp_path):
    (tmp_path / "kubeconfig").unlink()
    _, told = look(runs, target(TARGET))
    assert "no credentials of a cluster" in told[0]


def test_the_spec__is_valid_and_has_no_rights(tmp_path):
    options = KubernetesOptions(
        image="x:1",
        gpus=8,
        volumes={"runs": "/mnt/runs"},
        secrets=["s3"],
        service_account="trainer",
        node_selector={"cloud.google.com/gke-accelerator": "nvidia-h100-80gb"},
        tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    )
    job = Job("gristmill-x-1", Store.at("/mnt/runs/a"), "train/x/launch/try-1", "/mnt/runs/a")
    spec = json.loads(Kubernetes(options).render(job))
    for version in ("1.31", "1.34"):
        kubernetes_validate.validate(spec, version, strict=True)
    pod = spec["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert container["command"][:3] == ["python", "-m", "gristmill.infra.work"]
    assert faults(pod) == []


def test_the_rights_of_the_watcher__are_those_that_it_uses():
    documents = list(yaml.safe_load_all((ROOT / "infra/kubernetes/trigger/account.yaml").read_text("utf-8")))
    for document in documents:
        kubernetes_validate.validate(document, "1.34", strict=True)
    rules = {resource: rule["verbs"] for rule in documents[1]["rules"] for resource in rule["resources"]}
    assert rules == {"jobs": ["create", "get"], "pods": ["list"], "pods/log": ["get"]}
    code = (ROOT / "infra" / "launch" / "kubernetes.py").read_text("utf-8")
    used = set(re.findall(r"\.((?:create|read|list|delete|patch)_namespaced_\w+)\(", code))
    asked = {"create_namespaced_job", "read_namespaced_job", "list_namespaced_pod", "read_namespaced_pod_log"}
    assert used == asked


@pytest.mark.parametrize(
    "options",
    [{"image": "x", "environment": {"a-b": "c"}}, {"image": "x", "tolerations": [{"operator": "Exist"}]}],
)
def test_what_the_schema_does_not_allow__is_refused(options):
    job = Job("gristmill-x-1", Store.at("/mnt/runs/a"), "train/x/launch/try-1", "/mnt/runs/a")
    with pytest.raises(RecipeError, match="the spec is not valid"):
        Kubernetes(KubernetesOptions(**options)).render(job)


def test_no_image(target):
    with pytest.raises(RecipeError, match="names no image"):
        Trigger(*load_target(target("launch: kubernetes\n")))
