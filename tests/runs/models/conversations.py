"""Conversations, pairs and prompts with known defects, in English and Chinese, and a recipe of each kind."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.tokenizer.train import TokenizerOptions, train
from tests.runs.conftest import Corpus, chinese, english, near_copy

LENGTH = 1024
MAIL, PHONE = "writer@mills.org", "13812345678"
TOOL = {"type": "function", "function": {"name": "write", "parameters": {"to": "string"}}}


def _write(rng: random.Random, number: int):
    return (english, chinese)[number % 2](rng, 1)


def _private(number: int) -> str:
    """Personal data at the border of a turn, where a text and its JSON read it with other things around."""
    return f"\n{MAIL}" if number % 2 == 0 else f"，电话{PHONE}"


def chats() -> list[dict]:
    """Every shape; copies, one with a changed word; personal data; one too long at a later, one at the first answer."""
    rng, made = random.Random(5), list[dict]()
    for number in range(48):
        turns = [{"role": "system", "content": "You are a miller. 你是磨坊主。"}] if number % 4 == 0 else []
        for _ in range(1 + number % 3):
            turns += [
                {"role": "user", "content": _write(rng, number)},
                {"role": "assistant", "content": _write(rng, number)},
            ]
        if number % 6 == 0:
            turns[-2]["content"] += _private(number // 6)
            turns[-1]["content"] += _private(number // 6)
        if number % 6 == 1:
            call = {"function": {"name": "write", "arguments": json.dumps({"to": MAIL, "about": "x\n" + MAIL})}}
            turns[-1:] = [{"role": "assistant", "content": None, "tool_calls": [call]},
                          {"role": "tool", "content": f"sent to {MAIL}"}, turns[-1]]  # fmt: skip
        record = {"id": f"c{number}", "messages": turns, **({"tools": [TOOL]} if number % 6 == 1 else {})}
        if number % 5 == 2 and number % 6 != 1:
            roles = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}
            said = [{"from": roles[turn["role"]], "value": turn["content"]} for turn in turns]
            record = {"id": f"c{number}", "conversations": said}
        made.append(record)
    made.append({"id": "copy", "messages": made[3]["messages"]})
    longer = [{"role": ("user", "assistant")[n % 2], "content": english(rng, 2)} for n in range(40)]
    made.append({"id": "long", "messages": longer})
    made.append({"id": "first-long", "messages": [{"role": "user", "content": chinese(rng, 90)}, longer[1]]})
    changed = json.loads(json.dumps(made[8]["messages"]))
    changed[-1]["content"] = near_copy(rng, changed[-1]["content"])
    made.append({"id": "near", "messages": changed})
    made.append({"id": "no-answer", "messages": longer[:1]})
    made.append({"id": "out-of-order", "messages": longer[1:3]})
    made.append({"id": "alpaca", "instruction": english(rng, 1), "input": "", "output": chinese(rng, 1)})
    return made


def pairs() -> list[dict]:
    """Of texts, turns and whole conversations; some equal, too long, private."""
    rng, made = random.Random(6), list[dict]()
    for number in range(40):
        asked, good, bad = (_write(rng, number + n) for n in range(3))
        if number % 6 == 0:
            asked, bad = asked + _private(number // 6), bad + _private(number // 6)
        record = {"id": f"p{number}", "prompt": asked, "chosen": good, "rejected": bad, "margin": number / 4}
        if number % 3 == 1:
            begin = [{"role": "user", "content": asked}]
            answers = ([*begin, {"role": "assistant", "content": text}] for text in (good, bad))
            record = {"id": f"p{number}", **dict(zip(("chosen", "rejected"), answers, strict=True)),
                      "score_chosen": 4.5, "score_rejected": 2}  # fmt: skip
        made.append(record)
    made.append({"id": "equal", "prompt": "q", "chosen": "same", "rejected": "same"})
    made.append(
        {"id": "masked", "prompt": "who?", "chosen": f"write to {MAIL}", "rejected": "write to baker@mills.org"}
    )
    made.append({"id": "long", "prompt": english(rng, 30), "chosen": "yes", "rejected": "no"})
    return made


def prompts() -> list[dict]:
    """With answers that are texts, numbers and objects; one without, one too long."""
    rng = random.Random(7)
    made = [
        {"id": f"q{n}", "prompt": _write(rng, n) + (_private(n) if n % 6 == 0 else ""),
         "answer": (n, f"答 {n}", {"n": [n]})[n % 3], "task": ("sort", "加法")[n % 2]}
        for n in range(40)
    ]  # fmt: skip
    made.append({"id": "no-answer", "prompt": "how many?", "answer": None, "task": "sort"})
    made.append({"id": "long", "prompt": english(rng, 90), "answer": 1, "task": "sort"})
    return made


RECIPE = """\
gristmill: 1
name: KIND
sources:
  web: {format: jsonl, paths: "KIND-*.jsonl", id: id, KIND: OPTIONS}
  table: {format: parquet, paths: KIND.parquet, id: id, KIND: OPTIONS}
plan: {unit_bytes: 6kB}
decide:
  - rules: [{signal: characters, at_least: 10}]
scrub: {operator: tag}
tokenizer: TOKENIZER
tokens: {sequence_length: LENGTH, validation: 10%}
"""
MADE = {"chat": chats, "pairs": pairs, "prompts": prompts}


def write_conversations(folder: Path, kind: str, options: str = "{}", tokenizer: str = "{from: base}") -> Corpus:
    """The records of a kind, most in two files of JSON lines and some in a table, and a recipe beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    train([english(rng) + chinese(rng) for _ in range(60)], TokenizerOptions("bpe", 640), folder / "base")
    records = MADE[kind]()
    tabled = [
        one for one in records[10:20] if one.keys() == records[10].keys() and not isinstance(one.get("answer"), dict)
    ]
    tabled = [{**one, "answer": str(one["answer"])} if "answer" in one else one for one in tabled]
    named = {one["id"] for one in tabled}
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in records if one["id"] not in named]
    for number in range(2):
        (folder / f"{kind}-{number}.jsonl").write_text("".join(lines[number::2]), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(tabled), folder / f"{kind}.parquet", row_group_size=3)
    text = RECIPE.replace("KIND", kind).replace("OPTIONS", options).replace("TOKENIZER", tokenizer)
    recipe = folder / "recipe.yaml"
    recipe.write_text(text.replace("LENGTH", str(LENGTH)), encoding="utf-8")
    return Corpus(folder, recipe)
