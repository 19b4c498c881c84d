"""What a standalone Spark master says about itself on its web page.

A job server of another Spark version is no error to Spark: the master takes the job, executors cannot read their tasks,
and the job waits for ever. So the version is looked up before, where the page can be had.
"""

import re
import urllib.request
from dataclasses import dataclass

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.engines import SPARK_VERSION

PAGE_PORT = 8080
"""Where a master has its page unless it is told otherwise."""
PAGE_SECONDS = 5.0
_VERSION = re.compile(r'class="version"[^>]*>\s*([^<\s]+)')
_WORKERS = re.compile(r"(?:Alive )?Workers:</strong>\s*(\d+)")


@dataclass(frozen=True)
class Master:
    """A master as its page describes it."""

    version: str
    workers: int


def check(master: str, page: str | None) -> str:
    """Look at the page of spark://HOST:PORT, at `page` or at HOST:8080. Returns what a user should know, or nothing.

    Raises RunnerError for a Spark whose major or minor version is not ours, and for a `page` that is another's.
    """
    host = master.removeprefix("spark://").split(",")[0].rsplit(":", 1)[0]
    found = read(page or f"http://{host}:{PAGE_PORT}", master)
    if found is None:
        if page:
            fix = "correct --spark_master_page, or leave it out: without it the version is not checked"
            raise RunnerError("this is not the page of the Spark master", where=page, fix=fix)
        return ""
    if found.version.split(".")[:2] != SPARK_VERSION.split(".")[:2]:
        fix = f"use a cluster of Spark {SPARK_VERSION}, or a job-server jar that matches: --spark_job_server_jar"
        raise RunnerError(f"the cluster runs Spark {found.version}, not {SPARK_VERSION}", where=master, fix=fix)
    return "" if found.workers else "no worker is registered with this master yet, the job waits for one"


def read(page: str, master: str) -> Master | None:
    """What the page says; None if none answers there, or if it is another's."""
    try:
        # No proxy: a cluster's pages are inside.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(page, timeout=PAGE_SECONDS) as answer:
            text = answer.read(1_000_000).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None
    version, workers = _VERSION.search(text), _WORKERS.search(text)
    # A master calls itself by the name that it was started with: behind a Service, or in a container, it has others.
    port = re.escape(master.split(",")[0].rpartition(":")[2])
    if not re.search(rf"Spark Master at spark://[^\s<]+:{port}\b", text) or version is None or workers is None:
        return None
    return Master(version[1], int(workers[1]))
