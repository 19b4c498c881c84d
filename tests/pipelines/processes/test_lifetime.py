"""A process that leaves: its exit handlers run, its output is out, its code is the one that was asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

IMPORTS = "import atexit, sys; from gristmill.pipelines.processes.lifetime import leave; "


def left(code: str, **streams) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", IMPORTS + code], text=True, env=os.environ | {"PYTHONUNBUFFERED": ""}, **streams
    )


@pytest.mark.parametrize("code", [0, 5])
def test_leave__handlers_run_and_what_they_print_is_out(code):
    done = left(f"atexit.register(print, '磨坊'); sys.stdout.write('mill '); leave({code})", stdout=subprocess.PIPE)
    assert (done.stdout, done.returncode) == ("mill 磨坊\n", code)


def test_leave__what_a_library_does_when_it_is_unloaded_is_not_waited_for():
    """As `std::terminate` of a thread pool that is destroyed while it starts: here, C's own list of exit handlers."""
    aborts = "import ctypes; c = ctypes.CDLL(None); c.__cxa_atexit(c.abort, None, None); "
    assert left(aborts + "leave(0)").returncode == 0
    assert left(aborts).returncode < 0


def test_leave__a_reader_that_has_gone_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as stdout:
        assert left("sys.stdout.write('mill'); sys.stderr.close(); leave(0)", stdout=stdout).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_leave__output_that_cannot_be_written_is_one():
    with open("/dev/full", "w") as stdout:
        assert left("sys.stdout.write('mill'); leave(0)", stdout=stdout).returncode == 120
        assert left("sys.stdout.write('mill'); leave(5)", stdout=stdout).returncode == 5
