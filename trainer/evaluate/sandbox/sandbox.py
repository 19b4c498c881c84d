"""Programs of a model, each in a process of its own that can only calculate: walls.py says what it cannot do."""

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gristmill.trainer.errors import ConfigError

CHILD = Path(__file__).with_name("child.py")
Kind = Literal["passed", "failed", "timeout", "output", "killed"]


@dataclass(frozen=True)
class Limits:
    """Of one program."""

    seconds: float = 5.0
    """By the clock on the wall; as much processor time, rounded up."""
    memory_bytes: int = 512 << 20
    """Of addresses."""
    output_bytes: int = 64 << 10
    """Of stdout and stderr together; who writes more is ended."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended."""

    kind: Kind
    """passed: to its last line without an exception. killed: by a signal (memory, a crash), or by ending itself."""
    detail: str = ""
    """The exception's kind."""
    output: str = ""
    """What it wrote."""
    walls: tuple[str, ...] = ()
    """Which walls stood: rlimits, namespaces, landlock, seccomp."""


def run_program(source: str, limits: Limits = Limits()) -> Outcome:
    """Runs a Python program with the standard library. Raises ConfigError where this machine has no sandbox: then
    nothing of it was run."""
    mark = secrets.token_hex(16)
    order = {"mark": mark, "parent": os.getpid()}
    order |= {"cpu_seconds": int(limits.seconds) + 1, "memory_bytes": limits.memory_bytes}
    given = json.dumps(order).encode() + b"\n" + source.encode(errors="replace")
    said_read, said_write = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(CHILD), str(said_write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=(said_write,),
        )
    finally:
        os.close(said_write)
    try:
        output, said, kind = _watched(process, said_read, given, limits)
    finally:
        _end(process)
        os.close(said_read)
    return _outcome(said, output, kind, mark)


def run_programs(sources: Sequence[str], limits: Limits = Limits(), at_once: int | None = None) -> list[Outcome]:
    """Several, side by side; in order."""
    with ThreadPoolExecutor(at_once or os.cpu_count() or 1) as pool:
        return list(pool.map(lambda source: run_program(source, limits), sources))


def _watched(
    process: subprocess.Popen[bytes], said_read: int, order: bytes, limits: Limits
) -> tuple[bytes, bytes, Kind | None]:
    """(what it wrote, what it said, why it was ended: None where it ended itself)."""
    assert process.stdin is not None
    assert process.stdout is not None
    deadline = time.monotonic() + limits.seconds
    found = {"out": b"", "said": b""}
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ, "out")
        ready.register(said_read, selectors.EVENT_READ, "said")
        os.set_blocking(process.stdin.fileno(), False)
        ready.register(process.stdin, selectors.EVENT_WRITE, "in")
        while len(ready.get_map()) > 0:
            left = deadline - time.monotonic()
            if left <= 0:
                return found["out"], found["said"], "timeout"
            for key, _ in ready.select(left):
                if key.data == "in":
                    order = _given(process, order)
                    if not order:
                        ready.unregister(process.stdin)
                        process.stdin.close()
                    continue
                piece = os.read(key.fd, 1 << 16)
                if not piece:
                    ready.unregister(key.fileobj)
                found[key.data] += piece
            if len(found["out"]) + len(found["said"]) > limits.output_bytes:
                return found["out"][: limits.output_bytes], found["said"], "output"
    return found["out"], found["said"], None


def _given(process: subprocess.Popen[bytes], order: bytes) -> bytes:
    """What is still to be given."""
    assert process.stdin is not None
    try:
        return order[os.write(process.stdin.fileno(), order) :]
    except BlockingIOError:
        return order
    except BrokenPipeError:
        return b""


def _outcome(said: bytes, output: bytes, kind: Kind | None, mark: str) -> Outcome:
    lines = said.decode(errors="replace").splitlines()
    if lines and lines[0].startswith("none "):
        raise ConfigError(
            f"programs are not run: {lines[0][5:]}",
            where="the sandbox",
            fix="ask tasks with programs on Linux (x86_64 or aarch64, a kernel with seccomp)",
        )
    walls = tuple(lines[0][6:].split(",")) if lines and lines[0].startswith("walls ") else ()
    text = output.decode(errors="replace")
    if kind is not None:
        return Outcome(kind, "", text, walls)
    verdict = lines[-1].split(" ", 2) if len(lines) > 1 else []
    if verdict[:2] == [mark, "passed"]:
        return Outcome("passed", "", text, walls)
    if verdict[:2] == [mark, "failed"]:
        return Outcome("failed", verdict[2] if len(verdict) > 2 else "", text, walls)
    return Outcome("killed", "", text, walls)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and whatever of its session there might be."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()
