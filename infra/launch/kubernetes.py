"""On Kubernetes: a Job of batch/v1, whose name makes sure that there is one of it."""

import json
import os
from collections.abc import Callable, Iterator
from typing import Annotated, Any, TypeVar

from pydantic import Field

from gristmill.infra.launch.protocol import ENDED, RUNS, WAITS, Job, State
from gristmill.infra.launch.schemas import check
from gristmill.pipelines.errors import Exit, RecipeError, RunnerError
from gristmill.pipelines.recipe.base import Model

T = TypeVar("T")
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|[kKMGTPE]i?)?$")]
JOB_ID = "GRISTMILL_JOB"
WAIT_SECONDS = 30
LOG_LINES = 5_000
USER = 10_001
"""Of our image (infra/images/worker.Dockerfile): without rights."""
HOPELESS = (Exit.RECIPE, Exit.INPUT, Exit.RECONCILE, Exit.GATE, Exit.DAMAGE, Exit.EMPTY)
"""Codes of the training after which a pod is not started again."""
PULL = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


class KubernetesOptions(Model):
    """Of `launch: kubernetes`."""

    image: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", max_length=500)]
    """With Gristmill installed (docs/launching.md)."""
    namespace: Label = "default"
    context: str | None = None
    """Of ~/.kube/config. Default: the current one; in a cluster, the pod's own account."""
    gpus: int = Field(0, ge=0, le=64)
    cpus: Quantity = "4"
    memory: Quantity = "16Gi"
    disk: Quantity = "50Gi"
    """Of the node, for copies of shards and checkpoints of a run on an object store."""
    volumes: dict[Label, str] = {}
    """Claims of volumes -> where they are mounted; `paths` of the target says which folder that is here."""
    service_account: Label | None = None
    secrets: list[Label] = []
    """Secrets whose keys become environment variables: credentials of an object store."""
    environment: dict[str, str] = {}
    node_selector: dict[str, str] = {}
    tolerations: list[dict[str, str]] = []
    restarts: int = Field(3, ge=0, le=100)
    """Of its pod, where a node or the pod died."""
    keep_days: int = Field(14, ge=1, le=3650)
    """That a finished Job stays, so that it is found again."""


class Kubernetes:
    """One pod on one node, with a process for each GPU."""

    spec_file = "kubernetes.json"
    restarts, nodes = True, 1

    def __init__(self, options: KubernetesOptions):
        self.options, self.processes = options, max(1, options.gpus)
        self._batch: Any = None
        self._core: Any = None

    def render(self, job: Job) -> str:
        """The Job, as JSON (which is YAML, too): `kubectl apply -f` takes it."""
        chosen = self.options
        labels = {"app.kubernetes.io/name": "gristmill", "app.kubernetes.io/component": "training"}
        amounts = {"cpu": chosen.cpus, "memory": chosen.memory, "ephemeral-storage": chosen.disk}
        amounts |= {"nvidia.com/gpu": str(chosen.gpus)} if chosen.gpus else {}
        volumes, mounts = _volumes(chosen)
        container: dict[str, Any] = {
            "name": "training",
            "image": chosen.image,
            "command": ["python", *job.work(JOB_ID)],
            "workingDir": "/work",
            "env": [{"name": name, "value": value} for name, value in {**_own(job), **chosen.environment}.items()],
            "envFrom": [{"secretRef": {"name": name}} for name in chosen.secrets],
            "resources": {"requests": amounts, "limits": amounts},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": mounts,
        }
        pod: dict[str, Any] = {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 300,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": volumes,
            "nodeSelector": chosen.node_selector,
            "tolerations": chosen.tolerations,
        }
        pod |= {"serviceAccountName": chosen.service_account} if chosen.service_account else {}
        spec = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": job.id, "namespace": chosen.namespace, "labels": labels},
            "spec": {
                "completions": 1,
                "parallelism": 1,
                "backoffLimit": chosen.restarts,
                "ttlSecondsAfterFinished": chosen.keep_days * 86_400,
                "podFailurePolicy": _policy(),
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        }
        return json.dumps(check(spec, "kubernetes_job"), indent=1)

    def find(self, job: Job) -> str | None:
        """By its name."""
        return self._asked(lambda: self._read(job.id), job)

    def submit(self, job: Job, spec: str) -> str:
        """Create it. One of that name that exists already is the one that was wanted."""
        body = json.loads(spec)

        def create() -> str:
            try:
                self._api().create_namespaced_job(self.options.namespace, body, _request_timeout=WAIT_SECONDS)
            except Exception as error:
                if getattr(error, "status", None) != 409:
                    raise
            return job.id

        return self._asked(create, job)

    def state(self, job: Job, handle: str) -> State:
        """Of the Job, and of its pod as long as that does not run."""
        return self._asked(lambda: self._state(handle), job)

    def log(self, job: Job, handle: str) -> bytes | None:
        """The end of what the last pod has said."""

        def read() -> bytes | None:
            for pod in reversed(self._pods(handle)):
                if pod.status.phase == "Pending":
                    continue
                said = self._core.read_namespaced_pod_log(
                    pod.metadata.name, self.options.namespace, tail_lines=LOG_LINES, _request_timeout=WAIT_SECONDS
                )
                return str(said).encode()
            return None

        return self._asked(read, job)

    def _read(self, name: str) -> str | None:
        try:
            self._api().read_namespaced_job(name, self.options.namespace, _request_timeout=WAIT_SECONDS)
        except Exception as error:
            if getattr(error, "status", None) == 404:
                return None
            raise
        return name

    def _state(self, name: str) -> State:
        try:
            found = self._api().read_namespaced_job(name, self.options.namespace, _request_timeout=WAIT_SECONDS)
        except Exception as error:
            if getattr(error, "status", None) == 404:
                return State(ENDED, f"somebody has removed the Job {name}", again=False)
            raise
        for condition in found.status.conditions or ():
            if condition.status == "True" and condition.type in ("Complete", "Failed"):
                told = " ".join(filter(None, (condition.reason, condition.message)))
                return State(ENDED, f"Job {name}: {condition.type.lower()}{f' ({told})' if told else ''}")
        pods = self._pods(name)
        why = next((why for pod in reversed(pods) for why in _waiting(pod)), "")
        if why or not any(pod.status.phase == "Running" for pod in pods):
            return State(WAITS, f"Job {name}{f': {why}' if why else ''}")
        return State(RUNS, f"Job {name}, pod {pods[-1].metadata.name}")

    def _pods(self, name: str) -> list[Any]:
        self._api()
        selector = f"batch.kubernetes.io/job-name={name}"
        found = self._core.list_namespaced_pod(
            self.options.namespace, label_selector=selector, _request_timeout=WAIT_SECONDS
        )
        return sorted(found.items, key=lambda pod: str(pod.metadata.creation_timestamp))

    def _api(self) -> Any:
        """The client of batch/v1. Raises RecipeError without the package, RunnerError without credentials."""
        if self._batch is not None:
            return self._batch
        try:
            from kubernetes import client, config
        except ImportError:
            fix = "pip install 'gristmill[kubernetes]'"
            raise RecipeError("the Kubernetes client is not installed", where="launch: kubernetes", fix=fix) from None
        settings = client.Configuration()
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ and self.options.context is None:
                config.load_incluster_config(client_configuration=settings)
            else:
                config.load_kube_config(context=self.options.context, client_configuration=settings)
        except Exception as error:
            what = f"no credentials of a cluster: {str(error).splitlines()[0][:200]}"
            fix = "set KUBECONFIG, or `kubectl config use-context`; `kubectl get jobs` must work here"
            raise RunnerError(what, where="~/.kube/config", fix=fix) from None
        settings.retries = False
        made = client.ApiClient(settings)
        self._batch, self._core = client.BatchV1Api(made), client.CoreV1Api(made)
        return self._batch

    def _asked(self, ask: Callable[[], T], job: Job) -> T:
        """The answer of the cluster. Raises RunnerError in our words."""
        try:
            return ask()
        except (RunnerError, RecipeError):
            raise
        except Exception as error:
            self._batch = None  # a token may have run out
            raise _explained(error, job.id, self.options.namespace) from None


def _own(job: Job) -> dict[str, str]:
    return {JOB_ID: job.id, "HOME": "/work", "PYTHONUNBUFFERED": "1"}


def _volumes(chosen: KubernetesOptions) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What can be written to: a folder of the node, shared memory of several processes, and the claims."""
    volumes: list[dict[str, Any]] = [
        {"name": "work", "emptyDir": {"sizeLimit": chosen.disk}},
        {"name": "tmp", "emptyDir": {"sizeLimit": chosen.disk}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": chosen.memory}},
    ]
    writable = (("work", "/work"), ("tmp", "/tmp"), ("shared-memory", "/dev/shm"))
    mounts = [{"name": name, "mountPath": path} for name, path in writable]
    for number, (claim, path) in enumerate(chosen.volumes.items()):
        volumes.append({"name": f"claim-{number}", "persistentVolumeClaim": {"claimName": claim}})
        mounts.append({"name": f"claim-{number}", "mountPath": path})
    return volumes, mounts


def _policy() -> dict[str, Any]:
    """A pod that a node took with it is another one's turn and no failure; what a user must mend is not repeated."""
    codes = {"containerName": "training", "operator": "In", "values": sorted(int(code) for code in HOPELESS)}
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {"rules": [disrupted, {"action": "FailJob", "onExitCodes": codes}]}


def _waiting(pod: Any) -> Iterator[str]:
    """Why a pod does not run."""
    for status in pod.status.container_statuses or ():
        if (waiting := status.state.waiting) is not None and waiting.reason not in (
            "ContainerCreating",
            "PodInitializing",
        ):
            what = "its image cannot be pulled" if waiting.reason in PULL else "its container does not start"
            yield f"{what}: {waiting.reason}: {(waiting.message or '')[:300]}"
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            yield f"no node takes it: {(condition.message or condition.reason or '')[:300]}"


def _explained(error: Exception, name: str, namespace: str) -> RunnerError:
    status, where = getattr(error, "status", None), f"{namespace}/{name}"
    said = ""
    if status is not None:
        try:
            said = str(json.loads(error.body)["message"])[:300]  # type: ignore[attr-defined]
        except (AttributeError, KeyError, TypeError, ValueError):
            said = str(getattr(error, "reason", ""))[:300]
    if status == 401:
        fix = "log in again, or renew the token: `kubectl get jobs` must work here"
        return RunnerError("the cluster does not know these credentials", where=where, fix=fix)
    if status == 403 and "quota" in said:
        fix = "free some of the namespace's quota, or ask for less (`gpus`, `cpus`, `memory`); it is tried again"
        return RunnerError(f"the quota refuses it: {said}", where=where, fix=fix)
    if status == 403:
        fix = "give the account the rights of docs/launching.md: jobs (get, create), pods (list), pods/log (get)"
        return RunnerError(f"no right to do this: {said}", where=where, fix=fix)
    if status == 404:
        fix = f"create the namespace: kubectl create namespace {namespace}; or correct `namespace`"
        return RunnerError(f"there is no such place: {said}", where=where, fix=fix)
    if status is not None and status < 500:
        fix = "correct the options of `kubernetes` in the target"
        return RunnerError(f"the cluster refuses it: {said}", where=where, fix=fix)
    fix = "check network, VPN and `kubectl cluster-info`; it is tried again"
    return RunnerError(f"the cluster does not answer: {said or type(error).__name__}", where=where, fix=fix)


def make(options: KubernetesOptions | None) -> Kubernetes:
    """From the options of a target. Raises RecipeError without an image."""
    if options is None:
        fix = "write `kubernetes: {image: REGISTRY/NAME:TAG}`"
        raise RecipeError("the target names no image", where="launch: kubernetes", fix=fix)
    return Kubernetes(options)
