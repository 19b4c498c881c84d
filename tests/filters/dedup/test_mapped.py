"""What of a mapped file is read: for `scattered` nothing beside what is asked for."""

import itertools
import os
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.dedup.mapped import GAP_PAGES, PAGE, contents, fetch, pages_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what the kernel was told")

PAGES = 2000


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A file of which no page is in memory."""
    file = tmp_path / "f"
    file.write_bytes(np.arange(PAGES * PAGE // 4, dtype=np.uint32).tobytes())
    descriptor = os.open(file, os.O_RDONLY)
    os.fdatasync(descriptor)  # pytest's fsync does nothing (tests/conftest.py), and what is not written stays in memory
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    return str(file)


def flags(address: int) -> list[str]:
    """What the kernel knows of the map that holds an address (proc(5), VmFlags of smaps; rr: read at random)."""
    is_it = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if "-" in first and not first.endswith(":"):
            begin, end = (int(half, 16) for half in first.split("-"))
            is_it = begin <= address < end
        elif is_it and first == "VmFlags:":
            return line.split()[1:]
    raise AssertionError("not mapped")


def test_contents__scattered_is_read_without_readahead_and_the_same(path):
    descriptors = len(os.listdir("/proc/self/fd"))
    whole, scattered = contents(path), contents(path, scattered=True)
    assert len(os.listdir("/proc/self/fd")) == descriptors, "of thousands of files, each would be kept open"
    assert "rr" in flags(scattered.address)
    assert "rr" not in flags(whole.address)
    os.unlink(path)
    assert scattered.equals(whole)


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_majflt


def test_fetch__reads_all_of_it_before_it_is_asked_for(path):
    values = np.frombuffer(contents(path, scattered=True), np.uint32)
    begin = np.arange(0, PAGES // 2, 4) * PAGE // 4
    before = faults()
    values[begin + PAGE * PAGES // 8].sum()  # the other half, page by page
    single = faults() - before
    if single < len(begin) // 2:
        pytest.skip("this file system keeps files in memory")
    fetch(values, begin, begin + 1)
    before = faults()
    assert values[begin].tolist() == begin.tolist()
    assert faults() - before < single // 10


@given(st.lists(st.tuples(st.integers(0, 200 * PAGE), st.integers(0, 3 * PAGE)), max_size=12))
def test_pages_of__holds_every_byte_and_bridges_small_gaps_only(ranges):
    begin = np.array([at for at, _ in ranges], np.int64)
    wanted = {page for at, size in ranges for page in range(at // PAGE, -(-(at + size) // PAGE)) if size}
    runs = list(zip(*pages_of(begin, begin + np.array([size for _, size in ranges], np.int64)), strict=True))
    held: set[int] = set()
    for first, last in runs:
        run = range(first // PAGE, last // PAGE)
        assert first % PAGE == last % PAGE == 0
        assert {run[0], run[-1]} <= wanted
        asked = sorted(wanted & set(run))
        assert all(after - page - 1 <= GAP_PAGES for page, after in itertools.pairwise(asked))
        assert not held or run[0] - max(held) - 1 > GAP_PAGES
        held |= set(run)
    assert wanted <= held
