"""The last lines of `gristmill run`."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gristmill.pipelines.report.build import build
from gristmill.pipelines.report.terminal import terminal_summary


def shown(report: Any, width: int) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=width).print(terminal_summary(report))
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_terminal_summary(run: Path, scrub: Callable[[str], str]) -> None:
    lines = shown(build(run, scrub), 100)
    assert lines[0].startswith("365 records (")
    assert any(line.startswith("decide") and "77.3%" in line for line in lines)
    assert any(line.startswith("gopher@paper/words_min") for line in lines)
    assert not any("report:" in line for line in lines)  # the command says once where it is


@pytest.mark.parametrize("number", [0, 1])
def test_terminal_summary__hardly_any_documents(runs: Any, scrub: Callable[[str], str], number: int) -> None:
    assert any("Totals reconcile" in line for line in shown(build(runs.whole(number=number), scrub), 80))
