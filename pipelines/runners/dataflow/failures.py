"""What Google's services answer, and what a job's messages say -> one error with where and what to do."""

import re
from typing import Any

from gristmill.pipelines.errors import GristmillError, RecipeError, RunnerError, causes
from gristmill.pipelines.runners.dataflow.options import DataflowOptions
from gristmill.pipelines.runners.said import SEE_LOG, error_of_ours, first_line

INSTALL = "pip install 'gristmill[gcp]'"
LOGIN = (
    "`gcloud auth application-default login`, GOOGLE_APPLICATION_CREDENTIALS, or run where the machine has an account"
)
_AGAIN = "then run the same command again: finished units are kept"
# Searched in this order: what is narrow comes first. {name} is an option of the job.
_SIGNS: tuple[tuple[str, str, str], ...] = (
    (
        r"SERVICE_DISABLED|accessNotConfigured|has not been used in project|API has not been enabled",
        "an API of Google's is off in project {project}",
        "gcloud services enable dataflow.googleapis.com compute.googleapis.com storage.googleapis.com "
        "artifactregistry.googleapis.com --project {project}; it takes a few minutes",
    ),
    (
        r"(?i)BILLING_DISABLED|billing (account )?.{0,40}(disabled|not found|closed)|requires billing",
        "project {project} has no billing account",
        "link one to the project",
    ),
    (
        r"(?i)manifest unknown|MANIFEST_UNKNOWN|ImagePullBackOff|ErrImagePull|pull(ing)? (the )?(container )?image|"
        r"image .{0,200}(not found|does not exist)",
        "the image {sdk_container_image} is not there, or the workers may not read it",
        "`gristmill dataflow build` makes it; the workers' account needs roles/artifactregistry.reader",
    ),
    (
        r"(?i)quota|RESOURCE_EXHAUSTED|rateLimitExceeded|ZONE_RESOURCE_POOL_EXHAUSTED|resource pool exhausted",
        "the quota of project {project} in {region} is used up, or the zone has no such machines now",
        "lower --max_num_workers, take another --machine_type or --region, or ask for more quota; " + _AGAIN,
    ),
    (
        r"(?i)actAs|service account .{0,200}(not found|does not exist|not exist)",
        "the job may not act as the service account of the workers",
        "check --service_account_email; your own account needs roles/iam.serviceAccountUser on it",
    ),
    (
        r"(?i)(invalid|unknown|unsupported|unrecognized) (location|region)|regional endpoint|"
        r"(location|region) .{0,100}(not found|not supported|not valid|invalid)",
        "there is no Dataflow in the region '{region}'",
        "name a region such as europe-west4 (--region); `gcloud compute regions list` lists them",
    ),
    (
        r"(?i)(sub)?network .{0,200}(not found|does not exist|not accessible|cannot be used)|"
        r"Private ?Google ?Access|vmExternalIpAccess|external IP",
        "the workers cannot use this network",
        "check --network and --subnetwork; without public addresses (--no_use_public_ips) the subnetwork needs "
        "Private Google Access",
    ),
    (
        r"(?i)active job (named|with the)|ALREADY_EXISTS",
        "a job of this name runs already",
        "wait for it, or cancel it: gcloud dataflow jobs list --region {region} --status active",
    ),
    (
        r"(?i)bucket .{0,200}(not exist|not found)|NoSuchBucket",
        "there is no bucket for {temp_location}",
        "create it in {region}, or correct --temp_location and --staging_location",
    ),
    (
        r"(?i)payload size exceeds|graph is too large|request.{0,40}too large",
        "the job is larger than the service takes",
        "this is a bug of Gristmill: no input makes a job large; please report it",
    ),
    (
        r"(?i)project .{0,100}(not found|does not exist|CONSUMER_INVALID)",
        "there is no project '{project}', or you may not see it",
        "correct --project: its id, not its name; `gcloud projects list`",
    ),
    (
        r"(?i)PERMISSION_DENIED|\b403\b|Forbidden|does not have .{0,200}(access|permission)|caller .{0,40}permission",
        "no permission in project {project}",
        "your account needs roles/dataflow.developer and roles/storage.objectAdmin on the buckets, that of the workers "
        "roles/dataflow.worker and the same on the buckets (docs/dataflow.md)",
    ),
    (
        r"(?i)UNAUTHENTICATED|\b401\b|invalid_grant|RefreshError|could not be refreshed|Reauthentication",
        "Google does not accept the credentials",
        "log in again: " + LOGIN,
    ),
    (
        r"No module named '?gristmill|version .{0,40}mismatch|cannot unpickle|AttributeError: .{0,80}gristmill",
        "the image of the workers holds another version of Gristmill than this machine",
        "`gristmill dataflow build` makes one of this version; name it with --sdk_container_image",
    ),
    (
        r"(?i)lost contact with the service|out of memory|OutOfMemory|Killed process|exit code 137",
        "workers ran out of memory, or were lost",
        "take a --machine_type with more memory for each core (n2-highmem-4), or cut `plan.unit_bytes`",
    ),
    (r"No space left on device", "the disk of a worker is full", "give more --disk_size_gb, " + _AGAIN),
    (
        r"(?i)ServiceUnavailable|\b50[0234]\b|UNAVAILABLE|DEADLINE_EXCEEDED|Max retries exceeded|"
        r"Connection (refused|reset)",
        "Google does not answer",
        "check the network and https://status.cloud.google.com, " + _AGAIN,
    ),
)


def explain(said: str, options: DataflowOptions, job: str = "") -> GristmillError:
    """The error of ours for an answer, or for the messages of a job that failed."""
    if ours := error_of_ours(said):
        return ours
    where = f"Dataflow, project {options.project}, {options.region}" + (f", job {job}" if job else "")
    values = {**options.model_dump(), "staging_location": options.staging_location or options.temp_location}
    for sign, what, fix in _SIGNS:
        if re.search(sign, said):
            return RunnerError(what.format(**values), where=where, fix=fix.format(**values))
    fix = f"https://console.cloud.google.com/dataflow/jobs/{options.region}/{job}?project={options.project}"
    return RunnerError(f"the job failed: {first_line(said)}", where=where, fix=f"{fix}; {SEE_LOG}" if job else SEE_LOG)


def no_credentials(error: BaseException) -> GristmillError:
    """Where nothing says who we are."""
    return RunnerError("no credentials for Google Cloud", where="--runner dataflow", fix=f"{LOGIN} ({_kind(error)})")


def not_installed(error: ImportError) -> GristmillError:
    """Where Google's clients are missing."""
    return RecipeError(f"the dataflow runner needs the package {error.name}", where="--runner dataflow", fix=INSTALL)


def _kind(error: BaseException) -> str:
    return type(error).__name__


def told(error: BaseException) -> str:
    """All that an exception of Google's clients says: the kind, its status, its details."""
    said: list[Any] = []
    for cause in causes(error):
        said += [_kind(cause), getattr(cause, "reason", ""), getattr(cause, "code", ""), cause]
    return " ".join(str(one) for one in said)
