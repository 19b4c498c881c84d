"""Records of evaluation sets, as their authors publish them, as items: which of their fields is what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill.filters.contamination.items import Item

QUESTION = ("question", "question_stem", "query", "problem", "prompt", "ctx", "goal", "sentence", "instruction",
            "input", "text", "stem", "premise", "sentence1", "题目", "问题")  # fmt: skip
ANSWER = ("answer", "answers", "solution", "canonical_solution", "target", "output", "best_answer", "correct_answer",
          "code", "completion", "label", "gold", "answerkey", "答案", "response")  # fmt: skip
PASSAGE = ("passage", "context", "article", "story", "support", "background", "paragraph")
CHOICES = ("choices", "options", "endings", "distractors", "mc1_targets", "mc2_targets")
IDS = ("id", "task_id", "question_id", "idx", "ind", "qid")
LETTERS = "ABCDEFGH"
"""Columns of one choice each, as in MMLU's, C-Eval's and CMMLU's CSV."""
NUMBERED = (("option1", "option2", "option3", "option4", "option5"), ("sol1", "sol2"), ("choice1", "choice2"),
            ("correct_answer", "distractor1", "distractor2", "distractor3"),
            ("correct_answer", "incorrect_answer_1", "incorrect_answer_2", "incorrect_answer_3"))  # fmt: skip
"""Such columns of others: WinoGrande, PIQA, COPA, SciQ, GPQA."""
FROM_ONE = "option1"
"""A column of WinoGrande's, whose answers count from 1."""
MMLU_COLUMNS = ("question", "A", "B", "C", "D", "answer")
"""Of MMLU's own CSV, which has no header."""


@dataclass(frozen=True)
class Fields:
    """Which fields of a record hold what, where the user says it; a dot goes into a field: `data.text`."""

    question: str | None = None
    answer: str | None = None
    choices: str | None = None
    passage: str | None = None
    id: str | None = None


class NoQuestionError(ValueError):
    """No field of a record is its question."""


def reader_of(columns: Sequence[str], fields: Fields) -> Callable[[Mapping[str, Any], int], Item | None]:
    """What makes an item of each record of a set with these columns; None of one whose question is empty.

    Raises NoQuestionError where no column is the question.
    """
    known = _known(columns)

    def named(own: str | None, usual: Sequence[str]) -> str | None:
        return own or next((known[name] for name in usual if name in known), None)

    question = named(fields.question, QUESTION)
    if question is None:
        raise NoQuestionError
    answer, passage = named(fields.answer, ANSWER), named(fields.passage, PASSAGE)
    choices, own_id = named(fields.choices, CHOICES), named(fields.id, IDS)
    letters = [known[letter] for letter in LETTERS.lower() if letter in known and known[letter] != question]
    if choices is None and len(letters) < 2:
        rows = [[known[name] for name in row if name in known] for row in NUMBERED if row[0] in known]
        letters = next((row for row in rows if len(row) > 1), [])

    def read(record: Mapping[str, Any], number: int) -> Item | None:
        asked = found(record, question)
        inner = asked if isinstance(asked, Mapping) else {}
        texts = _choices(found(record, choices) if choices else inner.get("choices"))
        if not texts and letters:
            texts = [plain(record.get(letter)) for letter in letters]
        whole = plain(inner.get("stem", asked))
        said = plain(found(record, passage)) if passage and passage != question else ""
        if not whole.strip():
            return None
        told = _answer(found(record, answer) if answer else None, texts, record)
        if answer is None and choices is not None:
            told = _marked(found(record, choices), texts)
        return Item(
            plain(found(record, own_id)) if own_id else str(number), whole, told, tuple(filter(None, texts)), said
        )

    return read


def question_of(columns: Sequence[str]) -> str | None:
    """Which of these columns is known to be the question; None where none is."""
    known = _known(columns)
    return next((known[name] for name in QUESTION if name in known), None)


def _known(columns: Sequence[str]) -> dict[str, str]:
    """Columns by their names as they are known: `Best Answer` is `best_answer`."""
    return {column.strip().lower().replace(" ", "_"): column for column in columns}


def found(record: Mapping[str, Any], path: str | None) -> Any:
    """The value of a field; of what lies in a field by a path with dots. None where there is none."""
    if path is None or path in record:
        return record.get(path) if path is not None else None
    value: Any = record
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def plain(value: Any) -> str:
    """A value as text: lists a line each; of a mapping its `text` or `value`; "" for nothing."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return plain(next((value[name] for name in ("text", "value", "content", "stem") if name in value), None))
    if isinstance(value, str):  # JSON may hold half of a pair of UTF-16, which is no text
        return value if value.isascii() else value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Sequence) or hasattr(value, "tolist"):
        return "\n".join(map(plain, value.tolist() if hasattr(value, "tolist") else value))
    return str(value)


def _choices(value: Any) -> list[str]:
    """Texts of the choices: a list of texts or of {text, label}, or {text: [...], label: [...]}, ARC's in columns."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        texts = next((value[name] for name in ("text", "choices") if name in value), None)
        value = list(value.values()) if texts is None else texts
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [plain(one) for one in value] if isinstance(value, list) else [plain(value)]


def _answer(value: Any, choices: Sequence[str], record: Mapping[str, Any]) -> str:
    """The text of the answer: that of the choice which a letter, a label or a number names."""
    if isinstance(value, bool):  # BoolQ's: no document says it so
        return ""
    told = plain(value).strip()
    if not choices:
        return plain(value)
    labels = next((names for one in record.values() if (names := _labels(one))), [*LETTERS[: len(choices)]])
    if FROM_ONE in record:
        labels = [str(number + 1) for number in range(len(choices))]
    if told in labels and labels.index(told) < len(choices):
        return choices[labels.index(told)]
    if told.isdigit() and int(told) < len(choices):
        return choices[int(told)]
    return told


def _marked(value: Any, choices: Sequence[str]) -> str:
    """The text of the first choice that TruthfulQA's `labels` mark with 1."""
    labels = plain(value.get("labels")).split("\n") if isinstance(value, Mapping) else []
    return choices[labels.index("1")] if "1" in labels[: len(choices)] else ""


def _labels(value: Any) -> list[str]:
    """Labels that stand beside choices, as ARC's."""
    if isinstance(value, Mapping):
        if "label" in value and "text" in value and not isinstance(value["label"], str):
            return [plain(one) for one in value["label"]]
        return _labels(value.get("choices"))
    if isinstance(value, list) and value and all(isinstance(one, Mapping) and "label" in one for one in value):
        return [plain(one["label"]) for one in value]
    return []
