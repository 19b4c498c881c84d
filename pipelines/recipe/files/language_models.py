"""`language_models` of a recipe: its model files, found, read and told by their content."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gristmill.filters.by_language import ANY
from gristmill.filters.data.ccnet import ccnet_cutoffs
from gristmill.filters.language_models.arpa import read_arpa
from gristmill.filters.language_models.errors import BadModelError
from gristmill.filters.language_models.kenlm import is_kenlm, read_kenlm
from gristmill.filters.language_models.model import CCNET, LanguageModel, Model, Pieces
from gristmill.filters.language_models.model_file import (
    PIECES,
    SUFFIX,
    VERSION,
    WORDS,
    is_model,
    read_about,
    write_model,
)
from gristmill.filters.language_models.table import Table
from gristmill.filters.placed import place
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, files_at, near_files, read_named, shelf
from gristmill.pipelines.recipe.languages.codes import known_language, wrong_language
from gristmill.pipelines.recipe.wording import RecipePath

MODEL_FILE = f"model{SUFFIX}"
FOLDER = "language_models"
LEAST_SHARED = 0.5
"""Of a tokenizer's pieces and of a model's words, one at least must be known to the other to this share."""
FOREIGN = "sentencepiece"
"""The kind of a SentencePiece model that was not trained here."""
TOKENIZER_FILE, TOKENIZER_CARD = "tokenizer.model", "info.json"


def make_pieces(model: bytes, kind: str) -> Pieces:
    """A SentencePiece model at work, for `filters/language_models`, which knows no tokenizers."""
    from gristmill.tokenizer.pieces import read_pieces  # here: a recipe without such models does without SentencePiece

    return Pieces(*read_pieces(model, kind))


def read_language_models(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[LanguageModel, ...], list[tuple[RecipePath, str]]]:
    """The language models of a recipe in `folder`, and what is wrong with others: where, and what to do."""
    return read_named(recipe, "language_models", lambda name, asked: _read(name, asked, folder, fetch))


def _read(name: str, asked: schema.LanguageModel, folder: Path, fetch: Fetch | None) -> LanguageModel:
    models: dict[str, Model] = {}
    heads: dict[str, dict[str, Any]] = {}
    for language, path in _paths(name, asked, folder).items():
        if language != ANY and (wrong := wrong_language(language)):
            raise ProblemError("model", wrong)
        model, head = _model(name, asked, language, path, folder, fetch)
        of = head.get("language") or ANY
        if language != ANY and of not in (ANY, language):
            what = f"the model at '{path}' was trained on {of}, not on {language}"
            raise ProblemError("model", f"{what}; name one for {language}, or train one: gristmill lm train")
        language = language or of
        models[language], heads[language] = model, head
    if ANY in models and len(models) > 1:
        raise ProblemError("model", "one of its models names no language; write {en: PATH, ...}")
    languages = _languages(asked, models)
    if languages is not None and ANY not in models:
        models = {language: model for language, model in models.items() if language in languages}
    cutoffs = _cutoffs(asked, heads, models, languages)
    return LanguageModel(name, tuple(models.items()), cutoffs, languages, make_pieces)


def _paths(name: str, asked: schema.LanguageModel, folder: Path) -> dict[str, str]:
    """Language -> path of a model; ANY where the recipe does not say the language."""
    if isinstance(asked.model, dict):
        return {known_language(language): path for language, path in asked.model.items()}
    top = (asked.model or f"{FOLDER}/{name}").rstrip("/")
    at = folder / Path(top).expanduser()
    if "://" in top or at.is_file() or (at / MODEL_FILE).is_file():
        return {ANY: top}
    if at.is_dir() and (inside := sorted(one.parent.name for one in at.glob(f"*/{MODEL_FILE}"))):
        return {language: f"{top}/{language}" for language in inside}
    how = f"train it: gristmill lm train RECIPE {name}" if asked.train else "name an ARPA file, a KenLM binary or a .lm"
    raise ProblemError("model", f"there is no model at '{top}'{near_files(at)}; {how}")


def _languages(asked: schema.LanguageModel, models: dict[str, Model]) -> frozenset[str] | None:
    """What the numbers mean something for."""
    if ANY in models:
        return frozenset(asked.languages) if asked.languages else None
    if asked.languages and (without := sorted(set(asked.languages) - set(models))):
        what = f"there is no model for {', '.join(without)}; there is one for {', '.join(models)}"
        raise ProblemError("languages", what)
    return frozenset(asked.languages or models)


def _cutoffs(
    asked: schema.LanguageModel,
    heads: dict[str, dict[str, Any]],
    models: dict[str, Model],
    languages: frozenset[str] | None,
) -> tuple[tuple[str, float, float], ...]:
    """Of the recipe; or, of each language, what the model's card has measured."""
    given: dict[str, tuple[float, float]]
    if isinstance(asked.cutoffs, dict):
        given = {known_language(language): (pair[0], pair[1]) for language, pair in asked.cutoffs.items()}
        for language, (head, tail) in given.items():
            if not 0 < head < tail:
                raise ProblemError("cutoffs", f"of {language}, the head's {head:g} must lie below the tail's {tail:g}")
            if languages is not None and language not in languages:
                what = f"there is no model for {language}; there is one for {', '.join(sorted(languages))}"
                raise ProblemError("cutoffs", what)
    elif asked.cutoffs == CCNET:
        published = ccnet_cutoffs()
        given = {of: published[of] for of in published if languages is None or of in languages}
        if without := sorted(set(languages or ()) - set(given)):
            what = f"CCNet published none for {', '.join(without)}; write {{{without[0]}: [HEAD, TAIL], ...}}"
            raise ProblemError("cutoffs", what)
    else:
        measured = {language: heads[language].get("cutoffs") for language in models}
        given = {language: (pair[0], pair[1]) for language, pair in measured.items() if pair}
    return tuple((language, head, tail) for language, (head, tail) in sorted(given.items()))


@dataclass(frozen=True)
class _Spelling:
    """What an ARPA file or a KenLM binary does not say: how text becomes its words."""

    units: str
    pieces: bytes
    encoding: str
    normalise: str | None


def _model(
    name: str, asked: schema.LanguageModel, language: str, path: str, folder: Path, fetch: Fetch | None
) -> tuple[Model, dict[str, Any]]:
    """A model and its head."""
    at = folder / Path(path).expanduser()
    if "://" not in path and at.is_dir():
        path = f"{path}/{MODEL_FILE}"
    try:
        (file,) = files_at(path, "model", folder, fetch)
        if not is_model(file):
            file = _converted(file, asked, language, folder, fetch)
        elif asked.tokenizer or asked.units or asked.normalise:
            raise ProblemError("model", f"'{path}' knows its tokenizer; leave out `tokenizer`, `units` and `normalise`")
        head, sha256 = _looked_at(str(file), file.stat().st_size, file.stat().st_mtime_ns)
    except BadModelError as error:
        raise ProblemError("model", f"'{path}': {error}") from None
    except OSError as error:
        raise ProblemError("model", f"'{path}' cannot be read: {error.strerror or error}") from None
    model = Model(f"{name}-{language or 'any'}", sha256, file.stat().st_size, head.get("normalise") != CCNET)
    place(model, file)
    return model, head


@lru_cache(64)
def _looked_at(file: str, size: int, changed: int) -> tuple[dict[str, Any], str]:
    """read_about; size and time of change: so that the file is read again when it is another one."""
    return read_about(Path(file))


def _converted(file: Path, asked: schema.LanguageModel, language: str, folder: Path, fetch: Fetch | None) -> Path:
    """Our file of an ARPA file or KenLM binary, made where this machine has not made it before."""
    spelling = _spelling(asked, language, folder, fetch)
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    digest = hashlib.sha256(repr([VERSION, sha256, spelling]).encode()).hexdigest()
    made = shelf() / f"{digest}{SUFFIX}"
    if made.is_file():
        return made
    table = read_kenlm(file) if is_kenlm(file) else read_arpa(file)
    if spelling.units == PIECES:
        _check_pieces(table, spelling)
    about = {"units": spelling.units, "encoding": spelling.encoding, "normalise": spelling.normalise}
    scratch = made.with_name(f"{made.name}-{os.getpid()}")
    write_model(scratch, about, table, spelling.pieces)
    os.replace(scratch, made)
    return made


def _spelling(asked: schema.LanguageModel, language: str, folder: Path, fetch: Fetch | None) -> _Spelling:
    named = asked.tokenizer
    if isinstance(named, dict):
        named = {known_language(of): path for of, path in named.items()}.get(language)
        if named is None:
            raise ProblemError("tokenizer", f"it names none for {language or 'a model without a language'}")
    units = asked.units or (PIECES if named else WORDS)
    if units != PIECES:
        if named:
            raise ProblemError("units", f"a model of {units} needs no `tokenizer`; leave one of the two out")
        return _Spelling(units, b"", "", asked.normalise)
    if named is None:
        raise ProblemError("tokenizer", "a model of pieces needs the SentencePiece model that made them; name it here")
    pieces, kind = read_tokenizer(named, folder, fetch)
    return _Spelling(units, pieces, kind, asked.normalise)


def read_tokenizer(path: str, folder: Path, fetch: Fetch | None = None) -> tuple[bytes, str]:
    """(a SentencePiece model, its kind) of a tokenizer's folder, or of a file. Raises ProblemError."""
    at = folder / Path(path).expanduser()
    if "://" not in path and at.is_dir():
        path, at = f"{path.rstrip('/')}/{TOKENIZER_FILE}", at / TOKENIZER_FILE
    (file,) = files_at(path, "tokenizer", folder, fetch)
    pieces = file.read_bytes()
    try:
        make_pieces(pieces, FOREIGN)
    except RuntimeError:
        raise ProblemError("tokenizer", f"'{path}' is no SentencePiece model, or is cut off; copy it again") from None
    return pieces, _kind(at, pieces)


def _kind(at: Path, pieces: bytes) -> str:
    """`bpe` or `unigram` of a tokenizer that was trained here: its card beside it says so."""
    try:
        card = json.loads((at.parent / TOKENIZER_CARD).read_bytes())
        ours = card["sha256"] == hashlib.sha256(pieces).hexdigest()
        return str(card["kind"]) if ours else FOREIGN
    except (OSError, ValueError, KeyError, TypeError):
        return FOREIGN


def _check_pieces(table: Table, spelling: _Spelling) -> None:
    spelt = make_pieces(spelling.pieces, FOREIGN).spelt
    known = int((table.numbers([piece.encode() for piece in spelt]) > 0).sum())
    shares = known / max(1, len(spelt)), known / max(1, len(table.word_hash_V))
    if max(shares) < LEAST_SHARED:
        raise ProblemError(
            "tokenizer",
            f"it does not match the model: the model knows {known:,} of its {len(spelt):,} pieces, and has "
            f"{len(table.word_hash_V):,} words; name the SentencePiece model that made them",
        )


def kept_paths(one: LanguageModel) -> dict[str, Any]:
    """What stands in a run's recipe for a language model: its copies in the run directory."""
    paths = {language: model.kept_as for language, model in one.models}
    return {
        "model": paths.get(ANY, paths),
        "languages": sorted(one.languages) if one.languages else None,
        "cutoffs": {language: list(pair) for language, *pair in one.cutoffs if language != ANY} or None,
        "tokenizer": None,
        "units": None,
        "normalise": None,
    }


def trained_folders(name: str, asked: schema.LanguageModel, folder: Path) -> Iterator[tuple[str, Path]]:
    """(language, folder where the recipe looks for its model) of every language that is trained. Raises ProblemError
    where the recipe takes the models from elsewhere."""
    if isinstance(asked.model, dict) or (asked.model and ("://" in asked.model or Path(asked.model).suffix)):
        raise ProblemError("model", "leave `model` out, or give a folder with --out, and name it as `model` then")
    top = folder / Path(asked.model or f"{FOLDER}/{name}").expanduser()
    for language in asked.train:
        yield language, top / language
