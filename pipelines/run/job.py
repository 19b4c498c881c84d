"""What a run is going to do: the recipe, the planned units, and the receipt book of every stage under its step key."""

from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.processes.code import Code
from gristmill.pipelines.read.html.engines.registry import engine_version
from gristmill.pipelines.recipe.files.keys import sign_of
from gristmill.pipelines.recipe.files.plugins import names as plugin_names
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import Source
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.run.keys import (
    CODE,
    CONTAMINATION_CODE,
    DUPLICATES_CODE,
    OVERLAPS_CODE,
    PASSAGES_CODE,
    SCORE_CODE,
    SUBSTRINGS_CODE,
    TEXT_CODE,
    TOKEN_CODE,
    step_key,
)
from gristmill.pipelines.run.request import DECIDING, STAGES
from gristmill.pipelines.stages.decide_again import Earlier
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store


@dataclass(frozen=True)
class Job:
    """Everything that the graph is built from. Small enough to travel with it."""

    recipe: Recipe
    store: Store
    books: dict[str, ReceiptBook]
    units: int
    input_bytes: int
    sample: float
    until: str
    texts: str
    """Key of everything that the units' extracted texts depend on, and not of what is decided about them."""
    earlier: tuple[Earlier, ...] = ()
    """Other recipes that stored what they measured of the same texts: see `run.earlier`."""
    decided: frozenset[str] = frozenset()
    """Stages of which an earlier run has decided about exactly these units: see `stored_decisions`."""

    @property
    def stages(self) -> list[str]:
        """The stages of this run, in order."""
        wanted = STAGES[: STAGES.index(self.until) + 1]
        return [stage for stage in wanted if stage in self.books]

    @property
    def steps(self) -> list[str]:
        """The accounting steps of this run, in order: what one keeps enters the next."""
        steps = ["read", "extract", "decide"]
        if "text" in self.stages:
            steps += ["deduplicate"] if self.recipe.deduplicate else []
            steps += ["decontaminate"] if self.recipe.decontaminate else []
            steps.append("scrub")
        return steps + (["encode"] if "tokens" in self.stages else [])

    def stored_decisions(self, units: list[Unit]) -> frozenset[str]:
        """The stages of DECIDING of which an earlier run has decided about exactly these units, and all of it stands.

        The units are in their step keys, so that decisions about others lie elsewhere.
        """
        keys = [unit.key for unit in units]
        stages = [stage for stage in DECIDING if stage in self.stages and self.decided_at(stage) is not None]
        return frozenset(stage for stage in stages if self.books[stage].find_all(keys))

    def decided_at(self, stage: str) -> float | None:
        """When what a stage says about every unit had been stored, in seconds since 1970; None: not yet, or nobody can
        tell."""
        try:
            mark = self.store.read_sealed(self.mark(stage))
        except DamageError:
            return None
        return mark["finished"] if mark else None

    def mark(self, stage: str) -> str:
        """Written when what a stage says about every unit is stored."""
        return f"{self.books[stage].folder}/complete.json"


def make_job(recipe: Recipe, units: list[Unit], store: Store, sample: float, until: str) -> Job:
    """Keys for every stage: each covers its own options and code, and everything upstream of it."""
    options = recipe.model_dump(mode="json")
    texts = step_key("texts", _reading(recipe, options, sample), SCORE_CODE)
    rules = [options[name] for name in ("decide", "otherwise")]
    ranks = [recipe.language.threshold, {name: _ranking(source) for name, source in recipe.sources.items()}]
    score = step_key("score", [rules, ranks, _fingerprinting(recipe), recipe.file_keys()], (), texts)
    inputs = sorted(unit.key for unit in units)
    keys = {"score": score}
    cutting = None
    if recipe.read_evaluations is not None:
        keys["overlaps"] = step_key("overlaps", recipe.read_evaluations.key, OVERLAPS_CODE, score)
    if recipe.deduplicate:
        whole, cutting = _deduplicating(options["deduplicate"])
        whole["against"] = recipe.index_keys
        keys["duplicates"] = step_key("duplicates", whole, DUPLICATES_CODE, score, *inputs)
    if recipe.read_evaluations is not None:
        before = [keys[stage] for stage in ("overlaps", "duplicates") if stage in keys]
        bounds = [options["decontaminate"]["threshold"]]
        keys["contamination"] = step_key("contamination", bounds, CONTAMINATION_CODE, *before, *inputs)
    if recipe.deduplicate and cutting:
        before = [score, keys["duplicates"], *_decontaminating(recipe, keys)]
        if recipe.deduplicate.passages:
            keys["passages"] = step_key("passages", cutting[:1], PASSAGES_CODE, *before)
        if bound := recipe.deduplicate.substrings:
            looked_for = [bound.length, bound.by_character]
            keys["substrings"] = step_key("substrings", looked_for, SUBSTRINGS_CODE, *before)
    of_models = [model.key for model in recipe.scrub_models]
    scrub = options["scrub"] and {**options["scrub"], "models": of_models, "key": sign_of(recipe.key)}
    clean = [scrub, options["text"], _writing(recipe), cutting, "contamination" in keys]
    keys["text"] = step_key("text", clean, TEXT_CODE, score)
    if recipe.tokenizer:
        taken = recipe.taken_tokenizer
        made = {"from": taken.key} if taken else options["tokenizer"]
        keys["tokenizer"] = step_key("tokenizer", [made, recipe.seed], TOKEN_CODE)
        keys["tokens"] = step_key("tokens", [options["tokens"], recipe.seed], TOKEN_CODE)
    books = {stage: ReceiptBook(store, stage, key, Code.here(CODE[stage])) for stage, key in keys.items()}
    return Job(recipe, store, books, len(units), sum(unit.bytes for unit in units), sample, until, texts)


def _reading(recipe: Recipe, options: dict[str, Any], sample: float) -> list[Any]:
    """The options that texts and their languages depend on. Where the files lie is in the units."""
    unread = dict.fromkeys(("paths", "priority", "derived", "derived_from"))
    sources = {name: {**source, **unread} for name, source in options["sources"].items()}
    language = {**options["language"], "threshold": None}
    rest = [options[name] for name in ("read", "extract", "seed")]
    return [sources, sample, language, rest, plugin_names(recipe.plugins), engine_version(recipe.extract.engine)]


def _ranking(source: Source) -> list[Any]:
    """What of a source only decides which document stays."""
    return [source.priority, source.derived, source.derived_from]


def _writing(recipe: Recipe) -> list[Any] | None:
    """What of deduplication is only told when the text is written."""
    options = recipe.deduplicate
    if options is None:
        return None
    return [options.weights, options.repeat, [index.name for index in recipe.taken_indexes]]


def _decontaminating(recipe: Recipe, keys: dict[str, str]) -> list[str]:
    """What passages depend on where contaminated documents go, or spans of them are cut first."""
    asked = recipe.decontaminate
    return [keys["contamination"], asked.action, str(asked.max_cut)] if asked and "contamination" in keys else []


def _deduplicating(options: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """What decides about whole documents, and what about passages of those that stay."""
    inside = ("passages", "substrings", "max_cut")
    written = ("weights", "repeat")
    whole = {name: value for name, value in options.items() if name not in (*inside, *written)}
    cuts = options["passages"] or options["substrings"]
    return whole, [options[name] for name in inside] if cuts else []


def _fingerprinting(recipe: Recipe) -> list | None:
    """The options of deduplication that stage A depends on: not the threshold, which only stage S reads."""
    options = recipe.deduplicate
    if options is None:
        return None
    minhash = options.minhash and options.minhash.model_dump(exclude={"threshold", "recall"})
    return [minhash, options.quality, options.fingerprint, options.urls and options.urls.model_dump()]
