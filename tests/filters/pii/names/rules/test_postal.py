"""English addresses by their grammar."""

import pytest

from gristmill.filters.pii.engine import Scrubber

STRICT = Scrubber(["ADDRESS"])


def addresses(text: str) -> list[str]:
    return [text[f.start : f.end] for f in STRICT.find(text)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "WING FINANCIAL, LLC\n3540 W HARLAN AVENUE, #202\nLAS VEGAS, NV 89102\nTax ID: 26",
            "3540 W HARLAN AVENUE, #202\nLAS VEGAS, NV 89102",
        ),
        (
            "TRUSTEE\n300 LAS CRUCES BOULEVARD S.\nSUITE 4300\nLAS VEGAS, NV 89101\nFiled",
            "300 LAS CRUCES BOULEVARD S.\nSUITE 4300\nLAS VEGAS, NV 89101",
        ),
        ("Officers stopped a man, 29, of 1906 Jolanda Drive. He was held.", "1906 Jolanda Drive"),
    ],
)
def test_found__in_capitals_and_in_running_text(text, address):
    assert addresses(text) == [address]


@pytest.mark.parametrize(
    "text",
    [
        "360-671-0300\nUS Trustee\nUnited States Trustee\nDesignation: Attorney",
        "Region:\nAustralia\nAustria\nBelgium\nBulgaria\nCroatia\nCyprus\nCzech Republic\nDenmark",
        "Copyright © 2018 NEFU-SE-GPX All Rights Reserved\nTerms",
        "MOV AX, 5\nROW 1\nLOOP 2, AX 10000",
        "The film of 1950 Sunset Boulevard runs for 110 minutes.",
        "It opened in May 2019 Wall Street closed lower",
    ],
)
def test_none__without_a_door(text):
    assert addresses(text) == []
