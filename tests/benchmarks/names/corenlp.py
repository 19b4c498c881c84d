"""English texts with persons by Stanford CoreNLP, and labels by people that it doubts.

    python tests/benchmarks/names/corenlp.py MIRROR CORPUS JARS OUT

JARS is a folder with stanford-corenlp 4.5.7 (GPL-3.0) of Maven Central, its `models` and what it needs: ejml-core,
ejml-ddense, ejml-simple 0.39, jollyday 0.4.9, joda-time 2.10.5, protobuf-java 3.19.6, slf4j-api 1.7.36. The program is
run here, and only its labels are kept. OUT holds the files of sources.py.

Texts that nobody labelled: a person where it and either the weights in place or lists of names see one, open where one
of them does (silver-*.jsonl). GAP, of whose names people labelled two a passage, and sentences of Wikipedia: these, and
what it calls a person in several words, too. Labels of one annotator: open where it sees a person and they have none
(checked-*.jsonl, documents and their lines).
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from formats import OPEN, PERSON, Sample, opened, spans_of
from silver import agreed, documentation, tatoeba, untested, written

from gristmill.filters.pii.engine import Scrubber

OPTIONS = {
    "annotators": "tokenize,ssplit,pos,lemma,ner",
    "ner.applyFineGrained": "false",
    "ner.applyNumericClassifiers": "false",
    "ner.useSUTime": "false",
    "ssplit.newlineIsSentenceBreak": "always",
    "outputFormat": "json",
}
PRONOUNS = ("he", "she", "him", "her", "his", "hers")
"""Its mentions of persons, too."""


def persons(jars: Path, texts: Sequence[str]) -> list[Sample]:
    """The texts, every person in them open."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [folder / f"{n}.txt" for n in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, encoding="utf-8", newline="")
        (folder / "files").write_text("\n".join(map(str, files)))
        options = [word for option, value in OPTIONS.items() for word in (f"-{option}", value)]
        command = ["java", "-Xmx3g", "-cp", f"{jars}/*", "edu.stanford.nlp.pipeline.StanfordCoreNLP", *options]
        places = ["-filelist", str(folder / "files"), "-outputDirectory", name]
        subprocess.run([*command, *places], check=True, stderr=subprocess.DEVNULL)
        found = [json.loads(Path(f"{file}.json").read_text(encoding="utf-8")) for file in files]
    return [(text, list(_spans(text, one))) for text, one in zip(texts, found, strict=True)]


def _spans(text: str, found: dict) -> Iterator[tuple[int, int, str]]:
    """What it counts in units of UTF-16, in characters."""
    place, at = {}, 0
    for n, c in enumerate(text):
        place[at] = n
        at += 1 + (ord(c) > 0xFFFF)
    place[at] = len(text)
    for sentence in found["sentences"]:
        for mention in sentence["entitymentions"]:
            if mention["ner"] == PERSON and mention["text"].lower() not in PRONOUNS:
                yield place[mention["characterOffsetBegin"]], place[mention["characterOffsetEnd"]], OPEN


def gap(mirror: Path) -> Iterator[Sample]:
    """GAP: passages of Wikipedia (CC BY-SA) and the two names that a pronoun may stand for (Apache-2.0)."""
    snapshot = opened(mirror, "google-research-datasets+gap-coreference")
    for part in ("development", "test", "validation"):
        for line in snapshot.text(f"gap-{part}.tsv").splitlines()[1:]:
            cells = line.split("\t")
            starts = (int(cells[5]), cells[4]), (int(cells[8]), cells[7])
            yield cells[1], sorted((start, start + len(name), PERSON) for start, name in starts)


def wiki_split(mirror: Path) -> Iterator[Sample]:
    """WikiSplit: sentences of Wikipedia (CC BY-SA 4.0), every second of two parts, put together of their words."""
    snapshot = opened(mirror, "google-research-datasets+wiki-split")
    for part in ("tune", "test"):
        for line in snapshot.text(f"{part}.tsv").splitlines()[::2]:
            words = line.split("\t")[0].replace("''", '"').split()
            yield spans_of([(word, "O") for word in words])


def of_prose(labelled: Sample, seen: Sample, ours: Scrubber) -> Sample:
    """What people labelled in an article, and what is seen there in several words or by others, too."""
    text, gold = labelled
    found = [(a, b, PERSON if " " in text[a:b] else OPEN) for a, b, _ in seen[1]]
    found = agreed((text, found), ours)[1]
    longer = [(a, b) for a, b, kind in found if kind == PERSON]
    gold = [span for span in dict.fromkeys(gold) if not any(a <= span[0] and span[1] <= b for a, b in longer)]
    return text, sorted([*gold, *(s for s in found if not any(a < s[1] and s[0] < b for a, b, _ in gold))])


def doubted(labelled: Sample, seen: Sample) -> Sample:
    """The labels, and as open what they leave out of what is seen."""
    text, spans = labelled
    return text, sorted([*spans, *(s for s in seen[1] if not any(a < s[1] and s[0] < b for a, b, _ in spans))])


def lines(samples: Sequence[Sample]) -> Iterator[Sample]:
    """The lines of texts by themselves."""
    for text, spans in samples:
        at = 0
        for line in text.split("\n"):
            if line:
                yield line, [(a - at, b - at, kind) for a, b, kind in spans if at <= a and b <= at + len(line)]
            at += len(line) + 1


def main() -> None:
    """Write one file a source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("mirror", "corpus", "jars", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    ours = Scrubber([PERSON])
    for name, texts in (("tatoeba-en", tatoeba(args.mirror, 0)), ("docs-en", documentation(args.corpus, "en"))):
        seen = persons(args.jars, untested(args.out, texts))
        written(args.out / f"silver-{name}.jsonl", [agreed(sample, ours) for sample in seen])
    for name, prose in (("gap", gap(args.mirror)), ("wiki-split", wiki_split(args.mirror))):
        people = list(prose)
        kept = set(untested(args.out, (text for text, _ in people)))
        people = [sample for sample in people if sample[0] in kept]
        seen = persons(args.jars, [text for text, _ in people])
        written(args.out / f"silver-{name}.jsonl", [of_prose(a, b, ours) for a, b in zip(people, seen, strict=True)])
    text = (args.out / "fit-uner-en.jsonl").read_text(encoding="utf-8")
    people = [(one["text"], list(map(tuple, one["spans"]))) for one in map(json.loads, filter(None, text.split("\n")))]
    seen = persons(args.jars, [text for text, _ in people])
    checked = [doubted(a, b) for a, b in zip(people, seen, strict=True)]
    written(args.out / "checked-uner-en.jsonl", checked)
    written(args.out / "checked-uner-en-lines.jsonl", list(lines(checked)))


if __name__ == "__main__":
    main()
