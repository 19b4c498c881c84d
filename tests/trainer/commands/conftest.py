"""The trainer's command in this process, and a checkpoint to name."""

import io
import sys
from pathlib import Path

import pytest

from gristmill.trainer import __main__ as command


@pytest.fixture
def checkpoint(one_run_dir, tiny, assemble, tmp_path) -> Path:
    training, state = assemble(one_run_dir, tiny)
    training.save(state, None)
    return tmp_path / "train" / "step-000000"


@pytest.fixture
def trainer(monkeypatch, capsys):
    """trainer(arguments, said=b""): (exit code, stdout, stderr) of the command with this input."""

    def run(*arguments: object, said: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(said)))
        monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        with pytest.raises(SystemExit) as caught:
            command.main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return run
