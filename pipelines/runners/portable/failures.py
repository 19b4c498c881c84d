"""What a job server or a cluster says when a job fails -> one message with where and what to do."""

import os
import re
import signal

from gristmill.pipelines.errors import GristmillError, InputError, RunnerError
from gristmill.pipelines.runners.portable.engines import SPARK_VERSION, is_loopback
from gristmill.pipelines.runners.portable.job_server import JobServer
from gristmill.pipelines.runners.said import OURS, SEE_LOG, error_of_ours, first_line

# A worker that cannot load a stage never opens its data channel, and Beam's Java side waits 3 minutes for that.
_NOT_LOADED = r"No module named '?(?:pipelines|filters|tokenizer)|Waited 3 minutes .*SettableFuture"
HOPELESS = re.compile(rf"{OURS.pattern}|{_NOT_LOADED}")
"""What a cluster need not try again: errors that we raised, for a user to mend, and workers without the package."""
GONE = "the file is gone"
"""How a reader's message begins that does not find a planned file (read/files.py)."""
SHARE_INPUT = (
    "put the input on an object store (paths: s3://bucket/...), or in a folder that all hosts mount at the same path "
    "(docs/hosts.md)"
)
_EXECUTOR = re.compile(r"\(TID \d+\) \((\S+) executor")
"""How Spark names the host of a task that failed, before it quotes the error."""
_SIGNS = (
    (
        _NOT_LOADED,
        "a worker cannot load the pipeline: it lacks the gristmill package, or has another version of it",
        "install the same gristmill wheel in the Python that the workers run, and put that Python first on their PATH",
    ),
    (
        r"Only one SparkContext",
        "the job server is busy with another job",
        "wait for it, or name the master instead: the run then has a job server of its own",
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
        r"Insufficient number of network buffers",
        "a task manager of the Flink cluster has too few network buffers for the slots that work there",
        "raise taskmanager.memory.network.max, to 128m for each slot (infra/kubernetes/flink/flink-conf.yaml)",
    ),
    (
        r"OutOfMemoryError|Cannot allocate memory",
        "a worker ran out of memory",
        "give executors more, or cut `plan.unit_bytes`",
    ),
    (
        r"java.net.ConnectException|UNAVAILABLE: io exception|Timed out while waiting for command",
        "the workers' Python processes cannot be started",
        "start `python -m gristmill.infra.worker_pool` on every worker host, or choose another --environment_type",
    ),
)


def explain(message: str, server: JobServer | None, endpoint: str = "") -> GristmillError:
    """A job's last words -> the error of ours that a user can act upon."""
    if ours := error_of_ours(message):
        what, place, fix = ours.what, ours.where, ours.fix
        if isinstance(ours, InputError) and what.startswith(GONE) and os.path.exists(place):
            what, fix = "a worker host does not see this file, which is there for this machine", SHARE_INPUT
        hosts = _EXECUTOR.findall(message.split(ours.what)[0])
        known = not hosts or is_loopback(f"{hosts[-1]}:0") or hosts[-1] in place
        return type(ours)(what, where=place if known else f"{place}, on worker host {hosts[-1]}", fix=fix)
    where = f"job server at {server.endpoint or '127.0.0.1' if server else endpoint}"
    code = server.ended() if server else None
    # The log of a healthy server mentions many an error that it got over: it is searched only where it must know more.
    log = server.log() if server and code is not None and code < 128 else ""
    for sign, what, fix in _SIGNS:
        if re.search(sign, f"{message}\n{log}"):
            return RunnerError(what, where=where, fix=fix)
    if code is not None:
        how = f"was killed by {signal.Signals(code - 128).name}" if code > 128 else f"ended with code {code}"
        what = f"the job server {how}"
    elif "StatusCode.UNAVAILABLE" in message:
        what = "the job server went away"
    else:
        what = f"the job failed: {first_line(message)}"
    return RunnerError(what, where=where, fix=SEE_LOG)
