"""What a unit took: without compiling kernels; and of the clock, what was waiting for something else than a core."""

import subprocess
import sys
import time

import numba

from gristmill.pipelines.processes.clock import begin, is_first, now, since, waited


def test_since__compiling_a_kernel_is_no_work():
    began, process = now(), time.process_time()

    @numba.njit
    def kernel(values):
        total = 0.0
        for value in values:
            total += value
        return total

    assert kernel(numba.typed.List([1.0, 2.0])) == 3.0
    took = time.process_time() - process
    seconds, cpu_seconds = since(began)
    assert 0 <= cpu_seconds < 0.5 * took
    assert seconds >= 0


def test_since__work_counts():
    began = now()
    total = sum(range(3_000_000))
    seconds, cpu_seconds = since(began)
    assert total
    assert 0.01 < cpu_seconds <= seconds + 0.1


def test_waited__sleeping_counts_and_working_does_not():
    began = begin()
    time.sleep(0.3)
    slept = waited(began)
    assert 0.2 < slept < 3.0
    began = begin()
    sum(range(3_000_000))
    assert waited(began) < 0.5 * since(began)[0] + 0.05


def test_is_first__once_a_process():
    assert [is_first("some stage"), is_first("some stage"), is_first("another")] == [True, False, True]
    code = "from gristmill.pipelines.processes.clock import is_first; print(is_first('some stage'))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"
