"""Which tasks are meant: names of bundled ones, YAML files, files of known shapes."""

import difflib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.bundled.heldout import HELD_OUT, MEMORISATION, heldout_items, memorisation_items
from gristmill.trainer.evaluate.bundled.language import LANGUAGE
from gristmill.trainer.evaluate.bundled.made import EXAMPLES, ITEMS, Bundled
from gristmill.trainer.evaluate.bundled.pairs import PROBES
from gristmill.trainer.evaluate.bundled.symbols import SYMBOLS
from gristmill.trainer.evaluate.tasks.arms import arms_of
from gristmill.trainer.evaluate.tasks.config import config_of
from gristmill.trainer.evaluate.tasks.shapes import SHAPES, open_shape
from gristmill.trainer.evaluate.tasks.task import Task, open_task_file

MADE: dict[str, Bundled] = SYMBOLS | LANGUAGE
FROM_TEXTS = (*HELD_OUT, "memorisation")
LANGUAGES = ("en", "zh")


def names() -> list[str]:
    """Of all bundled tasks."""
    return [f"{name}_{lang}" for name in (*MADE, *FROM_TEXTS, *PROBES) for lang in LANGUAGES]


def groups() -> dict[str, list[str]]:
    """Name of a group -> its tasks; tasks from texts of a run are a group of their own, for they need one."""
    made = [f"{name}_{lang}" for name in MADE for lang in LANGUAGES]
    texts = [f"{name}_{lang}" for name in HELD_OUT for lang in LANGUAGES]
    by_language = {lang: [name for name in made if name.endswith(f"_{lang}")] for lang in LANGUAGES}
    by_name = {name: [f"{name}_{lang}" for lang in LANGUAGES] for name in (*MADE, *FROM_TEXTS)}
    probes = [f"{name}_{lang}" for name in PROBES for lang in LANGUAGES]
    return by_language | {"all": made, "heldout": texts, "probes": probes} | by_name


def open_tasks(
    wanted: str, run: Path | None, limit: int | None, sampler: str | None = None, temperature: float | None = None
) -> list[Task]:
    """The tasks that are meant, in order, each name once. `sampler`: of examples, `temperature`: of what is written, in
    place of each task's. Raises ConfigError, InputError, before a model is asked."""
    found: dict[str, Task] = {}
    for one in filter(None, (part.strip() for part in wanted.split(","))):
        for make in _meant(one, run):
            for task in arms_of(make()):
                if task.name in found:
                    raise ConfigError(f"two tasks are named {task.name!r}", where="--tasks", fix="name each once")
                task = task if sampler is None else _sampled(task, sampler)
                task = task if temperature is None else _warmed(task, temperature)
                found[task.name] = task if limit is None else _first(task, limit)
    if not found:
        raise ConfigError("no task is named", where="--tasks", fix=f"one of: {', '.join(groups())}")
    for task in found.values():
        _ = task.questions
    return list(found.values())


def shots_of(text: str | None) -> list[int] | None:
    """`0,1,4`; None: as each task says. Raises ConfigError."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ConfigError(f"{text!r} is no list of numbers", where="--shots", fix="--shots 0,1,4")
    return sorted({int(part) for part in parts})


def _meant(one: str, run: Path | None) -> list[Callable[[], Task]]:
    if one.endswith((".yaml", ".yml")):
        return [lambda: open_task_file(Path(one))]
    shape, equals, files = one.partition("=")
    if equals:
        if shape not in SHAPES:
            raise ConfigError(f"shape {shape!r} is not known", where="--tasks", fix=f"one of: {', '.join(SHAPES)}")
        file, _, examples = files.partition("+")
        return [lambda: open_shape(shape, Path(file), Path(examples) if examples else None)]
    if one in groups():
        return [_bundled(name, run) for name in groups()[one]]
    if one in names():
        return [_bundled(one, run)]
    near = difflib.get_close_matches(one, [*groups(), *names()], 1, 0.6)
    fix = f"did you mean {near[0]!r}?" if near else f"{', '.join(groups())}; TASK.yaml; SHAPE=FILE"
    raise ConfigError(f"unknown task {one!r}", where="--tasks", fix=fix)


def _bundled(full: str, run: Path | None) -> Callable[[], Task]:
    name, _, lang = full.rpartition("_")

    def make() -> Task:
        where = f"bundled task {full}"
        if name in MADE:
            made = MADE[name]
            items = made.items(name, lang, "test", ITEMS)
            return Task(config_of(made.keys(name, lang), where), items, made.items(name, lang, "train", EXAMPLES))
        if name in PROBES:
            items_of, keys = PROBES[name]
            return Task(config_of({"task": full, "metadata": {"version": 1}} | keys, where), items_of(lang))
        if run is None:
            raise ConfigError("its items are texts of a run", where=where, fix="name one that has tokens/: --run RUN")
        if name == "memorisation":
            return Task(
                config_of({"task": full, "metadata": {"version": 1}} | MEMORISATION, where),
                memorisation_items(run, lang),
            )
        keys = {"task": full, "metadata": {"version": 1}} | HELD_OUT[name][1]
        return Task(config_of(keys, where), heldout_items(name, run, lang))

    return make


def _sampled(task: Task, sampler: str) -> Task:
    kept = {key: value for key, value in task.config.fewshot_config.items() if key != "by" or sampler == "balanced"}
    keys = vars(task.config) | {"fewshot_config": kept | {"sampler": sampler}}
    return replace(task, config=config_of(keys, "--sampler"))


def _warmed(task: Task, temperature: float) -> Task:
    if task.config.output_type != "generate_until":
        return task
    kwargs = task.config.generation_kwargs | {"do_sample": temperature > 0, "temperature": temperature}
    return replace(task, config=replace(task.config, generation_kwargs=kwargs))


def _first(task: Task, limit: int) -> Task:
    """The first items alone; examples are drawn from what they were drawn from before."""
    pool = task.items if task.examples is None and task.config.output_type != "loglikelihood_rolling" else task.examples
    return replace(task, items=task.items[:limit], examples=pool)


def write_task(task: Task, folder: Path) -> Path:
    """A task as TASK.yaml and its items beside it, for lm-evaluation-harness too (whose paths are relative to where it
    is started: they are written whole); the path of the YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    data = {"test": folder.resolve() / f"{task.name}.jsonl"}
    _write_items(data["test"], task.items)
    config = {key: value for key, value in vars(task.config).items() if value not in (None, {}, [])}
    config |= {"dataset_path": "json", "test_split": "test"}
    if task.examples is not None:
        data["train"] = folder.resolve() / f"{task.name}_examples.jsonl"
        _write_items(data["train"], task.examples)
        config["fewshot_split"] = "train"
    elif task.config.output_type != "loglikelihood_rolling":
        config["fewshot_split"] = "test"  # named, or the harness takes an item as an example of itself
    config["dataset_kwargs"] = {"data_files": {split: str(path) for split, path in data.items()}}
    path = folder / f"{task.name}.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _write_items(path: Path, items: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
