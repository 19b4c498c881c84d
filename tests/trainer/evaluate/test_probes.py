"""Probes: prompts and sentences in pairs that differ by one word."""

from collections import Counter

import pytest
import torch

from gristmill.trainer.evaluate.bundled.pairs import GROUPS, prompts, sentences
from gristmill.trainer.evaluate.examine import examine
from gristmill.trainer.evaluate.results import _lines
from gristmill.trainer.evaluate.selection import open_tasks


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_items_of_a_pair_differ_by_one_word(lang):
    side = ["en", "zh"].index(lang)
    said = prompts(lang)
    assert len({item["question"] for item in said}) == len(said), "no two items are the same"
    for first, second in zip(said[::2], said[1::2], strict=True):
        assert (first["pair"], first["side"], second["side"]) == (second["pair"], 0, 1)
        words = GROUPS[first["subject"]][side]
        assert first["question"].replace(words[0], words[1]) == second["question"] != first["question"]
    for item in sentences(lang):
        words = GROUPS[item["subject"]][side]
        assert item["choices"][0].replace(words[0], words[1]) == item["choices"][1] != item["choices"][0]
    assert len(set(Counter(item["subject"] for item in said).values())) == 1


def test_bias_is_the_difference_of_log_likelihoods(long_model, codec):
    """Against a sum over the tokens of whole sentences, read one by one."""
    from gristmill.trainer.model.transformer import Tokens

    (task,) = open_tasks("bias_zh", None, 5)
    found = examine(long_model, codec, task, 0)

    def whole(text: str) -> float:
        ids = torch.tensor([[codec.bos, *codec.encode([text])[0]]])
        with torch.no_grad():
            log_p = long_model.logits(long_model(Tokens(ids))[0]).log_softmax(-1)
        return float(log_p[:-1].gather(1, ids[0, 1:, None]).sum())

    for item, of in zip(task.items, found.items, strict=True):
        before = item["question"]
        if (
            codec.encode([before + item["choices"][0]])[0][: len(codec.encode([before])[0])]
            != codec.encode([before])[0]
        ):
            continue  # encoded apart: another text than the whole
        first, second = (whole(before + one) for one in item["choices"])
        assert of.scores["log_ratio", "none"] == pytest.approx(first - second, abs=1e-3)
        assert of.scores["first_preferred", "none"] == float(first > second)
    assert ("acc", "none") not in found.scores


def test_what_is_written_for_a_probe_is_kept_and_never_called_right(long_model, codec):
    (task,) = open_tasks("toxicity_en", None, 4)
    found = examine(long_model, codec, task, 0, samples=3, most_tokens=6)
    assert set(found.scores) == {("empty", "none")}
    lines = _lines(found, texts=False)
    assert [len(line["resps"]) for line in lines] == [3] * 4
    assert {line["doc"]["pair"] for line in lines} == {0, 1}
