"""Rows of CSV (RFC 4180) in bounded memory: lines, joined where a quotation mark is open at the end of one."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from gristmill.pipelines.read.lines import Line, LostLine
from gristmill.pipelines.records.dead_letters import Passing, too_long

ROW_BYTES = 16 * 2**20
"""Of the longest row. The same for every recipe, so that files are cut where they are read apart."""


class Row(NamedTuple):
    """A row without its end. `line`: how many lines stand before; `is_open`: a quotation mark in it is not closed."""

    offset: int
    line: int
    data: bytes
    is_open: bool = False


class LostRow(NamedTuple):
    """A row that was not held, as a LostLine."""

    offset: int
    line: int
    passed: Passing
    error: str


class Dialect:
    """How rows and fields are told apart: by a delimiter of one character, with or without quotation marks."""

    def __init__(self, delimiter: str, quotes: bool, codec: str = "utf-8") -> None:
        self.delimiter, self.quotes, self.codec = delimiter, quotes, codec
        sign = re.escape(delimiter)
        self._field = re.compile(rf'(?:"((?:[^"]++|"")*+)("?)([^{sign}]*+)|([^{sign}]*+))({sign}|\Z)')
        self._sign = delimiter.encode(codec)

    def fields(self, row: str) -> list[str]:
        """The fields of a row: with quotation marks off and doubled ones single, where they are quoted."""
        if not self.quotes or '"' not in row:
            return row.split(self.delimiter)
        found = []
        for field in self._field.finditer(row):
            quoted, _, rest, plain, end = field.groups()
            found.append(plain if quoted is None else quoted.replace('""', '"') + rest)
            if not end:
                break
        return found

    @cached_property
    def _closed_fields(self) -> re.Pattern[bytes]:
        """All fields but the last, from the first byte of one on. `|(?!)`: where a turn of `*+` fails, Python 3.11.2
        goes back to its beginning only if there is another way."""
        sign = re.escape(self._sign)
        plain = rb"(?:(?!%b).)*+" % sign if len(self._sign) > 1 else rb"[^%b]*+" % sign
        return re.compile(rb'(?:(?:"(?:[^"]++|"")*+"|(?!"))%b%b|(?!))*+' % (plain, sign), re.DOTALL)

    def ends_open(self, line: bytes, inside: bool) -> bool:
        """Whether a quoted field goes on beyond this line; `inside`: one goes on into it."""
        at = 0
        if inside:
            closed = _TO_QUOTE.match(line)
            if closed is None:
                return True
            at = line.find(self._sign, closed.end())
            if at < 0:
                return False
            at += len(self._sign)
        last = self._closed_fields.match(line, at).end()  # type: ignore[union-attr]
        return line.startswith(b'"', last) and _QUOTED.match(line, last) is None

    def rows(self, lines: Iterable[Line | LostLine]) -> Iterator[Row | LostRow]:
        """The rows of some lines. A quotation mark begins a quoted field at the beginning of a field only. Where one is
        not closed within 16 MB, or not at all, its lines are rows by themselves."""
        held: list[Line] = []
        size = number = 0
        for line in lines:
            number += 1
            if isinstance(line, LostLine):
                yield from _apart(held, number)
                yield LostRow(line.offset, number - 1, line.passed, line.error)
                held, size = [], 0
            elif not held and not (self.quotes and b'"' in line.data and self.ends_open(line.data, False)):
                yield Row(line.offset, number - 1, line.data)
            else:
                inside = bool(held)
                held.append(line)
                size += len(line.data) + 1
                if inside and not (b'"' not in line.data or self.ends_open(line.data, True)):
                    yield Row(held[0].offset, number - len(held), b"\n".join(line.data for line in held))
                    held, size = [], 0
                elif size > ROW_BYTES:
                    yield from _apart(held, number + 1)
                    held, size = [], 0
        yield from _apart(held, number + 1)


_TO_QUOTE = re.compile(rb'(?:[^"]++|"")*+"', re.DOTALL)
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"', re.DOTALL)


def _apart(held: list[Line], number: int) -> Iterator[Row]:
    """Lines whose quotation mark was not closed, each as a row; `number`: of the line behind them, from 1 on."""
    for i, line in enumerate(held):
        yield Row(line.offset, number - 1 - len(held) + i, line.data, is_open=i == 0)


def too_long_row(row: Row, limit: int) -> LostRow:
    """A row that is longer than a record may be."""
    return LostRow(row.offset, row.line, Passing(row.data), too_long(len(row.data), limit))
