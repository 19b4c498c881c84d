import sentencepiece

from gristmill.tokenizer.merges.model_file import with_pieces
from gristmill.tokenizer.special_ids import RESERVED
from gristmill.tokenizer.train import TokenizerOptions, _sentencepiece

LINES = ["河边的磨坊 the mill by the river"] * 3


def model(vocabulary):
    return _sentencepiece(LINES, TokenizerOptions("bpe", vocabulary), 1.0)


def test_with_pieces__its_own_pieces_give_its_own_bytes():
    data = model(400)
    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    pieces = [processor.id_to_piece(number) for number in range(RESERVED, 400)]
    assert with_pieces(data, RESERVED, pieces) == data
    assert with_pieces(model(395), RESERVED, pieces) == data  # the vocabulary's size is written, too


def test_with_pieces__many_pieces_are_read_with_their_scores():
    pieces = [*map(chr, range(0x4E00, 0x4E00 + 20_000)), "▁", "a" * 200]
    processor = sentencepiece.SentencePieceProcessor(model_proto=with_pieces(model(400), RESERVED, pieces))
    assert processor.get_piece_size() == RESERVED + len(pieces)
    assert [processor.id_to_piece(RESERVED + n) for n in range(len(pieces))] == pieces
    assert [processor.get_score(RESERVED + n) for n in (0, 1, 20_001)] == [0.0, -1.0, -20_001.0]
    assert all(processor.is_byte(number) for number in range(RESERVED - 256, RESERVED))
