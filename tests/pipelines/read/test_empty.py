"""Empty is empty: what shows no character is dropped, whatever the format, and reaches no `text/`."""

import json

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

BLANKS = {
    "nothing": "",
    "spaces": " \t\r\n\v\f\x1c\x85",
    "ideographic": "\u3000\u3000\n",
    "no-break": "\xa0\u202f\u2007",
    "zero-width": "\u200b\u200c\u200d\u2060",
    "byte order mark": "\ufeff",
    "marks of direction": "\u200e\u200f\u202a\u202c",
    "soft hyphen": "\xad",
    "fillers": "\u3164\u115f\u1160\uffa0\u2800",
    "selectors": "\ufe0f\u034f",
    "control": "\x00\x01\x1f\x7f",
    "mixed": "\u3000 \u200b\n\xa0\ufeff\u2028",
}
VISIBLE = ["a", "。", "\u3000文\u3000", "1", "\u200b.\u200b", "😀", "‽", "\u0301"]
TEXTS = [*BLANKS.values(), *VISIBLE]


def written(folder, form: str):
    path = folder / f"a.{form}"
    if form == "jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    elif form == "json":
        path.write_text(json.dumps([{"text": text} for text in TEXTS]))
    elif form == "csv":
        path.write_text("n,text\n" + "".join(f'{i},"{text}"\n' for i, text in enumerate(TEXTS)), newline="")
    else:
        table = pa.table({"text": TEXTS})
        if form == "parquet":
            pq.write_table(table, path)
        else:
            with ipc.new_file(path, table.schema) as writer:
                writer.write_table(table)
    return path


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "parquet", "arrow"])
def test_read__what_shows_nothing_is_dropped(tmp_path, read_all, form) -> None:
    outcome = read_all(form, written(tmp_path, form))
    assert outcome.texts == VISIBLE
    assert outcome.dropped == ["empty_text"] * len(BLANKS)
    assert {row["drop_step"] for row in outcome.rows} == {None, "extract"}


@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS)
@pytest.mark.parametrize("form", ["text", "html"])
def test_read__files_and_pages(tmp_path, read_all, form, blank) -> None:
    suffix = {"text": "txt", "html": "html"}[form]
    for i, text in enumerate((blank, "磨坊")):
        page = f"<html><body><p>{text}</p></body></html>" if form == "html" else text
        (tmp_path / f"{i}.{suffix}").write_text(page, encoding="utf-8", newline="")
    assert read_all(form, tmp_path).texts == ["磨坊"]
