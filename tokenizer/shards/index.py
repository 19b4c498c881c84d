"""tokens/index.json: the shards and the pack plan of each split. Written last, so it names only complete files."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = ("sequence_length", "tokenizer", "splits", "kind")
KINDS = {
    "text": "a document between `<bos>` and `<eos>`",
    "chat": "a conversation, and what of it is learnt (`loss_mask`); a text beside conversations is learnt whole",
    "pairs": "a conversation with the better answer, then the same one with the worse, from `rejected` on",
    "prompts": "a conversation that the assistant is to go on with, and how its answer is checked (`task`, `answer`)",
}
"""Kind of a run's tokens (`kind` in `tokens/index.json`) -> what a row is."""


@dataclass(frozen=True)
class ShardEntry:
    """One token shard. `path` is relative to the folder of the index."""

    path: str
    rows: int
    """Documents."""
    tokens: int
    bytes: int
    """UTF-8 bytes of the documents' text (not of the file): what bits per byte divide by."""
    file_bytes: int
    sha256: str
    """Of the file."""


@dataclass(frozen=True)
class SplitEntry:
    """`train`, `validation` or `test`. `rows`, `tokens` and `padding` describe the pack plan."""

    shards: tuple[ShardEntry, ...]
    plan: str
    """Path of the plan, relative to the folder of the index."""
    rows: int
    """Packed rows of `sequence_length` tokens."""
    tokens: int
    """Tokens of all documents; every one is in exactly one row."""
    padding: float
    """Share of the rows' cells that hold no token."""


@dataclass(frozen=True)
class Index:
    """The whole of index.json. `tokenizer` is the content of info.json."""

    sequence_length: int
    tokenizer: dict[str, Any]
    splits: dict[str, SplitEntry]
    kind: str = "text"
    """What a row of the shards is: one of KINDS. Only texts are cut where a training row ends."""


def write_index(path: str | Path, index: Index) -> None:
    """Write index.json; equal indexes give equal bytes. The caller decides when it appears (receipts, rename)."""
    text = json.dumps(dataclasses.asdict(index), indent=1, sort_keys=True, ensure_ascii=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def read_index(path: str | Path) -> Index:
    """Read index.json. Raises ValueError naming the file and the key that is missing or misspelt, or a foreign kind.

    An index without a kind is of texts: earlier versions wrote no other.
    """
    raw = json.loads(Path(path).read_text(encoding="utf-8"))
    if isinstance(raw, dict):
        raw = {"kind": "text", **raw}
    _check_keys(raw, KEYS, path, "")
    if raw["kind"] not in KINDS:
        raise ValueError(f"{path}: shards of a kind that is none of {', '.join(KINDS)}; a newer version wrote them")
    splits = {name: _split(entry, path, name) for name, entry in raw["splits"].items()}
    return Index(raw["sequence_length"], raw["tokenizer"], splits, raw["kind"])


def _split(raw: dict[str, Any], path: str | Path, name: str) -> SplitEntry:
    _check_keys(raw, _names(SplitEntry), path, f"splits.{name}")
    for number, shard in enumerate(raw["shards"]):
        _check_keys(shard, _names(ShardEntry), path, f"splits.{name}.shards[{number}]")
    return SplitEntry(**{**raw, "shards": tuple(ShardEntry(**shard) for shard in raw["shards"])})


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _check_keys(raw: object, expected: tuple[str, ...], path: str | Path, where: str) -> None:
    """ValueError unless raw is an object with exactly the expected keys."""
    found = set(raw) if isinstance(raw, dict) else set()
    wrong = sorted(found ^ set(expected))
    if wrong:
        place = f"{path} at {where}" if where else str(path)
        raise ValueError(f"{place}: not an index of token shards, missing or unknown keys: {', '.join(wrong)}")
