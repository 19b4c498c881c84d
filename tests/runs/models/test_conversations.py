"""Whole runs over conversations, pairs and prompts: what is in the shards is what the text says, on every runner."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.records.accounts import Accounts
from gristmill.pipelines.report.excerpts import scrubbed_excerpts
from gristmill.pipelines.report.explain.explanation import Explainer
from gristmill.pipelines.report.explain.shards import AsTokens
from gristmill.pipelines.run.inputs.first_records import check_first_records
from gristmill.pipelines.run.inputs.units import plan_units
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.chat.render import read_turns, render
from gristmill.tokenizer.chat.turns import parse
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.dataset import TokenShards
from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, EOS
from tests.exhaustive import some
from tests.in_process import execute
from tests.runs.faults.test_resume import start, wait_for_receipts
from tests.runs.models.conversations import LENGTH, MAIL, PHONE, write_conversations

KINDS = ("chat", "pairs", "prompts")


@pytest.fixture(scope="module", params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def talks(kind, tmp_path_factory):
    return write_conversations(tmp_path_factory.mktemp(kind) / "corpus", kind)


@pytest.fixture(scope="module")
def run(talks, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("talks") / "run"
    execute(Request(talks.recipe, out))
    return out


def shards_of(run: Path) -> list[TokenShards]:
    return [TokenShards(run / "tokens" / "index.json", split) for split in ("train", "validation")]


def rows_of(run: Path) -> dict[str, dict]:
    """doc_id -> its row of the shards, tokens and mask as lists."""
    rows = {}
    for split in shards_of(run):
        for shard in split.shards:
            for row in shard.batch.to_pylist():
                rows[row["doc_id"]] = row
    return rows


def accounts_of(run: Path) -> Accounts:
    return Accounts.from_json(json.loads((run / "manifest.json").read_text())["accounts"])


def reasons(run: Path, step: str, outcome: str) -> dict[str, int]:
    return {one.reason: one.documents for one in accounts_of(run) if (one.step, one.outcome) == (step, outcome)}


def test_index__names_the_kind_and_no_row_cuts_a_document(kind, run):
    for split in shards_of(run):
        split.verify()
        assert split.index.kind == kind
        plan = split.plan
        lengths = [len(split.shards[a].document(b)) for a, b in zip(plan.shard, plan.doc, strict=True)]
        assert plan.length.tolist() == lengths
        assert not plan.start.any()
        assert plan.figures.documents == len(lengths)
        assert max(lengths, default=0) <= LENGTH


def test_tokens__are_the_rendered_turns_of_the_text(kind, run):
    encoder, rows = Encoder(run / "tokenizer"), rows_of(run)
    texts = ds.dataset(run / "text", format="ipc").to_table().to_pylist()
    cut = 0
    for text in texts:
        row = rows.get(text["doc_id"])
        messages = json.loads(text["messages"])
        if kind == "prompts" and row is not None:
            assert row["tokens"] == render(encoder, parse(messages, generation=True), generation=True).ids.tolist()
            assert row["tokens"][-1] == ASSISTANT
            assert (row["answer"], row["task"]) == (text["answer"], text["task"])
        elif kind == "pairs" and row is not None:
            sides = np.split(np.array(row["tokens"]), [row["rejected"]])
            masks = np.split(np.array(row["loss_mask"]), [row["rejected"]])
            for name, ids, mask in zip(("chosen", "rejected"), sides, masks, strict=True):
                expected = render(encoder, parse(messages + json.loads(text[name])), learn="last")
                assert ids.tolist() == expected.ids.tolist()
                assert mask.tolist() == expected.mask.tolist()
            assert row["margin"] == pytest.approx(text["margin"] or 0)
        elif row is not None:
            turns = parse(messages)
            whole = render(encoder, turns)
            read = read_turns(encoder, row["tokens"])
            cut += len(read) < len(turns)
            assert [turn.text for turn in read] == [turn.text for turn in turns][: len(read)]
            assert row["tokens"] == whole.ids[: len(row["tokens"])].tolist()
            assert row["loss_mask"] == whole.mask[: len(row["tokens"])].tolist()
            assert row["tokens"][-1] == (EOS if len(read) == len(turns) else END)
            assert 1 in row["loss_mask"]
    assert cut == (kind == "chat")
    left_out = reasons(run, "encode", "dropped")
    assert left_out == {"too_long": 1} | ({"equal_answers": 1} if kind == "pairs" else {})
    assert len(texts) - len(rows) == sum(left_out.values())


def test_accounts__name_what_was_wrong(kind, run):
    dead = reasons(run, "read", "dead")
    expected = {
        "chat": {"NoAssistantTurn": 1, "RolesOutOfOrder": 1},
        "pairs": {"EqualAnswers": 1},
        "prompts": {"NoAnswer": 1},
    }
    assert dead == expected[kind]
    if kind == "chat":
        assert set(reasons(run, "deduplicate", "dropped")) == {"exact_duplicate", "near_duplicate"}
    assert accounts_of(run).total("encode", "kept") == len(rows_of(run))


def test_personal_data__masked_in_the_text_is_masked_in_the_tokens(kind, run):
    encoder, masked = Encoder(run / "tokenizer"), 0
    texts = {row["doc_id"]: row for row in ds.dataset(run / "text", format="ipc").to_table().to_pylist()}
    for name, row in rows_of(run).items():
        told = encoder.decode(row["tokens"])
        for secret in (MAIL, PHONE):
            assert secret not in told
            assert secret not in json.dumps(texts[name], ensure_ascii=False)
        masked += "<EMAIL_ADDRESS>" in told or "<PHONE_NUMBER>" in told
        if kind != "chat":  # of a conversation the end may be cut
            times = 2 if kind == "pairs" else 1
            assert told.count("<EMAIL_ADDRESS>") >= texts[name]["text"].count("<EMAIL_ADDRESS>") // times
    assert masked >= 5


def test_same_bytes__again_and_on_another_runner(talks, run, tmp_path, digests):
    execute(Request(talks.recipe, tmp_path / "fnapi", runner="fnapi"))
    assert digests(tmp_path / "fnapi") == digests(run)


def test_content__does_not_depend_on_units(talks, run, tmp_path):
    other = talks.with_recipe("large", "unit_bytes: 6kB", "unit_bytes: 1MB")
    execute(Request(other.recipe, tmp_path / "run"))
    ours, theirs = (json.loads((one / "manifest.json").read_text())["datasets"] for one in (run, tmp_path / "run"))
    for name in ("text", "ledger", "tokens/train", "tokens/validation"):
        assert ours[name]["content"] == theirs[name]["content"]


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new"), some([
    ("scrub: {operator: tag}", "scrub: {operator: mask}"), (f"sequence_length: {LENGTH}", "sequence_length: 512"),
    ("{from: base}", "{vocabulary: 640}"), ("at_least: 10", "at_least: 60"),
], [(f"sequence_length: {LENGTH}", "sequence_length: 512"), ("{from: base}", "{vocabulary: 640}")]))  # fmt: skip
def test_recipe__back_again_has_each_recipe_s_own_bytes(talks, run, tmp_path, digests, old, new):
    other, out = talks.with_recipe("other", old, new), shutil.copytree(run, tmp_path / "run")
    for place in (out, tmp_path / "fresh"):
        execute(Request(other.recipe, place))
    assert digests(out) == digests(tmp_path / "fresh") != digests(run)
    execute(Request(talks.recipe, out))
    assert digests(out) == digests(run)


@pytest.mark.process
@pytest.mark.parametrize(("stage", "count"), some([("score", 2), ("tokens", 2)], [("tokens", 2)]))
def test_killed__continues_to_the_same_bytes(talks, run, tmp_path, digests, stage, count):
    worker = start(talks, tmp_path / "run", tmp_path / "worker")
    wait_for_receipts(tmp_path / "run", stage, count, worker)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    execute(Request(talks.recipe, tmp_path / "run"))
    assert digests(tmp_path / "run") == digests(run)


def test_tokenizer__of_the_folder_that_is_named(talks, run):
    assert (run / "tokenizer" / "tokenizer.model").read_bytes() == (
        talks.folder / "base" / "tokenizer.model"
    ).read_bytes()
    assert (run / "tokenizer" / "chat_template.jinja").exists()
    card = json.loads((run / "tokenizer" / "info.json").read_text())
    assert card["evaluation"]["all"]["documents"] > 0
    kept = json.loads((run / "manifest.json").read_text())["files"]
    assert sum(file["path"].endswith("-tokenizer/tokenizer.model") for file in kept) == 1


def test_why__says_what_became_of_what_is_too_long(kind, run):
    rows = rows_of(run)
    with Explainer(Store.at(run), scrubbed_excerpts(Store.at(run))) as explainer:
        for asked in ("long", "first-long") if kind == "chat" else ("long",):
            (found,) = explainer.find(asked).rows
            told = explainer.explain(found, 10)
            assert told.verdict == "kept"
            row = rows.get(told.doc_id)
            learnt = sum(row.get("loss_mask", [])) if row else 0
            assert told.shards == AsTokens(kind, len(row["tokens"]) if row else 0, learnt, row is not None)
            assert (row is None) == (asked == "first-long" or kind != "chat")


@pytest.mark.parametrize("form", ["arrow", "parquet"])
def test_text__read_again_gives_the_same_tokens(kind, run, tmp_path, form):
    """What a run delivers is a source of the next."""
    table = ds.dataset(run / "text", format="ipc").to_table()
    path = tmp_path / f"text.{form}"
    if form == "arrow":
        with ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)
    else:
        pq.write_table(table, path)
    (tmp_path / "recipe.yaml").write_text(
        f"gristmill: 1\nname: again\nsources:\n  web: {{format: {form}, paths: text.{form}, {kind}: {{}}}}\n"
        f"deduplicate: null\ntokenizer: {{from: {run}}}\ntokens: {{sequence_length: {LENGTH}}}\n",
        encoding="utf-8",
    )
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run"))

    def told(rows: dict[str, dict]) -> list:
        named = ("tokens", "loss_mask", "rejected", "margin", "answer", "task")
        return sorted([row[name] for name in named if name in row] for row in rows.values())

    assert told(rows_of(tmp_path / "run")) == told(rows_of(run))


@pytest.fixture(scope="module")
def chat(tmp_path_factory):
    return write_conversations(tmp_path_factory.mktemp("chat") / "corpus", "chat")


def test_last_and_ghost__learn_one_answer_of_each(chat, tmp_path):
    found = {}
    for options in ("learn: last", "ghost: true"):
        other = chat.with_recipe("other", "validation: 10%", f"validation: 10%, {options}")
        execute(Request(other.recipe, tmp_path / "run"))
        found[options] = rows_of(tmp_path / "run")
        for row in found[options].values():
            starts = np.diff(np.array([0, *row["loss_mask"]]), prepend=0) == 1
            assert starts.sum() == 1
    assert found["learn: last"] == found["ghost: true"], "nobody repeats the instruction here"


def test_judge__assistant_only(chat, tmp_path):
    """A bound on what the assistant says, in a recipe whose users say more."""
    other = chat.with_recipe("other", "chat: {}", "chat: {judge: assistant}")
    execute(Request(other.recipe, tmp_path / "run"))
    ledger = {
        row["doc_id"]: row for row in ds.dataset(tmp_path / "run" / "ledger", format="parquet").to_table().to_pylist()
    }
    for text in ds.dataset(tmp_path / "run" / "text", format="ipc").to_table().to_pylist():
        said = [turn["content"] or "" for turn in json.loads(text["messages"]) if turn["role"] == "assistant"]
        if "<" not in text["text"]:
            assert ledger[text["doc_id"]]["characters"] == len("\n\n".join(said))


def test_judge__another_bound_decides_again_from_stored_numbers(chat, tmp_path, digests):
    first = chat.with_recipe("first", "chat: {}", "chat: {judge: assistant}")
    other = first.with_recipe("other", "at_least: 10", "at_least: 60")
    execute(Request(first.recipe, tmp_path / "run"))
    for out in (tmp_path / "run", tmp_path / "fresh"):
        execute(Request(other.recipe, out))
    assert digests(tmp_path / "run") == digests(tmp_path / "fresh")
    assert reasons(tmp_path / "run", "decide", "dropped")


def test_text_beside_conversations__is_learnt_whole(chat, tmp_path):
    (chat.folder / "plain.jsonl").write_text(
        "".join(
            json.dumps({"text": f"磨坊 {n}: the mill grinds. " * n}, ensure_ascii=False) + "\n" for n in (1, 9, 90)
        ),
        encoding="utf-8",
    )
    plain = "sources:\n  plain: {format: jsonl, paths: plain.jsonl}"
    other = chat.with_recipe("other", "sources:", plain)
    execute(Request(other.recipe, tmp_path / "run"))
    mine = [row for row in rows_of(tmp_path / "run").values() if row["source"] == "plain"]
    assert len(mine) == 3
    for row in mine:
        assert row["loss_mask"] == [int(number != BOS) for number in row["tokens"]]
    train = shards_of(tmp_path / "run")[0]
    assert train.index.kind == "chat"
    assert train.plan.figures.split_documents == 1, "a text may be cut"


@pytest.mark.parametrize(("old", "new", "said"), [
    ("table: {format: parquet, paths: chat.parquet, id: id, chat: {}}",
     "table: {format: parquet, paths: chat.parquet, id: id, pairs: {}}", "shards are of one kind"),
    ("chat: {}}", "chat: {}, prompts: {}}", "a source is either of chat or prompts"),
    ("format: jsonl, paths", "format: text, paths", "the format 'text' has no fields, and so no chat"),
    ("{from: base}", "{from: bass}", "no run and no folder"),
    ("chat: {}}\n  table", "chat: {field: talk}}\n  table", "no record has a field 'talk'"),
    ("rules: [{", "presets: [c4@tfds]\n    rules: [{", "edits whole texts"),
])  # fmt: skip
def test_mistakes__are_named_before_anything_is_written(chat, tmp_path, old, new, said):
    judged = chat.with_recipe("judged", "chat: {}", "chat: {judge: assistant}") if "c4" in new else chat
    other = judged.with_recipe("other", old, new)
    with pytest.raises(RecipeError, match=said):
        execute(Request(other.recipe, tmp_path / "run"))
    assert not (tmp_path / "run" / "manifest.json").exists()


@pytest.mark.parametrize(("kind", "record", "said"), [
    ("chat", {"conversations": [{"from": "human", "value": "秘密"}]}, "NoAssistantTurn"),
    ("chat", {"messages": [{"role": "assistant", "content": "秘密"}]}, "RolesOutOfOrder"),
    ("pairs", {"prompt": "秘密", "chosen": "a", "rejected": "a"}, "EqualAnswers"),
    ("prompts", {"prompt": "秘密", "answer": None, "task": "sort"}, "NoAnswer"),
])  # fmt: skip
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_mistakes__first_records_are_looked_at_by_validate(tmp_path, kind, record, said, form):
    path = tmp_path / f"a.{form}"
    if form == "jsonl":
        path.write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        pq.write_table(pa.Table.from_pylist([record]), path)
    file = tmp_path / "recipe.yaml"
    file.write_text(f"gristmill: 1\nname: x\nsources:\n  web: {{format: {form}, paths: a.{form}, {kind}: {{}}}}\n")
    loaded = load(file)
    with pytest.raises(RecipeError, match=said) as caught:
        check_first_records(loaded, plan_units(loaded, 1_000_000))
    assert "秘密" not in str(caught.value)


def test_mistakes__only_conversations_have_turns_to_choose(tmp_path):
    talks = write_conversations(tmp_path / "corpus", "pairs")
    other = talks.with_recipe("other", "validation: 10%", "validation: 10%, ghost: true")
    with pytest.raises(RecipeError, match=r"tokens\.ghost: only sources with `chat`"):
        execute(Request(other.recipe, tmp_path / "run"))
