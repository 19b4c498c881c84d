"""Generation: continuing prompts with a cache of keys and values, in batches, streamed as text.

Letters: B rows, T tokens of the longest prompt, A rows that are not yet at their end, W bytes that hold V bits.
"""

import codecs
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import EOS, PAD
from gristmill.trainer.errors import ConfigError, DivergedError
from gristmill.trainer.evaluate.sampling import Sampling, choose, generator_of
from gristmill.trainer.evaluate.structure.mask import Structure, masked
from gristmill.trainer.model.layers import Cache
from gristmill.trainer.model.transformer import Model, Tokens


@dataclass
class Step:
    """One more token of every row that is not yet at its end."""

    rows: list[int]
    tokens: list[int]
    log_probabilities: list[float]
    """Under the temperature and the filters."""
    kept_AW: Tensor | None
    """uint8, a bit for each id: what the filters left to choose from; None where they left all."""


@torch.no_grad()
def continuations(
    model: Model,
    prompts: Sequence[Sequence[int]],
    limits: Sequence[int],
    sampling: Sampling,
    generators: Sequence[torch.Generator],
    *,
    ends: Sequence[int] = (EOS,),
    copies: int = 1,
    cached: bool = True,
    masks: bool = False,
    stopped: Callable[[Step], Collection[int]] | None = None,
    structures: Sequence[Structure | None] | None = None,
) -> Iterator[Step]:
    """Continues `copies` rows of each prompt (row r is of prompt r // copies), each until one of `ends` or its limit.

    Prompts of different lengths are padded on the left; the padding is seen by nobody, and what else is in the batch
    changes nothing. Prompts are read once for all their copies, and rows at their end leave the batch when half of it
    is. Layers run uncompiled: lengths change with every token. `masks`: whether steps tell what the filters left.
    `stopped`: asked after each step which of its rows end with it, e.g. because of a stop string.
    `structures`: what may be written behind each prompt (`ends` are those of a structure, too); it is masked before
    the temperature and the filters, so that these choose among what is left, and whole within the row's limit.
    `cached=False` computes all tokens again at each step: slow, and the same (a test holds both to it). Raises
    ConfigError for a prompt that fills the context or a structure that needs more tokens than its row may have,
    DivergedError for a model whose probabilities are no numbers.
    """
    _check(model, prompts)
    guide = None if structures is None else _Guide([one for one in structures for _ in range(copies)], limits)
    device, context = model.embedding.weight.device, model.config.context
    batch = _Batch(model, prompts, max(limits) if cached else 0)
    hidden_BE = batch.hidden()
    numbers = list(range(len(prompts) * copies))
    if copies > 1:
        index_B = torch.arange(len(prompts), device=device).repeat_interleave(copies)
        batch.take(index_B)
        hidden_BE = hidden_BE[index_B]
    unfinished, length = set(numbers), 0
    while True:
        chances = [generators[row] for row in numbers]
        logits_BV = model.logits(hidden_BE)
        if guide is not None:
            logits_BV = masked(logits_BV, guide.wanted(numbers, unfinished, length))
        choice = choose(logits_BV, sampling, chances, model.config.V if masks else None)
        length += 1
        tokens, log_p = choice.token_B.tolist(), choice.log_probability_B.tolist()
        if any(math.isnan(value) for value in log_p):
            raise DivergedError(
                "the model's probabilities are no numbers", where="its weights", fix="go back to an earlier checkpoint"
            )
        at = [place for place, row in enumerate(numbers) if row in unfinished]
        kept_AW = None if choice.kept_BW is None else choice.kept_BW[torch.tensor(at, device=device)]
        step = Step(
            [numbers[place] for place in at], [tokens[place] for place in at], [log_p[place] for place in at], kept_AW
        )
        yield step
        if guide is not None:
            guide.follow(step)
        unfinished -= {numbers[place] for place in at if tokens[place] in ends or length == limits[numbers[place]]}
        unfinished -= set(stopped(step)) if stopped is not None else set()
        if not unfinished:
            return
        next_B = choice.token_B
        if 2 * len(unfinished) <= len(numbers):
            at = [place for place, row in enumerate(numbers) if row in unfinished]
            index_A = torch.tensor(at, device=device)
            batch.take(index_A)
            next_B, numbers = next_B[index_A], [numbers[place] for place in at]
        batch.grow(next_B, context)
        hidden_BE = batch.hidden()


def generate_ids(
    model: Model,
    prompts: Sequence[Sequence[int]],
    tokens: int,
    sampling: Sampling,
    *,
    cached: bool = True,
    structure: Structure | None = None,
    eos: int = EOS,
) -> Iterator[list[int | None]]:
    """After each step, the next token of every prompt; None once a prompt has ended (with `eos`, or a full context)."""
    limits = [min(tokens, room(model, prompt)) for prompt in prompts]
    generators = [generator_of((sampling.seed, row)) for row in range(len(prompts))]
    structures = None if structure is None else [structure] * len(prompts)
    steps = continuations(
        model, prompts, limits, sampling, generators, cached=cached, ends=(eos,), structures=structures
    )
    for step in steps:
        found = dict(zip(step.rows, step.tokens, strict=True))
        yield [None if found.get(row, eos) == eos else found[row] for row in range(len(prompts))]


def room(model: Model, prompt: Sequence[int]) -> int:
    """Tokens that can be written after a prompt. An encoder-decoder writes in a row of its own."""
    return model.config.context - (1 if model.encoder is not None else len(prompt))


class _Guide:
    """Where each row stands in what it is to write. Raises ConfigError where a limit is too low for it."""

    def __init__(self, structures: Sequence[Structure | None], limits: Sequence[int]):
        self.structures, self.limits, self.states = structures, limits, [0] * len(structures)
        for structure, limit in zip(structures, limits, strict=True):
            if structure is not None:
                structure.check(limit)

    def wanted(
        self, rows: Sequence[int], unfinished: Collection[int], length: int
    ) -> list[tuple[Structure, int, int] | None]:
        """Of each row in the batch, of which `length` tokens are written; what a row at its end says is not read."""
        found: list[tuple[Structure, int, int] | None] = []
        for row in rows:
            structure = self.structures[row] if row in unfinished else None
            left = self.limits[row] - length
            found.append(None if structure is None else (structure, self.states[row], left))
        return found

    def follow(self, step: Step) -> None:
        """A token more of each row."""
        for row, token in zip(step.rows, step.tokens, strict=True):
            if (structure := self.structures[row]) is not None:
                self.states[row] = structure.after(self.states[row], token)


class _Batch:
    """Rows as the model reads them next: whole prompts first, then with a cache the newest token of each."""

    def __init__(self, model: Model, prompts: Sequence[Sequence[int]], most: int):
        """`most`: tokens that will be added; 0: nothing is cached."""
        self.model, device = model, model.embedding.weight.device
        self.rows, self.encoder_tokens = _left_padded(prompts, device, prefix=model.config.mask == "prefix"), None
        if model.encoder is not None:  # T5 starts writing at PAD
            start = _left_padded([[PAD]] * len(prompts), device, prefix=False)
            self.encoder_tokens, self.rows = self.rows, start
        self.encoded_BSE = None
        if self.encoder_tokens is not None:
            with torch.compiler.set_stance("force_eager"):
                self.encoded_BSE = model.encode(self.encoder_tokens)
        self.cache = Cache(self.rows.ids.shape[1] + most) if most else None

    def hidden(self) -> Tensor:
        """Of the last token of each row, (B, E)."""
        with torch.compiler.set_stance("force_eager"):
            return self.model(self.rows, self.encoder_tokens, self.cache, self.encoded_BSE)[:, -1]

    def take(self, index_A: Tensor) -> None:
        """Only these rows remain, or are repeated."""
        self.rows = self.rows.at(index_A)
        if self.cache is not None:
            self.cache.take(index_A)
        if self.encoder_tokens is not None and self.encoded_BSE is not None:
            self.encoder_tokens, self.encoded_BSE = self.encoder_tokens.at(index_A), self.encoded_BSE[index_A]

    def grow(self, next_B: Tensor, context: int) -> None:
        """The rows with one more token; only that token, where the others are cached. A row that has ended is read on
        with the rest, at most to the last position of the context."""
        rows = self.rows
        assert rows.positions is not None
        new = Tokens(
            next_B[:, None],
            (rows.positions[:, -1:] + 1).clamp(max=context - 1),
            None if rows.documents is None else rows.documents[:, -1:],
            None if rows.prefix is None else torch.zeros_like(rows.prefix[:, -1:]),
        )
        if self.cache is None:
            pairs = [(getattr(rows, name), getattr(new, name)) for name in ("ids", "positions", "documents", "prefix")]
            new = Tokens(*(None if old is None else torch.cat((old, added), 1) for old, added in pairs))  # type: ignore[arg-type]
        self.rows = new


def _check(model: Model, prompts: Sequence[Sequence[int]]) -> None:
    """Raises ConfigError where nothing can be generated."""
    if model.config.mask == "full":
        raise ConfigError(
            "an encoder restores masked tokens, it does not continue a text",
            where="the checkpoint",
            fix="train with --set objective=causal, prefix or spans",
        )
    if model.config.head == "score":
        raise ConfigError(
            "a reward model judges texts, it writes none", where="the checkpoint", fix="name one of another training"
        )
    longest = max(len(prompt) for prompt in prompts)
    if longest >= model.config.context:
        raise ConfigError(
            f"the prompt has {longest} tokens, the model reads {model.config.context}",
            where="the prompt",
            fix="shorten it",
        )


def _left_padded(prompts: Sequence[Sequence[int]], device: torch.device, *, prefix: bool) -> Tokens:
    """The prompts as one batch; with `prefix` they are read in both directions."""
    longest = max(len(prompt) for prompt in prompts)
    pads = torch.tensor([longest - len(prompt) for prompt in prompts])
    ids_BT = torch.tensor([[PAD] * (longest - len(prompt)) + list(prompt) for prompt in prompts])
    positions_BT = (torch.arange(longest)[None] - pads[:, None]).clamp(min=0)
    documents_BT = -(torch.arange(longest)[None] < pads[:, None]).long()
    return Tokens(
        ids_BT.to(device),
        positions_BT.to(device),
        documents_BT.to(device) if pads.any() else None,
        torch.ones_like(ids_BT).to(device) if prefix else None,
    )


def stream(
    model: Model,
    encoder: Encoder,
    prompt: str,
    tokens: int,
    sampling: Sampling,
    stop: Sequence[str] = (),
    structure: Structure | None = None,
) -> Iterator[str]:
    """The continuation of a prompt, in pieces as they become certain; ends at its EOS, after `tokens`, or before a stop
    string. `structure`: what it is to be (its end is that EOS)."""
    prompts = [[encoder.bos, *encoder.ids(prompt)]]
    found = generate_ids(model, prompts, tokens, sampling, structure=structure, eos=encoder.eos)
    new = (token for (token,) in found)
    yield from pieces(encoder, takewhile(lambda token: token is not None, new), stop)  # type: ignore[arg-type]


def pieces(encoder: Encoder, tokens: Iterable[int], stop: Sequence[str] = ()) -> Iterator[str]:
    """The text of tokens, in pieces as they become certain: no character is cut, no stop string is told in part."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text, told = "", 0
    hold = max((len(one) for one in stop), default=1) - 1  # a stop string may begin in what is held back
    for token in tokens:
        text += decoder.decode(encoder.decode_bytes([token]))
        if (cut := first_stop(text, stop)) is not None:
            yield text[told:cut]
            return
        if len(text) - hold > told:
            yield text[told : len(text) - hold]
            told = len(text) - hold
    if rest := text[told:] + decoder.decode(b"", final=True):
        yield rest


def first_stop(text: str, stop: Sequence[str]) -> int | None:
    """Where the first stop string begins."""
    places = [place for place in (text.find(one) for one in stop if one) if place >= 0]
    return min(places, default=None)
