"""Who may import whom, where import-linter does not look: circles inside a room, and what an image has installed."""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("filters", "tokenizer", "pipelines", "trainer", "infra")
TRAINING_IMAGE_LACKS = (
    "apache_beam",
    "pydantic",
    "fasttext",
    "presidio_analyzer",
    "duckdb",
    "gristmill.filters",
    "gristmill.pipelines",
)


@pytest.mark.parametrize(
    "package",
    [
        "gristmill.trainer.__main__",
        "gristmill.tokenizer.encode",
        "gristmill.tokenizer.train",
        "gristmill.tokenizer.shards.packing",
    ],
)
def test_trainer_and_tokenizer_run_without_the_pipeline(package):
    """Importing these in a process where the forbidden packages cannot be found."""
    code = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if any(name == p or name.startswith(p + '.') for p in {TRAINING_IMAGE_LACKS!r}):
            raise ImportError('not in the training image: ' + name)
sys.meta_path.insert(0, Refuse())
sys.argv = ['trainer', '--help']
import importlib
importlib.import_module({package!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def modules(root: Path) -> dict[str, Path]:
    """Dotted name -> file, of everything of ours below `root`; a package is its __init__.py."""
    paths = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    names = {path: path.relative_to(root).with_suffix("").as_posix().replace("/", ".") for path in paths}
    return {f"gristmill.{name.removesuffix('.__init__')}": path for path, name in names.items()}


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Our modules that a file names in an import, wherever it stands: in a function and under TYPE_CHECKING too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in full}
    return found & known.keys()


def circle(root: Path) -> list[str] | None:
    """Files that import each other, the first of them repeated at the end; None where there are none."""
    known = modules(root)
    try:
        TopologicalSorter({name: imports(path, known) - {name} for name, path in known.items()}).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_no_file_imports_itself_by_way_of_others():
    assert circle(ROOT) is None


def test_everything_is_imported_below_gristmill():
    """By its other name, from the folder at the top, a module would be loaded a second time."""
    files = [file for folder in (*PACKAGES, "tests", "gristmill") for file in (ROOT / folder).rglob("*.py")]
    lines = [(file, line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    at_top = re.compile(rf"\s*(from|import) ({'|'.join(PACKAGES)})\b")
    assert [f"{file.relative_to(ROOT)}: {line}" for file, line in lines if at_top.match(line)] == []


def test_circle__is_seen_inside_a_room_and_under_type_checking(tmp_path):
    room = tmp_path / "trainer" / "loop"
    room.mkdir(parents=True)
    (room / "fit.py").write_text("from gristmill.trainer.loop.report import Report\n")
    (room / "report.py").write_text("if TYPE_CHECKING:\n    from gristmill.trainer.loop import fit\n")
    assert set(circle(tmp_path)) == {"gristmill.trainer.loop.fit", "gristmill.trainer.loop.report"}
