"""ARPA files, KenLM's binaries and our own file: the same scores as KenLM's; what is damaged is named."""

import contextlib
import gzip
import json
import random
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest

from gristmill.filters.language_models.arpa import read_arpa
from gristmill.filters.language_models.errors import BadModelError
from gristmill.filters.language_models.hashing import word_hashes
from gristmill.filters.language_models.kenlm import is_kenlm, read_kenlm
from gristmill.filters.language_models.lookup import score
from gristmill.filters.language_models.model_file import is_model, open_model, read_about, write_model
from gristmill.filters.placed import _places
from tests.filters.language_models.arpa_text import arpa_text
from tests.filters.language_models.by_hand import SENTENCES

GOLDEN = Path(__file__).parents[2] / "golden" / "language_models"
TEXT = {"units": "words", "encoding": "", "normalise": None}


def scores(table, texts):
    ids = [table.numbers([word.encode() for word in text.split()]) for text in texts]
    end = np.cumsum([len(one) for one in ids])
    flat = np.concatenate([*ids, np.zeros(1, np.uint32)])
    return score(table, flat, np.append(0, end[:-1]), end)[0]


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["en-3", "en-5", "zh-3", "zh-5"])
def test_arpa__scores_equal_kenlms(name):
    rows = golden(name)
    found = scores(read_arpa(GOLDEN / f"{name}.arpa"), [row["text"] for row in rows])
    assert np.abs(found - [sum(row["words"]) for row in rows]).max() < 1e-4
    assert np.abs(found - [row["log10"] for row in rows]).max() < 1e-4


@pytest.mark.parametrize("file", ["en-3.probing", "zh-5.probing", "en-3.trie", "en-3.quantised", "zh-5.compressed"])
def test_kenlm_binary__scores_equal_kenlms(file):
    """The quantised ones have bins enough for every value."""
    assert is_kenlm(GOLDEN / file)
    name = file.partition(".")[0]
    table, rows = read_kenlm(GOLDEN / file), golden(name)
    found = scores(table, [row["text"] for row in rows])
    assert np.abs(found - [row["log10"] for row in rows]).max() < 1e-4
    keys, wanted = table.slot_S[::2], read_arpa(GOLDEN / f"{name}.arpa").slot_S[::2]
    if file.endswith(".probing"):  # a trie numbers its words otherwise
        assert (keys == wanted).all()
    assert (keys != 0).sum() == (wanted != 0).sum()


def test_kenlm_package__equal_where_it_is_there(tmp_path):
    kenlm = pytest.importorskip("kenlm")
    for lang, sentences in SENTENCES.items():
        for prune in ((), (0, 0, 1)):
            (tmp_path / "a.arpa").write_text(arpa_text(sentences, 4, prune), encoding="utf-8")
            model, texts = kenlm.Model(str(tmp_path / "a.arpa")), [" ".join(one) for one in sentences]
            found = scores(read_arpa(tmp_path / "a.arpa"), texts)
            assert np.abs(found - [model.score(text) for text in texts]).max() < 1e-4, lang


def test_endings_that_pruning_left_out__backed_off():
    """SRILM leaves out `b c` and keeps `a b c`: the look-up must still find the longer one."""
    text = """\\data\\
ngram 1=6
ngram 2=2
ngram 3=1

\\1-grams:
-2\t<unk>
-99\t<s>\t-0.5
-1\t</s>
-0.7\ta\t-0.1
-0.8\tb\t-0.2
-0.9\tc\t-0.3

\\2-grams:
-0.3\ta b\t-0.05
-0.4\t<s> a\t-0.06

\\3-grams:
-0.25\ta b c

\\end\\
"""
    table = read_text(text)
    found = scores(table, ["a b c"])[0]
    # a after <s>; b after a, <s> a backs off; c by the trigram; </s> backs off from b c (no weight) and c
    assert found == pytest.approx(-0.4 + (-0.06 - 0.3) - 0.25 + (-0.3 - 1), abs=1e-6)
    assert scores(table, ["b c"])[0] == pytest.approx((-0.5 - 0.8) + (-0.2 - 0.9) + (-0.3 - 1), abs=1e-6)


def read_text(text):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.arpa").write_text(text, encoding="utf-8")
        return read_arpa(Path(folder) / "a.arpa")


def test_gzip_and_spellings_of_white_space():
    plain = (GOLDEN / "en-3.arpa").read_text(encoding="utf-8")
    rows = golden("en-3")
    texts = [row["text"] for row in rows]
    wanted = scores(read_arpa(GOLDEN / "en-3.arpa"), texts)
    assert (scores(read_text(plain.replace("\n", "\r\n")), texts) == wanted).all()
    assert (scores(read_text(plain.replace("\t", " ")), texts) == wanted).all()


def test_gzip(tmp_path):
    data = (GOLDEN / "zh-5.arpa").read_bytes()
    (tmp_path / "a.arpa.gz").write_bytes(gzip.compress(data))
    texts = [row["text"] for row in golden("zh-5")]
    assert (scores(read_arpa(tmp_path / "a.arpa.gz"), texts) == scores(read_arpa(GOLDEN / "zh-5.arpa"), texts)).all()
    damaged = bytearray(gzip.compress(data))
    damaged[10] = 0xFF
    for wrong in (gzip.compress(data)[:-50], bytes(damaged)):
        (tmp_path / "a.arpa.gz").write_bytes(wrong)
        with pytest.raises(BadModelError, match="cut off"):
            read_arpa(tmp_path / "a.arpa.gz")


@pytest.mark.parametrize("count", ["9" * 14, "9" * 5000])
def test_arpa__a_head_that_promises_too_much(count):
    with pytest.raises(BadModelError):
        read_text(f"\\data\\\nngram 1=1\nngram 2={count}\n\n\\1-grams:\n-1\t<unk>\t0\n\n\\2-grams:\n")


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.6, 0.9, 0.999])
def test_arpa_cut_anywhere__named(tmp_path, share):
    data = (GOLDEN / "en-3.arpa").read_bytes()
    (tmp_path / "a.arpa").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadModelError, match=r"cut off|no ARPA file"):
        read_arpa(tmp_path / "a.arpa")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\end\\", "", r"`\\end\\` is missing"),
        ("ngram 2=", "ngram 2=1", "fewer than the head says"),
        ("ngram 3=", "ngram 4=", "should be `ngram 3=...`"),
        ("\\data\\", "\\dada\\", "no ARPA file"),
        ("\\3-grams:", "\\4-grams:", "another number of n-grams|should be `.3-grams:`"),
        ("\tmill grinds", "\tmill grinders", "not among the unigrams"),
        ("\n-", "\nnan", "no n-gram of 1 words"),
    ],
)
def test_bad_arpa__named_with_its_line(old, new, message):
    text = (GOLDEN / "en-3.arpa").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(BadModelError, match=message):
        read_text(text.replace(old, new, 1))


def test_order_6__named():
    text = "\\data\\\n" + "".join(f"ngram {n}=1\n" for n in range(1, 7)) + "\n\\1-grams:\n-1\ta\n"
    with pytest.raises(BadModelError, match="order 6, and orders 1 to 5 are read"):
        read_text(text)


@pytest.mark.parametrize(("kind", "named"), [(1, "`probing with rest costs`"), (7, "type 7"), (-3, "type -3")])
def test_other_kinds_of_kenlm__named_with_what_to_do(tmp_path, kind, named):
    data = bytearray((GOLDEN / "en-3.probing").read_bytes())
    assert data[96:100] == bytes(4)
    data[96:100] = struct.pack("<i", kind)
    (tmp_path / "m.bin").write_bytes(data)
    with pytest.raises(BadModelError, match=f"of the kind {named}, version 0, .*; build it again"):
        read_kenlm(tmp_path / "m.bin")


@pytest.mark.parametrize("file", ["en-3.trie", "zh-5.compressed"])
def test_trie_cut_off_or_damaged__named(tmp_path, file):
    whole, rng = (GOLDEN / file).read_bytes(), random.Random(file)
    end = whole.rindex(b"<unk>\0")  # the spellings of words are not needed
    for size in range(60, end, 37):
        (tmp_path / "m.bin").write_bytes(whole[:size])
        with pytest.raises(BadModelError, match=r"cut off|has the"):
            read_kenlm(tmp_path / "m.bin")
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[rng.randrange(88, len(whole))] ^= 1 << rng.randrange(8)
        (tmp_path / "m.bin").write_bytes(damaged)
        with contextlib.suppress(BadModelError):  # a bit of a number is not noticed
            read_kenlm(tmp_path / "m.bin")


@pytest.mark.parametrize(
    ("at", "patch", "message"),
    [
        (len("mmap lm http://kheafield.com/code format version "), b"4", "format version 4"),
        (56, struct.pack("<f", 2.0), "another kind"),
        (88, b"\x06", "order 6"),
    ],
)
def test_other_versions_of_kenlm__named(tmp_path, at, patch, message):
    data = bytearray((GOLDEN / "en-3.probing").read_bytes())
    data[at : at + len(patch)] = patch
    (tmp_path / "m.bin").write_bytes(data)
    with pytest.raises(BadModelError, match=message):
        read_kenlm(tmp_path / "m.bin")


@pytest.mark.parametrize("size", [60, 100, 120, 400, 1500])
def test_kenlm_cut_off__named(tmp_path, size):
    (tmp_path / "m.bin").write_bytes((GOLDEN / "en-3.probing").read_bytes()[:size])
    with pytest.raises(BadModelError, match=r"cut off|has the"):
        read_kenlm(tmp_path / "m.bin")


def test_hashes_are_kenlms():
    assert word_hashes([b"", b"a", b"grinding", "磨坊在河边".encode()]).tolist()[0] == 0


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "model.lm"
    write_model(file, TEXT, read_arpa(GOLDEN / "zh-5.arpa"), b"pieces")
    return file


def test_our_file__the_same_table_and_bytes(model, tmp_path):
    about, sha256 = read_about(model)
    assert is_model(model)
    assert (about["order"], about["units"]) == (5, "words")
    _places[sha256] = str(model)
    opened = open_model(sha256)
    assert opened.pieces == b"pieces"
    wanted = read_arpa(GOLDEN / "zh-5.arpa")
    assert all((opened.table.columns[name] == values).all() for name, values in wanted.columns.items())
    write_model(tmp_path / "again.lm", TEXT, wanted, b"pieces")
    assert (tmp_path / "again.lm").read_bytes() == model.read_bytes()


@pytest.mark.parametrize("at", [9, 13, 30, 200, 5000, -1])
def test_our_file_damaged__named(model, at):
    data = bytearray(model.read_bytes())
    data[at] ^= 0x55
    model.write_bytes(data)
    with pytest.raises(BadModelError, match=r"damaged|format|cut off"):
        read_about(model)


@pytest.mark.parametrize("share", [0.0001, 0.01, 0.5, 0.999])
def test_our_file_cut_off__named(model, share):
    data = model.read_bytes()
    model.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BadModelError, match=r"cut off|damaged|no language model"):
        read_about(model)
