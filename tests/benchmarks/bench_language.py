"""Languages: macro F1 on labelled sentences beside fastText's own model alone, and speed. Pin it to one core:

    taskset -c 1 python -m tests.benchmarks.bench_language FOLDER [--speed PARQUET]

FOLDER holds CoNLL-U files of Universal Dependencies, whose names begin with a language (`zh_pud-ud-test.conllu`); the
sentences are their `# text =` lines. Each is asked as it stands, its first words, two together, in capitals, and CJK
beside Latin letters; further two sentences each of two languages (`mixed`) and what is no language (`noise`), for
which fastText has no label. --speed: MB/s of UTF-8 of a column `text`, CPU seconds, least of three, in turn.
"""

import argparse
import base64
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import fasttext
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

import gristmill.filters.language
from gristmill.filters.language.identify import MIXED, NOISE, RELATED, identify

BATCH = 1000
ROUNDS = 3
SHORT = 20
"""Characters of a short line (8 of Chinese, Japanese), up to the end of its last word."""
UNSPACED = {"zh", "ja", "th"}
NAMES = ["iPhone 15 Pro Max", "Windows Server", "GitHub Actions", "PyTorch Lightning", "USB Type-C", "HTTP/2 proxy"]

Lines = list[tuple[str, str]]
"""(language, text)"""


def sentences(folder: Path) -> dict[str, list[str]]:
    """Sentences by language."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(folder.glob("*.conllu")):
        lines = file.read_text(encoding="utf-8").splitlines()
        found[file.name.split("_")[0]] += [
            line.removeprefix("# text = ") for line in lines if line.startswith("# text = ")
        ]
    return dict(found)


def _short(language: str, text: str) -> str:
    if language in UNSPACED:
        return text[:8]
    end = text.find(" ", SHORT)
    return text if end < 0 else text[:end]


def kinds(found: dict[str, list[str]], seed: int = 0) -> dict[str, Lines]:
    """Labelled lines by kind."""
    chance = random.Random(seed)
    languages = sorted(found)
    lines = [(language, text) for language in languages for text in found[language]]
    made: dict[str, Lines] = {"sentences": lines, "short": [(name, _short(name, text)) for name, text in lines]}
    made["two sentences"] = [
        (name, f"{first} {second}")
        for name in languages
        for first, second in zip(found[name][::2], found[name][1::2], strict=False)
    ]
    made["capitals"] = [(name, text.upper()) for name, text in lines if text.upper() != text.lower()]
    made["capitals, short"] = [
        (name, _short(name, text).upper()) for name, text in lines if text.upper() != text.lower()
    ]
    made["CJK beside Latin"] = [
        (name, f"{text[:30]}{chance.choice(NAMES)}{text[30:40]}") for name, text in lines if name in ("zh", "ja", "ko")
    ]
    made[MIXED] = []
    for _ in range(1000):
        first, second = chance.sample(languages, 2)
        if RELATED.get(first, first) != RELATED.get(second, second):
            halves = [text for name in (first, second) for text in chance.sample(found[name], 2)]
            made[MIXED].append((MIXED, "\n".join(halves)))
    made[NOISE] = [(NOISE, _noise(chance, number)) for number in range(1000)]
    return made


def _noise(chance: random.Random, number: int) -> str:
    if number % 3 == 0:
        return " ".join(chance.randbytes(20).hex() for _ in range(3))
    if number % 3 == 1:
        return base64.encodebytes(chance.randbytes(chance.randrange(60, 600))).decode()
    return " | ".join(f"{chance.randrange(10**4)}kg {chance.randrange(100)}%" for _ in range(20))


def ours(texts: list[str]) -> list[str]:
    """The label of each text, as a run would have it."""
    return [
        label
        for start in range(0, len(texts), BATCH)
        for label in identify(pa.array(texts[start : start + BATCH], pa.large_string()))[0].to_pylist()
    ]


def plain(model) -> Callable[[list[str]], list[str]]:
    """The model alone, one line a text."""

    def label(texts: list[str]) -> list[str]:
        # Not predict(): with numpy 2 it fails on its own arrays.
        found = [model.f.predict(text[:1000].replace("\n", " ") + "\n", 1, 0.0, "strict") for text in texts]
        return [labels[0][1].removeprefix("__label__") if labels else "und" for labels in found]

    return label


def macro_f1(truth: list[str], said: list[str]) -> float:
    """Mean over the languages of the truth; what is said beside them costs recall only."""
    right = Counter(true for true, mine in zip(truth, said, strict=True) if true == mine)
    of, told = Counter(truth), Counter(said)
    return sum(2 * right[name] / (of[name] + told[name]) for name in of) / len(of)


def _rate(work: Callable[[], object], size: float) -> float:
    began = time.process_time()
    work()
    return size / 1e6 / (time.process_time() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speed", type=Path)
    parser.add_argument("--errors", action="store_true", help="the commonest confusions of each kind")
    asked = parser.parse_args()
    fasttext.FastText.eprint = lambda *_: None
    model = fasttext.load_model(str(Path(gristmill.filters.language.__file__).parent / "lid.176.ftz"))
    alone, console = plain(model), Console()

    table = Table("lines", "languages", "number", "macro F1", "fastText alone", "accuracy", "fastText alone")
    for kind, lines in kinds(sentences(asked.folder)).items():
        truth, texts = [name for name, _ in lines], [text for _, text in lines]
        cells = []
        answers = ours(texts), alone(texts)
        for measure in (macro_f1, lambda a, b: sum(map(str.__eq__, a, b)) / len(a)):
            cells += [f"{measure(truth, said):.3f}" for said in answers]
        table.add_row(kind, str(len(set(truth))), str(len(lines)), *cells)
        if asked.errors:
            for said in answers:
                wrong = Counter(pair for pair in zip(truth, said, strict=True) if pair[0] != pair[1])
                console.print(kind, ", ".join(f"{a} as {b} {n}" for (a, b), n in wrong.most_common(12)))
    console.print(table)
    if asked.speed:
        texts = pq.read_table(asked.speed, columns=["text"])["text"].to_pylist()[:4000]
        size = sum(len(text.encode()) for text in texts)
        seen = sum(len(text[:1000].encode()) for text in texts)
        rates = [(_rate(lambda: ours(texts), size), _rate(lambda: alone(texts), size)) for _ in range(ROUNDS)]
        best, other = (max(column) for column in zip(*rates, strict=True))
        share = seen / size
        console.print(
            f"{best:.1f} MB/s of the texts, {best * share:.1f} of what is looked at; "
            f"fastText alone {other:.1f}, {other * share:.1f}"
        )


if __name__ == "__main__":
    main()
