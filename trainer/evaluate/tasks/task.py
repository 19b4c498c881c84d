"""A task that can be asked: its configuration, its items, and what each of them asks."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.turns import Turn, parse
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.tasks import template
from gristmill.trainer.evaluate.tasks.config import TaskConfig, read_config
from gristmill.trainer.evaluate.tasks.items import Item, read_items
from gristmill.trainer.tasks import own_file

PLACES = ("dataset_path", "dataset_kwargs", "training_split", "validation_split", "test_split", "fewshot_split")
"""Keys of a task that say where its items lie."""


@dataclass(frozen=True)
class Question:
    """What an item asks, without examples."""

    text: str
    choices: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    """Right ones; of a multiple choice those of `right`."""
    right: tuple[int, ...] = ()
    """Indices of right choices."""
    turns: tuple[Turn, ...] = ()
    """Of a conversation that the assistant is to answer, in place of `text`."""
    structure: dict[str, Any] = field(default_factory=dict)
    """What is to be written; of nothing anything."""


@dataclass(frozen=True)
class Task:
    """Items and what is asked of them."""

    config: TaskConfig
    items: list[Item]
    examples: list[Item] | None = None
    """None: the items themselves."""
    files: dict[str, str] = field(default_factory=dict)
    """Path of a file of items -> its sha256: what the contamination of a corpus is known by."""
    folder: Path = Path()
    """Where other files that its configuration names lie."""

    @property
    def name(self) -> str:
        """Of the task."""
        return self.config.task

    @cached_property
    def questions(self) -> list[Question]:
        """Of every item: all are read before a model is asked anything. Raises InputError for the first bad one."""
        return [
            question(self.config, item, f"task {self.name}, item {number}") for number, item in enumerate(self.items)
        ]

    @cached_property
    def digest(self) -> str:
        """sha256 of all that a model is asked and judged by: the keys that say so, items, examples, files of its own
        tools; not the names of files of items, nor where they lie."""
        keys = {key: value for key, value in vars(self.config).items() if key not in PLACES}
        tools = [name.rpartition(":")[0] for name in self.config.tools if own_file.is_own(name)]
        read = {name: _sha256(self.folder / name) for name in tools if (self.folder / name).is_file()}
        return item_hash({"keys": keys, "items": self.items, "examples": self.examples, "tools": read})


def open_task_file(path: Path) -> Task:
    """The task of a YAML file, with its items. Raises InputError, ConfigError."""
    config = read_config(path)
    data = config.dataset_kwargs.get("data_files")
    if isinstance(data, str):
        data = {"train": data}  # as the library `datasets` names a single file
    split = config.evaluated_split or "test"
    if not isinstance(data, dict) or split not in data:
        raise ConfigError(
            f"the task names no file of its split `{split}`",
            where=str(path),
            fix="dataset_kwargs: {data_files: {test: items.jsonl}} and test_split: test",
        )
    files: dict[str, str] = {}
    items = _read(path.parent, data[split], files)
    written = config.fewshot_config.get("samples")
    examples = list(written) if isinstance(written, list) else None
    if examples is None and config.example_split and config.example_split != split:
        if config.example_split not in data:
            raise ConfigError(
                f"the task names no file of its split `{config.example_split}`",
                where=str(path),
                fix="add it to data_files",
            )
        examples = _read(path.parent, data[config.example_split], {})
    return Task(config, items, examples, files, path.parent)


def _read(folder: Path, names: Any, files: dict[str, str]) -> list[Item]:
    found: list[Item] = []
    for name in [names] if isinstance(names, str) else names:
        path = folder / name
        found += read_items(path)
        files[str(path)] = _sha256(path)
    return found


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def question(config: TaskConfig, item: Item, where: str) -> Question:
    """What an item asks. Raises InputError for one without an answer."""
    if config.output_type == "loglikelihood_rolling":
        return Question("", answers=(_text(config.doc_to_target, item, where),))
    text, turns = "", _turns(config, item, where)
    if isinstance(config.doc_to_text, str) and not turns:
        text = template.filled(config.doc_to_text, item, where)
    target = (
        config.doc_to_target
        if isinstance(config.doc_to_target, int)
        else template.value(config.doc_to_target, item, where)
    )
    structure = _structure(config, item, where)
    if config.doc_to_choice is not None:
        if isinstance(target, str) and config.doc_to_target not in item and target.isdigit():
            target = int(target)  # a template that gives digits means a choice's number, as in lm-evaluation-harness
        choices = _choices(config, item, where)
        right = tuple(_index(one, choices, where) for one in (target if isinstance(target, list) else [target]))
        return Question(text, choices, tuple(choices[number] for number in right), right, turns, structure)
    answers = tuple(map(str, target)) if isinstance(target, list) else ("" if target is None else str(target),)
    if (not answers or not all(answers)) and not config.unsafe_code and not config.probes:
        raise InputError("the item has no answer", where=where, fix="give it one, or leave the item out")
    return Question(text, answers=answers, turns=turns, structure=structure)


def _turns(config: TaskConfig, item: Item, where: str) -> tuple[Turn, ...]:
    if not config.is_conversation:
        return ()
    said = [one | {"content": template.filled(one["content"], item, where)} for one in config.messages]
    try:
        return tuple(parse(said, generation=True))
    except ChatError as error:
        raise InputError(f"no conversation: {error}", where=where, fix="mend the item, or leave it out") from error


def _structure(config: TaskConfig, item: Item, where: str) -> dict[str, Any]:
    """That of the task, with an item's own choices where they hang on it."""
    wanted = config.structure.get("choices")
    return {"choices": list(_texts(wanted, item, where))} if isinstance(wanted, str) else config.structure


def _choices(config: TaskConfig, item: Item, where: str) -> tuple[str, ...]:
    return _texts(config.doc_to_choice, item, where)


def _texts(wanted: str | list[str] | dict[str, str] | None, item: Item, where: str) -> tuple[str, ...]:
    found = template.value(wanted, item, where) if isinstance(wanted, str) else wanted
    found = list(found.values()) if isinstance(found, dict) else found
    if not isinstance(found, list) or len(found) < 2 or not all(isinstance(one, str) and one for one in found):
        raise InputError(
            "the item's choices are no list of two or more texts", where=where, fix="see `doc_to_choice` of the task"
        )
    return tuple(found)


def _index(target: Any, choices: tuple[str, ...], where: str) -> int:
    """Which choice a target means: its number, or its text."""
    if isinstance(target, str) and target in choices:
        return choices.index(target)
    if isinstance(target, str) and target.strip().isdigit():
        target = int(target)
    if isinstance(target, int) and 0 <= target < len(choices):
        return target
    missing = target is None or target == ""
    raise InputError(
        "the item has no answer" if missing else "the item's answer is none of its choices",
        where=where,
        fix=f"the number of a choice, 0 to {len(choices) - 1}, or its text",
    )


def _text(wanted: str | int, item: Item, where: str) -> str:
    text = template.filled(str(wanted), item, where)
    if not text:
        raise InputError("the item has no text", where=where, fix="leave it out")
    return text


def item_hash(item: Item) -> str:
    """What an item is known by in results, whatever its place: sha256 of its fields."""
    return hashlib.sha256(json.dumps(item, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
