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
        (tmp_path / "mill.yaml").write_text(yaml.safe_dump(TASK | keys))
        return tmp_path / "mill.yaml"

    return make


@pytest.fixture
def evaluate(trainer, checkpoint, tmp_path):
    """evaluate(task, *options): results and lines of samples of an `eval` with --texts."""

    def call(task, *options, name="out", shots=0):
        code, out, err = trainer("eval", checkpoint, "--tasks", task, "--out", tmp_path / name, "--texts", *options)
        assert code == 0, err
        folder = tmp_path / name / f"shots-{shots}"
        lines = [json.loads(line) for line in (folder / "samples_mill.jsonl").read_text().splitlines()]
        return json.loads((folder / "results.json").read_text()), lines, out

    return call


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
        ({"structure": {"regex": "a"}, "generation_kwargs": {"until": ["\n"]}}, 2, "`until` would cut"),
        ({"structure": {"choices": "{{choices"}}, 2, "no jinja template"),
        ({"structure": {"choices": "{{answer}}"}}, 3, "task mill, item 0"),
        ({"structure": {"regex": "[0-9]{15}"}}, 2, "there is room for 14"),
    ],
)
def test_eval__a_structure_that_cannot_be_is_refused(trainer, checkpoint, write_task, tmp_path, keys, code, words):
    found, _, err = trainer("eval", checkpoint, "--tasks", write_task(**keys), "--out", tmp_path / "out")
    assert (found, words in err) == (code, True), err
    assert not (tmp_path / "out").exists()
