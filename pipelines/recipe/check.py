"""What needs the whole recipe: signals that no step emits, rules on languages they are not valid for, names."""

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec

from gristmill.filters.data.fineweb2 import codes_of
from gristmill.filters.judge import Judge
from gristmill.filters.junk.phrases import CHOSEN, families
from gristmill.filters.kernels.text.unicode import SCRIPTS
from gristmill.filters.measured import Entry
from gristmill.filters.names import nearest
from gristmill.filters.presets import PRESETS
from gristmill.filters.presets.ccnet import NAME as CCNET
from gristmill.filters.presets.fineweb2 import NAME as FINEWEB2
from gristmill.filters.rules import Preset, Rule
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.recipe.columns import curated_schema, text_schema
from gristmill.pipelines.recipe.decisions import Decision
from gristmill.pipelines.recipe.entries import entry_of, judge_of, no_share, presets_of, signal_of
from gristmill.pipelines.recipe.gates import parse_gate, wrong_figure
from gristmill.pipelines.recipe.languages.codes import SEVERAL, in_brackets, normal_language, wrong_language
from gristmill.pipelines.recipe.load import LoadedRecipe, dotted, line_of, report
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.scrub_problems import scrub_problems
from gristmill.pipelines.recipe.sources import Csv
from gristmill.pipelines.recipe.wording import RecipePath

Problem = tuple[RecipePath, str]

NO_PATHS = ("machine", "bundled")
SHOWN_CODES = 4
"""Of a language that FineWeb-2 has in several scripts."""
SPACED_SCRIPTS = frozenset(SCRIPTS) - {"Zyyy", "Hani", "Kana", "Jpan", "Bopo", "Thai", "Laoo", "Tibt", "Mymr", "Khmr"}


def check(loaded: LoadedRecipe) -> None:
    """Raises RecipeError that lists every problem with its line; returns when the recipe can run."""
    recipe = loaded.recipe
    problems = [
        *_sources(recipe),
        *_kinds(recipe),
        *_extract(recipe),
        *_decide(recipe, loaded.percents),
        *scrub_problems(recipe),
        *_urls(recipe),
    ]
    if not problems:  # the signals are known only when every name is
        problems = [*_quality(recipe), *_gates(recipe)]
    if problems:
        lines = [(line_of(loaded.lines, path), path, text) for path, text in problems]
        raise report(
            loaded.file, [(n, f"line {n}  {dotted(path)}: {text}") for n, path, text in sorted(lines, key=_by_line)]
        )


def _by_line(problem: tuple[int, RecipePath, str]) -> tuple[int, str]:
    return problem[0], problem[2]


def _sources(recipe: Recipe) -> Iterator[Problem]:
    types: dict[str, str] = {}
    own = {
        "doc_id",
        "id",
        "source",
        "url",
        "row",
        "declared_language",
        "raw_bytes",
        "drop",
        "drop_step",
        *curated_schema(_bare(recipe)).names,
        *text_schema(_bare(recipe)).names,
    }
    for name, source in recipe.sources.items():
        path: RecipePath = ("sources", name)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            yield path, f"'{name}' is not a name; use letters, digits, '.', '_' and '-'"
        if source.format in NO_PATHS and source.paths:
            yield (*path, "paths"), f"the format '{source.format}' reads no paths; remove this key"
        if source.format not in NO_PATHS and not source.paths:
            yield path, f"the format '{source.format}' needs `paths`"
        if not all(map(str.strip, source.paths)):
            yield (*path, "paths"), "an empty path; name a file, a folder, a pattern or a URL"
        if source.derived_from is not None and source.derived_from not in source.columns:
            name = source.derived_from
            yield (*path, "derived_from"), f"'{name}' is no column of this source; add `columns: {{{name}: string}}`"
        if source.max_bytes is not None and source.format != "machine":
            yield (
                (*path, "max_bytes"),
                "only the format 'machine' takes it; of other inputs: `run --sample 1%`",
            )
        if source.format != "csv" and source.csv != Csv():
            yield (*path, "csv"), f"the format '{source.format}' has no such options; remove this key"
        if isinstance(source.language, str) and (wrong := wrong_language(source.language)):
            yield (*path, "language"), f"{wrong} Where a field says it: `language: {{column: {source.language}}}`"
        for column, kind in source.columns.items():
            if column in own:
                yield (
                    (*path, "columns", column),
                    f"'{column}' is a column of Gristmill's own; it is there already{_named_by(column)}",
                )
            if types.setdefault(column, kind) != kind:
                yield (*path, "columns", column), f"'{column}' is {types[column]} in another source and {kind} here"


def _kinds(recipe: Recipe) -> Iterator[Problem]:
    """Tokens are of one kind; texts may stand beside conversations, and are learnt whole."""
    first = {source.kind: name for name, source in reversed(recipe.sources.items())}
    beside = {"text", "chat"} if recipe.kind == "chat" else {recipe.kind}
    for name, source in recipe.sources.items():
        if source.kind not in beside:
            other = f"'{first[recipe.kind]}' has {recipe.kind}"
            yield ("sources", name), f"{source.kind} here, and {other}: shards are of one kind; make two recipes"
    if recipe.kind != "chat" and (recipe.tokens.ghost or recipe.tokens.learn != "assistant"):
        key = "ghost" if recipe.tokens.ghost else "learn"
        yield ("tokens", key), "only sources with `chat` are learnt turn by turn; remove this key"
    if recipe.kind != "text" and recipe.taken_tokenizer and recipe.taken_tokenizer.is_foreign:
        key = "path" if recipe.tokenizer and recipe.tokenizer.path else "from"
        what = f"{recipe.kind} need the roles' ids, which only tokenizers trained here have"
        yield ("tokenizer", key), f"{what}; train one: remove this key, or name a run that did"
    if recipe.tokens.packing == "chunks" and all(source.kind != "text" for source in recipe.sources.values()):
        yield ("tokens", "packing"), f"'chunks' cut what does not fit, and {recipe.kind} is never cut; use `best_fit`"


def _judged_parts(recipe: Recipe, decision: Decision, path: RecipePath) -> Iterator[Problem]:
    """An edit is of a whole text; where only the assistant is judged, there is none."""
    admitted = [name for name in decision.when.source or recipe.sources if recipe.sources[name].judges_assistant]
    editing = [preset.name for preset in entry_of(decision, recipe.language).presets if preset.editor]
    if admitted and editing:
        yield (
            path,
            (
                f"{editing[0]} edits whole texts, and of '{admitted[0]}' only the assistant's are judged; give that "
                "source an entry of its own (`when: {source: ...}`)"
            ),
        )


def _bare(recipe: Recipe) -> Recipe:
    sources = {name: source.model_copy(update={"columns": {}}) for name, source in recipe.sources.items()}
    return recipe.model_copy(update={"sources": sources})


def _decide(recipe: Recipe, percents: Iterable[RecipePath]) -> Iterator[Problem]:
    """`percents`: where bounds are written as 70%."""
    for number, decision in enumerate(recipe.decide):
        path: RecipePath = ("decide", number)
        problems = [*_names(recipe, decision, path)]
        yield from problems
        if not problems:
            yield from _validity(recipe, decision, entry_of(decision, recipe.language), path)
            yield from _signals(entry_of(decision, recipe.language), path)
            yield from _bounds(recipe, decision, [one for one in percents if one[:2] == path])
            yield from _judged_parts(recipe, decision, path)


def _bounds(recipe: Recipe, decision: Decision, percents: Iterable[RecipePath]) -> Iterator[Problem]:
    """Bounds that are written as 70%, of what is no share."""
    for path in percents:
        _, _, key, part, *_ = path
        signal = decision.rules[int(part)].signal if key == "rules" else signal_of(decision, recipe.language, str(part))
        if wrong := no_share(signal):
            yield path, wrong


def _preset_meant(recipe: Recipe, name: str) -> str:
    if not name.startswith(CHOSEN) and len([part for part in SEVERAL.split(name) if "@" in part]) > 1:
        return in_brackets(name)
    if len(versions := [preset for preset in sorted(PRESETS) if preset.startswith(f"{name}@")]) > 1:
        return f"a name says whose numbers it reproduces: {' or '.join(versions)}"
    if name.startswith(CHOSEN):
        chosen = name.removeprefix(CHOSEN).split("+")
        unknown = [one for one in chosen if one not in families()]
        return (
            f"no family '{unknown[0]}' of lines; {nearest(unknown[0], families())}"
            if unknown
            else "a family stands twice"
        )
    if f"{name}@".startswith(CCNET):
        return _model_meant(recipe, name.removeprefix(CCNET))
    if not name.startswith(FINEWEB2):
        return nearest(name, PRESETS)
    label = name.removeprefix(FINEWEB2)
    language = normal_language(label) or ""
    if language == "en":
        return "FineWeb-2 is FineWeb without English: its numbers for that are 'fineweb@datatrove'"
    if found := codes_of(label.partition("_")[0]) or codes_of(language):
        more = f" and {len(found) - SHOWN_CODES} more" if len(found) > SHOWN_CODES else ""
        return f"FineWeb-2 has {', '.join(FINEWEB2 + code for code in found[:SHOWN_CODES])}{more}"
    return f"FineWeb-2 has no language '{label}'; it names them by ISO 639-3 and 15924: {FINEWEB2}deu_Latn"


def _model_meant(recipe: Recipe, name: str) -> str:
    """What is missing for CCNet's division by a language model."""
    if name in recipe.language_models:
        return f"the language model {name} has no cutoffs: write `cutoffs: ccnet`, or {{en: [HEAD, TAIL]}}"
    meant = nearest(name, recipe.language_models) if recipe.language_models else "the recipe has none"
    return f"`{CCNET}NAME` judges by the language model NAME of the recipe; {meant}"


def _named_by(column: str) -> str:
    """What fills a column of our own, where that is a field of the record."""
    key = {"lang": "language: {column: FIELD}", "text": "text: FIELD", "id": "id: FIELD", "url": "url: FIELD"}.get(
        column
    )
    return f", and `{key}` says which field fills it" if key else ""


def _names(recipe: Recipe, decision: Decision, path: RecipePath) -> Iterator[Problem]:
    when = decision.when
    for place, name in enumerate(decision.presets):
        if name not in PRESETS:
            yield (*path, "presets", place), f"unknown preset '{name}'; {_preset_meant(recipe, name)}"
            continue
        for full, asked in zip(PRESETS[name].rule_names(), PRESETS[name].rules, strict=True):
            if asked.signal not in SIGNALS:
                meant = nearest(asked.signal, SIGNALS)
                yield (*path, "presets", place), f"the rule {full} asks for no known signal: '{asked.signal}'; {meant}"
    for place, rule in enumerate(decision.rules):
        if rule.signal not in SIGNALS:
            yield (
                (*path, "rules", place, "signal"),
                f"no step emits '{rule.signal}'; {nearest(rule.signal, SIGNALS)}",
            )
        if rule.at_least is None and rule.at_most is None:
            yield (*path, "rules", place), "a rule needs `at_least` or `at_most`"
    if decision.pareto is not None:
        name, drawn = decision.pareto.signal, (*path, "pareto", "signal")
        if name not in SIGNALS:
            yield drawn, f"no step emits '{name}'; {nearest(name, SIGNALS)}"
        elif SIGNALS[name].unit != "share" or SIGNALS[name].compute is None:
            yield drawn, f"a draw needs a share, such as a classifier's probability; '{name}' is none"
    for source in when.source or ():
        if source not in recipe.sources:
            yield (*path, "when", "source"), f"no source '{source}'; {nearest(source, recipe.sources)}"
    for script in when.script or ():
        if script not in {*SCRIPTS, "Jpan"}:
            yield (*path, "when", "script"), f"unknown script '{script}'; {nearest(script, SCRIPTS)}"
    for language in when.language or ():
        if wrong := wrong_language(language):
            yield (*path, "when", "language"), wrong
    signals = [rule.signal for rule in decision.rules] + ([decision.pareto.signal] if decision.pareto else [])
    if all(name in PRESETS for name in decision.presets) and all(name in SIGNALS for name in signals):
        known = [name for preset in presets_of(decision, recipe.language) for name in preset.rule_names()]
        for name in decision.change:
            if name not in known:
                yield (*path, "change", name), f"no rule '{name}' in this entry; {nearest(name, known)}"


def _validity(recipe: Recipe, decision: Decision, entry: Entry, path: RecipePath) -> Iterator[Problem]:
    """An entry that admits a language which one of its rules is not valid for."""
    for preset in entry.presets:
        if wrong := misfit(recipe, decision, preset):
            yield path, wrong


def misfit(recipe: Recipe, decision: Decision, preset: Preset) -> str:
    """Why a preset is not valid for all that an entry admits; empty where it is."""
    languages = admitted_languages(recipe, decision)
    wrong = [rule for rule in preset.rules if not _valid(rule, languages, decision.when.script)]
    return _not_valid(preset, wrong, languages) if wrong else ""


def _signals(entry: Entry, path: RecipePath) -> Iterator[Problem]:
    """A rule on a signal that only an editing preset finds, without that preset before it."""
    try:
        Judge([entry])
    except ValueError as error:
        yield path, str(error)


def admitted_languages(recipe: Recipe, decision: Decision) -> set[str] | None:
    """The languages that an entry can meet; None: any."""
    if decision.when.language is not None:
        return set(decision.when.language)
    sources = decision.when.source or list(recipe.sources)
    declared = {recipe.sources[name].language for name in sources}
    return {str(name) for name in declared} if all(isinstance(name, str) for name in declared) else None


def _valid(rule: Rule, languages: set[str] | None, scripts: list[str] | None) -> bool:
    if languages is not None:
        return all(rule.valid_for(language) for language in languages)
    if rule.languages is not None or rule.what.languages is not None:
        return False
    needed = SIGNALS[rule.signal].scripts
    fits = {"any": True, "spaced": set(scripts or ["Zyyy"]) <= SPACED_SCRIPTS, "Hani": scripts == ["Hani"]}
    return fits[needed]


def _not_valid(preset: Preset, wrong: list[Rule], languages: set[str] | None) -> str:
    bad = sorted(code for code in languages or () if any(not rule.valid_for(code) for rule in wrong))
    met = f"documents in {', '.join(bad)}" if languages is not None else "documents of every language"
    fix = "give these documents an entry of their own" if languages else "say which it is for: `when: {language: ...}`"
    names = ", ".join(rule.name for rule in wrong[:3]) + (", ..." if len(wrong) > 3 else "")
    return f"{preset.name} is not valid for all that this entry admits ({met}; rules {names}); {fix}"


def _extract(recipe: Recipe) -> Iterator[Problem]:
    engine = recipe.extract.engine
    if engine == "trafilatura" and find_spec("trafilatura") is None:
        yield ("extract", "engine"), "trafilatura is not installed; pip install 'gristmill[trafilatura]'"
    if engine == "resiliparse" and recipe.extract.output == "markdown":
        yield ("extract", "output"), "resiliparse writes plain text only; remove it, or take `engine: gristmill`"


def _gates(recipe: Recipe) -> Iterator[Problem]:
    for place, text in enumerate(recipe.gates):
        try:
            wrong = wrong_figure(recipe, parse_gate(text).figure)
        except ValueError as error:
            wrong = str(error)
        if wrong:
            yield ("gates", place), wrong


def _urls(recipe: Recipe) -> Iterator[Problem]:
    if recipe.deduplicate is None or any(source.url for source in recipe.sources.values()):
        return
    none = "no source of this recipe has addresses; name their field: `url:` of a source"
    if recipe.deduplicate.urls:
        yield ("deduplicate", "urls"), none
    for number, wanted in enumerate(recipe.deduplicate.passages):
        if wanted.scope == "host":
            yield ("deduplicate", "passages", number, "scope"), none


def _quality(recipe: Recipe) -> Iterable[Problem]:
    name = recipe.deduplicate.quality if recipe.deduplicate else None
    columns = judge_of(recipe).columns.names
    if name is not None and name not in columns:
        there = nearest(name, columns) if columns else "`decide` has no rule, so there are no signals"
        yield ("deduplicate", "quality"), f"no step of this recipe emits '{name}'; {there}"
