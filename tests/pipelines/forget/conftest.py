"""A finished run, written by hand of a few documents in English and Chinese, and what stands in its files."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.run.request import Request
from tests.in_process import execute
from tests.runs.conftest import chinese, english

RECIPE = """\
gristmill: 1
name: forget
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id, url: url, language: {column: lang}, columns: {phone: int64}}
plan: {unit_bytes: 30kB}
decide:
  - when: {language: en}
    presets: [gopher@paper]
    change: {gopher@paper/duplicate_lines: 0.9, gopher@paper/duplicate_line_chars: 0.9}
  - when: {language: zh}
    presets: [chinese@gristmill]
decontaminate: {sets: {asked: {paths: asked.jsonl}}, action: report}
scrub: {key: audit.key}
tokenizer: {vocabulary: 640, sample_bytes: 1MB}
tokens: {sequence_length: 64, validation: 20%}
"""
KEY = b"0123456789abcdef"
GONE, COPY = "gone.example.com", "copy.org"
MOBILE, WIDE, NAME, MAIL, WRITER = (
    "13812345678",
    "１３８１２３４５６７８",
    "张伟明珠",
    "zhang@old-mill.org",
    "Wei Lindgren",
)
DROPPED_MAIL = "Only@dropped-mill.org"
VALUES = (MOBILE, NAME, MAIL, WRITER)
SPELT = (*VALUES, WIDE, "138-1234-5678", "zhang&#64;old-mill.org", "zhang%40old-mill.org")
"""As they stand in the input."""


def documents() -> list[dict]:
    """Pages of some hosts, short ones that the rules drop, copies that win and copies that lose."""
    rng, made = random.Random(5), []
    for number in range(10):
        for lang, write in (("en", english), ("zh", chinese)):
            host = GONE if number in (0, 4, 6, 8) else f"stay{number % 3}.org"
            text, url = write(rng), f"https://{host}/{lang}/{number}"
            if number == 1:
                text += f"\n联系人{NAME}，电话{WIDE}。 Mail zhang&#64;old-mill.org, ask {WRITER}.\nCall 138-1234-5678."
            if number == 2:
                url += "?mail=zhang%40old-mill.org"
            page = {"id": f"{lang}-{number}", "url": url, "text": text, "lang": lang, "phone": 7, "tel": 5}
            if number == 3:
                page |= {"phone": int(MOBILE), "tel": int(MOBILE), "by": [f"{NAME}({lang}) {MAIL}"]}
            made.append(page)
            if number % 4 == 0:  # the longer one stays
                end = " Thus it ends." if lang == "en" else "完。"
                copied = {"id": f"{lang}-{number}-copy", "url": f"https://www.{COPY}/{lang}/{number}"}
                made.append({**page, **copied, "text": text + end})
            if number % 5 == 0:
                short = {"id": f"{lang}-s{number}", "url": f"http://a.{GONE}:80/s{number}{lang}"}
                made.append(
                    {
                        **page,
                        **short,
                        "text": f"Short, {MOBILE}. {WRITER.upper()} {DROPPED_MAIL}" if number else "太短。",
                    }
                )
    return made


def write_input(folder: Path) -> Path:
    """Two files and a recipe beside them."""
    lines = [json.dumps(one, ensure_ascii=number % 2 == 0) for number, one in enumerate(documents())]
    lines.insert(5, '{"id": broken, "url": "https:\\/\\/' + GONE + '\\/x"}')
    lines.insert(8, '{"id": broken ' + MOBILE + "}")
    half = len(lines) // 2
    for number, some in enumerate((lines[:half], lines[half:])):
        (folder / f"web-{number}.jsonl").write_text("".join(f"{line}\n" for line in some), encoding="utf-8")
    (folder / "audit.key").write_bytes(KEY)
    asked = [
        {"question": one["text"].split("\n")[1]} for one in documents() if one["id"] in ("en-4", "zh-4", "en-3", "zh-3")
    ]
    (folder / "asked.jsonl").write_text("".join(json.dumps(one) + "\n" for one in asked), encoding="utf-8")
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return recipe


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A finished run that no test changes."""
    folder = tmp_path_factory.mktemp("forget")
    execute(Request(write_input(folder), folder / "run"))
    return folder / "run"


def rows(run: Path, dataset: str) -> list[dict]:
    """Of a dataset, whatever its format."""
    made = []
    for file in sorted((run / dataset).glob("*.*")):
        table = pq.read_table(file) if file.suffix == ".parquet" else pa.ipc.open_file(file).read_all()
        made += table.to_pylist()
    return made


def said(run: Path) -> dict[str, str]:
    """File -> everything that stands in it, as text."""
    found = {}
    for file in sorted(file for file in run.rglob("*") if file.is_file()):
        if file.suffix == ".parquet":
            text = repr(pq.read_table(file).to_pylist())
        elif file.suffix == ".arrow":
            text = repr(pa.ipc.open_file(file).read_all().to_pylist())
        else:
            text = file.read_text(encoding="utf-8", errors="replace")
        found[str(file.relative_to(run))] = text
    return found
