"""Rules and presets: what is asked of a document, as data. Nothing but `Rule.sentence` phrases a rule.

A rule keeps a document when its signal stands on the right side of its threshold; equality keeps. A rule whose signal
is missing (null or NaN) does not fire: a number that was not computed is no reason to drop a page.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Literal, get_args

import numpy as np

from gristmill.filters.names import nearest
from gristmill.filters.signals import SIGNALS, Signal

Comparison = Literal[">=", "<="]


@dataclass(frozen=True, slots=True)
class Rule:
    """Keep a document when `signal comparison threshold` holds.

    name: unique within its preset; the recipe and the ledger say "<preset>/<name>".
    provenance: where the threshold comes from, as a citation that can follow the sentence.
    languages: ISO 639-1 codes that the rule is valid for; None: all that the signal makes sense for.
    """

    name: str
    signal: str
    comparison: Comparison
    threshold: float
    provenance: str
    languages: frozenset[str] | None = None

    def __post_init__(self) -> None:
        if self.comparison not in get_args(Comparison):
            raise ValueError(f"the rule '{self.name}' compares by '{self.comparison}'; it is one of >=, <=")
        bound_of(self.name, self.threshold)
        if self.languages is not None and (isinstance(self.languages, str) or not all(map(_is_code, self.languages))):
            given = ", ".join([self.languages] if isinstance(self.languages, str) else map(str, self.languages))
            raise ValueError(f"the rule '{self.name}' has the languages {given}; write a set of codes: {{'en', 'zh'}}")

    @property
    def what(self) -> Signal:
        """The declaration of the rule's signal; KeyError for an unknown one."""
        return SIGNALS[self.signal]

    def valid_for(self, language: str) -> bool:
        """Whether the rule means anything for documents of this language (ISO 639-1)."""
        return language in self.languages if self.languages is not None else self.what.valid_for(language)

    def fires(self, value_D: np.ndarray) -> np.ndarray:
        """Bool per document: true where the rule drops it. value_D float64; NaN never fires."""
        return value_D < self.threshold if self.comparison == ">=" else value_D > self.threshold

    def sentence(self) -> str:
        """The rule in one sentence, as docs, reports and `gristmill rules` print it."""
        signal = self.what
        unit = "" if signal.unit == "share" else f" {signal.unit}"
        where = {"any": "", "spaced": "; languages with spaces", "Hani": "; Chinese"}[signal.scripts]
        if languages := self.languages or signal.languages:
            where = "; " + ", ".join(sorted(languages))
        sign = "\N{GREATER-THAN OR EQUAL TO}" if self.comparison == ">=" else "\N{LESS-THAN OR EQUAL TO}"
        return f"{signal.summary} Keeps documents {sign} {self.threshold:,g}{unit} ({self.provenance}{where})."


@dataclass(frozen=True, slots=True)
class Preset:
    """A named list of rules that says whose numbers it reproduces.

    editor: name in `judge.EDITORS` of the edit that this preset makes first; its rules, and all presets after
    it in an entry, see the edited text.
    measures: signals that the ledger gets beside those of the rules, and that judge nothing.
    """

    name: str
    source: str
    rules: tuple[Rule, ...]
    editor: str | None = None
    measures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.rules, tuple | list) or not all(isinstance(rule, Rule) for rule in self.rules):
            raise TypeError(f"the rules of the preset '{self.name}' are no tuple of rules; of one rule: (rule,)")
        object.__setattr__(self, "rules", tuple(self.rules))
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError(f"preset {self.name} has two rules of one name")

    @property
    def short_name(self) -> str:
        """The part before @."""
        return self.name.split("@")[0]

    def rule_names(self) -> list[str]:
        """Full names, "<preset>/<rule>", in order."""
        return [f"{self.name}/{rule.name}" for rule in self.rules]


def bound_of(rule: str, threshold: object) -> float:
    """A threshold, if it is a number. Raises ValueError that names the rule."""
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or threshold != threshold:
        raise ValueError(f"the threshold of '{rule}' is {threshold!r}; it is a number")
    return float(threshold)


def _is_code(language: object) -> bool:
    return isinstance(language, str) and re.fullmatch(r"[a-z]{2,3}", language) is not None


def change(presets: Sequence[Preset], changes: Mapping[str, float | None]) -> tuple[Preset, ...]:
    """The presets with other thresholds, by full rule name; None turns the rule off.

    Raises ValueError that names the nearest rule for a name that no preset has.
    """
    known = [name for preset in presets for name in preset.rule_names()]
    for name in changes:
        if name not in known:
            raise ValueError(f"no rule '{name}'; {nearest(name, known)}")
        if changes[name] is not None:
            bound_of(name, changes[name])
    return tuple(_changed(preset, changes) for preset in presets)


def _changed(preset: Preset, changes: Mapping[str, float | None]) -> Preset:
    rules = []
    for name, rule in zip(preset.rule_names(), preset.rules, strict=True):
        threshold = changes.get(name, rule.threshold)
        if threshold is not None:
            own = threshold != rule.threshold
            rules.append(replace(rule, threshold=threshold, provenance="the recipe") if own else rule)
    return replace(preset, rules=tuple(rules))


def own_rules(rules: Iterable[tuple[str, float | None, float | None]], name: str = "recipe") -> Preset:
    """A preset of (signal, at_least, at_most) as a recipe writes them. Raises ValueError for an unknown signal.

    Names are "<signal>_min" and "<signal>_max".
    """
    made: list[Rule] = []
    for signal, at_least, at_most in rules:
        if signal not in SIGNALS:
            raise ValueError(f"no signal '{signal}'; {nearest(signal, SIGNALS)}")
        if at_least is not None:
            made.append(Rule(f"{signal}_min", signal, ">=", at_least, "the recipe"))
        if at_most is not None:
            made.append(Rule(f"{signal}_max", signal, "<=", at_most, "the recipe"))
    return Preset(name, "the recipe", tuple(made))


def fired_matrix(rules: Sequence[Rule], columns: Sequence[np.ndarray], documents: int) -> np.ndarray:
    """Bool [rules, documents]: every rule that fires, not only the first. columns[r] float64 belongs to rules[r]."""
    fired_RD = np.zeros((len(rules), documents), bool)
    for row, (rule, value_D) in enumerate(zip(rules, columns, strict=True)):
        fired_RD[row] = rule.fires(value_D)
    return fired_RD
