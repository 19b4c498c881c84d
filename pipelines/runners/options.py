"""Runner names of the command line -> Beam runner and options. Nothing but these differs between runners."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineRunner

from gristmill.filters.names import nearest
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.runners.budget import UNLIMITED, Budget
from gristmill.pipelines.runners.local.runner import LocalRunner, unsuitable
from gristmill.pipelines.runners.portable.engines import ENGINES

_View = TypeVar("_View", bound=PipelineOptions)
RUNNERS = ("local", "spark", "flink", "dataflow", "fnapi", "portable")
"""local: all cores of this machine; spark, flink: a cluster; dataflow: Google's; fnapi: Beam's, one process; portable:
any job service."""


class Options(PipelineOptions):
    """Beam's, whose views are made once: at every transform Beam asks for one, and each builds a parser."""

    def view_as(self, cls: type[_View]) -> _View:
        """These options as `cls` names them: all views share what is set."""
        views = self.__dict__.setdefault("_views", {})  # __setattr__ takes options only
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]


@dataclass(frozen=True)
class Chosen:
    """A runner ready to use. `runner` is None where the options name it; `note` says what a user should know."""

    options: PipelineOptions
    runner: PipelineRunner | None
    workers: int
    note: str = ""


def choose(
    name: str,
    workers: int,
    beam_args: Sequence[str] = (),
    scratch: Path | None = None,
    budget: Budget = UNLIMITED,
) -> Chosen:
    """The runner of a name; `scratch` is a folder for what the local one keeps between stages, within `budget`.

    Raises RecipeError for a name that is none, or for a runner that lacks what it needs or cannot keep a budget.
    """
    if name != "local" and budget != UNLIMITED:
        option = "--memory" if budget.memory else "--disk"
        fix = "leave it out; a cluster has settings of its own (docs/running.md)"
        raise RecipeError(f"the {name} runner keeps no budget", where=option, fix=fix)
    # Never DirectRunner: it tries a download and chooses its engine by what the network answers (docs/running.md).
    options = Options(list(beam_args) if name in ("local", "fnapi") else [])
    if name == "local" and (reason := unsuitable()):
        lost = ", no budgets" if budget != UNLIMITED else ""
        return Chosen(options, FnApiRunner(), 1, f"one process only{lost}: {reason}")
    if name == "local":
        local = LocalRunner(workers, budget, scratch)
        return Chosen(options, local, local.workers)
    if name == "fnapi":
        return Chosen(options, FnApiRunner(), 1)
    if name == "portable":
        return Chosen(PipelineOptions(_portable(beam_args)), None, workers)
    if name == "dataflow":
        return _dataflow(workers, beam_args)
    if name in ENGINES:
        from gristmill.pipelines.runners.portable.cluster import find_cluster

        named = find_cluster(name, workers, beam_args)
        return Chosen(PipelineOptions(named.arguments), named.runner, workers, named.note)
    raise RecipeError(f"unknown runner '{name}'", where="--runner", fix=nearest(name, RUNNERS))


def _dataflow(workers: int, beam_args: Sequence[str]) -> Chosen:
    from gristmill.pipelines.runners.dataflow.options import parse  # no other run pays for it
    from gristmill.pipelines.runners.dataflow.runner import DataflowRunner

    options, rest = parse(beam_args, workers)
    note = f"Dataflow in {options.region}, project {options.project}: at most {options.max_num_workers} machines"
    runner = DataflowRunner(options, rest)
    return Chosen(runner.options, runner, options.max_num_workers, note)


def _portable(beam_args: Sequence[str]) -> list[str]:
    if not any(arg.startswith("--job_endpoint") for arg in beam_args):
        service = "python -m apache_beam.runners.portability.local_job_service_main"
        fix = f"add `-- --job_endpoint=HOST:PORT`; a local one: {service}"
        raise RecipeError("the portable runner needs a job service", where="--runner portable", fix=fix)
    return ["--runner=PortableRunner", "--environment_type=LOOPBACK", *beam_args]
