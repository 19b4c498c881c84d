"""Labelled pages as blocks: which share of a block's words is in the gold text, found by aligning both.

    FOLDER/<set>/gold.jsonl, FOLDER/<set>/html/<id>.html.gz     (see the README of such a folder)

Where gold is only snippets that must or must not occur, the blocks that hold them are labelled and no others.
"""

import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numba
import numpy as np
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html.charset import decode_page
from gristmill.pipelines.read.html.evaluation.rouge import CHARACTERS, squeezed
from gristmill.pipelines.read.html.main_content.context import CONTEXT
from gristmill.pipelines.read.html.main_content.features import features
from gristmill.pipelines.read.html.main_content.parts import END, START, Segments
from gristmill.pipelines.read.html.main_content.said import Said, said_of
from gristmill.pipelines.read.html.main_content.segment import segment
from tests.benchmarks.main_content.made import Maker

SECOND_LEVEL = re.compile(r"\.(co|com|org|net|gov|edu|ac)\.\w\w$")
MAX_CELLS = 1_500_000_000
"""Of an alignment: rows by columns."""


@dataclass
class Labelled:
    """A page's blocks. `shares`: of each block's words that are gold; -1: unknown."""

    set: str
    id: str
    language: str
    kind: str
    site: str
    segments: Segments
    said: Said
    features: np.ndarray
    texts: list[str]
    words: np.ndarray
    shares: np.ndarray
    gold: dict


def tokens(text: str) -> list[str]:
    """Words; single characters in Chinese, Japanese and Thai."""
    return CHARACTERS.findall(unicodedata.normalize("NFKC", text).casefold())


def site_of(url: str) -> str:
    """The registered domain of an address."""
    host = urlsplit(url).netloc.lower()
    return ".".join(host.split(".")[-3 if SECOND_LEVEL.search(host) else -2 :])


def labelled_pages(folder: Path) -> Iterator[Labelled]:
    """Every page of a folder of sets."""
    for file in sorted(folder.glob("*/gold.jsonl")):
        for line in file.open(encoding="utf-8"):
            gold = json.loads(line)
            page = gzip.decompress((file.parent / "html" / f"{gold['id']}.html.gz").read_bytes())
            site = site_of(gold.get("url") or "") or f"{gold['set']}/{gold['id']}"
            found = label(decode_page(page, None)[0], gold, site)
            if found is not None:
                yield found


def made_pages(count: int) -> Iterator[Labelled]:
    """Made-up pages."""
    for seed in range(count):
        maker = Maker(seed)
        made = maker.page()
        gold = {
            "set": "made",
            "id": str(seed),
            "lang": "zh" if maker.zh else "en",
            "type": "made",
            "text": "\n".join(made.gold),
        }
        found = label(made.html, gold, f"made/{seed}")
        assert found is not None
        yield found


def label(html: str, gold: dict, site: str) -> Labelled | None:
    """A page's blocks, labelled; None for one too long to align."""
    tree = HTMLTree.parse(html)
    segments = segment(tree.body.html.encode() if tree.body else b"")
    text = segments.text_B.tobytes()
    texts = [text[row[START] : row[END]].decode() for row in segments.block_NK]
    split = [tokens(text) for text in texts]
    words_N = np.array([len(one) for one in split], np.int64)
    if gold.get("text") is not None:
        goal = tokens(gold["text"])
        if len(goal) * words_N.sum() > MAX_CELLS:
            return None
        share_N = _shares(split, goal)
    else:
        share_N = _snippets(texts, gold)
    title = " ".join((tree.title or "").split())
    return Labelled(
        gold["set"], gold["id"], gold["lang"], gold["type"], site, segments,
        said_of(tree, html.encode()),
        features(segments, title.encode(), len(CONTEXT)),
        texts, words_N, share_N, gold,
    )  # fmt: skip


def _shares(split: list[list[str]], goal: list[str]) -> np.ndarray:
    numbers: dict[str, int] = {}
    page_P = np.array([numbers.setdefault(word, len(numbers)) for one in split for word in one], np.int32)
    goal_G = np.array([numbers.setdefault(word, len(numbers)) for word in goal], np.int32)
    in_gold_P = np.zeros(len(page_P), np.int64)
    if len(page_P) and len(goal_G):
        _align(page_P, goal_G, in_gold_P)
    sums = np.concatenate([[0], np.cumsum(in_gold_P)])
    ends = np.cumsum([len(one) for one in split], dtype=np.int64)
    starts = ends - np.array([len(one) for one in split], np.int64)
    return (sums[ends] - sums[starts]) / np.maximum(ends - starts, 1)


def _snippets(texts: list[str], gold: dict) -> np.ndarray:
    share_N = np.full(len(texts), -1.0)
    flat = [squeezed(text) for text in texts]
    joined, ends = "".join(flat), np.cumsum([len(one) for one in flat])
    for name, value in (("without", 0.0), ("with", 1.0)):
        for snippet in filter(None, map(squeezed, gold.get(name) or [])):
            at = joined.find(snippet)
            while at >= 0:
                first, last = np.searchsorted(ends, [at, at + len(snippet) - 1], side="right")
                share_N[first : last + 1] = value
                at = joined.find(snippet, at + 1)
    return share_N


@numba.njit(cache=True)
def _align(page_P, goal_G, in_gold_P):  # type: ignore[no-untyped-def]
    """Marks the words of a page that a longest common subsequence takes; each run of words costs nine tenths of one, so
    that stray words of menus are not taken for gold."""
    pages, goals = page_P.size, goal_G.size
    back = np.zeros((pages + 1, goals + 1), np.uint8)
    above, run_above = np.zeros(goals + 1, np.float32), np.full(goals + 1, -1e9, np.float32)
    here, run = np.zeros(goals + 1, np.float32), np.full(goals + 1, -1e9, np.float32)
    for i in range(1, pages + 1):
        here[0], run[0] = 0, -1e9
        for j in range(1, goals + 1):
            run[j], best, step, goes_on = -1e9, np.float32(-1e9), 0, 0
            if page_P[i - 1] == goal_G[j - 1]:
                longer, new = run_above[j - 1] + np.float32(1.0), above[j - 1] + np.float32(0.1)
                goes_on = 4 * (longer >= new)
                run[j] = best = max(longer, new)
                step = 3
            if above[j] > best:
                best, step = above[j], 1
            if here[j - 1] > best:
                best, step = here[j - 1], 2
            here[j] = best
            back[i, j] = goes_on | step
        above, here = here, above
        run_above, run = run, run_above
    i, j, running = pages, goals, False
    while i > 0 and j > 0:
        step = back[i, j]
        if running or step & 3 == 3:
            in_gold_P[i - 1] = 1
            running = step & 4 != 0
            i, j = i - 1, j - 1
        elif step & 3 == 1:
            i -= 1
        else:
            j -= 1
