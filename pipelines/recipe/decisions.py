"""What a recipe says about which documents stay: the entries of `decide`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from gristmill.pipelines.recipe.base import Expected, Fraction, Model, Names, as_list
from gristmill.pipelines.recipe.languages.codes import known_language
from gristmill.pipelines.recipe.sizes import is_percent, parse_share


class When(Model):
    """Which documents an entry judges; an absent key admits all."""

    language: Names | None = None
    """ISO 639-1 codes, or other ways to write them: `zho`, `arb_Arab`, `pt-BR`, `Chinese`."""
    script: Names | None = None
    """ISO 15924 codes, such as Latn or Hani."""
    source: Names | None = None
    """Names of sources."""

    @field_validator("language")
    @classmethod
    def _language_codes(cls, value: list[str] | None) -> list[str] | None:
        return value and list(dict.fromkeys(map(known_language, value)))


Bound = Annotated[Fraction, Expected("a number, or of a share 70%")]
Threshold = Annotated[
    float | None, BeforeValidator(parse_share), Expected("a number, of a share also 70%, or null to turn the rule off")
]


class OwnRule(Model):
    """A rule of the recipe: keep a document when its signal is within the bound."""

    signal: str
    """Name of a signal (`gristmill rules` lists them)."""
    at_least: Bound | None = None
    """Keep when signal >= this; of a share also written as 70%."""
    at_most: Bound | None = None
    """Keep when signal <= this."""


class Pareto(Model):
    """GPT-3's draw, by the hash of doc_id: a document of score s is kept with probability (2 - s) ** -alpha."""

    signal: str
    """A share, such as a classifier's probability."""
    alpha: float = Field(9, gt=0, le=1000)
    """Higher keeps fewer documents of low probability."""


class Decision(Model):
    """One entry of `decide`. A document is judged by the first entry that admits it."""

    when: When = When()
    presets: Annotated[list[str], BeforeValidator(as_list), Expected("the name of a preset, or a list of some")] = []
    """Named lists of rules, in order; an editing preset changes the text that the next ones see."""
    rules: Annotated[list[OwnRule], Expected("a list of rules, such as `- {signal: characters, at_least: 100}`")] = []
    """Further rules, after the presets."""
    pareto: Pareto | None = None
    """A further rule, after these: keep documents by a draw instead of a bound."""
    change: Annotated[dict[str, Threshold], Expected("a mapping from rules to other thresholds")] = {}
    """Rule name -> other threshold; null turns the rule off. `gristmill rules` lists the names."""


def percents(entries: Sequence[dict[str, Any]]) -> Iterator[tuple[str | int, ...]]:
    """The places, below `decide`, of bounds that are written as 70%. The entries are those of a valid recipe."""
    for number, entry in enumerate(entries):
        for place, rule in enumerate(entry.get("rules") or ()):
            yield from ((number, "rules", place, key) for key in ("at_least", "at_most") if is_percent(rule.get(key)))
        changed = entry.get("change") or {}
        yield from ((number, "change", name) for name, bound in changed.items() if is_percent(bound))
