"""Somebody else's files: a folder that is not a run is never written to; in a run only what runs made is removed."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from gristmill.pipelines.cli.inspecting import report
from gristmill.pipelines.cli.running import clean, demo, status
from gristmill.pipelines.cli.running.run import supervise
from gristmill.pipelines.cli.training import train
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.rundir import check_folder, claim, is_run
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute

FOLDERS = {
    "documents": {"text/story.txt": "mine", "ledger/2026.parquet": "mine", "recipe.yaml": "mine"},
    "a run.json of another tool": {"run.json": '{"status": "finished", "recipe": "x", "books": {}}'},
    "a sealed look": {"run.json": '{\n "status": "finished",\n "sha256": "' + "0" * 64 + '"\n}\n'},
    "a file of zero bytes": {"run.json": "", "notes.txt": ""},
    "no JSON at all": {"run.json": "\x00\xff不是"},
    "hidden": {".git/config": "[core]"},
    "an empty folder": {"curated/": ""},
    "names of ours": {"manifest.json": "{}", "_plan/units.arrow": "", "_work/notes/score.json": "{}"},
}


def fill(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            (folder / name).mkdir(parents=True)
        else:
            (folder / name).write_text(text, encoding="utf-8")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def foreign(tmp_path, request) -> Path:
    fill(tmp_path / "foreign", FOLDERS[request.param])
    return tmp_path / "foreign"


@pytest.mark.parametrize("foreign", FOLDERS, indirect=True)
def test_run__refuses_and_writes_nothing(foreign, corpus):
    before = everything(foreign)
    with pytest.raises(RecipeError, match="is not a run directory") as caught:
        execute(Request(corpus.recipe, foreign))
    assert "--out" in caught.value.fix
    with pytest.raises(RecipeError, match="is not a run directory"):
        supervise(Request(corpus.recipe, foreign))
    assert everything(foreign) == before


@pytest.mark.parametrize("foreign", FOLDERS, indirect=True)
def test_other_commands__refuse_and_write_nothing(foreign, tmp_path):
    before = everything(foreign)
    with pytest.raises(RecipeError, match="is not a run directory"):
        demo.demo(foreign)
    assert [path.name for path in tmp_path.iterdir()] == ["foreign"]
    for call in (
        lambda: clean.clean(str(foreign)),
        lambda: status.status(str(foreign)),
        lambda: report.report(str(foreign)),
        lambda: train.train(SimpleNamespace(args=[]), str(foreign)),
    ):
        with pytest.raises(RecipeError, match="is not a run directory"):
            call()
    assert everything(foreign) == before


def test_demo__leaves_another_recipe_and_another_run_alone(calm, tmp_path):
    (tmp_path / "mine.yaml").write_text("gristmill: 1\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="is not the demo's recipe"):
        demo.demo(tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
    with pytest.raises(RecipeError, match="holds a run of the recipe 'mill'"):
        demo.demo(calm)
    assert not (calm.parent / "run.yaml").exists()


def test_claim__an_empty_folder_or_one_that_was_just_begun(tmp_path):
    for name, text in (("new", None), ("empty", None), ("killed", b"")):
        store = Store.at(tmp_path / name)
        if name != "new":
            (tmp_path / name).mkdir()
        if text is not None:
            (tmp_path / name / "run.json").write_bytes(text)
        check_folder(store)
        claim(store)
        assert is_run(store)
        claim(store)


def test_users_files_in_a_run__survive_run_and_clean(corpus, tmp_path, digests, calm):
    run = tmp_path / "run"
    execute(Request(corpus.recipe, run))
    mine = [
        "text/notes.txt",
        "text/my.arrow",
        "dropped/more/x.parquet",
        "curated/0123-00.arrow",
        "plugins/a.py",
        "n.md",
    ]
    mine += ["n.md", "tokens/plan/train.arrow", "tokenizer/tokenizer-old.model"]
    fill(run, dict.fromkeys(mine, "mine"))
    execute(Request(corpus.recipe, run, until="score"))
    assert not [path for path in (run / "text").iterdir() if path.name not in ("notes.txt", "my.arrow")]
    assert sorted(path.name for path in (run / "tokenizer").iterdir()) == ["tokenizer-old.model"]
    execute(Request(corpus.recipe, run))
    assert {name: (run / name).read_text() for name in mine} == dict.fromkeys(mine, "mine")
    assert digests(calm).items() <= digests(run).items()
    clean.clean(str(run))
    assert {name: (run / name).read_text() for name in mine} == dict.fromkeys(mine, "mine")
    assert sorted(str(path.relative_to(run)) for path in run.glob("curated/*")) == ["curated/0123-00.arrow"]
    assert not (run / "_work").exists()
    assert not (run / "dead").exists()


def test_train_copy__only_into_a_new_folder_or_its_own(calm, tmp_path, monkeypatch):
    class Elsewhere(Store):
        @property
        def local(self):
            return None if self.root == "s3://bucket/run" else super().local

        def read_bytes(self, path):
            return (calm / path).read_bytes()

        def signs(self, paths):
            return Store.at(calm).signs(paths)

        def copy_to(self, folder, *wanted):
            Store.at(calm).copy_to(folder, *wanted)

    store = Elsewhere("s3://bucket/run")
    (tmp_path / "mine" / "tokens").mkdir(parents=True)
    fill(tmp_path / "mine", {"tokens/index.json": "mine"})
    with pytest.raises(RecipeError, match="not empty, and no copy of this run"):
        train.on_this_machine("s3://bucket/run", store, tmp_path / "mine")
    assert everything(tmp_path / "mine") == {"tokens": b"", "tokens/index.json": b"mine"}
    train.on_this_machine("s3://bucket/run", store, tmp_path / "copy")
    (tmp_path / "copy" / "manifest.json").unlink()
    (tmp_path / "copy" / "tokens" / "index.json").unlink()
    train.on_this_machine("s3://bucket/run", store, tmp_path / "copy")  # goes on where it was interrupted
    assert json.loads((tmp_path / "copy" / "tokens" / "index.json").read_text())
