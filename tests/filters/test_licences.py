"""Licences as addresses, fields and texts name them, in English and Chinese; what is none is none."""

import time

import pytest

from gristmill.filters.licences import in_text, licence_of, most_restrictive, of_address, openness

ADDRESSES = {
    "https://creativecommons.org/licenses/by-sa/4.0/deed.zh": "CC-BY-SA-4.0",
    "http://creativecommons.org/licenses/by-nc-nd/2.5/cn/": "CC-BY-NC-ND-2.5",
    "//creativecommons.org/publicdomain/zero/1.0/": "CC0-1.0",
    "https://creativecommons.org/publicdomain/mark/1.0/": "CC-PDM-1.0",
    "HTTPS://WWW.CREATIVECOMMONS.ORG/LICENSES/BY/3.0": "CC-BY-3.0",
    "https://creativecommons.org/licenses/nd-nc/1.0/": "CC-NC-ND-1.0",
    "https://creativecommons.org/licenses/by-sa/": "CC-BY-SA",
    "https://www.gnu.org/licenses/fdl-1.3.html": "GFDL-1.3",
    "https://www.gnu.org/copyleft/fdl.html": "GFDL",
    "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html": "GPL-2.0",
    "https://www.apache.org/licenses/LICENSE-2.0": "Apache-2.0",
    "https://opensource.org/licenses/MIT": "MIT",
    "https://spdx.org/licenses/GPL-2.0-only.html": "GPL-2.0-only",
    "https://opendatacommons.org/licenses/odbl/1-0/": "ODbL-1.0",
    "http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/": "OGL-UK-3.0",
    "https://creativecommons.org/licenses/": None,
    "https://creativecommons.org/licenses/sampling+/1.0/": None,
    "https://example.com/licenses/by/4.0": None,
}
TEXTS = {
    "CC BY-SA 4.0": "CC-BY-SA-4.0",
    "cc-by-4.0": "CC-BY-4.0",
    "(CC BY 4.0)": "CC-BY-4.0",
    "CC BY–NC–SA 4.0": "CC-BY-NC-SA-4.0",
    "CC BY NC ND 3.0 DE": "CC-BY-NC-ND-3.0",
    "Creative Commons Attribution-ShareAlike License 4.0": "CC-BY-SA-4.0",
    "Creative Commons Attribution 4.0 International License": "CC-BY-4.0",
    "Creative Commons Attribution-NonCommercial-NoDerivs 2.5": "CC-BY-NC-ND-2.5",
    "Creative Commons Attribution-Share Alike": "CC-BY-SA",
    "CC0 1.0 Universal": "CC0-1.0",
    "采用知识共享署名-非商业性使用-相同方式共享 4.0 国际许可协议": "CC-BY-NC-SA-4.0",
    "署名-非商业性使用-禁止演绎 4.0 国际": "CC-BY-NC-ND-4.0",
    "知识共享（Creative Commons）署名 4.0 协议": "CC-BY-4.0",
    "知识共享 署名—相同方式共享 3.0 协议": "CC-BY-SA-3.0",
    "創用CC 姓名標示-相同方式分享 3.0 台灣": "CC-BY-SA-3.0",
    "姓名標示─非商業性─禁止改作": "CC-BY-NC-ND",
}
NO_TEXTS = [
    "CC by the way",
    "本文署名：张三",
    "署名 张三 2020.05",
    "accc by 4.0",
    "CC: Bob",
    "CC02",
    "Attribution-free",
    "cc bypass 4.0",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_of_address(address) -> None:
    assert of_address(address) == ADDRESSES[address]


@pytest.mark.parametrize("text", TEXTS)
def test_in_text(text) -> None:
    assert {licence for _, _, licence in in_text(f"x {text}, y。")} == {TEXTS[text]}
    ((begin, end, _), *_) = in_text(text)
    assert 0 <= begin < end <= len(text)


@pytest.mark.parametrize("text", NO_TEXTS)
def test_in_text__what_only_looks_like_one_is_none(text) -> None:
    assert list(in_text(text)) == []


@pytest.mark.parametrize(
    ("value", "licence", "level"),
    [
        ("MIT", "MIT", 3),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0", 1),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0", 2),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0", 4),
        ("MIT OR GPL-3.0-only", "MIT OR GPL-3.0-only", 3),
        ("(MIT AND CC-BY-NC-4.0) OR GPL-2.0-only", "(MIT AND CC-BY-NC-4.0) OR GPL-2.0-only", 2),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", 2),
        ("LicenseRef-ours", "LicenseRef-ours", 1),
        ("All rights reserved", None, 0),
        ("unknown", None, 0),
        ("", None, 0),
        ("版权所有", None, 0),
    ],
)
def test_licence_of_a_field_and_how_open_it_is(value, licence, level) -> None:
    assert licence_of(value) == licence
    assert openness(licence) == level


def test_most_restrictive() -> None:
    assert most_restrictive(["MIT", "CC-BY-SA-4.0", "CC-BY-NC-4.0"]) == "CC-BY-NC-4.0"
    assert most_restrictive(["CC-BY", "CC-BY-4.0"]) == "CC-BY-4.0"
    assert most_restrictive({"CC-BY-NC-4.0", "CC-BY-NC-ND-4.0"}) == "CC-BY-NC-ND-4.0"


@pytest.mark.parametrize(
    "text", ["CC BY", "署名-", "知识共享", "Creative Commons ", "CC BY" + "-" * 9, "署名-非商业性使用"]
)
def test_in_text__takes_linear_time(text) -> None:
    list(in_text(text * 100))
    spent = []
    for size in (20_000, 80_000):
        began = time.process_time()
        list(in_text(text * (size // len(text))))
        spent.append(time.process_time() - began)
    assert spent[1] < 12 * spent[0] + 0.05
