"""Who we are to Google, and whether the job could begin: asked before anything is staged."""

import os
import re
from typing import Any

from gristmill.pipelines.errors import GristmillError
from gristmill.pipelines.runners.dataflow.failures import explain, no_credentials, not_installed, told
from gristmill.pipelines.runners.dataflow.options import DataflowOptions

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
SECONDS = 30.0
_MANIFESTS = ", ".join(
    f"application/vnd.{name}+json"
    for name in (
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
        "oci.image.manifest.v1",
        "oci.image.index.v1",
    )
)


def session() -> Any:
    """An HTTP session of requests that bears our token. Raises GristmillError: no package, no credentials."""
    try:
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError
        from google.auth.transport.requests import AuthorizedSession
        from google.cloud import dataflow  # noqa: F401 - what the job is sent with
    except ImportError as error:
        raise not_installed(error) from error
    try:
        credentials, _ = google.auth.default(scopes=SCOPES)
    except DefaultCredentialsError as error:
        raise no_credentials(error) from None
    return AuthorizedSession(credentials)


def check(options: DataflowOptions, endpoint: str) -> None:
    """Raises GristmillError where the service, the region, the buckets or the image would refuse the job.

    endpoint: of the Dataflow API, https://dataflow.googleapis.com.
    """
    asking = session()
    storage = os.environ.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com").rstrip(
        "/"
    )  # as Google's client
    for folder in {options.temp_location, options.staging_location or options.temp_location}:
        _ask(asking, options, f"{storage}/storage/v1/b/{folder.split('/')[2]}")
    jobs = f"{endpoint.rstrip('/')}/v1b3/projects/{options.project}/locations/{options.region}/jobs"
    _ask(asking, options, jobs, {"pageSize": "1"})
    registry, path, version = parts_of(options.sdk_container_image)
    scheme = "http" if re.match(r"(localhost|127\.0\.0\.1)(:|$)", registry) else "https"  # as Docker does
    if registry.endswith((".pkg.dev", "gcr.io")) or scheme == "http":
        manifest = f"{scheme}://{registry}/v2/{path}/manifests/{version}"
        _ask(asking, options, manifest, headers={"Accept": _MANIFESTS}, image=True)


def parts_of(image: str) -> tuple[str, str, str]:
    """europe-docker.pkg.dev/project/folder/name:tag -> (registry, path, tag); a digest in the tag's place."""
    registry, _, rest = image.partition("/")
    if "@" in rest:
        path, _, version = rest.partition("@")
    else:
        path, _, version = rest.rpartition(":")
    return registry, path, version


def _ask(
    asking: Any,
    options: DataflowOptions,
    url: str,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    image: bool = False,
) -> None:
    try:
        answer = asking.get(url, params=query, headers=headers, timeout=SECONDS)
    except Exception as error:  # of requests and of google.auth; each has a tree of its own
        raise explain(told(error), options) from None
    if answer.status_code < 400:
        return
    raise refused(answer.status_code, answer.text, options, image)


def refused(status: int, text: str, options: DataflowOptions, image: bool = False) -> GristmillError:
    """The error of ours for an answer of HTTP."""
    return explain(f"{status} {'MANIFEST_UNKNOWN ' if image and status in (403, 404) else ''}{text}", options)
