"""Does a part of a recipe's input in a process of its own, to see what the whole will take."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from gristmill.pipelines.run.capacity.forecast import Measured


def try_part(recipe: Path, size: int) -> tuple[Measured | None, str]:
    """(what about so many bytes took, why it ended early; "" where it did not). None: nothing could be measured."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-m", "gristmill.pipelines.run.trials.trial", str(recipe), str(size), folder]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
        found = Path(folder) / "measured.json"
        told: dict[str, Any] = json.loads(found.read_bytes()) if found.exists() else {"measured": None, "ended": ""}
    if told["measured"] is None:
        return None, told["ended"] or f"the process that measures ended with code {done.returncode}"
    return Measured.from_json(told["measured"]), told["ended"]
