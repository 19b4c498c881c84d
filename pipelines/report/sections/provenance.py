"""What the run stands on: the chain of hashes and the recipe."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.report.figures import Figure
from gristmill.pipelines.report.material import Material

_CHAIN = ("gristmill", "recipe_sha256", "sample", "inputs", "steps", "tokenizer")
"""Keys of the manifest that are shown, in the order of the chain. Of the tokenizer: its hash only."""

_HASH = re.compile(r"(?:^|sha256 )[0-9a-f]{16,}$")
"""Values that must stay as they are, whatever digits they hold; everything else goes through the scrubber."""

_SIZES = re.compile(r"(?<=_bytes: )[0-9]+$", re.MULTILINE)
"""Of the recipe. In groups of three, as YAML may write them, they are easy to read and taken for nobody's number."""

_LISTED = 12
"""A longer list of the manifest is shown as its length and the hash of its JSON."""


@dataclass(frozen=True)
class Dataset:
    """A published dataset. `content`: hash that does not depend on how the input was cut; `files`: over its shards."""

    name: str
    rows: int
    bytes: int
    shards: int
    content: str
    files: str


@dataclass(frozen=True)
class Provenance:
    """What this run stands on: the chain of hashes, and the recipe with all defaults filled in."""

    manifest_sha256: str
    chain: list[Figure]
    datasets: list[Dataset]
    recipe: str


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
    text = _SIZES.sub(lambda size: f"{int(size[0]):_}", material.recipe_text)
    recipe, cut = material.excerpts.excerpt(text, limit=20_000)
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
