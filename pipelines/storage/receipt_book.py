"""Where the receipts of a stage lie, and which of them stand."""

from dataclasses import asdict, dataclass

from pipelines.records.receipts import Receipt
from pipelines.storage.store import Store


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
