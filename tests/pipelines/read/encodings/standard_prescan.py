"""The prescan of the HTML standard (13.2.3.2), byte by byte as its steps say: the truth of the tests."""

from gristmill.pipelines.read.encodings.labels import encoding_of

SPACE = b"\t\n\f\r "
ALPHA = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class OutOfBytesError(Exception):
    """The position went beyond the end."""


class Prescan:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def byte(self, ahead: int = 0) -> int:
        if self.at + ahead >= len(self.data):
            raise OutOfBytesError
        return self.data[self.at + ahead]

    def encoding(self) -> str | None:
        try:
            return self.loop()
        except OutOfBytesError:
            return xml_encoding(self.data)

    def loop(self) -> str:
        if self.data[:6] == b"<\0?\0x\0":
            return "utf-16le"
        if self.data[:6] == b"\0<\0?\0x":
            return "utf-16be"
        while True:
            rest = self.data[self.at : self.at + 6]
            if rest.startswith(b"<!--"):
                end = self.data.find(b"-->", self.at + 2)
                if end < 0:
                    raise OutOfBytesError
                self.at = end + 2
            elif rest[:5].lower() == b"<meta" and rest[5:] and rest[5] in SPACE + b"/":
                self.at += 5
                if found := self.meta():
                    return found
            elif rest[:1] == b"<" and rest[1:].removeprefix(b"/")[:1] and rest[1:].removeprefix(b"/")[0] in ALPHA:
                while self.byte() not in SPACE + b">":
                    self.at += 1
                while self.attribute() is not None:
                    pass
            elif rest[:2] in (b"<!", b"</", b"<?"):
                while self.byte() != ord(">"):
                    self.at += 1
            self.byte()
            self.at += 1

    def meta(self) -> str | None:
        seen: list[bytes] = []
        got_pragma, need_pragma, charset = False, None, None
        while (attribute := self.attribute()) is not None:
            name, value = attribute
            if name in seen:
                continue
            seen.append(name)
            if name == b"http-equiv":
                got_pragma = got_pragma or value == b"content-type"
            elif name == b"content":
                found = in_content(value.decode("latin-1"))
                if found and charset is None:
                    charset, need_pragma = found, True
            elif name == b"charset":
                charset, need_pragma = encoding_of(value.decode("latin-1")) or "failure", False
        if need_pragma is None or (need_pragma and not got_pragma) or charset == "failure":
            return None
        return {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}.get(charset, charset)

    def attribute(self) -> tuple[bytes, bytes] | None:
        while self.byte() in SPACE + b"/":
            self.at += 1
        if self.byte() == ord(">"):
            return None
        name, value = b"", b""
        while True:
            byte = self.byte()
            if byte == ord("=") and name:
                self.at += 1
                break
            if byte in SPACE:
                while self.byte() in SPACE:
                    self.at += 1
                if self.byte() != ord("="):
                    return name, b""
                self.at += 1
                break
            if byte in b"/>":
                return name, b""
            name += bytes((byte,)).lower()
            self.at += 1
        while self.byte() in SPACE:
            self.at += 1
        quote = self.byte()
        if quote in b"\"'":
            while True:
                self.at += 1
                byte = self.byte()
                if byte == quote:
                    self.at += 1
                    return name, value
                value += bytes((byte,)).lower()
        if quote == ord(">"):
            return name, b""
        while True:
            if self.byte() in SPACE + b">":
                return name, value
            value += bytes((self.byte(),)).lower()
            self.at += 1


def in_content(text: str) -> str | None:
    """Extracting a character encoding from a meta element."""
    at = 0
    while (found := text.lower().find("charset", at)) >= 0:
        at = found + 7
        rest = text[at:].lstrip("\t\n\f\r ")
        if not rest.startswith("="):
            continue
        rest = rest[1:].lstrip("\t\n\f\r ")
        if rest[:1] and rest[0] in "\"'":
            return encoding_of(rest[1 : rest.index(rest[0], 1)]) if rest[0] in rest[1:] else None
        end = min((i for i, char in enumerate(rest) if char in "\t\n\f\r ;"), default=len(rest))
        return encoding_of(rest[:end]) if rest else None
    return None


def xml_encoding(data: bytes) -> str | None:
    """Getting an XML encoding; what stands behind the declaration is none of it."""
    if not data.startswith(b"<?xml") or b">" not in data:
        return None
    rest = data[: data.index(b">")]
    if b"encoding" not in rest:
        return None
    rest = rest[rest.index(b"encoding") + 8 :].lstrip(bytes(range(0x21)))
    if not rest.startswith(b"="):
        return None
    rest = rest[1:].lstrip(bytes(range(0x21)))
    if not rest or rest[0] not in b"\"'" or rest[:1] not in (rest[1:][i : i + 1] for i in range(len(rest))):
        return None
    label = rest[1 : rest.index(rest[0], 1)]
    if any(byte <= 0x20 for byte in label):
        return None
    encoding = encoding_of(label.decode("latin-1"))
    return "utf-8" if encoding in ("utf-16le", "utf-16be") else encoding
