"""What a model is made from: the run's manifest and recipe, the pack plan, the tokenizer, this code."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.trainer.errors import MismatchError


@dataclass(frozen=True)
class Origin:
    """What a model is trained from: sha256 of each. A checkpoint continues only on the same."""

    manifest: str | None
    """Of RUN/manifest.json; None where the shards are not a run's."""
    plan: str
    tokenizer: str
    recipe: str | None
    """The recipe's hash, as the manifest gives it."""
    parent: str | None = None
    """Of the manifest of the checkpoint that the weights began with, which names all its files; None: random ones."""
    others: tuple[str | None, ...] = ()
    """Of the manifests of the other runs that it is trained on, sorted."""
    contamination: dict[str, Any] | None = None
    """By evaluation set what the manifest says was found of it in the texts, the most of all runs that it is trained on
    and that the weights began with were; None: nobody has looked."""

    def check(self, now: "Origin", where: Path) -> None:
        """Raises MismatchError unless the data are those that this checkpoint was trained on."""
        names = {"tokenizer": "another tokenizer", "plan": "another pack plan", "manifest": "another manifest"}
        for name, what in names.items():
            saved, found = getattr(self, name), getattr(now, name)
            if saved != found:
                raise MismatchError(
                    f"the checkpoint was trained with {what}: {_short(saved)}, this run has {_short(found)}",
                    where=str(where),
                    fix="restore the tokens it was trained on, or begin anew: without --resume and with another --name",
                )
        if list(self.others) != list(now.others):
            raise MismatchError(
                f"the checkpoint was trained on {len(self.others) + 1} runs, and not on these {len(now.others) + 1}",
                where=str(where),
                fix="name all runs that it was trained on, the first one first",
            )


def origin_of(run: Path, plan: Path, tokenizer_sha256: str, others: Sequence[str | None] = ()) -> Origin:
    """The origin of what is trained from a run directory now. `others`: of the manifests of further runs."""
    manifest = run / "manifest.json"
    recipe = None
    if manifest.exists():
        recipe = json.loads(manifest.read_text(encoding="utf-8")).get("recipe_sha256")
    return Origin(
        manifest=file_sha256(manifest) if manifest.exists() else None,
        plan=file_sha256(plan),
        tokenizer=tokenizer_sha256,
        recipe=recipe,
        others=tuple(sorted(others, key=str)),
        contamination=evaluation_sets(run),
    )


def evaluation_sets(run: Path) -> dict[str, Any] | None:
    """What the manifest of a run says of evaluation sets in its texts, by name; None: nobody has looked."""
    manifest = run / "manifest.json"
    known = json.loads(manifest.read_text(encoding="utf-8")) if manifest.exists() else {}
    return (known.get("contamination") or {}).get("sets")


def worst(one: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of what two runs say of evaluation sets, that of the one in which more of each was left, then found."""
    if one is None or other is None:
        return other if one is None else one
    both = [name for name in one if name in other]
    most = {name: max(one[name], other[name], key=lambda of: (of["left_rate"], of["rate"])) for name in both}
    return {**one, **other, **most}


def code_version() -> dict[str, str]:
    """The distribution's version, and a hash of the trainer's own source files."""
    digest = hashlib.sha256()
    folder = Path(__file__).parents[1]
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    try:
        version = metadata.version("gristmill")
    except metadata.PackageNotFoundError:
        version = "source"
    return {"gristmill": version, "trainer_sha256": digest.hexdigest(), "torch": torch.__version__}


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]
