"""On Vertex AI: a custom job, by its REST API; found again by a label, because its name is chosen by Google."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from gristmill.infra.launch.protocol import ENDED, RUNS, WAITS, Job, State
from gristmill.infra.launch.schemas import check
from gristmill.pipelines.errors import RecipeError, RunnerError
from gristmill.pipelines.recipe.base import Model

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LABEL = "gristmill-job"
JOB_ID = "CLOUD_ML_JOB_ID"
"""Set by Vertex AI in the job's containers."""
WAIT_SECONDS = 60
WAITING = ("JOB_STATE_QUEUED", "JOB_STATE_PENDING", "JOB_STATE_PAUSED", "JOB_STATE_UPDATING")
ENDS = {
    "JOB_STATE_SUCCEEDED": True,
    "JOB_STATE_PARTIALLY_SUCCEEDED": True,
    "JOB_STATE_FAILED": True,
    "JOB_STATE_EXPIRED": True,
    "JOB_STATE_CANCELLING": False,
    "JOB_STATE_CANCELLED": False,
}
"""State of a job that has ended -> whether another try makes sense, where it has left no word of its own."""


class VertexOptions(Model):
    """Of `launch: vertex`."""

    project: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$|^[0-9]{6,}$")]
    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]{1,2}$")]
    """Such as europe-west4."""
    image: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:@-]*$", max_length=500)]
    """In Artifact Registry, with Gristmill installed (docs/launching.md)."""
    machine: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "n1-standard-8"
    accelerator: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$")] | None = None
    """Such as NVIDIA_H100_80GB."""
    gpus: int = Field(0, ge=0, le=16)
    disk: int = Field(200, ge=100, le=64_000)
    """Gigabytes of its boot disk."""
    service_account: str | None = None
    network: str | None = None
    """projects/NUMBER/global/networks/NAME, for private addresses."""
    hours: int = Field(168, ge=1, le=720)
    """The longest that the job may take."""
    scheduling: Literal["STANDARD", "SPOT", "FLEX_START"] = "STANDARD"
    environment: dict[str, str] = {}
    endpoint: str | None = None
    """Of the API. Default: https://REGION-aiplatform.googleapis.com."""


class Vertex:
    """One machine, with a process for each GPU."""

    spec_file = "vertex.json"
    restarts, nodes = True, 1

    def __init__(self, options: VertexOptions):
        self.options, self.processes = options, max(1, options.gpus)
        self._session: Any = None

    def render(self, job: Job) -> str:
        """The custom job, as JSON. Raises RecipeError for a run that Google's machines cannot see."""
        chosen = self.options
        if not job.run.startswith(("gs://", "s3://", "/gcs/")):
            fix = "keep runs in gs://BUCKET; or map the folder: `paths: {/data/runs: /gcs/BUCKET/runs}`"
            raise RecipeError("a machine of Vertex AI does not see this folder", where=job.run, fix=fix)
        machine: dict[str, Any] = {"machineType": chosen.machine}
        if chosen.gpus:
            machine |= {"acceleratorType": chosen.accelerator, "acceleratorCount": chosen.gpus}
        container = {
            "imageUri": chosen.image,
            "command": ["python"],
            "args": job.work(JOB_ID),
            "env": [{"name": name, "value": value} for name, value in chosen.environment.items()],
        }
        pool = {
            "machineSpec": machine,
            "replicaCount": "1",
            "diskSpec": {"bootDiskType": "pd-ssd", "bootDiskSizeGb": chosen.disk},
            "containerSpec": container,
        }
        scheduling = {"timeout": f"{chosen.hours * 3600}s", "restartJobOnWorkerRestart": True}
        work: dict[str, Any] = {
            "workerPoolSpecs": [pool],
            "scheduling": {**scheduling, "strategy": chosen.scheduling},
        }
        work |= {"serviceAccount": chosen.service_account} if chosen.service_account else {}
        work |= {"network": chosen.network} if chosen.network else {}
        spec = {"displayName": job.id, "labels": {LABEL: job.id}, "jobSpec": work}
        return json.dumps(check(spec, "vertex_custom_job"), indent=1)

    def find(self, job: Job) -> str | None:
        """By its label; of several, the first that was created."""
        found = self._call("GET", self._jobs, {"filter": f'labels.{LABEL}="{job.id}"', "pageSize": "100"})
        made = sorted(found.get("customJobs", ()), key=lambda one: (one["createTime"], one["name"]))
        return str(made[0]["name"]) if made else None

    def submit(self, job: Job, spec: str) -> str:
        """The resource name. An error may hide that it was taken: `find` then knows it at the next visit."""
        return str(self._call("POST", self._jobs, body=json.loads(spec))["name"])

    def state(self, job: Job, handle: str) -> State:
        """As Vertex AI says."""
        found = self._call("GET", f"v1/{handle}")
        state = found.get("state", "")
        said = f"{handle.rpartition('/')[2]} {state.removeprefix('JOB_STATE_').lower()}"
        if message := (found.get("error") or {}).get("message"):
            said += f": {message[:500]}"
        if state in ENDS:
            return State(ENDED, said, again=ENDS[state])
        return State(WAITS if state in WAITING else RUNS, said)

    def log(self, job: Job, handle: str) -> bytes | None:
        """The job itself puts it into the run; until then Cloud Logging has it."""
        return None

    @property
    def _jobs(self) -> str:
        return f"v1/projects/{self.options.project}/locations/{self.options.region}/customJobs"

    def _call(self, method: str, path: str, asked: dict[str, str] | None = None, body: Any = None) -> dict[str, Any]:
        """What the API answers. Raises RunnerError in our words, RecipeError without the package."""
        host = self.options.endpoint or f"https://{self.options.region}-aiplatform.googleapis.com"
        session = self._opened()
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            answer = session.request(method, f"{host}/{path}", params=asked, json=body, timeout=WAIT_SECONDS)
            if answer.status_code == 200:
                found: dict[str, Any] = answer.json()
                return found
        except GoogleAuthError as error:
            raise _no_credentials(error) from None
        except RequestException as error:
            what = f"Vertex AI does not answer ({type(error).__name__})"
            fix = f"check network and proxy, and that '{self.options.region}' is a region; it is tried again"
            raise RunnerError(what, where=host, fix=fix) from None
        raise self._explained(answer)

    def _opened(self) -> Any:
        if self._session is None:
            try:
                import google.auth
                from google.auth.transport.requests import AuthorizedSession
            except ImportError:
                fix = "pip install 'gristmill[vertex]'"
                raise RecipeError("google-auth is not installed", where="launch: vertex", fix=fix) from None
            try:
                credentials, _ = google.auth.default(scopes=[SCOPE])
            except (google.auth.exceptions.GoogleAuthError, OSError) as error:
                raise _no_credentials(error) from None
            self._session = AuthorizedSession(credentials)
        return self._session

    def _explained(self, answer: Any) -> RunnerError:
        """The error of ours for a refusal."""
        try:
            error = answer.json()["error"]
            said = str(error["message"])[:400]
            reasons = {str(detail.get("reason")) for detail in error.get("details", ())}
        except (ValueError, KeyError, TypeError):
            said, reasons = f"HTTP {answer.status_code}", set()
        project, region, where = self.options.project, self.options.region, f"Vertex AI, {self._jobs}"
        if "SERVICE_DISABLED" in reasons:
            fix = f"gcloud services enable aiplatform.googleapis.com --project {project}"
            return RunnerError("the Vertex AI API is off in this project", where=where, fix=fix)
        if answer.status_code == 401:
            return RunnerError(f"the credentials are refused: {said}", where=where, fix=LOGIN)
        if answer.status_code == 403:
            fix = "give the account roles/aiplatform.user, and roles/iam.serviceAccountUser on `service_account`"
            return RunnerError(f"no right to do this: {said}", where=where, fix=fix)
        if answer.status_code == 429:
            fix = f"ask for quota in {region} (IAM & Admin, Quotas), or another region or machine; it is tried again"
            return RunnerError(f"the quota refuses it: {said}", where=where, fix=fix)
        if answer.status_code == 404:
            fix = f"check that '{region}' is a region of Vertex AI, and '{project}' the project"
            return RunnerError(f"there is no such place: {said}", where=where, fix=fix)
        if answer.status_code >= 500:
            return RunnerError(f"Vertex AI does not answer: {said}", where=where, fix="nothing: it is tried again")
        return RunnerError(f"refused: {said}", where=where, fix="correct the options of `vertex` in the target")


LOGIN = "GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the machine's account"


def _no_credentials(error: Exception) -> RunnerError:
    what = f"no credentials for Google Cloud ({type(error).__name__})"
    return RunnerError(what, where="launch: vertex", fix=f"give some: {LOGIN}")


def make(options: VertexOptions | None) -> Vertex:
    """From the options of a target. Raises RecipeError without what the API needs."""
    if options is None:
        fix = "write `vertex: {project: ..., region: ..., image: ...}`"
        raise RecipeError("the target names no project, region and image", where="launch: vertex", fix=fix)
    if bool(options.gpus) != bool(options.accelerator):
        fix = "write both, such as `accelerator: NVIDIA_H100_80GB, gpus: 8`, or neither"
        raise RecipeError("`accelerator` and `gpus` belong together", where="vertex", fix=fix)
    return Vertex(options)
