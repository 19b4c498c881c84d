"""The stages in which a policy learns from its own answers: grpo, ppo, reject, distill. Chooses their parts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.align.best import Best
from gristmill.trainer.align.evaluation import RewardEvaluator
from gristmill.trainer.align.prompts import ShardPrompts, check_prompts, prompts_of_tasks
from gristmill.trainer.align.rounds import Keep, RolloutLoader, Teach, all_of_them, sampling_of
from gristmill.trainer.align.teach import TeachGrpo, TeachPpo, teach_nothing
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.reward_model import Judge
from gristmill.trainer.config import TrainConfig
from gristmill.trainer.data.rounds import RoundSampler
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.devices.world import World, gather_objects
from gristmill.trainer.errors import ConfigError, InputError, MismatchError
from gristmill.trainer.loop.build import check_same, refuse_changes
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.loop.stages.parent import check_begin, check_parent, check_tokenizer, frozen
from gristmill.trainer.loop.stages.stage import Stage
from gristmill.trainer.loop.training import Training
from gristmill.trainer.model.transformer import Model, parameter_counts
from gristmill.trainer.objectives.corpus.causal import CausalLM
from gristmill.trainer.objectives.policies.distill import Distill
from gristmill.trainer.objectives.policies.policy import Grpo
from gristmill.trainer.objectives.policies.ppo import Ppo, attach_critic
from gristmill.trainer.objectives.protocol import Learns
from gristmill.trainer.optim.config import OptimConfig
from gristmill.trainer.rollouts.encoder import chat_encoder
from gristmill.trainer.rollouts.rewards import open_reward
from gristmill.trainer.rollouts.rollout import Prompt, Rollout
from gristmill.trainer.rollouts.tools import ToolReply, open_tools
from gristmill.trainer.rollouts.written import Source, choose, write_rollouts

HELD_OUT_SEED = 1_000_003  # of the tasks' examples, as `evaluate` has them; training's are of data.seed
WIDTH = 128  # of the model that the rates below are for; they fall as a model gets wider


def first_config(name: str, begin: Checkpoint) -> TrainConfig:
    """The defaults of a stage that begins with this checkpoint."""
    model = begin.config.model
    scale = WIDTH / model.width
    rate = {"grpo": 1e-4, "ppo": 1e-4, "reject": 5e-4, "distill": 5e-4}[name] * scale
    optim = OptimConfig(kind="adamw", lr=rate, critic_lr=1e-3 * scale, warmup=0.05, decay=0.2)
    config = TrainConfig(objective=name, begin=str(begin.path.resolve()), model=model, optim=optim)
    config = replace(config, data=replace(config.data, tokens_per_batch=1 << 13))
    loop = replace(config.loop, steps=200, evaluate_every=50, save_every=50)
    samples, prompts = {"grpo": (8, 16), "ppo": (1, 128), "reject": (8, 32), "distill": (1, 64)}[name]
    rounds = replace(config.rollouts, samples=samples, prompts=prompts, epochs=1 if name == "distill" else 2)
    return replace(config, loop=loop, rollouts=rounds)


def complete_policy(config: TrainConfig, data: TrainingData, begin: Checkpoint, world: World) -> TrainConfig:
    """The configuration with whole rounds: reports, evaluations and checkpoints come where one ends, because only there
    a training can go on as if it had not stopped. Raises ConfigError, MismatchError."""
    _check_writes(begin, "option --from")
    check_begin(begin, config, data)
    round_steps, loop = config.rollouts.steps, config.loop
    if loop.steps % round_steps:
        raise ConfigError(
            f"{loop.steps} steps are no whole number of rounds of {round_steps}",
            where="options loop.steps, rollouts.updates, rollouts.epochs",
            fix=f"choose a multiple: {-(-loop.steps // round_steps) * round_steps}",
        )
    if config.rollouts.prompts // config.rollouts.updates < world.size:
        raise ConfigError(
            f"an update has fewer prompts than the {world.size} devices",
            where="options rollouts.prompts, rollouts.updates",
            fix="ask more prompts in a round",
        )
    if config.objective == "grpo" and config.rollouts.samples < 2:
        raise ConfigError(
            "one answer has nothing to be compared with", where="option rollouts.samples", fix="at least 2 for grpo"
        )
    if config.objective in ("grpo", "ppo") and config.rollouts.temperature == 0:
        raise ConfigError(
            "a token that is the only choice becomes neither likelier nor less likely: nothing would be learnt",
            where="option rollouts.temperature",
            fix=f"above 0 for {config.objective}",
        )
    if config.loop.shard or config.guard.spikes == "rollback":
        name = "loop.shard" if config.loop.shard else "guard.spikes=rollback"
        raise ConfigError(
            f"{name} is not for stages that sample answers", where=f"option {name}", fix="leave the option out"
        )
    every = {name: -(-getattr(loop, name) // round_steps) * round_steps for name in _PERIODS}
    return replace(config, loop=replace(loop, **every))


_PERIODS = ("report_every", "evaluate_every", "save_every")


def policy_stage(
    config: TrainConfig, data: TrainingData, folder: Path, begin: Checkpoint, world: World
) -> Callable[[Model], Stage]:
    """Of `build`. `config` is complete; `folder`: RUN/train/NAME. Raises ConfigError, InputError, MismatchError."""
    encoder = chat_encoder(data.run / "tokenizer")
    rollouts = config.rollouts
    tools = None
    if rollouts.tools:
        tools = ToolReply(encoder, open_tools([name.strip() for name in rollouts.tools.split(",")], data.run))
    prompts, held_out = _prompts(config, data, encoder, tools.definitions() if tools else [])
    context = config.model.context
    check_prompts(prompts, context, "the prompts")
    reward = None if config.objective == "distill" else open_reward(rollouts.reward, encoder, world.device)
    evaluator = None
    if len(held_out):
        check_prompts(held_out, context, "the held-out prompts")
        judge = reward or open_reward("task", encoder)
        judged = reward is not None or all(prompt.task for prompt in held_out)
        evaluator = RewardEvaluator(held_out, rollouts, judge, world, HELD_OUT_SEED, tools) if judged else None
    reference_begin = (config.objective == "grpo" and config.grpo.beta > 0) or config.objective == "ppo"
    reference = frozen(begin, config, world.device) if reference_begin else None
    teacher = None
    if config.objective == "distill":
        if not config.teacher:
            raise ConfigError("a student needs a teacher", where="option --teacher", fix="--teacher CHECKPOINT")
        opened = Checkpoint.open(Path(config.teacher), world)
        _check_writes(opened, "option --teacher", context)
        check_tokenizer(opened, data, "the teacher")
        teacher = opened.load_model(world.device)
    critic = _critic(config, data, world) if config.objective == "ppo" and config.ppo.critic else None
    order = RoundSampler(len(prompts), rollouts)
    generator = begin.sha256()

    def written(number: int, mine: list[Rollout]) -> None:
        answers = sorted(gather_objects(world, mine), key=lambda one: (one.group, one.sample))
        if world.first:
            source = Source(generator, number, sampling_of(rollouts, config.data.seed))
            write_rollouts(data.run / "rollouts" / folder.name, answers, encoder, source)

    def stage(model: Model) -> Stage:
        temperature = rollouts.temperature
        objective: Learns
        keep: Keep = all_of_them
        teach: Teach = teach_nothing
        if config.objective == "grpo":
            objective = Grpo(config.grpo, temperature, rollouts.tokens)
            teach = TeachGrpo(model, reference, config.grpo, rollouts.samples, temperature, world)
        elif config.objective == "ppo":
            attach_critic(model, critic.model if critic else None, critic.mean if critic else 0.0)
            assert reference is not None
            objective = Ppo(config.ppo, temperature)
            teach = TeachPpo(model, reference, config.ppo, temperature, world)
        elif config.objective == "reject":
            objective = CausalLM()
            keep = Best(folder / "best", partial(choose, encoder=encoder), world)
        else:
            assert teacher is not None
            objective = Distill(config.distill, teacher)

        def read_from(state: DataState) -> RolloutLoader:
            return RolloutLoader(
                model,
                prompts,
                rollouts,
                reward,
                teach,
                world,
                seed=config.data.seed,
                tokens_per_batch=config.data.tokens_per_batch,
                keep=keep,
                reply=tools,
                written=written if rollouts.write and reward is not None else None,
            )

        return Stage(objective, order, read_from, ["answers"], evaluator, rollouts.steps)

    return stage


def _check_writes(found: Checkpoint, option: str, context: int = 0) -> None:
    """Raises ConfigError for a model that predicts no next token, or reads fewer than `context`."""
    model = found.config.model
    faults = {
        "it is a reward model, which judges texts and writes none": model.head == "score",
        "it is no causal decoder": model.mask != "causal" or model.encoder_layers > 0,
        f"it reads {model.context} tokens, the policy {context}": model.context < context,
    }
    for fault in [name for name, there in faults.items() if there]:
        raise ConfigError(
            fault, where=f"{option}, {found.path}", fix="name a checkpoint of a policy, e.g. of `train sft`"
        )


def _critic(config: TrainConfig, data: TrainingData, world: World) -> Judge:
    """The reward model that PPO's critic begins as. Raises InputError, ConfigError, MismatchError."""
    path = Path(config.ppo.critic)
    judge = Judge.open(path, world.device)
    ours, policy = judge.model.config, config.model
    faults = {
        "has another tokenizer than the run": judge.tokenizer != data.origin.tokenizer,
        f"reads {ours.context} tokens, the policy {policy.context}": ours.context < policy.context,
        f"has {ours.experts} experts, the policy {policy.experts}": ours.experts != policy.experts,
    }
    for fault in [name for name, found in faults.items() if found]:
        raise MismatchError(
            f"the reward model {fault}",
            where=f"option ppo.critic, {path}",
            fix="name one that was trained from a checkpoint like the policy's: train reward RUN --from ...",
        )
    return judge


def _prompts(
    config: TrainConfig, data: TrainingData, encoder: Encoder, tools: list[dict[str, Any]]
) -> tuple[Sequence[Prompt], Sequence[Prompt]]:
    """(those to learn from, held-out ones). A task's prompts offer the tools; the run's own say what they offer."""
    rollouts = config.rollouts
    if rollouts.task:
        kinds = len(rollouts.task.split(",")) * len(rollouts.lang.split(","))
        held_out = prompts_of_tasks(encoder, rollouts, HELD_OUT_SEED, -(-rollouts.held_out // kinds), tools)
        return prompts_of_tasks(encoder, rollouts, config.data.seed, rollouts.examples, tools), held_out
    if data.train.kind != "prompts":
        raise InputError(
            f"the run holds {data.train.kind}, not prompts",
            where=str(data.run),
            fix="name a run whose source is `prompts:`, or a task: --set rollouts.task=sort",
        )
    validation = [] if data.validation is None else ShardPrompts(data.validation.shards)[: rollouts.held_out]
    return ShardPrompts(data.train.shards), validation


def parent_of(begin: Path | None, resumed: Checkpoint | None) -> Path:
    """The checkpoint that a stage begins with, or began with. Raises ConfigError where none is named."""
    if begin is not None:
        return begin
    if resumed is None or not resumed.config.begin:
        raise ConfigError(
            "this stage goes on from a trained model", where="option --from", fix="--from RUN/train/NAME, a checkpoint"
        )
    return Path(resumed.config.begin)


def check_resumed(saved: Checkpoint, config: TrainConfig, data: TrainingData, begin: Checkpoint) -> None:
    """Raises MismatchError unless a stage goes on with the data, the parent and the rounds that it had: what they
    asked, and for rejection sampling, which remembers answers and what they were worth, by which reward."""
    saved.origin.check(data.origin, saved.path)
    check_same(saved.config, config, saved.path)
    check_parent(begin, saved.origin.parent)
    names = ["prompts", "updates", "epochs", "task", "lang"]
    names += ["examples"] if config.rollouts.task else []
    names += ["reward"] if config.objective == "reject" else []
    pairs = [(f"rollouts.{name}", *(getattr(one.rollouts, name) for one in (saved.config, config))) for name in names]
    refuse_changes([*pairs, ("data.seed", saved.config.data.seed, config.data.seed)], saved.path)


def introduction(config: TrainConfig, training: Training, begin: Checkpoint) -> str:
    """The first line: what will be trained, from what, on how many answers."""
    rounds, count = config.rollouts, parameter_counts(training.model)["total"]
    asked = rounds.task or "the run's prompts"
    worth = f"learnt from {config.teacher}" if config.objective == "distill" else f"worth: {rounds.reward}"
    return (
        f"{config.objective} from {begin.path}: {count:,} parameters; {config.loop.steps // rounds.steps:,} rounds of "
        f"{rounds.prompts} prompts ({asked}) x {rounds.samples} answers of at most {rounds.tokens} tokens, "
        f"{rounds.steps} steps each; {worth}"
    )
