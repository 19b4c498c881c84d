"""A conversation: turns as they are rendered, tools between, the context cut at a turn, interruptions."""

from dataclasses import replace

import pytest

from gristmill.tokenizer.chat.render import read_turns, render
from gristmill.tokenizer.chat.turns import Turn
from gristmill.tokenizer.special_ids import END
from gristmill.trainer.errors import InputError
from gristmill.trainer.evaluate.generate import Step
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts import conversation as module
from gristmill.trainer.rollouts.calculator import Calculator
from gristmill.trainer.rollouts.conversation import Conversation
from gristmill.trainer.rollouts.sampler import MOST_TURNS
from gristmill.trainer.rollouts.tools import ToolReply

CALL = '<tool_call>{"name": "calculator", "arguments": {"expression": "3 × 4"}}</tool_call>'


@pytest.fixture
def talk(tiny_model, encoder, monkeypatch):
    """talk(answers, ...): a conversation whose model says these, one a turn; and the prompts that it read."""

    def make(answers, *, context=512, interrupt=None, **options):
        prompts = []

        def scripted(model, starts, limits, sampling, generators, **given):
            prompts.append(starts[0])
            for place, token in enumerate([*encoder.ids(answers[len(prompts) - 1]), END][: limits[0]]):
                if place == interrupt:
                    raise KeyboardInterrupt
                yield Step([0], [token], [-1.0], None)

        monkeypatch.setattr(module, "continuations", scripted)
        model = Model(replace(tiny_model.config, context=context))
        return Conversation(model, encoder, Sampling(), **{"most_tokens": 40, **options}), prompts

    return make


def text(said):
    return "".join(one.text for one in said)


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        (["the old mill", "and his dog"], ["turns slowly", "sleeps in sun 🌾"]),
        (["老磨坊", "他的狗"], ["在河边", "睡在阳光里"]),
    ],
)
def test_ask__reads_what_training_renders(talk, encoder, asked, answers):
    conversation, prompts = talk(answers, system="你是磨坊主")
    assert [text(conversation.ask(one)) for one in asked] == answers
    wanted = [
        Turn("system", "你是磨坊主"),
        Turn("user", asked[0]),
        Turn("assistant", answers[0]),
        Turn("user", asked[1]),
    ]
    assert prompts[0] == render(encoder, wanted[:2], generation=True).ids.tolist()
    assert prompts[1] == render(encoder, wanted, generation=True).ids.tolist()
    conversation.restart()
    assert conversation.turns == []


def test_ask__tools_answer_between(talk, encoder):
    tools = ToolReply(encoder, [Calculator()])
    conversation, prompts = talk(["I calculate.\n" + CALL, "It is 12."], most_tokens=200, tools=tools)
    said = list(conversation.ask("三乘四？"))
    assert [one.text for one in said if one.kind == "tool"] == ["12"]
    assert text(said).endswith("12It is 12.")
    turns = read_turns(encoder, prompts[1])
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "tool"]
    assert "<tools>" in turns[0].content


def test_ask__a_turn_that_is_cut_behind_its_call_calls_nothing(talk, encoder):
    """As in `roll_out`, whose turns are answered where they ended by themselves."""
    size = len(encoder.ids(CALL))
    for most, answered in ((size, []), (size + 1, ["12"])):
        conversation, _ = talk([CALL, "12"], most_tokens=most, tools=ToolReply(encoder, [Calculator()]))
        assert [one.text for one in conversation.ask("3 × 4?") if one.kind == "tool"] == answered


def test_ask__the_context_is_cut_at_a_turn_and_the_instruction_stays(talk, encoder):
    conversation, prompts = talk(["in sun"] * 30, context=96, system="miller", most_tokens=20)
    for n in range(30):
        assert text(conversation.ask(f"the mill number {n}")) == "in sun"
    assert conversation.forgotten > 20
    for n, prompt in enumerate(prompts):
        turns = read_turns(encoder, prompt)
        assert len(prompt) <= 96 - 20
        assert [turn.role for turn in turns[:2]] == ["system", "user"]
        assert turns[-1].content == f"the mill number {n}"
    assert len({len(prompt) for prompt in prompts[10:]}) < 4, "no more is forgotten than must be"


def test_ask__what_does_not_fit_alone_leaves_the_conversation_as_it_was(talk):
    conversation, _ = talk(["in sun", "in sun"], context=64)
    text(conversation.ask("the mill"))
    with pytest.raises(InputError, match="the model reads 64"):
        text(conversation.ask("磨坊 " * 60))
    assert [turn.text for turn in conversation.turns] == ["the mill", "in sun"]
    assert text(conversation.ask("and")) == "in sun"


@pytest.mark.parametrize("interrupt", [0, 4])
def test_ask__an_interrupted_answer_stays_as_far_as_it_was_written(talk, interrupt):
    conversation, _ = talk(["sleeps in the sun"], interrupt=interrupt)
    said = []
    with pytest.raises(KeyboardInterrupt):
        said.extend(piece.text for piece in conversation.ask("dog"))
    assert [turn.role for turn in conversation.turns] == (["user", "assistant"] if interrupt else [])
    if interrupt:
        assert conversation.turns[-1].text
        assert "sleeps in the sun".startswith(conversation.turns[-1].text)


def test_ask__a_reader_that_leaves_keeps_what_it_saw(talk):
    conversation, _ = talk(["sleeps in the sun"])
    answer = conversation.ask("dog")
    first = next(answer).text
    answer.close()
    assert [turn.text for turn in conversation.turns] == ["dog", first]


def test_ask__an_empty_answer_is_a_turn(talk):
    conversation, _ = talk(["", "in sun"])
    assert text(conversation.ask("dog")) == ""
    assert text(conversation.ask("dog")) == "in sun"
    assert [turn.role for turn in conversation.turns] == ["user", "assistant"] * 2


def test_ask__calls_without_end_end(talk, encoder):
    tools = ToolReply(encoder, [Calculator()])
    conversation, prompts = talk([CALL] * 20, most_tokens=120, context=4096, tools=tools)
    list(conversation.ask("dog"))
    assert len(prompts) == MOST_TURNS
    conversation.tools = None
    list(conversation.ask("dog"))
    assert [turn.role for turn in conversation.turns[-4:]] == ["tool", "assistant", "user", "assistant"]


def test_ask__the_real_model_streams(tiny_model, encoder):
    conversation = Conversation(Model(tiny_model.config), encoder, Sampling(seed=3), 12)
    conversation.model.load_state_dict(tiny_model.state_dict())
    said = text(conversation.ask("mill"))
    again = Conversation(conversation.model, encoder, Sampling(seed=3), 12)
    assert text(again.ask("mill")) == said
