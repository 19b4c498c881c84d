"""Where the time went, and what the run stands on."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from pipelines.report.blocks import Dataset, Provenance, Stage, Timing
from pipelines.report.drawing.theme import moment
from pipelines.report.figures import Figure, share
from pipelines.report.material import Material

MEGABYTE = 1_000_000

STAGES_QUERY = """\
SELECT s.stage, s.units, s.documents, s.bytes, s.seconds, s.cpu_seconds,
       s.bytes / 1e6 / s.seconds AS mb_per_second, s.bytes / 1e6 / s.cpu_seconds AS mb_per_cpu_second
FROM (SELECT unnest(stages) AS s FROM 'run.json')"""

_CHAIN = ("gristmill", "recipe_sha256", "sample", "inputs", "steps", "tokenizer")
"""Keys of the manifest that are shown, in the order of the chain. Of the tokenizer: its hash only."""

_HASH = re.compile(r"(?:^|sha256 )[0-9a-f]{16,}$")
"""Values that must stay as they are, whatever digits they hold; everything else goes through the scrubber."""

_LISTED = 12
"""A longer list of the manifest is shown as its length and the hash of its JSON."""

_FACTS = ("runner", "workers", "started", "finished")


def build_timing(material: Material) -> Timing | None:
    """Stages of run.json; None where it has none."""
    stages = material.state.get("stages") or []
    if not stages:
        return None
    seconds = sum(stage["seconds"] for stage in stages)
    facts = [
        Figure(name, moment(str(material.state[name]))) for name in _FACTS if material.state.get(name) not in (None, "")
    ]
    return Timing([_stage(stage, seconds) for stage in stages], seconds, facts, STAGES_QUERY)


def _stage(stage: dict[str, Any], whole: float) -> Stage:
    # Stages that only move numbers count no bytes: then there is no rate.
    size, seconds, cpu = stage["bytes"], stage["seconds"], stage.get("cpu_seconds") or None
    return Stage(
        name=stage["stage"],
        units=stage["units"],
        documents=stage["documents"],
        bytes=size,
        seconds=seconds,
        cpu_seconds=cpu,
        rate=share(size / MEGABYTE, seconds) if size else None,
        cpu_rate=share(size / MEGABYTE, cpu or 0) if size else None,
        share=share(seconds, whole),
    )


def build_provenance(material: Material) -> Provenance:
    """The manifest's hash and its links; the recipe is shown scrubbed, recipe.yaml holds it as it was run."""
    manifest = (material.run / "manifest.json").read_bytes()
    links = {key: material.manifest[key] for key in _CHAIN if key in material.manifest}
    if links.get("tokenizer"):
        links["tokenizer"] = {"sha256": links["tokenizer"]["sha256"]}
    chain = [
        Figure(name, text if _HASH.search(text) else material.excerpts.name(text))
        for key, value in links.items()
        for name, text in _flat(key, value)
    ]
    recipe, cut = material.excerpts.excerpt(material.recipe_text, limit=20_000)
    datasets = [_dataset(name, dataset) for name, dataset in material.manifest["datasets"].items()]
    return Provenance(hashlib.sha256(manifest).hexdigest(), chain, datasets, recipe + ("\n…" if cut else ""))


def _dataset(name: str, dataset: dict[str, Any]) -> Dataset:
    # The content hash adds up over rows; datasets that have none are told apart by their files only.
    content = "" if not dataset["content"].strip("0") else dataset["content"]
    shards = dataset["shards"]
    return Dataset(name, dataset["rows"], dataset["bytes"], len(shards), content, _sha256(shards))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Nested JSON as dotted names and values, short enough to be read."""
    if isinstance(value, dict) and value:
        if len(value) > _LISTED:
            yield name, _summary(value)
            return
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list) and value:
        if len(value) > _LISTED or any(isinstance(item, dict | list) for item in value):
            yield name, _summary(value)
        else:
            yield name, ", ".join(str(item) for item in value)
    elif value not in (None, [], {}):
        yield name, str(value)


def _summary(value: dict[str, Any] | list[Any]) -> str:
    return f"{len(value):,} entries, sha256 {_sha256(value)}"


def _sha256(value: Any) -> str:
    """Of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
