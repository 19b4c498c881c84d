"""Starts Beam's Python processes when a cluster asks for them, and ends them; for one host, behind one port.

Beam's own pool listens on every interface, leaves its children behind when it gets SIGTERM, and does not notice when
one dies. A Spark executor does not notice either and fails every later task at once; so the pool ends the executor,
which Spark replaces. It is the process that listens where the Python process was told to connect.
"""

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer, kill_process_gracefully
from apache_beam.utils import thread_pool_executor

EXECUTOR = b"org.apache.spark.executor.CoarseGrainedExecutorBackend"
_LISTEN = "0A"


class WorkerPool(BeamFnExternalWorkerPoolServicer):
    """Beam's pool, of processes, which looks after them."""

    def __init__(self) -> None:
        super().__init__(use_process=True)
        self._starting, self._ended = threading.Lock(), False
        self._alive: set[subprocess.Popen] = set()
        """Those that Beam has been told to stop, and has not waited for yet, among them."""

    def StartWorker(self, start_worker_request: Any, unused_context: Any) -> Any:  # noqa: N802 - Beam's name
        """Start a process, and watch it."""
        with self._starting:
            if self._ended:  # a request may be on its way when the server stops
                return beam_fn_api_pb2.StartWorkerResponse(error="this worker pool has ended")
            answer = super().StartWorker(start_worker_request, unused_context)
            name = start_worker_request.worker_id
            process = self._worker_processes.get(name)
            if process is not None and not answer.error:
                self._alive.add(process)
                executor = listener(int(start_worker_request.control_endpoint.url.rsplit(":", 1)[1]))
                threading.Thread(target=self._watch, args=(name, process, executor), daemon=True).start()
        return answer

    def _watch(self, name: str, process: subprocess.Popen, executor: int | None) -> None:
        process.wait()
        self._alive.discard(process)
        if self._worker_processes.get(name) is process and executor is not None and is_executor(executor):
            with contextlib.suppress(ProcessLookupError):
                os.kill(executor, signal.SIGKILL)

    def end(self) -> None:
        """End every process; none starts any more."""
        with self._starting:
            self._ended = True
        self._worker_processes.clear()  # no executor is ended for what ends now
        for process in [*self._alive]:
            kill_process_gracefully(process, timeout=5)

    def serve(self, host: str, port: int) -> tuple[str, grpc.Server]:
        """Listen. Returns HOST:PORT and the server; port 0 takes a free one. Raises OSError for one that is taken."""
        folder, path = str(Path(sys.executable).parent), os.environ.get("PATH", "")
        if path.split(os.pathsep)[0] != folder:
            os.environ["PATH"] = os.pathsep.join([folder, path])  # Beam starts `python`: it must be this one
        keep_alive = [("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0)]
        server = grpc.server(thread_pool_executor.shared_unbounded_instance(), options=keep_alive)
        beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(self, server)
        try:
            bound = server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise OSError(f"port {port} of {host} is taken") from error
        if bound == 0 or port not in (0, bound):
            raise OSError(f"port {port} of {host} is taken")
        server.start()
        atexit.register(self.end)
        return f"{host}:{bound}", server


def listener(port: int) -> int | None:
    """The process on this machine that listens at a TCP port, where /proc tells and it is ours to see."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    sockets.add(f"socket:[{fields[9]}]")
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.readlink(handle) in sockets for handle in (folder / "fd").iterdir()):
                return int(folder.name)
    return None


def is_executor(pid: int) -> bool:
    """Whether a process is a Spark executor."""
    with contextlib.suppress(OSError):
        return EXECUTOR in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False
