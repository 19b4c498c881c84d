"""Deduplication beside datatrove, rensa, text-dedup and Dolma's Bloom filter in one run: make bench-peers.

    python -m tests.benchmarks.peers_dedup.bench_peers_dedup FOLDER --peers PYTHON --dolma COMMAND [--rounds 3]

FOLDER holds docs-*.parquet and dedup.parquet, with columns id, text, lang (and url, for dedup.parquet: copies end in
?mirror=N). Every tool reads the same files, pinned to one core, with one thread, in turn, in another order each round.
Figures are CPU seconds of whole process trees (user + system); MB/s counts UTF-8 bytes of `text`; *start* is the same
command on one document. Parts are of the process that they stand under: what other parts cost is not in them. Dolma is
given JSONL, which is written before and not timed, and writes marks, no documents; rensa writes nothing.
"""

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.table import Table

from gristmill.pipelines.cli.running.run import KEEPS_MEMORY
from tests.benchmarks.peers_dedup.quality import COLUMNS, Outcome, Truth
from tests.benchmarks.run import CORE, DEDUP, measure, one_document, text_megabytes

HERE = Path(__file__).parent
QUIET = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
WHOLE, NOTHING_WRITTEN, STAGES, FROM_TEXTS = (
    "whole command",
    "whole process, nothing written",
    "its stages",
    "from texts",
)
BANDED = {"--num_perm": "112", "--b": "16", "--r": "7", "--threshold": "0.7", "--ngram": "5"}
OURS, LINES, PARAGRAPHS, EXACT = "ours, near-duplicates", "ours, lines", "ours, paragraphs", "ours, exact documents"
MEMORY, RENSA, RENSA_HAN = (
    "ours, texts in memory to verified members",
    "rensa, \\w+ words",
    "rensa, Han and Kana as words",
)
DATATROVE, TEXT_DEDUP = "datatrove 14 x 8", "text-dedup"
DOLMA, DOLMA_DOCUMENTS = "dolma Bloom, paragraphs (its are lines)", "dolma Bloom, documents"
COMPILED, FLAGS = "sketch, query, insert", "sketch, flags of whole batches"
PASSAGES: dict[str, dict[str, Any]] = {
    LINES: {"exact": False, "minhash": None, "passages": [{"unit": "line"}]},
    PARAGRAPHS: {"exact": False, "minhash": None, "passages": [{"unit": "paragraph"}]},
    EXACT: {"minhash": None},
}
Seconds = dict[str, float]


@dataclass(frozen=True)
class Corpus:
    """Files that one row is about; `jsonl`: the same for Dolma, in a folder `documents`."""

    name: str
    files: list[Path]
    jsonl: Path
    megabytes: float
    documents: int
    lines: int

    @classmethod
    def of(cls, name: str, files: list[Path], scratch: Path) -> "Corpus":
        """Writes what Dolma reads."""
        folder = scratch / name / "documents"
        folder.mkdir(parents=True)
        documents = lines = 0
        for file in files:
            with gzip.open(folder / f"{file.stem}.jsonl.gz", "wt", encoding="utf-8", compresslevel=6) as sink:
                for row in pq.read_table(file, columns=["id", "text"]).to_pylist():
                    sink.write(json.dumps({**row, "source": name}, ensure_ascii=False) + "\n")
                    documents += 1
                    lines += row["text"].count("\n") + 1
        return cls(name, files, folder, text_megabytes(list(map(str, files))), documents, lines)


@dataclass
class Bench:
    """Tools; each takes (corpus, empty folder) -> CPU seconds by part, and leaves what it found in `found`."""

    peers: str
    dolma: str
    found: dict[str, Outcome]
    without: tuple[str, ...] = ()
    """Beginnings of the names of tools that are left out."""

    def ours(self, name: str) -> Callable[[Corpus, Path], Seconds]:
        """The command, to written survivors; its stages as `run.json` has them."""

        def run(corpus: Corpus, folder: Path) -> Seconds:
            recipe = yaml.safe_load(DEDUP.format(paths=json.dumps(list(map(str, corpus.files)))))
            recipe["deduplicate"] = PASSAGES.get(name, recipe["deduplicate"])
            (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
            command = [str(Path(sys.executable).with_name("gristmill")), "run", str(folder / "recipe.yaml")]
            run = measure([*command, "--out", str(folder / "run"), "--until", "text", "--runner", "fnapi"])
            stages = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))["stages"]
            took = {stage["stage"]: stage["cpu_seconds"] or stage["seconds"] for stage in stages}
            passages = {"stage `passages`": took["passages"]} if "passages" in took else {}
            return {WHOLE: run.cpu, STAGES: sum(took.values()), **passages}

        return run

    def in_memory(self, corpus: Corpus, folder: Path) -> Seconds:
        """Fingerprints, Beam, verification, in one process."""
        script = [sys.executable, "-m", "tests.benchmarks.peers_dedup.in_memory"]
        measure([*script, str(folder / "out.json"), *map(str, corpus.files)], KEEPS_MEMORY)
        seconds = self.result(corpus, OURS, folder)
        return {FROM_TEXTS: sum(seconds.values()), **seconds}

    def rensa(self, *flags: str) -> Callable[[Corpus, Path], Seconds]:
        """Per document, then, in a process of its own, by its calls for whole batches."""

        def run(corpus: Corpus, folder: Path) -> Seconds:
            command = [self.peers, str(HERE / "peer_dedup.py"), "rensa", str(folder / "out.json")]
            command += [*map(str, corpus.files), *flags]
            name = RENSA_HAN if flags else RENSA
            if corpus.name == "dedup" and name not in self.found:
                measure([*command, "--clusters"], QUIET)
                self.result(corpus, name, folder)
            whole = measure(command, QUIET).cpu
            parts = self.result(corpus, name, folder)
            measure([*command, "--flags"], QUIET)
            batched = self.result(corpus, name, folder)
            parts[FROM_TEXTS] = parts["shingles"] + parts["sketch"] + parts["query"]
            compiled = {COMPILED: parts["sketch"] + parts["query"], FLAGS: batched["sketch"] + batched["query"]}
            return {NOTHING_WRITTEN: whole, **parts, **compiled}

        return run

    def datatrove(self, corpus: Corpus, folder: Path) -> Seconds:
        """Four stages, Parquet to Parquet."""
        command = [self.peers, str(HERE / "peer_dedup.py"), "datatrove", str(folder / "out.json")]
        whole = measure([*command, *map(str, corpus.files)], QUIET).cpu
        return {WHOLE: whole, **self.result(corpus, DATATROVE, folder)}

    def text_dedup(self, corpus: Corpus, folder: Path) -> Seconds:
        """Parquet to the folder of a data set."""
        options = {"--path": "parquet", "--split": "train", "--column": "text", "--num_proc": "1", **BANDED}
        options |= {"--data_files": str(corpus.files[0].parent / f"{corpus.name}*.parquet")}
        options |= {"--cache_dir": str(folder / "cache"), "--output": str(folder / "out")}
        command = [self.peers, "-m", "text_dedup.minhash", *(part for option in options.items() for part in option)]
        whole = measure([*command, "--debug"], QUIET | {"HF_HOME": str(folder / "home")}).cpu
        if corpus.name == "dedup" and TEXT_DEDUP not in self.found:
            look = [self.peers, str(HERE / "peer_dedup.py"), "clusters", str(folder / "out.json")]
            measure([*look, str(corpus.files[0]), str(folder / "out")])
            self.result(corpus, TEXT_DEDUP, folder)
        return {WHOLE: whole}

    def bloom(self, name: str) -> Callable[[Corpus, Path], Seconds]:
        """JSONL to marks of what stood before; one false one in ten thousand asked for."""

        def run(corpus: Corpus, folder: Path) -> Seconds:
            documents = folder / "documents"
            documents.symlink_to(corpus.jsonl)
            kind, size = ("paragraphs", corpus.lines) if name == DOLMA else ("documents", corpus.documents)
            options = {"--documents": f"{documents}/*.gz", "--dedupe.name": "seen", "--processes": "1"}
            options |= {f"--dedupe.{kind}.attribute_name": "seen", "--bloom_filter.file": str(folder / "bloom")}
            options |= {"--bloom_filter.estimated_doc_count": str(size)}
            options |= {"--bloom_filter.desired_false_positive_rate": "0.0001"}
            if kind == "documents":
                options |= {"--dedupe.documents.key": "$.text"}
            command = [self.dolma, "dedupe", *(part for option in options.items() for part in option)]
            return {WHOLE: measure([*command, "--dedupe.skip_empty", "--no-bloom_filter.read_only"], QUIET).cpu}

        return run

    def result(self, corpus: Corpus, name: str, folder: Path) -> Seconds:
        """What a script of ours or peer_dedup.py has said."""
        said = json.loads((folder / "out.json").read_text())
        if corpus.name == "dedup" and "clusters" in said:
            self.found[name] = Outcome(said["clusters"], said["removed"])
        return said.get("seconds", {})

    def tools(self, corpus: str) -> dict[str, Callable[[Corpus, Path], Seconds]]:
        """datatrove takes a minute for 57 MB, so it is given those alone; passages have the larger corpus."""
        near = {OURS: self.ours(OURS), MEMORY: self.in_memory}
        near |= {RENSA: self.rensa(), RENSA_HAN: self.rensa("--characters"), TEXT_DEDUP: self.text_dedup}
        passages = {name: self.ours(name) for name in PASSAGES}
        passages |= {name: self.bloom(name) for name in (DOLMA, DOLMA_DOCUMENTS)}
        every = near | ({DATATROVE: self.datatrove} if corpus == "dedup" else passages)
        return {name: run for name, run in every.items() if not name.startswith(self.without)}


Times = dict[str, dict[str, list[float]]]
"""tool -> part -> CPU seconds, one a round."""


def rounds(bench: Bench, corpus: Corpus, number: int, scratch: Path) -> Times:
    """Every tool in turn; whoever was first is last in the next round."""
    times: Times = defaultdict(lambda: defaultdict(list))
    tools = list(bench.tools(corpus.name.split("-")[0]).items())
    for turn in range(number):
        shift = turn * len(tools) // max(number, 1)
        for name, run in tools[shift:] + tools[:shift]:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                for part, seconds in run(corpus, Path(folder)).items():
                    times[name][part].append(seconds)
            sys.stderr.write(f"{corpus.name} {turn + 1}/{number} {name}\n")
    return times


def speeds(corpus: Corpus, times: Times, start: Times) -> Table:
    """One row a part."""
    title = f"{corpus.name}: {corpus.documents:,} documents, {corpus.megabytes:.1f} MB, core {CORE}"
    table = Table(
        "tool", "part", "CPU s, least", "median", "MB/s of the least", "start s", "MB/s after start", title=title
    )
    for name, parts in times.items():
        for part, took in parts.items():
            least, begin = min(took), min(start[name][part])
            whole = part.startswith("whole")
            after = [f"{begin:.2f}", f"{corpus.megabytes / (least - begin):.1f}"] if whole else ["", ""]
            speed = f"{corpus.megabytes / least:.1f}"
            table.add_row(
                name if part == next(iter(parts)) else "",
                part,
                f"{least:.2f}",
                f"{statistics.median(took):.2f}",
                speed,
                *after,
            )
    return table


def ratios(corpus: Corpus, times: Times) -> Table:
    """How many times the speed of a peer ours has, by the least and by the median of pairs of one round."""
    table = Table("ours", "peer", "least", "median of rounds", title=f"{corpus.name}: times as fast as the peer")
    compiled = [(rensa, part) for rensa in (RENSA, RENSA_HAN) for part in (COMPILED, FLAGS)]
    whole = [(RENSA, NOTHING_WRITTEN), (RENSA_HAN, NOTHING_WRITTEN), (TEXT_DEDUP, WHOLE), (DATATROVE, WHOLE)]
    from_texts = [(RENSA, FROM_TEXTS), (RENSA_HAN, FROM_TEXTS)]
    pairs = [((OURS, part), peer) for part in (WHOLE, STAGES) for peer in (*whole, *compiled)]
    pairs += [((MEMORY, FROM_TEXTS), peer) for peer in (*from_texts, *compiled)]
    pairs += [((ours, WHOLE), (DOLMA, WHOLE)) for ours in (LINES, PARAGRAPHS)]
    pairs += [((EXACT, WHOLE), (DOLMA_DOCUMENTS, WHOLE))]
    for (ours, part), (peer, its) in pairs:
        if ours in times and peer in times:
            mine, other = times[ours][part], times[peer][its]
            of_rounds = statistics.median(b / a for a, b in zip(mine, other, strict=True))
            table.add_row(f"{ours}: {part}", f"{peer}: {its}", f"{min(other) / min(mine):.2f}", f"{of_rounds:.2f}")
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers", required=True, help="python that has datatrove, rensa and text-dedup")
    parser.add_argument("--dolma", required=True, help="Dolma's command, of another environment")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["docs", "dedup"])
    parser.add_argument("--without", nargs="*", default=[], help="beginnings of names of tools, such as text-dedup")
    asked = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    bench, console = Bench(asked.peers, asked.dolma, {}, tuple(asked.without)), Console(width=150)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for part in [asked.only] if asked.only else ["docs", "dedup"]:
            files = sorted(asked.folder.resolve().glob(f"{part}*.parquet"))
            corpus = Corpus.of(part, files, scratch)
            one_document(list(map(str, files)), scratch)
            one = Corpus.of(f"{part}-one", [(scratch / "one.parquet").rename(scratch / f"{part}-one.parquet")], scratch)
            rounds(bench, one, 1, scratch)  # compiles kernels and bytecode
            start = rounds(bench, one, asked.rounds, scratch)
            times = rounds(bench, corpus, asked.rounds, scratch)
            console.print(speeds(corpus, times, start), ratios(corpus, times))
        if bench.found:
            truth = Truth(asked.folder / "dedup.parquet")
            table = Table(*COLUMNS, title="dedup.parquet: injected pairs in one cluster, by similarity; removals by it")
            for tool, outcome in bench.found.items():
                table.add_row(*truth.row(tool, outcome))
            console.print(table)
    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()}, pyarrow {pa.__version__}")


if __name__ == "__main__":
    main()
