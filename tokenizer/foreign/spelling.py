"""How tokenizers of others spell bytes, spaces and parts of words in their pieces."""

import re
from functools import cache

SPACE_PIECE = "\u2581"
BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")


@cache
def byte_characters() -> dict[str, int]:
    """Character -> the byte that GPT-2 spells by it (encoder.py, bytes_to_unicode)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + n): byte for n, byte in enumerate(others)}


def bytes_of_piece(piece: str, byte_level: bool, kind: str = "") -> bytes:
    """What a piece stands for in running text. `kind`: of the model; WordPiece marks what goes on with a word."""
    if byte_level:
        bytes_of = byte_characters()
        return bytes(bytes_of[c] for c in piece) if all(c in bytes_of for c in piece) else piece.encode()
    if kind == "WordPiece":
        return piece[2:].encode() if piece.startswith("##") else f" {piece}".encode()
    if byte := BYTE_PIECE.fullmatch(piece):
        return bytes([int(byte[1], 16)])
    return piece.replace(SPACE_PIECE, " ").encode()


def is_part(piece: str, data: bytes, byte_level: bool) -> bool:
    """Whether a piece is no whole character: bytes of what has no piece of its own, or, of bytes, no UTF-8."""
    if not byte_level:
        return BYTE_PIECE.fullmatch(piece) is not None
    try:
        data.decode()
    except UnicodeDecodeError:
        return True
    return False
