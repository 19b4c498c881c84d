"""`classifiers` of a recipe: its model files, found, looked at and told by their content."""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gristmill.filters.by_language import ANY
from gristmill.filters.placed import place
from gristmill.filters.quality.classifier import Classifier, Model, same_labels, signal_names
from gristmill.filters.quality.feeding import FEEDINGS, PLAIN
from gristmill.filters.quality.model_file import About, NoModelError, read_about
from gristmill.filters.quality.network import Network
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, near_files, read_named
from gristmill.pipelines.recipe.files.networks import MODEL_FILES, Get, network_place, read_network
from gristmill.pipelines.recipe.languages.codes import known_language, wrong_language
from gristmill.pipelines.recipe.wording import RecipePath

STARTER = "starter"
STARTER_LANGUAGES = ("en", "zh")
CARD = "card.json"
LABEL = r"[A-Za-z0-9_-]+"


def read_classifiers(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[Classifier, ...], list[tuple[RecipePath, str]]]:
    """The classifiers of a recipe in `folder`, and what is wrong with others: where, and what to do."""
    return read_named(recipe, "classifiers", lambda name, asked: _read(name, asked, folder, fetch), ", such as edu")


def open_classifier(model: str, positive: str | None) -> Classifier:
    """A classifier that a command names: a path, or `starter`. Raises RecipeError."""
    try:
        return _read("classifier", schema.Classifier(model=model, positive=positive), Path(), None)
    except ProblemError as error:
        raise RecipeError(error.text, where=f"--{error.key}", fix="see docs/classifiers.md for what is read") from None


def model_paths(name: str, asked: schema.Classifier) -> dict[str, str]:
    """Language -> path as the recipe has it; ANY where one model is for all that it can read."""
    if asked.model == STARTER:
        shipped = files("gristmill.filters.quality") / "starter"
        return {language: str(shipped / language) for language in STARTER_LANGUAGES}
    if isinstance(asked.model, dict):
        return {known_language(language): path for language, path in asked.model.items()}
    return {ANY: asked.model or f"classifiers/{name}"}


def _read(name: str, asked: schema.Classifier, folder: Path, fetch: Fetch | None) -> Classifier:
    paths = model_paths(name, asked)
    if not paths:
        raise ProblemError("model", "no model is named; write a path, or {en: PATH}")
    if ANY not in paths and asked.languages:
        if without := sorted(set(asked.languages) - set(paths)):
            what = f"there is no model for {', '.join(without)}; there is one for {', '.join(paths)}"
            raise ProblemError("languages", what)
        paths = {language: path for language, path in paths.items() if language in asked.languages}
    for language in paths:
        if language != ANY and (wrong := wrong_language(language)):
            raise ProblemError("model", wrong)
    cards: dict[str, dict[str, Any]] = {}
    models: dict[str, Model | Network] = {}
    for language, path in paths.items():
        models[language], cards[language] = _model(name, asked, path, folder, fetch)
    if len({model.feeding for model in models.values()}) > 1:
        raise ProblemError(
            "model", "its models read texts in different ways; train them again, or name models of a kind"
        )
    first = next(iter(paths))
    try:
        same_labels(models)
        positive = asked.positive if asked.positive is not None else cards[first].get("positive")
        alone = len(models[first].labels) == 1 and isinstance(models[first], Network)
        positive = models[first].labels[0] if alone and positive is None else positive
        signals = signal_names(name, models[first].labels, positive)
    except ValueError as error:
        raise ProblemError("positive" if "label '" in str(error) else "model", str(error)) from None
    for signal in signals:
        if positive is None and not re.fullmatch(LABEL, signal.partition(".")[2]):
            label = signal.partition(".")[2]
            raise ProblemError("model", f"its label '{label}' is no name for a signal; choose one with `positive`")
    languages = _languages(asked, cards)
    return Classifier(name, tuple(models.items()), tuple(signals.items()), languages)


def _languages(asked: schema.Classifier, cards: Mapping[str, Mapping[str, Any]]) -> frozenset[str] | None:
    """What the numbers mean something for: what the recipe says, within what the cards say."""
    for language, card in cards.items():
        learnt = card.get("languages")
        wanted = [language] if language != ANY else asked.languages or []
        if learnt and (wrong := sorted(set(wanted) - set(learnt))):
            what = f"the model was trained on {', '.join(learnt)}, not on {', '.join(wrong)}"
            fix = "name a model for it, or train one: gristmill classifier train"
            raise ProblemError("model" if language != ANY else "languages", f"{what}; {fix}")
    if ANY not in cards:
        return frozenset(cards)
    told = asked.languages or cards[ANY].get("languages")
    for language in told or ():
        if wrong_language(language):
            raise ProblemError("languages", str(wrong_language(language)))
    return frozenset(told) if told else None


def _model(
    name: str, asked: schema.Classifier, path: str, folder: Path, fetch: Fetch | None
) -> tuple[Model | Network, dict[str, Any]]:
    """A model and its card; an empty card where it has none."""
    get = _getter(path, folder, fetch)
    try:
        network = network_place(path, get)
        if network is not None:
            if asked.feeding is not None:
                raise ProblemError("feeding", "it is for fastText; a network reads tokens of the text as it stands")
            return read_network(path, *network, asked.max_tokens, get), {}
    except OSError as error:
        raise ProblemError("model", f"'{path}' cannot be read: {error.strerror or error}") from None
    if asked.max_tokens is not None:
        raise ProblemError("max_tokens", "it is for networks of Hugging Face or ONNX; fastText reads all of a text")
    file, found_as, card_file = _find(name, asked, path, folder, get)
    sha256, about = _looked_at(str(file), file.stat().st_size, file.stat().st_mtime_ns)
    if isinstance(about, str):
        raise ProblemError("model", f"'{path}': {about}")
    card = _card(card_file, sha256) if card_file else {}
    feeding = card.get("feeding") or asked.feeding or PLAIN
    if feeding not in FEEDINGS:
        known = f"this version knows {', '.join(FEEDINGS)}"
        raise ProblemError("model", f"'{path}' was trained on the feeding '{feeding}', and {known}; train it again")
    model = Model(found_as, sha256, file.stat().st_size, about.labels, feeding)
    place(model, file)
    return model, card


@lru_cache(64)
def _looked_at(file: str, size: int, changed: int) -> tuple[str, About | str]:
    """(sha256, what the model is, or why it is none); size and time of change: so that it is looked at again."""
    with Path(file).open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    try:
        return sha256, read_about(Path(file))
    except NoModelError as error:
        return sha256, str(error)


def _getter(path: str, folder: Path, fetch: Fetch | None) -> Get:
    """How files at and beside a path of the recipe are got."""

    def get(place: str) -> Path | None:
        if "://" in place:
            if fetch is None:
                raise ProblemError("model", f"'{path}' is an address, which cannot be read here; name a file")
            return fetch(place)
        file = folder / Path(place).expanduser()
        return file if file.is_file() else None

    return get


def _find(name: str, asked: schema.Classifier, path: str, folder: Path, get: Get) -> tuple[Path, str, Path | None]:
    """(the model on this machine, its name, its card if it has one)."""
    top = path.rstrip("/")
    try:
        for candidate in [top] if top.endswith((".bin", ".ftz")) else [*(f"{top}/{m}" for m in MODEL_FILES), top]:
            if (file := get(candidate)) is not None:
                beside = candidate.rpartition("/")[0]
                return file, candidate.rpartition("/")[2], get(f"{beside}/{CARD}" if beside else CARD)
    except OSError as error:
        raise ProblemError("model", f"'{path}' cannot be read: {error.strerror or error}") from None
    how = (
        f"train it: gristmill classifier train RECIPE {name}"
        if asked.train
        else "name a .bin or .ftz of fastText, or a folder with model.safetensors or model.onnx"
    )
    inside = sorted(one.name for one in (folder / top).glob("*") if one.suffix in (".bin", ".ftz"))[:3]
    hint = f" (in it: {', '.join(inside)})" if inside else near_files(folder / top)
    raise ProblemError("model", f"there is no model at '{path}'{hint}; {how}")


def _card(file: Path, sha256: str) -> dict[str, Any]:
    """The card, if it is this model's."""
    try:
        card = json.loads(file.read_bytes())
    except ValueError:
        card = None
    if not isinstance(card, dict):
        raise ProblemError("model", f"the card '{file.name}' beside the model is not JSON; train again, or remove it")
    if "feeding" not in card:  # somebody else's card
        return {}
    if card.get("sha256") != sha256:
        raise ProblemError("model", f"the card '{file.name}' is of another model; put the two together, or train again")
    return card
