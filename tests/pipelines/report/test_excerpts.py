"""What may be quoted: never personal data, never half of it, never an invisible character."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gristmill.pipelines.report.excerpts import EXCERPT, NAME, Excerpts, scrubbed_excerpts
from gristmill.pipelines.storage.store import Store

WORDS = "The mill turns, 磨坊转动。"


@pytest.fixture
def excerpts(scrub: Callable[[str], str]) -> Excerpts:
    return Excerpts(scrub)


@pytest.mark.parametrize("value", ["zhang.wei@example.com", "13812345678"])
@pytest.mark.parametrize("place", [*range(EXCERPT - 22, EXCERPT + 3), 5])
@pytest.mark.parametrize("tail", [0, 380, 2000])
def test_excerpt__personal_data_across_the_cut(
    excerpts: Excerpts, scrub: Callable[[str], str], value: str, place: int, tail: int
) -> None:
    text = "。" * place + value + "。" * tail
    shown, cut = excerpts.excerpt(text)
    assert len(shown) <= EXCERPT
    assert cut == (len(scrub(text)) > EXCERPT)
    # No part of the value is left that a reader could complete: at most a tag, cut or whole.
    assert not re.search(r"[a-z]{2}|\d{2}", shown)


def test_excerpt__a_text_full_of_addresses_leaves_nothing_at_the_end_of_what_was_scrubbed(excerpts: Excerpts) -> None:
    shown, cut = excerpts.excerpt("a-very-long-local-part.of-a-mailbox@mail.example.com " * 500)
    assert cut
    assert 500 < len(shown) <= EXCERPT
    assert set(shown.split()[:-1]) == {"<EMAIL_ADDRESS>"}
    assert "<EMAIL_ADDRESS>".startswith(shown.split()[-1])


def test_excerpt__short_text_is_whole(excerpts: Excerpts) -> None:
    assert excerpts.excerpt(WORDS) == (WORDS, False)
    assert excerpts.excerpt("") == ("", False)


def test_excerpt__control_characters_are_seen(excerpts: Excerpts) -> None:
    assert excerpts.excerpt("a\x00b\x1b[31mc\td\ne\x7f\x85") == ("a␀b␛[31mc\td\ne␡\ufffd", False)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://x.org/u?mail=li%40example.com", "https://x.org/u?mail=<EMAIL_ADDRESS>"),
        ("https://x.org/%E7%A3%A8%E5%9D%8A", "https://x.org/%E7%A3%A8%E5%9D%8A"),
        ("https://x.org/13812345678/磨坊", "https://x.org/<PHONE_NUMBER>/磨坊"),
        ("two\nlines\tand\x00nul", "two lines and␀nul"),
        ("x" * 500, "x" * NAME),
    ],
)
def test_name__one_line_scrubbed_also_behind_percent_signs(excerpts: Excerpts, name: str, shown: str) -> None:
    assert excerpts.name(name) == shown
    assert excerpts.optional(name) == shown
    assert excerpts.optional(None) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("li.wei@example.com-record-7", "<EMAIL_ADDRESS>"),
        ("https://li:secret@x.org/a", "https://li:<EMAIL_ADDRESS>/a"),
        ("https://13812345678.x.org/20240315123000", "https://<NUMBER>.x.org/20240315123000"),
        ("card-6222020200112233445", "card-<NUMBER>"),
        ("11010519491231002X.html", "<NUMBER>.html"),
        ("https://social.example/@miller", "https://social.example/@miller"),
    ],
)
def test_name__more_is_masked_than_a_recognizer_finds(name: str, shown: str) -> None:
    assert Excerpts(str).name(name) == shown


def test_around__shows_the_tag_and_what_stands_beside_it(excerpts: Excerpts) -> None:
    text = "长" * 900 + "请写信给 <EMAIL_ADDRESS> 或者\n打电话" + "尾" * 900
    found = re.search("<EMAIL_ADDRESS>", text)
    assert found is not None
    assert excerpts.around(text, found, reach=6) == "长请写信给 <EMAIL_ADDRESS> 或者 打电"


def test_excerpt__what_may_have_been_cut_before_scrubbing_is_not_shown() -> None:
    """However far it shortens a text, the scrubber sees a value whole or the reader does not see it at all."""
    shown, cut = Excerpts(lambda text: text.replace("x" * 390, ".")).excerpt(("x" * 390 + " ") * 100)
    assert cut
    assert "x" not in shown


@pytest.mark.parametrize(
    ("scrub", "shown"),
    [
        ("{entities: [strict, secrets]}", "Name: <PERSON>, <EMAIL_ADDRESS>"),
        ("{entities: [PERSON, LOCATION, OF_A_PLUGIN]}", "Name: <PERSON>, <EMAIL_ADDRESS>"),
        ("{entities: [EMAIL_ADDRESS], sources: {mails: {entities: [web]}}}", "Name: <PERSON>, <EMAIL_ADDRESS>"),
        ("{entities: [EMAIL_ADDRESS]}", "Name: Laura Whitfield, <EMAIL_ADDRESS>"),
        ("null", "Name: Laura Whitfield, <EMAIL_ADDRESS>"),
    ],
)
def test_scrubbed_excerpts__mask_the_default_set_and_what_the_recipe_does(
    scrub: str, shown: str, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(f"scrub: {scrub}", encoding="utf-8")
    excerpts = scrubbed_excerpts(Store.at(tmp_path))
    assert excerpts.excerpt("Name: Laura Whitfield, li@qq.com")[0] == shown
