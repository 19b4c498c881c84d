"""Trains a classifier and measures it on what it never saw: one model, then smaller ones for what its figures mean."""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from gristmill.filters.names import nearest
from gristmill.filters.quality import evaluate
from gristmill.filters.quality.feeding import WORDS
from gristmill.filters.quality.model_file import LABEL, read_about
from gristmill.filters.quality.ngrams import deciding, frequent
from gristmill.filters.quality.train import Options, TrainingError, train, write_lines
from gristmill.pipelines.classifiers.choose import LEAST, Chosen, Labelled, choose
from gristmill.pipelines.classifiers.documents import documents
from gristmill.pipelines.classifiers.sites import shared_sites, site_warnings, unseen_split
from gristmill.pipelines.classifiers.templates import passage_warnings, shared_passages
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.files.classifiers import LABEL as PLAIN_LABEL
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.recipe.scores import Classifier

CURVE = (0.125, 0.25, 0.5)
"""Shares of the documents that smaller models learn from."""
LINES = 4_000
"""Training lines of a language in which n-grams are counted."""
POOR = 0.6
"""An area under the ROC curve below this is hardly better than chance."""
GOOD = "good"


@dataclass(frozen=True)
class Learnt:
    """A trained classifier: its model's bytes, its card, and what a person should look at."""

    suffix: str
    model: bytes
    card: dict[str, Any]


class _Model:
    """A model in a folder, asked for probabilities of fed lines."""

    def __init__(self, file: Path):
        import fasttext

        self.file, self.labels = file, read_about(file).labels
        self._model = fasttext.load_model(str(file))

    def scores(self, lines: Sequence[str], label: str) -> np.ndarray:
        """Probability of a label for each line, float64."""
        found, values = self._model.predict(list(lines), k=-1)  # a list: a single str fails under numpy 2
        wanted = LABEL + label
        pairs = (dict(zip(names, value, strict=True)) for names, value in zip(found, values, strict=True))
        return np.minimum(np.array([float(pair.get(wanted, 0.0)) for pair in pairs]), 1.0)


def learn(loaded: LoadedRecipe, name: str) -> Learnt:
    """Train the classifier that a recipe names. Raises RecipeError, InputError for what is wrong with its documents."""
    asked = _asked(loaded, name)
    settings, seed = asked.training, loaded.recipe.seed
    given = {label: documents(loaded, name, label, one) for label, one in asked.train.items()}
    chosen = choose(given, settings.documents, settings.held_out, seed)
    options = Options(
        settings.dimensions,
        settings.word_ngrams,
        settings.buckets,
        settings.epochs,
        settings.rate,
        settings.min_count,
        seed % 2**31,
    )
    suffix = ".ftz" if settings.compressed else ".bin"
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _learn(loaded, name, asked, chosen, options, Path(folder) / f"model{suffix}")
    except TrainingError as error:
        fix = "give more documents, or a lower `training: {rate: ...}`"
        raise RecipeError(str(error), where=loaded.where("classifiers", name, "training"), fix=fix) from None


def _asked(loaded: LoadedRecipe, name: str) -> Classifier:
    known = loaded.recipe.classifiers
    if name not in known:
        fix = nearest(name, known) if known else "name it under `classifiers`, with `train: {good: ..., raw: ...}`"
        raise RecipeError(f"the recipe has no classifier '{name}'", where=str(loaded.file), fix=fix)
    labels, where = list(known[name].train), loaded.where("classifiers", name)
    if len(labels) < 2:
        fix = "write train: {good: {run: RUN}, raw: {files: {format: jsonl, paths: ...}}}, or any other labels"
        raise RecipeError(
            f"the classifier '{name}' has {len(labels)} labels to learn, and needs two", where=where, fix=fix
        )
    for label in labels:
        if not re.fullmatch(PLAIN_LABEL, label):
            fix = "use letters, digits, '_' and '-': the label is part of a signal's name"
            raise RecipeError(f"'{label}' is not a name for a label", where=where, fix=fix)
    if known[name].positive not in (None, *labels):
        fix = nearest(str(known[name].positive), labels)
        raise RecipeError(f"no label '{known[name].positive}' to be `positive`", where=where, fix=fix)
    return known[name]


def positive_of(asked: Classifier) -> str | None:
    """The label that is the signal itself: as the recipe says, else `good` against one other."""
    return asked.positive or (GOOD if GOOD in asked.train and len(asked.train) == 2 else None)


def _learn(loaded: LoadedRecipe, name: str, asked: Classifier, chosen: Chosen, options: Options, file: Path) -> Learnt:
    learnt = [one for one in chosen.documents if not one.held_out]
    held = [one for one in chosen.documents if one.held_out]
    made_with, model = _train(learnt, file, options, asked.training.compressed)
    positive = positive_of(asked)
    measured = [positive] if positive else list(asked.train)
    card: dict[str, Any] = {
        "gristmill_classifier": 1,
        "name": name,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "labels": list(model.labels),
        "positive": positive,
        "languages": sorted({one.document.language for one in chosen.documents}),
        "feeding": WORDS,
        "options": asdict(made_with),
        "asked": {label: one.model_dump(mode="json", exclude_none=True) for label, one in asked.train.items()},
        "documents": _counts(chosen),
        "training_lines_sha256": _digest(learnt),
        "measured": {label: _measure(model, label, held) for label in measured},
        "learning_curve": _curve(learnt, held, measured, options, file.with_name("smaller.bin")),
        "sites": _sites(model, learnt, held, measured[0], options, file.with_name("sites.bin")),
        "shared_passages": shared_passages(
            learnt, held, measured[0], lambda lines: _roc(model, measured[0], held, lines)
        ),
    }
    card["decides"] = _decides(model, measured, learnt, options.word_ngrams)
    card["warnings"] = _warnings(card, chosen)
    return Learnt(file.suffix, file.read_bytes(), card)


def _train(learnt: Sequence[Labelled], file: Path, options: Options, compressed: bool) -> tuple[Options, _Model]:
    lines = file.with_suffix(".txt")
    write_lines(lines, ((one.label, one.document.line) for one in learnt))
    made_with = train(lines, file, options, compressed)
    return made_with, _Model(file)


def _counts(chosen: Chosen) -> dict[str, Any]:
    used: dict[str, dict[str, dict[str, int]]] = {}
    for one in chosen.documents:
        of = used.setdefault(one.label, {}).setdefault(one.document.language, {"learnt": 0, "held_out": 0})
        of["held_out" if one.held_out else "learnt"] += 1
    return {
        "given": chosen.seen,
        "used": {label: dict(sorted(of.items())) for label, of in sorted(used.items())},
        "repeated": chosen.repeated,
        "under_two_labels": chosen.contradicting,
        "left_out": chosen.left_out,
    }


def _digest(learnt: Sequence[Labelled]) -> str:
    digest = hashlib.sha256()
    for one in learnt:
        digest.update(f"{one.label} {one.document.line}\n".encode())
    return digest.hexdigest()


def _measure(model: _Model, label: str, held: Sequence[Labelled]) -> dict[str, Any]:
    """Figures of a label on held-out documents, of all languages together and of each."""
    score_D = model.scores([one.document.line for one in held], label)
    right_D = np.array([one.label == label for one in held])
    languages = np.array([one.document.language for one in held])
    bins = evaluate.calibration(score_D, right_D)
    return {
        "documents": len(held),
        "average_precision": evaluate.average_precision(score_D, right_D),
        "area_under_roc": evaluate.area_under_roc(score_D, right_D),
        "precision_recall": [asdict(one) for one in evaluate.precision_recall(score_D, right_D)],
        "calibration": [asdict(one) for one in bins],
        "calibration_error": evaluate.calibration_error(bins),
        "languages": {
            language: {
                "documents": int((of := languages == language).sum()),
                "average_precision": evaluate.average_precision(score_D[of], right_D[of]),
                "area_under_roc": evaluate.area_under_roc(score_D[of], right_D[of]),
                "thresholds": [asdict(one) for one in evaluate.thresholds(score_D[of], right_D[of])],
            }
            for language in sorted(set(languages.tolist()))
        },
    }


def _roc(model: _Model, label: str, held: Sequence[Labelled], lines: Sequence[str] | None = None) -> float:
    """`lines`: what is asked of the documents instead of their own."""
    score_D = model.scores([one.document.line for one in held] if lines is None else lines, label)
    return evaluate.area_under_roc(score_D, np.array([one.label == label for one in held]))


def _curve(
    learnt: Sequence[Labelled], held: Sequence[Labelled], measured: list[str], options: Options, file: Path
) -> list[dict[str, Any]]:
    """Area under the ROC curve of models of a part of the documents: whether more of them would help."""
    rows = []
    for share in CURVE:
        some = learnt[: int(share * len(learnt))]
        if {one.label for one in some} == {one.label for one in learnt}:
            _, model = _train(some, file, options, False)
            rows.append({"documents": len(some), "area_under_roc": {of: _roc(model, of, held) for of in measured}})
    return rows


def _sites(
    model: _Model, learnt: Sequence[Labelled], held: Sequence[Labelled], label: str, options: Options, file: Path
) -> dict[str, Any]:
    """Whether the model knows quality, or the sites that quality was shown on."""
    score_D = model.scores([one.document.line for one in held], label)
    found: dict[str, Any] = shared_sites(learnt, held, score_D, label)
    split = unseen_split([*learnt, *held], lambda site: xxhash.xxh3_64_intdigest(site.encode(), options.seed))
    if split is not None:
        rest, unseen = split
        _, other = _train(rest, file, options, False)
        found["unseen_sites"] = {
            "documents": len(unseen),
            "area_under_roc": _roc(other, label, unseen),
            "of_known_sites": evaluate.area_under_roc(score_D, np.array([one.label == label for one in held])),
        }
    return found


def _decides(model: _Model, measured: list[str], learnt: Sequence[Labelled], longest: int) -> dict[str, Any]:
    """Label -> language -> the n-grams for it and against it."""
    decides: dict[str, Any] = {label: {} for label in measured}
    for language in sorted({one.document.language for one in learnt}):
        lines = [one.document.line for one in learnt if one.document.language == language]
        grams = frequent(lines[:LINES], longest)
        for label in measured:
            scores = model.scores(["", *(gram for gram, _ in grams)], label)
            for_it, against = deciding(grams, scores[1:], float(scores[0]))
            decides[label][language] = {
                "for": [asdict(one) for one in for_it],
                "against": [asdict(one) for one in against],
            }
    return decides


def _warnings(card: dict[str, Any], chosen: Chosen) -> list[str]:
    """What a person should look at before trusting the model."""
    found = []
    if chosen.left_out:
        found.append(f"documents in {', '.join(chosen.left_out)} are not used: fewer than {LEAST} of a label")
    if chosen.contradicting:
        found.append(f"{chosen.contradicting:,} documents stand under two labels and are not used")
    for label, one in card["measured"].items():
        for language, of in one["languages"].items():
            if of["area_under_roc"] < POOR:
                found.append(
                    f"in {language} the model tells `{label}` hardly better than chance "
                    f"(area under the ROC curve {of['area_under_roc']:.2f}): do not use it there"
                )
    label = next(iter(card["measured"]))
    return found + passage_warnings(card["shared_passages"], label) + site_warnings(card["sites"], label)
