"""Accounts add up over batches and units, and a run that does not reconcile fails."""

import numpy as np
import pyarrow as pa
import pytest

from gristmill.pipelines.errors import ReconcileError
from gristmill.pipelines.records.accounts import DEAD, DROPPED, IN, KEPT, Account, Accounts, reconcile


def balanced() -> Accounts:
    accounts = Accounts()
    accounts.add("read", IN, "web", 10, 1000)
    accounts.add("read", KEPT, "web", 8, 800)
    accounts.add("read", DEAD, "web", 2, 200, reason="UnicodeDecodeError")
    accounts.add("decide", IN, "web", 8, 800)
    accounts.add("decide", DROPPED, "web", 3, 300, reason="gopher@paper/words_min", lang="en")
    accounts.add("decide", KEPT, "web", 5, 500, lang="zh")
    return accounts


def test_reconcile__balanced_accounts_pass():
    reconcile(balanced(), ["read", "decide"])


@pytest.mark.parametrize(
    ("step", "outcome", "message"),
    [
        ("read", IN, "11 records went in"),
        ("decide", KEPT, "8 records went in"),
        ("decide", DROPPED, "8 records went in"),
    ],
)
def test_reconcile__one_record_too_many_is_named_with_its_step(step, outcome, message):
    accounts = balanced()
    accounts.add(step, outcome, "web", 1, 1)
    with pytest.raises(ReconcileError, match=message) as caught:
        reconcile(accounts, ["read", "decide"])
    assert f"step '{step}'" in caught.value.where
    assert "web" in caught.value.where


def test_reconcile__a_record_lost_between_two_steps_is_found():
    accounts = balanced()
    accounts.add("read", IN, "web", 1, 1)
    accounts.add("read", KEPT, "web", 1, 1)
    with pytest.raises(ReconcileError, match="the step before kept 9 records, 8 went in"):
        reconcile(accounts, ["read", "decide"])


def test_reconcile__a_source_cannot_make_up_for_another():
    accounts = balanced()
    accounts.add("read", IN, "books", 1, 1)
    accounts.merge([Account("read", IN, "", "web", "", -1, -1)])
    with pytest.raises(ReconcileError):
        reconcile(accounts, ["read", "decide"])


def test_add_rows__counts_by_language_and_reason():
    accounts = Accounts()
    lang = pa.array(["zh", "en", "zh", None])
    reason = pa.array(["a", "a", "b", "a"])
    accounts.add_rows("decide", DROPPED, "web", lang, np.array([3, 5, 7, 11]), reason)
    assert list(accounts) == [
        Account("decide", "dropped", "a", "web", "", 1, 11),
        Account("decide", "dropped", "a", "web", "en", 1, 5),
        Account("decide", "dropped", "a", "web", "zh", 1, 3),
        Account("decide", "dropped", "b", "web", "zh", 1, 7),
    ]


def test_add_rows__where_nothing_is_known_of_the_language_and_where_there_is_no_row():
    accounts = Accounts()
    accounts.add_rows("read", IN, "web", None, np.array([3, 5]))
    accounts.add_rows("read", DROPPED, "web", None, np.array([7]), pa.array(["a"]))
    accounts.add_rows("read", KEPT, "web", pa.array([], pa.string()), np.zeros(0, np.int64))
    accounts.add_fired("read", "web", None, np.array([10]), pa.array([["a", "b"]]))
    assert list(accounts) == [
        Account("read", "dropped", "a", "web", "", 1, 7),
        Account("read", "fired", "a", "web", "", 1, 10),
        Account("read", "fired", "b", "web", "", 1, 10),
        Account("read", "in", "", "web", "", 2, 8),
    ]


def test_add_fired__a_document_counts_once_for_each_rule():
    accounts = Accounts()
    fired = pa.array([["a", "b"], [], ["b"]], pa.list_(pa.string()))
    accounts.add_fired("decide", "web", pa.array(["en", "en", "zh"]), np.array([10, 20, 30]), fired)
    counted = {(a.reason, a.lang): (a.documents, a.bytes) for a in accounts}
    assert counted == {("a", "en"): (1, 10), ("b", "en"): (1, 10), ("b", "zh"): (1, 30)}


def test_json__round_trip_and_merge():
    accounts = balanced()
    again = Accounts.from_json(accounts.to_json())
    again.merge(balanced())
    assert again.total("read", IN) == 20
    assert [a.documents for a in again] == [2 * a.documents for a in accounts]
