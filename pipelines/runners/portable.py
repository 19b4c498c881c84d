"""Runs a pipeline through a Beam job server, our own or a running one, and says what went wrong in our words."""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import grpc
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult, PipelineState

from pipelines import errors
from pipelines.errors import GristmillError, RunnerError
from pipelines.runners.engines import SPARK_VERSION, Launch, free_port, reachable

START_SECONDS = 120.0
LOG_TAIL = 200_000
# PR_SET_PDEATHSIG survives exec: the JVM gets SIGTERM when the run ends, however it ends.
_ATTACHED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 15); os.execv(sys.argv[1], sys.argv[1:])"
_OURS = re.compile(r"pipelines\.errors\.(\w+Error): (.+)\n\s*where: (.+)\n\s*fix: +(.+)")
_SIGNS = (
    (
        # A worker that cannot load a stage never opens its data channel, and Beam's Java side waits 3 minutes for that.
        r"No module named '?(pipelines|filters|tokenizer)|Waited 3 minutes .*SettableFuture",
        "a worker cannot load the pipeline: it lacks the gristmill package, or has another version of it",
        "install the same gristmill wheel in the Python that the workers run, and put that Python first on their PATH",
    ),
    (
        r"InvalidClassException|local class incompatible|NoSuchMethodError|NoClassDefFoundError",
        f"the cluster runs another version than the job server (Spark {SPARK_VERSION}, Flink 1.19)",
        "use a cluster of that version, or name a job-server jar that matches the cluster",
    ),
    (
        r"All masters are unresponsive|Failed to connect to master|Could not connect to BlobServer",
        "the master does not answer this job server",
        f"check its URL and that it is Spark {SPARK_VERSION}; the master's log names the reason",
    ),
    (r"No space left on device", "a disk of the cluster is full", "free space, then run the same command again"),
    (
        r"OutOfMemoryError|Cannot allocate memory",
        "a worker ran out of memory",
        "give executors more, or cut `plan.unit_bytes`",
    ),
    (
        r"java.net.ConnectException|UNAVAILABLE: io exception|Timed out while waiting for command",
        "the workers' Python processes cannot be started",
        "start `python -m infra.worker_pool` on every worker host, or choose another --environment_type",
    ),
)


class JobServer:
    """A job server that belongs to one run: started with it, gone with it."""

    def __init__(self, launch: Launch):
        self.launch = launch
        self.endpoint = ""
        self._scratch: Path | None = None
        self._process: subprocess.Popen | None = None

    def start(self) -> str:
        """Start it and wait until it listens. Returns HOST:PORT. Raises RunnerError."""
        self._scratch = Path(tempfile.mkdtemp(prefix="gristmill-job-server-"))
        try:
            port = free_port()
            command = self.launch.command(port, self._scratch)
            with (self._scratch / "log").open("wb") as log:
                line = [sys.executable, "-c", _ATTACHED, *command]
                self._process = subprocess.Popen(line, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            self.endpoint = f"127.0.0.1:{port}"
            deadline = time.monotonic() + START_SECONDS
            while not reachable(self.endpoint):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise explain("the job server did not start", self)
                time.sleep(0.2)
        except BaseException:
            self.stop()
            raise
        return self.endpoint

    def died(self) -> int | None:
        """Its exit code, if it ended by itself."""
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=2)
        return None

    def log(self) -> str:
        """The end of what it wrote."""
        file = self._scratch / "log" if self._scratch else None
        if file is None or not file.exists():
            return ""
        return file.read_bytes()[-LOG_TAIL:].decode("utf-8", "replace")

    def stop(self) -> None:
        """End the process and remove its folder. Its log goes to ours: what happened must be readable later."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._scratch is not None:
            sys.stderr.write(self.log()[-20_000:])
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None


class ClusterRunner(PortableRunner):
    """Beam's portable runner against a job endpoint, or against a job server of its own."""

    def __init__(self, endpoint: str | None = None, launch: Launch | None = None):
        super().__init__()
        self.endpoint, self.launch = endpoint, launch

    def run_portable_pipeline(self, pipeline: Any, options: PipelineOptions) -> PipelineResult:
        """Submit. Raises RunnerError, with nothing left running."""
        server = JobServer(self.launch) if self.launch else None
        with contextlib.ExitStack() as undo:
            endpoint = self.endpoint or ""
            if server:
                endpoint = server.start()
                undo.callback(server.stop)
            options.view_as(PortableOptions).job_endpoint = endpoint
            try:
                job = super().run_portable_pipeline(pipeline, options)
            except (grpc.RpcError, RuntimeError) as error:
                raise explain(str(error), server, endpoint) from error
            undo.pop_all()  # from here on the result owns the server
        return _Result(job, server, endpoint)


class _Result(PipelineResult):
    """A submitted job; its end is also the end of the run's own job server."""

    def __init__(self, job: PipelineResult, server: JobServer | None, endpoint: str):
        super().__init__(PipelineState.RUNNING)
        self.job, self.server, self.endpoint = job, server, endpoint

    def cancel(self) -> None:
        """Cancel the remote job."""
        self.job.cancel()

    def wait_until_finish(self, duration: int | None = None) -> str:
        """Wait; Ctrl-C cancels the remote job. Raises what a worker raised, where it is ours, else RunnerError."""
        try:
            return self.job.wait_until_finish(duration)
        except KeyboardInterrupt:
            with contextlib.suppress(grpc.RpcError, RuntimeError):  # the job server may have gone first
                self.job.cancel()
            raise
        except (grpc.RpcError, RuntimeError) as error:
            raise explain(str(error), self.server, self.endpoint) from error
        finally:
            if self.server:
                self.server.stop()


def explain(message: str, server: JobServer | None, endpoint: str = "") -> GristmillError:
    """A job's last words -> the error of ours that a user can act upon."""
    if found := _OURS.search(message):
        kind = getattr(errors, found[1], RunnerError)
        return kind(found[2], where=found[3], fix=found[4])
    where = f"job server at {server.endpoint or '127.0.0.1' if server else endpoint}"
    code = server.died() if server else None
    # The log of a healthy server mentions many an error that it got over: it is searched only where it must know more.
    log = server.log() if server and code is not None and code > 0 else ""
    for sign, what, fix in _SIGNS:
        if re.search(sign, f"{message}\n{log}"):
            return RunnerError(what, where=where, fix=fix)
    if code is not None:
        what = f"the job server ended with code {code}"
    elif "StatusCode.UNAVAILABLE" in message:
        what = "the job server went away"
    else:
        what = f"the job failed: {first_line(message)}"
    fix = "see run.log in the run directory; the same command continues from the receipts"
    return RunnerError(what, where=where, fix=fix)


def first_line(message: str) -> str:
    """The first line that says something, short enough for a terminal."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return (lines[0] if lines else "no reason given")[:300]
