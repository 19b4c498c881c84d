"""What a tokenizer.json says (the format of the library `tokenizers`), read without that library."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gristmill.tokenizer.foreign.spelling import byte_characters, bytes_of_piece
from gristmill.tokenizer.foreign.splits import GPT2, PATTERNS
from gristmill.tokenizer.models.vocabulary import NONE

KINDS = ("BPE", "Unigram", "WordPiece", "WordLevel")


class UnknownTokenizerError(ValueError):
    """A file that is no tokenizer of a known kind, or one that contradicts itself."""


@dataclass(frozen=True)
class Added:
    """A piece that is looked for in a text before the model sees it."""

    id: int
    content: str
    special: bool
    """It stands around documents and turns. What spells it in a text is text here."""
    plain: bool
    """It is found wherever it stands, and nothing around it goes with it."""


@dataclass(frozen=True)
class Described:
    """A tokenizer.json. `ids` and `added` together are the vocabulary."""

    about: Mapping[str, Any]
    kind: str
    ids: Mapping[str, int]
    """Piece of the model -> id."""
    added: tuple[Added, ...]

    @cached_property
    def all_ids(self) -> dict[str, int]:
        """Every piece, special ones too."""
        return {**self.ids, **{one.content: one.id for one in self.added}}

    @property
    def vocabulary(self) -> int:
        """Ids from 0 to the largest one."""
        return 1 + max(self.all_ids.values())

    @property
    def is_byte_level(self) -> bool:
        """Whether pieces are bytes, each spelt as a character (GPT-2)."""
        return '"ByteLevel"' in json.dumps([self.about.get("pre_tokenizer"), self.about.get("decoder")])

    @cached_property
    def bytes_of(self) -> dict[int, bytes]:
        """Id -> the bytes that it stands for; of added pieces their own."""
        found = {number: bytes_of_piece(piece, self.is_byte_level, self.kind) for piece, number in self.ids.items()}
        return found | {one.id: one.content.encode() for one in self.added}

    @property
    def nfc(self) -> bool:
        """Whether texts are brought into NFC first."""
        return _only(self.about.get("normalizer"), "normalizers") == {"type": "NFC"}

    def split(self) -> int | None:
        """Of splits.PATTERNS, the one by which this byte-level BPE cuts texts; None where our loops do not know it."""
        model, normalizer = self.about["model"], _only(self.about.get("normalizer"), "normalizers")
        if self.kind != "BPE" or any(model.get(name) for name in _CHANGES_MERGING) or normalizer not in (None, NFC):
            return None
        if not all(one.plain for one in self.added if not one.special) or self.vocabulary >= NONE:
            return None
        if not all(character in self.ids for character in byte_characters()):
            return None
        return _split(self.about.get("pre_tokenizer"))

    def merges(self) -> list[tuple[int, int, int]]:
        """(left, right, made) by rank. Raises UnknownTokenizerError where one is of pieces that there are not."""
        ranks: dict[tuple[str, str], int] = {}
        for rank, merge in enumerate(self.about["model"]["merges"]):
            left, right = merge.split(" ") if isinstance(merge, str) else merge
            ranks[left, right] = rank
        try:
            ordered = sorted(ranks, key=ranks.__getitem__)
            return [(self.ids[left], self.ids[right], self.ids[left + right]) for left, right in ordered]
        except KeyError as error:
            raise UnknownTokenizerError(f"it merges pieces into {error}, which is outside its vocabulary") from error


NFC = {"type": "NFC"}
_CHANGES_MERGING = ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")


def describe(raw: bytes) -> Described:
    """A tokenizer.json. Raises UnknownTokenizerError that says what is wrong with it."""
    try:
        about = json.loads(raw)
        model = about["model"]
        kind = model.get("type") or ("BPE" if "merges" in model else "")
        added = about.get("added_tokens") or []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownTokenizerError("it is no tokenizer.json of the library tokenizers") from error
    if kind not in KINDS:
        raise UnknownTokenizerError(f"its model is of an unknown kind, {kind!r}; known are {', '.join(KINDS)}")
    try:
        vocabulary = model["vocab"]
        ids = {one[0]: n for n, one in enumerate(vocabulary)} if kind == "Unigram" else dict(vocabulary)
        normalized = about.get("normalizer") is not None
        found = tuple(_added(one, normalized) for one in added)
        described = Described(about, kind, ids, found)
        if min(described.all_ids.values()) < 0:
            raise UnknownTokenizerError("an id is below 0")
        return described
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        if isinstance(error, UnknownTokenizerError):
            raise
        raise UnknownTokenizerError("its vocabulary cannot be read") from error


def _added(one: Mapping[str, Any], normalized: bool) -> Added:
    changed = any(one.get(name) for name in ("single_word", "lstrip", "rstrip"))
    plain = not changed and not (normalized and one.get("normalized"))
    return Added(int(one["id"]), str(one["content"]), bool(one.get("special")), plain)


def _split(cutter: Any) -> int | None:
    """The pattern of a pre-tokenizer that cuts a text and then spells its bytes."""
    if cutter is None:
        return None
    steps = cutter["pretokenizers"] if cutter.get("type") == "Sequence" else [cutter]
    if not steps or steps[-1].get("type") != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    cuts = steps[-1].get("use_regex", True)
    if len(steps) == 1:
        return GPT2 if cuts else None
    first = steps[0]
    plain = first.get("type") == "Split" and first.get("behavior") == "Isolated" and not first.get("invert")
    if len(steps) > 2 or cuts or not plain:
        return None
    return PATTERNS.get(first["pattern"].get("Regex", ""))


def _only(step: Any, inner: str) -> Any:
    """A step; of a sequence that has one or none, that one."""
    if isinstance(step, dict) and step.get("type") == "Sequence" and len(step[inner]) < 2:
        return next(iter(step[inner]), None)
    return step
