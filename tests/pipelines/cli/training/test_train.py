"""`gristmill train STAGE RUN` hands a stage on to the trainer; `train RUN` is a pretraining."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from gristmill.pipelines.cli import main
from gristmill.pipelines.cli.training import train
from gristmill.pipelines.report import build

OPTIONS = "--from runs/x/train/sft --task sort --set grpo.beta=0.1".split()  # noqa: SIM905


@pytest.mark.parametrize("stage", train.STAGES)
@pytest.mark.parametrize("name", [None, "mine"])
def test_stage__is_the_trainers_with_all_of_its_options(stage, name, monkeypatch):
    called = []
    run = SimpleNamespace(exists=lambda path: True, local=Path("runs/x"))
    monkeypatch.setattr(train, "open_run", lambda path: run)
    monkeypatch.setattr(train, "check_files", lambda *files: None)
    monkeypatch.setattr(train, "call_trainer", lambda arguments: called.append(arguments) or 0)
    monkeypatch.setattr(build, "write_report", lambda run: "report")
    named = [] if name is None else ["--name", name]
    monkeypatch.setattr("sys.argv", ["gristmill", "train", stage, "runs/x", *OPTIONS, *named])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    assert called == [["train", stage, "runs/x", "--name", name or stage, *OPTIONS]]


def test_stages__are_the_trainers():
    from gristmill.trainer.commands.training.train import PRETRAIN, stages

    known = {command.name or command.callback.__name__ for command in stages.registered_commands}
    assert known == {PRETRAIN, *train.STAGES}


@pytest.mark.parametrize(
    ("words", "ours", "asked"),
    [
        (["eval", "--help"], "", ["eval", "--help"]),
        (["eval", "compare", "-h"], "", ["eval", "compare", "--help"]),
        (["generate", "--help"], "", ["generate", "--help"]),
        (["train", "sft", "--help"], "--copy", ["train", "sft", "--help"]),
        (["scaling", "--help"], "--copy", ["scaling", "--help"]),
    ],
)
def test_help__is_the_trainers_below_our_own_options(words, ours, asked, monkeypatch, capfd):
    called = []
    monkeypatch.setattr(train, "call_trainer", lambda arguments: called.append(arguments) or 0)
    monkeypatch.setattr("sys.argv", ["gristmill", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    assert called == [asked]
    printed = capfd.readouterr().out
    assert ours in printed
    assert bool(printed) == bool(ours)


def test_trainer__says_the_name_that_was_typed(capfd):
    assert train.call_trainer(["eval", "somewhere", "--task", "sort"]) == 2
    assert "where: gristmill eval\n" in capfd.readouterr().err
