"""Kubernetes manifests: their schema by kubernetes-validate, their rights and limits by what a cluster would refuse."""

import copy
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from gristmill.pipelines.cli.main import app
from gristmill.pipelines.cli.running import run as run_command
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.portable.cluster import split_arguments

FOLDER = Path(__file__).parents[2] / "infra" / "kubernetes"
ENGINES = ("spark", "flink")
OLDEST, NEWEST = "1.29", kubernetes_validate.latest_version()


def rendered(folder: Path) -> Iterator[dict]:
    """The resources that a kustomization names, those of its bases first."""
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))["resources"]:
        if (folder / name).is_dir():
            yield from rendered(folder / name)
        else:
            yield from yaml.safe_load_all((folder / name).read_text("utf-8"))


def pods(documents: list[dict]) -> dict[str, dict]:
    """Name -> specification of every pod."""
    made = [one for one in documents if "template" in one.get("spec", {})]
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in made}


def faults(pod: dict) -> list[str]:
    """What a pod asks for that none of ours needs, and what it does not bound."""
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    found += [] if pod.get("automountServiceAccountToken") is False else ["token"]
    wanted = pod.get("securityContext", {})
    found += [] if wanted.get("runAsNonRoot") and wanted.get("runAsUser", 0) > 0 else ["root"]
    found += [] if wanted.get("seccompProfile") == {"type": "RuntimeDefault"} else ["seccomp"]
    for volume in pod.get("volumes", ()):
        found += ["hostPath"] if "hostPath" in volume else []
        found += ["unbounded disk"] if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}) else []
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        own, bounds = container.get("securityContext", {}), container.get("resources", {}).get("limits", {})
        found += ["privileged"] if own.get("privileged") else []
        found += [] if own.get("allowPrivilegeEscalation") is False else ["escalation"]
        found += [] if own.get("readOnlyRootFilesystem") else ["writable root"]
        found += [] if own.get("capabilities") == {"drop": ["ALL"]} else ["capabilities"]
        found += [f"no limit of {what}" for what in ("cpu", "memory") if what not in bounds]
        found += [] if any(mount["mountPath"] == "/tmp" for mount in container.get("volumeMounts", ())) else ["no /tmp"]
    return found


@pytest.fixture(params=ENGINES)
def documents(request) -> list[dict]:
    return list(rendered(FOLDER / request.param))


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_schema(documents, version):
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)


def test_schema__a_misspelt_field_is_found(documents):
    (name, _), *_ = pods(documents).items()
    wrong = copy.deepcopy(
        next(one for one in documents if one["metadata"]["name"] == name and one["kind"] == "Deployment")
    )
    wrong["spec"]["template"]["spec"]["containers"][0]["resource"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="resource"):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_pods__no_rights_and_bounds_on_everything(documents):
    found = pods(documents)
    assert len(found) == 3
    assert {name: faults(pod) for name, pod in found.items()} == {name: [] for name in found}


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("hostNetwork", lambda pod: pod.update(hostNetwork=True)),
        ("token", lambda pod: pod.pop("automountServiceAccountToken")),
        ("root", lambda pod: pod["securityContext"].update(runAsUser=0)),
        ("hostPath", lambda pod: pod["volumes"].append({"name": "h", "hostPath": {"path": "/"}})),
        ("unbounded disk", lambda pod: pod["volumes"].append({"name": "h", "emptyDir": {}})),
        ("privileged", lambda pod: pod["containers"][0]["securityContext"].update(privileged=True)),
        ("writable root", lambda pod: pod["containers"][-1]["securityContext"].pop("readOnlyRootFilesystem")),
        ("no limit of memory", lambda pod: pod["containers"][-1]["resources"]["limits"].pop("memory")),
    ],
)
def test_pods__each_fault_is_found(documents, fault, change):
    pod = copy.deepcopy(pods(documents)["gristmill-run"])
    change(pod)
    assert fault in faults(pod)


def test_names__what_is_named_is_there(documents):
    text = yaml.safe_dump_all(documents)
    (folder,) = [FOLDER / engine for engine in ENGINES if f"--runner={engine}" in text]
    settings = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    made = {one["name"] for one in settings["configMapGenerator"]}
    files = [folder / name for one in settings["configMapGenerator"] for name in one.get("files", ())]
    assert all(file.is_file() for file in files)
    assert {image["name"] for image in settings["images"]} == {"gristmill"}
    services = {one["metadata"]["name"]: one for one in documents if one["kind"] == "Service"}
    for pod in pods(documents).values():
        assert {container["image"] for container in pod["containers"]} == {"gristmill"}
        assert pod["serviceAccountName"] in {
            one["metadata"]["name"] for one in documents if one["kind"] == "ServiceAccount"
        }
        for volume in pod["volumes"]:
            assert volume.get("configMap", {"name": "store"})["name"] in made
        for container in pod["containers"]:
            assert {
                one["configMapRef"]["name"] for one in container.get("envFrom", ()) if "configMapRef" in one
            } <= made
    for name, service in services.items():
        labels = {**service["spec"]["selector"]}
        assert labels in [
            one["spec"]["template"]["metadata"]["labels"] for one in documents if one["kind"] == "Deployment"
        ]
        assert f"{name}:" in text


@pytest.mark.parametrize("engine", ENGINES)
def test_run__is_a_command_that_gristmill_understands(engine, monkeypatch):
    asked: list[Request] = []
    monkeypatch.setattr(run_command, "supervise", lambda request, *_, **__: asked.append(request) or 0)
    (container,) = pods(list(rendered(FOLDER / engine)))["gristmill-run"]["containers"]
    recipe = FOLDER / engine / "recipe.yaml"
    line = [str(recipe) if one == "/recipe/recipe.yaml" else one for one in container["args"]]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    (request,) = asked
    assert (request.runner, str(request.out)) == (engine, "s3://BUCKET/run")
    named, rest = split_arguments(request.beam_args)
    assert (len(named), rest) == (1, [])
    check(load(recipe))
