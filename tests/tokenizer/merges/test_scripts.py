"""The shipped table is the one that the installed SentencePiece has."""

import random
import re
from itertools import pairwise

import sentencepiece

from gristmill.tokenizer.merges.scripts import ANY, scripts
from gristmill.tokenizer.special_ids import RESERVED
from gristmill.tokenizer.train import TokenizerOptions, TooLargeError, _sentencepiece


def test_scripts__kana_are_han_and_marks_any():
    table = scripts()
    assert len({int(table[ord(character)]) for character in "磨のノー"}) == 1
    assert table[0x301] == ANY
    assert len({int(table[ord(character)]) for character in "aЖ磨，"}) == 4


def test_scripts__as_sentencepiece_has_them():
    """Two characters side by side become a piece where both are of one script: tried for a few of every script, and for
    characters that newer versions of Unicode have moved."""
    table = scripts()
    draw = random.Random(2)
    by_script = {}
    for point, number in enumerate(table.tolist()):
        if chr(point).isprintable() and not re.match(r"[ 0-9０-９▁▅]", chr(point)):
            by_script.setdefault(number, []).append(chr(point))
    chosen = [
        character for characters in by_script.values() for character in draw.sample(characters, min(3, len(characters)))
    ]
    chosen += draw.sample(by_script[1], 300) + draw.sample(by_script[ANY], 30)
    chosen = list(dict.fromkeys(chosen))
    pairs = list(pairwise(chosen)) + list(pairwise(draw.sample(chosen, len(chosen))))
    lines = [f"{one}{other}" for one, other in dict.fromkeys(pairs)]
    try:
        _sentencepiece(lines, TokenizerOptions("bpe", 9000), 1.0)
        raise AssertionError("the pairs fill the vocabulary")
    except TooLargeError as error:
        model = _sentencepiece(lines, TokenizerOptions("bpe", error.largest), 1.0)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = {processor.id_to_piece(number) for number in range(RESERVED, processor.get_piece_size())}
    for one, other in dict.fromkeys(pairs):
        numbers = {int(table[ord(one)]), int(table[ord(other)])}
        assert (one + other in pieces) == (len(numbers - {ANY}) <= 1), (hex(ord(one)), hex(ord(other)))
