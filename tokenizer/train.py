"""Train a SentencePiece tokenizer whose ids, options and bytes depend on the texts alone."""

import dataclasses
import hashlib
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sentencepiece

from gristmill.tokenizer.sentences import LIMIT, sentences
from gristmill.tokenizer.special_ids import BOS, CONTROL_PIECES, EOS, PAD, RESERVED, SPECIAL_IDS, UNK, WHITESPACE_PIECES

SPACE_PIECE = "\u2581"
"""How SentencePiece spells a space."""

MODEL_FILE, INFO_FILE = "tokenizer.model", "info.json"

NUM_THREADS = 16
"""Part of the result, not of the machine: unigram training adds up one partial sum of floats per thread."""

LARGEST_ALPHABET = 0.75
"""Share of the learnt pieces that single characters may take. Above it the rarest are left to byte pieces: an alphabet
that fills the vocabulary (Chinese, Japanese and Korean in 8,192 pieces) would leave nothing for words."""

LOWEST_COVERAGE = 0.98
"""SentencePiece accepts no lower character_coverage."""


@dataclass(frozen=True)
class TokenizerOptions:
    """What a recipe says about the tokenizer."""

    model: Literal["bpe", "unigram"] = "bpe"
    vocabulary: int = 8192
    """All ids: reserved ones (special_ids.RESERVED of them) and learnt ones."""
    character_coverage: float = 0.9995
    """Share of the characters of the sample that get a piece of their own; the others become bytes."""
    lower: bool = False
    """Take the largest vocabulary that the texts support, where they support no such one."""


@dataclass(frozen=True)
class TokenizerInfo:
    """info.json: what stands beside tokenizer.model."""

    sha256: str
    """Of tokenizer.model."""
    kind: str
    vocabulary: int
    special_ids: dict[str, int]
    training: dict[str, int | float]
    """documents, bytes, lines, alphabet (characters with a piece), character_coverage (as used)."""
    evaluation: dict[str, dict[str, int | float]] = dataclasses.field(default_factory=dict)
    """evaluate.Figures.as_dict() by language, and "all": dataclasses.replace(info, evaluation=...).save(folder)."""
    asked: int | None = None
    """The vocabulary that was asked for, where the texts did not support it (`TokenizerOptions.lower`)."""

    @classmethod
    def load(cls, folder: str | Path) -> "TokenizerInfo":
        """Read info.json of a folder."""
        return cls(**json.loads((Path(folder) / INFO_FILE).read_text(encoding="utf-8")))

    def save(self, folder: str | Path) -> None:
        """Write info.json; equal infos give equal bytes."""
        text = json.dumps(self.as_dict(), indent=1, sort_keys=True, ensure_ascii=False)
        (Path(folder) / INFO_FILE).write_text(text + "\n", encoding="utf-8")

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for index.json and the manifest."""
        return dataclasses.asdict(self)


def train(texts: Iterable[str], options: TokenizerOptions, folder: str | Path) -> TokenizerInfo:
    """Train on texts and write tokenizer.model and info.json into folder (made if absent).

    The same texts in the same order give the same bytes, on any machine with any number of cores. All texts are held in
    memory: 50 MB of them take 9 s and 1.0 GB (BPE, one core). Raises ValueError when the texts do not support the
    vocabulary, naming the largest possible (with `options.lower` that one is taken), or when their characters alone do
    not fit, naming the smallest.
    """
    documents = 0
    lines: list[str] = []
    text_bytes = 0
    for text in texts:
        documents += 1
        text_bytes += len(text.encode())
        lines.extend(sentences(text))
    if not lines:
        raise ValueError("the tokenizer's sample holds no text")
    alphabet, coverage = _alphabet(lines, options)
    asked = None
    try:
        model = _train_model(lines, options, coverage)
    except TooLargeError as error:
        if not options.lower:
            raise
        asked, options = options.vocabulary, dataclasses.replace(options, vocabulary=error.largest)
        model = _train_model(lines, options, coverage)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model)
    figures = {"documents": documents, "bytes": text_bytes, "lines": len(lines), "alphabet": alphabet,
               "character_coverage": coverage}  # fmt: skip
    sha256 = hashlib.sha256(model).hexdigest()
    info = TokenizerInfo(sha256, options.model, options.vocabulary, SPECIAL_IDS, figures, asked=asked)
    info.save(folder)
    return info


class TooLargeError(ValueError):
    """The vocabulary is more than the texts support."""

    def __init__(self, asked: int, largest: int) -> None:
        self.largest = largest
        super().__init__(
            f"a vocabulary of {asked} is more than the tokenizer's sample supports; the largest possible is {largest}"
        )


def _train_model(lines: Sequence[str], options: TokenizerOptions, coverage: float) -> bytes:
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.Train(
            sentence_iterator=iter(lines),
            model_writer=model,
            model_type=options.model,
            vocab_size=options.vocabulary,
            character_coverage=coverage,
            required_chars=SPACE_PIECE,  # Chinese may hold none, and as bytes it would come back as U+2581
            max_sentence_length=LIMIT,
            num_threads=NUM_THREADS,
            byte_fallback=True,
            split_digits=True,
            split_by_unicode_script=True,  # no piece holds Latin and Han, or a letter and punctuation
            allow_whitespace_only_pieces=True,  # indentation
            # The text is taken as it is, so that it comes back as it was: no NFKC, no space added or removed.
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            pad_id=PAD, unk_id=UNK, bos_id=BOS, eos_id=EOS,
            pad_piece="<pad>", unk_piece="<unk>", bos_piece="<bos>", eos_piece="<eos>",
            control_symbols=list(CONTROL_PIECES),
            user_defined_symbols=list(WHITESPACE_PIECES),
            minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        largest = re.search(r"too high \(\d+\)\. Please set it to a value <= (\d+)", str(error))
        if largest is None:
            raise
        raise TooLargeError(options.vocabulary, int(largest.group(1))) from error
    return model.getvalue()


def _alphabet(lines: Sequence[str], options: TokenizerOptions) -> tuple[int, float]:
    """(characters that get a piece, character coverage to ask SentencePiece for), as it counts them itself."""
    counts = np.zeros(0x110000, np.int64)
    for begin in range(0, len(lines), 10_000):
        points = np.frombuffer("".join(lines[begin : begin + 10_000]).encode("utf-32-le"), np.uint32)
        counts += np.bincount(points, minlength=len(counts))
    space, counts[ord(" ")] = counts[ord(" ")], 0
    counts = np.concatenate([[space], np.sort(counts[counts > 0])[::-1]])  # required characters come first
    share_before = np.concatenate([[0.0], np.cumsum(counts)[:-1] / counts.sum()])
    learnt = options.vocabulary - RESERVED
    coverage = options.character_coverage
    if np.count_nonzero(share_before < coverage) > LARGEST_ALPHABET * learnt:
        coverage = max(LOWEST_COVERAGE, float(share_before[max(0, int(LARGEST_ALPHABET * learnt))]))
    alphabet = int(np.count_nonzero(share_before < coverage))
    if alphabet > learnt:
        raise ValueError(
            f"a vocabulary of {options.vocabulary} is too small for the {len(counts)} characters of the tokenizer's "
            f"sample; the smallest possible is {RESERVED + np.count_nonzero(share_before < LOWEST_COVERAGE)}"
        )
    return alphabet, coverage
