"""Files of HumanEval's shape as a whole: a trained model writes, what it wrote is run, and counted as by hand."""

import json
import random

import pytest

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.format import Header
from gristmill.tokenizer.shards.index import Index, write_index
from gristmill.tokenizer.special_ids import SPECIAL_IDS
from gristmill.tokenizer.train import TokenizerOptions, train
from gristmill.trainer.loop.fit import fit
from tests.trainer.conftest import write_manifest, write_split

PLUS = 'def plus(a, b):\n    """Adds."""\n'
TWICE = 'def twice(text):\n    """两倍：把文字写两遍。"""\n'
BODIES = {
    PLUS: ["    return a + b\n", "    return a - b\n"],
    TWICE: ["    return text * 2\n", "    return text * 3\n"],
}
ITEMS = [
    {"task_id": "HumanEval/0", "prompt": PLUS, "entry_point": "plus", "canonical_solution": BODIES[PLUS][0],
     "test": "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(-1, 1) == 0\n"},
    {"task_id": "HumanEval/1", "prompt": TWICE, "entry_point": "twice", "canonical_solution": BODIES[TWICE][0],
     "test": "def check(candidate):\n    assert candidate('水车') == '水车水车'\n"},
]  # fmt: skip
LENGTH = 64


@pytest.fixture
def programmer(tmp_path, tiny, assemble):
    """A training's folder, on functions of which half are right."""
    rng = random.Random(0)
    texts = [("code", "en", prompt + rng.choice(BODIES[prompt])) for _ in range(120) for prompt in BODIES]
    run = tmp_path / "run"
    info = train((text for _, _, text in texts), TokenizerOptions(vocabulary=420), run / "tokenizer")
    encoder = Encoder(run / "tokenizer")
    header = Header(info.sha256, encoder.vocabulary, SPECIAL_IDS, "test")
    splits = {
        split: write_split(run / "tokens", split, part, encoder, header, LENGTH)
        for split, part in (("train", texts[16:]), ("validation", texts[:16]))
    }
    write_index(run / "tokens" / "index.json", Index(LENGTH, info.as_dict(), splits))
    write_manifest(run)
    training, state = assemble(run, tiny, folder=run / "train" / "main", steps=40)
    fit(training, state)
    return run / "train" / "main"


def passes(program: str) -> bool:
    try:
        exec(program, {})
    except Exception:
        return False
    return True


def test_programs_of_a_model_are_written_run_and_counted(programmer, trainer, tmp_path):
    file = tmp_path / "problems.jsonl"
    file.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in ITEMS))
    out, asked = tmp_path / "scores", ("eval", programmer, "--tasks", f"humaneval={file}", "--max-tokens", 24)
    code, _, err = trainer(*asked, "--out", out, "--samples", 10)
    assert (code, "--temperature 0.8" in err) == (2, True), err
    code, table, err = trainer(*asked, "--out", out, "--samples", 10, "--temperature", 1.0, "--texts")
    assert code == 0, err
    lines = (out / "shots-0" / "samples_humaneval_problems.jsonl").read_text().split("\n")[:-1]
    right = []
    for item, line in zip(ITEMS, map(json.loads, lines), strict=True):
        programs = [f"{item['prompt']}{text}\n{item['test']}\ncheck({item['entry_point']})" for text in line["resps"]]
        right.append(sum(map(passes, programs)))
        assert line["scores"]["pass@1,none"] == pytest.approx(right[-1] / 10)
        assert line["scores"]["pass@10,none"] == float(right[-1] > 0)
    assert 0 < sum(right) < 20, "some of what it writes is right, some is wrong"
    scores = json.loads((out / "shots-0" / "results.json").read_text())["results"]["humaneval_problems"]
    assert scores["pass@1,none"] == pytest.approx(sum(right) / 20)
    assert "pass@10" in table
