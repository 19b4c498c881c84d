"""The documentation of a Python installation: a made-up one, and this one."""

import json
import os
import re
import time
from pathlib import Path

import pytest
import xxhash

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.batches import Aside, Document
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.formats.machine import plan_machine, read_machine, roots
from gristmill.pipelines.read.sample import Sample
from gristmill.pipelines.recipe import schema

LONG = "Explains what the mill does, in enough words to be worth a document of its own. " * 6 + "End."
MODULE = f'''"""The mill.

{LONG}
"""
import nowhere_that_exists

raise RuntimeError("imported!")


class Wheel:
    r"""Turns. 转动。"""

    def turn(self):
        """Once around.

            indented
        Again.
        """

        def inner(): 'inner words'

    @property
    async def speed(self): "Per minute."


def no_docstring(): pass
'''


@pytest.fixture
def where(tmp_path: Path) -> dict[str, Path]:
    files = {
        "lib/mill/__init__.py": MODULE,
        "lib/mill/broken.py": f'"""{LONG}"""\ndef (:\n',
        "lib/mill/quiet.py": "x = 1\n" * 500,
        "lib/mill/strings.py": f'x = 1\ny = (\n    """{LONG}"""\n)\n',
        "lib/test/test_mill.py": MODULE,
        "lib/site-packages/inside.py": MODULE,
        "site/wheat-1.0.dist-info/METADATA": f"Name: wheat\nVersion: 1.0\n\n# Wheat\n\n{LONG}",
        "site/wheat-1.0.dist-info/licenses/LICENSE.txt": LONG,
        "site/wheat-1.0.dist-info/RECORD": LONG,
        "site/gristmill-0.1.dist-info/METADATA": f"Name: gristmill\n\n{LONG}",
        "site/wheat/data.txt": LONG,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return {"stdlib": tmp_path / "lib", "site-packages": tmp_path / "site"}


def context() -> Context:
    source = schema.Source(format="machine", language="en")
    return Context("machine", source, schema.Read(), schema.Extract(), Sample(1, 0))


def items(where: dict[str, Path]) -> dict[str, object]:
    made = context()
    return {split.path: next(read_machine(split, made, where)) for split, _ in plan_machine(None, where)}


def test_read__docstrings_descriptions_licences(where) -> None:
    found = items(where)
    documents = {path: item for path, item in found.items() if isinstance(item, Document)}
    assert set(documents) == {
        "stdlib/mill/__init__.py",
        "site-packages/wheat-1.0.dist-info/METADATA",
        "site-packages/wheat-1.0.dist-info/licenses/LICENSE.txt",
    }
    module = documents["stdlib/mill/__init__.py"]
    assert module.text.decode() == (
        f"mill\n\nThe mill.\n\n{LONG}\n\nWheel\n\nTurns. 转动。\n\nWheel.turn\n\n"
        "Once around.\n\n    indented\nAgain.\n\n"
        "Wheel.turn.inner\n\ninner words\n\nWheel.speed\n\nPer minute."
    )
    assert (module.id, module.language) == ("stdlib/mill/__init__.py", "en")
    assert json.loads(module.meta) == {"kind": "docstrings", "package": "mill"}
    assert documents["site-packages/wheat-1.0.dist-info/METADATA"].text.decode() == f"# Wheat\n\n{LONG}"


def test_read__broken_modules_are_dead_letters_without_their_text(where) -> None:
    dead = items(where)["stdlib/mill/broken.py"]
    assert (dead.file, dead.error) == ("stdlib/mill/broken.py", "SyntaxError: line 2")


def test_read__strings_that_are_no_docstrings_are_counted_aside(where) -> None:
    assert items(where)["stdlib/mill/strings.py"] == Aside("machine_no_documentation")


def test_read__same_wherever_python_is(where, tmp_path) -> None:
    moved = tmp_path / "elsewhere"
    (tmp_path / "lib").rename(moved)
    before = items({"stdlib": moved, "site-packages": where["site-packages"]})
    moved.rename(tmp_path / "lib")
    assert before == items(where)


def test_read__a_changed_file_is_refused(where) -> None:
    splits = [split for split, _ in plan_machine(None, where)]
    (where["stdlib"] / "mill/__init__.py").write_text('"""Other."""')
    split = next(split for split in splits if split.path == "stdlib/mill/__init__.py")
    with pytest.raises(InputError, match="changed since it was planned"):
        list(read_machine(split, context(), where))


def test_plan__takes_files_in_one_order_up_to_the_bound(where) -> None:
    everything = [split.path for split, _ in plan_machine(None, where)]
    some = [split.path for split, _ in plan_machine(2000, where)]
    assert len(everything) == 5
    assert everything == sorted(everything, key=lambda path: xxhash.xxh3_64_intdigest(path.encode()))
    assert everything != sorted(everything)
    assert 0 < len(some) < 5
    assert [path for path in everything if path in some] == some


def test_this_machine__two_megabytes_of_prose(read_all) -> None:
    began = time.process_time()
    outcome = read_all("machine", max_bytes=2_000_000, unit_bytes=2_000_000)
    seconds = time.process_time() - began
    total = sum(len(text.encode()) for text in outcome.texts)
    assert 1_000_000 < total <= 2_000_000
    assert seconds < 8
    assert not [
        row["id"] for row in outcome.rows if re.match(r"[^/]+/(pipelines|filters|trainer|gristmill)", row["id"])
    ]
    again = read_all("machine", max_bytes=2_000_000, unit_bytes=300_000)
    assert [row["doc_id"] for row in again.rows] == [row["doc_id"] for row in outcome.rows]
    assert again.units > outcome.units


def test_roots__are_folders_of_their_own() -> None:
    found = roots()
    assert {"stdlib", "site-packages"} <= set(found)
    assert len(set(found.values())) == len(found)


def test_plan__opens_files_only(tmp_path) -> None:
    """A FIFO among the modules would be waited for."""
    text = "x" * 500
    (tmp_path / "good.py").write_text(f'"""{text}"""', encoding="utf-8")
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "broken.py").symlink_to("nowhere")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "caf\udce9.py").write_text(f'"""{text}"""', encoding="utf-8")
    assert [split.path for split, _ in plan_machine(None, {"stdlib": tmp_path})] == ["stdlib/good.py"]
