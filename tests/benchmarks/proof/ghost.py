"""Ghost Attention over four turns: a model that follows an instruction where it is said, but loses it on the
way, learns to keep it (Touvron et al. 2023, 3.3).

The instruction is to end every answer with a mark; what is asked is to copy two digits. The plain model learns from
single questions under an instruction, and from four questions of which some bring an instruction of their own, which
holds for that answer alone. It then answers conversations with the instruction before every question; what it said is
learnt with the instruction in the system turn alone (`ghost`), or as it was said, for as many steps (`again`).
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gristmill.tokenizer.chat.ghost import BETWEEN, repeated
from gristmill.tokenizer.chat.render import render_all
from gristmill.tokenizer.chat.turns import Turn
from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.evaluate.sampling import PURE, Sampling
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.rollouts.prompts import completion
from gristmill.trainer.rollouts.rollout import Prompt
from gristmill.trainer.rollouts.sampler import roll_out
from tests.benchmarks.proof.runs import LANGUAGES, Messages, make_tokenizer, write_talks, write_texts
from tests.benchmarks.proof.settings import ANSWER, GHOST, GHOST_LENGTH, GHOST_PLAIN, SHAPE, TUNING, Stage
from tests.benchmarks.proof.trained import Trained, open_model

TURNS = 4
MARKS = {"en": "ABCD", "zh": "天地人日"}
INSTRUCTION = {"en": "End every answer with {}.", "zh": "每个回答都以{}结尾。"}
ASKED = {"en": "Copy: {}", "zh": "照抄：{}"}
GREEDY = Sampling(temperature=0)


def ghost_attention(proof: Trained) -> None:
    """What share of answers ends with the mark, by turn, of three models."""
    rng = random.Random(f"ghost {proof.seed}")
    count = int(1500 * proof.scale) or 40
    talks = [plain_talk(rng, LANGUAGES[k % 2], k // 2 % 3) for k in range(count)]
    lists = [f"{_digits(rng)} {rng.choice(MARKS[LANGUAGES[k % 2]])}" for k in range(400)]
    texts = [str(turn["content"]) for talk in talks for turn in talk]
    tokenizer = make_tokenizer(proof.fresh("ghost-tokens"), texts + lists)
    encoder = Encoder(tokenizer)
    write_texts(proof.fresh("ghost-texts"), tokenizer, {"train": lists, "validation": lists[:20]}, GHOST_LENGTH)
    _write(proof, "plain-talks", tokenizer, talks)
    proof.train("", "ghost-texts", "base", Stage(20, (*SHAPE, *TUNING, f"seed={proof.seed}")))
    plain = proof.train("sft", "plain-talks", "plain", GHOST_PLAIN, begin=proof.at("ghost-texts", "base"))

    told = _asked(rng, int(600 * proof.scale) or 20)
    said = converse(open_model(plain), encoder, told, instructed=repeated)
    good = [talk for talk, _, mark in said if all(_keeps(turn, mark) for turn in talk[2::2])]
    if not good:
        raise SystemExit("the plain model follows no instruction where it is said: it needs more steps, --scale 1")
    as_said = [[*talk[:1], *talk[1 : 1 + 2 * rng.randint(1, TURNS)]] for talk in good]
    others = [talk for talk in talks if talk[0]["role"] != "system"][: len(as_said) // 2]
    _write(proof, "ghost-talks", tokenizer, as_said + others, ghost=True)
    _write(proof, "again-talks", tokenizer, as_said + others)
    trained = {"plain": plain} | {
        name: proof.train("sft", f"{name}-talks", name, GHOST, begin=proof.at("plain-talks", "plain"))
        for name in ("ghost", "again")
    }
    repeated_kept = {"plain": {"kept where repeated": len(good) / len(said)}}
    for name, training in trained.items():
        figures = _kept(open_model(training), encoder, proof.examples)
        proof.keep(f"ghost-{name}", figures | repeated_kept.get(name, {}))


def converse(
    model: Model, encoder: Encoder, asked: Sequence[tuple[str, str, list[str]]],
    instructed: Callable[[Sequence[Turn]], list[Turn]] = list, sampling: Sampling = GREEDY,
) -> list[tuple[Messages, str, str]]:  # fmt: skip
    """(conversation, language, mark) of each (language, mark, questions): the model's own answers, turn by turn.
    `instructed`: what is done with the turns before the model reads them."""
    talks = [[Turn("system", INSTRUCTION[lang].format(mark))] if mark else [] for lang, mark, _ in asked]
    for turn in range(len(asked[0][2])):
        for talk, (_, _, questions) in zip(talks, asked, strict=True):
            talk.append(Turn("user", questions[turn]))
        rendered = render_all(encoder, [instructed(talk) for talk in talks], generation=True)
        prompts = [Prompt(one.ids, number) for number, one in enumerate(rendered) if one is not None]
        answers = roll_out(model, prompts, 1, sampling, ANSWER)
        for talk, answer in zip(talks, answers, strict=True):
            talk.append(Turn("assistant", completion(encoder, answer).strip() or "-"))
    return [([turn.message() for turn in instructed(talk)], lang, mark)
            for talk, (lang, mark, _) in zip(talks, asked, strict=True)]  # fmt: skip


def _kept(model: Model, encoder: Encoder, seed: int) -> dict[str, float]:
    """By turn: the share of sampled answers that keep the instruction of the system turn; `wrong digits` of all turns,
    and `unasked`: the share with a mark where nobody asked for one."""
    asked = _asked(random.Random(f"told {seed}"), 200)
    said = converse(model, encoder, asked, sampling=PURE)
    found = {
        f"turn {turn + 1}": sum(_keeps(talk[2 + 2 * turn], mark) for talk, _, mark in said) / len(said)
        for turn in range(TURNS)
    }
    right = [talk[2 + 2 * k]["content"].startswith(questions[k].split(":")[-1].split("：")[-1].strip())
             for (talk, _, _), (_, _, questions) in zip(said, asked, strict=True) for k in range(TURNS)]  # fmt: skip
    free = converse(model, encoder, [(lang, "", questions) for lang, _, questions in asked], sampling=PURE)
    marked = [talk[1 + 2 * k]["content"][-1] in "".join(MARKS.values()) for talk, _, _ in free for k in range(TURNS)]
    return found | {"right digits": sum(right) / len(right), "unasked": sum(marked) / len(marked)}


def _keeps(turn: dict[str, Any], mark: str) -> bool:
    return bool(turn["content"].endswith(mark))


def _asked(rng: random.Random, count: int) -> list[tuple[str, str, list[str]]]:
    """(language, mark, four questions)."""
    made = []
    for number in range(count):
        lang = LANGUAGES[number % 2]
        made.append((lang, rng.choice(MARKS[lang]), [ASKED[lang].format(_digits(rng)) for _ in range(TURNS)]))
    return made


def plain_talk(rng: random.Random, lang: str, kind: int) -> Messages:
    """For the plain model: 0, one question under an instruction; 1, four without; 2, four, some with their own."""
    mark = rng.choice(MARKS[lang])
    talk: Messages = [{"role": "system", "content": INSTRUCTION[lang].format(mark)}] if kind == 0 else []
    for _ in range(1 if kind == 0 else TURNS):
        digits, own = _digits(rng), kind == 2 and rng.random() < 0.5
        mark = rng.choice(MARKS[lang]) if own else mark
        said = INSTRUCTION[lang].format(mark) + BETWEEN if own else ""
        talk.append({"role": "user", "content": said + ASKED[lang].format(digits)})
        talk.append({"role": "assistant", "content": f"{digits} {mark}" if own or kind == 0 else digits})
    return talk


def _digits(rng: random.Random) -> str:
    return f"{rng.randrange(10)} {rng.randrange(10)}"


def _write(proof: Trained, run: str, tokenizer: Path, talks: list[Messages], **render: Any) -> None:
    held = talks[: max(2, len(talks) // 20)]
    write_talks(proof.fresh(run), tokenizer, {"train": talks[len(held) :], "validation": held}, GHOST_LENGTH, **render)
