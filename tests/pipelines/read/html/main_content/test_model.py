"""The shipped weights fit the features that they were fitted on, and give the same numbers as a plain loop."""

import math

import numpy as np
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html.main_content.context import CONTEXT, add_context
from gristmill.pipelines.read.html.main_content.features import FEATURES, features
from gristmill.pipelines.read.html.main_content.model import DEPTH, INNER, Forest, apply, forests, probabilities
from gristmill.pipelines.read.html.main_content.segment import segment

PAGE = "<nav><a href=/>Home</a></nav><h1>Mill 磨坊</h1><p>It grinds wheat, day and night.</p><ul><li>是<li>no</ul>"


def plain(forest: Forest, row: np.ndarray) -> float:
    score = 0.0
    for feature, bound, leaf in zip(*forest, strict=True):
        place = 0
        for _ in range(DEPTH):
            place = 2 * place + 1 + int(row[feature[place]] > bound[place])
        score += float(leaf[place - INNER])
    return 1 / (1 + math.exp(-score))


def test_weights__ask_for_features_that_there_are() -> None:
    columns = len(FEATURES) + len(CONTEXT)
    assert len(set(FEATURES + CONTEXT)) == columns
    for forest, known in zip(forests(), (len(FEATURES), columns), strict=True):
        used = forest.feature_TI[np.isfinite(forest.bound_TI)]
        assert used.max() < known
        assert forest.leaf_TL.dtype == forest.bound_TI.dtype == np.float32


def test_probabilities__equal_those_of_a_plain_loop() -> None:
    found = segment(HTMLTree.parse(PAGE).body.html.encode())
    rows = features(found, b"Mill", len(CONTEXT))
    first, second = forests()
    opinions = apply(first, rows)
    assert np.allclose(opinions, [plain(first, row) for row in rows], atol=2e-3)
    add_context(found, opinions, rows)
    assert np.isfinite(rows).all()
    alone = np.array([plain(second, row) for row in rows])
    items = np.full(2, np.average(alone[3:], weights=[3, 2]))  # 是, no: of one kind, weighed by their bytes
    assert np.allclose(probabilities(found, b"Mill"), [*alone[:3], *(alone[3:] + items) / 2], atol=2e-3)


def test_features__of_a_block_are_named_rightly() -> None:
    found = segment(HTMLTree.parse(PAGE).body.html.encode())
    named = [dict(zip(FEATURES, row.tolist(), strict=True)) for row in features(found, "Mill 磨坊".encode())]
    assert [row["bytes"] for row in named] == [4, 11, 31, 3, 2]
    assert [row["link_share"] for row in named] == [1, 0, 0, 0, 0]
    assert [row["heading"] for row in named] == [0, 1, 0, 0, 0]
    assert [row["marks"] for row in named] == [0, 0, 2, 0, 0]
    assert [row["title"] for row in named] == [0, 1, 0, 0, 0]
    assert [row["in_nav"] for row in named] == [1, 0, 0, 0, 0]
    assert [row["score_3"] for row in named] == [0, 0, 0, 0, 0]
