"""Which files a path means: what is no file is set aside by name, links are followed, each real file is read once."""

import os
import socket
from pathlib import Path

import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source


def plan(folder: Path, *paths: str, form: str = "jsonl") -> tuple[list[str], str]:
    """(files by name below the folder, the note about what was set aside)"""
    notes: list[str] = []
    units = plan_source("web", schema.Source(format=form, paths=list(paths)), folder, 1_000_000, notes)
    files = [os.path.relpath(split.path, folder) for unit in units for split in unit.splits]
    assert len(notes) <= 1
    return files, "".join(notes)


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A good file beside everything that is none."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.jsonl").write_text('{"text": "好"}\n', encoding="utf-8")
    os.mkfifo(folder / "fifo.jsonl")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(folder)  # the name of a socket may have 107 bytes
        server.bind("socket.jsonl")
        os.chdir(here)
    (folder / "device.jsonl").symlink_to("/dev/zero")
    (folder / "broken.jsonl").symlink_to("nowhere")
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    (folder / "folder.jsonl").mkdir()
    (folder / "ignored.fifo").symlink_to("nowhere")
    return folder


EXPECTED = {
    "fifo.jsonl": "a FIFO",
    "socket.jsonl": "a socket",
    "device.jsonl": "a device",
    "broken.jsonl": "a link that leads nowhere",
    "loop.jsonl": "a link that leads back to itself",
    "folder.jsonl": "a folder, with no such file in it",
}


@pytest.mark.parametrize("path", ["in", "in/*.jsonl", "**/*.jsonl", "in/**", "."])
def test_strange_things__beside_a_good_file_are_named_and_never_opened(tmp_path, strange, path) -> None:
    if path.endswith("**"):
        (strange / "ignored.fifo").unlink()
    files, note = plan(tmp_path, path)
    assert files == ["in/good.jsonl"]
    assert note.startswith("source 'web': set aside and not read: ")
    for name, why in EXPECTED.items():
        if name != "folder.jsonl" or path != "in/*.jsonl":
            assert f"{strange / name} ({why})" in note
    assert "ignored" not in note


def test_strange_things__named_one_by_one(tmp_path, strange) -> None:
    files, note = plan(tmp_path, "in/good.jsonl", "in/fifo.jsonl", "in/broken.jsonl")
    assert files == ["in/good.jsonl"]
    assert note.count("(") == 2
    for name in ("fifo", "socket", "device", "broken", "loop"):
        with pytest.raises(InputError, match="nothing that can be read") as caught:
            plan(tmp_path, f"in/{name}.jsonl")
        assert f"{name}.jsonl ({EXPECTED[f'{name}.jsonl']})" in caught.value.what


@pytest.mark.parametrize("form", ["text", "html", "warc", "parquet", "arrow"])
def test_strange_things__of_other_formats(tmp_path, form) -> None:
    suffix = {"text": "txt"}.get(form, form)
    (tmp_path / f"good.{suffix}").write_bytes(b"")
    os.mkfifo(tmp_path / f"fifo.{suffix}")
    (tmp_path / f"broken.{suffix}").symlink_to("nowhere")
    files, note = plan(tmp_path, ".", form=form)
    assert files == [f"good.{suffix}"]
    assert "(a FIFO)" in note
    assert "(a link that leads nowhere)" in note


def test_many_things_set_aside__are_counted(tmp_path) -> None:
    (tmp_path / "good.jsonl").write_bytes(b"{}")
    for i in range(30):
        (tmp_path / f"{i}.jsonl").symlink_to("nowhere")
    assert plan(tmp_path, ".")[1].endswith(", and 20 more")


def test_links__to_files_and_folders_are_followed_and_each_real_file_is_read_once(tmp_path) -> None:
    data, other = tmp_path / "data", tmp_path / "other"
    (data / "sub").mkdir(parents=True)
    other.mkdir()
    for path in (data / "b.jsonl", data / "sub" / "c.jsonl", other / "d.jsonl"):
        path.write_text("{}")
    (data / "a.jsonl").symlink_to("b.jsonl")
    (data / "up").symlink_to("..")
    (data / "sub" / "self").symlink_to(".")
    (data / "aside").symlink_to("../other")
    (data / "sub" / "again").symlink_to("../../other")
    os.link(data / "b.jsonl", data / "hard.jsonl")
    for paths in (("data",), ("data/**/*.jsonl",), ("data", "data/a.jsonl", "data/**")):
        files, note = plan(tmp_path, *paths)
        assert sorted(os.path.basename(name) for name in files) == ["a.jsonl", "c.jsonl", "d.jsonl"], paths
        assert note == ""


def test_links__that_go_round_in_every_folder_end(tmp_path) -> None:
    """glob goes round such a loop until the names are too long: 2 links in each of 12 folders are a thousand billion
    paths."""
    folder = tmp_path
    for _ in range(12):
        folder /= "d"
        folder.mkdir()
        (folder / "one").symlink_to(tmp_path)
        (folder / "two").symlink_to(tmp_path)
    (folder / "a.jsonl").write_text("{}")
    for path in (".", "**/*.jsonl", "**/d/**/*.jsonl", "**"):
        assert [os.path.basename(name) for name in plan(tmp_path, path)[0]] == ["a.jsonl"]


def test_run_directory__below_a_folder_is_set_aside(tmp_path) -> None:
    """`paths: .` beside `runs/`, or a link that leads up: the run would read its own state, which changes."""
    (tmp_path / "a.jsonl").write_text("{}")
    (tmp_path / "runs" / "one" / "text").mkdir(parents=True)
    for name in ("run.json", "recipe.yaml", "manifest.json", "text/x.jsonl"):
        (tmp_path / "runs" / "one" / name).write_text("{}")
    files, note = plan(tmp_path, ".")
    assert files == ["a.jsonl"]
    assert f"{tmp_path / 'runs' / 'one'} (a run directory" in note
    for path in ("runs/one/text", "runs/*/text", "runs/**/text/*.jsonl"):
        assert plan(tmp_path, path)[0] == ["runs/one/text/x.jsonl"]


@pytest.mark.parametrize("begun", [("run.json", ".lock"), ("run.json", "recipe.yaml")], ids=["just begun", "a run"])
@pytest.mark.parametrize("path", ["data", "data/*"])
def test_run_directory__in_the_input_folder_is_set_aside_from_its_first_run_on(tmp_path, begun, path) -> None:
    """`--out data/out` on `paths: [data]`: when the input is listed the run has no recipe.yaml yet."""
    (tmp_path / "data" / "out").mkdir(parents=True)
    (tmp_path / "data" / "a.jsonl").write_text("{}")
    for name in begun:
        (tmp_path / "data" / "out" / name).write_text("{}")
    files, note = plan(tmp_path, path)
    assert files == ["data/a.jsonl"]
    assert f"{tmp_path / 'data' / 'out'} (a run directory" in note


def test_pattern__of_two_stars_as_glob_has_it(tmp_path) -> None:
    for name in ("a.jsonl", "x/b.jsonl", "x/y/c.jsonl", "x/.hidden/d.jsonl", ".e.jsonl", "x/_f.jsonl", "z/raw/g.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    import glob

    for pattern in ("**/*.jsonl", "x/**/*.jsonl", "**/y/*", "**/[bc].jsonl", "**/x/**/c*", "**/.hidden/*", "*/**/g.*"):
        expected = sorted(glob.glob(pattern, root_dir=tmp_path, recursive=True))
        assert sorted(plan(tmp_path, pattern)[0]) == expected, pattern


@pytest.mark.skipif(os.getuid() == 0, reason="root may look at everything")
def test_folder__without_the_right_to_list_it_is_set_aside(tmp_path) -> None:
    (tmp_path / "good.jsonl").write_text("{}")
    (tmp_path / "closed").mkdir(mode=0)
    files, note = plan(tmp_path, ".")
    assert files == ["good.jsonl"]
    assert "closed (no right to look at it)" in note


def test_folder__that_cannot_be_listed_is_set_aside(tmp_path, monkeypatch) -> None:
    (tmp_path / "good.jsonl").write_text("{}")
    (tmp_path / "closed").mkdir()
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr("os.scandir", refuse)
    files, note = plan(tmp_path, ".")
    assert files == ["good.jsonl"]
    assert f"{tmp_path / 'closed'} (no right to look at it)" in note


def test_file__that_vanishes_while_it_is_listed_is_set_aside(tmp_path, monkeypatch) -> None:
    (tmp_path / "good.jsonl").write_text("{}")
    (tmp_path / "gone.jsonl").write_text("{}")
    stat = os.stat

    def vanish(path, **options):
        if str(path).endswith("gone.jsonl"):
            Path(path).unlink(missing_ok=True)
        return stat(path, **options)

    monkeypatch.setattr("os.stat", vanish)
    files, note = plan(tmp_path, "*.jsonl")
    assert files == ["good.jsonl"]
    assert "gone.jsonl (gone since it was listed)" in note


@pytest.mark.parametrize("form", ["jsonl", "text", "html", "parquet", "arrow"])
def test_names__that_are_not_utf8(tmp_path, form, read_all) -> None:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet as pq

    suffix = {"text": "txt"}.get(form, form)
    path = os.fsencode(tmp_path) + b"/caf\xe9." + suffix.encode()
    table = pa.table({"text": ["好", "good"]})
    sink = pa.BufferOutputStream()
    if form == "parquet":
        pq.write_table(table, sink)
    else:
        pyarrow.feather.write_feather(table, sink)
    data = {"parquet": sink.getvalue().to_pybytes(), "arrow": sink.getvalue().to_pybytes()}
    bad = data.get(form, b'{"text": "\xe5\xa5\xbd"}\n{"text": "good"}\n')
    with open(path, "wb") as file:
        file.write(bad)
    outcome = read_all(form, tmp_path)
    assert len(outcome.rows) == (1 if form in ("text", "html") else 2)
    if form == "text":
        assert '"file":"caf\\\\xe9.txt"' in outcome.rows[0]["meta"]
    with open(path, "wb") as file:
        file.write(b"\xff" * 50)
    notes: list[str] = []
    units = plan_source("web", schema.Source(format=form, paths=["."]), tmp_path, 1000, notes)
    from gristmill.pipelines.records.coders import UnitCoder
    from gristmill.pipelines.records.columns import dead_batch

    again = [UnitCoder().decode(UnitCoder().encode(unit)) for unit in units]
    assert again == units
    assert [unit.key for unit in again] == [unit.key for unit in units]
    source = schema.Source(format=form, paths=["."])
    batches = [got for unit in units for got in read_unit(unit, source, schema.Read(), schema.Extract())]
    dead = [letter for got in batches for letter in got.dead]
    if form != "text" and form != "html":
        assert dead_batch("web", dead)["file"].to_pylist() == [f"{tmp_path}/caf\\xe9.{suffix}"]


def test_name__that_is_not_utf8_in_a_note_and_an_error(tmp_path) -> None:
    os.symlink(b"nowhere", os.fsencode(tmp_path) + b"/caf\xe9.jsonl")
    with pytest.raises(InputError) as caught:
        plan(tmp_path, "*.jsonl")
    assert "caf\\xe9.jsonl (a link that leads nowhere)" in str(caught.value)
    str(caught.value).encode()
