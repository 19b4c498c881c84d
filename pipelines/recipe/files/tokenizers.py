"""The tokenizer that a recipe takes over: of another run or a folder (`from`), or somebody else's file (`path`)."""

import hashlib
import json
from pathlib import Path
from typing import Any

from gristmill.filters.placed import place
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, near_files
from gristmill.pipelines.recipe.files.tokenizer_files import TakenTokenizer, TokenizerFile
from gristmill.pipelines.recipe.wording import RecipePath

MODEL, JSON, CARD, CONFIG = "tokenizer.model", "tokenizer.json", "info.json", "tokenizer_config.json"
FOLDER = "tokenizer"
"""In a run."""


def read_tokenizer(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[TakenTokenizer | None, list[tuple[RecipePath, str]]]:
    """What `from` or `path` names; None where the recipe trains its own, or something is wrong: where, and what to
    do."""
    asked = recipe.tokenizer
    try:
        if asked and asked.path is not None:
            return _foreign(asked.path, asked.bos, asked.eos, folder, fetch), []
        if asked and asked.from_ is not None:
            return _read(asked.from_, folder, fetch), []
    except ProblemError as problem:
        return None, [(("tokenizer", problem.key), problem.text)]
    return None, []


def _foreign(named: str, bos: str | None, eos: str | None, folder: Path, fetch: Fetch | None) -> TakenTokenizer:
    from gristmill.tokenizer.foreign.codecs import is_json
    from gristmill.tokenizer.foreign.description import UnknownTokenizerError
    from gristmill.tokenizer.foreign.encoder import examine

    file = _beside(named, "", folder, fetch)
    if file is None:
        hint = "" if "://" in named else near_files(folder / Path(named).expanduser())
        raise ProblemError("path", f"'{named}' is no file{hint}; name a {JSON} or a SentencePiece model")
    raw = file.read_bytes()
    found = {JSON if is_json(raw) else MODEL: file}
    if JSON in found and (config := _beside(named, CONFIG, folder, fetch)) is not None:
        found[CONFIG] = config
    try:
        examine(raw, _config(found.get(CONFIG)), bos, eos)
    except UnknownTokenizerError as error:
        raise ProblemError("path", f"'{named}': {error}") from error
    return _taken(found, True, (bos, eos))


def _config(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return dict(json.loads(file.read_bytes()))
    except (ValueError, TypeError) as error:
        raise ProblemError("path", f"the {CONFIG} beside it is no JSON object; mend it, or take it away") from error


def _beside(named: str, name: str, folder: Path, fetch: Fetch | None) -> Path | None:
    """The file that is named, or with a `name` the one beside it."""
    if "://" in named:
        place = f"{named.rpartition('/')[0]}/{name}" if name else named
        return fetch(place) if fetch else None
    at = folder / Path(named).expanduser()
    at = at.with_name(name) if name else at
    return at if at.is_file() else None


def _read(named: str, folder: Path, fetch: Fetch | None) -> TakenTokenizer:
    card = _file(named, CARD, folder, fetch)
    try:
        about = json.loads(card.read_bytes()) if card else {}
        sha256, kind = about.get("sha256"), about.get("kind")
    except (ValueError, AttributeError):
        sha256 = kind = None
    from gristmill.tokenizer.train import FOREIGN, file_of

    foreign = kind in FOREIGN
    model = file_of(str(kind)) if foreign else MODEL
    file = _file(named, model, folder, fetch)
    if card is None or file is None:
        hint = "" if "://" in named else near_files(folder / Path(named).expanduser())
        raise ProblemError("from", f"'{named}' is no run and no folder with {model} and {CARD}{hint}")
    if sha256 != hashlib.sha256(file.read_bytes()).hexdigest():
        raise ProblemError("from", f"'{named}': its {CARD} does not describe its {model}; copy both from one training")
    found = {model: file, CARD: card}
    if foreign and (config := _file(named, CONFIG, folder, fetch)) is not None:
        found[CONFIG] = config
    return _taken(found, foreign)


def _taken(found: dict[str, Path], foreign: bool, ends: tuple[str | None, str | None] | None = None) -> TakenTokenizer:
    """Files by the names under which a run keeps them."""
    data = {name: file.read_bytes() for name, file in found.items()}
    kept_as = f"models/{hashlib.sha256(b''.join(data.values())).hexdigest()[:16]}-tokenizer"
    files = [TokenizerFile(name, hashlib.sha256(raw).hexdigest(), len(raw), f"{kept_as}/{name}")
             for name, raw in data.items()]  # fmt: skip
    for file in files:
        place(file, found[file.name])
    return TakenTokenizer(tuple(files), kept_as, foreign, ends)


def _file(named: str, name: str, folder: Path, fetch: Fetch | None) -> Path | None:
    """A file of the tokenizer, which lies in the folder that is named, or in that of the tokenizer in a run."""
    if "://" in named:
        places = (f"{named.rstrip('/')}/{FOLDER}/{name}", f"{named.rstrip('/')}/{name}")
        return next((file for place in places if fetch and (file := fetch(place))), None)
    at = folder / Path(named).expanduser()
    return next((file for file in (at / FOLDER / name, at / name) if file.is_file()), None)
