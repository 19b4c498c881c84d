"""Loops over the bytes of encodings whose characters have several bytes (WHATWG Encoding, sections 10 to 13).

Letters in names of arrays: B bytes of the text, C code points of it, P pairs of bytes (the first times 256 plus the
second). Every loop fills `code_C` and gives the number of code points; there is room for one a byte.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel

ERROR = 0xFFFD
LEAD = 0xFFFFFFFF
"""In a table of single bytes: the byte begins a pair."""
MARK_SHIFT = 21
"""A pair may stand for two code points, as four of Big5 do: then the second lies above so many bits."""
KATAKANA = 0xFF61 - 0x21

ASCII, ROMAN, KANA, KANJI, TRAIL = range(5)


@kernel
def decode_pairs(
    data_B: np.ndarray, single: np.ndarray, pair_P: np.ndarray, third_P: np.ndarray, range_R2: np.ndarray,
    code_C: np.ndarray,
) -> int:  # fmt: skip
    """Text of one and two bytes a character. `single`: by byte, a code point, ERROR or LEAD; `pair_P`: 0 for none.

    `third_P`: pairs behind 0x8F (EUC-JP), else empty; `range_R2`: (pointer, code point) where the ranges of four bytes
    begin (gb18030), else empty. An ASCII byte that does not belong to the one before it is read by itself.
    """
    at = count = 0
    end = len(data_B)
    while at < end:
        first = data_B[at]
        code = single[first]
        at += 1
        if code == LEAD:
            if at == end:
                code = ERROR
            else:
                second = data_B[at]
                code = pair_P[np.int64(first) << 8 | second]
                at += 1
                if code == 0:
                    code = ERROR
                    if len(third_P) and first == 0x8F and 0xA1 <= second <= 0xFE:
                        if at < end:
                            third = data_B[at]
                            code = third_P[np.int64(second) << 8 | third]
                            if code == 0:
                                code = ERROR
                            if third >= 0x80:
                                at += 1
                    elif len(range_R2) and 0x30 <= second <= 0x39:
                        if at == end or (at + 1 == end and 0x81 <= data_B[at] <= 0xFE):
                            at = end
                        elif 0x81 <= data_B[at] <= 0xFE and 0x30 <= data_B[at + 1] <= 0x39:
                            pointer = (np.int64(first) - 0x81) * 12600 + (np.int64(second) - 0x30) * 1260
                            pointer += (np.int64(data_B[at]) - 0x81) * 10 + np.int64(data_B[at + 1]) - 0x30
                            at += 2
                            if pointer == 7457:
                                code = 0xE7C7
                            elif pointer <= 39419 or 189000 <= pointer <= 1237575:
                                row = np.searchsorted(range_R2[:, 0], pointer, side="right") - 1
                                code = range_R2[row, 1] + pointer - range_R2[row, 0]
                        else:
                            at -= 1
                    elif second < 0x80:
                        at -= 1
                elif code >> MARK_SHIFT:
                    code_C[count] = code & 0x1FFFFF
                    count += 1
                    code = code >> MARK_SHIFT
        code_C[count] = code
        count += 1
    return count


@kernel
def decode_iso_2022_jp(data_B: np.ndarray, jis0208: np.ndarray, code_C: np.ndarray) -> int:
    """Text in seven bits with escape sequences. `jis0208`: its index, by pointer."""
    at = count = lead = 0
    end = len(data_B)
    state = chosen = ASCII
    output = False  # whether nothing but an escape sequence came since the last one, which is an error
    while at < end:
        byte = data_B[at]
        at += 1
        code = -1
        if byte == 0x1B:
            found = -1
            if at + 1 < end:
                last = data_B[at + 1]
                if data_B[at] == 0x28:
                    found = ASCII if last == 0x42 else ROMAN if last == 0x4A else KANA if last == 0x49 else -1
                elif data_B[at] == 0x24 and (last == 0x40 or last == 0x42):
                    found = KANJI
            if state == TRAIL:  # the character before it is cut
                code_C[count] = ERROR
                count += 1
            state = chosen
            if found >= 0:
                state = chosen = found
                at += 2
                if output:
                    code = ERROR
                output = True
            else:
                code, output = ERROR, False
        elif state == KANJI:
            output = False
            if 0x21 <= byte <= 0x7E:
                state, lead = TRAIL, byte
            else:
                code = ERROR
        elif state == TRAIL:
            state = KANJI
            code = ERROR
            if 0x21 <= byte <= 0x7E:
                code = jis0208[(np.int64(lead) - 0x21) * 94 + byte - 0x21]
                if code == 0:
                    code = ERROR
        else:
            output = False
            if byte >= 0x80 or byte == 0x0E or byte == 0x0F:
                code = ERROR
            elif state == KANA:
                code = KATAKANA + byte if 0x21 <= byte <= 0x5F else ERROR
            elif state == ROMAN and byte == 0x5C:
                code = 0xA5
            elif state == ROMAN and byte == 0x7E:
                code = 0x203E
            else:
                code = byte
        if code >= 0:
            code_C[count] = code
            count += 1
    if state == TRAIL:
        code_C[count] = ERROR
        count += 1
    return count
