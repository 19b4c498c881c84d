"""`decide` of a recipe -> the entries that judge documents."""

from gristmill.filters.judge import Entry, Judge
from gristmill.filters.presets import PRESETS
from gristmill.filters.quality.signals import Draw
from gristmill.filters.rules import Preset, change, own_rules
from gristmill.pipelines.recipe.schema import Decision, Recipe


def judge_of(recipe: Recipe) -> Judge:
    """The compiled `decide` list. The recipe has been checked: names exist."""
    measured = [name for classifier in recipe.read_classifiers for name, _ in classifier.signals]
    return Judge([entry_of(decision) for decision in recipe.decide], recipe.otherwise, measured)


def entry_of(decision: Decision) -> Entry:
    """One entry. Raises KeyError for an unknown preset, ValueError for an unknown rule or signal."""
    when = decision.when
    presets = change(presets_of(decision), decision.change)
    return Entry(_set(when.language), _set(when.script), _set(when.source), presets)


def presets_of(decision: Decision) -> list[Preset]:
    """The named presets, then the recipe's own rules as one more."""
    rules = [(rule.signal, rule.at_least, rule.at_most) for rule in decision.rules]
    if decision.pareto is not None:
        rules.append((Draw(decision.pareto.signal, decision.pareto.alpha).name, 0.0, None))
    own = own_rules(rules)
    return [*(PRESETS[name] for name in decision.presets), *([own] if own.rules else [])]


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
