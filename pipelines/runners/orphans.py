"""Ends the job that an earlier run of a directory left behind, whatever runner it had."""

import contextlib

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.runners.remote_job import NOTE, forget
from gristmill.pipelines.storage.store import Store


def end_orphan(store: Store) -> bool:
    """Cancel the job of an earlier run of this directory, if there is one, and wait until it has ended. Returns whether
    there was one. The caller holds the directory's lock.
    """
    noted = None
    with contextlib.suppress(DamageError):  # then nobody can tell which job it was
        noted = store.read_sealed(NOTE)
    if noted is None:
        return False
    if "project" in noted:  # a run that finds no note pays for neither
        from gristmill.pipelines.runners.dataflow.orphan import cancel
    else:
        from gristmill.pipelines.runners.portable.orphan import cancel
    cancelled = cancel(noted)
    forget(store)
    return cancelled
