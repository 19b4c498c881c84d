"""What lm-evaluation-harness 0.4.13 asks for files of known shapes, and for a task of our own, into requests.json.

    PYTHON make.py      PYTHON: an interpreter with lm_eval (make agreement makes one); nothing is fetched

Its own YAML files of these tasks, with other files of items (written here by hand, in the Hub's form) and the first
examples in place of drawn ones.
"""

import json
import tempfile
from pathlib import Path

import lm_eval.tasks
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import load_yaml

TASKS = Path(lm_eval.tasks.__file__).parent
WHERE = {
    "gsm8k": "gsm8k/gsm8k.yaml",
    "arc": "arc/arc_easy.yaml",
    "hellaswag": "hellaswag/hellaswag.yaml",
    "mmlu": "mmlu/default/_default_template_yaml",
    "ceval": "ceval/_default_ceval_yaml",
    "cmmlu": "cmmlu/_default_template_yaml",
}
LETTERS = {"A": "甲", "B": "乙", "C": "丙 ", "D": "丁"}
ITEMS = {
    "gsm8k": [
        {
            "question": f"A mill grinds {n} sacks and then 3 more. How many?",
            "answer": f"{n} + 3 = {n + 3}\n#### {n + 3}",
        }
        for n in (2, 5, 11, 40)
    ],
    "arc": [
        {
            "id": str(n),
            "question": f"What turns the wheel {n}?",
            "choices": {"text": ["wind", "water ", "a horse"], "label": label},
            "answerKey": label[n % 3],
        }
        for n, label in enumerate((["A", "B", "C"], ["1", "2", "3"], ["A", "B", "C"], ["A", "B", "C"]))
    ],
    "hellaswag": [
        {
            "ind": n,
            "activity_label": "Milling",
            "ctx_a": f" He [step] fills sack {n}.",
            "ctx_b": "the wheel",
            "ctx": "",
            "endings": ["stops.", "turns [title] on.", "is  red.", "sings [substeps] a song."],
            "label": str(n % 4),
        }
        for n in range(4)
    ],
    "mmlu": [
        {"question": f" Which is {n}? ", "subject": "mills", "choices": ["one", "two", "three", "four"], "answer": n}
        for n in range(4)
    ],
    "ceval": [{"id": n, "question": f"第{n}个是哪个？", **LETTERS, "answer": "ABCD"[n]} for n in range(4)],
    "cmmlu": [{"Question": f"第{n}个是哪个？ ", **LETTERS, "Answer": "ABCD"[n]} for n in range(4)],
    "own": [
        {"q": "老磨坊在哪里？", "options": ["河边", "山上"], "right": 0},
        {"q": "Who counts sacks?", "options": ["the dog", "the miller"], "right": 1},
        {"q": "What turns?", "options": ["the wheel", "1"], "right": 0},
    ],
}
EXAMPLES = {name: items[-2:] for name, items in ITEMS.items()}
OWN = {
    "task": "own",
    "output_type": "multiple_choice",
    "doc_to_text": "{% if q|length > 12 %}Q: {% endif %}{{q}}\n",
    "doc_to_choice": "{{options}}",
    "doc_to_target": "{{right}}",
    "description": "Answer.\n\n",
    "target_delimiter": "=> ",
    "fewshot_delimiter": "\n---\n",
}


def main() -> None:
    """Writes requests.json beside this file."""
    told = []
    with tempfile.TemporaryDirectory() as folder:
        for name, items in ITEMS.items():
            files = {}
            for split, part in (("test", items[:-2]), ("train", EXAMPLES[name])):
                files[split] = f"{folder}/{name}-{split}.jsonl"
                Path(files[split]).write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in part))
            keys = OWN if name == "own" else load_yaml(TASKS / WHERE[name])
            keys = {key: value for key, value in keys.items() if key not in ("dataset_name", "validation_split", "tag")}
            keys |= {
                "task": name,
                "dataset_path": "json",
                "dataset_kwargs": {"data_files": files},
                "test_split": "test",
            }
            keys |= {"training_split": None, "fewshot_split": "train", "fewshot_config": {"sampler": "first_n"}}
            for shots in (0, 2):
                task = ConfigurableTask(config=dict(keys) | {"num_fewshot": shots})
                task.build_all_requests(limit=None)
                told += [
                    {
                        "task": name,
                        "shots": shots,
                        "doc_id": one.doc_id,
                        "arguments": [x for x in one.args if isinstance(x, str)],
                    }
                    for one in task.instances
                ]
    facts = {"lm_eval": "0.4.13", "items": ITEMS, "own": OWN, "requests": told}
    Path(__file__).with_name("requests.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
