"""`eval` as its user meets it: a checkpoint of a real training, its export, results on disk, two of them compared."""

import json
import shutil

import pytest

from gristmill.tokenizer.shards.arrow_file import file_sha256
from tests.trainer.conftest import write_manifest

ITEMS = [
    {"question": "the old mill turns", "choices": ["slowly", "by river", "grain"], "answer": 0, "lang": "en"},
    {"question": "老磨坊在河边", "choices": ["慢慢转动", "睡在", "面粉"], "answer": 0, "lang": "zh"},
    {"question": "his dog sleeps", "choices": ["in sun", "sacks", "miller counts"], "answer": 0, "lang": "en"},
    {"question": "水车带来", "choices": ["狗", "面粉", "阳光里"], "answer": 1, "lang": "zh"},
]
TASK = """
task: mill
dataset_kwargs: {data_files: {test: mill.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
"""


@pytest.fixture
def task(tmp_path):
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in ITEMS)
    (tmp_path / "mill.jsonl").write_text(lines)
    (tmp_path / "mill.yaml").write_text(TASK)
    return tmp_path / "mill.yaml"


@pytest.fixture
def trained(one_run_dir, tiny, assemble, tmp_path, task):
    """A checkpoint in a run whose manifest says how much of the task stood in its texts."""
    run = tmp_path / "run"
    shutil.copytree(one_run_dir, run)
    facts = {
        "items": 4,
        "contaminated": 1,
        "rate": 0.25,
        "left": 1,
        "left_rate": 0.25,
        "documents": 2,
        "sha256": file_sha256(tmp_path / "mill.jsonl"),
    }
    write_manifest(run, contamination={"sets": {"mine": facts}})
    training, state = assemble(run, tiny, folder=run / "train" / "main", steps=4)
    training.save(state, None)
    return run / "train" / "main"


@pytest.fixture
def results(trainer, tmp_path):
    """results(name, subject, *options): the object of results.json of a call, and its table."""

    def call(name, subject, *options, shots=0):
        code, out, err = trainer("eval", subject, "--out", tmp_path / name, *options)
        assert code == 0, err
        return json.loads((tmp_path / name / f"shots-{shots}" / "results.json").read_text()), out

    return call


def test_scores_of_a_checkpoint_and_of_its_export_are_the_same(trained, task, results, trainer, tmp_path):
    found, table = results("a", trained, "--tasks", task, "--shots", "0,1")
    scores = found["results"]["mill"]
    assert scores["sample_len"] == 4
    assert {"acc,none", "acc_stderr,none", "acc_norm,none", "brier_score,none", "calibration_error,none",
            "likelihood_per_character,none"} <= set(scores)  # fmt: skip
    assert found["n-shot"] == {"mill": 0}
    assert set(found["by"]["mill"]["lang"]) == {"en", "zh"}
    wanted = {"rate": 0.25, "items": 4, "contaminated": 1, "found_rate": 0.25, "not_measured_in": []}
    assert found["contamination"]["mill"] == wanted
    assert "25.0%" in table
    assert (tmp_path / "a" / "shots-1" / "samples_mill.jsonl").exists()
    lines = (tmp_path / "a" / "shots-0" / "samples_mill.jsonl").read_text()
    assert "the old mill" not in lines, "texts are told on request alone"
    assert trainer("export", trained, tmp_path / "hf")[0] == 0
    again, table = results("b", tmp_path / "hf", "--tasks", task, "--texts")
    assert again["results"]["mill"] == pytest.approx(scores, abs=1e-5)
    assert again["contamination"]["mill"]["rate"] == "not measured"
    assert "not measured" in table
    assert "the old mill" in (tmp_path / "b" / "shots-0" / "samples_mill.jsonl").read_text()
    code, out, _ = trainer("eval", "compare", tmp_path / "a", tmp_path / "b", "--json")
    compared = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {one["metric"] for one in compared} >= {"acc", "likelihood_per_character"}
    assert all(abs(one["difference"]) < 1e-5 and not one["told_apart"] for one in compared if one["metric"] == "acc")


def test_equal_calls_write_equal_bytes_and_held_out_texts_are_told_by_source(trained, results, tmp_path):
    tasks = "heldout_text_en,heldout_text_zh,cloze_zh"
    found, table = results("a", trained, "--tasks", tasks)
    results("b", trained, "--tasks", tasks)
    for path in (tmp_path / "a").rglob("*.json*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    assert 1 < found["results"]["heldout_text_en"]["bits_per_byte,none"] < 10
    assert "heldout_text_zh" in table


def test_every_checkpoint_is_asked_once_and_results_lie_beside_them(trained, task, trainer, tmp_path):
    shutil.copytree(trained / "step-000000", trained / "step-000004")
    code, _, err = trainer("eval", trained, "--checkpoints", "--tasks", task, "--shots", "0,1")
    assert code == 0, err
    made = sorted(path.relative_to(trained / "scores").as_posix() for path in trained.rglob("results.json"))
    assert made == [f"step-{step:06d}/shots-{shots}/results.json" for step in (0, 4) for shots in (0, 1)]
    told = json.loads((trained / "scores" / made[0]).read_text())
    assert (told["model"]["step"], told["contamination"]["mill"]["rate"]) == (0, 0.25)
    shutil.rmtree(trained / "scores" / "step-000004")
    code, _, err = trainer("eval", trained, "--checkpoints", "--tasks", task, "--shots", "0,1")
    assert code == 0, err
    assert ("step-000000: asked before" in err, "step-000004: asked before" in err) == (True, False)
    for changed in (["--shots", "0"], ["--shots", "0,1", "--limit", "2"]):
        code, _, err = trainer("eval", trained, "--checkpoints", "--tasks", task, *changed)
        assert (code, "the folder is not empty" in err) == (2, True), err
    code, _, err = trainer("eval", trained / "step-000004", "--tasks", task, "--shots", "0,1")
    assert (code, "the folder is not empty" in err) == (2, True), "a checkpoint's place is the same"
    code, _, err = trainer("eval", trained / "step-000004", "--tasks", task, "--checkpoints")
    assert (code, "this is one checkpoint" in err) == (2, True), err
    assert trainer("export", trained, tmp_path / "hf")[0] == 0
    code, _, err = trainer("eval", tmp_path / "hf", "--tasks", task)
    assert (code, "no place for results" in err) == (2, True), err


@pytest.mark.parametrize("changed", ["mill.yaml", "mill.jsonl"])
def test_a_task_of_the_same_name_that_asks_something_else_was_not_asked_before(
    changed, trained, task, trainer, tmp_path
):
    asked = ("eval", trained, "--checkpoints", "--tasks", task, "--shots", "1")
    assert trainer(*asked)[0] == 0
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("mill.yaml", "mill.jsonl"):
        shutil.copy(tmp_path / name, moved / name)
    code, _, err = trainer("eval", trained, "--checkpoints", "--tasks", moved / "mill.yaml", "--shots", "1")
    assert (code, "asked before" in err) == (0, True), "where it lies says nothing"
    text = (tmp_path / changed).read_text()
    (tmp_path / changed).write_text(text.replace("{{question}}", "{{question}}?").replace("his dog", "the dog"))
    code, _, err = trainer(*asked)
    assert (code, "the folder is not empty" in err, "asked before" in err) == (2, True, False), err
    shutil.rmtree(trained / "scores")
    assert trainer(*asked)[0] == 0
    code, _, err = trainer(*asked)
    assert (code, "asked before" in err) == (0, True), err


def test_texts_with_what_unicode_calls_line_breaks_are_asked_written_and_compared(trained, results, trainer, tmp_path):
    items = [item | {"question": f"{item['question']}\u2028水\x85车\x1c"} for item in ITEMS]
    (tmp_path / "mill.jsonl").write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))
    found, _ = results("a", trained, "--tasks", tmp_path / "mill.yaml", "--texts")
    assert found["results"]["mill"]["sample_len"] == 4
    code, out, err = trainer("eval", "compare", tmp_path / "a", tmp_path / "a", "--json")
    assert (code, json.loads(out.splitlines()[0])["items"]) == (0, 4), err


def test_bad_calls_write_nothing(trained, task, trainer, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "open.csv").write_text('question,A,B,C,D,answer\n"q,a,b,c,d,A\n')
    text = "word " * 80
    (tmp_path / "long.jsonl").write_text(json.dumps({"question": "q", "choices": [text, "b"], "answer": 0}) + "\n")
    (tmp_path / "long.yaml").write_text(TASK.replace("mill", "long"))
    for options, code, message in (
        (["--tasks", task, "--out", tmp_path / "full"], 2, "the folder is not empty"),
        (["--tasks", "sorts", "--out", tmp_path / "o"], 2, "unknown task 'sorts'"),
        (["--tasks", task, "--shots", "9", "--out", tmp_path / "o"], 2, "9 examples are asked for, there are 3"),
        (["--tasks", tmp_path / "long.yaml", "--out", tmp_path / "o"], 3, "task long, item 0"),
        (["--tasks", "sort_en", "--out", tmp_path / "o", "--max-tokens", "32"], 2, "32 tokens are to be written"),
        (["--tasks", "sort_en", "--out", tmp_path / "o", "--samples", "3"], 2, "would all be the same"),
        (["--tasks", "gsm8k=nowhere.jsonl", "--out", tmp_path / "o"], 3, "the file is not there"),
        (["--tasks", f"mmlu={tmp_path / 'open.csv'}", "--out", tmp_path / "o"], 3, "this is no table"),
    ):
        found, _, err = trainer("eval", trained, *options)
        assert (found, message in err) == (code, True), err
    assert not (tmp_path / "o").exists()
    assert trainer("eval", "compare", tmp_path / "full", tmp_path / "full")[0] == 3
    assert trainer("eval", tmp_path / "full", "--tasks", task, "--out", tmp_path / "o")[0] == 3


def test_what_never_ends_is_cut_and_said(trained, trainer, tmp_path):
    code, out, err = trainer(
        "eval", trained, "--tasks", "stack_en", "--out", tmp_path / "o", "--limit", 3, "--shots", 0, "--max-tokens", 4
    )
    assert code == 0, err
    assert "pass@10" in out
    assert "were cut by max_gen_toks" in out


def test_bundled_tasks_are_written_to_be_changed(trainer, trained, tmp_path):
    code, out, _ = trainer("eval", "tasks", "--tasks", "sentiment_zh", "--out", tmp_path / "t")
    assert code == 0
    path = out.strip()
    code, out, err = trainer("eval", trained, "--tasks", path, "--out", tmp_path / "o", "--limit", 5, "--shots", 0)
    assert code == 0, err
    assert "sentiment_zh" in out


def test_bundled_tasks_are_listed(trainer, tmp_path):
    code, out, _ = trainer("eval", "tasks")
    assert code == 0
    assert "copy: copy_en, copy_zh\n" in out
    code, _, err = trainer("eval", "tasks", "--out", tmp_path / "t")
    assert (code, "--tasks is missing" in err) == (2, True)
    assert not (tmp_path / "t").exists()
