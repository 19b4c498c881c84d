"""The terminal is safe: whatever stands in an id, path or message is text there, and every path that the operating
system refuses is a message."""

import ast
import errno
import io
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gristmill import pipelines
from gristmill.pipelines.cli.main import main
from gristmill.pipelines.cli.terminal import output
from gristmill.pipelines.cli.terminal.live import LOG_SECONDS, ProgressView
from gristmill.pipelines.cli.terminal.output import Terminal
from gristmill.pipelines.errors import InputError, RecipeError, inert
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.progress import StageProgress
from gristmill.pipelines.run.request import Request

STYLE = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = {
    "[red]x[/red]": "[red]x[/red]",
    "[/]": "[/]",
    "[link=http://evil]中文[/link]": "[link=http://evil]中文[/link]",
    ":smile:": ":smile:",
    "\x1b[2J\x1b]0;title\x07": r"\x1b[2J\x1b]0;title\x07",
    "\x9b31m": r"\x9b31m",
    "one\r\nerror: two\ttab\x00\x08": r"one\r\nerror: two\ttab\x00\x08",
    "a\u202egnp.exe\u2066\u061c\u200f": r"a\u202egnp.exe\u2066\u061c\u200f",
    "甲\u200b乙\u2060\ufeff\u00ad": r"甲\u200b乙\u2060\ufeff\xad",
    "\u2028line\u2029\x85": r"\u2028line\u2029\x85",
    "\udcff\ud83d \U000e0041": r"\udcff\ud83d \U000e0041",
    "中文，全角：ＡＢＣ　字 日本語 한국어": "中文，全角：ＡＢＣ　字 日本語 한국어",
}


def printed(*renderables, terminal: bool = True) -> str:
    console = Terminal(file=io.StringIO(), force_terminal=terminal, color_system="truecolor", width=300)
    for renderable in renderables:
        console.print(renderable)
    text = console.file.getvalue()
    text.encode()  # no halves of surrogate pairs
    return STYLE.sub("", text)


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items(), ids=map(ascii, HOSTILE.values()))
def test_terminal__shows_text_as_text_and_obeys_none(text, shown):
    assert inert(text) == shown
    assert inert(shown) == shown
    table = Table("key", "value", box=None)
    table.add_row("id", inert(text))
    table.add_row("raw", text)
    bold = Text.assemble(("bold ", "bold"), (inert(text), "red"))
    seen = printed(inert(text), Padding(inert(text), (0, 2)), table, bold)
    assert seen.count(shown) >= 4
    for raw in (text, Text(text), Text.assemble((text, "bold")), table):
        assert all(char == "\n" or char == "\u3000" or char.isprintable() for char in printed(raw))


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(), max_size=40))
def test_terminal__of_any_text(text):
    assert all(
        char in "\n" or char.isprintable() or not re.match(r"[\x00-\x1f\x7f-\x9f]", char)
        for char in printed(text, Text(text))
    )
    assert "\n" not in inert(text)


def test_error__has_its_three_fields_and_no_other_lines():
    error = InputError(
        "cannot read 'a\n  fix:   rm -rf'", where="/tmp/\x1b[2J\n  where: b", fix="look at 'c\n  where: d'"
    )
    assert str(error).count("\n") == 2
    assert "\x1b" not in str(error)
    assert str(RecipeError("2 problems:\n    one\n    two", where="x", fix="y")).count("\n") == 4


def test_report__names_are_inert_and_texts_keep_their_marks():
    excerpts = Excerpts(lambda text: text)
    for text in HOSTILE:
        name = excerpts.name(text)
        assert name.isprintable() or "\u3000" in name
    assert excerpts.excerpt("שלום\u200f, می\u200cخواهم")[0] == "שלום\u200f, می\u200cخواهم"
    assert excerpts.excerpt("a\u202eb")[0] == r"a\u202eb"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress__of_a_stage_with_a_strange_name(terminal):
    console = Terminal(file=io.StringIO(), force_terminal=terminal, width=200)
    with ProgressView(console) as view:
        view.logged -= LOG_SECONDS
        view.show([StageProgress("[red]\x1b]0;x\x07[/]", 3, 1)])
    assert "[red]" in console.file.getvalue()
    assert "\x1b]" not in console.file.getvalue()


WRITES = {"print", "echo", "secho", "Console"}
LOGS = {"run/worker.py", "runners/portable/job_server.py"}
"""They write to the standard error of the worker, which is the run's log."""


def test_no_other_file_writes_to_the_terminal():
    root = Path(pipelines.__file__).parent
    for file in root.rglob("*.py"):
        name = file.relative_to(root).as_posix()
        if file.name.startswith("make_"):  # run by hand, to write a table or model of ours
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in WRITES or called.rsplit(".", 1)[-1] in ("echo", "secho"):
                raise AssertionError(f"{name}:{node.lineno}: {called}")
            assert name in LOGS or not re.fullmatch(r"sys\.std(out|err)\.write", called), f"{name}:{node.lineno}"


def called(monkeypatch, capsys, *arguments: object) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["gristmill", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return int(end.value.code or 0), said.err


@pytest.fixture
def recipe(tmp_path) -> Path:
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    file = tmp_path / "recipe.yaml"
    file.write_text("gristmill: 1\nname: r\nsources: {s: {format: jsonl, paths: a.jsonl}}\ntokenizer: null\n")
    return file


@pytest.fixture
def places(tmp_path) -> list[str]:
    """Paths that are no folder and cannot become one."""
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to-file").symlink_to("file")
    names = ["file", "file/below/it", "fifo", "loop", "loop/below", "to-file", "名" * 200, "x/" * 3000 + "y"]
    return ["", *(f"{tmp_path}/{name}" for name in names), "/proc/nothing/here"]


def test_run__into_a_place_that_cannot_be_is_a_message(monkeypatch, capsys, recipe, places):
    for place in places:
        code, said = called(monkeypatch, capsys, "run", recipe, f"--out={place}")
        assert code == 2, (place[:80], said)
        assert said.startswith("error: ")
        assert "where:" in said
        assert "fix:" in said


@pytest.mark.parametrize("command", ["status", "report", "clean", "train", "scaling", "why"])
def test_commands__on_a_place_that_is_no_run(monkeypatch, capsys, command, places):
    for place in places:
        code, said = called(monkeypatch, capsys, command, place, *(["x"] if command == "why" else []))
        assert (code, said[:7]) == (2, "error: "), (place[:80], said)


def test_recipe__at_a_place_that_cannot_be_read(monkeypatch, capsys, places, tmp_path):
    for command in ("validate", "run"):
        for place in [*places[1:3], *places[4:], str(tmp_path), str(tmp_path / "\x1b[31m.yaml")]:
            code, said = called(monkeypatch, capsys, command, place)
            assert (code in (2, 3), said[:7]) == (True, "error: "), (place[:80], said)
            assert "\x1b" not in STYLE.sub("", said)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE])
def test_run__where_the_folder_cannot_be_made(monkeypatch, recipe, tmp_path, number):
    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RecipeError) as caught:
        execute(Request(Path(recipe), f"{tmp_path}/[b]新\x1b[2J"))
    assert caught.value.exit_code == 2
    assert os.strerror(number).lower() in str(caught.value)
    assert r"[b]新\x1b[2J" in str(caught.value)


def test_messages__in_an_encoding_that_lacks_characters(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    output.prepare()
    output.note("中文 \udcff")
    stream.flush()
    assert stream.buffer.getvalue() == rb"\u4e2d\u6587 \xff" + b"\n"
