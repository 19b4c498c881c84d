"""What a user would change: rules and presets by name -> values of the recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.filters.names import near, nearest
from gristmill.filters.presets import PRESETS
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import misfit
from gristmill.pipelines.recipe.decisions import Decision
from gristmill.pipelines.recipe.entries import language_preset, no_share, presets_of, signal_of
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sizes import is_percent, parse_share
from gristmill.pipelines.whatif.recipe_text import Edit, Path, put

OFF = ("null", "off", "none")
OWN = "recipe/"
"""What the names of the recipe's own rules begin with."""
EVERYWHERE = "language/threshold"


@dataclass(frozen=True)
class Changes:
    """The options of the command, as they were written.

    bounds: "RULE=NUMBER"; drop_rules, add_presets, drop_presets: names. entry: only this entry of `decide`.
    """

    bounds: Sequence[str] = ()
    drop_rules: Sequence[str] = ()
    add_presets: Sequence[str] = ()
    drop_presets: Sequence[str] = ()
    otherwise: str | None = None
    entry: int | None = None

    @property
    def any(self) -> bool:
        """Whether anything is to be changed."""
        return bool(self.bounds or self.drop_rules or self.add_presets or self.drop_presets or self.otherwise)


def edits_of(recipe: Recipe, changes: Changes) -> list[Edit]:
    """The values of the recipe that make these changes. Raises RecipeError that names what there is instead."""
    draft = _Draft(recipe, changes.entry)
    for name in changes.drop_presets:
        draft.drop_preset(name)
    for name in changes.add_presets:
        draft.add_preset(name)
    for name in changes.drop_rules:
        draft.set(name, None)
    for bound in changes.bounds:
        draft.set(*_parsed(bound), percent=is_percent(bound))
    if changes.otherwise is not None:
        if changes.otherwise not in ("keep", "drop"):
            raise RecipeError(f"'{changes.otherwise}' is no value", where="--otherwise", fix="write keep or drop")
        draft.put(("otherwise",), changes.otherwise)
    return draft.edits()


def _parsed(bound: str) -> tuple[str, float | None]:
    name, sign, value = bound.rpartition("=")
    where, fix = f"--set {bound}", "write it so: --set gopher@paper/words_min=30"
    if not sign or not name:
        raise RecipeError(f"'{bound}' has no bound", where=where, fix=fix)
    if value.strip().lower() in OFF:
        return name.strip(), None
    try:
        number = float(parse_share(value))
    except ValueError:
        raise RecipeError(f"'{value}' is no number", where=where, fix=f"{fix}; `null` turns a rule off") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise RecipeError(f"'{value}' is no bound", where=where, fix=fix)
    return name.strip(), int(number) if number.is_integer() and "e" not in value.lower() else number


def _written(bound: float | None) -> str:
    return "off" if bound is None else f"{bound:g}"


class _Draft:
    """The recipe while it is changed, and the paths of what was."""

    def __init__(self, recipe: Recipe, entry: int | None):
        self.recipe = recipe
        self.data: dict[str, Any] = recipe.model_dump(mode="json")
        self._touched: dict[Path, None] = {}
        self._turned: dict[str, float | None] = {}
        """Rules with the bounds that they were given."""
        numbers = range(len(recipe.decide))
        if entry is not None and entry not in numbers:
            fix = f"entries are counted from 0 to {len(numbers) - 1}" if numbers else "it has none"
            raise RecipeError(f"`decide` has no entry {entry}", where=f"--entry {entry}", fix=fix)
        self._numbers = [n for n in numbers if entry in (None, n)]

    def put(self, path: Path, value: Any) -> None:
        """Change a value."""
        put(self.data, path, value)
        self._touched[path] = None

    def edits(self) -> list[Edit]:
        """Every changed path with its value."""
        return [(path, self._at(path)) for path in self._touched]

    def _at(self, path: Path) -> Any:
        value: Any = self.data
        for key in path:
            value = value[key]
        return value

    def _decision(self, number: int) -> Decision:
        return Decision.model_validate(self.data["decide"][number])

    def _rules(self, number: int) -> list[str]:
        presets = presets_of(self._decision(number), self.recipe.language)
        return [name for preset in presets for name in preset.rule_names()]

    def set(self, name: str, bound: float | None, percent: bool = False) -> None:
        """Another bound for a rule, wherever it stands; None turns it off. `percent`: it was written as 70%."""
        known = list(dict.fromkeys(rule for number in self._numbers for rule in self._rules(number)))
        if name not in known and name == EVERYWHERE:
            self.put(("language", "threshold"), bound)
            return
        full = [rule for rule in known if name in (rule, rule.partition("/")[2])]
        if len(full) != 1:
            fix = f"there are {', '.join(full)}; write one of them" if full else _no_rule(name, known)
            raise RecipeError(f"the recipe has no rule '{name}'", where=f"--set {name}", fix=fix)
        (name,) = full
        if self._turned.setdefault(name, bound) != bound:
            what = f"'{name}' is given two bounds: {_written(self._turned[name])} and {_written(bound)}"
            raise RecipeError(what, where=f"--set {name}", fix="ask for one at a time")
        number = next(number for number in self._numbers if name in self._rules(number))
        signal = signal_of(self._decision(number), self.recipe.language, name)
        if percent and (wrong := no_share(signal)):
            raise RecipeError(wrong.partition("; ")[0], where=f"--set {name}", fix=wrong.partition("; ")[2])
        if bound is not None and not 0 <= bound <= 1 and not no_share(signal):
            what, fix = f"'{signal}' is a share, which is never {_written(bound)}", "write a number from 0 to 1, or 70%"
            raise RecipeError(what, where=f"--set {name}", fix=fix)
        if name == EVERYWHERE and language_preset(self.recipe.language) is not None and self._is_of_all():
            self.put(("language", "threshold"), bound)
            return
        for number in self._numbers:
            if name in self._rules(number):
                self.put(self._place(number, name, bound), bound)

    def _is_of_all(self) -> bool:
        """Whether no entry is meant alone, and none has a bound of its own for the language's score."""
        entries = self.data["decide"]
        return len(self._numbers) == len(entries) and not any(EVERYWHERE in (e["change"] or {}) for e in entries)

    def _place(self, number: int, name: str, bound: float | None) -> Path:
        """Where a bound stands: beside the recipe's own rule, or under `change`."""
        entry = self.data["decide"][number]
        if name.startswith(OWN) and bound is not None and name not in entry["change"]:
            for place, rule in enumerate(entry["rules"]):
                for end, key in (("_min", "at_least"), ("_max", "at_most")):
                    if name == f"{OWN}{rule['signal']}{end}" and rule[key] is not None:
                        return ("decide", number, "rules", place, key)
        return ("decide", number, "change", name)

    def drop_preset(self, name: str) -> None:
        """Take a preset out of the entries that have it, with what they change of it."""
        having = [n for n in self._numbers if name in self.data["decide"][n]["presets"]]
        if not having:
            known = list(dict.fromkeys(p for n in self._numbers for p in self.data["decide"][n]["presets"]))
            fix = nearest(name, known) if known else "it has none"
            raise RecipeError(f"the recipe has no preset '{name}'", where=f"--drop-preset {name}", fix=fix)
        for number in having:
            entry = self.data["decide"][number]
            self.put(("decide", number, "presets"), [one for one in entry["presets"] if one != name])
            if any(rule.startswith(f"{name}/") for rule in entry["change"]):
                rest = {rule: b for rule, b in entry["change"].items() if not rule.startswith(f"{name}/")}
                self.put(("decide", number, "change"), rest)

    def add_preset(self, name: str) -> None:
        """Put a preset behind the others, in every entry that it is valid for."""
        where = f"--add-preset {name}"
        if name not in PRESETS:
            raise RecipeError(f"no preset '{name}'", where=where, fix=nearest(name, PRESETS))
        reasons = {n: misfit(self.recipe, self._decision(n), PRESETS[name]) for n in self._numbers}
        fitting = [n for n, reason in reasons.items() if not reason]
        if not fitting:
            what = next(iter(reasons.values()), "") or "the recipe's `decide` has no entry"
            raise RecipeError(what, where=where, fix="add an entry to the recipe and give it with --recipe")
        new = [n for n in fitting if name not in self.data["decide"][n]["presets"]]
        if not new:
            raise RecipeError(f"'{name}' is there already", where=where, fix="turn its bounds with --set")
        for number in new:
            self.put(("decide", number, "presets"), [*self.data["decide"][number]["presets"], name])


def _no_rule(name: str, known: list[str]) -> str:
    """What to do instead of changing a rule that is not there."""
    key = name.partition(".")[0]
    if key in Recipe.model_fields and near(name, known) is None:
        return f"`{key}` holds no rules: change the recipe; `gristmill run` does again what that touches"
    return nearest(name, known) if known else "its `decide` has no rules"
