"""What a valid recipe says and can hardly mean: warnings of `validate` and `run`."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from gristmill.filters.judge import Judge
from gristmill.filters.rules import Rule
from gristmill.pipelines.recipe.decisions import Decision
from gristmill.pipelines.recipe.deduplication import Deduplicate
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.recipe.schema import Recipe

UNLIKE = 0.3
"""Jaccard similarity below which nobody calls two documents near-duplicates; articles of one topic reach 0.1."""
Case = tuple[str | None, str | None, str | None]
"""A language, a script and a source; None stands for all that no entry names."""


def doubts(loaded: LoadedRecipe) -> list[str]:
    """One sentence each, with its place. The recipe has been checked: names exist."""
    recipe = loaded.recipe
    anywhere = [f"{loaded.where(*path)}: {text}" for path, text in _everywhere(recipe)]
    found = sorted([*_twice(recipe), *_contradictions(judge_of(recipe)), *_unreachable(recipe)])
    if not recipe.decide:
        fate = "drops every document" if recipe.otherwise == "drop" else "keeps every document unjudged"
        none = f"{loaded.where('otherwise')}: `decide` has no entry, so `otherwise: {recipe.otherwise}` {fate}"
        return [none, *anywhere]
    return [*anywhere] + [f"{loaded.where('decide', number)}: {text}" for number, text in found]


def _everywhere(recipe: Recipe) -> Iterator[tuple[tuple[str, ...], str]]:
    """Shares that can hardly be meant, wherever they stand, and keys that others make idle."""
    minhash = recipe.deduplicate and recipe.deduplicate.minhash
    if recipe.deduplicate:
        yield from ((("deduplicate", *path), text) for path, text in _idle(recipe.deduplicate))
    if minhash and minhash.threshold < UNLIKE:
        likeness = f"{minhash.threshold:g} is {minhash.threshold * 100:g} %"
        meant = ("deduplicate", "minhash", "threshold")
        yield (
            meant,
            f"documents go as duplicates that are hardly alike: {likeness} of their shingles; 0.7 to 0.8 is usual",
        )
    if recipe.tokenizer and recipe.tokens.validation + recipe.tokens.test == 1:
        yield ("tokens", "validation"), "all documents are held out, so none is left to train on"


def _idle(options: Deduplicate) -> Iterator[tuple[tuple[str, ...], str]]:
    """What a recipe says about duplicates that nothing in it looks for."""
    by_text, inside = options.exact or options.minhash is not None, options.passages or options.substrings
    if not (by_text or options.urls or inside):
        yield (), "nothing is compared: `exact` and `minhash` are off; `deduplicate: null` says so"
    if options.against and not (by_text or options.urls):
        yield ("against",), "nothing is compared with it: `exact`, `minhash` and `urls` are off"
    if options.max_lost < 1 and options.minhash is None:
        yield ("max_lost",), "it bounds nothing: `minhash` is off, and equal texts lose nothing"
    if options.max_cut < 1 and not inside:
        yield ("max_cut",), "it bounds nothing: neither `passages` nor `substrings` cuts a text"


def _twice(recipe: Recipe) -> Iterator[tuple[int, str]]:
    """A preset named twice in one entry."""
    for number, decision in enumerate(recipe.decide):
        for name, times in Counter(decision.presets).items():
            if times > 1:
                yield number, f"{name} is named {times} times; once is enough"


def _contradictions(judge: Judge) -> Iterator[tuple[int, str]]:
    """Two rules on one number, or a rule and what the number can be, that leave nothing."""
    bounds: dict[tuple[int, str], list[tuple[str, Rule]]] = defaultdict(list)
    for number, name, column, rule in judge.placed_rules():
        bounds[number, column].append((name, rule))
    for (number, _), rules in bounds.items():
        share = rules[0][1].what.unit == "share"
        low = max((placed for placed in rules if placed[1].comparison == ">="), key=_threshold, default=None)
        high = min((placed for placed in rules if placed[1].comparison == "<="), key=_threshold, default=None)
        if low and high and _threshold(low) > _threshold(high):
            yield number, f"{_said(low)} and {_said(high)} exclude each other: this entry drops every document"
        elif high and _threshold(high) < 0:
            yield number, f"{_said(high)} drops every document: {high[1].signal} is never below 0"
        elif low and share and _threshold(low) > 1:
            yield number, f"{_said(low)} drops every document: {low[1].signal} is a share, at most 1"
        elif high and share and _threshold(high) > 1:
            percent = f"; {_threshold(high) / 100:g} is {_threshold(high):g} %" if _threshold(high) <= 100 else ""
            yield number, f"{_said(high)} never drops a document: {high[1].signal} is a share, at most 1{percent}"


def _threshold(placed: tuple[str, Rule]) -> float:
    return placed[1].threshold


def _said(placed: tuple[str, Rule]) -> str:
    name, rule = placed
    return f"{name} ({rule.comparison} {rule.threshold:,g})"


def _unreachable(recipe: Recipe) -> Iterator[tuple[int, str]]:
    """Entries that find nothing left, because earlier ones admit all that they would."""
    for number, decision in enumerate(recipe.decide):
        cases, earlier = list(_cases(recipe, decision)), recipe.decide[:number]
        if not cases:
            yield number, "nothing reaches this entry: its sources declare other languages"
        elif all(any(_admits(entry, case) for entry in earlier) for case in cases):
            yield number, "nothing reaches this entry: the ones before it admit all that it would; move it up"


def _cases(recipe: Recipe, decision: Decision) -> Iterator[Case]:
    """What an entry admits, as far as names can tell it apart."""
    when = decision.when
    for source in when.source or recipe.sources:
        declared = recipe.sources[source].language
        languages: Sequence[str | None] = when.language or [None]
        if isinstance(declared, str):
            languages = [declared] if when.language is None or declared in when.language else []
        scripts: Sequence[str | None] = when.script or [None]
        yield from itertools.product(languages, scripts, [source])


def _admits(decision: Decision, case: Case) -> bool:
    when = decision.when
    return all(
        wanted is None or value in wanted
        for wanted, value in zip((when.language, when.script, when.source), case, strict=True)
    )
