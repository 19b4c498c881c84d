"""A forecast against what the whole took: python tests/benchmarks/bench_forecast.py RECIPE FOLDER [SHARE]

From a run over SHARE of the documents (default 0.125), and from a trial of that share of the bytes (`validate`). CPU
seconds of the stages from receipts, of the whole from the process tree; disk from the parts that are listed.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from gristmill.pipelines.run.capacity.forecast import Forecast, Measured, forecast
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.store import Store

COMMAND = [sys.executable, "-m", "gristmill.pipelines.cli.main", "run"]


def cpu_seconds() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def state_of(run: Path) -> dict:
    """run.json."""
    return json.loads((run / "run.json").read_text("utf-8"))


def compare(name: str, found: Forecast, whole: dict, tree: float) -> None:
    """One line a stage, and the sums."""
    took = {stage["stage"]: stage["cpu_seconds"] for stage in whole["stages"]}
    for stage in found.stages[1:]:
        ratio = stage.core_seconds.likely / took[stage.stage]
        print(f"{name} {stage.stage}: {stage.core_seconds.likely:.2f} s, took {took[stage.stage]:.2f} ({ratio:.2f})")
    stages = sum(stage.core_seconds.likely for stage in found.stages[1:])
    measured = Measured.from_json(whole["measured"])
    sizes = [*(cost.bytes for cost in measured.sources.values()), measured.once, measured.together]
    disk = sum(sum(size.values()) for size in sizes)
    for what, likely, true in (
        ("stages", stages, sum(took.values())),
        ("process tree", found.core_seconds.likely, tree),
        ("disk", found.disk.likely / 1e6, disk / 1e6),
        ("between stages", found.shuffled.likely / 1e6, measured.shuffled / 1e6),
    ):
        print(f"{name} {what}: {likely:.1f}, took {true:.1f} ({likely / true:.2f})")


def main(recipe: str, folder: Path, share: float = 0.125) -> None:
    """Run the sample, the trial and the whole; kernels are compiled by the first."""
    subprocess.run([*COMMAND, recipe, "--out", folder / "sample", "--sample", str(share)], check=True)
    before = cpu_seconds()
    subprocess.run([*COMMAND, recipe, "--out", folder / "whole"], check=True)
    tree = cpu_seconds() - before
    whole = state_of(folder / "whole")
    units = [(unit.source, unit.bytes) for unit in read_plan(Store.at(folder / "whole"))]
    sample = Measured.from_json(state_of(folder / "sample")["measured"])
    compare("sample", forecast(sample, units), whole, tree)
    with tempfile.TemporaryDirectory() as place:
        size = str(int(share * sum(size for _, size in units)))
        subprocess.run([sys.executable, "-m", "gristmill.pipelines.run.trials.trial", recipe, size, place], check=True)
        tried = json.loads((Path(place) / "measured.json").read_text("utf-8"))["measured"]
    compare("trial", forecast(Measured.from_json(tried), units), whole, tree)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *map(float, sys.argv[3:4]))
