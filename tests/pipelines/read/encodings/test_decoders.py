"""Every decoder equals the standard's, for every pair of bytes, in damaged text and at its end."""

import hashlib
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.read.encodings.decoders import _indexes, decode
from gristmill.pipelines.read.encodings.labels import LABELS, NAMES, encoding_of
from gristmill.pipelines.read.encodings.make_indexes import TWO_BYTES
from tests.pipelines.read.encodings import standard

IDENTIFIERS = {
    "big5": "8dfc771062e7be0810919082c2c06baa2236147909e0ecc235b1cb9ad782ac82",
    "euc-kr": "1d97134cbf187263585bc8f593ca4196654ed4c7a673f5672eaad4f5d9fdc4ba",
    "gb18030-ranges": "f963aaa1653f630c523e7b04729fb4e4458f35806c45eb5c179445623138f0c0",
    "gb18030": "ff1c9a923b5d24f9761b3a2de2c0f07b395f9f6f36519508944de4f0415be81c",
    "ibm866": "db6fe14a559d1601a7667338d83704773d5708dbc641e1ad3c5e21405770f05e",
    "iso-8859-10": "02c2b5590d8ccda9931008c471f6ee2c590b2c8fe5e6ccb3b08638115d778507",
    "iso-8859-13": "40736338e964ab520407cebcb01329f8d450abf6ce12bf88b74b655b60e43300",
    "iso-8859-14": "2c8651cfc08b1f35b17919ee5379f2fa006af3ec809f11b3b7f470785580542b",
    "iso-8859-15": "a560aba47bccd7510a6ac77f671fe75dca3800f05cf6d676910c311a8f8ff079",
    "iso-8859-16": "55676320d2d1b6e6909f5b3d741a7cf0cefc84e920aa4474afc091459111c2e3",
    "iso-8859-2": "9569c67f22d0b57790e1c407c6eecf227e4562322dc296de43cdab7a0152ec73",
    "iso-8859-3": "af8f1e12df79b768322b5e83613698cdc619438270a2fc359554331c805054a3",
    "iso-8859-4": "72f29c92344d351fe9e74a946e7e0468d76d542c6894ff82982cb652ebe0feb7",
    "iso-8859-5": "fa9b1f3f5242df43e2e7bca80e9b6997c67944f20a4af91ee06bacc4e132d9c9",
    "iso-8859-6": "85bb7b5c2dc75975afebe5743935ba4ed5a09c1e9e34e9bfb2ff80293f5d8bbc",
    "iso-8859-7": "f53d8aeba36314ef950eef02ffcf11dff540638ce27dfe7a86b6ccc6875afb24",
    "iso-8859-8": "7657a9ca3fa875990da960d3f812eea28dcd0ae6ed55a18d5394303c86f5484b",
    "jis0208": "cbaa91f3deb7d0841faf5c33041fc15a285da0e87e64ab802c4bf04b7c4da861",
    "jis0212": "83bf90dd1c591a4355730d8c4567efc499d74da7490531019ef22a879991cfb7",
    "koi8-r": "c5497cd9071cb352c0e56b219154e539badf63de40b71578f09e2e11fe7d50ae",
    "koi8-u": "19a4da2c3f245118bbc8019326f45a07832949938ff903f03d62ac4da1f61f40",
    "macintosh": "f2c6a4f6406b3e86a50a5dba4d2b7dd48e2e33c0d82aefe764535c934ec11764",
    "windows-1250": "0669455a7a1c70ba6003ea737991e8ee9adc455125c13cfe6705a361358de5fa",
    "windows-1251": "7592ef921679ba168b00a9e9afa3b4eebd67bf13dc7e84c4b6e120de856826e0",
    "windows-1252": "e56d49d9176e9a412283cf29ac9bd613f5620462f2a080a84eceaf974cfa18b7",
    "windows-1253": "49fdc881a3488904dd1e8dfba9aef3258454249958b611bcded1d4c981ab5561",
    "windows-1254": "e80a27adf377438be8ba5bd223875ea56d6a4d47f958cce1c957a2c446825caa",
    "windows-1255": "cd7fb43c97eefa1651084d92d02af53ad668bd848528c18c3b1af5c06b499651",
    "windows-1256": "161bdb381f16408e8bebcc8f5310c4190af0e359de8d9bbaa3628ce2f0875509",
    "windows-1257": "cc7256bdd10a5b8dc7fb6f994659f307dfcae60def9aa6c29d811f85e2842c47",
    "windows-1258": "198bacedfcf24390e219240a7b776b6cec34cff070330b08a601a69c67f7eb24",
    "windows-874": "b416583ce125e38474381b31b401a98b19ecf2e57e0998e78a1e18b14894905d",
    "x-mac-cyrillic": "73e8e7642c6fa9de29d42819b47fba55b58666fb1e339faeb4a89a0bd7c24d43",
}
"""Of the index files of the standard, which each bears in its head: sha256 of the list of its code points."""
DECODED = sorted(set(LABELS) - {"replacement"})
EDGES = b"\x00\x0e\x1b$(BJI@!09\\~\x7f\x80\x81\x87\x8e\x8f\xa0\xa1\xbf\xd8\xdc\xdf\xe0\xed\xf0\xf4\xfd\xfe\xff"


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_indexes__are_the_standards(name):
    index = _indexes()[name]
    if name == "gb18030-ranges":
        listed = [[int(pointer), int(point)] for pointer, point in index]
    else:
        points = np.cumsum(index) if name in TWO_BYTES else index
        listed = [int(point) or None for point in points]
    assert hashlib.sha256(str(listed).encode()).hexdigest() == IDENTIFIERS[name]


def test_indexes__none_is_missing():
    assert set(_indexes()) == set(IDENTIFIERS)


@pytest.mark.parametrize("encoding", DECODED)
def test_pairs__all_of_them(encoding):
    pairs = b"".join(bytes((first, second, 0x0A)) for first in range(256) for second in range(256))
    assert decode(pairs, encoding) == standard.decode(pairs, encoding)


@pytest.mark.parametrize("encoding", DECODED)
@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(EDGES) | st.integers(0, 255), max_size=12).map(bytes))
def test_damage__and_cut_ends(encoding, data):
    assert decode(data, encoding) == standard.decode(data, encoding)


def test_gb18030__four_bytes():
    data = b"".join(
        bytes((0x81 + pointer // 12600, 0x30 + pointer // 1260 % 10, 0x81 + pointer // 10 % 126, 0x30 + pointer % 10))
        for pointer in [*range(0, 39500, 7), *range(7450, 7460), 39419, 39420, *range(188990, 189010), 1237575, 1237576]
    )
    assert decode(data, "gb18030") == standard.decode(data, "gb18030")
    assert decode(b"\x81\x35\xf4\x37 \xa8\xbc \xa3\xa0 \x80", "gbk") == "\ue7c7 \u1e3f \u3000 €"
    assert decode(b"\xa6\xd9 \xfe\x59", "gb18030") == "\ufe10 \u9fb4"  # as GB18030-2022 has them


def test_big5__and_hong_kong():
    assert decode(b"\x88\x62\x88\x64\x88\xa3\x88\xa5 \x87\x40 \xf9\xfe", "big5") == "Ê̄Ê̌ê̄ê̌ 䏰 \uffed"


def test_ascii_trail__is_not_eaten():
    for encoding in ("gbk", "big5", "euc-kr", "shift_jis", "euc-jp"):
        assert decode(b"\x82<p>", encoding).endswith("<p>")
        assert decode(b"a\xff<p>", encoding).endswith("<p>")


def test_single_bytes__as_browsers_read_them():
    assert decode(b"\x80\x81\x93\x94", "windows-1252") == "€\x81“”"
    assert decode(b"\xae\xbe\xad\xbd", "koi8-u") == "ўЎґҐ"
    assert decode(b"\xff\xa2", "x-mac-cyrillic") == "€Ґ"
    assert decode(b"a\x80\xff", "x-user-defined") == "a\uf780\uf7ff"
    assert decode(b"\xe4", "iso-8859-8-i") == "ה"
    assert decode(b"anything", "replacement") == "\ufffd"
    assert decode(b"", "replacement") == ""


def test_labels__all_of_the_standard():
    assert len(NAMES) == 228
    assert {encoding_of(f"\n{label.upper()} \t") for label in NAMES} == set(LABELS)
    known = {"latin1": "windows-1252", "US-ASCII": "windows-1252", "iso-8859-9": "windows-1254", "gb2312": "gbk"}
    known |= {"tis-620": "windows-874", "ks_c_5601-1987": "euc-kr", "unicode": "utf-16le", "hz-gb-2312": "replacement"}
    assert {label: encoding_of(label) for label in known} == known
    for label in (None, "", "nonsense", "\u212aoi8-r", "utf\u20118", "utf 8", "\xa0utf-8", "utf-32", "utf-7"):
        assert encoding_of(label) is None


def test_refused_by_browsers__read_all_the_same():
    text = "Old pages 旧的网页。"
    assert decode(text.encode("hz"), "hz-gb-2312") == text
    assert decode("물레방아".encode("iso2022_kr"), "iso-2022-kr") == "물레방아"
    assert decode(text.encode("utf-32-be"), "utf-32be") == text


@pytest.mark.parametrize(("encoding", "codec"), [("gbk", "gb18030"), ("shift_jis", "cp932"), ("big5", "big5hkscs")])
def test_speed__of_pythons_codec(encoding, codec):
    data = ("磨坊坐落在河邊, a mill, 水車。" * 20_000).encode(codec)
    decode(data, encoding)

    def seconds(work) -> float:
        best = 9.0
        for _ in range(5):
            began = time.process_time()
            work()
            best = min(best, time.process_time() - began)
        return best

    assert seconds(lambda: decode(data, encoding)) < 2 * seconds(lambda: data.decode(codec))
