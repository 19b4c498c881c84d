"""Variants of a prompt: a task that names several is asked once with each, its arms, on the same items.

prompts:
  plain: "{{question}}\\nAnswer:"                                       # a template, in place of doc_to_text
  chat: [{role: user, content: "{{question}}"}]                        # turns
  steps: {doc_to_text: "{{question}} Step by step:", target_delimiter: "\\n", filter_list: [...]}    # any of KEYS
"""

import difflib
import re
from dataclasses import replace

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.tasks.config import config_of
from gristmill.trainer.evaluate.tasks.task import Task

KEYS = (
    "doc_to_text", "doc_to_target", "doc_to_choice", "description", "target_delimiter", "fewshot_delimiter",
    "fewshot_config", "generation_kwargs", "structure", "tools", "filter_list", "metric_list",
)  # fmt: skip
"""What an arm may say otherwise: how is asked and how an answer is read, not what."""
BETWEEN = "@"
"""Stands between the names of a task and of an arm."""


def arms_of(task: Task) -> list[Task]:
    """A task for each of its prompts, `TASK@ARM`, in their order; of one without prompts itself. Raises ConfigError."""
    if not task.config.prompts:
        return [task]
    shared = {key: value for key, value in vars(task.config).items() if key != "prompts"}
    made = []
    for name, prompt in task.config.prompts.items():
        where = f"task {task.name}, prompts, {name}"
        if not re.fullmatch(r"[\w.-]+", str(name)):
            raise ConfigError("an arm is named by letters, digits, `_`, `-`, `.`", where=where, fix="plain: ...")
        keys = prompt if isinstance(prompt, dict) else {"doc_to_text": prompt}
        if unknown := [key for key in keys if key not in KEYS]:
            near = difflib.get_close_matches(str(unknown[0]), KEYS, 1, 0.6)
            fix = f"did you mean `{near[0]}`?" if near else f"one of: {', '.join(KEYS)}"
            raise ConfigError(f"`{unknown[0]}` is not an arm's own", where=where, fix=fix)
        own = {"task": f"{task.name}{BETWEEN}{name}"}
        made.append(replace(task, config=config_of(shared | keys | own, where)))
    return made


def base_of(name: str) -> str:
    """The task that an arm is of; of a task that is none itself."""
    return name.partition(BETWEEN)[0]
