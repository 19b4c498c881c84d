"""Fits the weights of names/tagger/model.npz: an averaged perceptron over made texts and real, labelled ones.

    python tests/benchmarks/names/fit.py LABELLED.jsonl... --out RAW.npz [--made 9000] [--epochs 3] [--order 7]

sources.py, silver.py and corenlp.py write LABELLED into a folder; what is shipped is fitted on `@parts.txt --folder
FOLDER` in orders 7 and 8. lean.py makes model.npz of RAW.npz.

A line of LABELLED: {"text": ..., "spans": [[start, end, "PERSON" | "ADDRESS" | "?"], ...]}, in characters; what stands
under a "?" may be anything. Its names are exchanged for others in every second epoch, so that not they are learnt but
what stands around them. The same inputs give the same weights; fits in several orders, of which lean.py takes the
mean, find a little more.
"""

import argparse
import json
import random
import time
import zlib
from pathlib import Path

import made as texts
import numpy as np
import pyarrow as pa
import variants

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.jit import inline
from gristmill.filters.pii.names.tagger import lists
from gristmill.filters.pii.names.tagger.decode import (
    ADDRESS_BEGINS,
    LABELS,
    PERSON_BEGINS,
    allowed,
    best_path,
    read,
    score,
)
from gristmill.filters.pii.names.tagger.features import FEATURES, features
from gristmill.filters.pii.names.tagger.tokens import classes, mix

SLOTS = 1 << 20
MARGIN = 8
"""How much better than others the right labels have to be, before nothing is learnt; twice as much for names."""
UNKNOWN = 70
"""Of 256 words of names, so many are unknown ones each time; of others that could be names a quarter of that."""
SHORT = 2000
"""Characters of a text in which names are put in place of he and she."""
KEYS = 1 << 24
AGAIN = 65535
"""What is remembered of a feature, by a longer hash: the first two texts where it was wanted, or that there was a
third. Until then it has no weight: what stands in so few says little, and there is too much of it for the table."""
ANY = -1
"""Label of a token of which nobody knows."""
_FIRST = {texts.PERSON: PERSON_BEGINS, texts.ADDRESS: ADDRESS_BEGINS}


@inline  # compiled each time: what it calls is of another room, whose changes its cache would not notice
def learn(
    data_B,
    start_D1,
    order_D,
    origin_D,
    seen_K,
    gold_B,
    class_C,
    key_H,
    value_H,
    weight_WL,
    step_LL,
    sum_WL,
    sum_LL,
    clock,
    update,
    margin,
    token_8T,
    list_T,
    hash_3T,
    slot_F,
    score_TL,
    back_TL,
    label_T,
    gold_T,
    right_3,
):
    """One pass; gold_B: the label of the token that begins at each byte, after which 0 is read. Returns the clock.
    right_3: spans found right, found, there are, at token level."""
    for k in range(order_D.size):
        d = order_D[k]
        low, high = start_D1[d], start_D1[d + 1]
        count = read(data_B, low, high, class_C, key_H, value_H, token_8T, list_T, hash_3T)
        place_T = token_8T[6]
        for i in range(count):
            gold = gold_B[token_8T[0, i]]
            gold_T[i] = gold
        # what may not stand somewhere is not to be learnt there, nor that it is none: Kay Mann@ECT up to the sign
        i = 0
        while i < count:
            g = gold_T[i]
            if g in (PERSON_BEGINS, ADDRESS_BEGINS):
                j, reached = i, 0
                while j < count and gold_T[j] == (g if j == i else g + 1):
                    reached += reached == j - i and allowed(place_T[j], gold_T[j])
                    j += 1
                right_3[3] += reached < j - i
                for n in range(i + reached, j):
                    gold_T[n] = ANY
                i = j
            else:
                i += 1
        if update:  # what a word is called is not to decide alone: some are called otherwise each time
            for i in range(count):
                draw = mix(mix(clock, i), 77) & 255
                if draw < (UNKNOWN if gold_T[i] > 0 else UNKNOWN // 4) and place_T[i] != 0:
                    hash_3T[0, i] = mix(mix(clock, i), 78)
        i = 0
        while i < count:
            if place_T[i] == 0:
                label_T[i] = 0
                i += 1
                continue
            first = i
            while i < count and place_T[i] != 0:
                score(data_B, count, i, token_8T, list_T, hash_3T, weight_WL, slot_F, score_TL[i])
                if update and gold_T[i] >= 0:
                    score_TL[i, gold_T[i]] -= margin if gold_T[i] == 0 else 2 * margin
                i += 1
            best_path(first, i, place_T, step_LL, score_TL, back_TL, label_T)
        clock += 1
        before_gold, before = 0, 0
        for i in range(count):
            gold, label = gold_T[i], label_T[i]
            if gold == ANY:
                gold = label
            if gold in (1, 3):
                right_3[2] += 1
            if label in (1, 3):
                right_3[1] += 1
                if gold == label:
                    right_3[0] += 1
            if update:
                if gold != label:
                    features(
                        data_B,
                        count,
                        i,
                        token_8T[0],
                        token_8T[1],
                        token_8T[2],
                        token_8T[3],
                        token_8T[4],
                        hash_3T[0],
                        list_T,
                        token_8T[5],
                        hash_3T[1],
                        hash_3T[2],
                        seen_K.size,
                        slot_F,
                    )
                    for f in range(FEATURES):
                        key = slot_F[f]
                        if seen_K[key] < AGAIN:
                            origin = origin_D[d]
                            first, second = seen_K[key] & 255, seen_K[key] >> 8
                            if first == 0:
                                seen_K[key] = origin
                            elif first != origin and second == 0:
                                seen_K[key] = origin << 8 | first
                            elif first != origin and second != origin:
                                seen_K[key] = AGAIN
                            if seen_K[key] != AGAIN:
                                continue
                        slot = key & (weight_WL.shape[0] - 1)
                        weight_WL[slot, gold] += 1
                        weight_WL[slot, label] -= 1
                        sum_WL[slot, gold] += clock
                        sum_WL[slot, label] -= clock
                if gold != label or before_gold != before:
                    step_LL[before_gold, gold] += 1
                    step_LL[before, label] -= 1
                    sum_LL[before_gold, gold] += clock
                    sum_LL[before, label] -= clock
            before_gold, before = gold, label
    return clock


def encoded(samples: list[tuple[str, list]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(bytes, offsets, labels by byte) of labelled texts: a label at each byte of its span, the first its own."""
    column = pa.array([text for text, _ in samples], pa.large_string())
    data_B, start_D1 = text_buffers(column)
    gold_B = np.zeros(len(data_B), np.int8)
    for d, (text, spans) in enumerate(samples):
        for a, b, label in spans:
            first = int(start_D1[d]) + len(text[:a].encode())
            end = first + len(text[a:b].encode())
            if label == "?":
                gold_B[first:end] = ANY
            else:
                gold_B[first:end] = _FIRST[label] + 1
                gold_B[first] = _FIRST[label]
    return data_B, start_D1, gold_B


class Trainer:
    """Weights in the making, and room to compute them in."""

    def __init__(self, longest: int):
        self.weight_WL, self.sum_WL = np.zeros((SLOTS, LABELS), np.int32), np.zeros((SLOTS, LABELS), np.int64)
        self.step_LL, self.sum_LL = np.zeros((LABELS,) * 2, np.int32), np.zeros((LABELS,) * 2, np.int64)
        self.seen_K = np.zeros(KEYS, np.uint16)
        self.clock = 0
        self.room = room(longest)

    def epoch(self, samples, origins, rng, update=True) -> np.ndarray:
        """One pass; origins: a number for each text, the same where it is the same but for its names."""
        data_B, start_D1, gold_B = encoded(samples)
        order = np.arange(len(samples))
        if update:
            rng_np = np.random.default_rng(rng.randrange(1 << 30))
            rng_np.shuffle(order)
        right = np.zeros(4, np.int64)
        key_H, value_H = lists.table()
        gold_T = np.zeros(self.room[0].shape[1], np.int64)
        self.clock = learn(
            data_B,
            start_D1,
            order,
            np.array([1 + zlib.crc32(f"{origin}".encode()) % 254 for origin in origins], np.int64),
            self.seen_K,
            gold_B,
            classes(),
            key_H,
            value_H,
            self.weight_WL,
            self.step_LL,
            self.sum_WL,
            self.sum_LL,
            self.clock,
            update,
            MARGIN,
            *self.room,
            gold_T,
            right,
        )
        return right

    def save(self, file: Path) -> None:
        """Averaged weights and steps, on one scale: int8, int32."""
        mean_WL = self.weight_WL - self.sum_WL / max(self.clock, 1)
        mean_LL = self.step_LL - self.sum_LL / max(self.clock, 1)
        bound = np.quantile(np.abs(mean_WL[mean_WL != 0]), 0.9999)
        scale = 127 / bound
        steps = np.rint(mean_LL * scale).astype(np.int32)
        weights = np.clip(np.rint(mean_WL * scale), -127, 127).astype(np.int8)
        print(f"scale {scale:.2f}, {(weights != 0).any(1).sum():,} slots, steps {steps.tolist()}")
        np.savez_compressed(file, weight_WL=weights, step_LL=steps, scale=scale)


def room(longest: int):
    return (
        np.zeros((8, longest), np.int32),
        np.zeros(longest, np.int64),
        np.zeros((3, longest), np.int64),
        np.zeros(FEATURES, np.int64),
        np.zeros((longest, LABELS), np.int64),
        np.zeros((longest, LABELS), np.int8),
        np.zeros(longest, np.int8),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, fromfile_prefix_chars="@"
    )
    parser.add_argument("labelled", nargs="*", help="FILE or FILE:WEIGHT, which repeats it")
    parser.add_argument("--folder", type=Path, default=Path(), help="where the files are")
    parser.add_argument("--made", type=int, default=9000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--order", type=int, default=7, help="a number that says in which order texts are learnt")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    real = []
    for name in args.labelled:
        name, _, weight = name.partition(":")
        lines = [json.loads(line) for line in (args.folder / name).read_text(encoding="utf-8").split("\n") if line]
        real += [variants.unsure((line["text"], line["spans"])) for line in lines for _ in range(int(weight or 1))]
    carriers = {"en": ["the plan would succeed"], "zh": ["完成了这项工作"]}
    for text, spans in real:
        if not spans and 8 < len(text) < 120:
            carriers["zh" if any("\u4e00" <= c <= "\u9fff" for c in text) else "en"].append(text.strip("。."))
    rng = random.Random(args.order)
    trainer = None
    for epoch in range(args.epochs):
        began = time.time()
        generated = texts.made(100 * args.order + epoch, args.made, carriers)
        batch = [(text, f"made {n}") for n, text in enumerate(generated)]
        batch += [(sample, sample[0]) for sample in real]
        short = [sample for sample in real if len(sample[0]) < SHORT]
        batch += [(variants.exchanged(sample, rng, 0.7), sample[0]) for sample in short if sample[1]]
        batch += [
            (variants.named(sample, rng, 0.6), sample[0]) for sample in short if variants.PRONOUN.search(sample[0])
        ]
        batch += variants.recased(short, rng)
        if trainer is None:
            trainer = Trainer(2 * max(len(text.encode()) for text, _ in real + generated) + 100000)
        right = trainer.epoch(*map(list, zip(*batch, strict=True)), rng)
        seconds = time.time() - began
        print(
            f"epoch {epoch}: {seconds:.0f} s; right {right[0]} of {right[1]}, {right[2]} there, {right[3]} no reach",
            flush=True,
        )
    trainer.save(args.out)
    print(f"{args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
