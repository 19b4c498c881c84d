"""Tasks by name: ours (`sort`, `sort/7` for another size), or a user's own (`my_task.py:Name`)."""

import math
from collections.abc import Callable
from pathlib import Path

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.tasks.add import Add
from gristmill.trainer.tasks.checks import Exact, Number
from gristmill.trainer.tasks.copying import Copying
from gristmill.trainer.tasks.formatted import Formatted
from gristmill.trainer.tasks.own_file import fault, is_own, load
from gristmill.trainer.tasks.protocol import Example, Task
from gristmill.trainer.tasks.reverse import Reverse
from gristmill.trainer.tasks.sort import Sort

TASKS: dict[str, Callable[..., Task]] = {
    kind.name: kind for kind in (Sort, Reverse, Add, Copying, Formatted, Exact, Number)
}


def open_task(name: str) -> Task:
    """The task of that name. Raises ConfigError for one that is not known, or that does not do what a task does."""
    if is_own(name):
        return _checked(load(name, "task"), name)
    kind, slash, size = name.partition("/")
    if kind not in TASKS or (slash and (not hasattr(TASKS[kind], "size") or not size.isdecimal() or int(size) < 1)):
        raise ConfigError(
            f"unknown task {name!r}",
            where="the name of a task",
            fix=f"one of: {', '.join(TASKS)} (sort/7 for seven digits), or your own as FILE.py:NAME",
        )
    return TASKS[kind](size=int(size)) if slash else TASKS[kind]()


def examples_of(name: str, seed: int, count: int, lang: str) -> list[Example]:
    """So many examples of the task of that name. Raises ConfigError where a user's own fails or gives something else,
    in this language or at this number: it was tried with two English ones alone."""
    task = open_task(name)
    if not is_own(name):
        return task.examples(seed, count, lang)
    where = f"{name}, examples({seed}, {count}, {lang!r})"
    try:
        found = list(task.examples(seed, count, lang))
    except (Exception, SystemExit) as error:
        raise _wrong(where, fault(error, Path(name.rpartition(":")[0]))) from error
    if len(found) != count:
        raise ConfigError(
            f"the task gives {len(found)} examples, {count} were asked for",
            where=where,
            fix="give as many as are asked for; a language that it does not have: --set rollouts.lang=en, or --lang en",
        )
    for number, one in enumerate(found):
        messages, answer = getattr(one, "messages", None), getattr(one, "answer", None)
        if not isinstance(messages, list) or not isinstance(answer, str):
            raise _wrong(where, f"number {number} has no list of messages, or no text as answer")
    return found


def _checked(made: object, name: str) -> Task:
    """What a user's file gave, tried once: a mistake is found before the training begins."""
    path = Path(name.rpartition(":")[0])
    try:
        task: Task = made() if isinstance(made, type) else made  # type: ignore[assignment]
        missing = [method for method in ("examples", "score") if not callable(getattr(task, method, None))]
        if missing:
            raise _wrong(name, f"it has no {' and no '.join(missing)}")
        task.name = getattr(task, "name", "") or name
        first, again = task.examples(0, 2, "en"), task.examples(0, 2, "en")
        finite = all(math.isfinite(task.score(one.response, one.answer)) for one in first)
        same = [(one.messages, one.answer) for one in first] == [(one.messages, one.answer) for one in again]
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise _wrong(name, fault(error, path)) from error
    if len(first) != 2 or not same:
        raise _wrong(name, "examples(0, 2, 'en') does not give the same two examples each time")
    if not finite:
        raise _wrong(name, "score gives what is no finite number")
    return task


def _wrong(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"this is no task: {what}",
        where=name,
        fix="give it examples(seed, count, lang) and score(text, answer): see docs/alignment.md",
    )
