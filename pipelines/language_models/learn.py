"""Trains the language models of a recipe, one for each of its languages, and measures them on what they never saw."""

import contextlib
import hashlib
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gristmill.filters.language_models.estimate import FIRST_WORD, Estimate, Smoothing, estimate
from gristmill.filters.language_models.model import Read, Reader
from gristmill.filters.language_models.model_file import PIECES, OpenModel, write_model
from gristmill.filters.language_models.table import Table, Words, grams_of, make_table
from gristmill.filters.names import nearest
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.language_models.card import write_card
from gristmill.pipelines.language_models.count import (
    HELD,
    HELD_BYTES,
    SAMPLE,
    Choice,
    Units,
    count_grams,
    counts,
    lowest,
    sample_texts,
)
from gristmill.pipelines.language_models.inputs import Piece, plan
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.language_model_options import LanguageModelTraining
from gristmill.pipelines.recipe.files.language_models import MODEL_FILE, make_pieces, read_tokenizer
from gristmill.pipelines.recipe.files.named_files import ProblemError
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.recipe.schema import LanguageModel
from gristmill.pipelines.runners.options import choose
from gristmill.pipelines.stages.tokenizer import sample_bytes
from gristmill.pipelines.storage.rundir import lock_file
from gristmill.tokenizer.train import MODEL_FILE as TOKENIZER_FILE
from gristmill.tokenizer.train import TokenizerOptions, train

SPECIAL = [b"<unk>", b"<s>", b"</s>"]
HEAD, TAIL = 30, 60
"""Percentiles: CCNet's (Wenzek et al. 2019, section 3.3)."""
PERCENTILES = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
FEW = 100
"""Held-out documents; percentiles of fewer say little."""
WORK, LOCK = ".work", ".lock"


@dataclass(frozen=True)
class Runner:
    """Where the counting is done: as `gristmill run` takes it."""

    name: str = "local"
    workers: int = 0
    beam_args: tuple[str, ...] = ()


def learn(loaded: LoadedRecipe, name: str, language: str, folder: Path, runner: Runner = Runner()) -> dict[str, Any]:
    """Train the model of a language into a folder, in the place of an earlier one. Returns its card.

    The same texts give the same bytes on every runner, with any number of workers. Raises RecipeError and InputError
    for what is wrong with the recipe or its documents; then an earlier model stays.
    """
    asked = named(loaded, name)
    with _working(folder) as work:
        pieces = plan(loaded, name, language, asked.train[language], work)
        return _learn(loaded, name, asked, language, pieces, folder, work, runner)


def named(loaded: LoadedRecipe, name: str) -> LanguageModel:
    """What the recipe says of a language model that it trains. Raises RecipeError."""
    known = loaded.recipe.language_models
    if name not in known:
        fix = nearest(name, known) if known else "name it under `language_models`, with `train: {en: {run: RUN}}`"
        raise RecipeError(f"the recipe has no language model '{name}'", where=str(loaded.file), fix=fix)
    if not known[name].train:
        what, fix = f"the language model '{name}' has nothing to learn from", "write train: {en: {run: RUN}}, or files"
        raise RecipeError(what, where=loaded.where("language_models", name), fix=fix)
    return known[name]


@contextlib.contextmanager
def _working(folder: Path) -> Iterator[Path]:
    """An empty folder to work in, beside the model; what a killed training left is removed. Raises InputError where
    another training is at work."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        if not lock_file(lock.fileno()) or not _stands(lock, folder / LOCK):
            fix = "wait for it, or give another folder with --out"
            raise InputError("this model is being trained already", where=str(folder), fix=fix)
        work = folder / WORK
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
            (folder / LOCK).unlink(missing_ok=True)


def _stands(lock: IO[str], path: Path) -> bool:
    """Whether it was not removed by who held it, while we waited."""
    return path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat())


def _learn(
    loaded: LoadedRecipe,
    name: str,
    asked: LanguageModel,
    language: str,
    pieces: list[Piece],
    folder: Path,
    work: Path,
    runner: Runner,
) -> dict[str, Any]:
    options, recipe = asked.training, loaded.recipe
    chosen = choose(runner.name, runner.workers, runner.beam_args, work)
    choice = Choice(language, options.held_out, recipe.seed)
    units = Units(options.units, b"", "")
    if options.units == PIECES and options.tokenizer is not None:
        where = loaded.where("language_models", name, "training", "tokenizer")
        units = Units(PIECES, *_named_tokenizer(options.tokenizer, loaded.folder, where))
    elif options.units == PIECES:
        wanted = sample_bytes(schema.Tokenizer(vocabulary=options.vocabulary))
        sample_texts(chosen, pieces, choice, wanted, work)
        units = _trained_tokenizer(lowest(work, SAMPLE, wanted), options, work)
        chosen = choose(runner.name, runner.workers, runner.beam_args, work)
    units.at_work()  # compiled and loaded before workers are forked
    count_grams(chosen, pieces, choice, units, options.order, work)
    rows = counts(work, options.order)
    if not len(rows):
        raise InputError(
            f"the documents of {name}.{language} hold no text to learn from",
            where=loaded.where("language_models", name, "train", language),
            fix="check its paths, its `text` field and its language; documents that say another language are left out",
        )
    table, made = _table(rows, units, options)
    held = pa.array(lowest(work, HELD, HELD_BYTES), pa.large_string())
    about: dict[str, Any] = {"units": units.units, "encoding": units.encoding, "language": language, "normalise": None}
    read = Reader(OpenModel(about, table, units.pieces), make_pieces).read(held)
    measured = _measured(read)
    if measured["documents"]:
        points = measured["percentiles"]
        about["cutoffs"] = [points[str(HEAD)], points[str(TAIL)]]
    file = work / MODEL_FILE
    write_model(file, about, table, units.pieces)
    card = {
        "gristmill_language_model": 1,
        "name": name,
        "language": language,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
        "units": units.units,
        "tokenizer_sha256": hashlib.sha256(units.pieces).hexdigest() if units.pieces else None,
        "options": options.model_dump(mode="json", exclude={"tokenizer"}),
        "asked": asked.train[language].model_dump(mode="json", exclude_none=True),
        "words_learnt": int(rows["count"].sum()),
        "n_grams": [len(table.prob_V), *(len(words) for words, _, _ in made.orders)],
        "discounts": made.discounts,
        "held_out": measured,
        "cutoffs": about.get("cutoffs"),
    }
    card["warnings"] = _warnings(card, made, options)
    write_card(folder, file, card)
    return card


def _named_tokenizer(path: str, folder: Path, where: str) -> tuple[bytes, str]:
    try:
        return read_tokenizer(path, folder)
    except ProblemError as problem:
        fix = "name the folder of a tokenizer, such as a run's `tokenizer/`, or a SentencePiece model"
        raise RecipeError(problem.text, where=where, fix=fix) from None


def _trained_tokenizer(texts: list[str], options: LanguageModelTraining, work: Path) -> Units:
    wanted = TokenizerOptions("unigram", options.vocabulary, lower=True)
    if not texts:
        return Units(PIECES, b"", "")  # there is nothing to count either
    try:
        info = train(texts, wanted, work / "tokenizer")
    except ValueError as error:
        fix = "give more text, another `vocabulary`, or a `tokenizer` that exists"
        raise InputError(str(error), where="language_models", fix=fix) from None
    return Units(PIECES, (work / "tokenizer" / TOKENIZER_FILE).read_bytes(), info.kind)


def _table(rows: np.ndarray, units: Units, options: LanguageModelTraining) -> tuple[Table, Estimate]:
    """The model of counts; its words are those that occur, in the order of their numbers."""
    seen = np.unique(rows["words"])
    seen = seen[seen >= FIRST_WORD]
    place = np.zeros(int(rows["words"].max()) + 1, np.uint32)
    place[:FIRST_WORD] = np.arange(FIRST_WORD)[: len(place)]
    place[seen] = FIRST_WORD + np.arange(len(seen))
    smoothing = Smoothing(options.smoothing, options.k, options.weight)
    made = estimate(place[rows["words"]], rows["count"], FIRST_WORD + len(seen), smoothing, options.prune)
    words = Words.spelt([*SPECIAL, *units.spelt(seen)])
    return make_table(made.prob_V, made.backoff_V, words, [grams_of(*order) for order in made.orders]), made


def _measured(read: Read) -> dict[str, Any]:
    """Of held-out documents: perplexity of all together, percentiles of that of each."""
    perplexity = read.perplexity()
    perplexity = np.sort(perplexity[~np.isnan(perplexity)])
    if not len(perplexity):
        return {"documents": 0}
    words = int(read.words_L.sum())
    points = {str(one): _rounded(float(np.percentile(perplexity, one))) for one in PERCENTILES}
    return {
        "documents": len(perplexity),
        "words": words,
        "unknown": int(read.unknown_L.sum()) / words,
        "perplexity": _rounded(10 ** -(math.fsum(read.sum_L) / words)),
        "percentiles": points,
    }


def _rounded(value: float) -> float:
    """To six digits: more mean nothing, and the last ones of a logarithm may differ between machines."""
    return float(f"{value:.6g}")


def _warnings(card: dict[str, Any], made: Estimate, options: LanguageModelTraining) -> list[str]:
    """What a person should look at before trusting the model."""
    found = []
    if made.fell_back:
        orders = ", ".join(map(str, made.fell_back))
        found.append(
            f"the counts of order {orders} give no discounts, so fixed ones are used: the text is small, or odd"
        )
    held = card["held_out"]
    if held["documents"] < FEW:
        found.append(
            f"{held['documents']:,} documents are held out, and below {FEW} the percentiles and cutoffs say little: "
            f"give more documents, or a larger `held_out` than {options.held_out:g}"
        )
    return found
