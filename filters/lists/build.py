"""Reading lists: files of entries, one a line, into the table that a run keeps. `#` begins a comment line."""

import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.counters import Counters
from gristmill.filters.kept_table import hash_strings
from gristmill.filters.kernels import listed
from gristmill.filters.lists import addresses
from gristmill.filters.lists.table import DOMAINS, URLS, WORDS

MOST_LABELS = 255
PLAIN = r"^[a-z0-9][a-z0-9._-]*$"
"""A host that is spelt as we would; `www.` and all else is looked at one by one."""
HOST = re.compile(r"[a-z0-9._\-\x80-\U0010ffff]+|\[[0-9a-f:.]+\]")
"""All that a host can hold, spelt as we would."""
HOSTS_FILE = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:]*(?:%\w+)?)\s+(\S.*)", re.I)
""" "0.0.0.0 a.com b.com": any address of a machine, and the names that it has."""
MARKUP = re.compile(rb"\s*(?:(<!doctype|<html|<\?xml)|[\[{]\s*[\"\[{])", re.I)
"""How files begin that are no lists of lines: a page (1), JSON."""
WIDE = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
AD_BLOCK = re.compile(r"^\|\|([^\^$]+)[\^$]?.*$")
AD_BLOCK_HEAD = r"^(?:!|\[Adblock)"
"""Comments of such files."""
ELEMENT = re.compile(r"#[@?$%]*#")
""" "a.com##.banner": an element that ad blockers hide, and no reason to block the page."""
COMMENT = r"\s+#(?:\s.*)?$"
""" "a.com # why"; a "#" that something follows at once may be part of a phrase or of an address."""


class BadListError(ValueError):
    """A list that cannot be one: what is wrong with which file, and what to do."""


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of one kind that stand under one label, from some files."""

    label: str
    kind: str
    files: tuple[Path, ...]


def address_columns(parts: Sequence[Entries]) -> dict[str, np.ndarray]:
    """hash and label of every entry, sorted, each once. Raises BadListError."""
    if len(parts) > MOST_LABELS:
        raise BadListError(f"it has {len(parts)} categories, and {MOST_LABELS} are the most; name some of the folders")
    hashes: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for number, part in enumerate(parts):
        for file in part.files:
            hash_P = hash_strings(_spelt(_lines(file), part.kind, file))
            hashes.append(hash_P)
            labels.append(np.full(len(hash_P), number, np.uint8))
    hash_P, label_P = np.concatenate(hashes), np.concatenate(labels)
    order_P = np.lexsort((label_P, hash_P))
    hash_P, label_P = hash_P[order_P], label_P[order_P]
    new_P = np.r_[True, (hash_P[1:] != hash_P[:-1]) | (label_P[1:] != label_P[:-1])]
    return {"hash": hash_P[new_P], "label": label_P[new_P]}


def phrase_columns(files: Iterable[Path]) -> dict[str, np.ndarray]:
    """begin, hash and number of words of every phrase, sorted by hash, each once. Raises BadListError."""
    begins: list[np.ndarray] = []
    wholes: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    for file in files:
        lines = _lines(file)
        stream = Counters(lines.text).char
        for wrong, why in (
            (stream.count_D == 0, "has no letter or digit"),
            (stream.count_D > listed.LONGEST, f"has more than {listed.LONGEST} words"),
        ):
            if wrong.any():
                raise BadListError(f"'{file.name}', {lines.place(wrong)} {why}, so it is no phrase; remove it")
        begin_P, whole_P = (np.empty(len(lines.text), np.uint64) for _ in range(2))
        listed.hash_phrases(stream.hash_W, stream.first_D1, begin_P, whole_P)
        begins.append(begin_P)
        wholes.append(whole_P)
        counts.append(stream.count_D.astype(np.uint8))
    whole_P, first_P = np.unique(np.concatenate(wholes), return_index=True)
    return {
        "begin": np.concatenate(begins)[first_P],
        "hash": whole_P,
        "words": np.concatenate(counts)[first_P],
    }


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines of a list without white space around them, and their numbers in the file."""

    text: pa.Array
    number: np.ndarray

    def place(self, wrong: np.ndarray) -> str:
        """ "line 3", or "line 3 and 4 more lines": the lines at fault, without what stands in them."""
        more = f" (and {wrong.sum() - 1:,} more lines)" if wrong.sum() > 1 else ""
        return f"line {self.number[np.flatnonzero(wrong)[0]]:,}{more}"


def _lines(file: Path) -> _Lines:
    try:
        raw = file.read_bytes()
        raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise BadListError(f"'{file.name}' cannot be read: {why}; check the file") from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if (encoding := wide_encoding(raw)) is not None:
        raise BadListError(f"'{file.name}' is {encoding}; write it as UTF-8, one entry a line")
    if markup := MARKUP.match(raw):
        what = "a web page" if markup[1] else "JSON"
        raise BadListError(f"'{file.name}' is {what}; write it as text, one entry a line")
    if b"\n" not in raw:  # as old Macs write lines
        raw = raw.replace(b"\r", b"\n")
    if b"\0" in raw:
        raise BadListError(f"'{file.name}' is no text: it holds zero bytes; name a text file with one entry a line")
    data_B = np.frombuffer(raw, np.uint8)
    end_L = np.flatnonzero(data_B == 0x0A) + 1
    start_L1 = np.r_[np.int64(0), end_L, [len(data_B)] if not len(end_L) or end_L[-1] < len(data_B) else []]
    start_L1 = start_L1.astype(np.int64)
    lines = pa.LargeStringArray.from_buffers(len(start_L1) - 1, pa.py_buffer(start_L1), pa.py_buffer(raw))
    try:
        lines.validate(full=True)
    except pa.ArrowInvalid:
        raise BadListError(f"'{file.name}'{_first_wrong(raw)} is not UTF-8; write it as UTF-8") from None
    lines = pc.utf8_trim_whitespace(lines)
    if b" #" in raw or b"\t#" in raw:
        lines = pc.replace_substring_regex(lines, COMMENT, "")
    wanted = pc.and_(pc.not_equal(lines, ""), pc.invert(pc.starts_with(lines, "#")))
    text = lines.filter(wanted)
    _need_entries(text, file)
    return _Lines(text, np.flatnonzero(wanted.to_numpy(zero_copy_only=False)) + 1)


def _need_entries(text: pa.Array, file: Path) -> None:
    if not len(text):
        raise BadListError(f"'{file.name}' has no entry; write one a line, or remove the file from the list")


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32, where a file's first bytes are its byte order mark."""
    return next((name for mark, name in WIDE.items() if head.startswith(mark)), None)


def _first_wrong(raw: bytes) -> str:
    """Where the first byte stands that is no UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return f", line {line:,},"
    return ""


def _spelt(lines: _Lines, kind: str, file: Path) -> pa.Array:
    """The entries as addresses are asked for them."""
    if kind == WORDS:
        return _each_spelt(lines, kind, file)
    entry = pc.invert(pc.match_substring_regex(lines.text, AD_BLOCK_HEAD))
    lines = _Lines(lines.text.filter(entry), lines.number[entry.to_numpy(zero_copy_only=False)])
    _need_entries(lines.text, file)
    plain = pc.and_(pc.match_substring_regex(lines.text, PLAIN), pc.invert(pc.starts_with(lines.text, "www.")))
    plain = pc.and_(plain, pc.invert(pc.ends_with(lines.text, ".")))
    if kind == URLS:  # all have a path
        plain = pc.and_(plain, False)
    odd = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
    rest = _Lines(lines.text.take(pa.array(odd)), lines.number[odd])
    return pa.concat_arrays([lines.text.filter(plain), _each_spelt(rest, kind, file)])


def _each_spelt(lines: _Lines, kind: str, file: Path) -> pa.Array:
    spell = {WORDS: _word, URLS: _address}.get(kind, _domains if kind == DOMAINS else _hosts)
    found = [spell(line) for line in lines.text.to_pylist()]
    wrong = np.array([not entries for entries in found], bool)
    if wrong.any():
        why = {
            WORDS: "is not one word of letters and digits",
            URLS: "is no address of a host with a path; put domains under `domains`",
        }.get(
            kind,
            "is no domain or host; put addresses with a path under `urls`, leave out further columns, `*` within a "
            "name and what ad blockers permit (`@@`) or hide (`##`)",
        )
        raise BadListError(f"'{file.name}', {lines.place(wrong)} {why}")
    return pa.array([entry for entries in found for entry in entries], pa.large_string())


def _word(line: str) -> list[str]:
    word = addresses.plain_words(line)
    return [word] if addresses.WORD.fullmatch(word) else []


def _hosts(line: str) -> list[str]:
    """The hosts of a line, several of a hosts file; none where one of them can be no host."""
    line = re.split(r"\s#", line)[0]
    match = HOSTS_FILE.match(line)
    found = [_host(name) for name in (match[1].split() if match else [line])]
    return [host for host in found if host] if all(found) else []


def _host(name: str) -> str | None:
    match = AD_BLOCK.match(name)
    name = match[1] if match else name
    host, path = addresses.host_and_path(name)
    plain = not ELEMENT.search(name) and not re.search(r"\s", name) and HOST.fullmatch(host)
    return host if plain and path in ("", "/") else None


def _domains(line: str) -> list[str]:
    return _hosts(line.removeprefix("*.").removeprefix("."))


def _address(line: str) -> list[str]:
    match = AD_BLOCK.match(line)
    host, path = addresses.host_and_path((match[1] if match else line).removesuffix("/*"))
    named = addresses.SCHEME.sub("", line).lstrip("/").partition("/")[0]
    parts = addresses.folders(path)
    plain = not re.search(r"\s", named) and HOST.fullmatch(host)
    return [f"{host}/{'/'.join(parts)}"] if plain and parts else []
