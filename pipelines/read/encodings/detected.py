"""The encoding that bytes look like which declare none, or a wrong one."""

import re
from collections.abc import Iterable
from functools import cache

from gristmill.filters.patterns import lazy_pattern
from gristmill.pipelines.read.encodings.decoders import PYTHONS, decode

NAMES = {
    "big5hkscs": "big5", "cp932": "shift_jis", "shift_jis_2004": "shift_jis", "euc_jis_2004": "euc-jp",
    "cp949": "euc-kr", "euc_kr": "euc-kr", "gb18030": "gb18030", "johab": "johab",
    "koi8-r": "koi8-r", "koi8-u": "koi8-u", "cp866": "ibm866", "mac-cyrillic": "x-mac-cyrillic",
    "mac-roman": "macintosh", "tis-620": "windows-874", "cp874": "windows-874",
    "iso8859-1": "windows-1252", "iso8859-9": "windows-1254",
    **{f"cp{page}": f"windows-{page}" for page in range(1250, 1259)},
    **{f"iso8859-{part}": f"iso-8859-{part}" for part in (2, 5, 6, 7, 8, 15)},
}  # fmt: skip
"""Encodings that pages are written in: chardet's names, and the standard's for what decodes them."""
LETTERED = {"koi8-r", "koi8-u", "ibm866", "x-mac-cyrillic"} | {f"windows-{page}" for page in (1251, 1253, 1255, 1256)}
LETTERED |= {f"iso-8859-{part}" for part in (5, 6, 7, 8)}
"""Of the alphabets that are not Latin."""
CONTROL = lazy_pattern("[\x80-\x9f]")
BAD = lazy_pattern("[\x80-\x9f\ufffd]")
"""No page has these characters: of an encoding that gives them, the guess or the byte is wrong."""
LATIN = ["cp1250", "cp1252", "cp1254", "cp1257", "cp1258", "iso8859-2", "iso8859-15", "mac-roman"]
"""Those of NAMES whose letters stand among those of ASCII."""
GLUED = lazy_pattern("[a-zA-Z][^\0-\x7f]|[^\0-\x7f][a-zA-Z]")
MOST_GLUED = 0.3
"""Letters beside those of ASCII, of all that are not ASCII: no text of another script has so many."""
CAPITALS_OF_MACS = lazy_pattern(rb"[\x80-\x9f]")
SAMPLE_BYTES = 1 << 16
TAGS = lazy_pattern(rb"<[^<>]*+>")
AROUND = lazy_pattern(rb"(?:[\0-\x7f]{0,40}+[\x80-\xff]++|(?!))++[\0-\x7f]{0,40}+")
"""What is not ASCII, with its neighbours. `|(?!)` here and below: csv_rows.py says why."""
ESCAPES = {
    b"\x1b$)C": "iso-2022-kr",
    b"\x1b$B": "iso-2022-jp",
    b"\x1b$@": "iso-2022-jp",
    b"\x1b(I": "iso-2022-jp",
    b"\x1b$)A": "replacement",
    b"\x1b$)G": "replacement",
}
HZ = lazy_pattern(rb"~\{((?:[\x21-\x77][\x21-\x7e]|(?!))++)~\}")
LEAST_HANZI = 0.7
"""Of the characters that HZ would give; in program text they are not common ones."""
CONTROLS, CONTROL_IN = bytes(range(9)), 8
"""UTF-16 of a page, or of an alphabet, has such a byte among so many."""
HAN, HALF_WIDTH = "\u3400-\u9fff\ue000-\uf8ff\U00020000-\U0002ffff", "\uff61-\uff9f"
COUNTED = {"euc-jp": lazy_pattern(f"[{HAN}]"), "euc-kr": lazy_pattern(f"[{HAN}{HALF_WIDTH}\uac00-\ud7a3]")}
"""Han and private use; Hangul, too; half-width Katakana but in EUC-JP, where each is two bytes, by no accident."""
COUNTED_ELSEWHERE = lazy_pattern(f"[{HAN}{HALF_WIDTH}]")
ASCII = lazy_pattern("[\t\n\r -~]")
PLAIN = lazy_pattern("[\t\n\r -~\u3000-\u30ff\uff01-\uff5e]")
"""ASCII, Kana, full-width forms, punctuation of East Asia."""
LOOKED_AT_BYTES = 4096
MOSTLY_COMMON = 0.8
MOST_DAMAGED = 0.25
"""Bad bytes among the characters beyond ASCII, above which an encoding is not asked about."""
SURE, SURER = 0.65, 1.25
"""Of 4,000 texts with one to three stray bytes none was taken for another script with more than 0.55, and the right
encoding without them was at least 1.37 times as sure; of near twins (windows-1250, iso-8859-2) 1.1 times at most."""


def detect_unicode(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, of pages and of scripts with an alphabet: they have bytes that no other text
    has. None for all else."""
    nuls = data.count(0)
    if not nuls or (len(data) - len(data.translate(None, CONTROLS))) * CONTROL_IN < len(data):
        return None
    if nuls * 5 >= len(data) * 2:
        for encoding in ("utf-32le", "utf-32be"):
            if "\ufffd" not in decode(data, encoding):
                return encoding
    texts = {encoding: decode(data, encoding) for encoding in ("utf-16le", "utf-16be")}
    encoding = max(texts, key=lambda encoding: _ascii(texts[encoding]))
    return encoding if _ascii(texts[encoding]) * 2 > nuls and not _wrong(texts[encoding]) else None


def _east_asian_utf_16(data: bytes) -> str | None:
    """UTF-16 of common characters, which may have few NULs or none."""
    for encoding in ("utf-16le", "utf-16be"):
        text = decode(data[:LOOKED_AT_BYTES], encoding)
        for region in ("gb18030", "big5", "euc-jp", "euc-kr"):
            plain = len(common(region).findall(text)) + len(PLAIN.findall(text))
            if plain >= MOSTLY_COMMON * len(text):
                return encoding
    return None


def detect_escaped(data: bytes) -> str | None:
    """ISO-2022-JP, ISO-2022-KR or HZ, which are valid UTF-8 and show their escape sequences; "replacement" for
    ISO-2022-CN, which nothing here reads; None for all else."""
    if b"\x1b" in data:
        for escape, encoding in ESCAPES.items():
            if escape in data and (data.isascii() if encoding == "replacement" else not _wrong(decode(data, encoding))):
                return encoding
    if data.isascii() and b"~{" in data and (found := HZ.findall(data)):
        text = decode(bytes(byte | 0x80 for byte in b"".join(found)), "gb18030")
        hanzi = len(COUNTED_ELSEWHERE.findall(text))
        frequent = len(common("gb18030").findall(text))
        if frequent and frequent >= LEAST_HANZI * hanzi and not _wrong(decode(data, "hz-gb-2312")):
            return "hz-gb-2312"
    return None


def detect(data: bytes) -> str | None:
    """The encoding of bytes that are neither UTF-8 nor escaped, by their statistics; None where nothing fits."""
    if not data:
        return None
    if encoding := _east_asian_utf_16(data):
        return encoding
    sample = TAGS.sub(b" ", data)
    if len(sample) > SAMPLE_BYTES:
        sample = b" ".join(AROUND.findall(sample))[:SAMPLE_BYTES]
    if not sample:
        return None
    best, sureness = _judged(sample)
    if best and CONTROL.search(decode(sample, best)):
        best, sureness = None, 0.0
    if sureness >= SURE:
        return best
    for encodings, whole in _mended(sample):
        found, sure = _judged(whole)
        if found in encodings and sure > SURER * sureness:
            best, sureness = found, sure
    return best


def decode_detected(data: bytes, encoding: str) -> str:
    """The text of bytes in an encoding that was detected: bytes that it has no character for are U+FFFD."""
    return CONTROL.sub("\ufffd", decode(data, encoding))


def _judged(sample: bytes) -> tuple[str | None, float]:
    """What statistics take a text without errors for, and how sure they are (0 to 1)."""
    encoding, sureness = _likeliest(sample, NAMES)
    if encoding in LETTERED and _is_glued(decode(sample, encoding)):
        return _likeliest(sample, LATIN)
    if encoding == "x-mac-cyrillic" and not CAPITALS_OF_MACS.search(sample):
        return "windows-1251", sureness  # its small letters are the same, and its capitals are no signs
    return encoding, sureness


def _likeliest(sample: bytes, among: Iterable[str]) -> tuple[str | None, float]:
    import chardet  # loads its models, which few runs need

    found = chardet.detect(sample, compat_names=False, include_encodings=among, no_match_encoding="cp1252")
    return NAMES.get(found["encoding"] or ""), found["confidence"]


def _is_glued(text: str) -> bool:
    """Whether the letters of another script stand within words of ASCII's: they are those of a Latin one."""
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return len(GLUED.findall(text)) > MOST_GLUED * beyond


def _mended(sample: bytes) -> list[tuple[list[str], bytes]]:
    """For every encoding that has nearly all of the characters: the sample without the bytes that are none of it, those
    with fewest such bytes first. Statistics know no encoding in which a single byte is wrong, and take the text for
    one in which every byte is right, Greek or Korean for Cyrillic: so they are asked once more for each, without."""
    found: dict[bytes, tuple[int, list[str]]] = {}
    for encoding in sorted(set(NAMES.values())):
        text = decode(sample, encoding)
        bad = len(BAD.findall(text))
        if 0 < bad <= max(1, MOST_DAMAGED * (len(text) - len(text.encode("ascii", "ignore")))):
            whole = BAD.sub("", text).encode(PYTHONS.get(encoding, encoding), "ignore")
            found.setdefault(whole, (bad, []))[1].append(encoding)
    return [(encodings, whole) for whole, (_, encodings) in sorted(found.items(), key=lambda item: item[1])]


@cache
def common(encoding: str) -> re.Pattern[str]:
    """The Han and Hangul characters that make up nearly all of those in a text: the first level of the character set of
    an encoding of East Asia."""
    rows = {"big5": (0xA4, 0xC6), "euc-jp": (0xB0, 0xCF), "shift_jis": (0xB0, 0xCF), "euc-kr": (0xB0, 0xC8)}
    first, last = rows.get(encoding, (0xB0, 0xD7))
    trails = (*range(0x40, 0x7F), *range(0xA1, 0xFF)) if encoding == "big5" else range(0xA1, 0xFF)
    pairs = b"".join(bytes((lead, trail)) for lead in range(first, last + 1) for trail in trails)
    return re.compile(f"[{re.escape(decode(pairs, encoding.replace('shift_jis', 'euc-jp')))}]")


def odd_share(text: str, encoding: str, beyond: int) -> float:
    """Share of a text's `beyond` characters that are not ASCII which a text in an encoding of East Asia seldom has:
    rare Han and Hangul, half-width Katakana, private use."""
    counted = COUNTED.get(encoding, COUNTED_ELSEWHERE)
    return (len(counted.findall(text)) - len(common(encoding).findall(text))) / beyond


def _ascii(text: str) -> int:
    return len(ASCII.findall(text))


def _wrong(text: str) -> bool:
    return text.count("\ufffd") * 100 > len(text)
