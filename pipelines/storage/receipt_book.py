"""Where the receipts of a stage lie, which of them stand, and which of them make up a run."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.processes.code import Code
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.storage.layout import NOTES
from gristmill.pipelines.storage.store import Store

AT_ONCE = 16
"""Receipts that are asked for at once on an object store."""


@dataclass(frozen=True)
class ReceiptBook:
    """The receipts of one stage under one step key: `_work/<stage>-<key>/<unit>.json`, sealed."""

    store: Store
    stage: str
    key: str
    code: Code | None = None
    """What the key stands for; None: that of whoever looks."""

    @property
    def folder(self) -> str:
        """Where the receipts lie."""
        return f"_work/{self.stage}-{self.key[:16]}"

    def path(self, unit: str) -> str:
        """Of the receipt of one unit."""
        return f"{self.folder}/{unit}.json"

    def find(self, unit: str) -> Receipt | None:
        """The receipt of a unit that is done: it is whole, and so is every part that it names.

        A part is read again only where its file has changed since it was committed (moved, copied, written to).
        """
        try:
            receipt, known = read_receipt(self.store, self.path(unit))
        except (FileNotFoundError, DamageError):
            return None
        signs = self.store.signs(part.path for part in receipt.parts)
        changed = [part for part in receipt.parts if signs.get(part.path) != known.get(part.path)]
        if not all(is_whole(self.store, part.path, part.bytes, part.sha256, signs) for part in changed):
            return None
        if changed:
            self._write(receipt, signs)
        return receipt

    def find_all(self, units: Sequence[str]) -> bool:
        """Whether the receipts of all these units stand."""
        if self.store.local is not None:
            return all(self.find(unit) for unit in units)
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return all(threads.map(self.find, units))

    def commit(self, receipt: Receipt) -> None:
        """Make a unit done, at once; its parts are on the disk before. Raises RunnerError where other code made it."""
        if self.code is not None:
            self.code.check(self.stage)
        paths = [part.path for part in receipt.parts]
        self.store.sync(paths)
        self._write(receipt, self.store.signs(paths))

    def _write(self, receipt: Receipt, signs: dict[str, str]) -> None:
        self.store.write_sealed(self.path(receipt.unit), {**receipt.to_json(), "signs": signs})


def read_receipt(store: Store, path: str) -> tuple[Receipt, dict[str, str]]:
    """A receipt, and what `Store.signs` said of its parts when they were last known to be whole.

    Raises FileNotFoundError, and DamageError where it is not as it was written.
    """
    record = store.read_sealed(path)
    if record is None:
        raise FileNotFoundError(path)
    try:
        return Receipt.from_json(record), record["signs"]
    except (LookupError, TypeError) as error:
        what = f"the receipt is of another version of Gristmill ({type(error).__name__})"
        raise DamageError(what, where=store.url(path), fix=MAKE_AGAIN) from None


def is_whole(store: Store, path: str, size: int, sha256: str, signs: dict[str, str]) -> bool:
    """Whether a file has these bytes: reads all of it, unless it is gone or its sign says another size."""
    if not signs.get(path, "").startswith(f"{size} "):
        return False
    try:
        return store.sha256(path) == sha256
    except FileNotFoundError:
        return False


def write_note(store: Store, stage: str, receipts: Iterable[Receipt]) -> None:
    """Say which receipts make up a stage of this run: an old receipt may lie beside a new one."""
    names = [f"{receipt.stage}/{receipt.unit}" for receipt in receipts]
    store.write_sealed(f"{NOTES}/{stage}.json", {"receipts": names})


def read_note(store: Store, stage: str) -> list[tuple[str, str]]:
    """(stage of the book, unit) of the receipts that make up a stage; none where it was not reached.

    Raises DamageError.
    """
    path = f"{NOTES}/{stage}.json"
    note = store.read_sealed(path) or {"receipts": []}
    if "receipts" not in note:
        raise DamageError("this is no note of receipts", where=store.url(path), fix=MAKE_AGAIN)
    return [tuple(name.split("/", 1)) for name in note["receipts"]]
