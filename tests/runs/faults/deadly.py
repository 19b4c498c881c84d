"""`python -m tests.runs.faults.deadly REQUEST FOLDER`: a run, as its worker does it, of code that some documents kill.

In a process of its own: what kills is tried again in children, hundreds of forks, and pytest's process is slow to fork.
"""

import ctypes
import sys
from collections.abc import Callable

from gristmill.pipelines.processes.lifetime import leave
from gristmill.pipelines.read.html import pages
from gristmill.pipelines.run import worker
from gristmill.pipelines.stages.score import UnitScorer
from gristmill.pipelines.stages.tokens import UnitEncoder
from gristmill.pipelines.stages.unit_cleaner import UnitCleaner

STEPS = ("extract", "decide", "scrub", "encode")
"""A text with "STEP-kills" in it ends the process at that step: by SIGSEGV, before "。" by a lack of memory."""


def deadly(step: str, work: Callable, text_of: Callable[..., str]) -> Callable:
    def call(*arguments):
        text = text_of(*arguments)
        if f"{step}-kills" in text:
            bytearray(1 << 60) if f"{step}-kills。" in text else ctypes.string_at(0)
        return work(*arguments)

    return call


def joined(_, batch, *rest) -> str:
    return "\n".join(batch.column("text").to_pylist())


if __name__ == "__main__":
    pages.read_page = deadly("extract", pages.read_page, lambda page, *rest: page.decode())
    UnitScorer.examine = deadly("decide", UnitScorer.examine, joined)
    UnitCleaner.clean = deadly("scrub", UnitCleaner.clean, joined)
    UnitEncoder.tokenize = deadly("encode", UnitEncoder.tokenize, joined)
    leave(worker.main(*sys.argv[1:]))
