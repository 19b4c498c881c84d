"""A model is asked a task: requests of all items in batches, then scores of each and of all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Protocol

from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.requests.generation import Prompt, Written, write_until
from gristmill.trainer.evaluate.requests.likelihood import Likelihood, log_likelihoods, rolling
from gristmill.trainer.evaluate.requests.text import Pair, TextCodec, context_ids, encode_pairs
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.evaluate.scores.choices import answer_scores, choice_scores, pair_scores, text_scores
from gristmill.trainer.evaluate.scores.filters import pipelines
from gristmill.trainer.evaluate.scores.programs import PassAtK
from gristmill.trainer.evaluate.scores.summary import Score, Value, metric_of
from gristmill.trainer.evaluate.scores.texts import ExactMatch, memorised
from gristmill.trainer.evaluate.structure.expressions import Expression, Joined
from gristmill.trainer.evaluate.structure.expressions import text as exactly
from gristmill.trainer.evaluate.structure.mask import Pieces, Structure
from gristmill.trainer.evaluate.structure.wanted import expression_of
from gristmill.trainer.evaluate.tasks.fewshot import Context, Prompts
from gristmill.trainer.evaluate.tasks.task import Task, item_hash
from gristmill.trainer.model.transformer import Model

MOST_TOKENS = 256
"""Of a continuation, where the task does not say (lm-evaluation-harness)."""
GROUPS = ("source", "lang", "subject", "split")
"""Fields of items by which scores are told apart."""
PLAIN = "none"
"""Name of the filter that changes nothing."""


class WithTools(Protocol):
    """Answers prompts with calls of tools between (`rollouts.tool_answers`)."""

    def definitions(self) -> list[dict[str, Any]]:
        """Of the tools, as a system turn offers them."""

    def or_call(self, wanted: Expression | None) -> Expression | None:
        """What a turn is to be, where it may also be a call."""

    def answers(
        self, prompts: Sequence[Prompt], *, most_tokens: int, sampling: Sampling, samples: int
    ) -> list[list[Written]]:
        """`samples` answers to each prompt, in order; a prompt that leaves no room loses its beginning."""


@dataclass
class ItemResult:
    """Of one item."""

    number: int
    hash: str
    scores: dict[tuple[str, str], Value] = field(default_factory=dict)
    """(metric, filter) -> its value."""
    responses: list[str] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    """Of the choices, of the answer, or of the text."""
    cut: int = 0
    """Tokens of its context that did not fit."""
    apart: bool = False
    """Whether an answer was encoded apart from its context, where a piece would have reached over the border."""
    unended: int = 0
    """Continuations that were cut by the number of tokens."""
    turns: list[list[dict[str, Any]]] = field(default_factory=list)
    """Of answers with tools: messages behind the prompt."""


@dataclass(frozen=True)
class Examined:
    """A task with one number of examples."""

    task: Task
    shots: int
    items: list[ItemResult]
    scores: dict[tuple[str, str], Score]
    by_group: dict[str, dict[str, dict[tuple[str, str], Score]]]
    """Field of the items -> its value -> scores."""


def examine(
    model: Model,
    codec: TextCodec,
    task: Task,
    shots: int,
    *,
    seed: int = 1234,
    samples: int | None = None,
    most_tokens: int | None = None,
    tools: WithTools | None = None,
) -> Examined:
    """Asks all items. `seed`: of drawn examples and of sampling; `samples`: continuations of each prompt, in place of
    the task's `repeats`; `most_tokens`: of each, in place of its `max_gen_toks`; `tools`: those that the task names.
    Raises ConfigError, InputError for a task that cannot be asked, before the model is."""
    if task.config.tools and tools is None:
        raise ValueError(f"the tools of task {task.name} are not given")
    items = [ItemResult(number, item_hash(item)) for number, item in enumerate(task.items)]
    _ASK[task.config.output_type](
        _Asking(model, codec, task, Prompts(task, shots, seed), items, seed, samples, most_tokens, tools)
    )
    return Examined(task, shots, items, summarised(items), _by_group(task, items))


@dataclass(frozen=True)
class _Asking:
    model: Model
    codec: TextCodec
    task: Task
    prompts: Prompts
    items: list[ItemResult]
    seed: int
    samples: int | None
    most_tokens: int | None
    tools: WithTools | None

    def ids(self, contexts: Sequence[Context]) -> list[list[int]]:
        """Of contexts, as the model reads them."""
        texts = [context for context in contexts if isinstance(context, str)]
        of_texts = iter(context_ids(self.codec, one) for one in self.codec.encode(texts))
        offered = self.tools.definitions() if self.tools else []
        return [
            next(of_texts) if isinstance(context, str) else self.codec.conversation(context, offered)
            for context in contexts
        ]

    def pairs(self, asked: Sequence[tuple[Context, str]]) -> list[Pair]:
        """Of (context, continuation); in a conversation the turn is encoded by itself, as training renders it."""
        if not self.task.config.is_conversation:
            return encode_pairs(self.codec, [(str(context), continuation) for context, continuation in asked])
        contexts = list(dict.fromkeys(context for context, _ in asked))
        ids_of = dict(zip(contexts, self.ids(contexts), strict=True))
        answers = self.codec.encode([answer for _, answer in asked])
        return [Pair(ids_of[context], answer) for (context, _), answer in zip(asked, answers, strict=True)]

    def judged(self, texts: Sequence[tuple[int, Context, str]]) -> list[Likelihood]:
        """Of (item, context, continuation)."""
        pairs = self.pairs([(context, continuation) for _, context, continuation in texts])
        context = self.model.config.context
        for (number, _, _), pair in zip(texts, pairs, strict=True):
            self.items[number].apart = self.items[number].apart or pair.apart
            if not 0 < len(pair.continuation) <= context:
                raise InputError(
                    f"an answer has {len(pair.continuation)} tokens, the model reads 1 to {context}",
                    where=f"task {self.task.name}, item {number}",
                    fix="leave the item out, or ask a model with a longer context",
                )
        found = log_likelihoods(self.model, pairs)
        for (number, _, _), one in zip(texts, found, strict=True):
            self.items[number].cut = max(self.items[number].cut, one.cut)
        return found


def _ask_choices(asking: _Asking) -> None:
    questions, delimiter = asking.task.questions, asking.task.config.delimiter
    texts = [
        (number, context, delimiter + choice)
        for number, asked in enumerate(questions)
        for context in [asking.prompts.context(number)]
        for choice in asked.choices
    ]
    found = iter(asking.judged(texts))
    of_pairs = any(one.get("metric") == "pair_preference" for one in asking.task.config.metric_list)
    for item, asked in zip(asking.items, questions, strict=True):
        log_p = [next(found).log_probability for _ in asked.choices]
        item.log_probabilities = log_p
        _score(item, pair_scores(log_p) if of_pairs else choice_scores(log_p, asked.choices, asked.right))


def _ask_answers(asking: _Asking) -> None:
    """As lm-evaluation-harness: the answer as it stands, with the space that it begins with."""
    answers = [asked.answers[0] for asked in asking.task.questions]
    texts = [(number, asking.prompts.context(number), answer) for number, answer in enumerate(answers)]
    for item, answer, one in zip(asking.items, answers, asking.judged(texts), strict=True):
        item.log_probabilities = [one.log_probability]
        _score(item, answer_scores(one.log_probability, one.greedy, answer))


def _ask_texts(asking: _Asking) -> None:
    texts = [asked.answers[0] for asked in asking.task.questions]
    windows = [rolling(ids, asking.codec.bos, asking.model.config.context) for ids in asking.codec.encode(texts)]
    found = iter(log_likelihoods(asking.model, [pair for pairs in windows for pair in pairs]))
    for item, text, pairs in zip(asking.items, texts, windows, strict=True):
        log_p = sum(next(found).log_probability for _ in pairs)
        item.log_probabilities = [log_p]
        _score(item, text_scores(log_p, text))


def _ask_generation(asking: _Asking) -> None:
    config, where = asking.task.config, f"task {asking.task.name}"
    options = {str(one.get("metric")): one for one in config.metric_list}
    if unknown := set(options) - {"exact_match", "pass_at_k", "memorised", "probe"}:
        fix = "exact_match, pass_at_k, memorised and probe; likelihood_per_character comes with each answer"
        raise ConfigError(f"metric {min(unknown)!r} is not known for what is written", where=where, fix=fix)
    samples = asking.samples or config.repeats
    passes = PassAtK(options["pass_at_k"], samples, config.unsafe_code, where) if "pass_at_k" in options else None
    matches = ExactMatch(options.get("exact_match", {}), where) if "exact_match" in options or not options else None
    filters = pipelines(config.filter_list, where)
    contexts = [asking.prompts.context(number) for number in range(len(asking.items))]
    for item, found in zip(asking.items, _written(asking, contexts, samples), strict=True):
        item.responses = [one.text for one in found]
        if config.structure:
            item.responses = [one.removeprefix(config.delimiter) for one in item.responses]
        item.unended = sum(not one.ended for one in found)
        if config.tools:
            item.turns = [[turn.message() for turn in one.turns] for one in found]
            _score(item, {"tool_calls": fmean(one.calls for one in found),
                          "tool_errors": fmean(one.failed for one in found)})  # fmt: skip
    if matches is not None:
        for item, asked in zip(asking.items, asking.task.questions, strict=True):
            for one in filters:
                item.scores["exact_match", one.name] = matches(one(item.responses)[0], asked.answers)
    if passes is not None:
        passed = passes(asking.task.items, [item.responses for item in asking.items])
        for item, of_item in zip(asking.items, passed, strict=True):
            _score(item, of_item)
    if "memorised" in options:
        for item, asked in zip(asking.items, asking.task.questions, strict=True):
            _score(item, memorised(item.responses[0], asked.answers[0]))
    if "probe" in options:
        for item in asking.items:
            _score(item, {"empty": sum(not text.strip() for text in item.responses) / samples})
    _likelihood_of_answers(asking, contexts)


def _written(asking: _Asking, contexts: list[Context], samples: int) -> list[list[Written]]:
    config = asking.task.config
    ids = asking.ids(contexts)
    prompts = [
        Prompt(one, (int(item.hash[:12], 16),), structure)
        for one, item, structure in zip(ids, asking.items, _structures(asking), strict=True)
    ]
    sampling = _sampling(config.generation_kwargs, asking.seed, f"task {asking.task.name}")
    if samples > 1 and sampling.temperature == 0:
        raise ConfigError(
            f"{samples} continuations of each prompt would all be the same: the temperature is 0",
            where=f"task {asking.task.name}, generation_kwargs",
            fix="--temperature 0.8 (in the task: do_sample: true and a temperature above 0), or one continuation",
        )
    most = asking.most_tokens or int(config.generation_kwargs.get("max_gen_toks", MOST_TOKENS))
    room = asking.model.config.context - most
    for item, prompt in zip(asking.items, prompts, strict=True):
        item.cut = max(0, len(prompt.ids) - room)
    if asking.tools is not None:
        return asking.tools.answers(prompts, most_tokens=most, sampling=sampling, samples=samples)
    return write_until(
        asking.model, asking.codec, prompts, until=config.until, most_tokens=most, sampling=sampling, samples=samples
    )


def _structures(asking: _Asking) -> list[Structure | None]:
    """What each item's continuation is to be, behind the delimiter; equal ones are made once."""
    config, made = asking.task.config, dict[str, Structure]()
    if not config.structure:
        return [None] * len(asking.items)
    pieces, where = Pieces(asking.codec.pieces(), asking.codec.ends), f"task {asking.task.name}, structure"
    keys = [json.dumps(asked.structure, sort_keys=True) for asked in asking.task.questions]
    for key, asked in zip(keys, asking.task.questions, strict=True):
        if key not in made:
            wanted: Expression | None = Joined((exactly(config.delimiter), expression_of(asked.structure, where)))
            if asking.tools is not None:
                wanted = asking.tools.or_call(wanted)
            assert wanted is not None
            made[key] = Structure(wanted, pieces, where)
    return [made[key] for key in keys]


def _sampling(options: dict[str, Any], seed: int, where: str) -> Sampling:
    known = {"until", "max_gen_toks", "do_sample", "temperature", "top_k", "top_p", "min_p"}
    if unknown := set(options) - known:
        raise ConfigError(
            f"generation_kwargs: unknown {min(unknown)!r}", where=where, fix=f"one of: {', '.join(sorted(known))}"
        )
    temperature = float(options.get("temperature", 0.0))
    if options.get("do_sample") is False:
        temperature = 0.0
    return Sampling(
        temperature=temperature,
        top_k=int(options.get("top_k", 0)),
        top_p=float(options.get("top_p", 1.0)),
        min_p=float(options.get("min_p", 0.0)),
        seed=seed,
    )


def _likelihood_of_answers(asking: _Asking, contexts: list[Context]) -> None:
    """Of the first right answer behind its context: where nothing is written right yet, models still differ by it.
    Answers that do not fit into the context are left out, which the score's count says."""
    texts = [
        (number, contexts[number], asking.task.config.delimiter + asked.answers[0])
        for number, asked in enumerate(asking.task.questions)
        if asked.answers and asked.answers[0]
    ]
    pairs = asking.pairs([(context, answer) for _, context, answer in texts])
    fitting = [
        (number, answer, pair)
        for (number, _, answer), pair in zip(texts, pairs, strict=True)
        if 0 < len(pair.continuation) <= asking.model.config.context
    ]
    found = log_likelihoods(asking.model, [pair for _, _, pair in fitting]) if fitting else []
    for (number, answer, _), one in zip(fitting, found, strict=True):
        length = max(1, len(answer) - len(asking.task.config.delimiter))
        asking.items[number].log_probabilities = [one.log_probability]
        asking.items[number].scores["likelihood_per_character", PLAIN] = one.log_probability / length


_ASK = {
    "multiple_choice": _ask_choices,
    "loglikelihood": _ask_answers,
    "loglikelihood_rolling": _ask_texts,
    "generate_until": _ask_generation,
}


def _score(item: ItemResult, found: Mapping[str, Value]) -> None:
    item.scores |= {(metric, PLAIN): value for metric, value in found.items()}


def summarised(items: Sequence[ItemResult]) -> dict[tuple[str, str], Score]:
    """Each metric over the items that have it."""
    names = dict.fromkeys(name for item in items for name in item.scores)
    return {
        name: metric_of(name[0]).summarise([item.scores[name] for item in items if name in item.scores])
        for name in names
    }


def _by_group(task: Task, items: list[ItemResult]) -> dict[str, dict[str, dict[tuple[str, str], Score]]]:
    found: dict[str, dict[str, dict[tuple[str, str], Score]]] = {}
    for group in GROUPS:
        values = [str(item[group]) if item.get(group) is not None else None for item in task.items]
        there = sorted({value for value in values if value is not None})
        if len(there) > 1:
            found[group] = {
                value: summarised([item for item, own in zip(items, values, strict=True) if own == value])
                for value in there
            }
    return found
