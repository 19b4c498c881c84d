"""The report as data: what report.json holds and what the page, the charts and the terminal show."""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.report.alarms.alarm import Alarms
from gristmill.pipelines.report.alarms.gates import GateResult
from gristmill.pipelines.report.figures import Histogram
from gristmill.pipelines.report.sections.attention import Attention
from gristmill.pipelines.report.sections.conversations import Conversations
from gristmill.pipelines.report.sections.dead import DeadLetters
from gristmill.pipelines.report.sections.decisions import Entry
from gristmill.pipelines.report.sections.duplicates import Duplicates
from gristmill.pipelines.report.sections.edits import Edits
from gristmill.pipelines.report.sections.evaluation import Evaluation
from gristmill.pipelines.report.sections.funnel import Funnel
from gristmill.pipelines.report.sections.groups import Groups
from gristmill.pipelines.report.sections.headline import Header
from gristmill.pipelines.report.sections.labels import Coverage
from gristmill.pipelines.report.sections.mixtures import Mixture
from gristmill.pipelines.report.sections.provenance import Provenance
from gristmill.pipelines.report.sections.samples import Kept, Samples
from gristmill.pipelines.report.sections.timing import Timing
from gristmill.pipelines.report.sections.tokens import Tokens
from gristmill.pipelines.report.sections.training import Training
from gristmill.pipelines.report.sections.vocabulary import Tokenizer


@dataclass(frozen=True)
class Report:
    """A run, told once. A section that is None has its reason in `absent`, by the field's name."""

    header: Header
    alarms: Alarms
    gates: list[GateResult]
    attention: list[Attention]
    funnel: Funnel
    sources: Groups
    languages: Groups | None
    sites: Groups | None
    labels: list[Coverage]
    entries: list[Entry]
    lengths: Histogram | None
    kept: Kept | None
    samples: Samples | None
    duplicates: Duplicates | None
    edits: Edits | None
    dead: DeadLetters | None
    tokenizer: Tokenizer | None
    tokens: Tokens | None
    conversations: Conversations | None
    mixtures: list[Mixture]
    training: list[Training]
    evaluations: list[Evaluation]
    timing: Timing | None
    provenance: Provenance
    figures: dict[str, float]
    """By the names that gates use (docs/figures.md)."""
    absent: dict[str, str]

    def to_json(self) -> str:
        """The same report, the same text: fields in the order of the classes."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """The inverse of to_json. Raises KeyError or TypeError for the report of another version."""
        return _typed(cls, json.loads(text))


def _typed(kind: Any, value: Any) -> Any:
    """JSON values as the dataclasses that an annotation names."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _typed(next(a for a in arguments if a is not types.NoneType), value)
    if origin is list:
        return [_typed(arguments[0], item) for item in value]
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return typing.cast(type, kind)(**{name: _typed(hints[name], value[name]) for name in hints})
    return value
