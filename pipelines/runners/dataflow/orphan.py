"""Cancels a job on Dataflow that an earlier run left running."""

import time
from collections.abc import Mapping

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.dataflow.access import SECONDS, session

ENDED = ("DONE", "FAILED", "CANCELLED", "UPDATED", "DRAINED")
CANCEL_SECONDS = 600.0
"""The service ends a job's machines one after another."""
POLL_SECONDS = 2.0


def cancel(noted: Mapping[str, str]) -> bool:
    """Cancel the job of a note, and wait until it has ended. False if it had ended by itself.

    Raises RunnerError where the service does not say: the work would be done twice.
    """
    asking = session()
    place = f"projects/{noted['project']}/locations/{noted['region']}/jobs/{noted['job']}"
    url = f"{noted['endpoint'].rstrip('/')}/v1b3/{place}"

    def state() -> str:
        answer = asking.get(url, timeout=SECONDS)
        if answer.status_code == 404:
            return ENDED[0]
        if answer.status_code >= 400:
            what = f"an earlier run has left a job, and Dataflow does not say what became of it ({answer.status_code})"
            fix = f"look at it: gcloud dataflow jobs describe {noted['job']} --region {noted['region']}"
            raise RunnerError(what, where=place, fix=fix)
        return answer.json().get("currentState", "").removeprefix("JOB_STATE_")

    if state() in ENDED:
        return False
    asking.put(url, json={"requestedState": "JOB_STATE_CANCELLED"}, timeout=SECONDS)
    deadline = time.monotonic() + CANCEL_SECONDS
    while state() not in ENDED:
        if time.monotonic() > deadline:
            raise RunnerError("an earlier job does not end", where=place, fix="wait for it, then run again")
        time.sleep(POLL_SECONDS)
    return True
