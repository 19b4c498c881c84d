"""Nothing becomes visible before it is complete, on a local disk and on an fsspec store alike."""

import contextlib
import hashlib
import os
import stat

import fsspec
import pytest

from gristmill.pipelines.storage.store import PRIVATE, HashingFile, Store


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    if request.param == "local":
        made = Store(str(tmp_path / "run"))
        made.prepare()
        yield made
    else:
        yield Store("memory://bucket/run")
        fsspec.filesystem("memory").store.clear()


def test_json__round_trip_in_chinese(store):
    store.write_json("report/figures.json", {"源": ["网页", 1.5, None]})
    assert store.read_json("report/figures.json") == {"源": ["网页", 1.5, None]}
    assert store.read_json("report/missing.json") is None


def test_temporary__unpublished_files_leave_nothing(store):
    with contextlib.suppress(RuntimeError), store.temporary() as scratch:
        scratch.write_bytes(b"half")
        raise RuntimeError("killed")
    assert not scratch.exists()
    assert store.names("text") == []


def test_publish__appears_whole_and_replaces(store):
    for content in (b"first", b"second, longer"):
        with store.temporary() as scratch:
            scratch.write_bytes(content)
            assert not store.exists("text/part.arrow") or content != b"first"
            store.publish(scratch, "text/part.arrow")
        with store.open("text/part.arrow") as file:
            assert file.read() == content
    assert store.names("text") == ["part.arrow"]


def test_on_disk__is_a_path_with_the_same_bytes(store):
    with store.temporary() as scratch:
        scratch.write_bytes(b"shard")
        store.publish(scratch, "tokens/shard.arrow")
    with store.on_disk("tokens/shard.arrow") as path:
        assert path.read_bytes() == b"shard"


def test_delete__file_and_folder_and_nothing(store):
    store.write_json("a/b/c.json", 1)
    store.write_json("a/d.json", 2)
    store.delete("a/d.json")
    assert store.names("a") == []
    assert store.exists("a/b/c.json")
    store.delete("a")
    store.delete("a")
    assert not store.exists("a/b/c.json")


def test_prepare__raw_text_is_for_the_owner_only(tmp_path):
    Store(str(tmp_path / "run")).prepare()
    for name in PRIVATE:
        assert stat.S_IMODE((tmp_path / "run" / name).stat().st_mode) == 0o700


def test_hashing_file__hash_and_size_are_those_of_the_bytes(tmp_path):
    with (tmp_path / "file").open("wb") as raw:
        file = HashingFile(raw)
        file.write(b"abc")
        file.write(memoryview(b"\xe4\xb8\xad"))
    content = (tmp_path / "file").read_bytes()
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_store__what_is_no_file_is_not_there(tmp_path, make) -> None:
    make(tmp_path / "a.json")
    store = Store.at(tmp_path)
    assert store.read_json("a.json") is None
    with pytest.raises(FileNotFoundError):
        store.open("a.json")
