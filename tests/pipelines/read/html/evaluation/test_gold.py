"""Folders of labelled pages: what is found, in which order, and what is said of damage."""

import gzip
import json

import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.read.html.evaluation.gold import find_pages

LABEL = {"id": "a", "lang": "zh-Hans", "type": "forum", "text": "磨坊", "with": ["磨"], "without": None}


def folder_of(tmp_path, *lines, pages=("a.html",)):
    place = tmp_path / "set"
    (place / "html").mkdir(parents=True)
    (place / "gold.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for name in pages:
        data = f"<p>{name}".encode()
        (place / "html" / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return tmp_path


def test_find_pages__labelled_first_then_all_others(tmp_path):
    lines = [json.dumps(LABEL), "", json.dumps({"id": "b", "text": None, "with": ["x"]})]
    folder = folder_of(tmp_path, *lines, pages=("b.html.gz", "a.html", "c.HTM", "d.html.gz"))
    (folder / "0.html").write_text("<p>0")
    (folder / "readme.txt").write_text("x")
    pages = find_pages(folder)
    assert [page.name for page in pages] == [
        "set/html/a.html",
        "set/html/b.html.gz",
        "0.html",
        "set/html/c.HTM",
        "set/html/d.html.gz",
    ]
    first, second, other = pages[:3]
    assert (first.language, first.kind, first.text, first.wanted, first.unwanted) == ("zh", "forum", "磨坊", ["磨"], [])
    assert (second.text, second.wanted, second.html()) == (None, ["x"], b"<p>b.html.gz")
    assert (other.text, other.wanted, other.html()) == (None, [], b"<p>0")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no label"),
        ("[]", "no label"),
        ('{"text": "a"}', "no label"),
        ('{"id": 7, "text": "a"}', "no label"),
        ('{"id": "a", "text": ["a"]}', "no label"),
        ('{"id": "a", "with": "a"}', "no label"),
        ('{"id": "missing", "text": "a"}', "has no HTML"),
    ],
)
def test_find_pages__bad_labels_are_named(tmp_path, line, said):
    folder = folder_of(tmp_path, json.dumps(LABEL), line)
    with pytest.raises(InputError, match=said) as error:
        find_pages(folder)
    assert error.value.where.endswith("gold.jsonl:2")


def test_find_pages__nothing_there(tmp_path):
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InputError, match="no"):
            find_pages(place)


def test_html__damaged(tmp_path):
    folder = folder_of(tmp_path, pages=("a.html.gz",))
    (folder / "set" / "html" / "a.html.gz").write_bytes(gzip.compress(b"<p>a" * 99)[:20])
    with pytest.raises(InputError, match="cannot be read"):
        find_pages(folder)[0].html()


def test_find_pages__links_are_followed_and_circles_end(tmp_path):
    (tmp_path / "apart").mkdir()
    folder_of(tmp_path / "apart", json.dumps(LABEL))
    folder = tmp_path / "labelled"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "apart", target_is_directory=True)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "page.html").symlink_to(tmp_path / "apart" / "set" / "html" / "a.html")
    (folder / "nowhere.html").symlink_to(tmp_path / "none")
    assert [page.name for page in find_pages(folder)] == ["linked/set/html/a.html", "page.html"]
