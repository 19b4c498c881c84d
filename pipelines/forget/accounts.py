"""The accounts of a run as if it had never met some records: every step that one of them passed counts one less."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.forget.tables import Gone
from gristmill.pipelines.records.accounts import DEAD, DROPPED, FIRED, IN, KEPT, UNJUDGED, Account, Accounts

WITHOUT_LANGUAGE = ("read", "extract")
"""Steps that count before the language is known."""


def without(accounts: Accounts, steps: list[str], gone: Gone, encoded: Counter[str]) -> Accounts:
    """`accounts` less those of what is gone; `encoded`: how many rows of token shards went, by doc_id.

    Of reading and extraction the bytes of the text are taken off: nobody has kept how long its record was.
    """
    counted, left = Accounts(accounts), Counter(encoded)
    for row in gone.ledger:
        _Record(counted, row, gone, left).take_off(steps)
    return Accounts(
        Account(one.step, one.outcome, one.reason, one.source, one.lang, one.documents, max(one.bytes, 0))
        for one in counted
        if one.documents > 0
    )


@dataclass(frozen=True)
class _Record:
    """A row of the ledger that is gone."""

    counted: Accounts
    row: Mapping[str, Any]
    gone: Gone
    encoded: Counter[str]

    def take_off(self, steps: list[str]) -> None:
        """Step by step, until the one at which it ended."""
        clean = self.gone.sizes.get(self.row["doc_id"], self.row["bytes"])
        for step in steps:
            size = clean if step == "encode" else self.row["bytes"]
            self._less(step, IN, size)
            if step == "decide" and self.row["judged"] is False:
                self._less(step, UNJUDGED, size)
            if step == self.row["step"]:
                self._ended(step)
                return
            if step == "encode":
                self._encoded(size)
            else:
                self._less(step, KEPT, clean if step == "scrub" else size)

    def _less(self, step: str, outcome: str, size: int, reason: str = "") -> None:
        lang = "" if step in WITHOUT_LANGUAGE else self.row["lang"] or ""
        self.counted.add(step, outcome, self.row["source"], -1, -size, reason=reason, lang=lang)

    def _ended(self, step: str) -> None:
        size, rules = self.row["bytes"], self.row["rules"]
        if self.row["verdict"] == DEAD:
            self._less(step, DEAD, size, _kind(self.gone.letters[self.row["stem"], self.row["row"]]))
            return
        fired = rules[-1:] if step == "deduplicate" else rules
        self._less(step, DROPPED, size, fired[0])
        for rule in fired:
            self._less(step, FIRED, size, rule)

    def _encoded(self, size: int) -> None:
        doc_id = self.row["doc_id"]
        if self.encoded[doc_id]:
            self.encoded[doc_id] -= 1
            self._less("encode", KEPT, size)
        elif doc_id in self.gone.unencoded:
            self._less("encode", DEAD, size, _kind(self.gone.unencoded[doc_id]))
        else:
            self._less("encode", DROPPED, size, self._left_out())

    def _left_out(self) -> str:
        """Why `encode` dropped a document: nothing says it of each, so of those that it has counted here, the first."""
        mine = (self.row["source"], self.row["lang"] or "")
        reasons = (
            one.reason
            for one in self.counted
            if (one.step, one.outcome, one.source, one.lang) == ("encode", DROPPED, *mine) and one.documents > 0
        )
        return next(reasons, "")


def _kind(error: str) -> str:
    """As `DeadLetter.kind`."""
    return error.split(":")[0].split(" ")[0]
