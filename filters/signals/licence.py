"""The licence of a document, as its record says it: a page, a file of code, a field `license` of the source."""

import json

import numpy as np
import pyarrow.compute as pc

from gristmill.filters.counters import Counters
from gristmill.filters.licences import SHARE_ALIKE, licence_of, openness
from gristmill.filters.signals.declare import Floats, signal


@signal(unit="level", scripts="any", beside="meta")
def license_openness(c: Counters) -> Floats:
    """How open the licence is: 4 public domain, 3 attribution, 2 share-alike, 1 restricted or unknown, 0 none.

    It is the field `license` of `meta`: of a page as its markup and words say it, of code by SPDX, else a field of the
    record, as an SPDX expression, an address or words (`CC BY-SA 4.0`, 署名-相同方式共享). Permissive licences are 3,
    copyleft is 2, licences without commerce or derivatives are 1. Of several the least open one counts.
    """
    found: Floats = c.once("license_openness", lambda: _openness(c))
    return found


@signal(unit="matches", scripts="any", beside="meta")
def license_open(c: Counters) -> Floats:
    """1 where the licence lets everybody use and change the document for any purpose, else 0.

    That is `license_openness` of at least 2. A document that tells no licence has 0.
    """
    return (license_openness(c) >= SHARE_ALIKE).astype(np.float64)


def _openness(c: Counters) -> Floats:
    found_D = np.zeros(c.documents)
    meta = c.beside.get("meta")
    if meta is None:
        return found_D
    said = pc.match_substring(meta, '"license"').fill_null(False)
    for row in np.flatnonzero(said.to_numpy(zero_copy_only=False)):
        found_D[row] = _of_record(meta[int(row)].as_py())
    return found_D


def _of_record(meta: str) -> int:
    found = json.loads(meta).get("license")
    values = found if isinstance(found, list) else [found]
    licences = [licence_of(value) for value in values if isinstance(value, str)]
    return min((openness(licence) for licence in licences if licence), default=0)
