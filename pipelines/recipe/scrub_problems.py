"""What is wrong with what a recipe says of personal data: names, bounds, keys."""

from collections.abc import Iterator
from typing import Any

from gristmill.filters.names import nearest
from gristmill.filters.pii.entities import ENTITIES, members, problem, resolve
from gristmill.filters.pii.operators.policies import allow_problem, missing_key
from gristmill.pipelines.recipe.columns import scrubbable_fields
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.scrubbing import Scrub
from gristmill.pipelines.recipe.wording import RecipePath

Problem = tuple[RecipePath, str]


def scrub_problems(recipe: Recipe) -> Iterator[Problem]:
    """(place in the recipe, what is wrong there) of `scrub`."""
    if recipe.scrub is None:
        return
    found = recipe.scrub.found_by_models
    for name in recipe.scrub.entities or ():
        if name in ENTITIES and ENTITIES[name].needs_model and name not in found:
            yield ("scrub", "entities"), f"'{name}' needs a language model, and none of `scrub.models` finds it"
        elif wrong := problem(name, found):
            yield ("scrub", "entities"), wrong
    yield from _policies(recipe, recipe.scrub)
    fields = scrubbable_fields(recipe)
    for place, name in enumerate(recipe.scrub.fields or ()):
        if name not in fields:
            yield (
                ("scrub", "fields", place),
                f"'{name}' is no field of strings beside the text; {nearest(name, fields)}",
            )


def _policies(recipe: Recipe, scrub: Scrub) -> Iterator[Problem]:
    """What is done with personal data, everywhere and by source."""
    for source in scrub.sources:
        if source not in recipe.sources:
            yield ("scrub", "sources", source), f"'{source}' is no source; {nearest(source, list(recipe.sources))}"
    places: list[tuple[RecipePath, Any]] = [(("scrub",), scrub)]
    places += [(("scrub", "sources", name), policy) for name, policy in scrub.sources.items()]
    for path, policy in places:
        listed = [] if policy is scrub else [("entities", name) for name in policy.entities or ()]
        listed += [("without", name) for name in policy.without or ()]
        listed += [("operators", name) for name in policy.operators or {}]
        for key, name in listed:
            if wrong := problem(name, scrub.found_by_models):
                yield (*path, key), wrong
        looked_for = _looked_for(scrub, path[2] if policy is not scrub else None)
        if looked_for == set():
            yield (*path, "without"), "nothing is left to look for; `scrub: null` turns scrubbing off"
        anywhere = looked_for if policy is not scrub else _looked_for_anywhere(scrub)
        for name in policy.operators or {}:
            if anywhere is not None and not problem(name, scrub.found_by_models) and anywhere.isdisjoint(members(name)):
                yield (*path, "operators", name), f"'{name}' is not looked for; add it to `entities`, or remove it"
        for name in policy.drop_above or {}:
            if wrong := problem(name, scrub.found_by_models):
                yield (*path, "drop_above", name), wrong
            elif looked_for is not None and looked_for.isdisjoint(members(name)):
                yield (
                    (*path, "drop_above", name),
                    f"'{name}' is not looked for; add it to `entities`, or remove it",
                )
        for name in policy.allow or ():
            if wrong := allow_problem(name):
                yield (*path, "allow"), wrong
        if wrong := missing_key((policy.operator or "tag", *(policy.operators or {}).values()), scrub.key):
            yield (*path, "operator"), f"{wrong}; `key: audit.key` in `scrub` names its file"


def _looked_for_anywhere(scrub: Scrub) -> set[str] | None:
    """The types that are looked for in some source; None where a name among them is wrong."""
    sets = [_looked_for(scrub, source) for source in (None, *scrub.sources)]
    return None if None in sets else set().union(*(types for types in sets if types is not None))


def _looked_for(scrub: Scrub, source: str | int | None) -> set[str] | None:
    """The types that are looked for in a source; None where a name among them is wrong."""
    options = scrub.of_source(source if isinstance(source, str) else None)
    found, names = scrub.found_by_models, options["entities"]
    try:
        named = {*resolve([*(("patterns",) if names is None else names), *found], found)}
        return named - {*resolve(options["without"] or (), found)}
    except ValueError:
        return None
