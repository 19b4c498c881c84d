"""Options: how steps and batches are told, and what older checkpoints called them."""

from dataclasses import replace

import pytest

from gristmill.trainer.config import after, as_dict, from_dict, preset, with_settings
from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.errors import ConfigError


@pytest.mark.parametrize(("length", "step", "batch"), [(64, 32, 8), (100, 20, 5), (600, 3, 1), (5000, 1, 1)])
def test_rows__are_whole_ones_of_the_tokens_that_were_asked(length, step, batch):
    config = DataConfig(tokens_per_step=2048, tokens_per_batch=512)
    assert (config.step_rows(length), config.batch_rows(length)) == (step, batch)


def test_rows__a_batch_is_no_larger_than_a_step():
    assert DataConfig(tokens_per_step=256, tokens_per_batch=1 << 20).batch_rows(32) == 8


@pytest.mark.parametrize("name", ["tokens_per_step", "tokens_per_batch"])
def test_tokens__below_one_are_refused_by_name(name):
    with pytest.raises(ConfigError, match=rf"{name} = 0 is below 1"):
        with_settings(preset("nano"), [f"data.{name}=0"])


@pytest.mark.parametrize("number", ["nan", "inf", "-.inf", "1e999"])
@pytest.mark.parametrize("name", ["dpo.beta", "dpo.nll", "reward.centre", "optim.lr", "grpo.kl_stop"])
def test_settings__what_is_no_finite_number_is_refused(name, number):
    with pytest.raises(ConfigError, match=rf"'{number}' is not a float\n  where: --set {name}="):
        with_settings(preset("nano"), [f"{name}={number}"])


@pytest.mark.parametrize(("setting", "what"), [("examples=0", "examples = 0"), ("held_out=-1", "held_out = -1")])
def test_rollouts__counts_below_what_can_be_asked_are_refused(setting, what):
    with pytest.raises(ConfigError, match=f"{what} is below"):
        with_settings(preset("nano"), [f"rollouts.{setting}"])


@pytest.mark.parametrize("name", ["step", "batch"])
def test_rows__the_old_option_is_an_error_that_names_the_new_one(name):
    with pytest.raises(ConfigError, match=rf"did you mean 'data.tokens_per_{name}'"):
        with_settings(preset("nano"), [f"data.rows_per_{name}=8"])


def test_from_dict__reads_the_rows_of_an_older_checkpoint_as_tokens():
    config = preset("nano")
    config = replace(config, model=replace(config.model, context=256))
    old = as_dict(config)
    old["data"] = {name: value for name, value in old["data"].items() if "tokens_per" not in name}
    old["data"] |= {"rows_per_step": 8, "rows_per_batch": 8}
    assert from_dict(old) == config


@pytest.mark.parametrize("name", ["reward", "dpo"])
def test_after__a_stage_of_pairs_asks_all_that_are_held_out(name):
    base = preset("nano")
    assert base.loop.evaluation_rows == 128
    assert after(base, name, "somewhere").loop.evaluation_rows == 0
    assert after(base, "sft", "somewhere").loop.evaluation_rows == 128
