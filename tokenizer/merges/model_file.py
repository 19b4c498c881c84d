"""A SentencePiece model with other pieces: protocol buffers (sentencepiece_model.proto), as far as that needs.

The module that SentencePiece ships for it wants a newer protobuf than Beam has.
"""

import struct
from collections.abc import Iterator, Sequence

PIECE, TRAINER_SPEC = 1, 2
"""Fields of ModelProto."""
VOCABULARY = 4
"""Field of TrainerSpec."""
TEXT, SCORE = 1, 2
"""Fields of a piece; one without a type is a normal one."""
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def with_pieces(model: bytes, kept: int, pieces: Sequence[str]) -> bytes:
    """The model with its first `kept` pieces and these behind them, each scored below the one before."""
    fields = list(_fields(model))
    first = [data for number, _, data in fields if number == PIECE][:kept]
    learnt = [_field(PIECE, _piece(text, -float(place))) for place, text in enumerate(pieces)]
    others = [
        _field(TRAINER_SPEC, _with_vocabulary(value, kept + len(pieces))) if number == TRAINER_SPEC else data
        for number, value, data in fields
        if number != PIECE
    ]
    return b"".join([*first, *learnt, *others])


def _piece(text: str, score: float) -> bytes:
    return _field(TEXT, text.encode()) + bytes([SCORE << 3 | FIXED32]) + struct.pack("<f", score)


def _with_vocabulary(trainer_spec: bytes, size: int) -> bytes:
    parts = [
        bytes([VOCABULARY << 3 | VARINT]) + _varint(size) if number == VOCABULARY else data
        for number, _, data in _fields(trainer_spec)
    ]
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(number, value of one that has a length, all its bytes) of each field."""
    at = 0
    while at < len(message):
        key, begin = _read_varint(message, at)
        wire = key & 7
        if wire == VARINT:
            _, end = _read_varint(message, begin)
        elif wire == LENGTH:
            size, begin = _read_varint(message, begin)
            end = begin + size
        else:
            end = begin + {FIXED64: 8, FIXED32: 4}[wire]
        yield key >> 3, message[begin:end], message[at:end]
        at = end


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | LENGTH]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(the number, where what follows it begins)."""
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
