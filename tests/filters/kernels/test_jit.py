"""Compiled loops that come with a read-only image are used, not compiled again and not fatal."""

import os
import tempfile

import pytest

from gristmill.filters.kernels import jit as kernels
from gristmill.tokenizer import jit as loops


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
