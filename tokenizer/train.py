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

from gristmill.tokenizer.merges.learn import learn
from gristmill.tokenizer.merges.model_file import with_pieces
from gristmill.tokenizer.merges.scripts import CHARACTERS
from gristmill.tokenizer.merges.words import END, batches, count_words
from gristmill.tokenizer.sentences import LIMIT, NEVER_LEARNT, sentences
from gristmill.tokenizer.special_ids import BOS, CONTROL_PIECES, EOS, PAD, RESERVED, SPECIAL_IDS, UNK, WHITESPACE_PIECES

SPACE_PIECE = "\u2581"
"""How SentencePiece spells a space."""

MODEL_FILE, JSON_FILE, INFO_FILE = "tokenizer.model", "tokenizer.json", "info.json"

BYTE_BPE, SENTENCEPIECE, LIBRARY = "byte_bpe", "sentencepiece", "tokenizers"
FOREIGN = (BYTE_BPE, SENTENCEPIECE, LIBRARY)
"""Kinds of tokenizers that others trained: by what encodes (foreign/)."""

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
    """info.json: what stands beside tokenizer.model, or the tokenizer.json of somebody else."""

    sha256: str
    """Of that file."""
    kind: str
    vocabulary: int
    special_ids: dict[str, int]
    training: dict[str, int | float]
    """documents, bytes, words (BPE: distinct ones) or lines (unigram), alphabet (characters with a piece),
    character_coverage (as used)."""
    evaluation: dict[str, dict[str, int | float]] = dataclasses.field(default_factory=dict)
    """evaluate.Figures.as_dict() by language, and "all": dataclasses.replace(info, evaluation=...).save(folder)."""
    asked: int | None = None
    """The vocabulary that was asked for, where the texts did not support it (`TokenizerOptions.lower`)."""

    @property
    def is_foreign(self) -> bool:
        """Whether others trained it."""
        return self.kind in FOREIGN

    @property
    def file(self) -> str:
        """The name of the file that `sha256` is of."""
        return file_of(self.kind)

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


def file_of(kind: str) -> str:
    """The name of the file of a tokenizer of a kind."""
    return JSON_FILE if kind in (BYTE_BPE, LIBRARY) else MODEL_FILE


def train(texts: Iterable[str], options: TokenizerOptions, folder: str | Path) -> TokenizerInfo:
    """Train on texts and write tokenizer.model and info.json into folder (made if absent).

    The same texts in the same order give the same bytes, on any machine with any number of cores. All texts are held in
    memory: 25 MB of them take 1.5 s and 0.3 GB (BPE, one core). Raises ValueError when the texts do not support the
    vocabulary, naming the largest possible (with `options.lower` that one is taken), or when their characters alone do
    not fit, naming the smallest.
    """
    texts = list(texts)
    count_C = _character_counts(texts)
    if not count_C.any():
        raise ValueError("the tokenizer's sample holds no text")
    alphabet, coverage = _alphabet(count_C, options)
    train_model = _train_bpe if options.model == "bpe" else _train_unigram
    try:
        model, read = train_model(texts, alphabet, options, coverage)
        asked = None
    except TooLargeError as error:
        if not options.lower:
            raise
        asked, options = options.vocabulary, dataclasses.replace(options, vocabulary=error.largest)
        model, read = train_model(texts, alphabet, options, coverage)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(model)
    figures = {"documents": len(texts), "bytes": sum(len(text.encode()) for text in texts), **read,
               "alphabet": len(alphabet), "character_coverage": coverage}  # fmt: skip
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


def _train_bpe(
    texts: Sequence[str], alphabet: np.ndarray, options: TokenizerOptions, coverage: float
) -> tuple[bytes, dict[str, int]]:
    """(the model, what was read). The merges are ours; the file is what SentencePiece writes with the same options."""
    words = count_words(texts, alphabet)
    read = {"words": int(np.count_nonzero(words.symbol_N == END)) - 1}
    wanted = options.vocabulary - RESERVED - len(alphabet)
    learnt = learn(words, alphabet, wanted)
    if len(learnt) < wanted:
        raise TooLargeError(options.vocabulary, options.vocabulary - wanted + len(learnt))
    smallest = dataclasses.replace(options, vocabulary=RESERVED + len(SPACE_PIECE + "a"))
    return with_pieces(_sentencepiece(["a"], smallest, coverage), RESERVED, [*learnt, *map(chr, alphabet)]), read


def _train_unigram(
    texts: Sequence[str], alphabet: np.ndarray, options: TokenizerOptions, coverage: float
) -> tuple[bytes, dict[str, int]]:
    """(the model, what was read)."""
    lines = [line for text in texts for line in sentences(text)]
    return _sentencepiece(lines, options, coverage), {"lines": len(lines)}


def _sentencepiece(lines: Sequence[str], options: TokenizerOptions, coverage: float) -> bytes:
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


def _character_counts(texts: Sequence[str]) -> np.ndarray:
    """int64[CHARACTERS]: how often each occurs that may be learnt, by code point; a space stands as U+2581."""
    count_C = np.zeros(CHARACTERS, np.int64)
    for points in batches(texts):
        count_C += np.bincount(points, minlength=CHARACTERS)
    count_C[[ord(character) for character in NEVER_LEARNT]] = 0
    count_C[ord(SPACE_PIECE)], count_C[ord(" ")] = count_C[ord(" ")], 0
    return count_C


def _alphabet(count_C: np.ndarray, options: TokenizerOptions) -> tuple[np.ndarray, float]:
    """(code points that get a piece, the most frequent first; the character coverage to ask SentencePiece for, which
    chooses the same)."""
    points = np.flatnonzero(count_C)
    points = points[np.argsort(-count_C[points], kind="stable")]
    points = np.concatenate([[ord(SPACE_PIECE)], points[points != ord(SPACE_PIECE)]])  # it has a piece in any case
    counts = count_C[points]
    # In the precision in which SentencePiece compares them (trainer_interface.cc, LoadSentences).
    share_before = np.concatenate([[0.0], np.cumsum(counts)[:-1] / counts.sum()]).astype(np.float32)
    learnt = options.vocabulary - RESERVED
    coverage = options.character_coverage
    if np.count_nonzero(share_before < np.float32(coverage)) > LARGEST_ALPHABET * learnt:
        coverage = max(LOWEST_COVERAGE, float(share_before[max(0, int(LARGEST_ALPHABET * learnt))]))
    alphabet = points[share_before < np.float32(coverage)]
    if len(alphabet) > learnt:
        smallest = RESERVED + np.count_nonzero(share_before < np.float32(LOWEST_COVERAGE))
        raise ValueError(
            f"a vocabulary of {options.vocabulary} is too small for the {len(counts)} characters of the tokenizer's "
            f"sample; the smallest possible is {smallest}"
        )
    return alphabet[np.lexsort([alphabet, -count_C[alphabet]])], coverage
