"""The pool starts Python processes, ends them, and ends the Spark executor of one that has died."""

import os
import signal
import socket
import subprocess
import sys
import time

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from gristmill.pipelines.runners.portable.worker_pool import EXECUTOR, WorkerPool, is_executor, listener

pytestmark = pytest.mark.process
LISTEN = """import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(99)"""


@pytest.fixture
def listening():
    """Function: words of its command line -> (a process that listens, its port)."""
    started = []

    def call(*words: str) -> tuple[subprocess.Popen, int]:
        started.append(subprocess.Popen([sys.executable, "-c", LISTEN, *words], stdout=subprocess.PIPE, text=True))
        return started[-1], int(started[-1].stdout.readline())

    yield call
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def pool():
    pool = WorkerPool()
    address, server = pool.serve("127.0.0.1", 0)
    with grpc.insecure_channel(address) as channel:
        yield pool, beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(channel)
    server.stop(None)
    pool.end()


def request(name: str, port: int):
    made = beam_fn_api_pb2.StartWorkerRequest(worker_id=name)
    made.control_endpoint.url = f"localhost:{port}"
    return made


def test_listener__is_found_by_its_port(listening):
    other, port = listening("anything")
    assert listener(port) == other.pid
    assert not is_executor(other.pid)
    executor, _ = listening(EXECUTOR.decode())
    assert is_executor(executor.pid)
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert listener(server.getsockname()[1]) == os.getpid()


@pytest.mark.parametrize(("words", "ended"), [(EXECUTOR.decode(), True), ("a Flink task manager", False)])
def test_python_process_killed__its_executor_goes_too(listening, pool, words, ended):
    executor, port = listening(words)
    servicer, stub = pool
    assert not stub.StartWorker(request("1-1", port)).error
    os.kill(servicer._worker_processes["1-1"].pid, signal.SIGKILL)
    if ended:
        assert executor.wait(timeout=10) == -signal.SIGKILL
    else:
        time.sleep(1)
        assert executor.poll() is None


def test_python_process_stopped_as_asked__its_executor_stays(listening, pool):
    executor, port = listening(EXECUTOR.decode())
    servicer, stub = pool
    stub.StartWorker(request("1-1", port))
    process = servicer._worker_processes["1-1"]
    stub.StopWorker(beam_fn_api_pb2.StopWorkerRequest(worker_id="1-1"))
    assert process.poll() is not None
    time.sleep(0.5)
    assert executor.poll() is None


def test_ended_pool__starts_nothing_for_a_request_that_comes_late(listening, pool):
    _, port = listening(EXECUTOR.decode())
    servicer, stub = pool
    servicer.end()
    assert "has ended" in stub.StartWorker(request("1-1", port)).error
    assert servicer._worker_processes == {}


def test_pool_ended_while_a_process_is_being_stopped__waits_for_it(listening, pool):
    executor, port = listening(EXECUTOR.decode())
    servicer, stub = pool
    stub.StartWorker(request("1-1", port))
    process = servicer._worker_processes.pop("1-1")  # as StopWorker does, before it kills
    servicer.end()
    assert process.poll() is not None
    time.sleep(0.5)
    assert executor.poll() is None


def test_port_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="is taken"):
        WorkerPool().serve("127.0.0.1", taken.getsockname()[1])
