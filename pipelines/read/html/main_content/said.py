"""What a page says of its own text: title and description in its head, the body of the article in JSON-LD.

The block that the description is of shows which of several texts is meant: articles that are appended, teasers and
comments are far from it in the tree, and speak of something else. In a thread it is in the first post, and shows
nothing. Texts are compared by runs of letters, so that marks and blanks do not count, topics by terms. Linear in the
page.
"""

import json
import re
from html import unescape
from typing import NamedTuple

import numpy as np
from resiliparse.parse.html import HTMLTree

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.parts import (
    ALIKE,
    END,
    FIRST,
    HINTS,
    LAST,
    LINKED,
    NODE,
    PARENT,
    POST,
    START,
    Segments,
)

DESCRIPTIONS = 'meta[property="og:description"]', 'meta[name="description"]', 'meta[name="Description"]'
"""The first of each: what a selector finds is not gone through, which takes quadratic time."""
BODY_NAME = b'"articleBody"'
BODY = re.compile(BODY_NAME + rb'\s*+:\s*+("(?:[^"\\]++|\\.)*+")', re.DOTALL)
RUN = 12
"""Bytes of letters that are compared together: four Chinese characters, two words or so of English."""
ROOM = 4
"""Slots of a table for each run."""
BASE = 0x9E3779B97F4A7C15
"""Of the hash of a run."""
LEAST_RUNS, LEAST_SHARE = 6, 0.2
"""Of a description, that a block has to hold to be what it is of."""
LESS_LIKELY = np.array([0, 0, 0, 0.1, 0.3], np.float32)
"""What a block loses in probability from which so many steps up lead to an element that holds the described one."""
TEXT, OFF_TOPIC, OFF_LESS_LIKELY = 0.5, 0.1, np.float32(0.3)
"""A described block that is less likely shows no topic: a line in the head of a reference, `Package org.mill`. A far
part of the page is about something else if the share of its terms that title and description have is less than so much
of that of the rest of the page; what its blocks lose then, too."""
TERM_LETTERS, TERM_SLOTS = 4, 1 << 16
"""A word of so many letters is a term, and so is a pair of neighbouring Han, kana or Hangul characters. Of a table of
terms: where a description has a hundred, one of 650 others is taken for one of them."""
POST_STEPS = 8
"""Elements around the described block of which one may be a post."""
OF_BODY, BODY_BYTES, BODY_FOUND = 0.8, 60, 0.5
"""A block is of the article's body if such a share of its runs is, and it is longer than that; the page shows the body
if such a share of it is found."""
SURE = 0.9
"""How likely a block of the article's body is main content, at least."""

# Letters: B bytes of text, N blocks, K columns of a block, E elements, C columns of an element, S slots, L bytes of
# letters, F steps up from an element, P places between blocks.


class Said(NamedTuple):
    """UTF-8; empty where the page has none."""

    description: bytes = b""
    body: bytes = b""
    title: bytes = b""


def said_of(tree: HTMLTree, page: bytes) -> Said:
    """What a page in UTF-8 and its tree hold: the longest description, the first body of an article, the title."""
    head = tree.head
    found = [one for one in map(head.query_selector, DESCRIPTIONS) if one is not None] if head is not None else []
    description = unescape(max((one.getattr("content") or "" for one in found), key=len, default=""))
    return Said(*(text.encode(errors="replace") for text in (description, _body(page), tree.title or "")))


def _body(page: bytes) -> str:
    at = page.find(BODY_NAME)
    found = BODY.search(page, at) if at >= 0 else None
    try:
        return unescape(json.loads(found[1].decode(), strict=False)) if found else ""
    except ValueError:  # not JSON, but a script
        return ""


def heed(segments: Segments, said: Said, probability_N: np.ndarray) -> None:
    """Changes how likely every block is main content by what the page says of it."""
    parts = segments.text_B, segments.block_NK
    if said.description and len(probability_N):
        shared_N2 = np.zeros((len(probability_N), 2), np.int32)
        runs = _share(*parts, np.frombuffer(said.description, np.uint8), shared_N2)
        topic_B = np.frombuffer(said.title + b"\n" + said.description, np.uint8)
        _stay_near(*segments, topic_B, shared_N2, runs, LESS_LIKELY, probability_N)
    if said.body and len(probability_N):
        shared_N2 = np.zeros((len(probability_N), 2), np.int32)
        runs = _share(*parts, np.frombuffer(said.body, np.uint8), shared_N2)
        _trust(segments.block_NK, shared_N2, runs, probability_N)


@inline
def _pack(text_B, i, end, letter_L):
    """Copies the letters, those of ASCII in lower case, and digits; their number of bytes."""
    count = 0
    while i < end:
        c = text_B[i]
        if c < 0x80:
            i += 1
            if 97 <= c | 32 <= 122 or 48 <= c <= 57:
                letter_L[count] = c | 32
                count += 1
        elif c == 0xC2:
            i += 2
        elif c == 0xE2 or c == 0xEF or (c == 0xE3 and i + 1 < end and text_B[i + 1] == 0x80):
            i += 3  # marks; those of Chinese, too
        else:
            letter_L[count] = c
            count += 1
            i += 1
    return count


@inline
def _hash_at(i, value, letter_L, gone):
    """The hash of the run that ends at a letter, from that of the run before it."""
    value = value * np.uint64(BASE) + np.uint64(letter_L[i])
    return value - gone * np.uint64(letter_L[i - RUN]) if i >= RUN else value


@kernel
def _share(text_B, block_NK, said_B, shared_N2):
    """Fills in how many runs of every block stand in a text, and how many it has; the number of those of the text."""
    letter_L = np.empty(max(text_B.size, said_B.size), np.uint8)
    gone, size = np.uint64(1), 8
    for _ in range(RUN):
        gone *= np.uint64(BASE)
    while size < ROOM * said_B.size:
        size *= 2
    mask, slot_S = np.uint64(size - 1), np.zeros(size, np.uint32)
    count, value = _pack(said_B, 0, said_B.size, letter_L), np.uint64(0)
    for i in range(count):
        value = _hash_at(i, value, letter_L, gone)
        if i >= RUN - 1:
            mixed = value ^ (value >> np.uint64(29))
            slot_S[mixed & mask] = np.uint32(mixed >> np.uint64(32)) | np.uint32(1)
    runs = max(count - RUN + 1, 0)
    if runs == 0:
        return runs
    for b in range(block_NK.shape[0]):
        count, value = _pack(text_B, block_NK[b, START], block_NK[b, END], letter_L), np.uint64(0)
        for i in range(count):
            value = _hash_at(i, value, letter_L, gone)
            if i >= RUN - 1:
                mixed = value ^ (value >> np.uint64(29))
                shared_N2[b, 0] += slot_S[mixed & mask] == np.uint32(mixed >> np.uint64(32)) | np.uint32(1)
        shared_N2[b, 1] = max(count - RUN + 1, 0)
    return runs


@inline
def _is_one_of_posts(e, element_EC):
    """Whether an element is in a post beside which there are others of its kind."""
    for _ in range(POST_STEPS):
        if e > 0 and element_EC[e, HINTS] >> POST & 1:
            alike = 0
            for other in range(1, element_EC.shape[0]):
                alike += element_EC[other, ALIKE] == element_EC[e, ALIKE]
            if alike > 1:
                return True
        e = max(element_EC[e, PARENT], 0)
    return False


@inline
def _count_terms(text_B, i, end, topic_S, adds):
    """(terms of a text, those of them that are in a table). `adds`: puts them all there."""
    terms, found, letters, word, before = 0, 0, 0, np.int64(0), np.int64(0)
    while i <= end:
        c = np.int64(text_B[i]) if i < end else np.int64(32)
        size = 1 if c < 0xC0 else 2 if c < 0xE0 else 3 if c < 0xF0 else 4
        if 97 <= (c | 32) <= 122 or (0xC3 <= c < 0xE0 and i + 1 < end):
            word = (word * 257 + (c | 32)) & 0x7FFFFFFF
            if size == 2:
                word = (word * 257 + text_B[i + 1]) & 0x7FFFFFFF
            letters, before = letters + 1, np.int64(0)
            i += size
            continue
        term, last = word if letters >= TERM_LETTERS else np.int64(0), before
        word, letters, before = np.int64(0), 0, np.int64(0)
        if 0xE3 <= c <= 0xED and i + 2 < end and not (c == 0xE3 and text_B[i + 1] == 0x80):
            before = ((c * 257 + text_B[i + 1]) * 257 + text_B[i + 2]) & 0x7FFFFFFF
            if last:
                term = (last * 8191 + before) & 0x7FFFFFFFFFF
        if term:
            slot = (term ^ (term >> 15)) & (TERM_SLOTS - 1)
            terms += 1
            found += topic_S[slot]
            if adds:
                topic_S[slot] = 1
        i += size
    return terms, found


@inline
def _off_topic(text_B, block_NK, element_EC, topic_B, found, off_E):
    """Tells of every element around which there is no described block whether the largest one around it of that kind is
    about something else."""
    n, topic_S = block_NK.shape[0], np.zeros(TERM_SLOTS, np.uint8)
    _count_terms(topic_B, 0, topic_B.size, topic_S, True)
    sum_P2 = np.zeros((n + 1, 2), np.float64)
    for b in range(n):
        sum_P2[b + 1] = sum_P2[b]
        if 2 * block_NK[b, LINKED] < block_NK[b, END] - block_NK[b, START]:
            terms, of_topic = _count_terms(text_B, block_NK[b, START], block_NK[b, END], topic_S, False)
            sum_P2[b + 1, 0] += terms
            sum_P2[b + 1, 1] += of_topic
    for e in range(1, element_EC.shape[0]):
        first, last, up = element_EC[e, FIRST], element_EC[e, LAST], element_EC[e, PARENT]
        if element_EC[up, FIRST] <= found < element_EC[up, LAST]:
            terms, of_topic = sum_P2[last, 0] - sum_P2[first, 0], sum_P2[last, 1] - sum_P2[first, 1]
            rest = (sum_P2[n, 1] - of_topic) / max(sum_P2[n, 0] - terms, 1.0)
            off_E[e] = not first <= found < last and of_topic < OFF_TOPIC * rest * max(terms, 1.0)
        else:
            off_E[e] = off_E[up]


@kernel
def _stay_near(text_B, block_NK, element_EC, topic_B, shared_N2, runs, less_F, probability_N):
    """Makes less likely what is far from the block that holds most of the description, most so if it is about something
    else."""
    found, most = -1, max(LEAST_RUNS - 1.0, LEAST_SHARE * runs)
    for b in range(block_NK.shape[0]):
        if shared_N2[b, 0] > most:
            found, most = b, float(shared_N2[b, 0])
    if found < 0 or _is_one_of_posts(block_NK[found, NODE], element_EC):
        return
    far, likely, step_N = less_F.size - 1, False, np.zeros(block_NK.shape[0], np.int64)
    for b in range(block_NK.shape[0]):
        e = block_NK[b, NODE]
        while e > 0 and step_N[b] < far and not element_EC[e, FIRST] <= found < element_EC[e, LAST]:
            e = element_EC[e, PARENT]
            step_N[b] += 1
        probability_N[b] = max(probability_N[b] - less_F[step_N[b]], np.float32(0))
        likely = likely or (step_N[b] == far and probability_N[b] > 0)
    if not likely or probability_N[found] < TEXT:
        return
    off_E = np.zeros(element_EC.shape[0], np.bool_)
    _off_topic(text_B, block_NK, element_EC, topic_B, found, off_E)
    for b in range(block_NK.shape[0]):
        if step_N[b] == far and off_E[block_NK[b, NODE]]:
            probability_N[b] = max(probability_N[b] - OFF_LESS_LIKELY, np.float32(0))


@kernel
def _trust(block_NK, shared_N2, runs, probability_N):
    """Makes blocks of the article's body more likely, if the page shows it."""
    for known in (False, True):
        found = 0
        for b in range(block_NK.shape[0]):
            size = block_NK[b, END] - block_NK[b, START]
            if size > BODY_BYTES and shared_N2[b, 0] >= OF_BODY * shared_N2[b, 1]:
                found += size
                if known:
                    probability_N[b] = max(probability_N[b], np.float32(SURE))
        if found < BODY_FOUND * runs:
            return
