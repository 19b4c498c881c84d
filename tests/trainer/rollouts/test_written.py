"""Rollouts as files: what is in them, which is chosen, whole or absent, the same bytes."""

import json

import pytest

from gristmill.tokenizer.chat.turns import parse
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.rollouts import written
from gristmill.trainer.rollouts.written import Source, response_messages, write_rollouts

SOURCE = Source("c0ffee" * 10, 10, PURE)


@pytest.fixture
def groups(said):
    """Two prompts with three answers each; a third whose answers are all the same, a fourth that is never answered."""
    table = [
        ("Sort: 2 1", "doc1", [("2 1", 0.0), ("1 2", 1.0), ("1 2 2", 0.3)]),
        ("排序：二 一", "doc2", [("一 二", 1.0), ("一 二", 1.0), ("", -1.0)]),
        ("the mill", "", [("mill", 0.5), ("mill", 0.5), ("mill", 0.5)]),
        ("磨坊", "doc4", [("", 0.0), ("", 0.0), ("磨坊磨坊", 9.0)]),
    ]
    made = []
    for group, (asked, doc_id, answers) in enumerate(table):
        for sample, (answer, reward) in enumerate(answers):
            one = said(asked, answer, group=group, sample=sample, doc_id=doc_id, task="sort", answer="x")
            one.reward, one.truncated = reward, group == 3
            made.append(one)
    return made


def read(folder, name):
    path = folder / name / "step-000010.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_write__samples_chosen_and_pairs_with_where_they_are_from(tmp_path, encoder, groups):
    write_rollouts(tmp_path, groups, encoder, SOURCE)
    samples, chat, pairs = (read(tmp_path, name) for name in ("samples", "chat", "pairs"))
    assert len(samples) == 12
    assert [one["messages"][-1]["content"] for one in chat] == ["1 2", "一 二", "mill"]
    assert [one["best"] for one in samples] == [n in (1, 3, 6) for n in range(12)]
    (pair,) = pairs
    assert pair["prompt"] == [{"role": "user", "content": "Sort: 2 1"}]
    assert (pair["chosen"][0]["content"], pair["rejected"][0]["content"]) == ("1 2", "2 1")
    assert (pair["score_chosen"], pair["score_rejected"]) == (1.0, 0.0)
    for one in (*samples, *chat, *pairs):
        assert (one["generator"], one["step"], one["sampling"]["temperature"]) == ("c0ffee" * 10, 10, 1.0)
    assert [one["derived_from"] for one in chat] == ["doc1", "doc2", None]
    assert len({one["id"] for one in samples}) == 12
    assert all(one["reward"] is not None and one["task"] == "sort" for one in samples)
    assert [one["truncated"] for one in samples] == [False] * 9 + [True] * 3


def test_write__the_same_rollouts_give_the_same_bytes_and_replace_what_a_resumed_step_wrote(tmp_path, encoder, groups):
    write_rollouts(tmp_path / "a", groups, encoder, SOURCE)
    first = {path.name: path.read_bytes() for path in (tmp_path / "a").rglob("*.jsonl")}
    write_rollouts(tmp_path / "a", groups, encoder, SOURCE)
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "a").rglob("*") if path.is_file()}


def test_write__what_fails_leaves_no_file(tmp_path, encoder, groups, monkeypatch):
    groups[5].reward = float("nan")
    with pytest.raises(ValueError, match="have their rewards"):
        write_rollouts(tmp_path, groups, encoder, SOURCE)
    assert not list(tmp_path.rglob("*"))
    groups[5].reward = 0.0

    def broken(path):
        raise OSError("disk full")

    monkeypatch.setattr(written, "to_disk", broken)
    with pytest.raises(OSError, match="disk full"):
        write_rollouts(tmp_path, groups, encoder, SOURCE)
    assert not list(tmp_path.rglob("*.jsonl"))


def test_response_messages__tools_between(encoder, said):
    call = '<tool_call>{"name": "calculator", "arguments": {"expression": "1+1"}}</tool_call>'
    one = said("一加一？", call)
    one.answered([10, *encoder.ids("2"), 11, 9])
    one.written([*encoder.ids("是 2"), 11], [0.0] * (len(encoder.ids("是 2")) + 1), None)
    messages = response_messages(encoder, one)
    assert [(m["role"], m["content"]) for m in messages] == [("assistant", ""), ("tool", "2"), ("assistant", "是 2")]
    assert messages[0]["tool_calls"][0]["function"]["name"] == "calculator"
    assert parse([{"role": "user", "content": "q"}, *messages])


def test_response_messages__ids_of_roles_that_the_policy_writes_make_no_turn(encoder, said):
    one = said("q", "")
    one.response_ids[:] = 0
    one.written(
        [*encoder.ids("a"), 8, *encoder.ids("b"), 11], [0.0] * (len(encoder.ids("a") + encoder.ids("b")) + 2), None
    )
    assert [m["role"] for m in response_messages(encoder, one)] == ["assistant"]
