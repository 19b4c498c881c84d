"""`gristmill forget`: a version without them, whole in itself, and the proof of it; all that is written is read."""

import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from gristmill.filters.pii.operators.audit import keyed_hash
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.forget import make as making
from gristmill.pipelines.forget.asked import Asked, Entry
from gristmill.pipelines.forget.hashes import resolved
from gristmill.pipelines.forget.make import look, make
from gristmill.pipelines.forget.match import Matched
from gristmill.pipelines.forget.proof import check
from gristmill.pipelines.forget.tables import Gone
from gristmill.pipelines.forget.tokens import Tokens
from gristmill.pipelines.forget.version import open_version
from gristmill.pipelines.indexes.build import build
from gristmill.pipelines.records.accounts import Accounts, reconcile
from gristmill.pipelines.records.columns import CONTENT
from gristmill.pipelines.run.published.exported import exported_mixture, exported_text
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.parts import row_digest
from gristmill.pipelines.storage.rundir import clean
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.mixing.outlook import Material
from gristmill.tokenizer.mixing.pool import open_runs
from gristmill.tokenizer.mixing.recipe import parse
from gristmill.tokenizer.mixing.written import write_mix
from gristmill.tokenizer.shards.exports.formats import outputs_of
from gristmill.tokenizer.shards.exports.writing import write_export
from gristmill.tokenizer.shards.format import Shard
from gristmill.tokenizer.shards.index import read_index
from gristmill.tokenizer.shards.packing import PackPlan
from tests.in_process import execute
from tests.pipelines.forget.conftest import COPY, DROPPED_MAIL, GONE, KEY, MOBILE, NAME, SPELT, VALUES, WIDE, rows, said
from tests.runs.conftest import digests_of


def asked(kind: str, *texts: str, must_match: bool = True) -> Asked:
    return Asked.of(Entry(kind, text, f"--{kind}", must_match) for text in texts)


def forgotten(run: Path, what: Asked, out: Path, duplicates: bool = False) -> Path:
    version = open_version(str(run))
    made = make(version, what, look(version, what, duplicates, ()), str(out), duplicates, lambda line: None)
    assert made.local == out
    return out


@pytest.fixture(scope="module")
def without_domain(finished, tmp_path_factory) -> Path:
    return forgotten(finished, asked("domain", GONE), tmp_path_factory.mktemp("domain") / "new")


@pytest.fixture(scope="module")
def without_winners(finished, tmp_path_factory) -> Path:
    return forgotten(finished, asked("domain", COPY), tmp_path_factory.mktemp("winners") / "new")


@pytest.fixture(scope="module")
def without_values(finished, tmp_path_factory) -> Path:
    return forgotten(finished, asked("value", *VALUES), tmp_path_factory.mktemp("values") / "new")


def is_whole(run: Path) -> bool:
    verdict = verify(Store.at(run))
    report = json.loads((run / "report/report.json").read_text())
    return verdict.finished and not verdict.faults and report["header"]["reconciles"] and not check(Store.at(run))


def test_content__is_what_the_stages_write(finished):
    version = open_version(str(finished))
    for dataset, columns in CONTENT.items():
        digests = (row_digest(batch, columns) for piece in version.pieces(dataset) for batch in version.batches(piece))
        assert f"{sum(digests) % 2**128:032x}" == version.manifest["datasets"][dataset]["content"], dataset


def test_domain__is_nowhere_and_all_else_is_as_it_was(finished, without_domain):
    assert GONE in "".join(said(finished).values())
    assert [file for file, text in said(without_domain).items() if GONE in text] == []
    gone = {row["doc_id"] for row in rows(finished, "curated") + rows(finished, "dropped") if GONE in row["url"]}
    assert len(gone) == 12
    assert [file for file, text in said(without_domain).items() if any(name in text for name in gone)] == []
    for dataset in ("text", "curated", "dropped"):
        assert [row for row in rows(finished, dataset) if row["doc_id"] not in gone] == rows(without_domain, dataset)
    assert len(rows(without_domain, "dead")) == len(rows(finished, "dead")) - 1
    assert len(rows(without_domain, "ledger")) == len(rows(finished, "ledger")) - len(gone) - 1
    assert is_whole(without_domain)


def test_domain__accounts_are_those_of_a_run_that_never_met_it(without_domain, finished, tmp_path):
    shutil.copyfile(finished.parent / "audit.key", tmp_path / "audit.key")
    for file in finished.parent.glob("*.[jy]*"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if GONE not in line]
        (tmp_path / file.name).write_text("".join(kept), encoding="utf-8")
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run"))
    fresh, made = (
        Accounts.from_json(json.loads((run / "manifest.json").read_text())["accounts"])
        for run in (tmp_path / "run", without_domain)
    )

    def counted(accounts: Accounts) -> dict:
        return {(a.step, a.outcome, a.reason, a.source, a.lang): a.documents for a in accounts}

    assert counted(made) == counted(fresh)
    sizes = [[a.bytes for a in accounts if a.step not in ("read", "extract")] for accounts in (made, fresh)]
    assert sizes[0] == sizes[1]


def test_winner__its_copy_stays_out_and_names_the_cluster(finished, without_winners):
    before = {row["doc_id"]: row for row in rows(finished, "ledger")}
    after = {row["doc_id"]: row for row in rows(without_winners, "ledger")}
    copies = {name for name, row in before.items() if row["url"] and COPY in row["url"]}
    lost = [name for name in after if name and before[name]["duplicate_of"] in copies]
    assert len(lost) == 6
    for name in lost:
        assert (after[name]["verdict"], after[name]["duplicate_of"], after[name]["similarity"]) == (
            "dropped",
            None,
            None,
        )
        assert after[name]["cluster"] == name
    assert is_whole(without_winners)


def test_duplicates__go_with_them_where_that_is_asked_for(finished, tmp_path):
    made = forgotten(finished, asked("domain", COPY), tmp_path / "new", duplicates=True)
    names = {row["url"] for row in rows(made, "dropped")}
    assert all(f"/{lang}/{number}" not in name for name in names for lang in ("en", "zh") for number in (0, 4, 8))
    assert is_whole(made)


def test_values__are_nowhere_in_whatever_form(finished, without_values):
    before = "".join(said(finished).values())
    assert all(value in before for value in SPELT)
    for file, text in said(without_values).items():
        assert [value for value in SPELT if value.lower() in text.lower()] == [], file
    assert is_whole(without_values)


def test_value_hash__of_the_ledger_is_enough_with_the_key(finished, tmp_path):
    hashed = keyed_hash(KEY, MOBILE)
    assert hashed in {one["hash"] for row in rows(finished, "ledger") for one in row["findings"]}
    version = open_version(str(finished))
    what = resolved(version, asked("value_hash", hashed.upper()), KEY)
    assert set(what.values) <= {MOBILE, WIDE, "138-1234-5678"}
    made = make(version, what, look(version, what, False, ()), str(tmp_path / "new"), False, lambda line: None, KEY)
    for file, text in said(made.local).items():
        assert [value for value in (MOBILE, WIDE, "138-1234-5678") if value in text] == [], file
    assert hashed not in {one["hash"] for row in rows(made.local, "ledger") for one in row["findings"]}
    proof = json.loads(next((made.local / "forgotten").glob("*.json")).read_text())
    assert hashed in proof["asked"]["value_hashes"]
    assert is_whole(made.local)


@pytest.mark.parametrize(("key", "message"), [(None, "says nothing without its key"), (b"x" * 16, "with this key")])
def test_value_hash__that_nothing_has_is_an_error(finished, key, message):
    with pytest.raises(RecipeError, match=message):
        resolved(open_version(str(finished)), asked("value_hash", keyed_hash(KEY, MOBILE)), key)


def test_value_hash__of_a_value_that_only_a_dropped_text_has(finished):
    version = open_version(str(finished))
    assert DROPPED_MAIL in "".join(row["text"] for row in rows(finished, "dropped"))
    assert resolved(version, asked("value_hash", keyed_hash(KEY, DROPPED_MAIL)), KEY).values == (DROPPED_MAIL,)


def test_values__masks_are_as_long_and_every_range_stays_true(finished, without_values):
    for dataset in ("text", "curated", "dropped"):
        for old, new in zip(rows(finished, dataset), rows(without_values, dataset), strict=True):
            assert len(old["text"].encode()) == len(new["text"].encode())
            assert old["doc_id"] == new["doc_id"]
            json.loads(new["meta"])
    extracted = {row["doc_id"]: row["text"].encode() for row in rows(finished, "curated")}
    spans = [
        (row["doc_id"], e) for row in rows(without_values, "ledger") for e in row["edits"] if e["kind"] == "forgotten"
    ]
    covered = {extracted[name][e["start"] : e["end"]].decode() for name, e in spans}
    assert NAME in covered
    assert all(row["phone"] in (7, None) for row in rows(without_values, "curated"))


def test_values__tokens_are_those_of_the_masked_text(without_values):
    encoder, texts = (
        Encoder(without_values / "tokenizer"),
        {r["doc_id"]: r["text"] for r in rows(without_values, "text")},
    )
    seen = 0
    for file in (without_values / "tokens").glob("[tv]*/*.arrow"):
        shard = Shard(file)
        shard.verify()
        for d, name in enumerate(shard.column("doc_id").to_pylist()):
            assert encoder.decode(shard.document(d).tolist()) == texts[name]
            seen += 1
    assert seen == len(texts)


@pytest.mark.parametrize("made", ["without_domain", "without_values", "without_winners"])
def test_tokens__every_one_stands_once_in_the_rows(made, request):
    run = request.getfixturevalue(made)
    index = read_index(run / "tokens/index.json")
    for split in index.splits.values():
        plan = PackPlan.open(run / "tokens" / split.plan)
        shards = [Shard(run / "tokens" / entry.path) for entry in split.shards]
        assert sum(len(shard.tokens) for shard in shards) == int(plan.length.sum()) == split.tokens
        assert [entry.rows for entry in split.shards] == [len(shard) for shard in shards]


def test_plan__of_what_did_not_change_is_the_one_of_the_run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    version = open_version(str(finished))
    tokens = Tokens(version, Matched(), Gone(), Store.at(tmp_path / "run"))
    for split, entry in read_index(finished / "tokens/index.json").splits.items():
        made, planned = tokens._plan(split, entry, version.shards(f"tokens/{split}"))
        assert planned == entry
        assert made in version.shards("tokens/plan")


def test_shards_that_held_nothing__have_the_same_bytes(finished, without_domain):
    proof = json.loads(next((without_domain / "forgotten").glob("*.json")).read_text())
    held = {one["path"] for one in proof["held"]["shards"]}
    old = json.loads((finished / "manifest.json").read_text())
    for dataset in ("text", "curated", "tokens/train"):
        for shard in old["datasets"][dataset]["shards"]:
            same = (without_domain / shard["path"]).exists()
            assert same != (shard["path"] in held) or not (finished / shard["path"]).exists()
    assert proof["scan"]["found"] == 0
    assert proof["from"]["manifest_sha256"] == hashlib.sha256((finished / "manifest.json").read_bytes()).hexdigest()


def test_same_request__gives_the_same_bytes(finished, without_values, tmp_path):
    assert digests_of(forgotten(finished, asked("value", *VALUES), tmp_path / "new")) == digests_of(without_values)


def test_killed__nothing_counts_and_the_next_attempt_is_whole(finished, without_domain, tmp_path, monkeypatch):
    out, seen = tmp_path / "new", Counter()

    def stop(*arguments, **options):
        seen["scan"] += 1
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "scan", stop)
    with pytest.raises(KeyboardInterrupt):
        forgotten(finished, asked("domain", GONE), out)
    assert seen["scan"] == 1
    assert not (out / "manifest.json").exists()
    with pytest.raises(RecipeError, match="not finished"):
        open_version(str(out))
    (out / "text/left.arrow").write_bytes(b"half")
    monkeypatch.undo()
    assert digests_of(forgotten(finished, asked("domain", GONE), out)) == digests_of(without_domain)


def test_again__from_a_version_that_has_forgotten(without_domain, tmp_path):
    made = forgotten(without_domain, asked("value", NAME), tmp_path / "third")
    text = said(made)
    assert [file for file, held in text.items() if NAME in held or GONE in held] == []
    assert len(list((made / "forgotten").iterdir())) == 2
    assert is_whole(made)


def test_cleaned_run__is_forgotten_from_as_it_is_published(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    clean(Store.at(tmp_path / "run"))
    made = forgotten(tmp_path / "run", asked("domain", GONE), tmp_path / "new")
    assert [file for file, text in said(made).items() if GONE in text] == []
    assert not list((made / "dropped").glob("*"))
    assert is_whole(made)


def test_proof__a_document_that_is_back_is_named(finished, without_domain, tmp_path):
    shutil.copytree(without_domain, tmp_path / "new")
    store = Store.at(tmp_path / "new")
    manifest = store.read_sealed("manifest.json")
    shards, now = (open_version(str(run)).shards("text") for run in (finished, without_domain))
    old = next(shard for shard in shards if shard not in now)
    shutil.copyfile(finished / old["path"], tmp_path / "new" / old["path"])
    manifest["datasets"]["text"]["shards"][0] = old
    store.write_sealed("manifest.json", manifest)
    faults = check(store)
    assert {fault.kind for fault in faults} == {"not forgotten"}
    assert old["path"] in {fault.path for fault in faults}


def test_run__into_a_version_is_refused(finished, without_domain):
    with pytest.raises(RecipeError, match="bring it back"):
        execute(Request(finished.parent / "recipe.yaml", without_domain))


def test_index__of_a_version_says_where_fingerprints_come_from(without_domain, tmp_path):
    with pytest.raises(RecipeError, match=r"leaves no fingerprints[\s\S]*over .*/text/"):
        build(Store.at(without_domain), tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_checkpoints__that_read_the_run_are_named_and_their_children(finished, tmp_path):
    sha256 = hashlib.sha256((finished / "manifest.json").read_bytes()).hexdigest()
    parent, child, other = (tmp_path / name / "step-000010" for name in ("base", "sft", "other"))
    for folder, origin in (
        (child, {"manifest": "f" * 64}),
        (parent, {"manifest": sha256}),
        (other, {"manifest": "0" * 64}),
    ):
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text(f"{folder}")
        (folder / "state.json").write_text(json.dumps({"origin": origin}))
    origin = {"manifest": "f" * 64, "parent": hashlib.sha256((parent / "manifest.json").read_bytes()).hexdigest()}
    (child / "state.json").write_text(json.dumps({"origin": origin}))
    found = look(open_version(str(finished)), asked("domain", GONE), False, [tmp_path])
    assert [(one.path, one.through_parent) for one in found.checkpoints] == [(str(parent), False), (str(child), True)]


def test_copies__exports_and_mixtures_are_named_by_the_hashes_that_they_carry(finished, tmp_path):
    sha256 = hashlib.sha256((finished / "manifest.json").read_bytes()).hexdigest()
    index = hashlib.sha256((finished / "tokens/index.json").read_bytes()).hexdigest()
    text = exported_text(Store.at(finished)).about["corpus_sha256"]
    made = {
        "by index/export.json": {"corpus_sha256": index}, "text/export.json": {"corpus_sha256": text},
        "other/export.json": {"corpus_sha256": "0" * 64}, "foreign/export.json": [1],
        "mix/mix.json": {"runs": [{"index": "0" * 64, "manifest": "1" * 64}, {"index": "2" * 64, "manifest": sha256}]},
        "other mix/mix.json": {"runs": [{"index": "0" * 64, "manifest": "1" * 64}]},
    }  # fmt: skip
    for name, card in made.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(json.dumps(card))
    (tmp_path / "export.json").write_text("no JSON")
    found = look(open_version(str(finished)), asked("domain", GONE), False, [tmp_path])
    assert {(one.path.removeprefix(f"{tmp_path}/"), one.kind) for one in found.copies} == {
        ("by index", "export"), ("text", "export"), ("mix", "mixture")
    }  # fmt: skip
    assert {one["kind"] for one in found.figures()["copies"]} == {"export", "mixture"}


def test_copies__the_export_of_a_mixture_is_found_through_any_of_its_runs(finished, tmp_path):
    """As the commands write both; beside it one of a mixture of another run alone."""
    folder, other = tmp_path / "run", tmp_path / "other"
    for place in (folder, other):
        shutil.copytree(finished, place)
    (other / "manifest.json").write_text("{}\n")
    (other / "tokens/index.json").write_bytes((other / "tokens/index.json").read_bytes() + b"\n")
    for name, runs in (("both", [folder, other]), ("another's", [other])):
        write_mix(runs[-1] / "mix" / name, Material.of(open_runs(runs)), parse({}))
        order = [other, folder] if len(runs) > 1 else runs
        exported = exported_mixture(order, name, name)
        write_export(tmp_path / "exports" / name, exported.about, outputs_of("hf", exported.asked))
    found = look(open_version(str(finished)), asked("domain", GONE), False, [tmp_path / "exports", other])
    assert [(one.path.removeprefix(f"{tmp_path}/"), one.kind) for one in found.copies] == [
        ("exports/both", "export"), ("other/mix/both", "mixture")
    ]  # fmt: skip


def test_accounts__reconcile(without_domain, without_winners):
    for run in (without_domain, without_winners):
        manifest = json.loads((run / "manifest.json").read_text())
        reconcile(Accounts.from_json(manifest["accounts"]), manifest["reconciled_steps"])
