"""Packages that are hidden or put off while another one is imported, and what is there afterwards."""

import contextlib
import importlib
import subprocess
import sys

import pytest

from gristmill.filters.imports import Later, around_import, names_on_demand, standing_in, without


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Writes a module that can be imported until the test ends."""
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


def test_without__hides_what_is_not_loaded_and_gives_it_back(package):
    package("optional_one", "VALUE = 1")
    with without("optional_one", "json"):
        import json  # loaded already: stays

        assert json.dumps([]) == "[]"
        with pytest.raises(ImportError):
            importlib.import_module("optional_one")
    import optional_one

    assert optional_one.VALUE == 1


def test_later__loads_the_real_module_at_the_first_use(package):
    package("heavy_one", "print('loaded')\nVALUE = 2")
    package("user_one", "import heavy_one\ndef use():\n    return heavy_one.VALUE")
    with standing_in(Later("heavy_one")):
        import user_one
    assert "heavy_one" not in sys.modules
    assert user_one.use() == 2
    assert sys.modules["heavy_one"].VALUE == 2


def test_standing_in__leaves_a_loaded_module_alone(package):
    package("real_one", "VALUE = 3")
    import real_one

    with standing_in(Later("real_one")):
        assert sys.modules["real_one"] is real_one


def test_around_import__whoever_imports_first(package):
    package("inner_one", "VALUE = 4")
    package("outer_one", "try:\n    import inner_one\nexcept ImportError:\n    inner_one = None")
    around_import("outer_one", lambda: without("inner_one"))
    import outer_one

    assert outer_one.inner_one is None
    assert outer_one.__spec__.name == "outer_one"
    around_import("outer_one", lambda: contextlib.nullcontext())  # loaded: nothing happens
    import inner_one

    assert inner_one.VALUE == 4


def test_names_on_demand__load_the_module_of_a_name(package, tmp_path):
    (tmp_path / "gathering").mkdir()
    for name in ("__init__", "one", "two", "three"):
        package(f"gathering/{name}", f"print('{name}')\nVALUE = '{name}'")
    package(
        "gathering/__init__",
        "from .one import VALUE as ONE\nfrom gathering.two import VALUE as TWO\nfrom .three import VALUE\n"
        "KNOWN = {'three': VALUE}\n",
    )
    names_on_demand("gathering")
    import gathering

    try:
        assert gathering.KNOWN == {"three": "three"}, "what __init__ itself uses is there"
        assert {"gathering.one", "gathering.two"}.isdisjoint(sys.modules)
        from gathering import TWO

        assert (TWO, gathering.ONE) == ("two", "one")
        with pytest.raises(AttributeError, match="'gathering' has no attribute 'FOUR'"):
            gathering.FOUR  # noqa: B018
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "gathering"]:
            del sys.modules[name]


def test_kernels__load_no_numba_until_one_runs():
    code = """
import sys
from gristmill.filters import judge, line_rules, presets, signals
from gristmill.filters.dedup import fingerprints
from gristmill.filters.pii import scan
assert 'numba' not in sys.modules
import pyarrow as pa
from gristmill.filters.language.identify import script_of
assert script_of(pa.array(['磨坊在河边。', 'A mill.'], pa.large_string())).to_pylist() == ['Hani', 'Latn']
assert 'numba' in sys.modules and not {'scipy', 'cffi'} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
