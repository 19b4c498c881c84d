"""Files of fingerprints in memory: mapped, and read as a whole or here and there.

Letters in names: R ranges of bytes, M of them merged.
"""

import ctypes
import mmap
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

RANDOM, WILLNEED = getattr(mmap, "MADV_RANDOM", None), getattr(mmap, "MADV_WILLNEED", None)
"""What this system calls them, if it does."""
PAGE = mmap.PAGESIZE
GAP_PAGES = 16
"""Between two pages that are asked for, as many others or fewer are read with them: 64 KiB come about as quickly as the
next single page (measured: 690 MB/s and 16,000 pages a second; on a slow day of that disk 134 and 1,800)."""


def is_remote(path: str) -> bool:
    """Whether a file has to be copied before it can be mapped."""
    return "://" in path and not path.startswith("file://")


def contents(path: str, scattered: bool = False) -> pa.Buffer:
    """The bytes of a file, memory-mapped: itself where it is local, else a temporary copy.

    scattered: few of its pages are asked for, far apart, so that none comes from the disk but these and what is
    fetched. Raises ValueError for a file that is empty.
    """
    path = path.removeprefix("file://")
    if is_remote(path):
        with tempfile.NamedTemporaryFile(prefix="gristmill-fingerprints-") as copy:
            import fsspec  # a local run does without

            fs, inner = fsspec.url_to_fs(path)
            fs.get_file(inner, copy.name)
            return _mapped(copy.name, path, scattered)  # the map outlives the name: nobody holds it, the space is free
    return _mapped(path, path, scattered)


def _mapped(file: str, path: str, scattered: bool) -> pa.Buffer:
    size = Path(file).stat().st_size
    if size == 0:
        raise ValueError(f"{path} is empty, not a fingerprint file")
    with pa.memory_map(file) as source:
        if not scattered:
            return source.read_buffer()
        first = source.read_buffer(1)  # of the map, which is whole; what is named here Arrow has the kernel read
    whole = pa.foreign_buffer(first.address, size, base=first)
    _advise(whole.address, size, RANDOM)
    return whole


def fetch(mapped_U: np.ndarray, begin_R: np.ndarray, end_R: np.ndarray) -> None:
    """Has the kernel read ranges of a map together, before they are asked for one page after the other.

    mapped_U: uint32, all of the map; begin_R, end_R: int64, in numbers of it.
    """
    address, width = mapped_U.ctypes.data, mapped_U.itemsize
    begin_M, end_M = pages_of(begin_R * width, end_R * width)
    for begin, end in zip(begin_M.tolist(), end_M.tolist(), strict=True):
        _advise(address + begin, end - begin, WILLNEED)


def pages_of(begin_R: np.ndarray, end_R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(int64[M], int64[M]): where runs of pages begin and end that hold all these bytes, rising and apart."""
    some = begin_R < end_R
    first, last = np.sort(begin_R[some] // PAGE), np.sort(-(-end_R[some] // PAGE))
    apart = first[1:] > last[:-1] + GAP_PAGES  # sorted apart from each other they bound the same runs
    return first[np.r_[True, apart][: len(first)]] * PAGE, last[np.r_[apart, True][: len(last)]] * PAGE


def _advise(address: int, size: int, advice: int | None) -> None:
    """By the C library: Python's maps keep a descriptor each, of which a process has fewer than files. Where advice is
    not taken, more is read, or later, so that nothing is done about it."""
    if advice is not None:
        _libc().madvise(ctypes.c_void_p(address), ctypes.c_size_t(size), advice)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
