"""The tiny model with its tokenizer, and tasks in files."""

import json

import pytest
import yaml

from gristmill.trainer.evaluate.requests.text import OwnCodec


@pytest.fixture(scope="session")
def codec(one_run_dir):
    return OwnCodec(one_run_dir / "tokenizer")


@pytest.fixture
def long_model(one_run_dir, tiny):
    """As `tiny_model`, with a context of 256."""
    from dataclasses import replace

    import torch

    from gristmill.trainer.loop import build
    from gristmill.trainer.loop.inputs import open_data
    from gristmill.trainer.model.transformer import Model

    config = build.complete(tiny, open_data(one_run_dir)).model
    model = Model(replace(config, context=256))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
    return model.eval()


CHOICE = {
    "task": "mill",
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "Q: {{question}}\nA:",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{answer}}",
    "metadata": {"version": 1},
}
ITEMS = [
    {"question": "the old mill turns", "choices": ["slowly", "by river", "grain"], "answer": 0, "lang": "en"},
    {"question": "老磨坊在河边", "choices": ["慢慢转动", "睡在", "面粉"], "answer": 0, "lang": "zh"},
    {"question": "his dog sleeps", "choices": ["in sun", "sacks", "miller counts"], "answer": 0, "lang": "en"},
    {"question": "水车带来", "choices": ["狗", "面粉", "阳光里"], "answer": 1, "lang": "zh"},
]


@pytest.fixture
def write_task(tmp_path):
    """write_task(items, key=value, ...): the path of a task's YAML; a key of None is left out."""

    def make(items=ITEMS, examples=None, name="mill", **changes):
        folder = tmp_path / "tasks"
        folder.mkdir(exist_ok=True)
        files = {"test": f"{name}.jsonl"}
        (folder / files["test"]).write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))
        keys = CHOICE | {"task": name}
        if examples is not None:
            files["train"] = f"{name}_examples.jsonl"
            (folder / files["train"]).write_text("".join(json.dumps(item) + "\n" for item in examples))
            keys["fewshot_split"] = "train"
        keys |= {"dataset_kwargs": {"data_files": files}} | changes
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in keys.items() if value is not None}))
        return path

    return make
