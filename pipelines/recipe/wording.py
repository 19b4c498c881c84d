"""What each place of a recipe expects, in our words: read from the types of the schema, not from a library's errors."""

import re
import types
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gristmill.filters.names import near, nearest
from gristmill.pipelines.recipe.base import Expected
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.recipe.sources import Source

RecipePath = tuple[str | int, ...]
Place = Any
"""What stands at a place of the schema: an annotation, with its metadata where it is Annotated."""
_ELSEWHERE = {
    "at_least": "min minimum min_value ge gte lower_bound",
    "at_most": "max maximum max_value le lte upper_bound",
    "columns": "features schema fields metadata",
    "decide": "filters filter rules quality_filters",
    "deduplicate": "dedup dedupe deduplication minhash",
    "format": "type reader loader file_type",
    "id": "id_column id_field id_key document_id",
    "paths": "file files input inputs glob data_files url urls",
    "presets": "filters filter rules",
    "scrub": "pii pii_removal anonymize privacy",
    "sequence_length": "seq_len seq_length max_length block_size context_length context",
    "signal": "name metric field",
    "sources": "input inputs data datasets dataset corpus",
    "text": "text_column text_field text_key content body",
    "threshold": "jaccard jaccard_threshold similarity similarity_threshold",
    "vocabulary": "vocab vocab_size size",
}
"""Key of a recipe -> what other tools call it."""

_OPTIONS = {
    **dict.fromkeys(("out", "output", "out_dir", "output_dir", "output_path", "output_folder"), "--out FOLDER"),
    **dict.fromkeys(("workers", "num_workers", "processes", "num_proc", "n_jobs"), "--workers N"),
    "memory": "--memory 8GB",
    "disk": "--disk 100GB",
    "runner": "--runner spark",
    "sample": "--sample 1%",
}
"""What stands on the command line, not in a recipe: no output depends on it."""

LISTED = 8
"""Keys of a mapping shown; the rest is counted."""


def place_of(loc: RecipePath) -> tuple[RecipePath, Place]:
    """(path in the recipe, what is expected there) of the location of an error.

    In a location a part that is no key of the recipe follows what can be of several kinds: the one that was tried.
    """
    place: Place = Recipe
    path: RecipePath = ()
    parts = iter(loc)
    for part in parts:
        key = next(parts, None) if is_open(place) else part
        if key is None:  # the last part says which kind was tried
            break
        path = (*path, key)
        place = _inside(place, key)
    return path, place


def keys_of(place: Place) -> list[str]:
    """The keys of the mapping that stands at a place; none where it is no model of ours."""
    models = [plain for member in _members(place) if _is_model(plain := _bare(member)[0])]
    return [key for model in models for key in _fields(model)]


def values_of(place: Place) -> list[str]:
    """The texts that a place takes, where it takes some texts only."""
    literals = [plain for member in _members(place) if get_origin(plain := _bare(member)[0]) is Literal]
    return [value for plain in literals for value in get_args(plain) if isinstance(value, str)]


def is_open(place: Place) -> bool:
    """Whether a place takes values of several kinds."""
    return len(_members(place)) > 1


def may_be_null(place: Place) -> bool:
    """Whether `null` can stand at a place, which turns something off."""
    return types.NoneType in get_args(_bare(place)[0])


def defaults(place: Place) -> str:
    """How a recipe asks for the defaults of a place that can be null."""
    off = isinstance(place, FieldInfo) and place.default is None
    return "write `{}` for the defaults" if off and keys_of(place) else "leave the key out for the defaults"


def meant(key: str, place: Place) -> str:
    """What an unknown key of a mapping was meant to be: as other tools call it, nearly spelt, or elsewhere."""
    keys = keys_of(place)
    for colon in (":", "："):
        name = key.split(colon)[0].strip()
        if colon in key and name in keys:
            return f"write `{name}: {key.split(colon, 1)[1].strip()}`, with a space behind the colon"
    word = key.casefold().replace("-", "_").replace(" ", "_")
    if word in _OPTIONS and "gristmill" in keys:
        return f"`gristmill run {_OPTIONS[word]}` says so; remove this key"
    for name, others in _ELSEWHERE.items():
        if name in keys and word in others.split():
            return f"did you mean '{name}'?"
    if near(key, keys) is None:
        inside = [name for name in keys if key in keys_of(_inside(place, name))]
        above = [name for name, field in Recipe.model_fields.items() if key in keys_of(field)]
        if home := next(iter((*inside, *above)), None):
            return f"it belongs in `{home}`: `{home}: {{{key}: ...}}`"
    return nearest(key, keys)


def slip(path: RecipePath, value: Any) -> str:
    """What a value that does not fit was perhaps meant to be; "" where nobody knows."""
    if isinstance(value, dict) and any(key.startswith("-") and len(key) > 1 for key in value):
        return "; a space belongs behind '-'"
    if len(path) == 2 and path[0] == "sources" and path[1] in Source.model_fields:
        return "; a source has a name of its own: `sources: {web: {format: jsonl, ...}}`"
    if isinstance(value, str) and value.isdecimal() and path == ("gristmill",):
        return "; write it without quotes"
    return ""


def number_meant(value: Any) -> str:
    """How the number is written that a text was perhaps meant to be; "" where nobody knows."""
    text = unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else ""
    if found := re.fullmatch(r"([0-9]+(?:[.][0-9]+)?) ?([kKmM])", text):
        return f"; write {round(float(found[1]) * {'k': 1e3, 'm': 1e6}[found[2].lower()])}"
    if re.fullmatch(r"[1-9][0-9]{0,2}(,[0-9]{3})+", text):
        return f"; write {text.replace(',', '')}"
    plain = re.sub(r" ?(percent|per cent)$", "%", text).replace(",", ".")
    return f"; write {plain}" if plain != value and re.fullmatch(r"[-+]?[0-9]*[.]?[0-9]+%?", plain) else ""


def expected(place: Place) -> str:
    """ "a whole number of at least 8", "a list of texts", "a mapping with the keys ..." """
    return ", or ".join(dict.fromkeys(_expected(member) for member in _members(place))) or "nothing"


def _expected(place: Place) -> str:
    plain, metadata = _bare(place)
    said = next((note.text for note in metadata if isinstance(note, Expected)), None)
    if said is not None:
        return said
    if get_origin(plain) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(plain))
    if get_origin(plain) is list:
        return f"a list of {_plural(get_args(plain)[0])}" + _at_least_one(metadata)
    if get_origin(plain) is dict:
        return "a mapping" + _at_least_one(metadata)
    if _is_model(plain):
        keys = keys_of(plain)
        more = ", ..." if len(keys) > LISTED else ""
        return f"a mapping with the key{'s' if len(keys) > 1 else ''} {', '.join(keys[:LISTED])}{more}"
    kinds = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    return kinds.get(plain, "another value") + _bounds(metadata)


def _plural(place: Place) -> str:
    plain, _ = _bare(place)
    return {str: "texts", int: "whole numbers", float: "numbers"}.get(plain, "mappings")


def _at_least_one(metadata: list[Any]) -> str:
    return " with at least one entry" if any(isinstance(note, MinLen) for note in metadata) else ""


def _bounds(metadata: list[Any]) -> str:
    words = ((Ge, "ge", "at least"), (Gt, "gt", "more than"), (Le, "le", "at most"), (Lt, "lt", "less than"))
    said = [
        f"{word} {getattr(note, name):,}" for kind, name, word in words for note in metadata if isinstance(note, kind)
    ]
    return f", {' and '.join(said)}" if said else ""


def _inside(place: Place, part: str | int) -> Place:
    """What stands under a key or at an index of a place; None for a key that nobody knows."""
    for member in _members(place):
        plain, _ = _bare(member)
        if get_origin(plain) is list and isinstance(part, int):
            return get_args(plain)[0]
        if get_origin(plain) is dict:
            return get_args(plain)[1]
        if _is_model(plain) and part in _fields(plain):
            return _fields(plain)[str(part)]
    return None


def _members(place: Place) -> list[Place]:
    """The members of a union other than None; what is of one kind, or described as one, is itself."""
    plain, metadata = _bare(place)
    if get_origin(plain) in (Union, types.UnionType) and not any(isinstance(note, Expected) for note in metadata):
        members = [member for member in get_args(plain) if member is not types.NoneType]
        return [Annotated[members[0], *metadata]] if len(members) == 1 and metadata else members
    return [] if plain in (None, types.NoneType) else [place]


def _bare(place: Place) -> tuple[Any, list[Any]]:
    """(annotation, metadata) of a place."""
    if isinstance(place, FieldInfo):
        return place.annotation, place.metadata
    metadata: list[Any] = []
    while get_origin(place) is Annotated:
        place, *more = get_args(place)
        metadata += _flat(more)
    return place, metadata


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for note in metadata:
        yield from note.metadata if isinstance(note, FieldInfo) else [note]


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """By their keys in a recipe."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _is_model(place: Place) -> bool:
    return isinstance(place, type) and issubclass(place, BaseModel)
