"""A run directory as `gristmill run` leaves it, made by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from gristmill.pipelines.records.accounts import ASIDE, DEAD, DROPPED, FIRED, IN, KEPT, UNJUDGED, Accounts
from gristmill.tokenizer.evaluate import Figures
from gristmill.tokenizer.shards.format import Header, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from tests.pipelines.report.documents import EMAIL, RULES, SIGNALS, Doc

STRING, INT, TEXT = pa.string(), pa.int64(), pa.large_string()
FOUND = {"start": INT, "end": INT, "type": STRING, "score": pa.float32(), "action": STRING, "hash": STRING}
SPANS = pa.list_(pa.struct({"start": INT, "end": INT, "kind": STRING}))
IDENTITY = {"doc_id": STRING, "id": STRING, "source": STRING, "url": STRING}
CLUSTER = {"cluster": STRING, "duplicate_of": STRING, "similarity": pa.float32()}
RULED = {"step": STRING, "rules": pa.list_(STRING)}
LEDGER_TABLE = pa.schema(
    IDENTITY
    | {"unit": STRING, "row": pa.uint32(), "lang": STRING, "lang_score": pa.float32(), "script": STRING, "bytes": INT}
    | {"verdict": STRING, "judged": pa.bool_(), **RULED, **CLUSTER, "edits": SPANS}
    | {"findings": pa.list_(pa.struct(FOUND))}
    | dict.fromkeys(SIGNALS, pa.float64())
)
DROPPED_TABLE = pa.schema(IDENTITY | {"text": TEXT, "lang": STRING, **RULED, "duplicate_of": STRING, "meta": TEXT})
CLUSTERS_TABLE = pa.schema(CLUSTER | {"doc_id": STRING, "source": STRING, "kept": pa.bool_()})
DEAD_TABLE = pa.schema(
    {"source": STRING, "file": STRING, "offset": INT, "length": INT, "row": pa.uint32()}
    | {"step": STRING, "error": STRING, "sha256": STRING, "first_bytes": pa.binary()}
)


def accounts_of(docs: list[Doc], dead: int, aside: int) -> Accounts:
    accounts = Accounts()
    accounts.add("read", ASIDE, "crawl", aside, 0, reason="warc_request")
    accounts.add("read", IN, "crawl", dead, dead * 100)
    accounts.add("read", DEAD, "crawl", dead, dead * 100, reason="JSONDecodeError")
    for doc in docs:
        for step in ("read", "extract", "decide", "deduplicate", "scrub"):
            lang = doc.lang if step not in ("read", "extract") else ""
            accounts.add(step, IN, doc.source, 1, doc.bytes, lang=lang)
            if step == "decide":
                for rule in doc.rules if doc.step in (None, "decide") else []:
                    accounts.add(step, FIRED, doc.source, 1, doc.bytes, reason=rule, lang=lang)
                if not doc.judged:
                    accounts.add(step, UNJUDGED, doc.source, 1, doc.bytes, lang=lang)
            if step == doc.step:
                accounts.add(step, DROPPED, doc.source, 1, doc.bytes, reason=doc.rules[0], lang=lang)
                break
            accounts.add(step, KEPT, doc.source, 1, doc.bytes, lang=lang)
    return accounts


def write_run(run: Path, docs: list[Doc], dead: list[dict[str, Any]]) -> Path:
    """All datasets of a finished run, in the format of the contract."""
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text(yaml.safe_dump(recipe(docs), allow_unicode=True, sort_keys=False), "utf-8")
    _write_tables(run, docs, dead)
    _write_text(run, [doc for doc in docs if not doc.step])
    _write_tokens(run, [doc for doc in docs if not doc.step])
    manifest = {
        "gristmill": "0.1.0", "recipe": "mixed-crawl", "recipe_sha256": "ab" * 32, "sample": 1.0, "until": "tokens",
        "reconciled_steps": ["read", "extract", "decide", "deduplicate", "scrub"],
        "inputs": [{"source": "crawl", "key": "cd" * 16, "bytes": 393_100}],
        "steps": {"score": "01" * 32, "text": "02" * 32},
        "datasets": {"text": {"rows": len(docs), "bytes": 1, "content": "ef" * 16, "shards": [{}, {}]}},
        "tokenizer": {"sha256": "12" * 32, "kind": "bpe"},
        "accounts": accounts_of(docs, len(dead), 12).to_json(), "rules": [rule.record() for rule in RULES],
    }  # fmt: skip
    _json(run / "manifest.json", manifest)
    stages = [
        {"stage": name, "units": 4, "documents": len(docs), "bytes": sum(d.bytes for d in docs), "seconds": seconds,
         "cpu_seconds": seconds * 0.9}
        for name, seconds in (("score", 12.5), ("duplicates", 3.25), ("text", 1.5))
    ]  # fmt: skip
    _json(run / "run.json", {"started": "2026-01-02T03:04:05+00:00", "finished": "2026-01-02T03:05:00+00:00",
                             "runner": "local", "workers": 2, "status": "finished", "stages": stages,
                             "bottlenecks": [{"cause": "large_file", "stage": "score", "seconds": 8.0,
                                              "what": "one worker took 9 s for a file of 812 MB",
                                              "change": "give this file in several",
                                              "file": f"{EMAIL}.warc.gz"}]})  # fmt: skip
    return run


def recipe(docs: list[Doc]) -> dict[str, Any]:
    def when(language: str) -> dict[str, Any]:
        return {"language": [language], "script": None, "source": None}

    return {
        "gristmill": 1, "name": "mixed-crawl",
        "sources": {name: {"format": "jsonl"} for name in sorted({doc.source for doc in docs})},
        "decide": [
            {"when": when("en"), "presets": ["gopher@paper", "c4@tfds", "fineweb@datatrove"], "rules": []},
            {"when": when("zh"), "presets": ["chinese@gristmill"], "rules": []},
        ],
        "deduplicate": {"exact": True, "minhash": {"bands": 16, "rows": 7, "threshold": 0.7}},
        "tokenizer": {"model": "bpe"},
    }  # fmt: skip


def _write_tables(run: Path, docs: list[Doc], dead: list[dict[str, Any]]) -> None:
    rows = [_row(doc, row) for row, doc in enumerate(docs)]
    buried = [{**letter, "bytes": letter["length"], "verdict": "dead", "rules": [], "edits": []} for letter in dead]
    half = (len(docs) + 1) // 2
    for part, died in enumerate((buried, [])):  # two parts, as of two units
        _parquet(run / "ledger" / part_name(part, "parquet"), [*rows[part * half :][:half], *died], LEDGER_TABLE)
    winners = {doc.duplicate_of for doc in docs}
    members = [row for row in rows if row["duplicate_of"] or row["doc_id"] in winners]
    _parquet(run / "dropped" / part_name(0, "parquet"), [row for row in rows if row["step"]], DROPPED_TABLE)
    _parquet(run / "clusters" / part_name(0, "parquet"), members, CLUSTERS_TABLE)
    _parquet(run / "dead" / part_name(0, "parquet"), dead, DEAD_TABLE)


def _row(doc: Doc, row: int) -> dict[str, Any]:
    script = "Hani" if doc.lang == "zh" else "Latn"
    derived = {
        "doc_id": doc.doc_id,
        "bytes": doc.bytes,
        "verdict": doc.verdict,
        "judged": doc.judged,
        "unit": "0" * 32,
        "row": row,
        "script": script,
    }
    return {**doc.__dict__, **derived, **doc.signals, "lang_score": 0.9, "kept": not doc.step, "meta": "{}"}


def _write_text(run: Path, docs: list[Doc]) -> None:
    rows = [{"doc_id": doc.doc_id, "text": doc.clean} for doc in docs]
    table = pa.Table.from_pylist(rows, pa.schema({"doc_id": pa.string(), "text": pa.large_string()}))
    (run / "text").mkdir()
    with (
        pa.OSFile(str(run / "text" / part_name(0, "arrow")), "wb") as file,
        pa.ipc.new_file(file, table.schema) as writer,
    ):
        writer.write_table(table, max_chunksize=50)


def _write_tokens(run: Path, docs: list[Doc]) -> None:
    header = Header("12" * 32, 1024, {"<pad>": 0, "<bos>": 2}, "34" * 32)
    splits = {}
    for name, mine in (("train", docs[3:]), ("validation", docs[:3])):
        tokens = [np.frombuffer(d.text.encode(), np.uint8).astype(np.uint16) + 371 for d in mine]
        offsets = np.concatenate([[0], np.cumsum([len(t) for t in tokens])]).astype(np.int64)
        columns = {name: [getattr(d, name) for d in mine] for name in ("doc_id", "source", "lang", "cluster", "bytes")}
        flat = np.concatenate(tokens) if tokens else np.zeros(0, np.uint16)
        (run / "tokens" / name).mkdir(parents=True)
        path = f"{name}/0.arrow"
        wrote = write_shard(run / "tokens" / path, [token_batch(flat, offsets, columns, header)])
        shard = ShardEntry(path, wrote.rows, wrote.tokens, wrote.bytes, wrote.file_bytes, wrote.sha256)
        splits[name] = SplitEntry((shard,), f"plan/{name}-512.arrow", wrote.tokens // 500 + 1, wrote.tokens, 0.0042)
    described = {
        "sha256": "12" * 32, "kind": "bpe", "vocabulary": 1024,
        "special_ids": {"<pad>": 0, "<unk>": 1, "<bos>": 2, "<eos>": 3, "<extra_0>": 12, "<extra_1>": 13},
        "training": {"documents": 120, "bytes": 98_000, "lines": 400, "alphabet": 61, "character_coverage": 0.9995},
        "evaluation": {name: evaluated(size) for name, size in (("all", 210_000), ("en", 120_000), ("zh", 90_000))},
    }  # fmt: skip
    (run / "tokenizer").mkdir()
    _json(run / "tokenizer" / "info.json", described)
    write_index(run / "tokens" / "index.json", Index(512, described, splits))


def evaluated(size: int) -> dict[str, float]:
    """Figures of gristmill.tokenizer.evaluate for a language."""
    figures = Figures(documents=9, bytes=size, characters=size // 2, words=size // 5, tokens=size // 4, byte_tokens=3)
    return figures.as_dict()


def write_metrics(run: Path, steps: int = 300) -> None:
    (run / "train" / "nano").mkdir(parents=True)
    with (run / "train" / "nano" / "metrics.jsonl").open("w") as file:
        for step in range(1, steps + 1):
            loss = 2.0 + 4.5 * np.exp(-step / 60)
            record = {"step": step, "loss": loss + 0.1 * np.sin(step), "tokens_per_second": 21_000 + step % 7 * 300,
                      "grad_norm": 0.5 + 2 / step, "loss_by_length": {"64-255": loss + 0.3, "16384-": loss - 0.2},
                      "expert_balance": 1 + 1 / step, "expert_busiest": 1.2 + 2 / step, "skipped": False}  # fmt: skip
            if step in (77, 201):
                record |= {"loss": 99.0, "grad_norm": 1e4, "skipped": True}
            if step % 50 == 0:
                record |= {"val_loss": loss + 0.05, "val_bits_per_byte": loss / 2.4,
                           "val_loss_by_source": {"crawl": loss, "manuals": loss + 0.2},
                           "val_bits_per_byte_by_source": {"crawl": loss / 2.3, "manuals": loss / 2.5}}  # fmt: skip
            file.write(json.dumps(record) + "\n")
            if step == 200:
                file.write('{"step": 200, "went_back_from": 230}\n')


def part_name(number: int, suffix: str) -> str:
    """As a run names its parts."""
    return f"{number:016x}-00-{number:016x}.{suffix}"


def _parquet(file: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> None:
    file.parent.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), file)


def _json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
