"""Progress of a run: one live table on a terminal, a line per 30 seconds in a log file or a pipe."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from gristmill.pipelines.cli.terminal.output import human_bytes, time_left
from gristmill.pipelines.run.progress import StageProgress

LOG_SECONDS = 30.0


class ProgressView:
    """Shows stage after stage: units, documents, MB/s, time left."""

    def __init__(self, console: Console):
        self.console = console
        self.live = Progress(
            TextColumn("{task.description:<10}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>5.0f} of {task.total:.0f} units", markup=False),
            TextColumn("{task.fields[figures]}", markup=False),
            console=console,
            transient=False,
            disable=not console.is_terminal,
        )
        self.tasks: dict[str, TaskID] = {}
        self.first: dict[str, tuple[float, int]] = {}
        self.logged = time.monotonic()

    def __enter__(self) -> "ProgressView":
        self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.stop()

    @property
    def due(self) -> bool:
        """Whether something would be shown now: what is not need not be looked up."""
        return self.console.is_terminal or time.monotonic() - self.logged >= LOG_SECONDS

    def show(self, stages: list[StageProgress]) -> None:
        """Show the state of all stages."""
        for stage in stages:
            if stage.total:
                self._update(stage)
        running = next((stage for stage in stages if stage.total and not stage.finished), None)
        if not self.console.is_terminal and running and self.due:
            self.logged = time.monotonic()
            self.console.print(f"{running.stage}: {running.done} of {running.total} units, {self._figures(running)}")

    def _update(self, stage: StageProgress) -> None:
        if stage.stage not in self.tasks:
            self.first[stage.stage] = (time.monotonic(), stage.bytes)
            self.tasks[stage.stage] = self.live.add_task(stage.stage, total=stage.total, figures="")
        self.live.update(self.tasks[stage.stage], completed=min(stage.done, stage.total), figures=self._figures(stage))

    def _figures(self, stage: StageProgress) -> str:
        if not stage.documents:
            return ""
        since, before = self.first[stage.stage]
        rate = (stage.bytes - before) / max(time.monotonic() - since, 1e-3)
        speed = f", {human_bytes(rate)}/s" if rate and not stage.finished else ""
        left = f", {time_left(stage.left)}" if stage.left is not None else ""
        return f"{stage.documents:,} documents, {human_bytes(stage.bytes)}{speed}{left}"
