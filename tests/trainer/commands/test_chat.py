"""The commands that talk with a model and examine it: through pipes, in a terminal, interrupted."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.commands import chat as module
from gristmill.trainer.devices.world import CPU
from gristmill.trainer.evaluate.sampling import Sampling
from gristmill.trainer.rollouts.conversation import Conversation, Said

ROOT = Path(__file__).parents[3]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def test_chat__answers_line_by_line_through_pipes(checkpoint, trainer):
    said = "the mill\n\n磨坊\n/new\nthe mill\n/exit\nnever read\n"
    options = ("--tokens", 6, "--temperature", 0, "--system", "老")
    code, out, err = trainer("chat", checkpoint, *options, said=said.encode() + b"\xff\n")
    assert code == 0, err
    opened = Checkpoint.open(checkpoint)
    encoder = Encoder(checkpoint / "tokenizer")
    expected = ""
    for first in (["the mill", "磨坊"], ["the mill"]):
        conversation = Conversation(opened.load_model(CPU), encoder, Sampling(temperature=0), 6, "老")
        for line in first:
            expected += "".join(piece.text for piece in conversation.ask(line)) + "\n"
    assert out == expected
    assert "trained on texts, not on conversations" in err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([], 3, "the model reads 32"),
        (["--tool", "shell"], 2, "unknown tool 'shell'"),
        (["--tool", "search"], 2, "search needs a run"),
        (["--tool", "search", "--run", "."], 3, "no text/ to search"),
        (["--min-p", 2], 2, "min-p is not in [0, 1]"),
    ],
)
def test_chat__what_is_wrong_is_said(checkpoint, trainer, tmp_path, monkeypatch, options, code, words):
    monkeypatch.chdir(tmp_path)
    found, _, err = trainer("chat", checkpoint, *options, said=("磨坊 " * 99).encode())
    assert (found, words in err) == (code, True), err


@pytest.mark.process
def test_chat__in_a_terminal_it_asks_and_ends_with_the_input(checkpoint):
    ours, theirs = pty.openpty()
    started = [sys.executable, "-m", "gristmill.trainer", "chat", str(checkpoint), "--tokens", "4"]
    process = subprocess.Popen(started, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    os.write(ours, "磨坊\n".encode() + b"\x04")
    out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0, err
    assert out.count(b"> ") == 2
    assert b"/exit or Ctrl-D ends" in err


class Scripted:
    """A conversation that is interrupted in its first answer."""

    forgotten = 0

    def __init__(self):
        self.asked: list[str] = []
        self.restarted = 0

    def restart(self):
        self.restarted += 1

    def ask(self, text):
        self.asked.append(text)
        yield Said("text", "one ")
        if len(self.asked) == 1:
            signal.raise_signal(signal.SIGINT)  # os.kill's may arrive in another thread, and then later
            yield Said("text", "never")
        self.forgotten += 2
        yield Said("tool", "144")
        yield Said("text", "two")


def test_talk__ctrl_c_stops_the_answer_alone(monkeypatch, capsys):
    class Input:
        buffer = io.BytesIO("first\n第二\n/new\n".encode())

    conversation = Scripted()
    monkeypatch.setattr(sys, "stdin", Input())
    module._talk(conversation, interactive=False)
    out, err = capsys.readouterr()
    assert conversation.asked == ["first", "第二"]
    assert conversation.restarted == 1
    assert out == "one \none two\n"
    assert "[stopped]" in err
    assert "tool: 144" in err
    assert "[2 turns no longer fit into the context and are forgotten]" in err


def test_evaluate__a_line_for_every_task_language_and_way(checkpoint, trainer):
    options = ("--task", "sort/2", "--task", "add/1", "--examples", 5, "--samples", 2, "--tokens", 4)
    code, out, err = trainer("evaluate", checkpoint, *options)
    assert code == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(one["task"], one["lang"], one["way"]) for one in lines] == [
        (task, lang, way) for task in ("sort/2", "add/1") for lang in ("en", "zh") for way in ("greedy", "sampled")
    ]
    assert all(one["examples"] == 5 and one["exact"] == 0 for one in lines)
    code, _, err = trainer("evaluate", checkpoint, "--task", "sorts")
    assert (code, "unknown task 'sorts'" in err) == (2, True)
