"""Runs a pipeline through a Beam job server, our own or a running one, and says what went wrong in our words."""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.portability import python_urns
from apache_beam.runners.portability.portable_runner import JobServiceHandle, PortableRunner
from apache_beam.runners.runner import PipelineResult, PipelineState
from apache_beam.transforms import environments

from gristmill.pipelines.runners.portable.engines import Launch
from gristmill.pipelines.runners.portable.failures import explain
from gristmill.pipelines.runners.portable.job_server import JobServer
from gristmill.pipelines.runners.portable.server_log import ServerLog
from gristmill.pipelines.runners.portable.worker_pool import WorkerPool
from gristmill.pipelines.runners.remote_job import JobRunner, forget, note
from gristmill.pipelines.storage.rundir import update_state
from gristmill.pipelines.storage.store import Store

_LOGGER = logging.getLogger(__name__)
POLL_SECONDS = 1.0
SHUT_OUT, RESUBMISSIONS = "cannot run anywhere due to node and executor excludeOnFailure", 2
"""What Spark says when it gives up a job because a task has failed on every executor that there is at this moment (a
lost one's successor takes seconds to start, on a busy machine a minute); how often such a job begins again."""


class _Handle(JobServiceHandle):
    """Submits a job with some options for Beam's Java side that mean something else to Python's."""

    java_options: dict[str, Any]

    def get_pipeline_options(self) -> Any:
        """All options, as the job server reads them."""
        options = super().get_pipeline_options()
        options.update({f"beam:option:{name}:v1": value for name, value in self.java_options.items()})
        return options


class ClusterRunner(PortableRunner, JobRunner):
    """Beam's portable runner against a job endpoint, or against a job server of its own.

    `jars`: files on the job server's machine that executors need; empty: its whole class path.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        launch: Launch | None = None,
        log: Path | None = None,
        jars: Sequence[str] = (),
    ):
        super().__init__()
        self.endpoint, self.launch, self.log, self.jars = endpoint, launch, log, jars

    @staticmethod
    def start_and_replace_loopback_environments(pipeline: Any, options: PipelineOptions) -> list[Callable[[], object]]:
        """Start a worker pool of ours, on loopback, where the environment is LOOPBACK. Returns what ends it."""
        ends: list[Callable[[], object]] = []
        for environment in pipeline.components.environments.values():
            if environment.urn == python_urns.EMBEDDED_PYTHON_LOOPBACK:
                pool = WorkerPool()
                address, server = pool.serve("127.0.0.1", 0)
                ends += [partial(server.stop, 1), pool.end]
                external = environments.ExternalEnvironment(address).to_runner_api(None)
                environment.urn, environment.payload = external.urn, external.payload
        return ends

    def create_job_service_handle(self, job_service: Any, options: PipelineOptions) -> JobServiceHandle:
        """Beam's, with `jars`."""
        handle = _Handle(job_service, options)
        handle.java_options = {"files_to_stage": list(self.jars)} if self.jars else {}
        return handle

    def run_portable_pipeline(self, pipeline: Any, options: PipelineOptions) -> PipelineResult:
        """Submit. Raises RunnerError, with nothing left running."""
        server = JobServer(self.launch) if self.launch else None
        with contextlib.ExitStack() as undo:
            endpoint = self.endpoint or ""
            if server:
                endpoint = server.start()
                undo.callback(server.stop)
            options.view_as(PortableOptions).job_endpoint = endpoint
            log = ServerLog(server.log_file if server else self.log)
            submit = partial(self._submit, pipeline, options, endpoint)
            try:
                job = submit()
            except (grpc.RpcError, RuntimeError) as error:
                raise explain(str(error), server, endpoint) from error
            undo.pop_all()  # from here on the result owns the server
        return _Result(job, submit, server, endpoint, log, self.store)

    def _submit(self, pipeline: Any, options: PipelineOptions, endpoint: str) -> PipelineResult:
        job = super().run_portable_pipeline(deepcopy(pipeline), options)  # it puts environments into what it is given
        if self.store:
            note(self.store, endpoint=endpoint, job=job._job_id)
        return job


class _Result(PipelineResult):
    """A submitted job; its end is also the end of the run's own job server."""

    def __init__(
        self,
        job: PipelineResult,
        submit: Callable[[], PipelineResult],
        server: JobServer | None,
        endpoint: str,
        log: ServerLog,
        store: Store | None,
    ):
        super().__init__(PipelineState.RUNNING)
        self.job, self.submit, self.server = job, submit, server
        self.endpoint, self.log, self.store = endpoint, log, store
        self._told = ""

    def cancel(self) -> None:
        """Cancel the remote job."""
        self.job.cancel()

    def wait_until_finish(self, duration: int | None = None) -> str:
        """Wait; Ctrl-C cancels the remote job. Raises what a worker raised, where it is ours, else RunnerError."""
        try:
            return self._wait_on(duration)
        except KeyboardInterrupt:
            with contextlib.suppress(grpc.RpcError, RuntimeError):  # the job server may have gone first
                self.job.cancel()
            raise
        except (grpc.RpcError, RuntimeError) as error:
            raise explain(str(error), self.server, self.endpoint) from error
        finally:
            if self.server:
                self.server.stop()
            if self.store:
                forget(self.store)

    def _wait_on(self, duration: int | None) -> str:
        """Wait for the job, and for the one that goes on from its receipts where it was given up."""
        for _ in range(RESUBMISSIONS):
            try:
                return self._wait(duration)
            except RuntimeError as error:
                if SHUT_OUT not in str(error):
                    raise
                _LOGGER.warning("no executor was left for a task: the job begins again, from its receipts")
                self.job = self.submit()
        return self._wait(duration)

    def _wait(self, duration: int | None) -> str:
        """Beam's wait, in a thread, so that this one can tell what a cluster waits for."""
        end: Future[str] = Future()

        def wait() -> None:
            try:
                end.set_result(self.job.wait_until_finish(duration))
            except BaseException as error:
                end.set_exception(error)

        threading.Thread(target=wait, daemon=True).start()
        while True:
            with contextlib.suppress(TimeoutError):
                return end.result(POLL_SECONDS)
            self._listen()

    def _listen(self) -> None:
        """Pass on what the job waits for. Raises, with the job cancelled, what no further try would mend."""
        self.log.read()
        if self.log.hopeless:
            self.job.cancel()
            raise explain(self.log.hopeless, self.server, self.endpoint)
        if self.store and self.log.waiting != self._told:
            self._told = self.log.waiting
            update_state(self.store, waiting=self._told)
