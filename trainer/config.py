"""The configuration of a training: named presets, and `--set section.name=value` on top. Frozen, plain dataclasses."""

import dataclasses
import difflib
import math
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.data.rounds import RolloutConfig
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.model.lora import LoraConfig
from gristmill.trainer.objectives.pairs.preference import DpoConfig
from gristmill.trainer.objectives.pairs.reward import RewardConfig
from gristmill.trainer.objectives.policies.distill import DistillConfig
from gristmill.trainer.objectives.policies.policy import GrpoConfig
from gristmill.trainer.objectives.policies.ppo import PpoConfig
from gristmill.trainer.objectives.registry import OF_PAIRS
from gristmill.trainer.optim.config import OptimConfig
from gristmill.trainer.optim.guard import GuardConfig


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """How long, and how often it looks up."""

    steps: int = 300
    report_every: int = 10
    """Steps between looks at the numbers: only there the host waits for the device."""
    evaluate_every: int = 100
    """Steps between evaluations; one more at the end."""
    evaluation_rows: int = 0
    """Validation rows of each; 0: all."""
    save_every: int = 100
    """Steps between checkpoints; one more at the end."""
    keep_last: int = 2
    patience: int = 0
    """Ends the training after this many evaluations without a smaller validation loss; 0: never."""
    compile: str = "auto"
    """auto (on CUDA), on, off: torch.compile of the layers."""
    recompute: bool = False
    """Compute the layers again in the backward pass instead of keeping what is in them: less memory, a third slower."""
    shard: bool = False
    """With several devices: each holds a part of the weights and of the optimiser's state (FSDP2), not all of it."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that decides a training, beside its data."""

    objective: str = "causal"
    """What is learnt: see trainer/objectives."""
    seed: int = 0
    """Of the first weights."""
    begin: str = ""
    """The checkpoint that the weights began with; "": with random ones."""
    mix: str = ""
    """What is read how often: a YAML file, or a mixture that `gristmill mix write` made; "": everything, epoch after
    epoch (docs/mixing.md)."""
    teacher: str = ""
    """Of `distill`: the checkpoint that is learnt from."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    loop: LoopConfig = field(default_factory=LoopConfig)
    guard: GuardConfig = field(default_factory=GuardConfig)
    lora: LoraConfig = field(default_factory=LoraConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    dpo: DpoConfig = field(default_factory=DpoConfig)
    rollouts: RolloutConfig = field(default_factory=RolloutConfig)
    grpo: GrpoConfig = field(default_factory=GrpoConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)


def _large(layers: int, width: int, lr: float) -> TrainConfig:
    """A Llama-like decoder with heads of 128, which the fast kernels prefer; half a million tokens a step."""
    heads = width // 128
    return TrainConfig(
        model=ModelConfig(layers=layers, width=width, heads=heads, qk_norm=True, tied=False),
        data=DataConfig(tokens_per_step=1 << 19, tokens_per_batch=1 << 16),
        optim=OptimConfig(lr=lr, muon_lr=0.02, warmup=0.01, decay=0.4),
        loop=LoopConfig(steps=5000, evaluate_every=250, save_every=500),
    )


def _small(layers: int, width: int, heads: int, kv_heads: int, muon_lr: float = 0.02) -> TrainConfig:
    """A decoder for a CPU or a first look: small steps, because a minute holds few tokens.

    Embedding and head apart, with the first values and rates of train_gpt_simple.py (modded-nanogpt 04447b4): after 140
    steps on the demo's corpus 0.3 nats better than one matrix for both.
    """
    return TrainConfig(
        model=ModelConfig(
            layers=layers, width=width, heads=heads, kv_heads=kv_heads, qk_norm=True, tied=False, embedding_std=1.0
        ),
        data=DataConfig(tokens_per_step=1 << 11, tokens_per_batch=1 << 11),
        optim=OptimConfig(lr=0.01, embedding_lr=0.3, head_lr=0.003, muon_lr=muon_lr),
        loop=LoopConfig(evaluation_rows=128),
    )


def _speedrun(config: TrainConfig) -> TrainConfig:
    """The same with what nanochat and modded-nanogpt found to need fewer steps: ReLU squared, value embeddings, learnt
    scales of the residual stream, NorMuon with a momentum that warms up. transformers has no model of this kind, so it
    cannot be exported."""
    model = replace(config.model, activation="relu2", value_embeddings=True, residual_scales=True)
    optim = replace(config.optim, muon_variant="normuon", muon_momentum_warmup=400)
    return replace(config, model=model, optim=optim)


# At 0.02, as modded-nanogpt and nanochat have it for wider models, `nano` is 0.06 to 0.08 nats worse: docs/training.md.
NANO = _small(4, 128, 4, 2, muon_lr=0.04)

PRESETS: dict[str, TrainConfig] = {
    "nano": NANO,
    "speedrun": _speedrun(NANO),
    "10m": _small(6, 320, 5, 5),
    "30m": _small(8, 512, 8, 8),
    "124m": _large(12, 768, 0.003),
    "350m": _large(24, 1024, 0.003),
    "760m": _large(24, 1536, 0.002),
    "1b": _large(20, 2048, 0.002),
    "1.5b": _large(28, 2048, 0.0015),
}


def preset(name: str) -> TrainConfig:
    """A named configuration. Raises ConfigError with the nearest name."""
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}", where="option --preset", fix=_nearest(name, list(PRESETS)))
    return PRESETS[name]


RATES = {"sft": 0.2, "reward": 0.3, "dpo": 0.1}
"""Stage -> its learning rates as a share of those of the training that it begins with."""


def after(config: TrainConfig, objective: str, begin: str) -> TrainConfig:
    """The configuration of a training that begins with the weights of the checkpoint `begin`, whose own is `config`."""
    share = RATES.get(objective, 1.0)
    rows = 0 if objective in OF_PAIRS else config.loop.evaluation_rows  # held-out pairs are few: all of them are asked
    rates = {name: getattr(config.optim, name) * share for name in ("lr", "embedding_lr", "head_lr", "muon_lr")}
    return replace(
        config,
        objective=objective,
        begin=begin,
        lora=LoraConfig(),
        data=replace(config.data, documents=True),
        optim=replace(config.optim, **rates),
        loop=replace(config.loop, steps=LoopConfig.steps, evaluation_rows=rows),
    )


def with_depth(config: TrainConfig, depth: int) -> TrainConfig:
    """The single dial: `depth` layers of width 64 * depth, heads of 64 (nanochat's rule for its first half)."""
    model = replace(config.model, layers=depth, width=64 * depth, heads=depth, kv_heads=0, head_width=0, hidden=0)
    return replace(config, model=model)


def with_settings(config: TrainConfig, settings: list[str]) -> TrainConfig:
    """The configuration with "section.name=value" applied, in order. Raises ConfigError naming the setting."""
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ConfigError(
                "a setting needs a value", where=f"--set {setting}", fix="write it as --set section.name=value"
            )
        config = _with(config, name.strip(), text.strip())
    return config


def _with(config: TrainConfig, name: str, text: str) -> TrainConfig:
    known = _names(config)
    if name not in known:
        raise ConfigError(f"unknown setting {name!r}", where=f"--set {name}={text}", fix=_nearest(name, list(known)))
    value = _parse(text, known[name], f"--set {name}={text}")
    section, _, key = name.rpartition(".")
    if not section:
        return replace(config, **{key: value})
    return replace(config, **{section: replace(getattr(config, section), **{key: value})})


def _names(config: TrainConfig) -> dict[str, Any]:
    """Dotted name -> default, of every setting."""
    names: dict[str, Any] = {}
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if dataclasses.is_dataclass(value):
            names |= {f"{f.name}.{g.name}": getattr(value, g.name) for g in dataclasses.fields(value)}
        else:
            names[f.name] = value
    return names


def _parse(text: str, default: Any, where: str) -> Any:
    """The text as a value of the default's type."""
    kind = type(default)
    try:
        value = yaml.safe_load(text)
        if kind is float and not isinstance(value, bool):
            return _finite(float(value))
        if kind is tuple:
            return tuple(_finite(float(part)) for part in value)
    except (yaml.YAMLError, TypeError, ValueError):
        value = None
    if kind is str:
        return text
    if type(value) is not kind:
        raise ConfigError(f"{text!r} is not a {kind.__name__}", where=where, fix=f"its default is {default!r}")
    return value


def _finite(number: float) -> float:
    """The number. Raises ValueError for what no step could be taken with."""
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return number


def _nearest(name: str, known: list[str]) -> str:
    last = name.rsplit(".", 1)[-1]
    near = [k for k in known if k.rsplit(".", 1)[-1] == last] or difflib.get_close_matches(name, known, 1, 0.5)
    return f"did you mean {near[0]!r}?" if near else f"one of: {', '.join(known)}"


def as_dict(config: TrainConfig) -> dict[str, Any]:
    """For JSON."""
    return dataclasses.asdict(config)


def from_dict(raw: dict[str, Any]) -> TrainConfig:
    """What `as_dict` gave; a setting that this version lacks is an error that names it."""
    fields = {f.name: f.default_factory for f in dataclasses.fields(TrainConfig)}
    sections: dict[str, Any] = {name: made for name, made in fields.items() if dataclasses.is_dataclass(made)}
    raw = _of_today(raw)
    try:
        made = {name: sections[name](**_tuples(value)) if name in sections else value for name, value in raw.items()}
        return TrainConfig(**made)
    except TypeError as error:
        raise ConfigError(
            f"the checkpoint was written by another version: {error}",
            where="its state.json, config",
            fix="train again, or use the version that wrote it (state.json names it)",
        ) from error


def _of_today(raw: dict[str, Any]) -> dict[str, Any]:
    """The names of today for those that older checkpoints have: rows of a step and of a batch, of `model.context`
    tokens each."""
    data = dict(raw.get("data", {}))
    for name in ("step", "batch"):
        if f"rows_per_{name}" in data:
            data[f"tokens_per_{name}"] = data.pop(f"rows_per_{name}") * raw["model"]["context"]
    return raw | {"data": data}


def _tuples(section: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in section.items()}
