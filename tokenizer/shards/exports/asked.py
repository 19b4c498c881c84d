"""What is to be exported, as every format is given it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gristmill.tokenizer.shards.exports.contents import Split
from gristmill.tokenizer.shards.exports.writing import Entry, Made, Output

DOCUMENTS, ROWS, TEXT = "documents", "rows", "text"
CONTENTS = {
    DOCUMENTS: "the token ids of every document, whole",
    ROWS: "the training rows of the pack plan, in their order, without padding",
    TEXT: "the clean text of every document",
}


class UnfitError(ValueError):
    """The format cannot hold what is to be exported. `fix` says what to do."""

    def __init__(self, what: str, fix: str) -> None:
        self.fix = fix
        super().__init__(what)


@dataclass(frozen=True)
class Counted:
    """How much of a split is of one source and language."""

    split: str
    source: str
    lang: str
    documents: int
    bytes: int


@dataclass(frozen=True)
class Asked:
    """What is to be exported. Splits without documents are left out by whoever asks."""

    name: str
    """Of the run."""
    content: str
    """One of CONTENTS."""
    splits: Sequence[Split]
    kind: str = "text"
    """Of the tokens: index.KINDS."""
    vocabulary: int = 0
    special_ids: Mapping[str, int] = field(default_factory=dict)
    counted: Sequence[Counted] = ()
    tokenizer: Sequence[Path] = ()
    """Files of the tokenizer, which go along with token ids."""

    def tokenizer_files(self) -> list[Output]:
        """The tokenizer, in a folder of that name."""
        return [in_pieces(f"tokenizer/{path.name}", [partial(_content, path)]) for path in self.tokenizer]


def whole(path: str, make: Callable[[Mapping[str, Entry]], bytes | memoryview]) -> Output:
    """A file that is made at once."""
    return Output(path, [lambda done: [make(done)]])


def in_pieces(path: str, pieces: Iterable[Callable[[], Made]]) -> Output:
    """A file of pieces that know nothing of other files."""
    return Output(path, [partial(_alone, piece) for piece in pieces])


def _alone(piece: Callable[[], Made], _: Mapping[str, Entry]) -> Made:
    return piece()


def _content(path: Path) -> Made:
    return [path.read_bytes()]


def needs_all_learnt(asked: Asked, reader: str) -> None:
    """Raises UnfitError for tokens of which only some are learnt, where the format has no place to say which."""
    if asked.kind != "text":
        raise UnfitError(
            f"the run's tokens are of the kind '{asked.kind}', and {reader} would learn all of them",
            "use --to mds, hf or webdataset, which hold `loss_mask` and the other columns",
        )
