"""How many findings a document may have: counted by type or set, and held against bounds. Letters: D documents, F
findings."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.pii.entities import EVERYTHING, members


def counted(types: Iterable[str], name: str) -> int:
    """How many findings of these types are of a type or set; `all` counts every one, a model's too."""
    counts, of = Counter(types), {*members(name)}
    return sum(count for entity, count in counts.items() if name == EVERYTHING or entity in of)


def exceeded(found: pa.Array, most: Mapping[str, int], prefix: str = "") -> pa.Array:
    """list<string>, one list per document of a list<FINDING>: the types and sets of which it has more findings than
    `most` says, in its order, each behind `prefix`."""
    parent_F = pc.list_parent_indices(found).to_numpy()
    types = pc.list_flatten(found).field("type")
    over = []
    for name in most:
        of_F = types.is_valid() if name == EVERYTHING else pc.is_in(types, pa.array(members(name), pa.string()))
        count_D = np.bincount(parent_F[of_F.to_numpy(zero_copy_only=False)], minlength=len(found))
        over.append(count_D > most[name])
    fired_DN = np.column_stack(over) if over else np.zeros((len(found), 0), bool)
    end_D1 = np.concatenate([[0], np.cumsum(fired_DN.sum(axis=1))]).astype(np.int32)
    names = pa.array([prefix + name for name in most], pa.string())
    return pa.ListArray.from_arrays(pa.array(end_D1), names.take(pa.array(np.nonzero(fired_DN)[1])))
