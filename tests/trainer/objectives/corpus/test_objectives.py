"""Every objective: what it scores, that nothing scored can be seen, and that it beats its own unigram baseline."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from gristmill.tokenizer.special_ids import EOS, EXTRA_0, MASK, PAD, SENTINELS
from gristmill.trainer.data.batch import Batch, row_generator
from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.registry import OBJECTIVES
from tests.trainer.data.test_loader import row_segments

NAMES = list(OBJECTIVES)


def arrays(corpus, objective, rows):
    """The filled rows, as the loader fills them: {name: (rows, length)}."""
    made = {name: np.full((rows, n), -7, np.int32) for name, n in objective.fields(corpus.sequence_length).items()}
    objective.fill(made, corpus.segments(np.arange(rows)), lambda row: row_generator(0, 0, row))
    assert not any((a == -7).any() for a in made.values()), "a cell was left as it was"
    return made


@pytest.mark.parametrize("name", NAMES)
def test_fill__same_row_same_epoch_same_bytes(corpus, name):
    first, second = (arrays(corpus, OBJECTIVES[name](450), 6) for _ in range(2))
    assert all(np.array_equal(first[key], second[key]) for key in first)


def test_masked__hides_15_percent_as_bert_does(corpus):
    made, plain = (arrays(corpus, OBJECTIVES[name](450), len(corpus)) for name in ("masked", "causal"))
    chosen = made["targets"] >= 0
    assert chosen.sum() / (made["documents"] >= 0).sum() == pytest.approx(0.15, abs=0.02)
    assert np.array_equal(made["targets"][chosen], plain["ids"][chosen])
    assert np.array_equal(made["ids"][~chosen], plain["ids"][~chosen])
    assert (made["ids"][chosen] == MASK).mean() == pytest.approx(0.8, abs=0.05)
    assert (made["ids"][chosen] == plain["ids"][chosen]).mean() == pytest.approx(0.1, abs=0.05)


def test_spans__what_is_read_and_what_is_written_make_the_document(corpus):
    objective = OBJECTIVES["spans"](450)
    made = arrays(corpus, objective, len(corpus))
    shares = []
    for row in range(len(corpus)):
        for number, (tokens, _) in enumerate(row_segments(corpus, row)):
            read = made["encoder_ids"][row][made["encoder_documents"][row] == number].tolist()
            here = made["documents"][row] == number
            written = made["targets"][row][here].tolist()
            if not written:
                assert read == tokens
                continue
            assert made["ids"][row][here].tolist() == [PAD, *written[:-1]]
            assert written[-1] == EOS
            spans, sentinels = {}, []
            for token in written[:-1]:
                if EXTRA_0 <= token < EXTRA_0 + SENTINELS:
                    sentinels.append(token)
                    spans[token] = []
                else:
                    spans[sentinels[-1]].append(token)
            assert sentinels == list(range(EXTRA_0, EXTRA_0 + len(sentinels)))
            all_gather = [t for token in read for t in spans.get(token, [token])]
            assert all_gather == tokens
            shares.append(sum(map(len, spans.values())) / len(all_gather))
    assert np.mean(shares) == pytest.approx(0.15, abs=0.02)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_objective__hidden_tokens_cannot_be_seen(corpus, name, seed, tiny, run_dir):
    """The classic leak: change every scored token that is not given as an input, and no prediction may move; change the
    last scored input, and earlier predictions may not move."""
    config = build.complete(replace(tiny, objective=name), open_data(run_dir)).model
    model = Model(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0.0, 0.3, generator=generator)
    made = {key: torch.from_numpy(a.astype(np.int64)) for key, a in arrays(corpus, OBJECTIVES[name](450), 4).items()}
    batch = Batch.of(made, documents=True, most_segments=64)
    place = torch.zeros_like(made["ids"], dtype=torch.bool)
    place[:, -3:] = True
    changed = {**made, "ids": torch.where(place, (made["ids"] + 5) % 450, made["ids"])}
    objective = OBJECTIVES[name](450)
    with torch.no_grad():
        before = model(batch.tokens, batch.encoder_tokens) if objective.encodes else model(batch.tokens)
        other = Batch.of(changed, documents=True, most_segments=64)
        after = model(other.tokens, other.encoder_tokens) if objective.encodes else model(other.tokens)
    scored = (batch.targets_BT >= 0) & ~place
    if objective.mask == "full":
        assert not torch.allclose(before[scored], after[scored]), "an encoder sees to the right"
        return
    seen_before = scored if "prefix" not in made else scored & ~_same_document_has(made, place & (made["prefix"] > 0))
    assert torch.equal(before[seen_before], after[seen_before])


def _same_document_has(made, place):
    """Tokens whose document has one of these places (a changed prefix token is seen by its whole document)."""
    out = torch.zeros_like(place)
    for row in range(len(place)):
        hit = set(made["documents"][row][place[row]].tolist())
        out[row] = torch.tensor([d in hit for d in made["documents"][row].tolist()])
    return out


def test_prefix__the_first_part_is_seen_in_both_directions_and_not_scored(corpus):
    made = arrays(corpus, OBJECTIVES["prefix"](450), len(corpus))
    inside = made["prefix"][:, 1:] > 0  # the token after: its predictor stands before it
    same = made["documents"][:, 1:] == made["documents"][:, :-1]
    assert (made["targets"][:, :-1][inside & same] == -1).all()
    share = made["prefix"].sum() / (made["documents"] >= 0).sum()
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("name", NAMES)
def test_fit__beats_the_unigram_entropy_of_its_own_targets(one_run_dir, tiny, assemble, tmp_path, name):
    config = replace(tiny, objective=name, data=DataConfig(tokens_per_step=1024, tokens_per_batch=1024))
    steps = {"causal": 30, "prefix": 40, "masked": 150, "spans": 60}.get(name, 150)
    training, state = assemble(one_run_dir, config, steps=steps)
    corpus = training.sampler.corpus
    targets = arrays(corpus, training.objective, len(corpus))["targets"]
    counts = np.array(list(Counter(targets[targets >= 0].tolist()).values()))
    entropy = -(counts / counts.sum() * np.log(counts / counts.sum())).sum()
    fit(training, state)
    last = json.loads((tmp_path / "train" / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["val_loss"] < 0.85 * entropy, (last["val_loss"], entropy)
    assert ("val_bits_per_byte" in last) == (name == "causal")
