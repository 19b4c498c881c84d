"""A task's YAML: the keys of lm-evaluation-harness that are data, so that the same file serves both.

task: colours
dataset_path: json
dataset_kwargs: {data_files: {test: colours.jsonl, train: examples.jsonl}}     # beside the YAML
test_split: test
fewshot_split: train
output_type: multiple_choice
doc_to_text: "{{question}}\\nAnswer:"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metadata: {version: 1}
"""

import difflib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from gristmill.tokenizer.chat.errors import ChatError
from gristmill.tokenizer.chat.turns import parse
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.structure.wanted import expression_of
from gristmill.trainer.evaluate.tasks.template import check

OUTPUT_TYPES = ("multiple_choice", "loglikelihood", "loglikelihood_rolling", "generate_until")
SAMPLERS = ("default", "first_n", "similar", "balanced")
IGNORED = (
    "tag",
    "group",
    "task_alias",
    "dataset_name",
    "should_decontaminate",
    "doc_to_decontamination_query",
    "include",
)
"""Keys of lm-evaluation-harness that change no score here."""
PYTHON = ("process_docs", "process_results", "custom_dataset", "use_prompt", "doc_to_image", "doc_to_audio")


@dataclass(frozen=True, kw_only=True)
class TaskConfig:
    """The keys, with their defaults there."""

    task: str = ""
    output_type: str = "generate_until"
    dataset_path: str = "json"
    """json, csv or parquet; what a file is told by its name."""
    dataset_kwargs: dict[str, Any] = field(default_factory=dict)
    training_split: str | None = None
    validation_split: str | None = None
    test_split: str | None = None
    fewshot_split: str | None = None
    """None: the training's, else the items themselves, of which an item never sees itself."""
    fewshot_config: dict[str, Any] = field(default_factory=dict)
    """`sampler`: default (drawn for each item), first_n (always the first), similar, balanced (`by` a field, else the
    right answer); `samples`: examples written in the YAML."""
    num_fewshot: int | None = None
    """Examples in the context, where the command line does not say."""
    description: str = ""
    doc_to_text: str | list[dict[str, str]] = ""
    """A template, or turns of a conversation, whose `content`s are templates; the assistant answers it."""
    doc_to_target: str | int = ""
    doc_to_choice: str | list[str] | dict[str, str] | None = None
    target_delimiter: str = " "
    fewshot_delimiter: str = "\n\n"
    generation_kwargs: dict[str, Any] = field(default_factory=dict)
    """until, max_gen_toks (256), do_sample, temperature, top_k, top_p, min_p."""
    structure: dict[str, Any] = field(default_factory=dict)
    """What is to be written behind the delimiter: `choices` (a list, or a template of one), `regex`, `json_schema`."""
    repeats: int = 1
    """Continuations of each prompt."""
    filter_list: list[dict[str, Any]] = field(default_factory=list)
    metric_list: list[dict[str, Any]] = field(default_factory=list)
    """Options of metrics; which ones there are follows from output_type."""
    prompts: dict[str, Any] = field(default_factory=dict)
    """Arms (arms.py): name -> a template, turns, or keys in place of the task's."""
    tools: list[str] = field(default_factory=list)
    """calculator, search, FILE.py:FUNCTION (beside the YAML): what the model may call before it answers."""
    unsafe_code: bool = False
    """Programs that a model writes are run (in a sandbox)."""
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def probes(self) -> bool:
        """Whether what is written is for others to judge: there is no right answer."""
        return any(one.get("metric") == "probe" for one in self.metric_list)

    @property
    def until(self) -> list[str]:
        """What ends a generation. A structure and an assistant's turn end by themselves."""
        if self.structure or self.is_conversation:
            return []
        found = self.generation_kwargs.get("until", [self.fewshot_delimiter])
        return [found] if isinstance(found, str) else list(found)

    @property
    def is_conversation(self) -> bool:
        """Whether what is asked is a user's turn, and the answer an assistant's."""
        return isinstance(self.doc_to_text, list) or bool(self.tools)

    @property
    def messages(self) -> list[dict[str, str]]:
        """What is asked as turns."""
        asked = self.doc_to_text
        return asked if isinstance(asked, list) else [{"role": "user", "content": asked}]

    @property
    def delimiter(self) -> str:
        """Between what is asked and the answer: nothing where the answer is a turn."""
        return "" if self.is_conversation else self.target_delimiter

    @property
    def evaluated_split(self) -> str | None:
        """Name of the split whose items are asked."""
        return self.test_split or self.validation_split or self.training_split

    @property
    def example_split(self) -> str | None:
        """Name of the split that examples are drawn from."""
        return self.fewshot_split or (self.training_split if self.training_split != self.evaluated_split else None)


def read_config(path: Path) -> TaskConfig:
    """The task of a YAML file. Raises InputError, ConfigError."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the task's file cannot be read", where=str(path), fix="name a YAML file") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        what = "it runs Python functions" if "!function" in str(error) else "this is no YAML"
        raise ConfigError(
            f"{what}{line}", where=str(path), fix="a task is data here: templates over an item's fields, no functions"
        ) from error
    if not isinstance(found, dict):
        raise ConfigError("this is no task: no keys", where=str(path), fix="see docs/evaluation.md")
    return config_of({"task": path.stem} | found, str(path))


def config_of(keys: dict[str, Any], where: str) -> TaskConfig:
    """The task of these keys. Raises ConfigError that names what is wrong."""
    known = {one.name for one in fields(TaskConfig)}
    for key in keys:
        if key in PYTHON:
            raise ConfigError(f"`{key}` runs Python", where=where, fix="a task is data here; leave it out")
        if key not in known and key not in IGNORED:
            near = difflib.get_close_matches(key, known, 1, 0.6)
            raise ConfigError(
                f"unknown key `{key}`",
                where=where,
                fix=f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(sorted(known))}",
            )
    given = {key: value for key, value in keys.items() if key in known and value is not None}
    _check_types(given, where)
    config = TaskConfig(**given)
    if not config.prompts:  # else each arm is checked
        _check(config, where)
    return config


def _check_types(given: dict[str, Any], where: str) -> None:
    kinds: dict[str, tuple[type, ...]] = {
        "task": (str,), "output_type": (str,), "dataset_path": (str,), "description": (str,),
        "doc_to_text": (str, list), "tools": (list,), "prompts": (dict,),
        "doc_to_target": (str, int), "doc_to_choice": (str, list, dict), "target_delimiter": (str,),
        "fewshot_delimiter": (str,), "dataset_kwargs": (dict,), "fewshot_config": (dict,), "generation_kwargs": (dict,),
        "structure": (dict,),
        "metadata": (dict,), "filter_list": (list,), "metric_list": (list,), "repeats": (int,), "num_fewshot": (int,),
        "unsafe_code": (bool,), "training_split": (str,), "validation_split": (str,), "test_split": (str,),
        "fewshot_split": (str,),
    }  # fmt: skip
    for key, found in given.items():
        if not isinstance(found, kinds[key]) or (isinstance(found, bool) and bool not in kinds[key]):
            wanted = " or ".join(kind.__name__ for kind in kinds[key])
            raise ConfigError(f"`{key}` is no {wanted}", where=where, fix="see docs/evaluation.md for its form")
    for key in ("filter_list", "metric_list"):
        if not all(isinstance(one, dict) for one in given.get(key, [])):
            raise ConfigError(f"`{key}` holds what is no mapping", where=where, fix="- metric: exact_match")


def _check(config: TaskConfig, where: str) -> None:
    def wrong(what: str, fix: str) -> ConfigError:
        return ConfigError(what, where=where, fix=fix)

    if config.output_type not in OUTPUT_TYPES:
        raise wrong(f"output_type {config.output_type!r} is not known", f"one of: {', '.join(OUTPUT_TYPES)}")
    if config.output_type == "multiple_choice" and config.doc_to_choice is None:
        raise wrong("a task of multiple choice without `doc_to_choice`", 'doc_to_choice: "{{choices}}"')
    if config.doc_to_target == "" and not config.unsafe_code and not config.probes:
        raise wrong("the task has no answers: `doc_to_target` is missing", 'doc_to_target: "{{answer}}"')
    if config.repeats < 1:
        raise wrong("`repeats` is below 1", "1 or more")
    if config.num_fewshot is not None and config.num_fewshot < 0:
        raise wrong("`num_fewshot` is below 0", "0 or more")
    if (sampler := config.fewshot_config.get("sampler", "default")) not in SAMPLERS:
        raise wrong(f"fewshot_config: sampler {sampler!r} is not known", f"one of: {', '.join(SAMPLERS)}")
    by = config.fewshot_config.get("by")
    if by is not None and (sampler != "balanced" or not isinstance(by, str)):
        raise wrong("fewshot_config: `by` is the field of sampler balanced", "{sampler: balanced, by: label}")
    if config.is_conversation:
        _check_conversation(config, where)
    if config.structure:
        _check_structure(config, where)
    for key in ("doc_to_text", "doc_to_target", "doc_to_choice", "description"):
        if isinstance(template := getattr(config, key), str):
            check(template, f"{where}, {key}")


def _check_structure(config: TaskConfig, where: str) -> None:
    if config.output_type != "generate_until":
        raise ConfigError(
            f"`structure` is of what is written, not of {config.output_type}", where=where, fix="generate_until"
        )
    _no_until(config, "a structure", where)
    if isinstance(template := config.structure.get("choices"), str):
        check(template, f"{where}, structure, choices")
    else:
        expression_of(config.structure, f"{where}, structure")


def _check_conversation(config: TaskConfig, where: str) -> None:
    if not all(isinstance(name, str) for name in config.tools):
        raise ConfigError("`tools` holds what is no name", where=where, fix="tools: [calculator]")
    if config.tools and config.output_type != "generate_until":
        raise ConfigError(
            f"`tools` are of what is written, not of {config.output_type}", where=where, fix="generate_until"
        )
    if config.output_type == "loglikelihood_rolling":
        raise ConfigError("a whole text is no conversation", where=where, fix="leave doc_to_text out")
    _no_until(config, "a turn", where)
    for number, message in enumerate(config.messages, 1):
        place = f"{where}, doc_to_text, turn {number}"
        if not isinstance(message, dict) or list(map(type, map(message.get, ("role", "content")))) != [str, str]:
            raise ConfigError("a turn is no role and content", where=place, fix='{role: user, content: "{{question}}"}')
        check(message["content"], place)
    try:
        parse(config.messages, generation=True)
    except ChatError as error:
        place = f"{where}, doc_to_text"
        raise ConfigError(f"no conversation: {error}", where=place, fix="the last turn is the user's") from error


def _no_until(config: TaskConfig, what: str, where: str) -> None:
    if config.generation_kwargs.get("until"):
        raise ConfigError(f"`until` would cut {what}", where=where, fix=f"leave `until` out: {what} ends by itself")
