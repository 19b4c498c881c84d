"""A flipped byte or a lost third in any file of a run: made again by the next run, or named; never a traceback."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

from gristmill.pipelines.cli.inspecting import report, verify, why
from gristmill.pipelines.cli.running import status
from gristmill.pipelines.cli.training import train
from gristmill.pipelines.errors import DamageError, GristmillError
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.rundir import is_run
from gristmill.pipelines.storage.store import Store
from tests.exhaustive import some
from tests.in_process import execute


def flip(at: Callable[[int], int]) -> Callable[[bytes], bytes]:
    return lambda raw: raw[: at(len(raw))] + bytes([raw[at(len(raw))] ^ 1]) + raw[at(len(raw)) + 1 :]


HARM: dict[str, Callable[[bytes], bytes]] = {
    "first byte": flip(lambda size: 0),
    "middle byte": flip(lambda size: size // 2),
    "last byte": flip(lambda size: size - 1),
    "a third": lambda raw: raw[: len(raw) * 2 // 3],
    "all": lambda raw: b"",
}
NOT_CONTENT = (".lock", "run.log")
"""Who holds the directory, and what was said meanwhile: nothing is read from them."""
MARKS = ("run.json", "manifest.json", "_plan/units.arrow")
"""What says that a folder is a run's. With all of them damaged nothing does."""


def kinds(run: Path) -> dict[str, Path]:
    """One file of every kind: those whose paths differ in hashes and numbers only are one."""
    files = [path for path in sorted(run.rglob("*")) if path.is_file() and path.name not in NOT_CONTENT]
    return {re.sub(r"[0-9a-f]{12,}", "H", str(file.relative_to(run))): file for file in files}


@pytest.fixture(scope="module")
def finished(small_run, tmp_path_factory) -> Path:
    """A run that every test leaves whole."""
    return shutil.copytree(small_run, tmp_path_factory.mktemp("damage") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("harm", some(HARM, ["middle byte", "all"]))
@pytest.mark.parametrize("spared", [MARKS[:1], MARKS[1:]], ids=["all but the state", "the state"])
def test_run__makes_every_damaged_file_again(small, small_run, finished, digests, harm, spared):
    state = spared == MARKS[1:]
    for name, file in kinds(finished).items():
        if name not in spared and (not state or name == "run.json"):
            file.write_bytes(HARM[harm](file.read_bytes()))
    assert is_run(Store.at(finished))
    execute(Request(small.recipe, finished))
    assert digests(finished) == digests(small_run)
    verify.verify(str(finished))


@pytest.mark.parametrize("harm", some(HARM, ["last byte", "all"]))
def test_verify__names_every_damaged_file_and_no_other(finished, capsys, harm):
    named = {}
    for name, file in kinds(finished).items():
        raw = file.read_bytes()
        file.write_bytes(HARM[harm](raw))
        with pytest.raises(typer.Exit) as ended:
            verify.verify(str(finished), as_json=True)
        file.write_bytes(raw)
        assert ended.value.exit_code == 7
        faults = json.loads(capsys.readouterr().out)["faults"]
        named[name] = [fault["path"] for fault in faults if fault["kind"] in ("damaged", "missing")]
        assert str(file.relative_to(finished)) in named[name], name
        assert len(named[name]) == 1, name
    assert len(named) > 25
    verify.verify(str(finished))
    assert capsys.readouterr().out.startswith("OK: ")


def test_verify__names_missing_and_unexpected_files(finished, capsys):
    (part,) = list((finished / "text").iterdir())[:1]
    raw = part.read_bytes()
    part.unlink()
    (finished / "text" / "我的.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(typer.Exit):
        verify.verify(str(finished))
    (finished / "text" / "我的.txt").unlink()
    part.write_bytes(raw)
    said = capsys.readouterr()
    assert re.search(rf"missing +text/{part.name}", said.out)
    assert re.search(r"unexpected +text/我的.txt", said.out)
    assert "run the recipe again" in said.err


@pytest.mark.parametrize("harm", ["first byte", "middle byte", "a third"])
def test_report_train_why__name_what_they_would_read(finished, monkeypatch, harm):
    monkeypatch.setattr(train, "call_trainer", lambda arguments: pytest.fail("the trainer was started"))
    asked = {
        "report": lambda: report.report(str(finished), None),
        "train": lambda: train.train(SimpleNamespace(args=[]), str(finished), "main", None),
        "why": lambda: why.why(str(finished), "en-3-short"),
    }
    read = {"train": ("tokens/", "tokenizer/"), "why": ("ledger/", "dropped/", "dead/", "text/", "recipe.yaml")}
    for name, file in kinds(finished).items():
        if name.startswith(("_work", "report", "_plan/inventory")):
            continue
        with harmed(file, harm):
            for command, ask in asked.items():
                if command not in read or name.startswith((*read[command], "run.json", "manifest.json")):
                    with pytest.raises(DamageError) as caught:
                        ask()
                    assert str(file.relative_to(finished)) in str(caught.value), (command, name)


@pytest.mark.parametrize("harm", HARM)
def test_status__works_whatever_is_damaged_or_names_it(finished, capsys, harm):
    for name, file in kinds(finished).items():
        error = None
        with harmed(file, harm):
            try:
                status.status(str(finished))
            except DamageError as caught:
                error = caught
        listed = not name.startswith(("_work", "report", "_plan/inventory"))
        counted = "changed since the run wrote them: 1;" in capsys.readouterr().out
        assert str(file.relative_to(finished)) in str(error) if error else counted == listed, name
    status.status(str(finished))
    assert "changed since" not in capsys.readouterr().out


@contextmanager
def harmed(file: Path, harm: str) -> Iterator[None]:
    raw = file.read_bytes()
    file.write_bytes(HARM[harm](raw))
    try:
        yield
    finally:
        file.write_bytes(raw)


def test_all_marks_damaged__is_refused_with_their_name(small, finished):
    raw = {name: (finished / name).read_bytes() for name in MARKS}
    for name in MARKS:
        (finished / name).write_bytes(HARM["a third"](raw[name]))
    with pytest.raises(GristmillError, match=r"run.json is not one that Gristmill wrote, or it is damaged"):
        execute(Request(small.recipe, finished))
    for name in MARKS:
        (finished / name).write_bytes(raw[name])
