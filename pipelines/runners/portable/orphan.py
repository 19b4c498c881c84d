"""Cancels a job that an earlier run left in a job server."""

import contextlib
import time
from collections.abc import Mapping

import grpc
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from gristmill.pipelines.runners.portable.engines import reachable

CANCEL_SECONDS = 60.0
_State = beam_job_api_pb2.JobState
_ENDED = (_State.DONE, _State.FAILED, _State.CANCELLED, _State.DRAINED)


def cancel(noted: Mapping[str, str]) -> bool:
    """Cancel the job of a note, and wait until it has ended. False if it had ended by itself."""
    if not reachable(noted["endpoint"]):  # its job server has gone, and the job with it
        return False
    with grpc.insecure_channel(noted["endpoint"]) as channel, contextlib.suppress(grpc.RpcError):
        return _cancel(beam_job_api_pb2_grpc.JobServiceStub(channel), noted["job"])
    return False


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
