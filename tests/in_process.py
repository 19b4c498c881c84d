"""Whole runs in pytest's own process, where neither workers nor their deaths are what is tested; and beside it.

The local runner forks a worker at each of about 45 stages. A process that holds Beam, torch and all tests takes
80 ms to fork and to end: three quarters of a small run. The bytes are the same (tests/runs/test_same_bytes.py), and the
runs that others are compared with (`calm`, `small_run`) are the local runner's, in a process of its own.
"""

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from gristmill.pipelines.run import execute as run
from gristmill.pipelines.run import worker
from gristmill.pipelines.run.request import Request


def execute(request: Request) -> dict[str, Any]:
    """As `gristmill.pipelines.run.execute.execute`; on Beam's own runner where neither another one nor several workers
    are asked for. What a stage raises comes wrapped in a RuntimeError there: tests of such errors take the local one.
    """
    here = request.runner == "local" and request.workers < 2
    return run.execute(replace(request, runner="fnapi") if here else request)


def execute_beside(request: Request, module: str = worker.__name__) -> None:
    """On the runner that is asked for, in a process that holds what a run needs and no more, as a command's does: a
    fork of it takes 16 ms."""
    with tempfile.TemporaryDirectory() as folder:
        line = [sys.executable, "-m", module, request.to_json(), folder]
        done = subprocess.run(line, capture_output=True, text=True, cwd=Path(__file__).parents[1])
        error = Path(folder) / "error"
        assert done.returncode == 0, done.stderr + (error.read_text("utf-8") if error.exists() else "")
