"""The command: a real process that trains, is stopped, resumes and generates; and errors with their exit codes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import BOS
from gristmill.trainer import __main__ as command

ROOT = Path(__file__).parents[2]
SETTINGS = [
    f"--set={setting}"
    for setting in ("model.width=32", "model.layers=1", "data.tokens_per_step=128", "data.tokens_per_batch=128",
                    "loop.save_every=5", "loop.report_every=1", "loop.compile=off")
]  # fmt: skip


def start(*arguments: object) -> subprocess.Popen:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "gristmill.trainer", *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def steps(folder: Path) -> list[int]:
    return sorted(int(path.parent.name[5:]) for path in folder.glob("step-*/state.json"))


@pytest.fixture
def run(one_run_dir, tmp_path) -> Path:
    return shutil.copytree(one_run_dir, tmp_path / "mill")


@pytest.mark.process
def test_train__killed_interrupted_resumed_then_generates(run, monkeypatch, capsys):
    folder = run / "train" / "try"
    arguments = ("train", run, "--name", "try", *SETTINGS)
    process = start(*arguments, "--steps", 100_000)
    wait_for(lambda: len(steps(folder)) >= 2, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    saved = steps(folder)[-1]

    process = start(*arguments, "--steps", 100_000, "--resume")
    wait_for(lambda: steps(folder)[-1] > saved, process)
    for more in ((), ("--resume",)):
        code, said = invoke(monkeypatch, capsys, *arguments, *more)
        assert code == 2
        assert f"another training works in this folder: process {process.pid} on {socket.gethostname()}" in said
        assert f"where: {folder}" in said
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"continues from step {saved}" in err
    assert f"interrupted after step {steps(folder)[-1]}; continue with --resume" in err
    assert out == ""

    last = steps(folder)[-1]
    code, out, err = run_here(monkeypatch, capsys, *arguments, "--steps", last + 3, "--resume")
    assert code == 0, err
    assert json.loads(out)["checkpoint"] == str(folder / f"step-{last + 3:06d}")
    made = [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(made)) == list(range(1, last + 4))

    code, out, err = run_here(monkeypatch, capsys, "generate", folder, "老磨坊", "--tokens", 8)
    assert code == 0, err
    assert out.startswith("老磨坊")


def run_here(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    """The command in this process, which has torch: exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    with pytest.raises(SystemExit) as caught:
        command.main()
    return int(caught.value.code or 0), *capsys.readouterr()


def invoke(monkeypatch, capsys, *arguments: object) -> tuple[int, str]:
    """Exit code and stderr."""
    code, _, err = run_here(monkeypatch, capsys, *arguments)
    return code, err


@pytest.mark.process
def test_export__transformers_continues_a_text_as_we_do(run, tmp_path, monkeypatch, capsys):
    assert invoke(monkeypatch, capsys, "train", run, "--name", "try", *SETTINGS, "--steps", 4)[0] == 0
    folder = tmp_path / "hf"
    assert invoke(monkeypatch, capsys, "export", run / "train" / "try", folder)[0] == 0
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.model", "tokenizer.json",
        "tokenizer_config.json", "chat_template.jinja",
    }  # fmt: skip
    prompt = "老磨坊 the mill"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    encoder = Encoder(folder.parent / "mill" / "tokenizer")
    asked = tokenizer(prompt, return_tensors="pt")
    assert asked["input_ids"][0].tolist() == [BOS, *encoder.ids(prompt)]
    theirs = tokenizer.decode(model.generate(**asked, do_sample=False, max_new_tokens=9)[0], skip_special_tokens=True)
    process = start("generate", run / "train" / "try", prompt, "--tokens", 9, "--temperature", 0)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.rstrip("\n") == theirs.rstrip("\n")
    (folder / "mine.txt").write_text("keep")
    code, err = invoke(monkeypatch, capsys, "export", run / "train" / "try", folder)
    assert (code, "the folder is not empty" in err) == (2, True)
    assert (folder / "mine.txt").read_text() == "keep"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--set", "optim.learning=1"], 2, ["unknown setting 'optim.learning'", "fix:"]),
        (["--set", "rl=1"], 2, ["unknown setting 'rl'"]),
        (["--set", "lr=0.1"], 2, ["did you mean 'optim.lr'?"]),
        (["--set", "loop.steps=many"], 2, ["'many' is not a int", "its default is 300"]),
        (["--set", "optim.lr"], 2, ["a setting needs a value"]),
        (["--preset", "nanoo"], 2, ["unknown preset 'nanoo'", "did you mean 'nano'?"]),
        (["--set", "objective=none"], 2, ["unknown objective 'none'", "causal"]),
        (["--set", "model.context=8"], 2, ["the rows have 32"]),
        (["--set", "model.vocabulary=8"], 2, ["the tokenizer 450"]),
        (["--resume"], 3, ["nothing to resume", "leave out --resume"]),
    ],
)
def test_train__errors_say_what_where_and_what_to_do(run, monkeypatch, capsys, arguments, code, words):
    got, err = invoke(monkeypatch, capsys, "train", run, *arguments)
    assert got == code
    assert err.startswith("error: ")
    assert all(word in err for word in [*words, "where:", "fix:"]), err


def test_train__a_first_word_that_names_no_stage_is_a_run(tmp_path, monkeypatch, capsys):
    for words in (["train", "--name", "x", "none"], ["train", "none"], ["train", "pretrain", "none"]):
        monkeypatch.chdir(tmp_path)
        code, err = invoke(monkeypatch, capsys, *words)
        assert (code, "where: none" in err) == (3, True), err


def test_train__missing_run_is_an_input_error(tmp_path, monkeypatch, capsys):
    code, err = invoke(monkeypatch, capsys, "train", tmp_path / "none")
    assert (code, "gristmill run RECIPE" in err) == (3, True)


def test_help__names_the_commands_and_loads_no_torch():
    result = CliRunner().invoke(command.app, ["--help"])
    assert result.exit_code == 0
    assert "train" in result.output
    code = "import sys, gristmill.trainer.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
