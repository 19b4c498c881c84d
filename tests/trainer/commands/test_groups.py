"""Groups one of whose commands needs no name."""

import pytest


@pytest.mark.parametrize(
    ("words", "there"),
    [
        (["eval", "--help"], ["--shots", "compare", "tasks"]),
        (["eval", "compare", "--help"], ["--pair"]),
        (["train", "--help"], ["--preset", "grpo", "distill"]),
        (["train", "sft", "--help"], ["--from"]),
    ],
)
def test_help__of_a_group_holds_the_options_of_the_command_without_a_name(trainer, words, there):
    code, printed, _ = trainer(*words)
    assert code == 0
    assert [name for name in there if name not in printed] == []


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["eval", "x", "--task", "y"], "eval"),
        (["eval", "compare", "x", "--task"], "eval compare"),
        (["train", "x", "--task", "y"], "train"),
        (["train", "sft", "x", "--task", "y"], "train sft"),
    ],
)
def test_errors__name_the_command_as_it_was_typed(trainer, words, where):
    code, _, err = trainer(*words)
    assert code == 2
    assert f"gristmill.trainer {where}\n" in err
