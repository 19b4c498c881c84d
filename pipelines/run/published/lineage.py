"""OpenLineage events of runs and trainings: START, RUNNING, then COMPLETE, FAIL or ABORT, with inputs and outputs.

Spec 2-0-2 (openlineage.io/spec). Sent by the command, whatever becomes of the process that does the work; whoever does
not take them costs a note, never the run. Datasets are named as the spec's Naming.md says, without credentials, query
strings, e-mail addresses or the name of a home folder; no facet holds text of documents.
"""

import json
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gristmill.pipelines.errors import RecipeError, utf8_text
from gristmill.pipelines.storage.addresses import redacted

SPEC = "https://openlineage.io/spec"
SCHEMA = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = {
    "jobType": "2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
    "processing_engine": "1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
    "version": "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
    "inputStatistics": "1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet",
}
"""Where the schema of each facet is published."""
ENDPOINT, SECONDS = "api/v1/lineage", 5.0
"""Of an HTTP receiver, as the spec's clients have it."""
PRODUCER = "urn:gristmill"
_MAIL = re.compile(r"[^/\s@]+@[^/\s@]+")


@dataclass
class Lineage:
    """The events of one job. `send` takes an event as JSON; where it fails, `tell` gets a line, and no more is sent."""

    name: str
    send: Callable[[bytes], None] | None
    tell: Callable[[str], None]
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @classmethod
    def to(cls, target: str | None, name: str, tell: Callable[[str], None]) -> "Lineage":
        """Events of a job of this name to a URL or a file; None: to OPENLINEAGE_URL, if that is set.

        Raises RecipeError for a target that is neither.
        """
        target = target or os.environ.get("OPENLINEAGE_URL") or None
        if target is None or os.environ.get("OPENLINEAGE_DISABLED", "").lower() == "true":
            return cls(name, None, tell)
        if "://" not in target:
            return cls(name, _to_file(Path(target).expanduser()), tell)
        if urlsplit(target).scheme not in ("http", "https") or not urlsplit(target).hostname:
            what, fix = f"'{redacted(target)}' takes no events", "give http://HOST:PORT, or the name of a file"
            raise RecipeError(what, where="--openlineage", fix=fix)
        return cls(name, _to_server(target), tell)

    def emit(
        self,
        kind: str,
        inputs: list[dict[str, Any]] | None = None,
        outputs: list[dict[str, Any]] | None = None,
        error: str | None = None,
    ) -> None:
        """One event. kind: START, RUNNING, COMPLETE, FAIL or ABORT; error: why it failed, its first line is told."""
        if self.send is None:
            return
        facets = {"processing_engine": {"name": "gristmill", "version": version("gristmill")}}
        if error is not None:
            facets["errorMessage"] = {"message": public(error.split("\n")[0]), "programmingLanguage": "PYTHON"}
        job_type = {"processingType": "BATCH", "integration": "GRISTMILL", "jobType": "JOB"}
        event = {
            "eventType": kind,
            "eventTime": datetime.now(UTC).isoformat(),
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "run": {"runId": self.run_id, "facets": _facets(facets)},
            "job": {
                "namespace": os.environ.get("OPENLINEAGE_NAMESPACE") or "gristmill",
                "name": public(self.name),
                "facets": _facets({"jobType": job_type}),
            },
            "inputs": inputs or [],
            "outputs": outputs or [],
        }
        try:
            self.send(json.dumps(event).encode())
        except Exception as failure:  # whatever a receiver does, the run goes on
            self.send = None
            self.tell(f"OpenLineage events are not taken ({type(failure).__name__}); the run goes on without")


def inputs_of(sources: Mapping[str, list[str]], sizes: Mapping[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """The paths of each source; sizes: (files, bytes) of a source, which is said where it has one path."""
    found = []
    for name, paths in sources.items():
        for path in paths:
            made: dict[str, Any] = dataset(path)
            if len(paths) == 1 and name in sizes:
                files, size = sizes[name]
                made["inputFacets"] = _facets({"inputStatistics": {"fileCount": files, "size": size}})
            found.append(made)
    return found


def outputs_of(run: str, datasets: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The datasets of a manifest, in the run directory `run`."""
    found = []
    for name, written in datasets.items():
        counted = {"rowCount": written["rows"], "size": written["bytes"], "fileCount": len(written["shards"])}
        made: dict[str, Any] = {**dataset(f"{run}/{name}"), "outputFacets": _facets({"outputStatistics": counted})}
        if written.get("content"):
            made["facets"] = _facets({"version": {"datasetVersion": written["content"]}})
        found.append(made)
    return found


def dataset(path: str) -> dict[str, Any]:
    """{namespace, name} of a local path or an address."""
    if "://" in path:
        parts = urlsplit(path)
        host = parts.netloc.rpartition("@")[2]
        return {"namespace": f"{parts.scheme}://{host}", "name": public(parts.path.strip("/")) or "/"}
    return {"namespace": "file", "name": public(os.path.abspath(os.path.expanduser(path)))}


def public(text: str) -> str:
    """A name or a message without credentials, e-mail addresses and the name of the home folder."""
    home = str(Path.home())
    clean = redacted(utf8_text(text))
    if len(home) > 1:
        clean = re.sub(rf"{re.escape(home)}(?=/|\W|$)", "~", clean)
    return _MAIL.sub("<EMAIL_ADDRESS>", clean)


def _facets(facets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        name: {"_producer": PRODUCER, "_schemaURL": f"{SPEC}/facets/{FACETS[name]}", **facet}
        for name, facet in facets.items()
    }


def _to_file(path: Path) -> Callable[[bytes], None]:
    def send(event: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(event + b"\n")

    return send


def _to_server(url: str) -> Callable[[bytes], None]:
    """POST to the address; where it names no path, to the one that the environment or the spec says."""
    if not urlsplit(url).path.strip("/"):
        url = url.rstrip("/") + "/" + (os.environ.get("OPENLINEAGE_ENDPOINT") or ENDPOINT).lstrip("/")
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("OPENLINEAGE_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"

    def send(event: bytes) -> None:
        from urllib.request import Request, urlopen  # a tenth of a second

        with urlopen(Request(url, event, headers, method="POST"), timeout=SECONDS):
            pass

    return send
