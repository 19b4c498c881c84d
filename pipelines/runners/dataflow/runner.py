"""Runs a pipeline on Google Dataflow through Beam's own runner, and says what happens to it in our words."""

import contextlib
import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, TestOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.runner import PipelineResult, PipelineState

from gristmill.pipelines.errors import GristmillError, RunnerError
from gristmill.pipelines.runners.dataflow import access
from gristmill.pipelines.runners.dataflow.failures import explain, not_installed, told
from gristmill.pipelines.runners.dataflow.options import DataflowOptions
from gristmill.pipelines.runners.dataflow.orphan import ENDED
from gristmill.pipelines.runners.remote_job import JobRunner, forget, note
from gristmill.pipelines.storage.rundir import update_state
from gristmill.pipelines.storage.store import Store

FIRST_POLL_SECONDS, POLL_SECONDS = 0.5, 10.0
"""Between two looks at a job: longer by a quarter each time, from the first to the other."""
MOST_GRAPH_BYTES = 1_000_000
"""Of a staged pipeline. The service refuses jobs of 10 MB; what an input is like stands in files, not in the graph."""
_WAITING = {
    "PENDING": "the job waits for machines",
    "QUEUED": "the job is queued: FlexRS begins within six hours",
}


class DataflowRunner(dataflow_runner.DataflowRunner, JobRunner):
    """Beam's, for one run."""

    shares_this_machine = False

    def __init__(self, options: DataflowOptions, rest: Sequence[str] = ()):
        super().__init__()
        self.job_options, self.options = options, settings(options, rest)
        cloud = self.options.view_as(GoogleCloudOptions)
        self.endpoint = cloud.dataflow_endpoint
        self.detached = bool(cloud.template_location or self.options.view_as(TestOptions).dry_run)

    def check_access(self) -> None:
        """Ask Google, unless there will be no job."""
        _load_clients()
        if not self.detached:
            access.check(self.job_options, self.endpoint)

    def run_pipeline(self, pipeline: Any, options: PipelineOptions, pipeline_proto: Any = None) -> PipelineResult:
        """Stage and submit. Raises GristmillError with nothing left running."""
        cloud = options.view_as(GoogleCloudOptions)
        if self.store is not None:
            cloud.job_name = cloud.job_name or job_name(self.store)
        _load_clients()
        try:
            result = super().run_pipeline(pipeline, options, pipeline_proto)
        except GristmillError:
            raise
        except Exception as error:  # of Google's clients: every one has a tree of its own
            raise explain(told(error), self.job_options) from error
        if not getattr(result, "has_job", False):  # a dry run, or a template
            return result
        if self.store is not None:
            place = {"project": self.job_options.project, "region": self.job_options.region}
            note(self.store, endpoint=self.endpoint, job=result.job_id(), **place)
            update_state(self.store, dataflow={**place, "job": result.job_id(), **self.job_options.machine()})
        return _Result(self, result)

    def _adjust_pipeline_for_dataflow_v2(self, pipeline: Any) -> None:
        super()._adjust_pipeline_for_dataflow_v2(pipeline)
        check_size(pipeline.to_runner_api(default_environment=self._default_environment))


def _load_clients() -> None:
    """Beam was imported without Google's clients (processes/lean_beam.py), and looks for them only then."""
    try:
        from google.cloud import dataflow
    except ImportError as error:
        raise not_installed(error) from error
    dataflow_runner.dataflow_api = dataflow


def check_size(graph: beam_runner_api_pb2.Pipeline) -> None:
    """Raises RunnerError for a graph that grows with the input: a bug of ours, found before money is spent."""
    if (size := graph.ByteSize()) > MOST_GRAPH_BYTES:
        what = f"the graph has {size:,} bytes, and {MOST_GRAPH_BYTES:,} are the most"
        raise RunnerError(what, where="the job", fix="this is a bug of Gristmill; please report it with recipe.yaml")


def job_name(store: Store) -> str:
    """The same for every job of a run directory, so that the service itself refuses a second one at a time."""
    name = re.sub(r"[^a-z0-9]+", "-", store.name.lower()).strip("-")[:40]
    return f"gristmill-{name or 'run'}-{hashlib.sha256(store.root.encode()).hexdigest()[:8]}"


class _Result(PipelineResult):
    """A submitted job."""

    def __init__(self, runner: DataflowRunner, job: Any):
        super().__init__(PipelineState.RUNNING)
        self.runner, self.job, self._told = runner, job, ""
        self._said: dict[str, str] = {}

    def cancel(self) -> None:
        """Cancel the job."""
        self.job.cancel()

    def wait_until_finish(self, duration: int | None = None) -> str:
        """Wait; Ctrl-C cancels the job. Raises what a worker raised, where it is ours, else RunnerError."""
        number, options = self.job.job_id(), self.runner.job_options
        wait = FIRST_POLL_SECONDS
        try:
            while (state := self._current()) not in ENDED:
                self._tell(_WAITING.get(state, ""))
                time.sleep(wait)
                wait = min(1.25 * wait, POLL_SECONDS)
        except KeyboardInterrupt:
            with contextlib.suppress(Exception):  # the service may be out of reach: the next run cancels it
                self.job.cancel()
                self._forget()
            raise
        self._forget()
        if state == "CANCELLED":
            where = f"Dataflow, project {options.project}, {options.region}, job {number}"
            raise RunnerError("the job was cancelled", where=where, fix="run the same command again to go on")
        if state != "DONE":
            raise explain(self._errors() or f"state {state}", options, number)
        return state

    def _forget(self) -> None:
        if self.runner.store:
            forget(self.runner.store)

    def _current(self) -> str:
        """Raises GristmillError where the service refuses to say, or does not answer for long."""
        try:
            job = self.runner.dataflow_client.get_job(self.job.job_id())
        except Exception as error:
            raise explain(told(error), self.runner.job_options, self.job.job_id()) from error
        return job.current_state.name.removeprefix("JOB_STATE_")

    def _tell(self, waiting: str) -> None:
        if self.runner.store and waiting != self._told:
            self._told = waiting
            update_state(self.runner.store, waiting=waiting)

    def _errors(self) -> str:
        """The job's error messages, those with a traceback of a worker first."""
        client, token, texts = self.runner.dataflow_client, None, []
        with contextlib.suppress(Exception):  # the state is known; the reason is worth one try
            while token != "":
                messages, token = client.list_messages(self.job.job_id(), page_token=token)
                texts += [one.message_text for one in messages if one.message_importance.name == "JOB_MESSAGE_ERROR"]
        return "\n".join(sorted(texts, key=lambda text: "Traceback" not in text))


def settings(options: DataflowOptions, rest: Sequence[str]) -> PipelineOptions:
    """Beam's options of a job. What workers need is in their image: none of them installs anything."""
    fixed = [
        "--sdk_location=container",
        "--no_save_main_session",
        "--experiments=disable_logging_submission_environment",
    ]
    return PipelineOptions([*options.arguments(), *rest, *fixed])
