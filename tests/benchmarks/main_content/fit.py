"""Fits the weights of main-content extraction on labelled pages, and says what they reach on sites not seen before.

    python -m tests.benchmarks.main_content.fit FOLDER [--write] [--held] [--seed 1]

FOLDER holds sets of labelled pages (labels.py). Needs LightGBM, which the product does without. Prints ROUGE-5 F1 of
kept blocks by cross-validation over sites; `--held`: of the fifth of the sites that cross-validation never sees;
`--write`: fits on all pages and writes pipelines/read/html/main_content/model.npz. `--seed`: of the rows and features
that trees are fitted on; how far figures scatter by it is how far they say something.
"""

import argparse
import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import lightgbm
import numpy as np

from gristmill.pipelines.read.html.evaluation.evaluate import RUN
from gristmill.pipelines.read.html.evaluation.rouge import rouge, squeezed
from gristmill.pipelines.read.html.main_content.context import add_context, agree
from gristmill.pipelines.read.html.main_content.model import DEPTH, INNER, LEAVES, WEIGHTS, Forest, apply
from gristmill.pipelines.read.html.main_content.said import heed
from gristmill.pipelines.read.html.main_content.select import select
from tests.benchmarks.main_content.labels import Labelled, labelled_pages, made_pages, tokens

SETTINGS = {
    "objective": "binary", "learning_rate": 0.08, "max_depth": DEPTH, "num_leaves": LEAVES, "min_data_in_leaf": 40,
    "min_sum_hessian_in_leaf": 0.5, "extra_trees": True, "feature_fraction": 0.5, "bagging_fraction": 0.8,
    "bagging_freq": 1, "lambda_l2": 5, "max_bin": 127, "verbose": -1, "num_threads": 1, "seed": 1,
    "deterministic": True,
}  # fmt: skip
TREES = (60, 120)
FOLDS, INNER_FOLDS = 5, 4
MADE = 500
HUMAN = {"wcxb", "scrapinghub", "trafilatura", "magic-article", "magic-forum", "zh-handmade", "webmainbench-sample"}
WEIGHT_OF_SET = {"readability": 0.5, "defuddle": 0.15, "newspaper4k": 0.4, "trafilatura": 0.5, "made": 0.15}
"""Snapshots of other extractors count less than people's labels; snippets cover little of a page."""


def part_of(site: str, parts: int, salt: str) -> int:
    """Which of some parts a site is in; the same for all its pages."""
    return int(hashlib.sha256((salt + site).encode()).hexdigest(), 16) % parts


def is_held(page: Labelled) -> bool:
    """Whether a page is for the last look only."""
    return page.set != "made" and part_of(page.site, 5, "") == 0


def targets(page: Labelled) -> tuple[np.ndarray, np.ndarray]:
    """(label, weight) of the blocks: pages count alike, long blocks more than short ones, unclear ones less."""
    label_N = page.shares >= 0.5
    weight_N = np.where(page.shares < 0, 0.0, (page.words + 1) ** 0.5)
    weight_N *= np.where((page.shares > 0.25) & (page.shares < 0.75), 0.3, 1.0)
    return label_N, weight_N / max(weight_N.sum(), 1e-9) * 100 * WEIGHT_OF_SET.get(page.set, 1.0)


def fit(pages: Sequence[Labelled], rows: Sequence[np.ndarray], trees: int) -> Forest:
    """A forest for rows of features of the pages' blocks."""
    labels, weights = zip(*map(targets, pages), strict=True)
    weight_N = np.concatenate(weights)
    used = weight_N > 0
    data = lightgbm.Dataset(np.concatenate(rows)[used], np.concatenate(labels)[used], weight=weight_N[used])
    return _complete(lightgbm.train(SETTINGS, data, trees).dump_model()["tree_info"])


def _complete(dumped: list[dict]) -> Forest:
    """Trees filled up to full depth: below an early leaf, both ways lead to its value."""
    feature_TI, bound_TI = np.zeros((len(dumped), INNER), np.uint8), np.full((len(dumped), INNER), np.inf, np.float32)
    leaf_TL = np.zeros((len(dumped), LEAVES), np.float32)
    for t, tree in enumerate(dumped):
        stack = [(tree["tree_structure"], 0)]
        while stack:
            node, place = stack.pop()
            if place >= INNER:
                leaf_TL[t, place - INNER] = node["leaf_value"]
            elif "leaf_value" in node:
                stack += [(node, 2 * place + 1), (node, 2 * place + 2)]
            else:
                bound = np.float32(node["threshold"])
                if float(bound) > node["threshold"]:
                    bound = np.nextafter(bound, np.float32(-np.inf))
                feature_TI[t, place], bound_TI[t, place] = node["split_feature"], bound
                stack += [(node["left_child"], 2 * place + 1), (node["right_child"], 2 * place + 2)]
    return Forest(feature_TI, bound_TI, leaf_TL)


def heard(page: Labelled, opinion_N: np.ndarray) -> np.ndarray:
    """The second forest's features."""
    feature_NF = page.features.copy(order="K")
    add_context(page.segments, opinion_N, feature_NF)
    return feature_NF


def fit_both(pages: Sequence[Labelled]) -> tuple[Forest, Forest]:
    """Both forests. The second one learns from opinions about sites that the first one has not seen."""
    opinions: dict[int, np.ndarray] = {}
    for k in range(INNER_FOLDS):
        seen = [page for page in pages if part_of(page.site, INNER_FOLDS, "inner") != k]
        forest = fit(seen, [page.features for page in seen], TREES[0])
        for n, page in enumerate(pages):
            if part_of(page.site, INNER_FOLDS, "inner") == k:
                opinions[n] = apply(forest, page.features)
    first = fit(pages, [page.features for page in pages], TREES[0])
    return first, fit(pages, [heard(page, opinions[n]) for n, page in enumerate(pages)], TREES[1])


def predict(page: Labelled, models: tuple[Forest, Forest]) -> np.ndarray:
    """Probabilities of a page's blocks."""
    probability_N = apply(models[1], heard(page, apply(models[0], page.features)))
    agree(page.segments, probability_N)
    heed(page.segments, page.said, probability_N)
    return probability_N


def report(pages: Sequence[Labelled], kept: Sequence[np.ndarray]) -> None:
    """Prints figures by set, kind and language."""
    groups, snippets = defaultdict(list), Counter[str]()
    for page, keep_N in zip(pages, kept, strict=True):
        text = "\n".join(text for text, keep in zip(page.texts, keep_N, strict=True) if keep)
        if page.gold.get("text") is not None:
            score = rouge(tokens(page.gold["text"]), tokens(text), RUN)
            names = (
                [page.set, f"{page.set}/{page.kind}", page.kind]
                if page.set == "wcxb" or page.kind == "forum"
                else [page.set]
            )
            names += [page.language if page.language in ("zh", "en") else "other", "all"] if page.set in HUMAN else []
            for name in names:
                groups[name].append(score)
        elif page.set == "trafilatura":
            flat = squeezed(text)
            for name in ("with", "without"):
                found = [squeezed(one) in flat for one in page.gold.get(name) or []]
                snippets.update({name: sum(found), f"no {name}": len(found) - sum(found)})
    for name, scores in sorted(groups.items()):
        precision, recall, f1 = np.mean(scores, axis=0)
        print(f"{name:24} {len(scores):4} pages  P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}")
    if snippets:
        tp, fp, fn = snippets["with"], snippets["without"], snippets["no with"]
        kept, leaked = tp / (tp + fn), fp / (fp + snippets["no without"])
        print(f"snippets: F1 {2 * tp / (2 * tp + fp + fn):.3f}, kept {kept:.3f}, let through {leaked:.3f}")


def main() -> None:
    """Reads, fits, reports, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--seed", type=int, default=SETTINGS["seed"])
    args = parser.parse_args()
    SETTINGS["seed"] = args.seed
    pages = [*labelled_pages(args.folder), *made_pages(MADE)]
    dev = [page for page in pages if not is_held(page)]
    if args.held:
        models = fit_both(dev)
        held = [page for page in pages if is_held(page)]
        report(held, [select(page.segments, predict(page, models)) for page in held])
    elif not args.write:
        kept: dict[int, np.ndarray] = {}
        for k in range(FOLDS):
            models = fit_both([page for page in dev if part_of(page.site, FOLDS, "fold") != k])
            for n, page in enumerate(dev):
                if part_of(page.site, FOLDS, "fold") == k:
                    kept[n] = select(page.segments, predict(page, models))
        report(dev, [kept[n] for n in range(len(dev))])
    else:
        first, second = fit_both(pages)
        np.savez_compressed(
            WEIGHTS,
            **{
                f"{name}_{k}": array
                for k, forest in ((1, first), (2, second))
                for name, array in forest._asdict().items()
            },
        )


if __name__ == "__main__":
    main()
