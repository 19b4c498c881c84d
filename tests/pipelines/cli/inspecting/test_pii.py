"""gristmill pii: findings without their values, scores of labelled texts, errors that say what to do."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process


def pii(*arguments):
    line = [sys.executable, "-m", "gristmill.pipelines.cli.main", "pii", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, encoding="utf-8")


LETTER = "姓名：张晓明\n邮箱zhang@qq.com\n\nBest regards,\nLaura Whitfield\n"


def test_scan__says_what_stands_where_and_never_what_it_is(tmp_path):
    file = tmp_path / "letter.txt"
    file.write_text(LETTER, encoding="utf-8")
    done = pii("scan", file)
    assert done.returncode == 0, done.stderr
    assert [word in done.stdout for word in ("PERSON", "EMAIL_ADDRESS")] == [True, True]
    assert [value for value in ("张晓明", "zhang", "Laura", "Whitfield") if value in done.stdout + done.stderr] == []
    found = json.loads(pii("scan", LETTER, "--entities", "patterns", "--json").stdout)["findings"]
    assert [(one["line"], one["column"], one["characters"], one["type"]) for one in found] == [
        (2, 3, 12, "EMAIL_ADDRESS")
    ]


def test_evaluate__precision_and_recall_by_type_and_language(tmp_path):
    rows = [
        {"text": "Name: Laura Whitfield", "spans": [[6, 21, "PERSON"]], "language": "en"},
        {"text": "写给zhang@qq.com", "spans": [], "language": "zh"},
        {"text": "写给wang@qq.com", "spans": [[2, 13, "?"]], "language": "zh"},
    ]
    file = tmp_path / "labelled.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    scores = json.loads(pii("evaluate", file, "--json").stdout)["scores"]
    shown = [(s["type"], s["language"], s["labels"], s["findings"], s["precision"], s["recall"]) for s in scores]
    assert shown == [("EMAIL_ADDRESS", "zh", 0, 1, 0.0, None), ("PERSON", "en", 1, 1, 1.0, 1.0)]
    assert "precision" in pii("evaluate", file).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("look", "x"), "valid: evaluate, scan"),
        (("scan", "x", "--entities", "EMAIL"), "did you mean 'EMAIL_ADDRESS'?"),
        (("scan", "x", "--entities", "LOCATION"), "needs a model"),
        (("evaluate", "nowhere.jsonl"), "name a file of UTF-8 text"),
    ],
)
def test_mistakes(arguments, message):
    done = pii(*arguments)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())


def test_evaluate__a_line_that_is_none(tmp_path):
    file = tmp_path / "labelled.jsonl"
    file.write_text('{"text": "a", "spans": []}\n{"text": "a"}\n', encoding="utf-8")
    done = pii("evaluate", file)
    assert done.returncode != 0
    assert "line 2 is no labelled text" in done.stderr
