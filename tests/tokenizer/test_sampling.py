import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.sampling import derived_key, in_sample, is_validation, keyed_hash, mixed, splits_of

MASK = 2**64 - 1
IDS = [f"{n:032x}" for n in range(20_000)]


def plain_mix(value):
    """splitmix64's finalizer in Python's integers."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def plain_hash(text, key):
    data = text.encode()
    value = plain_mix(key ^ len(data))
    for begin in range(0, len(data) // 8 * 8, 8):
        value = plain_mix(value ^ int.from_bytes(data[begin : begin + 8], "little"))
    return plain_mix(value ^ int.from_bytes(data[len(data) // 8 * 8 :], "little"))


@given(st.lists(st.text(), max_size=20), st.integers(0, MASK))
@settings(deadline=None)
def test_keyed_hash__equals_python(texts, key):
    assert keyed_hash(texts, key).tolist() == [plain_hash(text, key) for text in texts]


def test_keyed_hash__reads_every_kind_of_array():
    texts = ["日本", None, "", "abc" * 9, "x"]
    expected = keyed_hash(["日本", "", "", "abc" * 9, "x"], 5).tolist()
    for kind in (pa.string(), pa.large_string()):
        array = pa.array(["skipped", *texts], kind)
        assert keyed_hash(array.slice(1), 5).tolist() == expected
        assert keyed_hash(pa.chunked_array([array.slice(1, 2), array.slice(3)]), 5).tolist() == expected
    assert keyed_hash([], 5).tolist() == []


def test_mixed__is_a_bijection_that_the_key_changes():
    values = np.arange(100_000)
    assert len(np.unique(mixed(values, 3))) == 100_000
    assert not np.array_equal(mixed(values, 3), mixed(values, 4))
    assert mixed(np.array([7]), 3)[0] == plain_mix(10)


def test_derived_key__order_matters():
    assert len({derived_key(*parts) for parts in ((1, 2), (2, 1), (1,), (2,), (1, 2, 0))}) == 5


@pytest.mark.parametrize("choose", [in_sample, is_validation])
def test_choice__has_its_share_is_nested_and_depends_on_the_seed(choose):
    tenth = choose(IDS, 0.1, 0)
    assert 0.09 < tenth.mean() < 0.11
    assert not (tenth & ~choose(IDS, 0.2, 0)).any()
    assert (tenth & choose(IDS, 0.1, 1)).mean() < 0.02
    assert choose(IDS, 1, 0).all()
    assert not choose(IDS, 0, 0).any()
    with pytest.raises(ValueError, match=r"share is 1\.5"):
        choose(IDS, 1.5, 0)


def test_is_validation__members_of_a_cluster_stay_together_and_apart_from_the_sample():
    clusters = [name for name in IDS for _ in range(3)]
    chosen = is_validation(pa.array(clusters), 0.1, 0).reshape(-1, 3)
    assert (chosen.all(1) == chosen.any(1)).all()
    both = (is_validation(IDS, 0.1, 0) & in_sample(IDS, 0.1, 0)).mean()
    assert 0.005 < both < 0.015, "the two choices must be independent"


def test_splits__are_disjoint_and_one_share_moves_no_document_of_the_other():
    places = splits_of(IDS, 0.1, 0.2, 0)
    assert (sum(mine.astype(int) for mine in places.values()) == 1).all()
    assert abs(places["test"].mean() - 0.2) < 0.02
    assert np.array_equal(places["validation"], is_validation(IDS, 0.1, 0))
    assert np.array_equal(places["test"], splits_of(IDS, 0.3, 0.2, 0)["test"])
    assert not splits_of(IDS, 0.1, 0, 0)["test"].any()
    everything = splits_of(IDS, 0.5, 0.5, 0)
    assert not everything["train"].any()
    assert abs(everything["test"].mean() - 0.5) < 0.03


def test_choice__golden_values_do_not_drift():
    """Changing these moves documents between training and validation in every run that exists."""
    assert keyed_hash(["gristmill", "磨坊"], 1).tolist() == [10020576484718428796, 18343741959010543316]
    assert np.flatnonzero(is_validation(IDS[:200], 0.05, 7)).tolist() == [
        6,
        22,
        33,
        41,
        43,
        47,
        54,
        56,
        61,
        65,
        119,
        126,
        165,
        171,
        182,
        193,
        199,
    ]
    assert np.flatnonzero(in_sample(IDS[:200], 0.05, 7)).tolist() == [
        3,
        5,
        40,
        66,
        94,
        98,
        100,
        169,
        187,
        189,
        190,
        194,
    ]
