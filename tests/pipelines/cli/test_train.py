"""`gristmill train STAGE RUN` hands a stage on to the trainer; `train RUN` is a pretraining."""

import pytest

from gristmill.pipelines.cli import main, train

LINE = "train {stage} runs/x --from runs/x/train/sft --task sort --set grpo.beta=0.1"


@pytest.mark.parametrize("stage", train.STAGES)
@pytest.mark.parametrize("name", ["", " --name mine"])
def test_stage__is_the_trainers_with_all_of_its_options(stage, name, monkeypatch):
    called = []
    monkeypatch.setattr(train, "call_trainer", lambda arguments: called.append(arguments) or 0)
    monkeypatch.setattr("sys.argv", ["gristmill", *(LINE.format(stage=stage) + name).split()])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    assert called == [(LINE.format(stage=stage) + name).split()]


def test_stages__are_the_trainers():
    from gristmill.trainer.commands.train import stages

    known = {command.name or command.callback.__name__ for command in stages.registered_commands}
    assert known <= set(train.STAGES)
