"""Beam's own validation suite of portable runners, on the local runner: `beam_validation.py` says what is left out."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill.pipelines.runners.local.runner import unsuitable

SUITE = Path(__file__).with_name("beam_validation.py")


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(unsuitable() is not None, reason="not a tested Beam, or no safe fork")
def test_local_runner__passes_beams_validation_suite():
    """In a process that holds little beside Beam: it is forked a thousand times."""
    line = [sys.executable, "-m", "pytest", "--noconftest", "-p", "no:xdist", "-p", "no:cacheprovider", str(SUITE)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=SUITE.parents[3])
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= 70
