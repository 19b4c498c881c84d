"""Who trains in a folder has it alone, for as long as its process lives."""

import multiprocessing
import os
import signal
import socket
import time

import pytest

from gristmill.trainer.checkpoint.alone import LOCK, alone
from gristmill.trainer.devices.world import ALONE
from gristmill.trainer.errors import ConfigError

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run" / "train" / "主"


@pytest.fixture
def elsewhere(folder):
    """A process that trains in the folder, and one that it has started, which outlives it."""
    begun, start = FORK.Pipe(duplex=False)

    def train():
        with alone(folder, ALONE):
            child = os.fork()
            if child:
                start.send(child)
            time.sleep(60)

    process = FORK.Process(target=train)
    process.start()
    child = begun.recv()
    yield process
    os.kill(child, signal.SIGKILL)
    process.kill()
    process.join()


def test_alone__second_is_told_who_and_what_to_do(folder, elsewhere):
    with pytest.raises(ConfigError) as caught, alone(folder, ALONE):
        pass
    assert caught.value.what.startswith(
        f"another training works in this folder: process {elsewhere.pid} on {socket.gethostname()} since "
    )
    assert caught.value.where == str(folder)
    assert f"kill {elsewhere.pid}" in caught.value.fix
    assert "--resume" in caught.value.fix


def test_alone__killed_holder_leaves_it_free_though_a_child_of_it_lives(folder, elsewhere):
    elsewhere.kill()
    elsewhere.join()
    assert (folder / LOCK).exists()
    with alone(folder, ALONE):
        assert str(os.getpid()) in (folder / LOCK).read_text()


def test_alone__another_folder_is_free(folder, elsewhere):
    with alone(folder.with_name("other"), ALONE):
        pass


def test_alone__leaves_no_empty_folder_but_what_was_written(folder):
    with alone(folder, ALONE):
        pass
    assert not folder.exists()
    with alone(folder, ALONE):
        (folder / "metrics.jsonl").touch()
    with alone(folder, ALONE):
        pass
    assert sorted(os.listdir(folder)) == ["metrics.jsonl", LOCK]


def test_alone__lock_that_was_removed_while_it_was_taken_counts_for_nothing(folder, monkeypatch):
    """Its holder ended in between, and took the empty folder away: locked would be a file that nobody else sees."""
    from gristmill.trainer.checkpoint import alone as module

    lock, removed = module.fcntl.lockf, []

    def late(file, how):
        lock(file, how)
        if not removed:
            removed.append((folder / LOCK).unlink())

    monkeypatch.setattr(module.fcntl, "lockf", late)
    with alone(folder, ALONE):
        assert str(os.getpid()) in (folder / LOCK).read_text()
    assert removed == [None]


def test_alone__does_without_on_a_file_system_without_locks(folder, monkeypatch):
    from gristmill.trainer.checkpoint import alone as module

    def none(file, how):
        raise OSError(module.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "lockf", none)
    with alone(folder, ALONE):
        pass
