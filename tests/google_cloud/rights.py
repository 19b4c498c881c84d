"""Which right each request to Google needs, as its APIs document it; and what `infra/iam` gives to whom."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

IAM = Path(__file__).parents[2] / "infra" / "iam"
BUCKET = "/(download/|upload/|resumable/upload/)?storage/v1/b/[^/]+"
JOBS = "/v1b3/projects/[^/]+/locations/[^/]+"
NEEDED = {
    f"GET {BUCKET}": "storage.buckets.get",
    f"GET {BUCKET}/o": "storage.objects.list",
    f"GET {BUCKET}/o/.+": "storage.objects.get",
    f"(POST|PUT) {BUCKET}/o(/.+)?": "storage.objects.create",
    f"PATCH {BUCKET}/o/.+": "storage.objects.update",
    f"DELETE {BUCKET}/o/.+": "storage.objects.delete",
    "POST /batch/storage/v1": "storage.objects.delete",
    f"GET {JOBS}/jobs": "dataflow.jobs.list",
    f"POST {JOBS}/(jobs|flexTemplates:launch)": "dataflow.jobs.create",
    f"GET {JOBS}/jobs/[^/]+": "dataflow.jobs.get",
    f"GET {JOBS}/jobs/[^/]+/messages": "dataflow.messages.list",
    f"GET {JOBS}/jobs/[^/]+/metrics": "dataflow.metrics.get",
    f"PUT {JOBS}/jobs/[^/]+": "dataflow.jobs.cancel",
    "GET /v2/.+/manifests/[^/]+": "artifactregistry.repositories.downloadArtifacts",
    "POST /token": "",
}
GOOGLES = {
    "roles/dataflow.developer": {right for right in NEEDED.values() if right.startswith("dataflow.")},
    "roles/dataflow.worker": set[str](),
    "roles/artifactregistry.reader": {"artifactregistry.repositories.downloadArtifacts"},
}
"""Of Google's own roles, what is needed here (https://cloud.google.com/iam/docs/roles-permissions)."""


def needed(requests: Iterable[str]) -> set[str]:
    """Of requests, each "METHOD /path". Raises StopIteration for one that nobody has thought of."""
    found = set()
    for request in requests:
        found.add(next(right for pattern, right in NEEDED.items() if re.fullmatch(pattern, request)))
    return found - {""}


def given(account: str) -> set[str]:
    """To one of the accounts of `dataflow.json`."""
    own = {f"gristmill{json.loads(file.read_bytes())['title'].split()[-1].capitalize()}": file
           for file in IAM.glob("gcs-*.json")}  # fmt: skip
    rights = set[str]()
    for binding in json.loads((IAM / "dataflow.json").read_bytes())["bindings"]:
        if any(member.startswith(f"serviceAccount:{account}@") for member in binding["members"]):
            name = binding["role"].rpartition("/")[2]
            known = (
                json.loads(own[name].read_bytes())["includedPermissions"] if name in own else GOOGLES[binding["role"]]
            )
            rights |= set(known)
    return rights
