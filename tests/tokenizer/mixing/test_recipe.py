"""What a user writes, and what is said about mistakes."""

import pytest

from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.recipe import FINEWEB2, amount, parse, with_settings

WRONG = [
    ({"weigths": {}}, "did you mean 'weights'"),
    ({"weights": {"web": 0, "books": 0}}, "sum to nothing"),
    ({"weights": {"web": -1}}, "0 or more"),
    ({"weights": {"web": 1}, "temperature": 2}, "exclude each other"),
    ({"tokens": "200X"}, "no number of tokens"),
    ({"tokens": 0}, "asks for no token"),
    ({"tokens": "1B", "epochs": 2}, "exclude each other"),
    ({"cluster_size": {2: 1}}, "without a duplicate"),
    ({"cluster_size": {1: 0}}, "sum to nothing"),
    ({"quality": {"column": "edu", "drop": 1}}, "leaves nothing"),
    ({"stages": [{"name": "a", "share": 0.5}]}, "add up to 1"),
    ({"stages": [{"name": "a"}, {"name": "b", "share": "10%", "best": 0.2}]}, "quality"),
    ({"stages": [{"name": "a", "weights": {"x": 0}}]}, "sum to nothing"),
    ({"packing": "greedy"}, "best_fit"),
    ({"by": []}, "names no column"),
    ({"by": {"column": "edu", "quantiles": 1}}, "no column"),
    ({"max_epochs": 0}, "above 0"),
]


@pytest.mark.parametrize(("raw", "said"), WRONG)
def test_parse__names_what_is_wrong(raw, said):
    with pytest.raises(MixError, match=said) as found:
        parse(raw)
    assert found.value.where
    assert found.value.fix


def test_parse__amounts_shares_and_stages():
    assert [amount(text, "") for text in ("200B", "1.5T", "300 m", "10k", 12, "1,000")] == [
        2 * 10**11, 15 * 10**11, 3 * 10**8, 10**4, 12, 1000,
    ]  # fmt: skip
    mix = parse({"quality": "edu", "stages": [{"name": "main"}, {"name": "anneal", "share": "10%", "best": "20%"}]})
    assert [stage.share for stage in mix.stages] == [0.9, 0.1]
    assert mix.stages[1].best == 0.2
    assert mix.max_epochs == 4
    assert parse({"cluster_size": "fineweb2"}).cluster_size == FINEWEB2


def test_settings__change_a_copy_by_dotted_names():
    raw = {"weights": {"web": 1, "中文": 2}, "stages": [{"name": "main"}, {"name": "anneal", "share": 0.1}]}
    made = with_settings(raw, ["weights.中文=5", "tokens=2B", "stages.anneal.share=20%", "stages.anneal.weights.web=1"])
    assert made["weights"] == {"web": 1, "中文": 5}
    assert made["tokens"] == "2B"
    assert made["stages"][1] == {"name": "anneal", "share": "20%", "weights": {"web": 1}}
    assert raw["weights"]["中文"] == 2
    assert raw["stages"][1] == {"name": "anneal", "share": 0.1}
    with pytest.raises(MixError, match="no stage 'end'"):
        with_settings(raw, ["stages.end.share=1"])
