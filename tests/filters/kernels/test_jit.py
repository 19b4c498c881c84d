"""Compiled loops: what Python may call, what lies in the cache; those that come with a read-only image are used, not
compiled again and not fatal."""

import os
import sys
import tempfile

import pytest

from gristmill.filters.kernels import jit as kernels
from gristmill.filters.kernels.jit import cache_folder, inline, kernel
from gristmill.tokenizer import jit as loops


@inline
def _twice(x):
    return 2 * x


@kernel
def _four_times(x):
    return _twice(x) * 2


def test_helper__is_called_by_kernels_and_by_python() -> None:
    assert _four_times(3) == 12
    assert sys.modules[__name__]._twice(4) == 8  # what the kernel left in the module's globals


def test_cache__holds_kernels_with_their_helpers() -> None:
    assert _four_times(3) == 12
    held = {file.name.split("-")[0] for file in cache_folder().rglob("test_jit.*")}
    assert held == {"test_jit._four_times"}


@pytest.mark.parametrize("module", [kernels, loops], ids=["filters", "tokenizer"])
def test_cache__of_an_image_that_cannot_be_written_is_copied_once(module, tmp_path, monkeypatch):
    image = tmp_path / "image" / "kernels-1"
    (image / "room").mkdir(parents=True)
    (image / "room" / "loop.nbi").write_bytes(b"compiled")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert module._writable(image) == image
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith(str(tmp_path / "image")))
    for _ in range(2):
        copy = module._writable(image)
        assert copy == tmp_path / "tmp" / "kernels-1"
        assert [file.name for file in (tmp_path / "tmp").iterdir()] == ["kernels-1"]
        assert (copy / "room" / "loop.nbi").read_bytes() == b"compiled"
