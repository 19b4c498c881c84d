"""LocalRunner: Beam's FnApiRunner with stages cut into tasks for forked workers, and all data between them on disk.

Overrides two internals of a tested Beam minor version (TESTED); elsewhere Beam's own runner takes its place.
Beam's optimiser, coders, bundle processor and metrics stay as they are.
"""

import contextlib
import itertools
import os
import shutil
import sys
import tempfile
import time
import types
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import apache_beam
from apache_beam.metrics import monitoring_infos
from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.fn_api_runner.execution import GroupingBuffer, ListBuffer, split_buffer_id
from apache_beam.runners.worker.bundle_processor import DATA_INPUT_URN, DATA_OUTPUT_URN

from gristmill.pipelines.processes.lifetime import SCRATCH
from gristmill.pipelines.processes.pool import WorkerDiedError, WorkerPool
from gristmill.pipelines.runners.budget import UNLIMITED, Budget
from gristmill.pipelines.runners.local.spill import Spilled, SpillFile, SpillGroup, SpillList

TESTED = ("2.77",)
"""Minor versions of Beam whose internals this module has been tested against."""
PARTITIONS = 64
"""Of a shuffle; a partition is grouped in one worker's memory."""

Written: TypeAlias = tuple[bytes, str, int, Spilled]
"""(buffer, transform, partition, where it lies)."""
Result: TypeAlias = tuple[bytes, list[Written]]
"""Of a task: Beam's encoded response, what was written."""


def unsuitable() -> str | None:
    """Why this machine must use Beam's own runner; None where LocalRunner works."""
    version = apache_beam.__version__
    if not version.startswith(tuple(f"{tested}." for tested in TESTED)):
        return f"Beam {version} is not one of the tested versions ({', '.join(TESTED)})"
    if sys.platform != "linux":
        return f"forking workers is not safe on {sys.platform}"
    return None


class LocalRunner(fn_runner.FnApiRunner):
    """Runs a pipeline on `workers` processes (0: one per core) within a budget.

    `scratch`: where data between stages lie; in a run directory the next run sweeps what a killed one left.
    `at_once`: the first try is one worker that does all stages in memory. Set it where there is too little to share
    among workers: a fork takes longer than a stage then, and a run has up to fifty. Where that worker dies, the stages
    are run one by one, from what it has finished.
    Raises RecipeError for a budget that no run can keep.
    """

    at_once = False

    def __init__(
        self, workers: int = 0, budget: Budget = UNLIMITED, scratch: Path | None = None, is_drain: bool = False
    ):
        super().__init__(is_drain=is_drain)
        self.workers = workers or len(os.sched_getaffinity(0))
        self.pool = WorkerPool(self.workers, budget.share(self.workers))
        self.budget, self.spilled, self.folder, self.scratch = budget, 0, "", scratch

    def run_stages(self, *args: Any) -> fn_runner.RunnerResult:
        """As FnApiRunner, with a folder for what lies between stages."""
        self.folder, self.spilled = tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=self.scratch), 0
        try:
            self.account()
            if self.at_once:
                with contextlib.suppress(WorkerDiedError):
                    return self._run_at_once(*args)
                self.at_once = False
            return super().run_stages(*args)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run_at_once(self, *args: Any) -> fn_runner.RunnerResult:
        """All stages in one worker, as Beam's own runner does them. Raises WorkerDiedError."""
        run = super().run_stages
        (state,) = self.pool.map(lambda task: run(*args).state, 1, "all stages", tries=1)
        return fn_runner.RunnerResult(state, {})

    def account(self, result: Result | None = None) -> None:
        """Count what a task has written. Raises RunnerError when that passes the budget, or the disk is full."""
        self.spilled += sum(segment.length for *_, segment in result[1]) if result else 0
        self.budget.check_disk(self.spilled, self.folder)

    def _get_bundle_manager(self, context: Any) -> fn_runner.BundleManager:
        if self.at_once:
            return super()._get_bundle_manager(context)
        if not hasattr(context, "stock_get_buffer"):
            context.stock_get_buffer = context.get_buffer
            context.get_buffer = types.MethodType(_spilling_get_buffer, context)
        generator = self.get_cache_token_generator(static=False)
        return ForkingBundleManager(self, context, generator)


def _spilling_get_buffer(context: Any, buffer_id: bytes, transform_id: str) -> Any:
    """BundleContextManager.get_buffer, with buffers that spill; timers stay in memory."""
    buffers = context.execution_context.pcoll_buffers
    if buffer_id not in buffers:
        stock = context.stock_get_buffer(buffer_id, transform_id)
        if split_buffer_id(buffer_id)[0] == "timers":
            return stock
        grouped = isinstance(stock, GroupingBuffer)
        buffers[buffer_id] = SpillGroup(stock, PARTITIONS) if grouped else SpillList(stock._coder_impl)
    return buffers[buffer_id]


class ForkingBundleManager(fn_runner.BundleManager):
    """Processes one stage: cuts its input into tasks, runs Beam's own bundle manager on each in a forked worker."""

    def __init__(self, runner: LocalRunner, context: Any, cache_tokens: Any):
        super().__init__(context, None, cache_token_generator=cache_tokens)
        self.runner = runner

    def process_bundle(
        self, inputs: Any, expected_outputs: Any, fired_timers: Any, expected_output_timers: Any, dry_run: bool = False
    ) -> Any:
        """One stage. Stateful stages, timers and several inputs go to Beam's manager in this process."""
        context = self.bundle_context_manager
        (name, buffer), *more = inputs.items()
        if more or expected_output_timers or context.stage.is_stateful() or self._select_split_manager():
            whole = {key: list(value) for key, value in inputs.items()}
            return super().process_bundle(whole, expected_outputs, fired_timers, expected_output_timers, dry_run)
        if isinstance(buffer, ListBuffer):
            buffer = SpillList(buffer._coder_impl, buffer)
        if isinstance(buffer, SpillList) and buffer.is_small and _only_moves(context.stage):
            return super().process_bundle({name: list(buffer)}, expected_outputs, {}, {}, dry_run)
        tasks = buffer.tasks(self.runner.workers)
        _ = context.worker_handlers, context.process_bundle_descriptor  # lazy state: made once, before the fork
        work = _Work(self, name, buffer, tasks, expected_outputs, dry_run)
        return self._merge(self.runner.pool.map(work, len(tasks), context.stage.name, self.runner.account)), []

    def _merge(self, results: list[Result]) -> Any:
        """Take the outputs of all tasks, in their order, so that the order of elements is deterministic."""
        merged, infos = beam_fn_api_pb2.InstructionResponse(), []
        files: dict[str, SpillFile] = {}
        get_buffer = self.bundle_context_manager.get_buffer
        for raw, written in results:
            response = beam_fn_api_pb2.InstructionResponse.FromString(raw)
            infos.append(response.process_bundle.monitoring_infos)
            merged.process_bundle.residual_roots.extend(response.process_bundle.residual_roots)
            for buffer_id, transform_id, partition, segment in written:
                if segment.path not in files:
                    files[segment.path] = SpillFile(segment.path)
                kept = replace(segment, file=files[segment.path])
                get_buffer(buffer_id, transform_id).add(partition, kept)
        consolidated = monitoring_infos.consolidate(itertools.chain(*infos))
        merged.process_bundle.monitoring_infos.extend(consolidated)
        return merged


def _only_moves(stage: Any) -> bool:
    """Whether a stage hands on what others wrote: it runs no code of a user's, and a fork would be most of its work."""
    return all(transform.spec.urn in (DATA_INPUT_URN, DATA_OUTPUT_URN) for transform in stage.transforms)


class _Work:
    """What a worker does with a task: run the bundle, append its outputs to a spill file of its own."""

    def __init__(self, manager: ForkingBundleManager, name: str, buffer: Any, tasks: list, outputs: Any, dry_run: bool):
        self.manager, self.name, self.buffer, self.tasks = manager, name, buffer, tasks
        self.outputs, self.dry_run = outputs, dry_run
        self.get_buffer = manager.bundle_context_manager.get_buffer
        self.file: Any = None

    def __call__(self, task: int) -> Result:
        """In the worker. Nothing is visible before the parent has the answer: a dead worker's file is never named."""
        if self.file is None:
            name = f"{os.getpid()}-{time.monotonic_ns()}"
            self.file = open(os.path.join(self.manager.runner.folder, name), "wb")  # noqa: SIM115 - for life
        written: list[Written] = []
        context = self.manager.bundle_context_manager
        context.get_buffer = lambda buffer_id, transform_id: types.SimpleNamespace(
            cleared=False, append=lambda data: written.extend(self._spill(buffer_id, transform_id, data))
        )
        inputs = {self.name: self.buffer.read(self.tasks[task])}
        response, _ = fn_runner.BundleManager.process_bundle(self.manager, inputs, self.outputs, {}, {}, self.dry_run)
        self.file.flush()
        return response.SerializeToString(), written

    def _spill(self, buffer_id: bytes, transform_id: str, data: bytes) -> list[Written]:
        made = []
        for partition, raw in self.get_buffer(buffer_id, transform_id).partitioned(data):
            segment = Spilled(self.file.name, self.file.tell(), len(raw))
            self.file.write(raw)
            made.append((buffer_id, transform_id, partition, segment))
        return made
