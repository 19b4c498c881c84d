"""What a user says about a mixture: the `mix` section of a recipe, or a YAML file of its own. Docs: docs/mixing.md."""

import contextlib
import dataclasses
import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.shards.packing import PACKINGS

MAX_EPOCHS = 4.0
"""Up to four epochs, repeated tokens are worth nearly as much as new ones (Muennighoff et al. 2023, figure 5)."""
REST = "*"
"""In `weights`: every group that is not named."""
FINEWEB2 = {1: 1.0, 2: 2.0, 3: 3.0, 5: 5.0, 100: 8.0, 1000: 1.0}
"""Weight by cluster size of fineweb-2-pipeline.py; each holds from its size up to the next one."""
UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_AMOUNT = re.compile(r"\s*([0-9][0-9_,]*(?:\.[0-9]+)?|\.[0-9]+)\s*([kmbgt]?)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class By:
    """A column whose values make groups."""

    column: str
    quantiles: int = 0
    """So many parts of equal tokens, by value: q1 has the lowest. 0: every value is a group."""


@dataclass(frozen=True)
class Quality:
    """How much more often better documents are read: a curve that rises from the bottom to the top of each topic."""

    column: str
    """A number of the ledger; higher is better."""
    per: tuple[str, ...] = ()
    """Columns; shares of the bottom and the top are those of each of their values."""
    bins: int = 20
    """Steps of the curve: parts of equal tokens."""
    drop: float = 0.4
    """Share of the tokens, from the bottom, that is left out (Dolma 3: 40 %)."""
    power: float = 1.0
    """The rate is ((share below - drop) / (1 - drop)) ** power; 0: all that stay alike."""


@dataclass(frozen=True)
class Stage:
    """A stretch of the training with weights of its own; what it does not say is as in the mixture."""

    name: str
    share: float | None = None
    """Of all tokens; one stage may leave it out and gets the rest."""
    weights: Mapping[str, float] | None = None
    temperature: float | None = None
    best: float | None = None
    """Only the best share of each topic, by `quality`."""


@dataclass(frozen=True)
class MixRecipe:
    """A mixture as it is asked for."""

    by: tuple[By, ...] = (By("source"),)
    tokens: int | Mapping[str, int] | None = None
    """Of the whole training, or of each group."""
    epochs: float | None = None
    """Instead of `tokens`: how often all that is not left out is read, on average."""
    weights: Mapping[str, float] | None = None
    """Shares of the tokens, by group; they need not add up to 1."""
    temperature: float | None = None
    """Instead of `weights`: the share of a group is as its tokens ** (1 / temperature)."""
    max_epochs: float = MAX_EPOCHS
    """The most often that any document is read."""
    spread: bool = False
    """What groups at the cap cannot give is taken from the others, by their weights; else it is an error."""
    cluster_size: Mapping[int, float] | None = None
    """How often a document is read compared with others of its group, by how many duplicates its cluster had."""
    quality: Quality | None = None
    packing: str = "best_fit"
    sequence_length: int = 0
    """Tokens of a row; 0: as the runs have it."""
    seed: int = 0
    """Of the order."""
    stages: tuple[Stage, ...] = field(default=(Stage("main", 1.0),))

    def as_dict(self) -> dict[str, Any]:
        """For JSON: equal mixtures give equal objects."""
        return dataclasses.asdict(self)

    def columns(self) -> list[str]:
        """All columns that it asks for, each once."""
        named = [one.column for one in self.by]
        named += ["cluster_size"] if self.cluster_size is not None else []
        named += [self.quality.column, *self.quality.per] if self.quality is not None else []
        return list(dict.fromkeys(named))


def read_mix(path: Path) -> dict[str, Any]:
    """The mixture that a YAML file holds, as it is written there: the file's, or its key `mix`. Raises MixError."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MixError("there is no such file", where=str(path), fix="name a YAML file, or leave it out") from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = str(error).replace("\n", " ")
        raise MixError(f"the file cannot be read: {reason}", where=str(path), fix="write it as YAML") from error
    if isinstance(raw, dict) and "gristmill" in raw:
        raw = raw.get("mix")
    elif isinstance(raw, dict) and set(raw) == {"mix"}:
        raw = raw["mix"]
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise MixError("a mixture is a mapping of keys", where=str(path), fix="such as `tokens: 200B`")
    return raw


def with_settings(raw: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """The mixture with each "key=value" applied: `tokens=200B`, `weights.web=0.5`, `stages.anneal.share=20%`."""
    made: dict[str, Any] = {key: _copied(value) for key, value in raw.items()}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise MixError("a setting needs a value", where=f"--set {setting}", fix="write it as --set key=value")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise MixError("the value is no YAML", where=f"--set {setting}", fix="such as tokens=200B") from error
        section, _, key = name.strip().partition(".")
        if not key:
            made[section] = value
        elif section == "stages":
            _set_stage(made, key, value, setting)
        else:
            if not isinstance(made.get(section), dict):
                made[section] = {}
            made[section][key] = value
    return made


def _set_stage(made: dict[str, Any], key: str, value: Any, setting: str) -> None:
    name, _, rest = key.partition(".")
    stages = made.get("stages") or []
    for stage in stages:
        if isinstance(stage, dict) and stage.get("name") == name and rest:
            section, _, inner = rest.partition(".")
            if inner:
                stage[section] = {**(stage.get(section) or {}), inner: value}
            else:
                stage[section] = value
            return
    names = ", ".join(str(stage.get("name")) for stage in stages if isinstance(stage, dict)) or "none"
    raise MixError(f"there is no stage {name!r}", where=f"--set {setting}", fix=f"stages: {names}")


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def parse(raw: Mapping[str, Any]) -> MixRecipe:
    """The mixture, checked. Raises MixError that names the key and says what it may be."""
    _known(raw, [f.name for f in dataclasses.fields(MixRecipe)], "mix")
    made: dict[str, Any] = {}
    if raw.get("by") is not None:
        listed = raw["by"] if isinstance(raw["by"], list) else [raw["by"]]
        made["by"] = tuple(_by(one) for one in listed) or _refuse("by", "names no column", "by: source")
    if raw.get("tokens") is not None:
        tokens = raw["tokens"]
        per_group = isinstance(tokens, dict)
        made["tokens"] = (
            {str(name): amount(value, f"mix.tokens.{name}") for name, value in tokens.items()}
            if per_group
            else amount(tokens, "mix.tokens")
        )
        if not (sum(made["tokens"].values()) if per_group else made["tokens"]):
            _refuse("tokens", "asks for no token", "tokens: 200B")
    for name, least in (("epochs", 0.0), ("temperature", 0.0), ("max_epochs", 0.0)):
        if raw.get(name) is not None:
            made[name] = _number(raw[name], f"mix.{name}", above=least)
    if raw.get("weights") is not None:
        made["weights"] = _weights(raw["weights"], "mix.weights")
    if raw.get("cluster_size") is not None:
        made["cluster_size"] = _cluster_size(raw["cluster_size"])
    if raw.get("quality") is not None:
        made["quality"] = _quality(raw["quality"])
    if raw.get("packing") is not None:
        made["packing"] = raw["packing"]
        if raw["packing"] not in PACKINGS:
            _refuse("packing", f"is {raw['packing']!r}", f"one of: {', '.join(PACKINGS)}")
    for name, most in (("sequence_length", 2**30), ("seed", 2**63 - 1)):
        if raw.get(name) is not None:
            value = raw[name]
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
                _refuse(name, f"is {value!r}", f"a whole number from 0 to {most}")
            made[name] = value
    if raw.get("spread") is not None:
        if not isinstance(raw["spread"], bool):
            _refuse("spread", f"is {raw['spread']!r}", "true or false")
        made["spread"] = raw["spread"]
    if raw.get("stages") is not None:
        made["stages"] = _stages(raw["stages"], made.get("quality") is not None)
    _one_of(made, "tokens", "epochs")
    _one_of(made, "weights", "temperature")
    if isinstance(made.get("tokens"), dict):
        _one_of(made, "tokens", "weights")
        _one_of(made, "tokens", "temperature")
        if len(made.get("stages", ())) > 1:
            _refuse("tokens", "names groups, and there are stages", "tokens of the whole, and weights in the stages")
    return MixRecipe(**made)


def amount(value: Any, where: str) -> int:
    """Tokens: 200B is 2e11; k, M, B (or G) and T are thousands of thousands."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return int(value)
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise MixError(f"{value!r} is no number of tokens", where=where, fix="such as 200B, 1.5T or 300M")
    return int(float(found[1].replace(",", "").replace("_", "")) * UNITS[found[2].lower()])


def share(value: Any, where: str) -> float:
    """0 to 1, also as a percentage."""
    text = str(value).strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.endswith("%"):
        with contextlib.suppress(ValueError):
            text = float(text[:-1]) / 100
    if not isinstance(text, int | float) or isinstance(text, bool) or not 0 <= text <= 1:
        raise MixError(f"{value!r} is no share", where=where, fix="from 0 to 1, or such as 10%")
    return float(text)


def _by(raw: Any) -> By:
    if isinstance(raw, str) and raw:
        return By(raw)
    if isinstance(raw, dict):
        _known(raw, ["column", "quantiles"], "mix.by")
        count = raw.get("quantiles", 0)
        if isinstance(raw.get("column"), str) and isinstance(count, int) and (count == 0 or 2 <= count <= 1000):
            return By(raw["column"], count)
    raise MixError(
        f"{raw!r} is no column", where="mix.by", fix="such as `source`, or `{column: edu, quantiles: 4}` (2 to 1,000)"
    )


def _weights(raw: Any, where: str) -> dict[str, float]:
    if not isinstance(raw, dict):
        raise MixError("weights are a mapping", where=where, fix="such as {web: 0.7, books: 0.3}")
    made = {str(name): _number(value, f"{where}.{name}", above=None) for name, value in raw.items()}
    if not sum(made.values()) > 0:
        raise MixError("the weights sum to nothing", where=where, fix="give at least one group a weight above 0")
    return made


def _cluster_size(raw: Any) -> dict[int, float]:
    where = "mix.cluster_size"
    if raw == "fineweb2":
        return dict(FINEWEB2)
    if not isinstance(raw, dict) or not all(isinstance(key, int) and key >= 1 for key in raw):
        raise MixError("it is a mapping from sizes to weights", where=where, fix="fineweb2, or {1: 1, 2: 2, 100: 1}")
    made = {key: _number(raw[key], f"{where}.{key}", above=None) for key in sorted(raw)}
    if 1 not in made:
        raise MixError("documents without a duplicate have no weight", where=where, fix="give size 1 a weight")
    if not sum(made.values()) > 0:
        raise MixError("the weights sum to nothing", where=where, fix="give at least one size a weight above 0")
    return made


def _quality(raw: Any) -> Quality:
    if isinstance(raw, str):
        return Quality(raw)
    if not isinstance(raw, dict) or not isinstance(raw.get("column"), str):
        _refuse("quality", "names no column", "quality: {column: edu, drop: 40%}")
    _known(raw, [f.name for f in dataclasses.fields(Quality)], "mix.quality")
    made: dict[str, Any] = {"column": raw["column"]}
    if raw.get("per") is not None:
        per = raw["per"] if isinstance(raw["per"], list) else [raw["per"]]
        made["per"] = tuple(str(one) for one in per)
    if raw.get("bins") is not None:
        if not isinstance(raw["bins"], int) or not 2 <= raw["bins"] <= 1000:
            _refuse("quality.bins", f"is {raw['bins']!r}", "a whole number from 2 to 1,000")
        made["bins"] = raw["bins"]
    if raw.get("drop") is not None:
        made["drop"] = share(raw["drop"], "mix.quality.drop")
        if made["drop"] >= 1:
            _refuse("quality.drop", "leaves nothing", "a share below 1")
    if raw.get("power") is not None:
        made["power"] = _number(raw["power"], "mix.quality.power", above=None)
    return Quality(**made)


def _stages(raw: Any, has_quality: bool) -> tuple[Stage, ...]:
    if not isinstance(raw, list) or not raw or not all(isinstance(one, dict) for one in raw):
        _refuse("stages", "is no list", "stages: [{name: main}, {name: anneal, share: 10%, best: 20%}]")
    made = []
    for number, one in enumerate(raw):
        where = f"mix.stages[{number}]"
        _known(one, [f.name for f in dataclasses.fields(Stage)], where)
        if not isinstance(one.get("name"), str):
            raise MixError("a stage needs a name", where=where, fix="such as {name: anneal, share: 10%}")
        stage = Stage(
            one["name"],
            None if one.get("share") is None else share(one["share"], f"{where}.share"),
            None if one.get("weights") is None else _weights(one["weights"], f"{where}.weights"),
            None if one.get("temperature") is None else _number(one["temperature"], f"{where}.temperature", above=0),
            None if one.get("best") is None else share(one["best"], f"{where}.best"),
        )
        if stage.weights is not None and stage.temperature is not None:
            raise MixError("`weights` and `temperature` exclude each other", where=where, fix="leave one of them out")
        if stage.best is not None and (not has_quality or not stage.best):
            fix = "add `quality: {column: ...}` to the mixture" if stage.best else "a share above 0"
            raise MixError("the best part of what?", where=f"{where}.best", fix=fix)
        made.append(stage)
    if len({stage.name for stage in made}) < len(made):
        _refuse("stages", "names a stage twice", "give each a name of its own")
    open_ones = [stage for stage in made if stage.share is None]
    said = sum(stage.share for stage in made if stage.share is not None)
    if len(open_ones) > 1 or (not open_ones and abs(said - 1) > 1e-9) or (open_ones and said >= 1):
        _refuse("stages", f"have shares of {said:.4g} in all", "shares that add up to 1; one stage may leave it out")
    return tuple(dataclasses.replace(one, share=1 - said) if one.share is None else one for one in made)


def _number(value: Any, where: str, *, above: float | None) -> float:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or value < 0 or (above is not None and value <= above):
        raise MixError(
            f"{value!r} is no number {'of 0 or more' if above is None else f'above {above:g}'}",
            where=where,
            fix="such as 2",
        )
    return float(value)


def _known(raw: Mapping[str, Any], known: list[str], where: str) -> None:
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, 1, 0.6)
            fix = f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(known)}"
            raise MixError(f"unknown key {key!r}", where=where, fix=fix)


def _one_of(made: Mapping[str, Any], one: str, other: str) -> None:
    if made.get(one) is not None and made.get(other) is not None:
        _refuse(one, f"and mix.{other} exclude each other", "leave one of them out")


def _refuse(key: str, what: str, fix: str) -> Any:
    raise MixError(f"mix.{key} {what}", where=f"mix.{key}", fix=fix)
