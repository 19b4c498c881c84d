"""The tokenizer that a recipe takes over (`tokenizer: {from: ...}`), of another run or a folder."""

import hashlib
import json
from pathlib import Path

from gristmill.filters.placed import place
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, near_files
from gristmill.pipelines.recipe.files.tokenizer_files import TakenTokenizer, TokenizerFile
from gristmill.pipelines.recipe.wording import RecipePath

MODEL, CARD = "tokenizer.model", "info.json"
FOLDER = "tokenizer"
"""In a run."""


def read_tokenizer(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[TakenTokenizer | None, list[tuple[RecipePath, str]]]:
    """What `from` names; None where the recipe trains its own, or something is wrong: where, and what to do."""
    named = recipe.tokenizer.from_ if recipe.tokenizer else None
    if named is None:
        return None, []
    try:
        return _read(named, folder, fetch), []
    except ProblemError as problem:
        return None, [(("tokenizer", problem.key), problem.text)]


def _read(named: str, folder: Path, fetch: Fetch | None) -> TakenTokenizer:
    found = {name: _file(named, name, folder, fetch) for name in (MODEL, CARD)}
    data = {name: file.read_bytes() for name, file in found.items()}
    sha256 = hashlib.sha256(data[MODEL]).hexdigest()
    try:
        card = json.loads(data[CARD])["sha256"]
    except (ValueError, KeyError, TypeError):
        card = None
    if card != sha256:
        raise ProblemError("from", f"'{named}': its {CARD} does not describe its {MODEL}; copy both from one training")
    both = hashlib.sha256(b"".join(data.values())).hexdigest()
    kept_as = f"models/{both[:16]}-tokenizer"
    files = [TokenizerFile(name, hashlib.sha256(raw).hexdigest(), len(raw), f"{kept_as}/{name}")
             for name, raw in data.items()]  # fmt: skip
    for file in files:
        place(file, found[file.name])
    return TakenTokenizer(tuple(files), kept_as)


def _file(named: str, name: str, folder: Path, fetch: Fetch | None) -> Path:
    """A file of the tokenizer, which lies in the folder that is named, or in that of the tokenizer in a run."""
    if "://" in named:
        places = (f"{named.rstrip('/')}/{FOLDER}/{name}", f"{named.rstrip('/')}/{name}")
        got = next((file for place in places if fetch and (file := fetch(place))), None)
    else:
        at = folder / Path(named).expanduser()
        got = next((file for file in (at / FOLDER / name, at / name) if file.is_file()), None)
    if got is None:
        hint = "" if "://" in named else near_files(folder / Path(named).expanduser())
        raise ProblemError("from", f"'{named}' is no run and no folder with {MODEL} and {CARD}{hint}")
    return got
