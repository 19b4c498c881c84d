"""Whether files still are what their sha256 says."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gristmill.tokenizer.shards.arrow_file import file_sha256

THREADS = min(8, os.cpu_count() or 1)  # hashlib works outside the interpreter's lock


def sha256_of(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """Path in the folder -> sha256 of the file."""
    names = list(paths)
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(names, pool.map(lambda path: file_sha256(folder / path), names), strict=True))


def faults(folder: Path, sha256: Mapping[str, str]) -> dict[str, str]:
    """Path -> what is wrong with the file, of those in the folder that are not what their sha256 says."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda path: _fault(folder / path, sha256[path]), sha256)
        return {path: fault for path, fault in zip(sha256, found, strict=True) if fault is not None}


def described(found: Mapping[str, str], most: int = 5) -> str:
    """Faults as part of a sentence; only the first, where there are many."""
    shown = [f"{path} {fault}" for path, fault in list(found.items())[:most]]
    return ", ".join(shown) + (f" and {len(found) - most} more" if len(found) > most else "")


def _fault(path: Path, sha256: str) -> str | None:
    try:
        return None if file_sha256(path) == sha256 else "has other bytes than its sha256 says"
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
