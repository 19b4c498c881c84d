"""A class path is used only if every jar is the pinned one."""

import hashlib
from pathlib import Path

import pytest

from gristmill.infra import prepare as module
from gristmill.infra.prepare import differing, pins, prepare
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.runners.portable.engines import FLINK, JARS_LIST, SPARK

PINNED = {"a.jar": hashlib.sha256(b"a").hexdigest(), "b.jar": hashlib.sha256(b"b").hexdigest()}


def fill(folder: Path, **contents: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.jar").write_bytes(content)
    (folder / JARS_LIST).touch()
    return folder


def test_differing__missing_changed_extra_unfinished(tmp_path):
    assert differing(fill(tmp_path / "same", a=b"a", b=b"b"), PINNED) == []
    assert differing(fill(tmp_path / "missing", a=b"a"), PINNED) == ["b.jar"]
    assert differing(fill(tmp_path / "changed", a=b"a", b=b"B"), PINNED) == ["b.jar"]
    assert differing(fill(tmp_path / "extra", a=b"a", b=b"b", c=b"c"), PINNED) == ["c.jar"]
    (tmp_path / "same" / JARS_LIST).unlink()
    assert differing(tmp_path / "same", PINNED) == [JARS_LIST]


@pytest.mark.parametrize(("engine", "runner"), [(SPARK, "beam-runners-spark-3-2.62.0.jar"), (FLINK, "flink-1.19")])
def test_pins__name_the_runner_and_are_sha256(engine, runner):
    pinned = pins(engine)
    assert any(runner in name for name in pinned)
    assert "beam-runners-java-job-service-2.62.0.jar" in pinned
    assert all(len(digest) == 64 and int(digest, 16) >= 0 for digest in pinned.values())


@pytest.fixture
def maven(tmp_path, monkeypatch):
    """Function: shell commands -> a Maven that runs them in the output folder."""
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "find_java", lambda: "java")
    monkeypatch.setattr(module, "pins", lambda engine: PINNED)

    def call(script: str) -> None:
        mvn = tmp_path / "mvn"
        mvn.write_text(f"#!/bin/sh\nfor o; do case $o in -DoutputDirectory=*) out=${{o#*=}};; esac; done\n{script}\n")
        mvn.chmod(0o755)
        monkeypatch.setattr(module.shutil, "which", lambda name: str(mvn))

    return call


def test_prepare__puts_the_pinned_jars_in_the_cache_once(maven):
    maven('mkdir -p "$out"; printf a >"$out/a.jar"; printf b >"$out/b.jar"')
    folder = prepare(FLINK)
    assert sorted(file.name for file in folder.iterdir()) == ["a.jar", "b.jar", JARS_LIST]
    assert [file.name for file in folder.parent.iterdir()] == [folder.name]
    maven("exit 1")
    assert prepare(FLINK) == folder


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            'mkdir -p "$out"; printf a >"$out/a.jar"; printf evil >"$out/b.jar"',
            "1 jars differ from the pinned list: b.jar",
        ),
        ("exit 1", "Maven could not fetch"),
    ],
)
def test_prepare__a_bad_download_leaves_nothing(maven, script, message):
    maven(script)
    with pytest.raises(RunnerError, match=message):
        prepare(FLINK)
    assert list(FLINK.jars.parent.iterdir()) == []


def test_prepare__no_maven(maven, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(RunnerError, match="Maven is needed once"):
        prepare(FLINK)
