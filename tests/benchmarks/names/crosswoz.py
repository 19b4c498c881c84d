"""Addresses in Chinese dialogues: CrossWOZ (Apache-2.0; Zhu et al. 2020), in which people ask for sights, hotels and
restaurants of Beijing, and what is said of each turn is known.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator

from formats import OPEN, Reader, Sample, Snapshot

ADDRESS = "ADDRESS"
_DOOR = re.compile(r"\d|[一二三四五六七八九十]号")


def crosswoz(part: str) -> Reader:
    """Dialogues, a turn a line. An address that a turn says word for word is one if it names a number; the turn is open
    where its words are others, and an address without a number is."""

    def read(snapshot: Snapshot) -> Iterator[Sample]:
        packed = zipfile.ZipFile(io.BytesIO(snapshot.bytes(f"data/crosswoz/{part}.json.zip")))
        for dialogue in json.loads(packed.read(packed.namelist()[0])).values():
            text, spans = "", []
            for turn in dialogue["messages"]:
                said = turn["content"].replace("\n", " ")
                for _, _, slot, value in turn["dialog_act"]:
                    if slot == "地址" and value:
                        spans += [(len(text) + a, len(text) + b, kind) for a, b, kind in _of(said, value)]
                text += said + "\n"
            yield text, sorted(set(spans))

    return read


def _of(said: str, value: str) -> list[tuple[int, int, str]]:
    start = said.find(value)
    if start < 0:
        return [(0, len(said), OPEN)]
    return [(start, start + len(value), ADDRESS if _DOOR.search(value) else OPEN)]
