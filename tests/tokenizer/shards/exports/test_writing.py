"""Exports that are killed, damaged, repeated, or meet a folder of something else."""

import fcntl
import hashlib
import json
import os
import signal

import pytest

from gristmill.tokenizer.shards.exports.asked import in_pieces, whole
from gristmill.tokenizer.shards.exports.writing import JOURNAL, MANIFEST, ForeignFolderError, write_export

ABOUT = {"to": "test", "corpus": "磨坊"}


class Killed(BaseException):
    """As a Ctrl-C."""


class Maker:
    """Outputs that count what is made, and die after some pieces (in the middle of one: half of it is written)."""

    def __init__(self, lives: int = 10**6):
        self.lives, self.made = lives, []

    def piece(self, name, data):
        def make():
            yield data[:3]
            if self.lives == 0:
                raise Killed
            self.lives -= 1
            self.made.append(name)
            yield data[3:]

        return make

    def outputs(self):
        pieces = [self.piece(f"big {n}", f"piece {n} 面粉;".encode()) for n in range(4)]
        index = lambda done: json.dumps([done["a/big.bin"].bytes, done["a/big.bin"].sha256]).encode()  # noqa: E731
        return [in_pieces("a/big.bin", pieces), in_pieces("small", [self.piece("small", b"small one")]),
                whole("index", index)]  # fmt: skip


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def wanted(tmp_path):
    write_export(tmp_path / "whole", ABOUT, Maker().outputs())
    return contents(tmp_path / "whole")


@pytest.mark.parametrize("lives", range(5))
def test_killed_in_a_piece__goes_on_there(tmp_path, wanted, lives):
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        write_export(folder, ABOUT, Maker(lives).outputs())
    assert not (folder / MANIFEST).exists()
    assert not (folder / "a/big.bin").exists() or lives == 4
    again = Maker()
    write_export(folder, ABOUT, again.outputs())
    assert len(again.made) == 5 - lives  # no piece twice
    assert contents(folder) == wanted


def test_killed_again_and_again__gives_the_same(tmp_path, wanted):
    for _ in range(5):
        with pytest.raises(Killed):
            write_export(tmp_path / "killed", ABOUT, Maker(0).outputs())
    for _ in range(5):
        maker = Maker(1)
        try:
            write_export(tmp_path / "killed", ABOUT, maker.outputs())
        except Killed:
            continue
    assert contents(tmp_path / "killed") == wanted


def test_killed_by_the_system__goes_on(tmp_path, wanted):
    """SIGKILL, which flushes nothing."""
    folder = tmp_path / "killed"
    for lives in (1, 2, 0, 1):
        child = os.fork()
        if child == 0:
            try:
                write_export(folder, ABOUT, Maker(lives).outputs())
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    again = Maker()
    write_export(folder, ABOUT, again.outputs())
    assert again.made == ["small"]
    assert contents(folder) == wanted


@pytest.mark.parametrize("cut", [1, 20, 60, 200])
def test_a_journal_that_is_cut__costs_work_not_bytes(tmp_path, wanted, cut):
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        write_export(folder, ABOUT, Maker(3).outputs())
    journal = (folder / JOURNAL).read_bytes()
    (folder / JOURNAL).write_bytes(journal[: -min(cut, len(journal) - 1)])
    if b"\n" not in journal[: -min(cut, len(journal) - 1)]:
        (folder / "a/.big.bin.partial").unlink()
    write_export(folder, ABOUT, Maker().outputs())
    assert contents(folder) == wanted


def test_a_piece_that_was_damaged_meanwhile__is_made_again(tmp_path, wanted):
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        write_export(folder, ABOUT, Maker(2).outputs())
    partial = folder / "a/.big.bin.partial"
    partial.write_bytes(b"X" + partial.read_bytes()[1:])
    write_export(folder, ABOUT, Maker().outputs())
    assert contents(folder) == wanted


def test_finished__is_compared_and_not_written_again(tmp_path, wanted):
    again = Maker()
    before = (tmp_path / "whole" / "small").stat().st_mtime_ns
    write_export(tmp_path / "whole", ABOUT, again.outputs())
    assert again.made == []
    assert (tmp_path / "whole" / "small").stat().st_mtime_ns == before
    (tmp_path / "whole" / "small").write_bytes(b"small OnE")
    write_export(tmp_path / "whole", ABOUT, again.outputs())
    assert again.made == ["small"]
    assert contents(tmp_path / "whole") == wanted


def test_manifest__lists_what_is_there(wanted):
    files = json.loads(wanted[MANIFEST])["files"]
    assert {f["path"]: (f["bytes"], f["sha256"]) for f in files} == {
        path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in wanted.items() if path != MANIFEST
    }


@pytest.mark.parametrize("killed", [False, True])
def test_another_export__is_refused_and_named(tmp_path, wanted, killed):
    folder = tmp_path / "whole"
    if killed:
        folder = tmp_path / "killed"
        with pytest.raises(Killed):
            write_export(folder, ABOUT, Maker(2).outputs())
    before = contents(folder)
    with pytest.raises(ForeignFolderError, match="another export, with other corpus"):
        write_export(folder, {**ABOUT, "corpus": "other"}, Maker().outputs())
    assert contents(folder) == before


def test_a_folder_of_something_else__is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ForeignFolderError, match="no export wrote"):
        write_export(tmp_path, ABOUT, Maker().outputs())
    with pytest.raises(ForeignFolderError, match="a file"):
        write_export(tmp_path / "notes.txt", ABOUT, Maker().outputs())
    (tmp_path / MANIFEST).write_text("[1]")
    with pytest.raises(ForeignFolderError, match="no export wrote"):
        write_export(tmp_path, ABOUT, Maker().outputs())
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST, "notes.txt"]


def test_two_at_once__the_second_is_refused(tmp_path):
    with pytest.raises(Killed):
        write_export(tmp_path / "two", ABOUT, Maker(1).outputs())
    with (tmp_path / "two" / JOURNAL).open("a+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ForeignFolderError, match="now"):
            write_export(tmp_path / "two", ABOUT, Maker().outputs())
