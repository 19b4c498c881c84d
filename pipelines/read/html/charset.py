"""Bytes of a page -> text, by the encoding that a browser would take (WHATWG Encoding, HTML standard 13.2.3)."""

import re

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

from gristmill.pipelines.errors import BadRecordError

BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
DECODERS = {
    "gbk": ("gb18030",),  # the standard has one decoder for gb2312, gbk and gb18030
    "big5": ("big5hkscs",),
    "shift_jis": ("cp932",),
    "euc_jp": ("euc_jp", "euc_jis_2004"),  # the second has NEC's circled numbers
    "iso2022_jp": ("iso2022_jp_ext",),
    "euc_kr": ("cp949",),
    "iso8859-11": ("cp874",),
}
"""Python's codecs for what the standard means by a label, where they differ from the one of that name."""
PYTHON_ONLY = {
    "hz-gb-2312": "hz",
    "iso-2022-kr": "iso2022_kr",
    "x-user-defined": "cp1252",
    "x-mac-cyrillic": "mac-cyrillic",
}
"""Labels that browsers refuse to decode, or that resiliparse does not know: such pages are read, not lost."""
GUESSED = {"iso8859-16": "iso8859-2"}
"""What resiliparse's detector says of Polish and Czech, where no page ever said so."""
HANGUL_SHARE = 0.9
"""Of what is not ASCII in Korean text; Chinese bytes read as Korean have about 0.6, Japanese and Cyrillic ones less."""
LEAST_HANGUL = 16
"""Some few Chinese characters could be Korean by chance."""
HANGUL = re.compile("[가-힣]+")
MAX_WRONG_SHARE = 0.01
"""Of the characters of a text, beside a single one. Of 3,085 pages three have any U+FFFD, 0.07 % at most."""
SCANNED_BYTES = 4096
"""Of a page, for its own declaration; the standard says at least 1,024."""
COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
META = re.compile(rb"<meta[\s/][^>]*?charset\s*=\s*[\"']?\s*([\w.:+-]+)", re.IGNORECASE)
XML = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:+-]+)", re.IGNORECASE)


def codecs_of(label: str | None) -> tuple[str, ...]:
    """Python codecs for a label such as "GB2312"; () for none and unknown ones."""
    label = (label or "").strip().strip("\"'").lower()
    if label in PYTHON_ONLY:
        return (PYTHON_ONLY[label],)
    name = map_encoding_to_html5(label, fallback_utf8=False) if label else None
    return DECODERS.get(name, (name,)) if name else ()


def declared_in(page: bytes) -> tuple[str, ...]:
    """Codecs of the page's own <meta> or XML declaration; UTF-16 there means UTF-8, for it was found by reading
    bytes."""
    head = page[:SCANNED_BYTES]
    found = XML.match(head) or META.search(COMMENT.sub(b"", head))
    codecs = codecs_of(found[1].decode("ascii", "replace")) if found else ()
    return ("utf-8",) if codecs and codecs[0].startswith("utf-16") else codecs


def decode_page(page: bytes, http_label: str | None) -> tuple[str, str]:
    """(text, codec) of a page: its byte order mark, else the HTTP header's charset, else its own declaration, else
    UTF-8 if it is that, else what its bytes look like.

    Bytes that the encoding does not have become U+FFFD, as in a browser. Beyond browsers: where there are such bytes
    and the page is valid UTF-8, it is read as that, and where they are most of what is not ASCII, as what was detected.
    """
    for mark, codec in BOMS:
        if page.startswith(mark):
            return page[len(mark) :].decode(codec, "replace"), codec
    declared = codecs_of(http_label) or declared_in(page) or _escaped(page)
    for codec in (*declared, "utf-8"):
        try:
            return page.decode(codec), codec
        except UnicodeDecodeError:
            pass
    text = page.decode(declared[-1], "replace") if declared else None
    if text is not None and not _mostly_wrong(text):
        return text, declared[-1]
    guesses = _guesses(page) or ("utf-8",)
    for codec in guesses:
        try:
            return page.decode(codec), codec
        except UnicodeDecodeError:
            pass
    return (page.decode(guesses[-1], "replace"), guesses[-1]) if text is None else (text, declared[-1])


def decode_text(data: bytes) -> tuple[str, str]:
    """(text, codec) of a plain-text file: byte order mark, UTF-8, else a detected multi-byte or single-byte encoding.

    Raises BadRecordError for a file that is UTF-8 but for some bytes, or that no detected encoding can read.
    """
    for mark, codec in BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], codec), codec
    for codec in _escaped(data):
        return _strict(data, codec), codec
    try:
        return data.decode(), "utf-8"
    except UnicodeDecodeError as error:
        if not _mostly_wrong(data.decode("utf-8", "replace")):
            raise BadRecordError(f"UnicodeDecodeError: {error.reason} at byte {error.start}, elsewhere UTF-8") from None
    for codec in _guesses(data):
        if codec != "utf-8":
            return _strict(data, codec), codec
    raise BadRecordError("UnicodeDecodeError: neither UTF-8 nor an encoding that could be recognised")


def check_decoded(text: str, codec: str) -> None:
    """Raises BadRecordError for a text that could not be decoded: with more U+FFFD than damage by the way leaves."""
    wrong = text.count("\ufffd")
    if wrong > 1 + MAX_WRONG_SHARE * len(text):
        raise BadRecordError(
            f"UndecodableText: {wrong:,} of {len(text):,} characters are U+FFFD; read as {codec}, which it is not"
        )


def _escaped(data: bytes) -> tuple[str, ...]:
    """Japanese in seven bits, which is valid UTF-8 and shows its escape sequences."""
    return ("iso2022_jp_ext",) if b"\x1b$B" in data or b"\x1b$@" in data else ()


def _guesses(data: bytes) -> tuple[str, ...]:
    """Codecs that bytes look like which are no UTF-8."""
    if _is_korean(data):  # which the detector takes for UTF-8 or Western European
        return ("cp949",)
    name = detect_encoding(data) or ""
    return codecs_of(GUESSED.get(name, name))


def _is_korean(data: bytes) -> bool:
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return False
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    hangul = "".join(HANGUL.findall(text)).encode("cp949")
    common = sum(min(pair) > 0xA0 for pair in zip(hangul[::2], hangul[1::2], strict=True))  # of KS X 1001
    return common >= HANGUL_SHARE * max(beyond_ascii, LEAST_HANGUL)


def _strict(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise BadRecordError(f"UnicodeDecodeError: not {codec} from byte {error.start} on") from None


def _mostly_wrong(text: str) -> bool:
    """Whether a quarter or more of what is not ASCII could not be decoded."""
    wrong = text.count("\ufffd")
    return wrong * 4 >= len(text) - len(text.encode("ascii", "ignore"))
