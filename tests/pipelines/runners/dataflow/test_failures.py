"""What Google answers, and what jobs say, as far as its documents and published reports quote it -> one message."""

import pytest

from gristmill.pipelines.errors import InputError, RunnerError
from gristmill.pipelines.runners.dataflow.access import parts_of
from gristmill.pipelines.runners.dataflow.failures import explain
from gristmill.pipelines.runners.dataflow.options import parse
from tests.pipelines.runners.dataflow.test_options import arguments

OPTIONS, _ = parse(arguments())


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (
            "403 Dataflow API has not been used in project 42 before or it is disabled. Enable it by visiting ...",
            "an API of Google's is off in project mill-project",
        ),
        ('403 {"reason": "SERVICE_DISABLED"}', "an API of Google's is off"),
        ('403 {"reason": "BILLING_DISABLED"}', "project mill-project has no billing account"),
        (
            "Startup of the worker pool in europe-west4 failed to bring up any of the desired 1 workers. "
            "QUOTA_EXCEEDED: Instance 'x' creation failed: Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west4.",
            "the quota of project mill-project in europe-west4 is used up",
        ),
        ("ZONE_RESOURCE_POOL_EXHAUSTED: The zone does not have enough resources", "the quota of project"),
        ("429 RESOURCE_EXHAUSTED", "the quota of project"),
        ('404 MANIFEST_UNKNOWN {"errors": []}', f"the image {OPTIONS.sdk_container_image} is not there"),
        ("Error syncing pod: failed to start container: ImagePullBackOff", "the image "),
        ("400 Invalid location: mars-north1", "there is no Dataflow in the region"),
        ("404 NOT_FOUND: location mars-north1 not found", "there is no Dataflow in the region"),
        (
            "Current user cannot act as service account x. Causes: iam.serviceAccounts.actAs permission",
            "the job may not act as the service account",
        ),
        ("Subnetwork 'private' on project 'x' network 'y' in region is not accessible", "cannot use this network"),
        ("Constraint constraints/compute.vmExternalIpAccess violated", "cannot use this network"),
        ("409 (8a): There is already an active job named gristmill-x", "a job of this name runs already"),
        ("404 The specified bucket does not exist.", "there is no bucket for gs://mill/temp"),
        ("400 Request payload size exceeds the limit: 10485760 bytes.", "the job is larger than the service takes"),
        ("403 PERMISSION_DENIED: The caller does not have permission", "no permission in project mill-project"),
        ("403 Forbidden mill@x does not have storage.buckets.get access", "no permission in project"),
        ("401 UNAUTHENTICATED", "Google does not accept the credentials"),
        ("RefreshError ('invalid_grant: Bad Request')", "Google does not accept the credentials"),
        ("ModuleNotFoundError: No module named 'gristmill.pipelines'", "another version of Gristmill"),
        ("The worker lost contact with the service.", "workers ran out of memory, or were lost"),
        ("OSError: [Errno 28] No space left on device", "the disk of a worker is full"),
        ("503 ServiceUnavailable", "Google does not answer"),
        ("something nobody has seen\nmore", "the job failed: something nobody has seen"),
    ],
)
def test_said__one_message_with_where_and_what_to_do(said, what):
    error = explain(said, OPTIONS, "job-1")
    assert isinstance(error, RunnerError)
    assert what in error.what
    assert error.where == "Dataflow, project mill-project, europe-west4, job job-1"
    assert error.fix
    assert "{" not in error.what + error.fix
    assert error.exit_code == 6


def test_error_of_ours_in_a_worker__is_that_error():
    original = InputError("the file has changed", where="gs://mill/网页.jsonl", fix="run again")
    said = f"Traceback (most recent call last):\n  File x\ngristmill.pipelines.errors.InputError: {original}\n"
    error = explain(said, OPTIONS)
    assert isinstance(error, InputError)
    assert (error.what, error.where, error.fix) == (original.what, original.where, original.fix)


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("eu-docker.pkg.dev/p/r/a/b:1.0", ("eu-docker.pkg.dev", "p/r/a/b", "1.0")),
        (f"gcr.io/p/a@sha256:{'0' * 64}", ("gcr.io", "p/a", f"sha256:{'0' * 64}")),
        ("localhost:5000/p/a:1", ("localhost:5000", "p/a", "1")),
    ],
)
def test_image__parts(image, parts):
    assert parts_of(image) == parts
