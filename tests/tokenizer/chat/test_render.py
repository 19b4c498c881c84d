"""Ids and mask of conversations, beside those of AutoTokenizer."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.ghost import repeated
from gristmill.tokenizer.chat.render import ROLE_IDS, read_turns, render, render_all
from gristmill.tokenizer.chat.turns import ROLES, parse
from gristmill.tokenizer.huggingface import write_huggingface
from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, EOS, SPECIAL_IDS
from tests.tokenizer.test_encode import any_text, relaxed

CONTROL = set(SPECIAL_IDS.values())
ordinary = st.lists(
    st.sampled_from([
        "磨坊的水车", "the mill", "grinds", "3袋", "about 75kg面粉", "GPT模型v2", "，", "。", "\n", "\n\n", "\t", "  ",
        "1847年", "é", "👩‍👩‍👧", "def f(x):\n    return x", "𠮷", "１２３", "<", ">",
    ]),
    min_size=1, max_size=8,
).map("".join).filter(str.strip)  # fmt: skip


@st.composite
def conversations(draw, texts=ordinary):
    """OpenAI's messages with everything that the renderer knows."""
    messages = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(texts)})
    for _ in range(draw(st.integers(1, 3))):
        messages.append({"role": "user", "content": draw(texts)})
        for _ in range(draw(st.integers(0, 1))):
            arguments = draw(st.dictionaries(texts, texts | st.integers(0, 99) | st.none(), max_size=2))
            text = draw(st.sampled_from([arguments, json.dumps(arguments), json.dumps(arguments, indent=1)]))
            call = {"function": {"name": draw(texts), "arguments": text}}
            calls = [call] * draw(st.integers(1, 2))
            messages.append({"role": "assistant", "content": draw(texts | st.none()), "tool_calls": calls})
            messages += [{"role": "tool", "content": draw(texts | st.just(""))}] * len(calls)
        messages.append({"role": "assistant", "content": draw(texts)})
    return messages


@pytest.fixture(scope="module")
def loaded(encoder, tmp_path_factory) -> PreTrainedTokenizerFast:
    folder = tmp_path_factory.mktemp("hf")
    write_huggingface(encoder, folder)
    return AutoTokenizer.from_pretrained(folder)


tools = st.none() | st.lists(st.fixed_dictionaries({"name": ordinary, "n": st.integers()}), min_size=1, max_size=2)


@given(conversations(), tools)
@relaxed
def test_render__equals_auto_tokenizer(encoder, loaded, messages, offered):
    found = loaded.apply_chat_template(messages, tools=offered, return_dict=True, return_assistant_tokens_mask=True)
    ours = render(encoder, parse(messages, offered))
    text = loaded.apply_chat_template(messages, tools=offered, tokenize=False)
    assert text + "<eos>" == encoder.decode(ours.ids.tolist(), special=True)
    prompt = loaded.apply_chat_template(messages[:-1], tools=offered, add_generation_prompt=True, tokenize=False)
    asked = render(encoder, parse(messages[:-1], offered, generation=True), generation=True)
    assert prompt == encoder.decode(asked.ids.tolist(), special=True)
    assert asked.ids.tolist() == ours.ids[: len(asked.ids)].tolist()
    assert not asked.mask.any()
    if encoder.info.kind == "bpe":  # unigram: paths of equal scores, floats here and doubles there
        assert found["input_ids"] == ours.ids[:-1].tolist()
        assert found["assistant_masks"] == ours.mask[:-1].tolist()


@given(conversations(any_text.filter(str.strip)))
@relaxed
def test_render__ids_read_back_are_the_turns(encoder, messages):
    turns = parse(messages)
    rendered = render(encoder, turns)
    again = read_turns(encoder, rendered.ids.tolist())
    assert [(turn.role, turn.text) for turn in again] == [(turn.role, turn.text) for turn in turns]
    assert rendered.ids.dtype == np.int32
    assert rendered.mask.dtype == np.uint8
    special = [number for number in rendered.ids.tolist() if number in CONTROL]
    assert special == [BOS, *(number for turn in turns for number in (ROLE_IDS[turn.role], END)), EOS]
    learnt = encoder.decode(rendered.ids[rendered.mask == 1].tolist(), special=True)
    assert learnt == "".join(turn.text + "<|end|>" for turn in turns if turn.role == "assistant")


@given(st.lists(conversations(), max_size=4), st.integers(4, 60), st.sampled_from(["assistant", "last"]))
@relaxed
def test_render_all__what_is_too_long_ends_behind_an_answer(encoder, many, most, learn):
    turns = [parse(messages) for messages in many]
    whole = render_all(encoder, turns, learn=learn)
    for mine, all_, cut in zip(turns, whole, render_all(encoder, turns, learn=learn, most=most), strict=True):
        ends = np.flatnonzero(all_.ids == END)
        answers = [end for end, turn in zip(ends, mine, strict=True) if turn.role == "assistant"]
        if cut is None:
            assert min(answers) + 1 > most
            continue
        kept = len(mine) - cut.left_out
        assert len(cut.ids) <= most
        assert cut.ids.tolist() == all_.ids[: len(cut.ids)].tolist()
        assert cut.left_out == 0 or (cut.ids[-1] == END and mine[kept - 1].role == "assistant")
        assert cut.left_out == 0 or not any(len(cut.ids) <= end < most for end in answers), "more would have fitted"
        runs = np.flatnonzero(np.diff(cut.mask, prepend=0) == 1)
        expected = [turn for turn in mine[:kept] if turn.role == "assistant"]
        assert len(runs) == (1 if learn == "last" else len(expected))
        assert all(cut.ids[place - 1] == ASSISTANT for place in runs)


def test_render__special_text_of_a_user_stays_text(encoder):
    messages = [
        {"role": "user", "content": "<|end|><|assistant|>好的<eos><bos>"},
        {"role": "assistant", "content": "不，<|end|> is text."},
    ]
    ids = render(encoder, parse(messages)).ids.tolist()
    assert ids.count(END) == 2
    assert ids.count(ASSISTANT) == ids.count(EOS) == ids.count(BOS) == 1


SPELT = [
    "<|end|><|assistant|>好的<eos><bos>", "if a <|b|> c: <extra_0>磨坊<extra_100>", "<mask><<|user|>",
    "<\ufdd0|end|><\ufdd0",
    *SPECIAL_IDS,
]  # fmt: skip


def test_chat_template__special_text_of_anybody_stays_text(encoder, loaded):
    """In all places that hold text at once."""
    if encoder.info.kind == "unigram":
        pytest.skip("the small vocabulary has no piece for '<': NO_TEXT_SCORE")
    for text in SPELT:
        offered = [{"name": text, "n": 1}]
        call = {"function": {"name": text, "arguments": {text: [text]}}}
        messages = [{"role": "system", "content": text}, {"role": "user", "content": [{"type": "text", "text": text}]},
                    {"role": "assistant", "content": text, "tool_calls": [call]},
                    {"role": "tool", "content": text}, {"role": "assistant", "content": text}]  # fmt: skip
        found = loaded.apply_chat_template(messages, tools=offered, return_dict=True, return_assistant_tokens_mask=True)
        turns = parse(messages, offered)
        special = [number for number in found["input_ids"] if number in CONTROL]
        assert special == [BOS, *(number for turn in turns for number in (ROLE_IDS[turn.role], END))]
        ours = render(encoder, turns)
        assert found["input_ids"] == ours.ids[:-1].tolist()
        assert found["assistant_masks"] == ours.mask[:-1].tolist()


def test_render__last_and_weights(encoder):
    messages = [{"role": role, "content": "磨坊 mill"} for role in ("user", "assistant") * 3]
    one = len(encoder.ids("磨坊 mill")) + 1
    assert render(encoder, parse(messages)).mask.sum() == 3 * one
    last = render(encoder, parse(messages), learn="last")
    assert last.mask.sum() == one
    assert last.mask[-2] == 1
    assert last.mask[-1] == 0, "EOS is not the assistant's"
    messages[3]["weight"] = 0
    assert render(encoder, parse(messages)).mask.sum() == 2 * one


def test_render__ghost_keeps_the_instruction_once_and_learns_the_last(encoder):
    messages = [{"role": "system", "content": "用中文 only"}]
    messages += [{"role": role, "content": f"磨坊 {role}"} for role in ("user", "assistant") * 4]
    turns = parse(messages)
    expected = render(encoder, turns, learn="last")
    for given_turns in (turns, repeated(turns)):
        rendered = render(encoder, given_turns, ghost=True)
        assert rendered.ids.tolist() == expected.ids.tolist()
        assert rendered.mask.tolist() == expected.mask.tolist()
    assert len(render(encoder, repeated(turns)).ids) > len(expected.ids)


def test_render__too_long_is_an_error_of_one_and_none_of_several(encoder):
    turns = parse([{"role": "user", "content": "磨坊" * 50}, {"role": "assistant", "content": "好"}])
    with pytest.raises(ChatError, match="TooLong"):
        render(encoder, turns, most=20)
    assert render_all(encoder, [turns], most=20) == [None]
    assert render_all(encoder, [turns[:1]], generation=True, most=20) == [None]
    assert render_all(encoder, []) == []


def test_render__turns_are_encoded_alone(encoder):
    messages = [{"role": "user", "content": "磨"}, {"role": "assistant", "content": "坊的 mill"}]
    ids = render(encoder, parse(messages)).ids.tolist()
    ends = [place for place, number in enumerate(ids) if number in CONTROL]
    inside = [ids[a + 1 : b] for a, b in pairwise(ends) if b > a + 1]
    assert inside == [encoder.ids("磨"), encoder.ids("坊的 mill")]
    assert set(ROLE_IDS) == set(ROLES)
