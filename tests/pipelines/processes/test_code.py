"""Whoever commits a unit has the code and the libraries that the run was planned with."""

import dataclasses
import pickle

import pytest

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.processes.code import Code
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.keys import CODE
from gristmill.pipelines.run.request import STAGES
from gristmill.pipelines.storage.receipt_book import ReceiptBook
from gristmill.pipelines.storage.store import Store

PLACES = ("pipelines/stages", "filters/rules.py")


def receipt() -> Receipt:
    return Receipt("score", "unit", (), (), 0.0, 0.0)


def test_check__the_same_code_passes_also_after_it_has_travelled():
    code = pickle.loads(pickle.dumps(Code.here(PLACES)))
    code.check("score")


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("pyarrow", "1.0", r"a worker has pyarrow [\d.]+, not 1\.0"),
        ("Python", "3.9", r"a worker has Python 3\.\d+, not 3\.9"),
        ("resiliparse-of-another-world", "2.0", "a worker has resiliparse-of-another-world missing, not 2.0"),
    ],
)
def test_check__names_the_library_that_differs_and_the_host(name, number, said):
    here = Code.here(PLACES)
    theirs = dataclasses.replace(here, libraries=tuple({**dict(here.libraries), name: number}.items()))
    with pytest.raises(RunnerError, match=said) as caught:
        theirs.check("text")
    assert "stage text" in caught.value.where
    assert "docs/hosts.md" in caught.value.fix


def test_commit__another_version_of_the_package_leaves_no_receipt(tmp_path):
    store = Store(str(tmp_path))
    code = dataclasses.replace(Code.here(PLACES), version="f" * 64)
    book = ReceiptBook(store, "score", "k" * 64, code)
    with pytest.raises(RunnerError, match="another version of gristmill than the driver"):
        book.commit(receipt())
    assert book.find("unit") is None
    dataclasses.replace(book, code=Code.here(PLACES)).commit(receipt())
    assert book.find("unit") is not None


def test_every_stage_says_which_code_makes_it():
    assert set(CODE) == set(STAGES)
    assert all(Code.here(places).version for places in CODE.values())
