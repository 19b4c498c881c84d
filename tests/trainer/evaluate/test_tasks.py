"""Tasks from files: what is asked, which examples stand before it, what is refused by name."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.selection import groups, names, open_tasks, shots_of
from gristmill.trainer.evaluate.selection import write_task as write_bundled
from gristmill.trainer.evaluate.tasks.fewshot import Prompts
from gristmill.trainer.evaluate.tasks.shapes import open_shape
from gristmill.trainer.evaluate.tasks.task import open_task_file
from tests.trainer.evaluate.conftest import ITEMS

EXAMPLES = [{"question": f"q{n}", "choices": ["yes", "no"], "answer": n % 2} for n in range(6)]


def test_questions_of_a_task(write_task):
    first, second, *_ = open_task_file(write_task()).questions
    assert first.text == "Q: the old mill turns\nA:"
    assert (first.choices, first.right, first.answers) == (("slowly", "by river", "grain"), (0,), ("slowly",))
    assert second.text == "Q: 老磨坊在河边\nA:"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"doc_to_target": None}, "the task has no answers: `doc_to_target` is missing"),
        ({"doc_to_choice": None}, "without `doc_to_choice`"),
        ({"output_type": "multiple-choice"}, "output_type 'multiple-choice' is not known"),
        ({"doc_to_txt": "x"}, "did you mean `doc_to_text`"),
        ({"doc_to_text": "{{question"}, "no jinja template"),
        ({"process_docs": "!x"}, "`process_docs` runs Python"),
        ({"repeats": "many"}, "`repeats` is no int"),
        ({"test_split": "dev"}, "names no file of its split `dev`"),
        ({"fewshot_config": {"sampler": "nearest"}}, "sampler 'nearest' is not known"),
    ],
)
def test_a_wrong_task_is_refused_by_the_key(write_task, changes, message):
    with pytest.raises(ConfigError, match=message):
        open_task_file(write_task(**changes))


def test_functions_of_python_are_not_run(write_task):
    path = write_task()
    path.write_text(path.read_text() + "process_results: !function utils.boom\n")
    with pytest.raises(ConfigError, match="runs Python functions in line"):
        open_task_file(path)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"question": "q", "choices": ["a", "b"]}, "'answer' is undefined"),
        ({"question": "q", "choices": ["a", "b"], "answer": ""}, "the item has no answer"),
        ({"question": "q", "choices": ["a", "b"], "answer": None}, "the item's answer is none of its choices"),
        ({"question": "q", "choices": ["a", "b"], "answer": 2}, "none of its choices"),
        ({"question": "q", "choices": ["a", "b"], "answer": "c"}, "none of its choices"),
        ({"question": "q", "choices": ["a"], "answer": 0}, "no list of two or more"),
        ({"question": "q", "choices": "a b", "answer": 0}, "no list of two or more"),
        ({"choices": ["a", "b"], "answer": 0}, "'question' is undefined"),
    ],
)
def test_a_bad_item_is_refused_by_its_number(write_task, item, message):
    task = open_task_file(write_task([*ITEMS, item]))
    with pytest.raises(InputError, match=message) as error:
        _ = task.questions
    assert "item 4" in str(error.value)


def test_templates_reach_nothing_but_the_item(write_task):
    task = open_task_file(write_task(doc_to_text="{{ question.__class__.__mro__[1].__subclasses__() }}"))
    with pytest.raises(InputError, match="SecurityError"):
        _ = task.questions


def test_items_that_are_no_items(write_task, tmp_path):
    path = write_task()
    (tmp_path / "tasks" / "mill.jsonl").write_text('{"a": 1}\nno json\n')
    with pytest.raises(InputError, match="line 2 is no JSON"):
        open_task_file(path)
    (tmp_path / "tasks" / "mill.jsonl").write_text("\n")
    with pytest.raises(InputError, match="no items"):
        open_task_file(path)
    (tmp_path / "tasks" / "mill.jsonl").unlink()
    with pytest.raises(InputError, match="is not there"):
        open_task_file(path)


def test_examples_stand_before_the_question_as_in_the_harness(write_task):
    task = open_task_file(write_task(examples=EXAMPLES, fewshot_config={"sampler": "first_n"}, description="Say.\n\n"))
    context = Prompts(task, 2).context(0)
    assert context == "Say.\n\nQ: q0\nA: yes\n\nQ: q1\nA: no\n\nQ: the old mill turns\nA:"


def test_drawn_examples_hang_on_the_item_and_the_seed_alone(write_task):
    items = ITEMS[:]
    first = Prompts(open_task_file(write_task(items, EXAMPLES)), 3)
    random.Random(1).shuffle(items)
    again = Prompts(open_task_file(write_task(items, EXAMPLES[::-1])), 3)
    for number, item in enumerate(ITEMS):
        assert first.context(number) == again.context(items.index(item))
    assert Prompts(first.task, 3, seed=5).context(0) != first.context(0)
    assert len({first.context(number).split("\n\nQ: ")[0] for number in range(4)}) > 1


def test_an_item_is_no_example_of_itself_and_too_many_are_refused(write_task):
    task = open_task_file(write_task())
    for number, item in enumerate(ITEMS):
        assert Prompts(task, 3).context(number).count(item["question"]) == 1
    with pytest.raises(ConfigError, match="4 examples are asked for, there are 3"):
        Prompts(task, 4)


def test_bundled_tasks_are_the_same_every_time_and_have_answers(tmp_path, one_run_dir):
    first, again = open_tasks("all", None, None), open_tasks("all", None, None)
    assert [task.items for task in first] == [task.items for task in again]
    assert {task.name for task in first} == set(groups()["en"]) | set(groups()["zh"])
    for task in first:
        assert len(task.items) >= 100 or task.name.startswith("stack")
        shown = {json.dumps(item, sort_keys=True) for item in task.items}
        assert len(shown) == len(task.items)
        assert all(question.answers[0] for question in task.questions)
    texts = open_tasks("cloze_en,ordering_zh,heldout_text_en,memorisation_zh", one_run_dir, None)
    assert all(task.items for task in texts)
    with pytest.raises(ConfigError, match="its items are texts of a run"):
        open_tasks("cloze_en", None, None)
    path = write_bundled(first[0], tmp_path / "written")
    assert open_task_file(path).items == first[0].items
    assert open_task_file(path).config.doc_to_text == first[0].config.doc_to_text


def test_programs_of_the_stack_task_pass_their_tests():
    from gristmill.trainer.evaluate.scores import stack

    for item in open_tasks("stack_en", None, None)[0].items:
        assert stack.passes(item["answer"], [(tuple(a), tuple(b)) for a, b in item["tests"]])


def test_steps_of_the_addition_task_are_right():
    for item in open_tasks("addition_steps_zh", None, None)[0].items:
        assert all(
            sum(map(int, left.split(" + "))) == int(right)
            for left, right in (step.split(" = ") for step in item["steps"].split(", "))
        )


def test_unknown_names_get_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'sort_en'"):
        open_tasks("sort_eng", None, None)
    with pytest.raises(ConfigError, match="shape 'mmmlu' is not known"):
        open_tasks("mmmlu=x.csv", None, None)
    with pytest.raises(ConfigError, match="is no list of numbers"):
        shots_of("0,few")
    assert shots_of("4,0,4") == [0, 4]
    assert "memorisation_zh" in names()


KEYS = {
    "task",
    "output_type",
    "dataset_path",
    "dataset_kwargs",
    "test_split",
    "fewshot_split",
    "doc_to_text",
    "doc_to_target",
    "doc_to_choice",
    "target_delimiter",
    "fewshot_delimiter",
    "generation_kwargs",
    "repeats",
    "filter_list",
    "metric_list",
    "metadata",
    "num_fewshot",
    "unsafe_code",
    "description",
}
SHAPED = {
    "gsm8k": (
        [{"question": "How many?", "answer": "3 + 4 = 7\n#### 7"}],
        "Question: How many?\nAnswer:",
        ("3 + 4 = 7\n#### 7",),
    ),
    "mmlu": (
        [{"question": "Which?", "subject": "art", "choices": ["p", "q", "r", "s"], "answer": 2}],
        "Which?\nA. p\nB. q\nC. r\nD. s\nAnswer:",
        ("C",),
    ),
    "ceval": (
        [{"id": 0, "question": "哪个？", "A": "甲", "B": "乙", "C": "丙", "D": "丁", "answer": "B"}],
        "哪个？\nA. 甲\nB. 乙\nC. 丙\nD. 丁\n答案：",
        ("B",),
    ),
    "cmmlu": (
        [{"": 0, "Question": "哪个？", "A": "甲", "B": "乙", "C": "丙", "D": "丁", "Answer": "D"}],
        "哪个？\nA. 甲\nB. 乙\nC. 丙\nD. 丁\n答案：",
        ("D",),
    ),
    "arc": (
        [
            {
                "id": "x",
                "question": "Why?",
                "choices": {"text": ["p", "q", "r"], "label": ["1", "2", "3"]},
                "answerKey": "2",
            }
        ],
        "Question: Why?\nAnswer:",
        ("q",),
    ),
    "hellaswag": (
        [
            {
                "activity_label": "Milling",
                "ctx_a": "He [x] turns.",
                "ctx_b": "the wheel",
                "label": "1",
                "endings": ["stops.", "turns [title] on."],
            }
        ],
        "Milling: He turns. The wheel",
        ("turns. on.",),
    ),
    "humaneval": (
        [
            {
                "task_id": "t/0",
                "prompt": "def f():\n",
                "canonical_solution": "    return 1\n",
                "test": "def check(c):\n    assert c() == 1\n",
                "entry_point": "f",
            }
        ],
        "def f():\n",
        ("    return 1\n",),
    ),
}


@pytest.mark.parametrize("name", SHAPED)
def test_known_files_are_read_as_they_are(name, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    items, text, answers = SHAPED[name]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    pq.write_table(pa.Table.from_pylist(items), tmp_path / "x.parquet")
    for file in ("x.jsonl", "x.parquet"):
        (task,) = open_tasks(f"{name}={tmp_path / file}", None, None)
        assert (task.questions[0].text, task.questions[0].answers) == (text, answers)
        assert next(iter(task.files.values()))
    (tmp_path / "y.jsonl").write_text('{"other": 1}\n')
    with pytest.raises(InputError, match=f"no item of shape `{name}`"):
        open_shape(name, tmp_path / "y.jsonl", None)


def test_csv_files_of_mmlu_and_of_c_eval(tmp_path):
    (tmp_path / "mmlu.csv").write_text('"Which, say?",p,q,r,s,B\nWhy?,a,b,c,d,A\n')
    task = open_shape("mmlu", tmp_path / "mmlu.csv", tmp_path / "mmlu.csv")
    assert task.questions[0].text == "Which, say?\nA. p\nB. q\nC. r\nD. s\nAnswer:"
    assert Prompts(task, 1).context(1).startswith("Which, say?")
    (tmp_path / "test.csv").write_text("\ufeffid,question,A,B,C,D\n0,哪个？,甲,乙,丙,丁\n")
    with pytest.raises(InputError, match="field 'answer' is missing"):
        open_shape("ceval", tmp_path / "test.csv", None)


def test_the_yaml_of_a_bundled_task_has_only_keys_of_the_harness(tmp_path):
    for task in open_tasks("all", None, 2):
        keys = yaml.safe_load(write_bundled(task, tmp_path / "t").read_text())
        assert set(keys) <= KEYS


def asked_by(task, shots):
    """(item, arguments) of each request, as the harness tells them."""
    prompts = Prompts(task, shots)
    for number, one in enumerate(task.questions):
        context = prompts.context(number)
        for choice in one.choices or [None]:
            yield number, [context] if choice is None else [context, task.config.target_delimiter + choice]


@pytest.mark.parametrize("name", ["gsm8k", "arc", "hellaswag", "mmlu", "ceval", "cmmlu", "own"])
def test_requests_are_those_of_lm_evaluation_harness(name, tmp_path):
    golden = json.loads((Path(__file__).parents[2] / "golden" / "lm_eval" / "requests.json").read_text())
    items = golden["items"][name]
    for file, part in (("test.jsonl", items[:-2]), ("train.jsonl", items[-2:])):
        (tmp_path / file).write_text("".join(json.dumps(item) + "\n" for item in part))
    keys = golden["own"] | {"test_split": "test", "fewshot_split": "train"}
    keys["dataset_kwargs"] = {"data_files": {"test": "test.jsonl", "train": "train.jsonl"}}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(keys))
    files = f"{tmp_path / 'test.jsonl'}+{tmp_path / 'train.jsonl'}"
    (task,) = open_tasks(str(tmp_path / "own.yaml") if name == "own" else f"{name}={files}", None, None)
    task = replace(task, config=replace(task.config, fewshot_config={"sampler": "first_n"}))
    for shots in (0, 2):
        wanted = [one for one in golden["requests"] if (one["task"], one["shots"]) == (name, shots)]
        assert list(asked_by(task, shots)) == [(one["doc_id"], one["arguments"]) for one in wanted]
