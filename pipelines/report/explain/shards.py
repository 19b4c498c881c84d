"""What became of a conversation, a pair or a prompt that was kept: tokens, or no room for it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gristmill.pipelines.storage.layout import INDEX
from gristmill.pipelines.storage.ledger import Ledger

if TYPE_CHECKING:
    from gristmill.tokenizer.shards.format import Shard


@dataclass(frozen=True)
class AsTokens:
    """`tokens`: 0 where no shard holds it, for whatever reason `encode` dropped it;
    `learnt` of them a loss is computed on. `cut`: turns at its end are left out."""

    kind: str
    tokens: int
    learnt: int
    cut: bool


def as_tokens(ledger: Ledger, doc_id: str, unit: str) -> AsTokens | None:
    """Of a kept document of a unit; None where the run's tokens are of texts, or there are none."""
    kind = (ledger.store.read_json(INDEX) or {}).get("kind", "text") if ledger.store.exists(INDEX) else "text"
    if kind == "text":
        return None
    from gristmill.tokenizer.sampling import SPLITS
    from gristmill.tokenizer.shards.format import Shard

    for path in (path for split in SPLITS for path in ledger.store.parts(f"tokens/{split}", unit)):
        with ledger.store.on_disk(path) as file:
            shard = Shard(file)
            places = np.flatnonzero(np.array(shard.column("doc_id").to_pylist()) == doc_id)
            if len(places):
                return _told(shard, int(places[0]), kind)
    return AsTokens(kind, 0, 0, False)


def _told(shard: "Shard", place: int, kind: str) -> AsTokens:
    from gristmill.tokenizer.special_ids import END

    ids = shard.document(place)
    mask = shard.mask
    learnt = 0 if mask is None else int(mask[shard.offsets[place] : shard.offsets[place + 1]].sum())
    return AsTokens(kind, len(ids), learnt, kind == "chat" and int(ids[-1]) == END)
