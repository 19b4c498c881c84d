"""A flipped byte or a cut in any file that a training reads or leaves is named by the next command; exit code 3."""

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest
import torch

from gristmill.tokenizer.shards.format import Shard
from gristmill.trainer import __main__ as command
from gristmill.trainer.checkpoint import files
from gristmill.trainer.errors import Exit

SETTINGS = [
    f"--set={setting}"
    for setting in ("model.width=32", "model.layers=1", "data.tokens_per_step=128", "data.tokens_per_batch=128",
                    "loop.save_every=2", "loop.evaluation_rows=4", "loop.compile=off", "optim.average=0.9")
]  # fmt: skip
CHECKPOINT = [
    "model.safetensors",
    "average.safetensors",
    "optimizer.safetensors",
    "state.json",
    "tokenizer/tokenizer.model",
    "tokenizer/info.json",
    "manifest.json",
]
RUN = [
    "tokens/index.json",
    "tokens/train/00000.arrow",
    "tokens/train/00001.arrow",
    "tokens/validation/00001.arrow",
    "tokens/plan/train-32.arrow",
    "tokens/plan/validation-32.arrow",
    "tokenizer/tokenizer.model",
    "tokenizer/info.json",
]


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


DAMAGE = {
    "first byte flipped": lambda raw: flipped(raw, 0),
    "byte in the middle flipped": lambda raw: flipped(raw, len(raw) // 2),
    "last byte flipped": lambda raw: flipped(raw, len(raw) - 1),
    "a third cut off": lambda raw: raw[: len(raw) * 2 // 3],
    "emptied": lambda raw: b"",
    "removed": None,
}


@pytest.fixture(params=DAMAGE)
def damage(request):
    """damage(path): does it; gives it back with `heal`."""
    healed = []

    def apply(path: Path) -> None:
        raw = path.read_bytes()
        healed.append((path, raw))
        if DAMAGE[request.param] is None:
            path.unlink()
        else:
            path.write_bytes(DAMAGE[request.param](raw))

    yield apply
    for path, raw in healed:
        path.write_bytes(raw)


@pytest.fixture
def invoke(monkeypatch, capsys):
    """invoke(arguments...) -> (exit code, stdout, stderr)."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            command.main()
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def trained(one_run_dir, tmp_path_factory) -> Path:
    """A run with checkpoints of steps 2 and 4."""
    torch.set_num_threads(1)
    run = shutil.copytree(one_run_dir, tmp_path_factory.mktemp("damage") / "mill")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal, "signal", lambda *_: None)
        patch.setattr(sys, "argv", ["trainer", "train", str(run), *SETTINGS, "--steps", "4"])
        with pytest.raises(SystemExit) as caught:
            command.main()
    assert not caught.value.code
    return run


def is_named(got: tuple[int, str, str], name: str) -> bool:
    """Exit code 3, nothing on stdout, and a message of three parts that names the file."""
    code, out, err = got
    assert (code, out) == (Exit.INPUT, ""), got
    assert err.startswith("error: "), err
    assert "Traceback" not in err
    return name in err and "\n  where: " in err and "\n  fix:   " in err


def test_the_lists_above_hold_every_file(trained):
    last = trained / "train" / "default" / "step-000004"
    assert sorted(p.relative_to(last).as_posix() for p in last.rglob("*") if p.is_file()) == sorted(CHECKPOINT)
    published = {
        p.relative_to(trained).as_posix() for name in ("tokens", "tokenizer") for p in (trained / name).rglob("*.*")
    }
    assert published - set(RUN) == {"tokens/validation/00000.arrow"}


@pytest.mark.parametrize("name", CHECKPOINT)
def test_checkpoint__damage_is_named_by_every_command(trained, tmp_path, damage, invoke, name):
    training = trained / "train" / "default"
    damage(training / "step-000004" / name)
    for arguments in (
        ["train", trained, "--resume", "--steps", 6],
        ["generate", training, "The"],
        ["explain", training],
        ["export", training, tmp_path / "out"],
        ["verify", training / "step-000004"],
    ):
        got = invoke(*arguments)
        assert is_named(got, name), (arguments[0], got)
        assert "step-000004" in got[2]
        assert "use step-000002; to train on from there, move step-000004 away and --resume: 2 steps are then" in got[2]
    assert not (tmp_path / "out").exists()
    code, out, err = invoke("verify", training)
    assert (code, out) == (Exit.INPUT, f"OK: {len(CHECKPOINT)} files ({training / 'step-000002'})\n")
    assert name in err


@pytest.mark.parametrize("name", RUN)
def test_run__damage_is_named_before_a_training_begins_or_goes_on(trained, damage, invoke, name):
    damage(trained / name)
    for arguments in (["train", trained, "--name", "new", *SETTINGS], ["train", trained, "--resume", "--steps", 6]):
        assert is_named(invoke(*arguments), name), arguments
    assert not (trained / "train" / "new").exists()
    assert is_named(invoke("scaling", trained), name)


def test_run__damage_is_named_where_only_the_index_vouches(one_run_dir, tmp_path, damage, invoke):
    run = shutil.copytree(one_run_dir, tmp_path / "mill")
    (run / "manifest.json").unlink()
    damage(run / "tokens" / "train" / "00001.arrow")
    assert is_named(invoke("train", run, *SETTINGS), "tokens/train/00001.arrow")


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '{"datasets": 3}', '{"datasets": {"a": {"shards": [1]}}}'])
def test_run__a_manifest_that_is_none_is_named(one_run_dir, tmp_path, invoke, text):
    run = shutil.copytree(one_run_dir, tmp_path / "mill")
    (run / "manifest.json").write_text(text)
    assert is_named(invoke("train", run, *SETTINGS), "manifest.json")


def test_verify__counts_the_files(trained, invoke):
    last = trained / "train" / "default" / "step-000004"
    assert invoke("verify", last) == (0, f"OK: {len(CHECKPOINT)} files ({last})\n", "")
    assert is_named(invoke("verify", trained / "train"), str(trained / "train"))


def test_verify__json(trained, tmp_path, invoke):
    training = shutil.copytree(trained / "train" / "default", tmp_path / "default")
    (training / "step-000004" / "state.json").write_text("{}")
    code, out, _ = invoke("verify", training, "--json")
    found = {Path(entry["checkpoint"]).name: entry for entry in json.loads(out)["checkpoints"]}
    assert (code, found["step-000002"]["fault"], found["step-000002"]["files"]) == (Exit.INPUT, None, len(CHECKPOINT))
    assert "state.json" in found["step-000004"]["fault"]


def test_verify__names_all_that_is_damaged_and_what_does_not_belong(trained, tmp_path, invoke):
    last = shutil.copytree(trained / "train" / "default" / "step-000004", tmp_path / "moved")
    (last / "optimizer.safetensors").unlink()
    (last / "model.safetensors").write_bytes(b"")
    (last / "model").mkdir()
    (last / "model" / "shard-00003.safetensors").write_bytes(b"")
    _, _, err = invoke("verify", last)
    assert "model.safetensors has other bytes than its sha256 says" in err
    assert "optimizer.safetensors is missing" in err
    assert "model/shard-00003.safetensors is not in its manifest" in err
    assert "no earlier checkpoint is kept" in err


def test_verify__an_earlier_format_is_not_called_damaged(trained, tmp_path, invoke):
    last = shutil.copytree(trained / "train" / "default" / "step-000004", tmp_path / "step-000004")
    (last / "manifest.json").unlink()
    state = json.loads((last / "state.json").read_text())
    (last / "state.json").write_text(json.dumps(state | {"format": "gristmill-checkpoint-2"}))
    code, _, err = invoke("generate", last, "The")
    assert (code, "format is 'gristmill-checkpoint-2'" in err) == (Exit.INPUT, True)


def test_resume__goes_on_from_the_earlier_one_when_the_damaged_one_is_moved_away(trained, tmp_path, invoke):
    run = shutil.copytree(trained, tmp_path / "mill")
    folder = run / "train" / "default"
    (folder / "step-000004" / "model.safetensors").write_bytes(b"")
    (folder / "step-000004").rename(folder / "bad")
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 5, "lo\n\xff\xfe}\n{"a": 1}\n[1]\n{"step": 6, "lo')  # a kill, a disk
    code, _, err = invoke("train", run, "--resume", "--steps", 5, "--set", "loop.report_every=1")
    assert code == 0, err
    assert "continues from step 2" in err
    assert "metrics.jsonl: 5 lines that are no JSON were left out" in err
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert sorted({line["step"] for line in lines}) == [1, 2, 3, 4, 5]
    assert [path.name for path in files.checkpoints_in(folder)][-1] == "step-000005"


def test_save__a_damaged_older_checkpoint_does_not_end_the_training(trained, tmp_path, invoke):
    run = shutil.copytree(trained, tmp_path / "mill")
    (run / "train" / "default" / "step-000002" / "state.json").write_bytes(b"{")
    code, _, err = invoke("train", run, "--resume", "--steps", 6)
    assert code == 0, err


def test_save__the_tokenizer_is_that_of_the_start(one_run_dir, tiny, assemble, tmp_path):
    """Damage behind a training's back would else go, well sealed, into the next checkpoint."""
    from gristmill.trainer.loop.fit import fit

    run = shutil.copytree(one_run_dir, tmp_path / "mill")
    training, state = assemble(run, tiny, steps=1)
    (run / "tokenizer" / "tokenizer.model").write_bytes(b"")
    fit(training, state)
    assert (tmp_path / "train" / "step-000001" / "tokenizer" / "tokenizer.model").stat().st_size


def test_train__data_verify_off_reads_no_shard_twice(one_run_dir, tmp_path, invoke):
    """For corpora that take too long to read; then nothing is promised."""
    run = shutil.copytree(one_run_dir, tmp_path / "mill")
    shard = run / "tokens" / "validation" / "00001.arrow"
    raw, tokens = shard.read_bytes(), Shard(shard).tokens
    at = raw.index(tokens.tobytes())
    shard.write_bytes(flipped(raw, at + 20))
    assert invoke("train", run, *SETTINGS, "--steps", 1)[0] == Exit.INPUT
    assert invoke("train", run, *SETTINGS, "--steps", 1, "--set", "data.verify=false")[0] == 0
    (run / "tokenizer" / "info.json").unlink()
    got = invoke("train", run, *SETTINGS, "--name", "b", "--set", "data.verify=false")
    assert is_named(got, "tokenizer/info.json")
