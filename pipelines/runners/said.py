"""What a job's workers said, in a log or in messages of a service -> the error of ours in it."""

import re

from gristmill.pipelines import errors
from gristmill.pipelines.errors import GristmillError, RunnerError

OURS = re.compile(r"pipelines\.errors\.(\w+Error): (.+)\n\s*where: (.+)\n\s*fix: +(.+)")
SEE_LOG = "see run.log in the run directory; the same command continues from the receipts"


def error_of_ours(message: str) -> GristmillError | None:
    """What a worker raised for a user to mend."""
    if found := OURS.search(message):
        kind = getattr(errors, found[1], RunnerError)
        return kind(found[2], where=found[3], fix=found[4])
    return None


def first_line(message: str) -> str:
    """The first line that says something, short enough for a terminal."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return (lines[0] if lines else "no reason given")[:300]
