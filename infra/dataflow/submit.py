"""Launches a Flex Template, follows its job, and concludes the run."""

import time
from collections.abc import Callable
from typing import Any

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.dataflow.access import SECONDS, refused, session
from gristmill.pipelines.runners.dataflow.failures import explain, told
from gristmill.pipelines.runners.dataflow.options import DataflowOptions
from gristmill.pipelines.runners.dataflow.orphan import ENDED
from gristmill.pipelines.runners.dataflow.runner import FIRST_POLL_SECONDS, POLL_SECONDS, job_name
from gristmill.pipelines.storage.store import Store

ENDPOINT = "https://dataflow.googleapis.com"


def launch(template: str, parameters: dict[str, str], options: DataflowOptions, out: Store, endpoint: str) -> str:
    """Start the template's launcher. Returns the id of its job. Raises GristmillError."""
    environment = {
        "tempLocation": options.temp_location,
        "stagingLocation": options.staging_location or options.temp_location,
        "maxWorkers": options.max_num_workers,
    }
    launched = {
        "jobName": job_name(out),
        "containerSpecGcsPath": template,
        "parameters": parameters,
        "environment": environment,
    }
    url = f"{_place(options, endpoint)}/flexTemplates:launch"
    return _ask(lambda: session().post(url, json={"launchParameter": launched}, timeout=SECONDS), options)["job"]["id"]


def follow(job: str, options: DataflowOptions, endpoint: str, tell: Callable[[str], None]) -> None:
    """Wait until the job has ended; `tell` hears of each new state. Raises GristmillError where it did not succeed."""
    asking, url = session(), f"{_place(options, endpoint)}/jobs/{job}"
    wait, last = FIRST_POLL_SECONDS, ""
    while True:
        state = (
            _ask(lambda: asking.get(url, timeout=SECONDS), options).get("currentState", "").removeprefix("JOB_STATE_")
        )
        if state != last:
            last = state
            tell(state.lower())
        if state in ENDED:
            break
        time.sleep(wait)
        wait = min(1.25 * wait, POLL_SECONDS)
    if state != "DONE":
        query = {"minimumImportance": "JOB_MESSAGE_ERROR"}
        said = _ask(lambda: asking.get(f"{url}/messages", params=query, timeout=SECONDS), options)
        texts = [one["messageText"] for one in said.get("jobMessages", []) if one.get("messageText")]
        raise explain("\n".join(texts) or f"state {state}", options, job)


def _place(options: DataflowOptions, endpoint: str) -> str:
    return f"{endpoint.rstrip('/')}/v1b3/projects/{options.project}/locations/{options.region}"


def _ask(request: Callable[[], Any], options: DataflowOptions) -> dict[str, Any]:
    try:
        answer = request()
    except RunnerError:
        raise
    except Exception as error:  # of requests and of google.auth; each has a tree of its own
        raise explain(told(error), options) from None
    if answer.status_code >= 400:
        raise refused(answer.status_code, answer.text, options)
    return answer.json()
