"""The launch target: one YAML file that says what is trained, where, and what must hold before."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from gristmill.filters.names import nearest
from gristmill.infra.launch.kubernetes import KubernetesOptions
from gristmill.infra.launch.local import LocalOptions
from gristmill.infra.launch.registry import LAUNCHERS
from gristmill.infra.launch.slurm import SlurmOptions
from gristmill.infra.launch.torchrun import TorchrunOptions
from gristmill.infra.launch.vertex import VertexOptions
from gristmill.infra.work.order import Step
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.base import Model, Share
from gristmill.pipelines.recipe.gates import parse_gate
from gristmill.pipelines.recipe.load import dotted, line_of, lines_of
from gristmill.pipelines.recipe.yaml import plain
from gristmill.pipelines.storage.addresses import is_remote

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$")]
"""Part of the names of jobs: at most 24 letters, digits and hyphens."""
PRETRAIN = "pretrain"
STAGES = (PRETRAIN, "sft", "reward", "dpo", "grpo", "ppo", "reject", "distill")


def _gate(text: str) -> str:
    parse_gate(text)
    return text


class Link(Model):
    """One step of a chain: a training."""

    stage: Literal["pretrain", "sft", "reward", "dpo", "grpo", "ppo", "reject", "distill"] = "pretrain"
    run: str | None = None
    """The run whose shards it reads, a path from this file or an address. Default: the run that is seen."""
    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """It lives in train/<name> of its run. Default: made from the target's name and the manifest's hash."""
    begin: str | None = Field(None, alias="from")
    """A checkpoint. Default: that of the step before."""
    preset: str | None = None
    steps: int | None = Field(None, ge=1, le=2**40)
    task: str | None = None
    teacher: str | None = None
    settings: dict[str, str | int | float | bool] = {}
    """Any other option of the trainer: `optim.lr: 0.002`."""

    def step(self, name: str, folder: Path) -> Step:
        """As an order has it; paths start from a folder."""
        told: list[str] = []
        for option, given in (("--preset", self.preset), ("--steps", self.steps), ("--task", self.task)):
            told += [] if given is None else [option, str(given)]
        told += [] if self.teacher is None else ["--teacher", _place(self.teacher, folder)]
        for key, value in self.settings.items():
            told += ["--set", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
        run = "" if self.run is None else _place(self.run, folder)
        begin = "" if self.begin is None else _place(self.begin, folder)
        return Step(self.stage, self.name or name, run, begin, tuple(told))


class Drift(Model):
    """How far a run may be from an earlier one."""

    reference: str = "previous"
    """`previous`: the run of the same folder that was trained on last; or a run, by path or address."""
    most: float = Field(0.25, gt=0, le=100)
    """Population stability index (docs/gates.md): from 0.25 on something has changed."""


class Require(Model):
    """What must hold beyond the gates of the run's recipe."""

    report: Literal["finished", "green"] = "finished"
    """`finished`: a whole run, whose totals reconcile. `green`: without a single alarm, too."""
    tokens: int | None = Field(None, ge=1, le=2**60)
    """The fewest tokens, of all splits."""
    contamination: Share | None = None
    """The largest share of documents in which an evaluation set was found."""
    personal_data: Literal["scrubbed", "any"] = "any"
    """`scrubbed`: the recipe scrubs personal data, and everything that was kept went through it."""
    drift: Drift | None = None
    gates: list[Annotated[str, AfterValidator(_gate)]] = []
    """Written as in a recipe: `languages.zh.kept_documents >= 1000`."""


class Target(Model):
    """What `--launch` names."""

    launch: Literal["local", "torchrun", "slurm", "kubernetes", "vertex"]
    name: Name = "main"
    """Trainings live in train/<name>-<hash of the manifest>."""
    chain: list[Link] = Field([Link()], min_length=1, max_length=100)
    """Trainings one after the other; each begins with the checkpoint of the one before."""
    require: Require = Require()
    retries: int = Field(1, ge=0, le=100)
    """How often a training is begun again, from its last checkpoint, when its process or machine has died."""
    paths: dict[str, str] = {}
    """Where the job sees folders of this machine: {/data/runs: /mnt/runs}."""
    local: LocalOptions | None = None
    torchrun: TorchrunOptions | None = None
    slurm: SlurmOptions | None = None
    kubernetes: KubernetesOptions | None = None
    vertex: VertexOptions | None = None

    @model_validator(mode="after")
    def _chain_begins(self) -> "Target":
        for number, link in enumerate(self.chain):
            if number == 0 and link.stage != PRETRAIN and link.begin is None:
                raise ValueError(f"chain[0]: {link.stage} needs a checkpoint to begin from: `from: RUN/train/NAME`")
        return self


class Chain(Model):
    """What `gristmill train chain` takes: every step names its run."""

    chain: list[Link] = Field(min_length=1, max_length=100)


def load_target(file: Path) -> tuple[Target, Path]:
    """A target, and the folder that its paths start from. Raises RecipeError that lists every problem."""
    return _load(file, Target, "target"), file.parent


def load_chain(file: Path) -> list[Step]:
    """The steps of a chain file. Raises RecipeError that lists every problem."""
    links = _load(file, Chain, "chain").chain
    steps = []
    for number, link in enumerate(links):
        if link.run is None:
            fix = "write `run: PATH`: the run whose shards the step reads"
            raise RecipeError(f"chain[{number}] names no run", where=str(file), fix=fix)
        if number == 0 and link.stage != PRETRAIN and link.begin is None:
            fix = "write `from: RUN/train/NAME`"
            raise RecipeError(f"chain[0]: {link.stage} needs a checkpoint to begin from", where=str(file), fix=fix)
        steps.append(link.step("main" if link.stage == PRETRAIN else link.stage, file.parent))
    if len({(step.run, step.name) for step in steps}) < len(steps):
        fix = "give the steps of one run a `name` each"
        raise RecipeError("two steps would train into one folder", where=str(file), fix=fix)
    return steps


def steps_of(target: Target, folder: Path, name: str) -> tuple[Step, ...]:
    """The steps of a target for a run, each named after the training."""
    steps: list[Step] = []
    for number, link in enumerate(target.chain):
        own = name if number == 0 else f"{name}-{link.stage}"
        if any((step.run, step.name) == ("" if link.run is None else _place(link.run, folder), own) for step in steps):
            own += f"-{number + 1}"
        steps.append(link.step(own, folder))
    return tuple(steps)


def digest_of(target: Target) -> str:
    """What tells whether a target has changed."""
    return hashlib.sha256(target.model_dump_json().encode()).hexdigest()


def _place(named: str, folder: Path) -> str:
    return named if is_remote(named) else str((folder / Path(named).expanduser()).resolve())


def _load(file: Path, kind: type[Any], what: str) -> Any:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or "it is not UTF-8"
        fix = f"name the {what}'s YAML file; docs/launching.md shows one"
        raise RecipeError(f"the {what} cannot be read: {said.lower()}", where=str(file), fix=fix) from None
    try:
        node, data = plain.parse(text)
    except plain.PlainYamlError as error:
        raise RecipeError(error.problem, where=f"{file}:{error.line}", fix=error.fix) from None
    if node is None or not isinstance(data, dict):
        fix = "write `key: value` lines; docs/launching.md shows a whole one"
        raise RecipeError(f"the {what} is not a mapping of keys and values", where=f"{file}:1", fix=fix)
    lines = dict(lines_of(node))
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = sorted(_problems(error, kind, lines))
    shown = "\n    ".join(text for _, text in problems)
    many = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    fix = "correct these lines; docs/launching.md shows every key"
    raise RecipeError(f"{many} in the {what}:\n    {shown}", where=f"{file}:{problems[0][0]}", fix=fix)


def _problems(error: ValidationError, kind: type[Any], lines: dict[Any, int]) -> Iterator[tuple[int, str]]:
    for found in error.errors():
        path = tuple(found["loc"])
        line = line_of(lines, path)
        said = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            known = _keys(kind, path[:-1])
            said = f"unknown key; {nearest(str(path[-1]), known)}"
        elif found["type"] == "literal_error":
            known = [part.strip(" '") for part in str(found["ctx"]["expected"]).replace(" or ", ",").split(",")]
            said = f"unknown value '{plain.short(found['input'])}'; {nearest(str(found['input']), known)}"
        elif found["type"] == "missing":
            said = "this key is required"
        yield line, f"line {line}  {dotted(path)}: {said}"


def _keys(kind: Any, path: tuple[Any, ...]) -> list[str]:
    """The keys that a place of the schema knows."""
    schema = kind.model_json_schema(by_alias=True)
    place: dict[str, Any] = schema
    for part in path:
        if isinstance(part, int):
            place = place.get("items", {})
        else:
            place = place.get("properties", {}).get(part, {})
        for option in place.get("anyOf", ()):
            if "$ref" in option:
                place = option
        if "$ref" in place:
            place = schema["$defs"][place["$ref"].rpartition("/")[2]]
    return list(place.get("properties", {}))


def launcher_of(target: Target) -> Any:
    """The launcher that a target asks for, with its options."""
    return LAUNCHERS[target.launch](getattr(target, target.launch, None))
