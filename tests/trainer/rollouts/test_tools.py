"""Tools: arithmetic without eval, search in both languages, and calls that fail give a text, not a crash."""

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.tokenizer.chat.render import read_turns, render
from gristmill.tokenizer.chat.turns import parse
from gristmill.tokenizer.special_ids import ASSISTANT, END, EOS, TOOL
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.generate import Step
from gristmill.trainer.evaluate.ranking import terms
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.evaluate.structure.automaton import automaton
from gristmill.trainer.evaluate.structure.regex import regex
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts import sampler
from gristmill.trainer.rollouts.calculator import Calculator, calculated
from gristmill.trainer.rollouts.rollout import Prompt
from gristmill.trainer.rollouts.search import PASSAGE, Search, cut, search_in
from gristmill.trainer.rollouts.tools import MOST_BYTES, MOST_CALLS, ToolReply, open_tools


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("7 / 2", "3.5"), ("6 / 2", "3"), ("7 // 2", "3"), ("-7 % 3", "2"),
        ("2 ** 10", "1024"), ("2^10", "1024"), ("0.1 + 0.2", "0.3"), ("（３＋４）×５", "35"), ("12÷4", "3"),
        ("1,200 + 1", "1201"), ("007 + 1", "8"), ("1.005 * 2", "2.01"), ("3 + 4 = ?", "7"), ("--5", "5"),
        ("2 ** -1", "0.5"), ("1e3", "1000"), (" 5 − 3 ", "2"), ("10.50 + 0", "10.5"),
    ],
)  # fmt: skip
def test_calculator__calculates(expression, result):
    assert calculated(expression) == result


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("", "no arithmetic"), ("x + 1", "no arithmetic"), ("__import__('os')", "no arithmetic"),
        ("'a' * 9", "no arith"),
        ("1 if 2 else 3", "no arithmetic"), ("True + 1", "no arithmetic"), ("1j * 1j", "no arithmetic"),
        ("1 / 0", "division by zero"), ("5 % 0", "division by zero"), ("9 ** 9 ** 9", "too large"),
        ("2 ** 4096 ** 2", "too large"),
        ("1e999", "too large"), ("1e308 * 10", "too large"), ("(-8) ** 0.5", "no real"),
        ("(" * 150, "no arithmetic"), ("1 +" * 70, "more than 200"), ("[1, 2]", "no arithmetic"),
        ("1\n+ 2; 3", "no arith"),
        ("*".join(["2**4000"] * 9), "too large"), ("1\0", "no arithmetic|null"), ("三加四", "no arithmetic"),
    ],
)  # fmt: skip
def test_calculator__refuses(expression, what):
    with pytest.raises(ValueError, match=what):
        calculated(expression)


DOCUMENTS = [
    ("d1", "The old mill stands by the river.\nIts wheel turns slowly."),
    ("d2", "磨坊在河边。水车慢慢转动，磨坊主数着谷物。"),
    ("d3", "A dog sleeps in the sun.\n" + "grain " * 200),
]


@pytest.mark.parametrize(
    ("query", "first"),
    [("Where is the MILL?", "d1"), ("水车在哪里", "d2"), ("磨坊主", "d2"), ("grain dog", "d3"), ("ｍｉｌｌ", "d1")],
)
def test_search__finds_in_both_languages(query, first):
    assert Search(DOCUMENTS).ranked(query)[0][0] == first


def test_search__results_and_passages():
    search = Search(DOCUMENTS, best=2)
    assert search({"query": "zebra"}) == "no passage has these words"
    assert search({"query": "wheel"}) == "[d1] The old mill stands by the river. Its wheel turns slowly."
    assert search({"query": "grain"}).count("[d3]") == 2
    assert all(len(part) <= PASSAGE for _, text in DOCUMENTS for part in cut(text))
    assert "".join("".join(cut(DOCUMENTS[2][1])).split()) == "".join(DOCUMENTS[2][1].split())
    assert list(terms("Mill 磨坊主 a1 磨")) == ["mill", "磨坊", "坊主", "a1", "磨"]
    assert Search([]).ranked("mill") == []


def test_search__reads_the_texts_of_a_run_in_both_formats(tmp_path):
    (tmp_path / "text").mkdir()
    ids, texts = (list(column) for column in zip(*DOCUMENTS, strict=True))
    table = pa.table({"doc_id": ids, "text": texts, "lang": ["en", "zh", "en"]})
    pq.write_table(table.slice(0, 2), tmp_path / "text" / "a.parquet")
    with pa.OSFile(str(tmp_path / "text" / "b.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.slice(2))
    found = search_in(tmp_path)
    assert [found.ranked(query)[0][0] for query in ("mill", "水车", "dog")] == ["d1", "d2", "d3"]
    with pytest.raises(InputError, match="no text/ to search"):
        search_in(tmp_path / "text")


def call(name, arguments):
    return f'<tool_call>{{"name": "{name}", "arguments": {arguments}}}</tool_call>'


class Broken:
    definition: ClassVar = {"name": "broken", "description": "", "parameters": {}}

    def __call__(self, arguments):
        raise KeyError("secret")


@pytest.mark.parametrize(
    ("text", "results"),
    [
        ("The answer is 4.", []),
        (call("calculator", '{"expression": "3 × 4"}'), ["12"]),
        ("算一下\n" + call("calculator", '{"expression": "3+4"}') + "\n", ["7"]),
        (call("calculator", '{"expression": "1"}') + "\n" + call("calculator", '{"expression": "2"}'), ["1", "2"]),
        (call("calculator", '{"expression": "3"}') + " done", []),
        (call("calculator", "{}"), ["error: the argument `expression` is missing or no text"]),
        (call("calculator", '{"expression": "a"}'),
         ["error: that is no arithmetic: only numbers, + - * / // % ** and brackets"]),
        (call("calculator", '"x"'), ['error: a call is {"name": ..., "arguments": {...}}, in JSON']),
        ("<tool_call>{</tool_call>", ['error: a call is {"name": ..., "arguments": {...}}, in JSON']),
        (call("shell", "{}"), ["error: no tool of that name; there are: calculator, broken"]),
        (call("broken", "{}"), ["error: the tool failed (KeyError)"]),
    ],
)  # fmt: skip
def test_results__of_good_and_bad_calls(encoder, text, results):
    assert ToolReply(encoder, [Calculator(), Broken()]).results(text) == results


@pytest.mark.parametrize("asked", ["What is 12 x 12?", "十二乘十二是多少？"])
def test_roll_out__a_call_is_answered_and_the_policy_goes_on(tiny_model, encoder, monkeypatch, asked):
    model, reply = Model(replace(tiny_model.config, context=512)), ToolReply(encoder, [Calculator()])
    said = [call("calculator", '{"expression": "12*12"}'), "It is 144."]
    starts = []

    def scripted(model, prompts, limits, sampling, generators, **options):
        starts.append(list(prompts[0]))
        for token in [*encoder.ids(said[len(starts) - 1]), END]:
            yield Step([0], [token], [-1.0], None)

    monkeypatch.setattr(sampler, "continuations", scripted)
    messages = [{"role": "user", "content": asked}]
    ids = render(encoder, parse(messages, reply.definitions(), generation=True), generation=True).ids
    (rollout,) = sampler.roll_out(model, [Prompt(ids)], 1, PURE, 300, reply=reply)
    turns = read_turns(encoder, rollout.ids.tolist())
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "tool", "assistant"]
    assert [turn.content for turn in turns[1:]] == [asked, "", "144", "It is 144."]
    assert not rollout.truncated
    whole = render(encoder, turns).ids
    assert [*rollout.ids.tolist(), EOS] == whole.tolist(), "as training renders the same conversation"
    learnt = render(encoder, turns).mask[len(ids) : -1]
    np.testing.assert_array_equal(rollout.mask, learnt)
    assert rollout.response_ids[rollout.mask == 0].tolist() == [TOOL, *encoder.ids("144"), END, ASSISTANT]


def test_open_tools__what_is_none(tmp_path):
    assert [tool.definition["name"] for tool in open_tools(["calculator"], None)] == ["calculator"]
    for names, what in ((["search"], "search needs a run"), (["shell"], "unknown tool 'shell'")):
        with pytest.raises(ConfigError, match=what):
            open_tools(names, None)


OWN = '''
from typing import Any

def look(word: str, most: int = 3, exact: bool = False) -> str:
    """Looks a word up.

    More."""
    if word == "raise":
        raise RuntimeError("secret")
    if word == "leave":
        raise SystemExit(3)
    return {"long": "磨" * 3000, "none": None}.get(word, f"{word} {most} {exact}")

def slow(word: str):
    import time
    while word != "wait":
        try:
            time.sleep(0.001 if word == "work" else 1000)
        except Exception:
            pass
    time.sleep(1000)
slow.seconds = 0.05

def never(word: str): return ""
never.seconds = "long"
def odd(*words): return ""
def typed(word: list): return ""
def calculator(expression: str): return "mine"
number = 3

class Whole:
    definition = {"name": "whole", "description": "", "parameters": {"type": "object"}}
    def __call__(self, arguments): return "whole"
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own_tool.py").write_text(OWN)
    return tmp_path


def test_open_tools__a_function_of_ones_own(own, encoder):
    tools = open_tools(["own_tool.py:look", "calculator", "own_tool.py:Whole"], None, own)
    assert tools[0].definition == {
        "name": "look",
        "description": "Looks a word up.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string"}, "most": {"type": "integer"}, "exact": {"type": "boolean"}},
            "required": ["word"],
        },
    }
    reply = ToolReply(encoder, tools)
    for arguments, result in (
        ('{"word": "磨坊", "most": 2}', "磨坊 2 False"),
        ('{"word": "raise"}', "error: the tool failed (RuntimeError)"),
        ('{"word": "leave"}', "error: the tool failed (SystemExit)"),
        ('{"word": "a", "many": 2}', "error: there is no argument `many`"),
        ('{"most": 2}', "error: the argument `word` is missing"),
        ('{"word": "none"}', "None"),
        ('{"word": "long"}', "磨" * (MOST_BYTES // 3)),
    ):
        assert reply.results(call("look", arguments)) == [result]
    assert reply.results(call("whole", "{}")) == ["whole"]
    many = "".join([call("calculator", '{"expression": "1"}')] * (MOST_CALLS + 3))
    assert reply.results(many) == ["1"] * MOST_CALLS + [f"error: more than {MOST_CALLS} calls in one turn"]


@pytest.mark.parametrize("word", ["wait", "work", "sleep"])
def test_a_tool_that_does_not_end_is_an_error_that_the_model_reads(own, encoder, word):
    before = signal.getsignal(signal.SIGALRM)
    reply = ToolReply(encoder, open_tools(["own_tool.py:slow", "own_tool.py:look"], None, own))
    for _ in range(2):
        assert reply.results(call("slow", f'{{"word": "{word}"}}')) == ["error: the tool took more than 0.05 s"]
    assert reply.results(call("look", '{"word": "磨坊"}')) == ["磨坊 3 False"]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_outside_the_main_thread_tools_answer_too(own, encoder):
    reply = ToolReply(encoder, open_tools(["own_tool.py:look"], None, own))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(reply.results, call("look", '{"word": "磨坊"}')).result() == ["磨坊 3 False"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("own_tool.py:never", "`seconds` of the tool is no number above 0"),
        ("own_tool.py:odd", "parameter `words` of the tool"), ("own_tool.py:typed", "parameter `word` of the tool"),
        ("own_tool.py:number", "the tool is no function"), ("own_tool.py:gone", "no 'gone' in the tool's file"),
        ("gone.py:look", "the tool's file is not there"), ("calculator", "two tools are named 'calculator'"),
    ],
)  # fmt: skip
def test_open_tools__what_is_no_tool_of_ones_own(own, name, what):
    with pytest.raises(ConfigError, match=what):
        open_tools(["own_tool.py:calculator", name], None, own)


def test_a_turn_that_may_be_a_call_is_a_call_with_valid_arguments_or_what_is_wanted(own, encoder):
    reply = ToolReply(encoder, open_tools(["own_tool.py:look"], None, own))
    made = automaton(reply.or_call(regex("[0-9]+|好", "x")), "x")
    for text, taken in (
        ("12", True), ("好", True), ("", False), ("12" + call("look", '{"word": "x"}'), False),
        (call("look", '{"word": "磨坊", "most": -4}'), True), (call("look", '{"most": 4}'), False),
        (call("look", '{"word": 4}'), False), (call("shell", '{"word": "x"}'), False),
    ):  # fmt: skip
        assert made.accepts(text.encode()) == taken, text
        assert not taken or text in ("12", "好") or not reply.results(text)[0].startswith("error")
    assert reply.or_call(None) is None
    odd = ToolReply(encoder, [Broken()])
    with pytest.raises(ConfigError, match="does not say what it wants"):
        odd.or_call(regex("a", "x"))
