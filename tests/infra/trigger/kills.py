"""`python -m tests.infra.trigger.kills RUN TARGET FOLDER`: watchers killed before and after all that they do.

Before the first thing and after each: after one is before the next. One copy of the run for each point. Afterwards two
watchers at once go on, and it is printed how often the training was started: JSON, point -> [what the killed one did
last, times].
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from gristmill.infra.launch.protocol import Job
from gristmill.infra.trigger.target import load_target
from gristmill.infra.trigger.trigger import Trigger
from gristmill.infra.trigger.watch import Watch
from gristmill.pipelines.storage.store import Store
from tests.infra.trigger.stub_work import trained

STUB = Path(__file__).with_name("stub_work.py")


def dying(at: int, last: Path) -> None:
    """From now on this process dies when it has done so many things, or, for 0, before the first."""
    done = 0

    def die_if_done(what: str) -> None:
        if done == at:
            last.write_text(what)
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(name, act):
        def acted(*told, **options):
            nonlocal done
            what = f"{name} {told[1] if name != 'Popen' else ''}".strip()
            die_if_done(f"before {what}")
            found = act(*told, **options)
            done += 1
            die_if_done(f"after {what}")
            return found

        return acted

    Store.create = wrap("create", Store.create)
    Store.write_bytes = wrap("write", Store.write_bytes)
    subprocess.Popen = wrap("Popen", subprocess.Popen)


def watcher(runs: Path, target: Path, at: int | None, last: Path) -> int:
    """The process id of a forked watcher of everything in a folder."""
    pid = os.fork()
    if pid:
        return pid
    try:
        if at is not None:
            dying(at, last)
        watch = Watch(str(runs), Trigger(*load_target(target)), lambda text: None)
        watch.look()
        while watch.look():
            time.sleep(0.1)
        os._exit(watch.code)
    except BaseException as error:
        last.write_text(repr(error))
        os._exit(99)


def main(run: Path, target: Path, folder: Path) -> None:
    Job.work = lambda self, variable="": [str(STUB), self.run, self.folder]
    found, at = {}, 0
    while True:
        runs, last = folder / f"runs-{at}", folder / f"last-{at}"
        shutil.copytree(run, runs / "good")
        _, status = os.waitpid(watcher(runs, target, at, last), 0)
        if not os.WIFSIGNALED(status):
            break
        pids = [watcher(runs, target, None, last) for _ in range(2)]
        ended = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        found[at] = [last.read_text(), len(trained(runs / "good")), ended]
        at += 1
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
