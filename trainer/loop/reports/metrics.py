"""metrics.jsonl, one JSON object per step, and the same numbers on TensorBoard."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol


class Board(Protocol):
    """What `Metrics` uses of torch.utils.tensorboard.SummaryWriter."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Notes a number."""

    def close(self) -> None:
        """Writes what is left."""


class Metrics:
    """metrics.jsonl: one object per line. After a resume, lines past the checkpoint's step are gone. The same numbers
    go to a `board`."""

    def __init__(self, path: Path, after_step: int, board: Board | None = None):
        self.board = board
        self.path = path
        self.damaged = 0
        """Lines that could not be read, and were left out."""
        self.file: IO[str] = self._keep(after_step)

    def _keep(self, step: int) -> IO[str]:
        lines, self.damaged = read_lines(self.path)
        steps = [line for line in lines if isinstance(line.get("step"), int)]
        self.damaged += len(lines) - len(steps)
        kept = [json.dumps(line, ensure_ascii=False) for line in steps if line["step"] <= step]
        partial = self.path.with_name(f".{self.path.name}.partial")
        partial.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        os.replace(partial, self.path)
        return self.path.open("a", encoding="utf-8")

    def truncate_after(self, step: int) -> None:
        """Forgets the lines of later steps: they will be done again."""
        self.file.close()
        self.file = self._keep(step)

    def write(self, lines: list[dict[str, Any]]) -> None:
        """Appends and flushes."""
        self.file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        self.file.flush()
        if self.board is not None:
            for line in lines:
                for name, value in _scalars(line):
                    self.board.add_scalar(name, value, line["step"])

    def close(self) -> None:
        """Closes the file and the board. A training that ended before its first line leaves no file."""
        empty = self.file.tell() == 0
        self.file.close()
        if empty:
            self.path.unlink(missing_ok=True)
        if self.board is not None:
            self.board.close()


def read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """(the objects of a file of JSON lines, how many lines are none): a kill cuts the last one, a disk any."""
    raw = path.read_bytes().split(b"\n") if path.exists() else []
    found = [_object(line) for line in raw if line.strip()]
    return [line for line in found if line is not None], found.count(None)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        made = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return made if isinstance(made, dict) else None


def _scalars(line: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """(name, number) of a line; "loss_by_source/web" of objects in it."""
    for name, value in line.items():
        if isinstance(value, dict):
            yield from _scalars(value, f"{prefix}{name}/")
        elif isinstance(value, int | float) and name != "step":
            yield prefix + name, float(value)


def tensorboard(folder: Path, after_step: int) -> Board | None:
    """A writer of event files for TensorBoard, which hides what a resumed run does again; None if not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=after_step + 1)
