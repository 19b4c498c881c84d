"""Receipts: the small JSON that commits the parts of one unit at one stage. A stage's only Beam output."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.accounts import Account, Accounts
from pipelines.storage import Store


@dataclass(frozen=True)
class Part:
    """A finished file of a dataset. `content` adds up over rows: it does not depend on how rows are cut into parts."""

    dataset: str
    path: str
    rows: int
    bytes: int
    sha256: str
    content: str = ""


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
        """One JSON object, UTF-8."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Receipt":
        """The inverse of to_bytes."""
        return cls.from_json(json.loads(raw))

    @classmethod
    def from_json(cls, record: dict) -> "Receipt":
        """From the parsed JSON object."""
        parts = tuple(Part(**part) for part in record["parts"])
        accounts = tuple(Account(**account) for account in record["accounts"])
        return cls(**{**record, "parts": parts, "accounts": accounts})


@dataclass(frozen=True)
class ReceiptBook:
    """The receipts of one stage under one step key: `_work/<stage>-<key>/<unit>.json`."""

    store: Store
    stage: str
    key: str

    @property
    def folder(self) -> str:
        """Where the receipts lie."""
        return f"_work/{self.stage}-{self.key[:16]}"

    def path(self, unit: str) -> str:
        """Of the receipt of one unit."""
        return f"{self.folder}/{unit}.json"

    def find(self, unit: str) -> Receipt | None:
        """The receipt of a unit that is done: it exists, and every part that it names still does."""
        record = self.store.read_json(self.path(unit))
        if record is None:
            return None
        receipt = Receipt.from_json(record)
        return receipt if all(self.store.exists(part.path) for part in receipt.parts) else None

    def commit(self, receipt: Receipt) -> None:
        """Make a unit done, at once."""
        self.store.write_json(self.path(receipt.unit), asdict(receipt))


def total(receipts: Iterable[Receipt]) -> Accounts:
    """The accounts of several receipts together."""
    accounts = Accounts()
    for receipt in receipts:
        accounts.merge(receipt.accounts)
    return accounts
