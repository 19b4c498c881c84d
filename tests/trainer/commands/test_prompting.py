"""Structured output, tools and prompt variants as their user meets them: `generate`, `chat`, `eval`."""

import json
import re

import jsonschema
import pytest
import yaml

ITEMS = [
    {"question": "the old mill turns", "choices": ["slowly", "by river"], "answer": "slowly"},
    {"question": "老磨坊在河边", "choices": ["慢慢转动", "睡在"], "answer": "慢慢转动"},
]
TASK = {
    "task": "mill",
    "dataset_kwargs": {"data_files": {"test": "mill.jsonl"}},
    "test_split": "test",
    "output_type": "generate_until",
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{answer}}",
    "generation_kwargs": {"max_gen_toks": 14},
}


@pytest.fixture
def write_task(tmp_path):
    """write_task(key=value, ...): the path of a task's YAML, its items beside it."""

    def make(items=ITEMS, **keys):
        (tmp_path / "mill.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
        (tmp_path / "mill.yaml").write_text(yaml.safe_dump(TASK | keys, sort_keys=False))
        return tmp_path / "mill.yaml"

    return make


@pytest.fixture
def evaluate(trainer, checkpoint, tmp_path):
    """evaluate(task, *options): results and lines of samples of an `eval` with --texts."""

    def call(task, *options, name="out", shots=0):
        code, out, err = trainer("eval", checkpoint, "--tasks", task, "--out", tmp_path / name, "--texts", *options)
        assert code == 0, err
        folder = tmp_path / name / f"shots-{shots}"
        return json.loads((folder / "results.json").read_text()), samples(folder), out

    return call


def samples(folder):
    return [json.loads(line) for line in (folder / "samples_mill.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("prompt", ["the old mill ", "老磨坊"])
def test_generate__writes_what_is_wanted_and_nothing_else(checkpoint, trainer, tmp_path, prompt):
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    (tmp_path / "s.json").write_text(json.dumps(schema))
    for options, wanted in (
        (["--choice", "turns", "--choice", "在河边"], "turns|在河边"),
        (["--regex", "[0-9]{2}|磨+"], "[0-9]{2}|磨+"),
        (["--json-schema", tmp_path / "s.json", "--tokens", 12], ".*"),
    ):
        code, out, err = trainer("generate", checkpoint, prompt, *options)
        assert code == 0, err
        written = out.removesuffix("\n").removeprefix(prompt)
        assert re.fullmatch(wanted, written)
    jsonschema.validate(json.loads(written), schema)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--regex", "(a"], 2, "no regular expression"),
        (["--regex", "a", "--choice", "b"], 2, "wanted in one way"),
        (["--regex", "a", "--stop", "b"], 2, "--stop would cut"),
        (
            ["--regex", "[0-9]{9}", "--tokens", 8],
            2,
            "the shortest text that is wanted has 9 tokens, there is room for 8",
        ),
        (["--json-schema", "nowhere.json"], 3, "the schema cannot be read"),
    ],
)
def test_generate__what_cannot_be_wanted_is_said_before_anything_is_written(checkpoint, trainer, options, code, words):
    found, out, err = trainer("generate", checkpoint, "老磨坊", *options)
    assert (found, out, words in err) == (code, "", True), err


def test_chat__every_answer_is_one_of_the_choices(checkpoint, trainer):
    code, out, err = trainer("chat", checkpoint, "--choice", "河", "--choice", "mill", said="狗\ndog\n".encode())
    assert code == 0, err
    assert [line in ("河", "mill") for line in out.splitlines()] == [True, True]


def test_eval__what_is_written_is_what_the_task_wants(evaluate, write_task):
    found, lines, _ = evaluate(write_task(structure={"choices": "{{choices}}"}))
    for line, item in zip(lines, ITEMS, strict=True):
        assert line["resps"][0] in item["choices"]
        assert line["scores"]["exact_match,none"] == (line["resps"][0] == item["answer"])
    assert found["notes"]["mill"]["continuations_without_end"] == 0
    assert found["configs"]["mill"]["structure"] == {"choices": "{{choices}}"}
    _, lines, _ = evaluate(write_task(structure={"regex": "[a-c]{3}"}, target_delimiter="：", repeats=2,
                                      generation_kwargs={"temperature": 1.0, "max_gen_toks": 9}), name="b")  # fmt: skip
    assert all(re.fullmatch("[a-c]{3}", text) for line in lines for text in line["resps"])


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ({"structure": {"regexp": "a"}}, 2, "did you mean `regex`"),
        ({"structure": {"regex": "a(?=b)"}}, 2, "what must stand before or behind"),
        ({"structure": {"json_schema": {"type": "string", "pattern": "a"}}}, 2, "keyword `pattern`"),
        ({"structure": {"regex": "a"}, "output_type": "loglikelihood"}, 2, "not of loglikelihood"),
        ({"structure": {"regex": "a"}, "generation_kwargs": {"until": ["\n"]}}, 2, "`until` would cut a structure"),
        ({"structure": {"choices": "{{choices"}}, 2, "no jinja template"),
        ({"structure": {"choices": "{{answer}}"}}, 3, "task mill, item 0"),
        ({"structure": {"regex": "[0-9]{15}"}}, 2, "there is room for 14"),
    ],
)
def test_eval__a_structure_that_cannot_be_is_refused(trainer, checkpoint, write_task, tmp_path, keys, code, words):
    found, _, err = trainer("eval", checkpoint, "--tasks", write_task(**keys), "--out", tmp_path / "out")
    assert (found, words in err) == (code, True), err
    assert not (tmp_path / "out").exists()


TOOL = '''
def mill(word: str) -> str:
    """Says what a mill does."""
    return "grinds " + word
'''
SUMS = [
    {"question": "3 × 4", "answer": "12"},
    {"question": "三乘四", "answer": "12"},
    {"question": "3 × 4", "answer": "12"},
    {"question": "17 + 5", "answer": "22"},
]


@pytest.fixture
def scripted(monkeypatch, one_run_dir):
    """scripted(answer): the model says `answer(turns)` to the turns that it reads, whatever its weights."""
    from gristmill.tokenizer.chat.render import read_turns
    from gristmill.tokenizer.encode import Encoder
    from gristmill.tokenizer.special_ids import END
    from gristmill.trainer.evaluate.generate import Step
    from gristmill.trainer.rollouts import conversation, sampler

    encoder = Encoder(one_run_dir / "tokenizer")

    def make(answer):
        def continuations(model, starts, limits, sampling, generators, *, copies=1, **given):
            for row, limit in enumerate(limits):
                said = answer(read_turns(encoder, starts[row // copies]))
                for token in [*encoder.ids(said), END][:limit]:
                    yield Step([row], [token], [-1.0], None)

        monkeypatch.setattr(sampler, "continuations", continuations)
        monkeypatch.setattr(conversation, "continuations", continuations)

    return make


def calculates(turns):
    """Calls the calculator with what is asked, and says what it gave."""
    if turns[-1].role == "tool":
        return turns[-1].content
    return f'<tool_call>{{"name": "calculator", "arguments": {{"expression": "{turns[-1].content}"}}}}</tool_call>'


def guesses(turns):
    """Answers at once, as a model that calls nothing."""
    return "12"


@pytest.fixture
def long_checkpoint(one_run_dir, tiny, assemble, tmp_path):
    """As `checkpoint`, with room for tools' definitions."""
    from dataclasses import replace

    training, state = assemble(one_run_dir, replace(tiny, model=replace(tiny.model, context=1024)))
    training.save(state, None)
    return tmp_path / "train" / "step-000000"


def test_eval__calls_are_answered_and_scores_say_how_many(trainer, long_checkpoint, write_task, scripted, tmp_path):
    task = write_task(SUMS, tools=["calculator", "own.py:mill"], generation_kwargs={"max_gen_toks": 300})
    (tmp_path / "own.py").write_text(TOOL)
    scores = {}
    for name, answer in (("calls", calculates), ("guesses", guesses)):
        scripted(answer)
        options = ("--out", tmp_path / name, "--texts", "--samples", 1)
        code, _, err = trainer("eval", long_checkpoint, "--tasks", task, *options)
        assert code == 0, err
        scores[name] = json.loads((tmp_path / name / "shots-0" / "results.json").read_text())["results"]["mill"]
    assert [scores[name]["exact_match,none"] for name in ("calls", "guesses")] == [0.75, 0.75]
    assert [scores[name]["tool_calls,none"] for name in ("calls", "guesses")] == [1.0, 0.0]
    assert [scores[name]["tool_errors,none"] for name in ("calls", "guesses")] == [0.25, 0.0]
    lines = samples(tmp_path / "calls" / "shots-0")
    assert [line["resps"] for line in lines[::3]] == [["12"], ["22"]]
    assert [turn["role"] for turn in lines[3]["turns"][0]] == ["assistant", "tool", "assistant"]
    assert lines[1]["resps"][0].startswith("error: "), "it says what it was told"
    assert lines[0]["scores"] == lines[2]["scores"], "an item that stands twice is asked once"
    code, out, _ = trainer("eval", "compare", tmp_path / "guesses", tmp_path / "calls", "--json")
    assert (code, "tool_calls" in out) == (0, True)


def test_eval__with_a_structure_every_turn_is_a_call_or_what_is_wanted(trainer, long_checkpoint, write_task, tmp_path):
    (tmp_path / "own.py").write_text(TOOL)
    task = write_task(
        SUMS, tools=["own.py:mill"], structure={"regex": "[0-9]{2}|[一二三]"}, generation_kwargs={"max_gen_toks": 400},
        fewshot_config={"samples": [{"question": "2 × 5", "answer": "10"}]}, description="Calculate.",
    )  # fmt: skip
    options = ("--out", tmp_path / "o", "--texts", "--shots", 1)
    code, out, err = trainer("eval", long_checkpoint, "--tasks", task, *options)
    assert code == 0, err
    lines = samples(tmp_path / "o" / "shots-1")
    for line in lines:
        (turns,) = line["turns"]
        said = [turn for turn in turns if turn["role"] == "assistant"]
        assert all(turn.get("tool_calls") or re.fullmatch("[0-9]{2}|[一二三]", turn["content"]) for turn in said)
        assert not any(turn["content"].startswith("error") for turn in turns)
    assert "tool_calls" in out


@pytest.mark.parametrize("asked", ["3 × 4", "17 + 5"])
def test_generate__answers_with_tools(trainer, long_checkpoint, scripted, asked):
    scripted(calculates)
    code, out, err = trainer("generate", long_checkpoint, asked, "--tool", "calculator")
    result = {"3 × 4": "12", "17 + 5": "22"}[asked]
    assert code == 0, err
    assert out.endswith(f"</tool_call>{result}\n")
    assert f"tool: {result}" in err


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ({"tools": ["shell"]}, 2, "unknown tool 'shell'"),
        ({"tools": ["gone.py:fn"]}, 2, "the tool's file is not there"),
        ({"tools": ["search"]}, 3, "no text/ to search"),
        ({"tools": [3]}, 2, "`tools` holds what is no name"),
        ({"tools": ["calculator"], "output_type": "loglikelihood"}, 2, "not of loglikelihood"),
        ({"tools": ["calculator"], "generation_kwargs": {"until": "\n"}}, 2, "`until` would cut a turn"),
        ({"tools": ["calculator"], "generation_kwargs": {"max_gen_toks": 32}}, 2, "32 tokens are to be written"),
        ({"doc_to_text": [{"role": "assistant", "content": "x"}]}, 2, "no conversation: RolesOutOfOrder"),
        ({"doc_to_text": [{"role": "user"}]}, 2, "a turn is no role and content"),
        ({"doc_to_text": [{"role": "user", "content": "{{x"}]}, 2, "no jinja template"),
        ({"doc_to_text": [{"role": "user", "content": "{{x}}"}]}, 3, "'x' is undefined"),
    ],
)  # fmt: skip
def test_eval__tools_and_turns_that_cannot_be_are_refused(trainer, checkpoint, write_task, tmp_path, keys, code, words):
    found, _, err = trainer("eval", checkpoint, "--tasks", write_task(**keys), "--out", tmp_path / "out")
    assert (found, words in err) == (code, True), err
    assert not (tmp_path / "out").exists()


def test_eval__the_sampler_of_examples_is_said_once_for_all_tasks(evaluate, write_task):
    task = write_task(generation_kwargs={"max_gen_toks": 4}, fewshot_config={"sampler": "balanced", "by": "answer"})
    found, _, _ = evaluate(task, "--shots", 1, "--sampler", "similar", shots=1)
    assert found["configs"]["mill"]["fewshot_config"] == {"sampler": "similar"}
    assert found["model"]["sampler"] == "similar"
    found, _, _ = evaluate(task, "--shots", 1, name="b", shots=1)
    assert "sampler" not in found["model"]


ARMS = {
    "plain": "{{question}}",
    "asked": {"doc_to_text": "Q: {{question}}\nA:", "target_delimiter": " ", "description": "Go on.\n"},
    "chat": [{"role": "system", "content": "接着说"}, {"role": "user", "content": "{{question}}"}],
}


def test_eval__prompts_of_a_task_are_arms_that_are_compared_by_item(trainer, long_checkpoint, write_task, tmp_path):
    task = write_task(ITEMS * 3 + SUMS, doc_to_text=None, prompts=ARMS, generation_kwargs={"max_gen_toks": 5})
    code, out, err = trainer("eval", long_checkpoint, "--tasks", task, "--shots", "0,1", "--out", tmp_path / "o")
    assert code == 0, err
    for shots in (0, 1):
        found = json.loads((tmp_path / "o" / f"shots-{shots}" / "results.json").read_text())
        assert list(found["results"]) == ["mill@plain", "mill@asked", "mill@chat"]
        assert found["configs"]["mill@asked"]["doc_to_text"] == "Q: {{question}}\nA:"
        scores = {name: one["likelihood_per_character,none"] for name, one in found["results"].items()}
        assert len(set(scores.values())) == 3, "they are asked otherwise"
        told = {(arm["task"], arm["metric"]): arm for arm in found["arms"]}
        assert {task for task, _ in told} == {"mill@plain=mill@asked", "mill@plain=mill@chat"}
        arm = told["mill@plain=mill@chat", "likelihood_per_character"]
        assert arm["second"] - arm["first"] == pytest.approx(arm["difference"])
        assert arm["low"] <= arm["difference"] <= arm["high"]
    assert "prompts, B against A on the same items" in out
    pair = ("--pair", "mill@plain=mill@chat", "--json")
    code, out, _ = trainer("eval", "compare", tmp_path / "o", tmp_path / "o", *pair)
    again = [one for one in map(json.loads, out.splitlines()) if one["shots"] == 1]
    assert code == 0
    assert next(one for one in again if one["metric"] == arm["metric"]) == arm, "as `eval compare` says"


def test_eval__a_choice_in_a_conversation_is_judged_behind_the_assistants_id(long_checkpoint, write_task, codec_of):
    """Against the ids that the renderer gives, one row at a time."""
    import torch

    from gristmill.tokenizer.chat.render import render
    from gristmill.tokenizer.chat.turns import Turn
    from gristmill.trainer.evaluate.examine import examine
    from gristmill.trainer.evaluate.tasks.arms import arms_of
    from gristmill.trainer.evaluate.tasks.task import open_task_file
    from gristmill.trainer.model.transformer import Tokens

    model, codec = codec_of(long_checkpoint)
    path = write_task(
        doc_to_text=None, prompts={"chat": ARMS["chat"]}, output_type="multiple_choice", doc_to_choice="{{choices}}"
    )
    (task,) = arms_of(open_task_file(path))
    found = examine(model, codec, task, 1)
    for item, other, result in zip(ITEMS, ITEMS[::-1], found.items, strict=True):
        turns = [Turn("system", "接着说"), Turn("user", other["question"]), Turn("assistant", other["answer"]),
                 Turn("user", item["question"])]  # fmt: skip
        context = render(codec.encoder, turns, generation=True).ids.tolist()
        for choice, log_p in zip(item["choices"], result.log_probabilities, strict=True):
            ids = codec.encode([choice])[0]
            with torch.no_grad():
                logits = model.logits(model(Tokens(torch.tensor([context + ids[:-1]]))))[0, len(context) - 1 :]
            wanted = logits.double().log_softmax(-1).gather(1, torch.tensor(ids)[:, None]).sum()
            assert log_p == pytest.approx(float(wanted), abs=1e-4)


@pytest.fixture
def codec_of():
    from gristmill.trainer.checkpoint.subject import open_subject
    from gristmill.trainer.devices.world import CPU

    def make(path):
        opened = open_subject(path, CPU)
        return opened.model, opened.codec

    return make


@pytest.mark.parametrize(
    ("prompts", "code", "words"),
    [
        ({"a b": "x"}, 2, "an arm is named by letters"), ({"a": 3}, 2, "`doc_to_text` is no str or list"),
        ({"a": {"doc_to_txt": "x"}}, 2, "did you mean `doc_to_text`"),
        ({"a": {"test_split": "x"}}, 2, "`test_split` is not an arm's own"),
        ({"a": "{{question"}, 2, "prompts, a, doc_to_text"), ({"a": "{{gone}}"}, 3, "task mill@a, item 0"),
        ({"a": "x", "b": [{"role": "tool", "content": "x"}]}, 2, "prompts, b, doc_to_text"),
        (["x"], 2, "`prompts` is no dict"),
    ],
)  # fmt: skip
def test_eval__a_bad_prompt_is_refused_by_its_arm(trainer, checkpoint, write_task, tmp_path, prompts, code, words):
    found, _, err = trainer("eval", checkpoint, "--tasks", write_task(prompts=prompts), "--out", tmp_path / "out")
    assert (found, words in err) == (code, True), err
    assert not (tmp_path / "out").exists()


def test_eval__an_arm_has_the_contamination_of_its_task(trainer, checkpoint, write_task, tmp_path, monkeypatch):
    from gristmill.trainer.evaluate import contamination

    asked = []

    def measured(name, *rest):
        asked.append(name)
        return contamination.Contamination(0.5)

    monkeypatch.setattr(contamination, "contamination_of", measured)
    options = ("--out", tmp_path / "o", "--max-tokens", 4)
    code, out, err = trainer("eval", checkpoint, "--tasks", write_task(prompts={"a": "x", "b": "y"}), *options)
    assert code == 0, err
    assert asked == ["mill", "mill"]
    assert out.count("50.0%") > 2


def searches(turns):
    """Searches for what is asked, and says what was found."""
    if turns[-1].role == "tool":
        return turns[-1].content
    return f'<tool_call>{{"name": "search", "arguments": {{"query": "{turns[-1].content}"}}}}</tool_call>'


def test_eval__search_reads_the_texts_of_the_run(trainer, long_checkpoint, write_task, scripted, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "run" / "text").mkdir(parents=True)
    found = {"d1": "The old mill stands.", "d2": "老磨坊在河边。"}
    pq.write_table(
        pa.table({"doc_id": list(found), "text": list(found.values())}), tmp_path / "run" / "text" / "a.parquet"
    )
    items = [
        {"question": "mill", "answer": "[d1] The old mill stands."},
        {"question": "磨坊", "answer": "[d2] 老磨坊在河边。"},
    ]
    task = write_task(items, tools=["search"], generation_kwargs={"max_gen_toks": 300})
    scripted(searches)
    code, _, err = trainer("eval", long_checkpoint, "--tasks", task, "--run", tmp_path / "run", "--out", tmp_path / "o")
    assert code == 0, err
    scores = json.loads((tmp_path / "o" / "shots-0" / "results.json").read_text())["results"]["mill"]
    assert (scores["exact_match,none"], scores["tool_errors,none"]) == (1.0, 0.0)


def test_chat__with_tools_an_answer_is_a_call_or_one_of_the_choices(trainer, long_checkpoint, tmp_path):
    (tmp_path / "own.py").write_text(TOOL)
    options = ("--tool", f"{tmp_path / 'own.py'}:mill", "--choice", "河", "--tokens", 120, "--temperature", 1.5)
    code, out, err = trainer("chat", long_checkpoint, *options, said="狗\ndog\n".encode())
    assert code == 0, err
    call = r'<tool_call>\{"name": "mill", "arguments": \{"word": ?"(?:[^"\\\n]|\\.)*"\}\}</tool_call>'
    assert all(re.fullmatch(f"(?:{call})*(?:{call}|河)", line) for line in out.splitlines()), out
