"""The decoders of the WHATWG Encoding standard, byte by byte as its steps say: slow, and the truth of the tests.

A handler gets a byte (None at the end) and gives a code point, a tuple of them, ERROR or CONTINUE, and the bytes that
it puts back.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from gristmill.pipelines.read.encodings import make_indexes

ERROR, CONTINUE = -1, -2
Step = tuple[int | tuple[int, ...], list[int]]
Handler = Callable[[int | None], Step]


@cache
def index(name: str) -> dict[int, int]:
    """Code points by pointer."""
    with np.load(Path(make_indexes.__file__).with_name("indexes.npz")) as tables:
        points = tables[name]
    if name in make_indexes.TWO_BYTES:
        points = np.cumsum(points)
    return {pointer: int(point) for pointer, point in enumerate(points) if point}


@cache
def ranges() -> list[tuple[int, int]]:
    with np.load(Path(make_indexes.__file__).with_name("indexes.npz")) as tables:
        return [(int(pointer), int(point)) for pointer, point in tables["gb18030-ranges"]]


def decode(data: bytes, encoding: str) -> str:
    """ "Process a queue", error mode "replacement"."""
    handler = HANDLERS.get(encoding, lambda: single_byte(encoding))()
    queue: list[int] = list(reversed(data))
    out: list[int] = []
    while True:
        byte = queue.pop() if queue else None
        result, restored = handler(byte)
        queue += reversed(restored)
        if byte is None and result == CONTINUE:
            return "".join(map(chr, out))
        if result == ERROR:
            out.append(0xFFFD)
        elif isinstance(result, tuple):
            out += result
        elif result != CONTINUE:
            out.append(result)


def single_byte(encoding: str) -> Handler:
    points = index({"iso-8859-8-i": "iso-8859-8"}.get(encoding, encoding))

    def handle(byte: int | None) -> Step:
        if byte is None:
            return CONTINUE, []
        if byte < 0x80:
            return byte, []
        return points.get(byte - 0x80, ERROR), []

    return handle


def user_defined() -> Handler:
    return lambda byte: (CONTINUE if byte is None else byte if byte < 0x80 else 0xF780 + byte - 0x80, [])


def gb18030() -> Handler:
    held: list[int] = []

    def range_point(pointer: int) -> int:
        if 39419 < pointer < 189000 or pointer > 1237575:
            return ERROR
        if pointer == 7457:
            return 0xE7C7
        offset, point = max(row for row in ranges() if row[0] <= pointer)
        return point + pointer - offset

    def handle(byte: int | None) -> Step:
        if byte is None:
            broken = bool(held)
            held.clear()
            return (ERROR if broken else CONTINUE), []
        if len(held) == 3:
            first, second, third = held
            held.clear()
            if not 0x30 <= byte <= 0x39:
                return ERROR, [second, third, byte]
            return range_point((first - 0x81) * 12600 + (second - 0x30) * 1260 + (third - 0x81) * 10 + byte - 0x30), []
        if len(held) == 2:
            if 0x81 <= byte <= 0xFE:
                held.append(byte)
                return CONTINUE, []
            second = held[1]
            held.clear()
            return ERROR, [second, byte]
        if len(held) == 1:
            if 0x30 <= byte <= 0x39:
                held.append(byte)
                return CONTINUE, []
            lead = held.pop()
            offset = 0x40 if byte < 0x7F else 0x41
            pointer = (lead - 0x81) * 190 + byte - offset if 0x40 <= byte <= 0x7E or 0x80 <= byte <= 0xFE else None
            point = index("gb18030").get(pointer) if pointer is not None else None
            return (point, []) if point is not None else (ERROR, [byte] if byte < 0x80 else [])
        if byte < 0x80:
            return byte, []
        if byte == 0x80:
            return 0x20AC, []
        if 0x81 <= byte <= 0xFE:
            held.append(byte)
            return CONTINUE, []
        return ERROR, []

    return handle


BIG5_MARKED = {1133: (0xCA, 0x304), 1135: (0xCA, 0x30C), 1164: (0xEA, 0x304), 1166: (0xEA, 0x30C)}


def two_bytes(
    pointer_of: Callable[[int, int], int | None], points: str, single: Callable[[int], int | None]
) -> Handler:
    """Big5, EUC-KR and Shift_JIS. `single`: what a byte is by itself, None where it leads."""
    held: list[int] = []

    def handle(byte: int | None) -> Step:
        if byte is None:
            broken = bool(held)
            held.clear()
            return (ERROR if broken else CONTINUE), []
        if held:
            pointer = pointer_of(held.pop(), byte)
            if points == "big5" and pointer in BIG5_MARKED:
                return BIG5_MARKED[pointer], []
            if single is shift_jis_single and pointer is not None and 8836 <= pointer <= 10715:
                return 0xE000 - 8836 + pointer, []
            point = None if pointer is None else index(points).get(pointer)
            return (point, []) if point is not None else (ERROR, [byte] if byte < 0x80 else [])
        alone = single(byte)
        if alone is None:
            held.append(byte)
            return CONTINUE, []
        return alone, []

    return handle


def plain_single(byte: int) -> int | None:
    return byte if byte < 0x80 else None if 0x81 <= byte <= 0xFE else ERROR


def shift_jis_single(byte: int) -> int | None:
    if byte <= 0x80:
        return byte
    if 0xA1 <= byte <= 0xDF:
        return 0xFF61 - 0xA1 + byte
    return None if 0x81 <= byte <= 0x9F or 0xE0 <= byte <= 0xFC else ERROR


def big5_pointer(lead: int, byte: int) -> int | None:
    if 0x40 <= byte <= 0x7E or 0xA1 <= byte <= 0xFE:
        return (lead - 0x81) * 157 + byte - (0x40 if byte < 0x7F else 0x62)
    return None


def euc_kr_pointer(lead: int, byte: int) -> int | None:
    return (lead - 0x81) * 190 + byte - 0x41 if 0x41 <= byte <= 0xFE else None


def shift_jis_pointer(lead: int, byte: int) -> int | None:
    if 0x40 <= byte <= 0x7E or 0x80 <= byte <= 0xFC:
        return (lead - (0x81 if lead < 0xA0 else 0xC1)) * 188 + byte - (0x40 if byte < 0x7F else 0x41)
    return None


def euc_jp() -> Handler:
    held: list[int] = []
    state = {"jis0212": False}

    def handle(byte: int | None) -> Step:
        if byte is None:
            broken = bool(held)
            held.clear()
            return (ERROR if broken else CONTINUE), []
        if held == [0x8E] and 0xA1 <= byte <= 0xDF:
            held.clear()
            return 0xFF61 - 0xA1 + byte, []
        if held == [0x8F] and 0xA1 <= byte <= 0xFE:
            state["jis0212"] = True
            held[0] = byte
            return CONTINUE, []
        if held:
            lead, point = held.pop(), None
            if 0xA1 <= lead <= 0xFE and 0xA1 <= byte <= 0xFE:
                point = index("jis0212" if state["jis0212"] else "jis0208").get((lead - 0xA1) * 94 + byte - 0xA1)
            state["jis0212"] = False
            return (point, []) if point is not None else (ERROR, [byte] if byte < 0x80 else [])
        if byte < 0x80:
            return byte, []
        if byte in (0x8E, 0x8F) or 0xA1 <= byte <= 0xFE:
            held.append(byte)
            return CONTINUE, []
        return ERROR, []

    return handle


def iso_2022_jp() -> Handler:
    state = {"now": "ascii", "chosen": "ascii", "lead": 0, "output": False}

    def handle(byte: int | None) -> Step:
        now = state["now"]
        if now in ("ascii", "roman", "katakana", "leading") and byte == 0x1B:
            state["now"] = "escape start"
            return CONTINUE, []
        if now in ("ascii", "roman", "katakana", "leading") and byte is None:
            return CONTINUE, []
        if now in ("ascii", "roman"):
            state["output"] = False
            if byte > 0x7F or byte in (0x0E, 0x0F):
                return ERROR, []
            return ({0x5C: 0xA5, 0x7E: 0x203E}.get(byte, byte) if now == "roman" else byte), []
        if now == "katakana":
            state["output"] = False
            return (0xFF61 - 0x21 + byte if 0x21 <= byte <= 0x5F else ERROR), []
        if now == "leading":
            state["output"] = False
            if not 0x21 <= byte <= 0x7E:
                return ERROR, []
            state.update(lead=byte, now="trailing")
            return CONTINUE, []
        if now == "trailing":
            if byte == 0x1B:
                state["now"] = "escape start"
                return ERROR, []
            state["now"] = "leading"
            if byte is None or not 0x21 <= byte <= 0x7E:
                return ERROR, []
            return index("jis0208").get((state["lead"] - 0x21) * 94 + byte - 0x21, ERROR), []
        if now == "escape start":
            if byte in (0x24, 0x28):
                state.update(lead=byte, now="escape")
                return CONTINUE, []
            state.update(output=False, now=state["chosen"])
            return ERROR, [] if byte is None else [byte]
        lead, state["lead"] = state["lead"], 0
        found = {(0x28, 0x42): "ascii", (0x28, 0x4A): "roman", (0x28, 0x49): "katakana"}.get((lead, byte))
        if lead == 0x24 and byte in (0x40, 0x42):
            found = "leading"
        if found:
            output = state["output"]
            state.update(now=found, chosen=found, output=True)
            return (ERROR if output else CONTINUE), []
        state.update(output=False, now=state["chosen"])
        return ERROR, [lead] if byte is None else [lead, byte]

    return handle


def utf_16(big: bool) -> Handler:
    held: list[int] = []
    surrogate: list[int] = []

    def handle(byte: int | None) -> Step:
        if byte is None:
            broken = bool(held or surrogate)
            held.clear()
            surrogate.clear()
            return (ERROR if broken else CONTINUE), []
        if not held:
            held.append(byte)
            return CONTINUE, []
        lead = held.pop()
        unit = lead << 8 | byte if big else byte << 8 | lead
        if surrogate:
            first = surrogate.pop()
            if 0xDC00 <= unit <= 0xDFFF:
                return 0x10000 + ((first - 0xD800) << 10) + unit - 0xDC00, []
            return ERROR, [lead, byte]
        if 0xD800 <= unit <= 0xDBFF:
            surrogate.append(unit)
            return CONTINUE, []
        return (ERROR if 0xDC00 <= unit <= 0xDFFF else unit), []

    return handle


def utf_8() -> Handler:
    state = {"point": 0, "seen": 0, "needed": 0, "lower": 0x80, "upper": 0xBF}

    def handle(byte: int | None) -> Step:
        if byte is None:
            broken = state["needed"] != 0
            state["needed"] = 0
            return (ERROR if broken else CONTINUE), []
        if state["needed"] == 0:
            if byte < 0x80:
                return byte, []
            if 0xC2 <= byte <= 0xDF:
                state.update(needed=1, point=byte & 0x1F)
            elif 0xE0 <= byte <= 0xEF:
                state.update(lower=0xA0 if byte == 0xE0 else 0x80, upper=0x9F if byte == 0xED else 0xBF)
                state.update(needed=2, point=byte & 0xF)
            elif 0xF0 <= byte <= 0xF4:
                state.update(lower=0x90 if byte == 0xF0 else 0x80, upper=0x8F if byte == 0xF4 else 0xBF)
                state.update(needed=3, point=byte & 7)
            else:
                return ERROR, []
            return CONTINUE, []
        if not state["lower"] <= byte <= state["upper"]:
            state.update(point=0, needed=0, seen=0, lower=0x80, upper=0xBF)
            return ERROR, [byte]
        state.update(lower=0x80, upper=0xBF, point=state["point"] << 6 | byte & 0x3F, seen=state["seen"] + 1)
        if state["seen"] != state["needed"]:
            return CONTINUE, []
        point = state["point"]
        state.update(point=0, needed=0, seen=0)
        return point, []

    return handle


HANDLERS: dict[str, Callable[[], Handler]] = {
    "utf-8": utf_8,
    "utf-16le": lambda: utf_16(False),
    "utf-16be": lambda: utf_16(True),
    "gbk": gb18030,
    "gb18030": gb18030,
    "big5": lambda: two_bytes(big5_pointer, "big5", plain_single),
    "euc-kr": lambda: two_bytes(euc_kr_pointer, "euc-kr", plain_single),
    "shift_jis": lambda: two_bytes(shift_jis_pointer, "jis0208", shift_jis_single),
    "euc-jp": euc_jp,
    "iso-2022-jp": iso_2022_jp,
    "x-user-defined": user_defined,
}
