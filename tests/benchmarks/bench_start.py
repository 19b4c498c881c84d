"""What a start costs, beside `import pyarrow` in the same minute: python tests/benchmarks/bench_start.py [--times 5]

CPU seconds (user + system) of whole process trees on one core, bytecode and kernels in their caches: `--help`, a run
over one document (three English presets; the same with deduplication and scrubbing), the same command again. The least
of some runs, and the median of how many times `import pyarrow`, measured in turn, that is: it holds on a busy machine.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

YARDSTICK = [sys.executable, "-c", "import pyarrow"]
COMMAND = [sys.executable, "-m", "gristmill.pipelines.cli.main"]
CORE = str(max(os.sched_getaffinity(0)))
TEXT = (
    "The mill stands where the river leaves the hills, and it has ground the grain of four villages since 1708. In the "
    "spring, when the snow melts, the miller has to lift the gates at night, because the water would otherwise break "
    "the old wheel. He learned that from his father, who had seen it happen. Visitors may look at the stones and the "
    "gears, and on Sundays there is fresh bread in the yard behind the house. Whoever wants to bring grain of their "
    "own should say so a week before, for there is room for twelve sacks only, and the wheel does not turn in a dry "
    "summer. The road to the mill is narrow; that is why most people walk the last part of it, along the bank."
)
RECIPE = """\
gristmill: 1
name: start
sources: {{web: {{format: text, paths: [{file}], language: en}}}}
decide: [{{presets: [gopher@paper, c4@tfds, fineweb@datatrove]}}]
tokenizer: null
"""
WITHOUT = "deduplicate: null\nscrub: null\n"


def cpu(command: list[str]) -> float:
    """User and system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(["taskset", "-c", CORE, *command], capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.decode()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def beside(command: list[str], times: int, before: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """(least CPU seconds, median ratio to `import pyarrow`, measured in turn)."""
    pairs = []
    for _ in range(times):
        before()
        pairs.append((cpu(command), cpu(YARDSTICK)))
    return min(mine for mine, _ in pairs), statistics.median(mine / theirs for mine, theirs in pairs)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    table = Table("what", "CPU s", "times import pyarrow", title=f"core {CORE}")
    with tempfile.TemporaryDirectory() as folder:
        scratch, found = Path(folder), {}
        (scratch / "page.txt").write_text(TEXT, encoding="utf-8")
        cpu(YARDSTICK)
        found["--help"] = beside([*COMMAND, "--help"], times)
        for name, rest in (("three presets", WITHOUT), ("presets, deduplication, scrubbing", "")):
            recipe, out = scratch / "recipe.yaml", scratch / "run"
            recipe.write_text(RECIPE.format(file=scratch / "page.txt") + rest, encoding="utf-8")
            run = [*COMMAND, "run", str(recipe), "--out", str(out)]
            cpu(run)  # compiles what is not in the cache
            found[f"run over one document: {name}"] = beside(run, times, lambda out=out: shutil.rmtree(out))
            found[f"again: {name}"] = beside(run, times)
            shutil.rmtree(out)
        for name, (seconds, ratio) in found.items():
            table.add_row(name, f"{seconds:.2f}", f"{ratio:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
