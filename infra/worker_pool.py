"""The worker pool of a worker host: `python -m gristmill.infra.worker_pool --host 127.0.0.1 --port 50000`."""

import argparse
import signal
import sys
from types import FrameType

from gristmill.pipelines.runners.portable.worker_pool import WorkerPool


def serve(host: str, port: int) -> None:
    """Start worker processes when asked, until SIGTERM or SIGINT; then end them all."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    pool = WorkerPool()
    try:
        _, server = pool.serve(host, port)
        server.wait_for_termination()
    except OSError as error:
        sys.exit(f"error: {error}")
    finally:
        pool.end()


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=50000)
    arguments = parser.parse_args()
    serve(arguments.host, arguments.port)
