"""`python stub_work.py RUN FOLDER`: the real job, with a trainer that only notes that it was called."""

import sys
from pathlib import Path

from gristmill.infra.work import __main__ as work
from gristmill.infra.work import chain

TRAINER = """
import os, pathlib, sys, time
where, *told = sys.argv[1:]
folder = pathlib.Path(told[told.index("--name") - 1]) / "train" / told[told.index("--name") + 1]
with open(where, "a") as file:
    file.write(" ".join(told) + chr(10))
time.sleep(float(os.environ.get("STUB_SECONDS", "0.2")))
if code := int(os.environ.get("STUB_CODE", "0")):
    sys.exit(code)
(folder / "step-000002").mkdir(parents=True)
"""


def trained(run: Path) -> list[str]:
    """What trainers were told, one line for each that was started on a run."""
    file = run / "trained"
    return file.read_text().splitlines() if file.exists() else []


def main() -> int:
    where = str(Path(sys.argv[1]) / "trained")
    chain.Processes.command = lambda self, told: [sys.executable, "-S", "-c", TRAINER, where, *told]
    chain.recipe_options = lambda run, told: []
    chain.write_report = lambda store: "none"
    return work.main()


if __name__ == "__main__":
    sys.exit(main())
