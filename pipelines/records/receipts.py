"""Receipts: the small JSON that commits the parts of one unit at one stage. A stage's only Beam output."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from gristmill.pipelines.records.accounts import Account, Accounts


@dataclass(frozen=True)
class Part:
    """A finished file of a dataset. `content` adds up over rows: it does not depend on how rows are cut into parts.

    `published`: the name without a hash under which readers know it; a copy gets it when the run concludes.
    """

    dataset: str
    path: str
    rows: int
    bytes: int
    sha256: str
    content: str = ""
    published: str = ""


@dataclass(frozen=True)
class Receipt:
    """What one unit wrote at one stage, and the accounts of its records."""

    stage: str
    unit: str
    parts: tuple[Part, ...]
    accounts: tuple[Account, ...] = ()
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    finished: float = field(default_factory=time.time)
    """Seconds since 1970; for the run's log, never for a decision."""
    details: dict[str, Any] = field(default_factory=dict)

    def part(self, dataset: str) -> Part:
        """The one part of a dataset. Raises ValueError when there is not exactly one."""
        (found,) = self.of(dataset)
        return found

    def of(self, dataset: str) -> list[Part]:
        """The parts of a dataset, in order."""
        return [part for part in self.parts if part.dataset == dataset]

    def to_bytes(self) -> bytes:
        """One JSON object, in ASCII: the name of a file may hold bytes that are not UTF-8."""
        return json.dumps(self.to_json()).encode()

    def to_json(self) -> dict[str, Any]:
        """The inverse of from_json. `asdict` copies all that is in it, in ten times the time."""
        return {**vars(self), "parts": [vars(part) for part in self.parts], "accounts": list(map(vars, self.accounts))}

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Receipt":
        """The inverse of to_bytes."""
        return cls.from_json(json.loads(raw))

    @classmethod
    def from_json(cls, record: dict) -> "Receipt":
        """From the parsed JSON object, which may hold more than a receipt."""
        parts = tuple(Part(**part) for part in record["parts"])
        accounts = tuple(Account(**account) for account in record["accounts"])
        known = {field.name: record[field.name] for field in fields(cls)}
        return cls(**{**known, "parts": parts, "accounts": accounts})


def total(receipts: Iterable[Receipt]) -> Accounts:
    """The accounts of several receipts together."""
    accounts = Accounts()
    for receipt in receipts:
        accounts.merge(receipt.accounts)
    return accounts
