"""Which pieces of a tokenizer of others stand around a document: its own files say it, or the recipe."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.tokenizer.foreign.description import Described, UnknownTokenizerError

EOS_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|end▁of▁sentence|>", "<｜end▁of▁sentence｜>")
BOS_NAMES = ("<|begin_of_text|>", "<s>", "<bos>", "<｜begin▁of▁sentence｜>")
SHOWN = 8


@dataclass(frozen=True)
class Ends:
    """Ids. Where there is no `bos`, the end of the document before stands before one, as with GPT-2."""

    bos: int
    eos: int
    pad: int
    unk: int
    """-1 where every text can be spelt."""

    def as_dict(self) -> dict[str, int]:
        """By the names that shards and info.json have for them."""
        found = {"<bos>": self.bos, "<eos>": self.eos, "<pad>": self.pad, "<unk>": self.unk}
        return {name: number for name, number in found.items() if number >= 0}


def ends_of(described: Described, config: Mapping[str, Any], bos: str | None = None, eos: str | None = None) -> Ends:
    """bos, eos: as the recipe names them; else as tokenizer_config.json does, then by the names that are in use.

    Raises UnknownTokenizerError where nothing says what ends a document, or what is named is outside the vocabulary.
    """
    ids = described.all_ids
    for key, named in (("bos", bos), ("eos", eos)):
        if named is not None and named not in ids:
            raise UnknownTokenizerError(f"`{key}: {named}` is outside its vocabulary; {_special(described)}")
    special = {one.content for one in described.added if one.special}
    last = eos or _named(config, "eos_token", ids) or next((name for name in EOS_NAMES if name in special), None)
    if last is None:
        raise UnknownTokenizerError(
            f"nothing says which token ends a document: write `eos: TOKEN`; {_special(described)}"
        )
    first = bos or _named(config, "bos_token", ids) or next(_first(described, BOS_NAMES, special), last)
    pad = _named(config, "pad_token", ids) or last
    unknown = described.about["model"].get("unk_token")
    return Ends(ids[first], ids[last], ids[pad], -1 if unknown is None else ids.get(unknown, -1))


def sentencepiece_ends(processor: Any, bos: str | None = None, eos: str | None = None) -> Ends:
    """The same of a SentencePiece model, which says it itself. Raises UnknownTokenizerError."""
    ids = {"bos": processor.bos_id(), "eos": processor.eos_id()}
    for key, named in (("bos", bos), ("eos", eos)):
        if named is not None:
            ids[key] = processor.piece_to_id(named)
            if processor.id_to_piece(ids[key]) != named:
                raise UnknownTokenizerError(f"`{key}: {named}` is outside its vocabulary")
    if ids["eos"] < 0:
        raise UnknownTokenizerError("it was trained without an end of documents: write `eos: TOKEN`")
    bos_id, eos_id, pad_id = ids["bos"], ids["eos"], processor.pad_id()
    return Ends(bos_id if bos_id >= 0 else eos_id, eos_id, pad_id if pad_id >= 0 else eos_id, processor.unk_id())


def _first(described: Described, names: tuple[str, ...], special: set[str]) -> Iterator[str]:
    """What the post-processor puts first, then by the names that are in use."""
    after = described.about.get("post_processor") or {}
    steps = after.get("processors", [after])
    for step in steps:
        for part in step.get("single", [])[:1]:
            if (named := part.get("SpecialToken", {}).get("id")) in described.all_ids:
                yield named
    yield from (name for name in names if name in special)


def _named(config: Mapping[str, Any], key: str, ids: Mapping[str, int]) -> str | None:
    """A token of tokenizer_config.json, which spells it alone or with its properties."""
    value = config.get(key)
    value = value.get("content") if isinstance(value, dict) else value
    return value if isinstance(value, str) and value in ids else None


def _special(described: Described) -> str:
    names = [one.content for one in described.added if one.special]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"its special tokens are {', '.join(names[:SHOWN])}{more}" if names else "it has no special token"
