"""The process that a run runs in: `python -m gristmill.pipelines.run.worker REQUEST FOLDER`, REQUEST being JSON.

It dies with its parent. The command keeps the terminal and reads progress from receipts; this process holds the lock
and may be killed at any moment. What goes wrong is written to FOLDER/error, so that a log line cannot be taken for the
message. FOLDER/tmp is the temporary directory of everything below: Beam leaves folders behind there, and whoever of
the two lives longer removes them. FOLDER/run.log, where the command has given one, becomes the run's own log as soon as
the run directory is ours.
"""

import errno
import logging
import os
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from gristmill.pipelines.errors import REFUSED, Exit, GristmillError, causes, refusal, shortage
from gristmill.pipelines.processes.collection import no_collection
from gristmill.pipelines.processes.lifetime import end_with_parent, leave
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.addresses import redacted
from gristmill.pipelines.storage.layout import LOG
from gristmill.pipelines.storage.store import Store


def die_with_parent() -> None:
    """Be interrupted when the command ends, however it ends."""
    end_with_parent(signal.SIGTERM)
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(request: str, folder: str) -> int:
    """Execute and return the exit code; the error's text goes to the file `error` in the folder."""
    parent = os.getppid()
    die_with_parent()
    temporary = Path(folder) / "tmp"
    temporary.mkdir(parents=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    try:
        return _execute(request, Path(folder))
    finally:
        shutil.rmtree(temporary if os.getppid() == parent else folder, ignore_errors=True)


def _execute(request: str, folder: Path) -> int:
    logging.basicConfig(level=os.environ.get("GRISTMILL_LOG", "ERROR"))
    try:
        with no_collection():
            from gristmill.pipelines.run.execute import execute
        execute(Request.from_json(request), lambda store: _log_there(store, folder / LOG))
    except BaseException as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes(error)):
            return Exit.INTERRUPTED
        known = next((cause for cause in causes(error) if isinstance(cause, GristmillError)), None)
        known = known or shortage(error, "this run")
        if known is None:
            sys.stderr.write(redacted(traceback.format_exc()))
            known = _refused(error)
        message = str(known) if known else f"{type(error).__name__}: a bug of Gristmill; the traceback is in the log"
        (folder / "error").write_text(redacted(message), encoding="utf-8", errors="backslashreplace")
        return known.exit_code if known else Exit.BUG
    return Exit.OK


def _refused(error: BaseException) -> GristmillError | None:
    """A folder that cannot be written, and the like. A file that is missing would be a bug of ours."""
    found = (cause for cause in causes(error) if isinstance(cause, OSError) and cause.filename is not None)
    return next((refusal(e, "this run") for e in found if e.errno in REFUSED and e.errno != errno.ENOENT), None)


def _log_there(store: Store, log: Path) -> None:
    """What is logged goes to the run directory, now that it may be written to; what came before, too."""
    if store.local is None or not log.exists():
        return
    with (store.local / LOG).open("ab") as file:
        file.write(log.read_bytes())
        file.flush()
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    log.unlink()


if __name__ == "__main__":
    leave(main(sys.argv[1], sys.argv[2]))
