"""Files of known benchmarks, as their makers or the Hub write them, that the user has: SHAPE=FILE.

Nothing is fetched. Prompts, stop strings and metrics are those of lm-evaluation-harness's tasks of that name.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.trainer.errors import InputError
from gristmill.trainer.evaluate.tasks.config import config_of
from gristmill.trainer.evaluate.tasks.items import Item, read_items
from gristmill.trainer.evaluate.tasks.task import Task

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Shape:
    """How items of a benchmark become fields of its task."""

    keys: dict[str, Any]
    """Of the task."""
    fields: Callable[[Item], Item]
    """An item of the file to one of the task; KeyError, TypeError, ValueError for another shape."""
    columns: list[str] | None = None
    """Of a CSV file whose first line names none."""


def open_shape(name: str, file: Path, examples: Path | None, rename: str | None = None) -> Task:
    """A file of that shape as a task. Raises InputError for another shape."""
    shape = SHAPES[name]
    config = config_of({"task": rename or f"{name}_{file.stem}", **shape.keys}, f"shape {name}")
    items = _items(name, shape, file)
    others = None if examples is None else _items(name, shape, examples)
    return Task(config, items, others, {str(file): hashlib.sha256(file.read_bytes()).hexdigest()})


def _items(name: str, shape: Shape, file: Path) -> list[Item]:
    found = []
    for number, item in enumerate(read_items(file, shape.columns)):
        try:
            found.append(shape.fields(item))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            what = f"field {error} is missing" if isinstance(error, KeyError) else "its fields have another form"
            raise InputError(
                f"this is no item of shape `{name}`: {what}",
                where=f"{file}, item {number}",
                fix=f"its fields are: {', '.join(map(str, item))}; for other forms write a task (docs/evaluation.md)",
            ) from error
    return found


def _letters(item: Item) -> Item:
    """MMLU, C-Eval, CMMLU: choices in a list or in columns A to D; an answer as a letter or a number."""
    low = {str(key).strip().lower(): value for key, value in item.items()}
    choices = [str(one) for one in low["choices"]] if "choices" in low else [str(low[letter]) for letter in "abcd"]
    answer = low["answer"]
    if isinstance(answer, str):
        answer = answer.strip()
        answer = LETTERS.index(answer) if answer and answer in LETTERS else answer
    subject = {"subject": low["subject"]} if low.get("subject") else {}
    return {
        "question": str(low["question"]),
        "listed": choices,
        "letters": list(LETTERS[: len(choices)]),
        "answer": answer,
    } | subject


def _arc(item: Item) -> Item:
    """The Hub's form (choices: {text, label}), or the first one's (question: {stem, choices: [{text, label}]})."""
    asked, choices = item["question"], item.get("choices")
    if isinstance(asked, dict):
        asked, choices = asked["stem"], asked["choices"]
    if isinstance(choices, list):
        choices = {"text": [one["text"] for one in choices], "label": [one["label"] for one in choices]}
    assert choices is not None
    return {
        "question": asked,
        "choices": list(choices["text"]),
        "answer": list(choices["label"]).index(item["answerKey"]),
    }


def _hellaswag(item: Item) -> Item:
    """As `process_docs` of lm-evaluation-harness."""
    if "ctx_a" in item:
        before = f"{item['ctx_a']} {str(item['ctx_b']).capitalize()}"
    else:
        before = item["ctx"]
    if item.get("activity_label"):
        before = f"{item['activity_label']}: {before}"
    label = item["label"]
    return {
        "query": _plain(before),
        "choices": [_plain(ending) for ending in item["endings"]],
        "answer": int(label) if label != "" else "",
    }


def _plain(text: str) -> str:
    """WikiHow's markup out (lm-evaluation-harness, hellaswag/utils.py)."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def _gsm8k(item: Item) -> Item:
    return {"question": item["question"], "answer": item["answer"]}


def _humaneval(item: Item) -> Item:
    return {key: item[key] for key in ("prompt", "test", "entry_point")} | {
        "answer": item.get("canonical_solution", "")
    }


def _lettered(answer_word: str) -> dict[str, Any]:
    listed = "{% for choice in listed %}{{letters[loop.index0]}}. {{choice}}\n{% endfor %}"
    return {
        "output_type": "multiple_choice",
        "doc_to_text": "{{question.strip()}}\n" + listed + answer_word,
        "doc_to_choice": "letters",
        "doc_to_target": "answer",
        "num_fewshot": 5,
        "metadata": {"version": 1},
        "fewshot_config": {"sampler": "first_n"},
    }


SHAPES: dict[str, Shape] = {
    "mmlu": Shape(_lettered("Answer:"), _letters, ["question", "A", "B", "C", "D", "answer"]),
    "ceval": Shape(_lettered("答案："), _letters),
    "cmmlu": Shape(_lettered("答案："), _letters),
    "arc": Shape(
        {
            "output_type": "multiple_choice",
            "doc_to_text": "Question: {{question}}\nAnswer:",
            "doc_to_choice": "choices",
            "doc_to_target": "answer",
            "metadata": {"version": 1},
        },
        _arc,
    ),
    "hellaswag": Shape(
        {
            "output_type": "multiple_choice",
            "doc_to_text": "{{query}}",
            "doc_to_choice": "choices",
            "doc_to_target": "answer",
            "metadata": {"version": 1},
        },
        _hellaswag,
    ),
    "gsm8k": Shape(
        {
            "output_type": "generate_until",
            "doc_to_text": "Question: {{question}}\nAnswer:",
            "doc_to_target": "{{answer}}",
            "num_fewshot": 5,
            "metadata": {"version": 3},
            "generation_kwargs": {"until": ["Question:", "</s>", "<|im_end|>"], "do_sample": False, "temperature": 0.0},
            "metric_list": [
                {
                    "metric": "exact_match",
                    "ignore_case": True,
                    "ignore_punctuation": False,
                    "regexes_to_ignore": [",", "\\$", "(?s).*#### ", "\\.$"],
                }
            ],
            "filter_list": [
                {
                    "name": "strict-match",
                    "filter": [
                        {"function": "regex", "regex_pattern": "#### (\\-?[0-9\\.\\,]+)"},
                        {"function": "take_first"},
                    ],
                },
                {
                    "name": "flexible-extract",
                    "filter": [
                        {"function": "regex", "group_select": -1, "regex_pattern": "(-?[$0-9.,]{2,})|(-?[0-9]+)"},
                        {"function": "take_first"},
                    ],
                },
            ],
        },
        _gsm8k,
    ),
    "humaneval": Shape(
        {
            "output_type": "generate_until",
            "doc_to_text": "{{prompt}}",
            "doc_to_target": "answer",
            "target_delimiter": "",
            "unsafe_code": True,
            "metadata": {"version": 1},
            "generation_kwargs": {
                "until": ["\nclass", "\ndef", "\n#", "\nif", "\nprint"],
                "max_gen_toks": 1024,
                "do_sample": False,
            },
            "metric_list": [
                {
                    "metric": "pass_at_k",
                    "k": [1, 10, 100],
                    "language": "python",
                    "program": "{{prompt}}{{response}}\n{{test}}\ncheck({{entry_point}})",
                }
            ],
        },
        _humaneval,
    ),
}
