"""Names where mails and forms put them."""

import pytest

from gristmill.filters.pii.engine import Scrubber

STRICT, WEB = Scrubber(["PERSON"]), Scrubber(["web"])
BLOCK = "Debtor\nLaunetta Kirby\n407 4th Street\nAnacortes, WA 98221"


def names(scrubber: Scrubber, text: str) -> list[str]:
    return [text[f.start : f.end] for f in scrubber.find(text) if f.entity == "PERSON"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Is it just me?\n\nUrban Bokvist wrote:\n\n> it seems to hang.", ["Urban Bokvist"]),
        ("On Mon, 12 Aug 2002 10:38:44 -0700, Craig R. Hewson wrote:\n> Thanks", ["Craig R. Hewson"]),
        ("26 August 2002 19:26 CET Leroy B. wrote:\n> Ignore", ["Leroy B"]),
        ("Do they have any left?\n\nNiall\n\nJim Whitelaw wrote:\n> Yes", ["Niall", "Jim Whitelaw"]),
        ("It works now.\n\n-- \nYannick Gringeras\nCoder\nhttp://beatbox.example", ["Yannick Gringeras"]),
        (BLOCK, ["Launetta Kirby"]),
        ("Edward A. Ritten, II\nWershow & Ritten PS\n710 2nd Ave Ste 700\nSeattle, WA 98104", ["Edward A. Ritten"]),
        ("BILL RICARDO DE LA VARA\n3946 E. BECKER LANE\nPHOENIX, AZ 85028", ["BILL RICARDO DE LA VARA"]),
        ("Stephen D. Williams 43392 Wayside Cir, Ashburn, VA 20147-4622", ["Stephen D. Williams"]),
    ],
)
def test_web__writers_signatures_and_who_lives_there(text, found):
    assert names(WEB, text) == found
    assert names(STRICT, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "He wrote:\n\n> it seems to hang.",
        "Red Hat wrote:\n> see the notes",
        "The server writes:\n\n> 250 OK",
        "Park University\n8700 NW River Park Drive\nParkville, MO 64152",
        "Criminal Division\n880 Front Street\nSan Diego, CA 92101",
        "Install it.\n\n--\nSELECT 1;",
        "1   Nan      Nan  1110 Boston Road\nBronx, NY 10456",
        "Email: Daniel.Becker@mill.example",
    ],
)
def test_none__pronouns_firms_and_code(text):
    assert names(STRICT, text) == []


def test_web__who_is_quoted_in_an_article_is_no_private_person():
    assert names(WEB, "As Donald Knuth wrote: premature optimization is the root of all evil.") == []
