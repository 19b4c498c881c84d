"""The secret key of `scrub`: read where a run is begun or validated; never written, and no run directory holds it."""

import hashlib
import hmac
from pathlib import Path

from gristmill.filters.pii.finding import LEAST_KEY
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import LoadedRecipe


def take_key(loaded: LoadedRecipe) -> None:
    """Give the recipe the key that it names. Raises RecipeError where there is none."""
    options = loaded.recipe.scrub
    if options is not None and options.key is not None:
        loaded.recipe.take_key(read_key(loaded.folder / Path(options.key).expanduser(), loaded.where("scrub", "key")))


def read_key(file: Path, where: str) -> bytes:
    """The bytes of a key file, without white space around them. Raises RecipeError."""
    fix = "make one: openssl rand -hex 32 > audit.key; chmod 600 audit.key"
    try:
        key = file.read_bytes().strip()
    except OSError as error:
        raise RecipeError(f"the key cannot be read ({error.strerror})", where=where, fix=fix) from None
    if len(key) < LEAST_KEY:
        raise RecipeError(f"the key has {len(key)} bytes; {LEAST_KEY} are the least", where=where, fix=fix)
    return key


def sign_of(key: bytes | None) -> str | None:
    """What step keys hold of a key: which one it is, and nothing by which it could be found."""
    return None if key is None else hmac.new(key, b"gristmill step key", hashlib.sha256).hexdigest()
