"""The job that a run has on a cluster, noted in its run directory.

A run that is killed with SIGKILL cannot cancel its job, and a job server that serves several runs goes on with it. So
the next run in that directory, on whatever runner, ends it first. Without this both would still write the same bytes,
but the cluster would do the work twice.
"""

import contextlib
import time

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.runners.portable.engines import reachable
from gristmill.pipelines.storage.store import Store

NOTE = "_work/job.json"
CANCEL_SECONDS = 60.0
_State = beam_job_api_pb2.JobState
_ENDED = (_State.DONE, _State.FAILED, _State.CANCELLED, _State.DRAINED)


def note(store: Store, endpoint: str, job: str) -> None:
    """Write down a job that has just been submitted."""
    store.write_sealed(NOTE, {"endpoint": endpoint, "job": job})


def forget(store: Store) -> None:
    """The job has ended."""
    store.delete(NOTE)


def end_orphan(store: Store) -> bool:
    """Cancel the job of an earlier run of this directory, if there is one, and wait until it has ended. Returns whether
    there was one. The caller holds the directory's lock.
    """
    noted = None
    with contextlib.suppress(DamageError):  # then nobody can tell which job it was
        noted = store.read_sealed(NOTE)
    if noted is None:
        return False
    cancelled = False
    if reachable(noted["endpoint"]):  # otherwise its job server has gone, and the job with it
        with grpc.insecure_channel(noted["endpoint"]) as channel, contextlib.suppress(grpc.RpcError):
            cancelled = _cancel(beam_job_api_pb2_grpc.JobServiceStub(channel), noted["job"])
    forget(store)
    return cancelled


def _cancel(service: beam_job_api_pb2_grpc.JobServiceStub, job: str) -> bool:
    """False if it had ended by itself. Raises grpc.RpcError where the server does not know the job."""

    def ended() -> bool:
        return service.GetState(beam_job_api_pb2.GetJobStateRequest(job_id=job), timeout=10).state in _ENDED

    if ended():
        return False
    service.Cancel(beam_job_api_pb2.CancelJobRequest(job_id=job), timeout=10)
    deadline = time.monotonic() + CANCEL_SECONDS
    while not ended() and time.monotonic() < deadline:
        time.sleep(0.2)
    return True
