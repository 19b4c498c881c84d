import os
import re
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
import sentencepiece

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.merges.scripts import CHARACTERS
from gristmill.tokenizer.special_ids import FIRST_BYTE, RESERVED, SPECIAL_IDS, WHITESPACE_PIECES
from gristmill.tokenizer.train import LARGEST_ALPHABET, TokenizerInfo, TokenizerOptions, _alphabet, train

KINDS = pytest.mark.parametrize("kind", ["bpe", "unigram"])


def pieces_of(folder):
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    return processor, [processor.id_to_piece(number) for number in range(processor.get_piece_size())]


@KINDS
def test_train__same_texts_same_bytes(texts, tmp_path, kind):
    infos = [train(iter(texts[:100]), TokenizerOptions(kind, 560), tmp_path / name) for name in "ab"]
    assert infos[0] == infos[1] == TokenizerInfo.load(tmp_path / "a")
    for file in ("tokenizer.model", "info.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert train(texts[:99], TokenizerOptions(kind, 560), tmp_path / "c").sha256 != infos[0].sha256


@pytest.mark.process
@KINDS
def test_train__same_bytes_in_other_processes_with_other_cores(texts, tmp_path, kind):
    """Hash seeds and core counts differ between machines; the model must not."""
    (tmp_path / "texts").write_text("\x1e".join(texts), encoding="utf-8")
    code = (
        "import os, sys; from pathlib import Path;"
        "os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:int(sys.argv[3])]);"
        "from gristmill.tokenizer.train import TokenizerOptions, train;"
        "texts = Path(sys.argv[1]).read_text(encoding='utf-8').split('\x1e');"
        "train(texts, TokenizerOptions(sys.argv[4], 580), sys.argv[2])"
    )
    for name, cores, seed in (("a", "1", "1"), ("b", "2", "2"), ("c", "2", "3")):
        arguments = [sys.executable, "-c", code, str(tmp_path / "texts"), str(tmp_path / name), cores, kind]
        subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."})
    assert len({(tmp_path / name / "tokenizer.model").read_bytes() for name in "abc"}) == 1


def test_train__special_ids_are_reserved_controls(encoder):
    processor = encoder.processor
    assert [processor.id_to_piece(number) for number in SPECIAL_IDS.values()] == list(SPECIAL_IDS)
    assert sorted(SPECIAL_IDS.values()) == list(range(112))
    assert all(processor.is_control(number) for name, number in SPECIAL_IDS.items() if name != "<unk>")
    assert processor.is_unknown(SPECIAL_IDS["<unk>"])
    spelt = [processor.id_to_piece(number) for number in range(len(SPECIAL_IDS), FIRST_BYTE)]
    assert spelt == list(WHITESPACE_PIECES)
    assert all(processor.id_to_piece(FIRST_BYTE + byte) == f"<0x{byte:02X}>" for byte in range(256))
    assert all(processor.is_byte(FIRST_BYTE + byte) for byte in range(256))
    assert not any(processor.is_byte(number) or processor.is_control(number) for number in range(RESERVED, 580))


def test_train__golden_special_ids():
    """Models that exist depend on these numbers."""
    names = "<pad> <unk> <bos> <eos> <mask> <sep> <cls> <|system|> <|user|> <|assistant|> <|tool|> <|end|> <extra_0>"
    assert [SPECIAL_IDS[name] for name in names.split()] == list(range(13))
    assert SPECIAL_IDS["<extra_99>"] == 111
    assert (FIRST_BYTE, RESERVED) == (115, 371)


def test_train__no_piece_mixes_scripts_digits_or_inner_spaces(encoder):
    learnt = [encoder.processor.id_to_piece(number) for number in range(RESERVED, encoder.vocabulary)]
    assert any(len(piece) > 2 for piece in learnt)
    for piece in learnt:
        names = {unicodedata.name(character).split()[0] for character in piece.lstrip("▁")}
        assert not {"LATIN", "CJK"} <= names, piece
        assert not ({"LATIN", "CJK"} & names and {"COMMA", "IDEOGRAPHIC", "FULL", "LEFT"} & names), piece
        assert len(piece) == 1 or not re.search(r"[0-9０-９]", piece), piece
        assert "▁" not in piece.lstrip("▁"), piece


@KINDS
def test_train__too_large_a_vocabulary_names_the_largest_possible(texts, tmp_path, kind):
    with pytest.raises(ValueError, match=r"vocabulary of 30000 .* largest possible is \d+") as caught:
        train(texts[:20], TokenizerOptions(kind, 30_000), tmp_path)
    assert not (tmp_path / "tokenizer.model").exists()
    largest = int(re.search(r"is (\d+)$", str(caught.value)).group(1))
    info = train(texts[:20], TokenizerOptions(kind, largest), tmp_path)
    assert info.vocabulary == largest == len(pieces_of(tmp_path)[1])
    with pytest.raises(ValueError, match=f"largest possible is {largest}"):
        train(texts[:20], TokenizerOptions(kind, largest + 1), tmp_path)


@KINDS
def test_train__too_large_a_vocabulary_can_be_lowered_to_the_largest_possible(texts, tmp_path, kind):
    info = train(texts[:20], TokenizerOptions(kind, 30_000, lower=True), tmp_path)
    assert (info.asked, info.vocabulary) == (30_000, len(pieces_of(tmp_path)[1]))
    assert TokenizerInfo.load(tmp_path) == info
    again = train(texts[:20], TokenizerOptions(kind, info.vocabulary, lower=True), tmp_path)
    assert (again.asked, again.sha256) == (None, info.sha256)


@pytest.mark.parametrize("text", ["a", "好", "\n\n好\n", "<mask>", "a b"])
def test_train__hardly_any_text_gives_a_tokenizer_of_hardly_any_pieces(tmp_path, text):
    info = train([text], TokenizerOptions("bpe", 32_000, lower=True), tmp_path)
    assert RESERVED <= info.vocabulary < RESERVED + 20
    encoder = Encoder(tmp_path)
    assert encoder.decode(encoder.ids("a 好 b")) == "a 好 b"


def test_train__too_small_a_vocabulary_names_the_smallest_possible(tmp_path):
    texts = ["".join(map(chr, range(0x4E00, 0x4E00 + 1000))) * 2]
    with pytest.raises(ValueError, match=r"too small for the 1001 characters .* smallest possible is \d+") as caught:
        train(texts, TokenizerOptions("bpe", 600), tmp_path)
    smallest = int(re.search(r"is (\d+)$", str(caught.value)).group(1))
    assert train(texts, TokenizerOptions("bpe", smallest), tmp_path).vocabulary == smallest
    with pytest.raises(ValueError, match="too small"):
        train(texts, TokenizerOptions("bpe", smallest - 1), tmp_path)


def test_train__many_characters_leave_room_for_words(texts, tmp_path):
    rare = "".join(map(chr, range(0x5000, 0x5000 + 250)))
    info = train([*texts, rare], TokenizerOptions("bpe", 700, 1.0), tmp_path)
    _, pieces = pieces_of(tmp_path)
    alphabet = [piece for piece in pieces[RESERVED:] if len(piece) == 1]
    assert len(alphabet) == info.training["alphabet"] <= LARGEST_ALPHABET * (700 - RESERVED)
    assert 0.98 < info.training["character_coverage"] < 1
    encoder = Encoder(tmp_path)
    assert encoder.decode(encoder.ids(rare)) == rare


def test_train__alphabet_is_counted_as_sentencepiece_does(texts, tmp_path):
    for coverage in (0.99, 0.9995, 1.0):
        info = train(texts, TokenizerOptions("bpe", 800, coverage), tmp_path)
        assert sum(len(piece) == 1 for piece in pieces_of(tmp_path)[1][RESERVED:]) == info.training["alphabet"]


def test_alphabet__shares_are_compared_in_single_precision_as_sentencepiece_does():
    """In double precision the second character would come before the 0.9995 are full."""
    counts = np.zeros(CHARACTERS, np.int64)
    counts[[ord("a"), ord("b")]] = 99_949_999, 50_001
    alphabet, coverage = _alphabet(counts, TokenizerOptions("bpe", 1000))
    assert (list(map(chr, alphabet)), coverage) == (["a", "▁"], 0.9995)


@KINDS
def test_train__lines_beyond_the_limit_are_learnt(texts, tmp_path, kind):
    """SentencePiece alone skips them: then Ж, ж and 鏡 would have no piece."""
    long_lines = ["Жж" * 3000, "Ж" * 9000, "磨坊鏡子" * 2500]
    info = train([*texts[:100], *long_lines], TokenizerOptions(kind, 580), tmp_path)
    _, pieces = pieces_of(tmp_path)
    assert {"Ж", "ж", "鏡"} <= set(pieces)
    assert any(len(piece) > 1 and set(piece) <= {"Ж", "ж"} for piece in pieces)
    assert info.training["documents"] == 103
    assert info.training["bytes"] == sum(len(text.encode()) for text in [*texts[:100], *long_lines])


@KINDS
def test_train__characters_that_sentencepiece_reserves_lose_no_line(texts, tmp_path, kind):
    """A line with U+2585 is skipped by SentencePiece alone; NUL, tab and U+2581 have meanings of their own there."""
    marked = ["\0▅Жж" * 50 + "▁\tДд" * 50]
    train([*texts[:100], *marked], TokenizerOptions(kind, 580), tmp_path)
    assert {"Ж", "ж", "Д", "д"} <= set(pieces_of(tmp_path)[1])
    encoder = Encoder(tmp_path)
    assert encoder.decode(encoder.ids(marked[0])) == marked[0]


@pytest.mark.parametrize("nothing", [[], [""], ["\n\n", "\0"]])
def test_train__no_text_is_an_error(tmp_path, nothing):
    with pytest.raises(ValueError, match="no text"):
        train(nothing, TokenizerOptions(), tmp_path)


@KINDS
def test_train__a_sample_without_spaces_still_learns_the_space(texts, tmp_path, kind):
    """Chinese may hold none. SentencePiece would spell the space by the bytes of U+2581, and read that character."""
    train([text.replace(" ", "") for text in texts], TokenizerOptions(kind, 520, 0.98), tmp_path)
    encoder = Encoder(tmp_path)
    for text in ("水 磨", " ", "  磨  ", "▁ ▁"):
        assert encoder.decode(encoder.ids(text)) == text
