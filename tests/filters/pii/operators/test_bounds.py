"""Findings counted and held against bounds, against a plain loop."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.pii.entities import SETS
from gristmill.filters.pii.finding import FINDING
from gristmill.filters.pii.operators.bounds import counted, exceeded

TYPES = ("EMAIL_ADDRESS", "API_KEY", "PERSON", "LOCATION")
SECRETS = ("URL_CREDENTIALS", "PRIVATE_KEY", "API_KEY", "SECRET")


def column(documents: list[list[str]]) -> pa.Array:
    return pa.array([[{"type": one} for one in types] for types in documents], pa.list_(FINDING))


def plainly(types: list[str], name: str) -> int:
    """What a person counts."""
    return sum(name in ("all", one) or (name == "secrets" and one in SECRETS) for one in types)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(TYPES), max_size=6), max_size=5),
    st.dictionaries(st.sampled_from([*TYPES, "secrets", "all"]), st.integers(0, 4), max_size=4),
)
def test_exceeded__names_what_there_is_too_much_of(documents, most):
    expected = [["rule/" + name for name in most if plainly(types, name) > most[name]] for types in documents]
    assert exceeded(column(documents), most, "rule/").to_pylist() == expected
    assert [[counted(types, name) for name in most] for types in documents] == [
        [plainly(types, name) for name in most] for types in documents
    ]


def test_all__counts_what_a_model_finds_the_sets_do_not():
    assert {name: counted(["LOCATION", "PERSON", "EMAIL_ADDRESS"], name) for name in SETS} == {
        "patterns": 1, "web": 2, "strict": 2, "secrets": 0, "all": 3
    }  # fmt: skip


def test_exceeded__of_a_slice():
    found = column([["API_KEY"] * 3, [], ["API_KEY"], ["API_KEY"] * 2])
    assert exceeded(found.slice(1), {"API_KEY": 1}).to_pylist() == [[], [], ["API_KEY"]]
