"""The job that a run has elsewhere, noted in its run directory.

A run that is killed with SIGKILL cannot cancel its job, and whoever works on that goes on. So the next run in that
directory, on whatever runner, ends it first (`orphans.py`). Without this both would still write the same bytes, but the
work would be done twice.
"""

from gristmill.pipelines.storage.store import Store

NOTE = "_work/job.json"


def note(store: Store, **job: str) -> None:
    """Write down a job that has just been submitted: what finds it again."""
    store.write_sealed(NOTE, job)


def forget(store: Store) -> None:
    """The job has ended."""
    store.delete(NOTE)


class JobRunner:
    """A runner whose job runs elsewhere, and is noted in the run directory."""

    store: Store | None = None
    """The run directory, where it notes its job and what that waits for."""
    shares_this_machine = True
    """Whether its workers can be on this machine, and read and write its folders."""

    detached = False
    """Whether there will be no job: the pipeline is only written down (a template), or looked at (a dry run)."""

    def check_access(self) -> None:
        """Raises GristmillError where a job could not begin; asked before anything is written."""
