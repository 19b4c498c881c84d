"""Pages, archives, encodings and languages of every kind in one run: each is there, none is lost in silence."""

import json
import zlib

import duckdb
import pyarrow.dataset as ds
import yaml
import zstandard

from gristmill.pipelines.run.request import Request
from tests.in_process import execute

PROSE = "The old water mill stands by the river and grinds wheat for the whole village every autumn. "
KOREAN = "물레방아는 강가에 서서 온 마을의 밀을 빻았다. 올해는 비가 많이 내려 더 빨리 돌아갔다."
CZECH = "Młyn stał nad rzeką. Žluťoučký kůň úpěl ďábelské ódy."
CHINESE = (
    "<p>他说<a>是</a>的，第<b>一</b>章。<a>甲方</a>、<a>乙方</a></p><table><tr><td>性别</td><td>男</td></tr></table>"
)
PAGE = f"<html><body><main><p>{PROSE * 2}</p></main></body></html>".encode()


def archive(version: str, *blocks: bytes) -> bytes:
    head = f"WARC/{version}\nWARC-Type: response\nWARC-Target-URI: http://a.org/\nContent-Type: application/http\n"
    return b"".join(head.encode() + b"Content-Length: %d\n\n%s\n\n" % (len(block), block) for block in blocks)


def test_run__keeps_what_pages_and_archives_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = {
        "html/lone.html": f"<div><div><div><article><p>{PROSE}</p>{CHINESE}</article></div></div></div>".encode(),
        "html/list.html": f"<main><h1>Bread</h1><p>{PROSE}</p><ul><li>flour</li><li>盐</li></ul></main>".encode(),
        "html/korean.html": f"<html><body><p>{KOREAN}</p></body></html>".encode("euc-kr"),
        "html/czech.html": f"<p>{CZECH}".encode("cp1250"),
        "html/unread.html": b"<meta charset=iso-2022-cn><p>\x1b$)A\x0e\x30\x21\x0f mill",
        "warc/heads.warc": archive(
            "0.18",
            b"HTTP/1.1 200 OK\nContent-Type: text/html\n\n" + PAGE + b"\r\n\r\n<p>tail",
            b"HTTP/2 200\r\ncontent-type: text/html\r\nContent-Encoding: gzip\r\n\r\n" + PAGE,
            b"HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Encoding: deflate\n\n" + zlib.compress(PAGE),
        ),
        "lines/a.jsonl": "".join(
            json.dumps({"text": f"{number} {PROSE}", "lang": lang}) + "\n"
            for number, lang in enumerate(["arb_Arab", "glg", "cmn_Hani", "Chinese", "tlh"])
        ).encode(),
        "shouted/a.jsonl": json.dumps({"text": "LE MOULIN SE TROUVAIT AU BORD DE LA RIVIÈRE DU VILLAGE."}).encode(),
    }
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    records = [archive("1.1", head + PAGE + b"%d" % number) for number in range(300)]
    dictionary = zstandard.train_dictionary(1024, records)
    packed = [zstandard.ZstdCompressor(dict_data=dictionary).compress(record) for record in records[:3]]
    size = len(dictionary.as_bytes()).to_bytes(4, "little")
    files["warc/dictionary.warc.zst"] = b"\x5d\x2a\x4d\x18" + size + dictionary.as_bytes() + b"".join(packed)
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    sources = {
        "html": {"format": "html", "paths": "html"},
        "warc": {"format": "warc", "paths": "warc"},
        "lines": {"format": "jsonl", "paths": "lines", "language": {"column": "lang"}},
        "shouted": {"format": "jsonl", "paths": "shouted"},
    }
    decide = [{"when": {"language": ["arb", "gl", "zho"]}, "rules": [{"signal": "characters", "at_least": 1}]}]
    recipe = {"gristmill": 1, "name": "pages", "sources": sources, "decide": decide}
    recipe |= {"deduplicate": None, "scrub": None, "tokenizer": None}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run"))

    rows = ds.dataset(tmp_path / "run" / "text", format="ipc").to_table().to_pylist()
    texts = "\n".join(row["text"] for row in rows)
    for found in ("他说是的，第一章。甲方、乙方", "性别\t男", "• flour", "• 盐", KOREAN, CZECH, "tail"):
        assert found in texts
    assert [row["source"] for row in rows].count("warc") == 6
    assert sorted(row["lang"] for row in rows if row["source"] == "lines") == ["ar", "gl", "tlh", "zh", "zh"]
    assert [row["lang"] for row in rows if row["source"] == "shouted"] == ["fr"]
    ledger = f"from '{tmp_path}/run/ledger/*.parquet' where judged and source = 'lines'"
    assert duckdb.sql(f"select lang {ledger} order by lang").fetchall() == [("ar",), ("gl",), ("zh",), ("zh",)]
    dead = duckdb.sql(f"select error from '{tmp_path}/run/dead/*.parquet'").fetchall()
    assert [error.split(":")[0] for (error,) in dead] == ["UndecodableText"]


def test_run__a_language_that_is_not_sure_is_dropped_by_its_threshold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chinese = "磨坊坐落在河边，为整个山谷的人们磨面粉，附近的村民都认识磨坊主。"
    texts = {
        "en": PROSE,
        "zh": chinese,
        "noise": "d41d8cd98f00b204e9800998ecf8427e 900150983cd24fb0d6963f7d28e17f72",
        "unsure": "ok foo bar",
        "nothing": "12345",
        "blank": "\u3000\u200b\ufeff\xa0\n",
    }
    lines = [json.dumps({"id": name, "text": text}) for name, text in texts.items()]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    recipe = {"gristmill": 1, "name": "c", "sources": {"web": {"format": "jsonl", "paths": "a.jsonl", "id": "id"}}}
    recipe["language"] = {"threshold": 0.65}
    recipe["decide"] = [{"when": {"language": "en"}, "change": {"language/threshold": 1}}, {"when": {"language": "zh"}}]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run", until="text"))
    rows = duckdb.sql(f"SELECT id, lang, rules FROM '{tmp_path}/run/ledger/*.parquet'").fetchall()
    dropped = {name: (lang, rules) for name, lang, rules in rows if rules}
    assert {name: rules for name, (_, rules) in dropped.items()} == {
        "en": ["language/threshold"],
        "noise": ["language/threshold"],
        "unsure": ["language/threshold"],
        "nothing": ["language/threshold"],
        "blank": ["empty_text"],
    }
    assert dropped["noise"][0] == "noise"
    assert ds.dataset(tmp_path / "run" / "text", format="ipc").to_table()["id"].to_pylist() == ["zh"]
