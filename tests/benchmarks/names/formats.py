"""Formats of labelled corpora as texts with spans, read from snapshots of git repositories. sources.py says which."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PERSON, OPEN = "PERSON", "?"
Sample = tuple[str, list[tuple[int, int, str]]]
Token = tuple[str, str]
"""A word and its label: B-PER, I-PER, O."""
Reader = Callable[["Snapshot"], Iterator[Sample]]


@dataclass(frozen=True)
class Snapshot:
    """A commit of a repository."""

    folder: Path
    commit: str = "HEAD"

    def text(self, path: str) -> str:
        """The content of a file."""
        return self.bytes(path).decode("utf-8")

    def bytes(self, path: str) -> bytes:
        """The same, not text."""
        return self._git("show", f"{self.commit}:{path}")

    def files(self, under: str) -> list[str]:
        """Paths below a folder, in order."""
        return sorted(
            self._git("-c", "core.quotepath=off", "ls-tree", "-r", "--name-only", self.commit, under)
            .decode("utf-8")
            .splitlines()
        )

    def _git(self, *arguments: str) -> bytes:
        return subprocess.run(["git", "-C", str(self.folder), *arguments], capture_output=True, check=True).stdout


def opened(mirror: Path, name: str, commit: str = "HEAD") -> Snapshot:
    """The snapshot of that name."""
    folder = mirror / name / "repo"
    return Snapshot(folder / ".git" if (folder / ".git").exists() else folder, commit)


def spans_of(tokens: list[Token], text: str | None = None, spaces: bool = True) -> Sample:
    """A sentence of labelled words; its own text, or one that is put together."""
    built, places, at = text or "", [], 0
    for word, label in tokens:
        if text is None:
            glued = not built or not spaces or _glued(built, word)
            at = len(built) + (0 if glued else 1)
            built += word if glued else f" {word}"
        else:
            at = text.index(word, at)
        places.append((at, at + len(word), label))
        at += len(word)
    spans: list[tuple[int, int, str]] = []
    for start, end, label in places:
        kind = {"PER": PERSON, OPEN: OPEN}.get(label.partition("-")[2])
        if kind and label[0] == "I" and spans and spans[-1][2] == kind and not _apart(built, spans[-1][1], start):
            spans[-1] = (spans[-1][0], end, kind)
        elif kind:
            spans.append((start, end, kind))
    return built, spans


def _apart(text: str, end: int, start: int) -> bool:
    return text[end:start].strip() != ""


def _glued(text: str, word: str) -> bool:
    """Whether a word follows without a space: as texts are written, from words that a treebank cuts apart."""
    if re.fullmatch(r"[,.;:!?)\]}%]|'(s|m|re|ve|d|ll|S)|n't|\.\.\.", word):
        return True
    return text[-1] in "([{$#" and not word.startswith("(")


def columns(lines: str, label: int = -1, separator: str | None = None) -> Iterator[list[Token]]:
    """Sentences of a file with a word and its labels on a line, an empty line after each."""
    sentence: list[Token] = []
    for line in [*lines.split("\n"), ""]:
        cells = line.split(separator)
        if not line.strip():
            if sentence:
                yield sentence
            sentence = []
        elif len(cells) > 1 and cells[0] and not line.startswith("-DOCSTART-"):
            word = cells[0][0] if re.fullmatch(r"[\u4e00-\u9fff]\d", cells[0]) else cells[0]  # Weibo NER counts them
            sentence.append((word, cells[label]))
    if sentence:
        yield sentence


def persons(tokens: list[Token], *names: str, opened: str = "") -> list[Token]:
    """The same with labels of persons alone; words that match `opened`, with the one before, may be anything."""
    found, before = [], ""
    for word, label in tokens:
        place, _, kind = label.partition("-")
        keep = f"{'I' if place in 'IME' else 'B'}-PER" if kind in names else "O"
        found.append((word, f"B-{OPEN}" if opened and re.match(opened, f"{before} {word}") else keep))
        before = word
    return found


def universal(path: str, spaces: bool, whole: bool = False) -> Reader:
    """Universal NER: sentences with their texts; `whole`: documents, a sentence a line."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        text, tokens, together = "", [], ("", [])
        for line in [*snapshot.text(path).split("\n"), "", "# newdoc"]:
            cells = line.split("\t")
            if line.startswith("# newdoc") and whole:
                if together[0]:
                    yield together
                together = ("", [])
            elif line.startswith("# text = "):
                text = line[9:]
            elif len(cells) > 2 and cells[0].isdigit():
                tokens.append((cells[1], cells[2]))
            elif not line and tokens:
                sample = spans_of(tokens, text, spaces)
                if whole:
                    start = len(together[0])
                    together[1].extend((a + start, b + start, label) for a, b, label in sample[1])
                    together = (together[0] + sample[0] + "\n", together[1])
                else:
                    yield sample
                tokens = []

    return read


def conll(
    paths: list[str],
    names: list[str],
    label: int = -1,
    opened: str = "",
    spaces: bool = True,
    many: int = 1,
    joint: str = " ",
) -> Reader:
    """Files with a word and its label on a line; `many` sentences a text, `joint` between them."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        for path in paths:
            group: list[Sample] = []
            for tokens in columns(snapshot.text(path), label):
                group.append(spans_of(persons(tokens, *names, opened=opened), None, spaces))
                if len(group) == many:
                    yield joined(group, joint)
                    group = []
            if group:
                yield joined(group, joint)

    return read


def joined(samples: list[Sample], joint: str = " ") -> Sample:
    """One text of several."""
    text, spans = "", []
    for more, places in samples:
        text += joint if text else ""
        spans += [(a + len(text), b + len(text), label) for a, b, label in places]
        text += more
    return text, spans


def gum(start: str, genres: str) -> Reader:
    """GUM and GENTLE: of a mention of a person the first run of proper nouns, where it begins or ends the mention (`the
    painter Johannes Vermeer`, `Vermeer, who painted it`); elsewhere it is open (`the new Microsoft engineer`)."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        for path in snapshot.files("dep/"):
            if not re.match(rf"dep/{start}_({genres})_", path):
                continue
            found: list[Sample] = []
            for sentence in snapshot.text(path).split("\n\n"):
                text = re.search(r"^# text = (.*)$", sentence, re.M)
                if text:
                    found.append(_of_gum(sentence, text[1]))
            yield joined(found, "\n")

    return read


def _of_gum(sentence: str, text: str) -> Sample:
    tokens, open_, proper, named, unsure = [], [], [], set(), set()
    at = 0
    for line in sentence.split("\n"):
        cells = line.split("\t")
        if not cells[0].isdigit():
            continue
        at = text.index(cells[1], at)
        n = len(tokens)
        tokens.append((at, at + len(cells[1])))
        at += len(cells[1])
        proper.append(cells[4] in ("NNP", "NNPS"))
        entity = re.search(r"Entity=([^|]+)", cells[9])
        for mark in re.findall(r"\([^()]+\)?|[^()]+\)", entity[1]) if entity else []:
            if mark.startswith("("):
                open_.append((mark, n))
            if mark.endswith(")"):
                number = mark.strip("()").split("-")[0]
                for k in range(len(open_) - 1, -1, -1):
                    if open_[k][0].strip("()").split("-")[0] == number:
                        kind, first = open_.pop(k)
                        if kind.split("-")[1] == "person":
                            (named if _is_named(proper, first, n) else unsure).update(_proper_run(proper, first, n))
                        break
    spans: list[tuple[int, int, str]] = []
    for n in sorted(named | unsure):
        if n not in named:
            spans.append((*tokens[n], OPEN))
        elif spans and n - 1 in named and text[spans[-1][1] : tokens[n][0]] in ("", " "):
            spans[-1] = (spans[-1][0], tokens[n][1], PERSON)
        else:
            spans.append((*tokens[n], PERSON))
    return text, spans


def _proper_run(proper: list[bool], first: int, last: int) -> range:
    """Tokens of the first run of proper nouns among [first, last]."""
    while first <= last and not proper[first]:
        first += 1
    end = first
    while end <= last and proper[end]:
        end += 1
    return range(first, end)


def _is_named(proper: list[bool], first: int, last: int) -> bool:
    """Whether the first run of proper nouns of a mention is its name: it begins the mention, or ends it."""
    run = _proper_run(proper, first, last)
    return len(run) > 0 and (run.start == first or run.stop == last + 1)


_CAPITALS = r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)*"


def litbank(snapshot: Snapshot) -> Iterator[Sample]:
    """Novels, 2,000 words of each: mentions of persons that are capitalised words alone."""
    for path in snapshot.files("entities/brat/"):
        if path.endswith(".txt"):
            text = snapshot.text(path)
            spans, opened = [], []
            for line in snapshot.text(path[:-3] + "ann").splitlines():
                kind, start, end = line.split("\t")[1].split(" ")[:3]
                value = text[int(start) : int(end)]
                if kind == "PER" and all(word[0].isupper() for word in value.split() if word[0].isalpha()):
                    spans.append((int(start), int(end), PERSON))
                elif kind == "PER":  # `Sir Walter Elliot , of Kellynch Hall`: the name is not marked by itself
                    opened.extend((int(start) + m.start(), int(start) + m.end()) for m in re.finditer(_CAPITALS, value))
            spans.sort(key=lambda span: (span[0], -span[1]))
            kept = [span for n, span in enumerate(spans) if not any(s[0] <= span[0] < s[1] for s in spans[:n])]
            kept += [(a, b, OPEN) for a, b in dict.fromkeys(opened) if not any(c < b and a < d for c, d, _ in kept)]
            yield text, sorted(kept)


def slots(paths: list[str], names: list[str], opened: list[str]) -> Reader:
    """SLURP: what people say to an assistant, slots in brackets: `email [person : tom]`, in small letters."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        for line in "".join(map(snapshot.text, paths)).splitlines():
            text, spans = "", []
            for kind, value, other in re.findall(
                r"\[(\w+) : ([^\]]+)\]|([^\[]+)", json.loads(line)["sentence_annotation"]
            ):
                value = value.removesuffix("'s")
                if kind in names or kind in opened:
                    spans.append((len(text), len(text) + len(value), PERSON if kind in names else OPEN))
                text += value or other
            yield text, spans

    return read


def lines_as(path: str, kind: str, skip: int = 0, cell: int = 0) -> Reader:
    """A file whose lines are values of one type."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        for line in snapshot.text(path).splitlines()[skip:]:
            value = line.rpartition(",")[0] if cell == 0 else line
            if value:
                yield value, [(0, len(value), kind)]

    return read


def chinese_addresses(path: str) -> Reader:
    """Chinese addresses as people type them for deliveries, a character and its part on a line."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        for tokens in columns(snapshot.text(path)):
            text = "".join(word for word, _ in tokens)
            yield text, [(0, len(text), "ADDRESS")]

    return read
