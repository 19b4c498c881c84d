"""Compiled loops: what Python may call, what lies in the cache; those that come with a read-only image are used, not
compiled again and not fatal."""

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

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


MILL = """
import numpy as np
from gristmill.filters.kernels import jit as kernels
from gristmill.tokenizer import jit as loops

def ground(grain):
    if grain < 0:
        raise ValueError("no grain")
    flour = np.zeros(grain, np.int64)
    for at in range(grain):
        flour[at] = at
    return flour

def bread(flour):
    return np.sort(flour)[::-1].copy()

made = kernels.kernel(ground), loops.kernel(ground)
assert [one(4).tolist() for one in made] == [[0, 1, 2, 3]] * 2
for one in made:
    try:
        one(-1)
    except ValueError as error:
        assert str(error) == "no grain"
"""
THEN = "from mill import *; print(kernels.kernel(bread)(made[0](3)).tolist())"
"""Something that has to be compiled behind what was not."""


def test_cache__of_what_is_compiled_is_read_without_what_only_a_compiler_needs(tmp_path):
    (tmp_path / "mill.py").write_text(MILL, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"GRISTMILL_CACHE": str(tmp_path), "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    say = "import sys, mill; print(sorted({'numba.np.arraymath', 'numba.np.arrayobj', 'scipy'} & set(sys.modules)))"
    said = [
        subprocess.run([sys.executable, "-c", say], env=environment, check=True, capture_output=True, text=True).stdout
        for _ in ("compiled", "from the cache")
    ]
    assert said == ["['numba.np.arraymath', 'numba.np.arrayobj']\n", "[]\n"]
    assert len(list(tmp_path.rglob("mill.ground-*.nbi"))) == 2
    then = subprocess.run([sys.executable, "-c", THEN], env=environment, check=True, capture_output=True, text=True)
    assert then.stdout == "[2, 1, 0]\n"


MEANWHILE = """
import sys, numpy as np
from gristmill.filters.kernels.dedup.forest import union
parent = np.empty(4, np.int64)
def joined(): union(np.array([3, 1]), np.array([1, 0]), parent); return parent.tolist()
assert joined() == [0, 0, 2, 0] and "numba" not in sys.modules
union._left = 3
assert joined() == [0, 0, 2, 0] and "numba" not in sys.modules
assert joined() == [0, 0, 2, 0] and "numba" in sys.modules, "the third call goes beyond what numpy may do"
"""


@pytest.mark.process
def test_without_numba__for_so_many_items_and_then_compiled() -> None:
    subprocess.run([sys.executable, "-c", MEANWHILE], check=True)


def _modules_with_kernels() -> list[ModuleType]:
    root = kernels._ROOT
    files = [file for top in ("filters", "pipelines") for file in sorted((root / top).rglob("*.py"))]
    names = [file.relative_to(root).with_suffix("").parts for file in files if b"jit import" in file.read_bytes()]
    return [importlib.import_module(".".join(("gristmill", *parts))) for parts in names]


def _helpers(loop: FunctionType) -> Iterator[FunctionType]:
    """What a loop calls that is compiled with it: a Kernel, or what it has left in its place once it was compiled."""
    for name in loop.__code__.co_names:
        helper = getattr(loop.__globals__.get(name), "py_func", None)
        if isinstance(helper, FunctionType):
            yield helper
            yield from _helpers(helper)


def test_cache__folder_of_a_kernel_is_named_by_the_text_of_all_its_helpers() -> None:
    """One that is not would be used as it was compiled before the helper changed."""
    base, looked_at = Path(kernels.__file__).resolve().parent, 0
    for module in _modules_with_kernels():
        room = Path(module.__file__ or "").resolve().parent
        for loop in vars(module).values():
            if isinstance(loop, kernels.Kernel) and loop._cached and loop.py_func.__module__ == module.__name__:
                for helper in _helpers(loop.py_func):
                    lies = Path(helper.__code__.co_filename).resolve()
                    near = base in lies.parents or lies.parent in kernels._rooms_of_kernels(room)
                    assert near, f"{loop.py_func.__qualname__} of {module.__name__} takes in {lies}"
                    looked_at += 1
    assert looked_at > 500
