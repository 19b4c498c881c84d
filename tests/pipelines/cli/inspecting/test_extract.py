"""gristmill extract: a page shown, engines scored on a folder of pages; wrong arguments."""

import gzip
import json
import subprocess
import sys

import pytest

PAGE = """<html><head><meta charset=utf-8></head><body><nav><a href=/>Home</a>
<a href=/a>关于我们</a></nav><article><h1>The mill</h1>
<p>The mill stands by the river and grinds the grain of three villages, as it has for two hundred years.</p>
<p>磨坊在河边，两百年来一直为三个村子磨面粉。</p></article><footer>Copyright</footer></body></html>"""
TEXT = """The mill
The mill stands by the river and grinds the grain of three villages, as it has for two hundred years.
磨坊在河边，两百年来一直为三个村子磨面粉。"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "a.html.gz").write_bytes(gzip.compress(PAGE.encode()))
    (tmp_path / "html" / "b.html").write_text(PAGE, encoding="utf-8")
    label = {"id": "a", "lang": "en", "type": "article", "text": TEXT, "with": ["三个村子"], "without": ["Copyright"]}
    (tmp_path / "gold.jsonl").write_text(json.dumps(label), encoding="utf-8")
    return tmp_path


def extract(*arguments):
    line = [sys.executable, "-m", "gristmill.pipelines.cli.main", "extract", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.process
def test_show(folder):
    shown = extract("show", folder / "html" / "a.html.gz")
    assert (shown.returncode, [line for line in shown.stdout.splitlines() if line]) == (0, TEXT.splitlines())
    marked = extract("show", folder / "html" / "b.html", "--markdown")
    assert "# The mill" in marked.stdout


@pytest.mark.process
def test_evaluate(folder):
    done = extract("evaluate", folder, "--json")
    told = json.loads(done.stdout)
    score = told["groups"]["all"]["gristmill"]
    assert (score["pages"], score["f1"], score["wanted"], score["unwanted"]) == (1, 1, 1, 0)
    assert [page["page"] for page in told["pages"]] == ["html/a.html.gz", "html/b.html"]
    table = extract("evaluate", folder, "--engine", "resiliparse", "--worst", "1").stdout
    assert "resiliparse" in table
    assert "html/a.html.gz" in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.process
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("evaluat", "."), 2, "did you mean 'evaluate'?"),
        (("show", "absent.html"), 3, "absent.html"),
        (("evaluate", "absent"), 3, "no such folder"),
        (("evaluate", ".", "--engine", "resili"), 2, "did you mean 'resiliparse'?"),
    ],
)
def test_wrong_arguments(arguments, code, said, tmp_path):
    done = extract(*arguments)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
