"""Runner names of the command line -> Beam options. Nothing but these options differs between runners."""

import difflib
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.errors import RecipeError

FN_API_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"

RUNNERS: dict[str, tuple[str, ...]] = {
    # Never DirectRunner: it tries a download and chooses its engine by what the network answers (docs/running.md).
    "local": (f"--runner={FN_API_RUNNER}",),
    "portable": ("--runner=PortableRunner", "--environment_type=LOOPBACK"),
}
"""Options that a runner starts from; those of the command line come after them and win."""


def pipeline_options(runner: str, beam_args: Sequence[str] = ()) -> PipelineOptions:
    """Beam options of a runner. Raises RecipeError for an unknown name, or for a runner that lacks what it needs."""
    if runner not in RUNNERS:
        near = difflib.get_close_matches(runner, RUNNERS, 1, 0.4)
        fix = f"did you mean '{near[0]}'?" if near else f"choose one of {', '.join(RUNNERS)}"
        raise RecipeError(f"unknown runner '{runner}'", where="--runner", fix=fix)
    args = [*RUNNERS[runner], *beam_args]
    if runner == "portable" and not any(arg.startswith("--job_endpoint") for arg in args):
        service = "python -m apache_beam.runners.portability.local_job_service_main"
        fix = f"add `-- --job_endpoint=HOST:PORT`; a local one: {service}"
        raise RecipeError("the portable runner needs a job service", where="--runner portable", fix=fix)
    return PipelineOptions(args)
