"""Beam's worker pool, one on each worker host: `python -m infra.worker_pool --host 127.0.0.1 --port 50000`.

Beam's own `worker_pool_main` listens on every interface, starts whatever `python` is first on PATH, and leaves its
children behind when it gets SIGTERM.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer, kill_process_gracefully
from apache_beam.utils import thread_pool_executor

REAP_SECONDS = 10.0


def serve(host: str, port: int) -> None:
    """Start worker processes when asked, until SIGTERM or SIGINT; then end them all."""
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    pool = BeamFnExternalWorkerPoolServicer(use_process=True)
    keep_alive = [("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0)]
    server = grpc.server(thread_pool_executor.shared_unbounded_instance(), options=keep_alive)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    if server.add_insecure_port(f"{host}:{port}") != port:
        sys.exit(f"error: port {port} of {host} is taken")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    server.start()
    try:
        while server.wait_for_termination(timeout=REAP_SECONDS):  # True: it timed out, the server goes on
            for worker in list(pool._worker_processes.values()):
                worker.poll()  # a worker that ended by itself stays a zombie until somebody asks
    finally:
        for worker in list(pool._worker_processes.values()):
            kill_process_gracefully(worker, timeout=5)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=50000)
    arguments = parser.parse_args()
    serve(arguments.host, arguments.port)
