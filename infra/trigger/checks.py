"""What must hold before a run is trained on: its files, its recipe's gates, and what the target requires."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from gristmill.filters.names import nearest
from gristmill.infra.trigger.previous import drifted
from gristmill.infra.trigger.target import Require
from gristmill.pipelines.cli.training.train import TRAINED_ON
from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.records.sealed import MAKE_AGAIN, unseal
from gristmill.pipelines.report.alarms.gates import GateResult, compare
from gristmill.pipelines.storage.layout import INDEX, MANIFEST, RECIPE, REPORT, STATE
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import check_files

CONTAMINATION = "contaminated_share"
"""The figure of a run in which evaluation sets were looked for."""


@dataclass(frozen=True)
class Check:
    """Something that must hold, and whether it does."""

    gate: str
    holds: bool
    said: str
    reason: str = ""
    """Why somebody has let it pass all the same."""

    @property
    def passes(self) -> bool:
        """Whether it stands in the way of nothing."""
        return self.holds or bool(self.reason)


@dataclass(frozen=True)
class Override:
    """A gate that may fail, and why."""

    gate: str
    reason: str


@dataclass(frozen=True)
class Checked:
    """A run as it was looked at."""

    manifest: str
    checks: list[Check]
    report: dict[str, Any]

    @property
    def passes(self) -> bool:
        """Whether it may be trained on."""
        return all(check.passes for check in self.checks)

    @property
    def failed(self) -> list[Check]:
        """What stands in the way."""
        return [check for check in self.checks if not check.passes]

    def to_json(self) -> dict[str, Any]:
        """For a record."""
        return {"manifest": self.manifest, "checks": [asdict(check) for check in self.checks]}


def manifest_of(store: Store) -> str | None:
    """sha256 of a run's manifest; None where there is none (yet). Raises DamageError where its seal is broken."""
    try:
        raw = store.read_bytes(MANIFEST)
    except FileNotFoundError:
        return None
    unseal(raw, store.url(MANIFEST))
    return hashlib.sha256(raw).hexdigest()


def report_of(store: Store, manifest: str) -> dict[str, Any] | None:
    """The report of that very manifest; None where it is not written yet."""
    try:
        report = json.loads(store.read_bytes(REPORT))
        return report if report["provenance"]["manifest_sha256"] == manifest else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def check_run(
    store: Store, manifest: str, report: dict[str, Any], require: Require, folder: Path, overrides: Sequence[Override]
) -> Checked:
    """Whether a run may be trained on. `folder`: what paths of the target start from.

    Raises DamageError for files that are not as the manifest says, which nobody can override; RecipeError for an
    override of what is no gate here.
    """
    check_files(store, *TRAINED_ON)
    if manifest_of(store) != manifest:
        raise DamageError("the manifest has changed while it was checked", where=store.url(MANIFEST), fix=MAKE_AGAIN)
    document = unseal(store.read_bytes(MANIFEST), store.url(MANIFEST))
    recipe = yaml.safe_load(store.read_bytes(RECIPE)) or {}
    checks = [*_own(store, document, report), *_gates(recipe.get("gates") or [], report["figures"])]
    checks += _required(store, document, recipe, report, require, folder)
    return Checked(manifest, _overridden(checks, overrides), report)


def _own(store: Store, document: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[Check]:
    """What holds of every run that is trained on."""
    shards = store.exists(INDEX)
    said = "it has token shards" if shards else "it has no token shards: its recipe says `tokenizer: null`, or --until"
    yield Check("shards", shards, said)
    status = (store.read_sealed(STATE) or {}).get("status")
    limits = report["header"]["limits"]
    whole = status == "finished" and not limits
    reasons = [*([] if status == "finished" else [f"its state is {status}"]), *limits]
    yield Check("whole", whole, "a finished run over all of its input" if whole else "; ".join(reasons))


def _gates(gates: Sequence[str], figures: Mapping[str, float]) -> Iterator[Check]:
    results: list[GateResult] = compare(gates, figures)
    yield from (Check(of.gate, of.holds, of.said) for of in results)


def _required(
    store: Store, document: Mapping[str, Any], recipe: Mapping[str, Any], report: Mapping[str, Any], require: Require,
    folder: Path,
) -> Iterator[Check]:  # fmt: skip
    figures = report["figures"]
    reconciles, alarms = report["header"]["reconciles"], int(figures.get("alarms", 0))
    green = reconciles and (require.report == "finished" or not alarms)
    totals = "its totals reconcile" if reconciles else "its totals do not reconcile"
    yield Check("report", green, f"{totals}; {alarms} alarm{'' if alarms == 1 else 's'}")
    if require.tokens is not None:
        (found,) = compare([f"tokens >= {require.tokens}"], figures)
        yield Check("tokens", found.holds, found.said)
    if require.contamination is not None:
        (found,) = compare([f"{CONTAMINATION} <= {require.contamination}"], figures)
        unknown = f"unknown: the run has no figure {CONTAMINATION}, evaluation sets were not looked for in it"
        yield Check("contamination", found.holds, unknown if found.value is None else found.said)
    if require.personal_data == "scrubbed":
        scrubbed = bool(recipe.get("scrub")) and "scrub" in document["reconciled_steps"]
        said = "what it keeps is scrubbed" if scrubbed else "nothing is scrubbed: its recipe says `scrub: null`"
        yield Check("personal_data", scrubbed, said)
    if require.drift is not None:
        found_drift, said = drifted(store, require.drift, figures, folder)
        yield Check("drift", not found_drift, said)
    yield from _gates(require.gates, figures)


def _overridden(checks: list[Check], overrides: Sequence[Override]) -> list[Check]:
    """With the reasons of those that may fail. Raises RecipeError for an override of what is no gate."""
    reasons = {" ".join(one.gate.split()): one.reason for one in overrides}
    names = [check.gate for check in checks]
    for gate in reasons:
        if gate not in names:
            fix = f"{nearest(gate, names)} The manifest's own hashes cannot be overridden"
            raise RecipeError(f"'{gate}' is no gate of this run and target", where="--override", fix=fix)
    return [replace(check, reason="" if check.holds else reasons.get(check.gate, "")) for check in checks]
