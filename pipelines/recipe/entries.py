"""`decide` of a recipe -> the entries that judge documents."""

from typing import Any

from gristmill.filters.judge import Judge
from gristmill.filters.labels.signals import signals_of as signals_of_labels
from gristmill.filters.lists.signals import signals_of
from gristmill.filters.measured import Entry
from gristmill.filters.presets import PRESETS
from gristmill.filters.quality.signals import Draw
from gristmill.filters.rules import Preset, Rule, change, own_rules
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.recipe.decisions import Decision
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import Language


def judge_of(recipe: Recipe) -> Judge:
    """The compiled `decide` list. The recipe has been checked: names exist."""
    measured = signal_keys(recipe)
    keys = measured | _draw_keys(recipe, measured)
    entries = [entry_of(decision, recipe.language) for decision in recipe.decide]
    return Judge(entries, recipe.otherwise, list(measured), language_preset(recipe.language), keys)


def signal_keys(recipe: Recipe) -> dict[str, Any]:
    """The signals that files of the recipe give (models, lists, labels), which every document has, and what tells these
    files from others: a stored number is used again only where that is equal."""
    keys = {name: one.key for one in recipe.read_classifiers for name, _ in one.signals}
    keys |= {name: one.key for one in recipe.read_language_models for name in one.signals}
    keys |= {signal.name: one.key for one in recipe.read_lists for signal in signals_of(one)}
    return keys | {signal.name: one.key for one in recipe.read_labels for signal in signals_of_labels(one)}


def files_of_signals(recipe: Recipe) -> list[tuple[str, str, list[str]]]:
    """(kind, name, signals) of everything of the recipe that gives signals from files."""
    return [
        *(("classifier", one.name, [name for name, _ in one.signals]) for one in recipe.read_classifiers),
        *(("language model", one.name, list(one.signals)) for one in recipe.read_language_models),
        *(("list", one.name, [signal.name for signal in signals_of(one)]) for one in recipe.read_lists),
        *(("labels", one.name, [signal.name for signal in signals_of_labels(one)]) for one in recipe.read_labels),
    ]


def _draw_keys(recipe: Recipe, keys: dict[str, Any]) -> dict[str, Any]:
    """Of draws: those of the signal, and the numbers that its name only rounds."""
    drawn = [entry.pareto for entry in recipe.decide if entry.pareto is not None]
    return {Draw(one.signal, one.alpha).name: [keys.get(one.signal), one.alpha, recipe.seed] for one in drawn}


def entry_of(decision: Decision, language: Language) -> Entry:
    """One entry. Raises KeyError for an unknown preset, ValueError for an unknown rule or signal."""
    when = decision.when
    presets = change(presets_of(decision, language), decision.change)
    return Entry(_set(when.language), _set(when.script), _set(when.source), presets)


def language_preset(language: Language) -> Preset | None:
    """The rule of `language.threshold`, which is asked of every document; None without one."""
    if language.threshold is None:
        return None
    rule = Rule("threshold", "language_score", ">=", language.threshold, "the recipe's language.threshold")
    return Preset("language", "the recipe", (rule,))


def presets_of(decision: Decision, language: Language) -> list[Preset]:
    """That of the language, the named presets, then the recipe's own rules as one more."""
    rules = [(rule.signal, rule.at_least, rule.at_most) for rule in decision.rules]
    if decision.pareto is not None:
        rules.append((Draw(decision.pareto.signal, decision.pareto.alpha).name, 0.0, None))
    own = own_rules(rules)
    everywhere = language_preset(language)
    named = [PRESETS[name] for name in decision.presets]
    return [*([everywhere] if everywhere else []), *named, *([own] if own.rules else [])]


def signal_of(decision: Decision, language: Language, rule: str) -> str:
    """The signal of a rule of an entry, by its full name."""
    presets = presets_of(decision, language)
    return {name: of.signal for preset in presets for name, of in zip(preset.rule_names(), preset.rules, strict=True)}[
        rule
    ]


def no_share(signal: str) -> str:
    """Why a bound of a signal cannot be written as 70%; "" where it can."""
    unit = SIGNALS[signal].unit
    return "" if unit == "share" else f"'{signal}' is no share: its unit is '{unit}'; write a number without '%'"


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
