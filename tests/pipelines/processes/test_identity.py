"""Which process it was: of this boot of this machine, of an earlier one, of another machine."""

import subprocess

import pytest

from gristmill.pipelines.processes import identity
from gristmill.pipelines.processes.identity import is_gone, machine, myself

THIS = "0b0e7a3c-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def machine_id(tmp_path, monkeypatch):
    """Function: gives this machine another id; None: none."""

    def call(text: str | None) -> None:
        file = tmp_path / "machine-id"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(f"{text}\n", encoding="utf-8")
        monkeypatch.setattr(identity, "MACHINE_ID", file)

    call("5f0c")
    return call


def test_this_process_runs_and_one_that_has_ended_is_gone():
    assert is_gone(myself()) is False
    ended = subprocess.Popen(["sleep", "60"])
    born = identity.born(ended.pid)
    ended.kill()
    ended.wait()
    assert is_gone({**myself(), "pid": ended.pid, "born": born}) is True


def of_earlier_boot() -> dict:
    _, _, *rest = machine().split(" ")
    return {**myself(), "machine": " ".join([THIS, "pid:[1]", *rest])}


def test_what_ran_before_this_machine_was_started_again__is_gone():
    assert is_gone(of_earlier_boot()) is True


def test_what_ran_on_another_machine__is_unknown(machine_id):
    other = of_earlier_boot()
    assert is_gone({**other, "host": "another"}) is None, "a copy of this machine's image"
    assert is_gone({**other, "machine": ""}) is None
    machine_id("77aa")
    assert is_gone(other) is None
    for nothing in (None, "", "\xff"):
        machine_id(nothing)
        assert is_gone(other) is None
        assert is_gone(of_earlier_boot()) is None, "without an id nobody knows which machine it was"
        assert is_gone(myself()) is False


def test_another_container_of_this_machine__is_unknown():
    boot, _, *rest = machine().split(" ")
    assert is_gone({**myself(), "machine": " ".join([boot, "pid:[1]", *rest])}) is None


def test_what_was_noted_without_an_id__is_told_as_before():
    told = " ".join(machine().split(" ")[:2])
    assert is_gone({**myself(), "machine": told}) is False
    assert is_gone({**myself(), "machine": told, "born": "1"}) is True
