"""The sandbox is attacked: what a program may do, and that nothing else works, each wall by itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.sandbox import sandbox
from gristmill.trainer.evaluate.sandbox.sandbox import Limits, run_program, run_programs

SHORT = Limits(seconds=1.0)


def test_programs_that_calculate_run_with_the_standard_library():
    source = "import math, re, json, collections, heapq, random, datetime\nassert math.comb(5, 2) == 10\nprint('水车')"
    found = run_program(source)
    assert (found.kind, found.output) == ("passed", "水车\n")
    assert {"rlimits", "seccomp"} <= set(found.walls)


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("assert 1 == 2", "AssertionError"), ("def f(:", "SyntaxError"), ("import sys; sys.exit(0)", "SystemExit"),
        ("def f(): f()\nf()", "RecursionError"), ("x = bytearray(1 << 31)", "MemoryError"),
        ("a = []\nwhile True: a.append('x' * 1000000)", "MemoryError"),
    ],
)  # fmt: skip
def test_programs_that_fail(source, detail):
    found = run_program(source, Limits(seconds=60, memory_bytes=128 << 20))
    assert (found.kind, found.detail) == ("failed", detail)


@pytest.mark.parametrize(
    "source",
    [
        "os._exit(0)",
        "[os.write(fd, b'passed\\n' * 9) for fd in (1, 2)]; os._exit(0)",
        "import ctypes; ctypes.string_at(0)",
    ],
)
def test_to_end_early_or_to_crash_passes_nothing(source):
    assert run_program(f"import os\n{source}").kind == "killed"


@pytest.mark.parametrize(
    "source",
    [
        "real = os.write\nos.write = lambda fd, data: real(fd, data.replace(b'failed', b'passed'))",
        "os._exit = print",
        "import atexit; atexit.register(os.write, 1, b'passed')",
        "import sys; sys.excepthook = print; sys.stdout = None",
    ],
)
def test_who_replaces_functions_of_the_interpreter_does_not_pass(source):
    found = run_program(f"import os\n{source}\nassert False")
    assert (found.kind, found.detail) == ("failed", "AssertionError")


@pytest.mark.parametrize(("name", "detail"), [("a\nb c", "a\\nb c"), ("x" * 1000, "x" * 80), ("", "")])
def test_whatever_an_exception_is_called_it_failed(name, detail):
    found = run_program(f"raise type({name!r}, (Exception,), {{}})")
    assert (found.kind, found.detail) == ("failed", detail)


def test_a_program_that_sleeps_ends_with_who_started_it():
    source = """
import os
from gristmill.trainer.evaluate.sandbox import sandbox

def watched(process, said_read, order, limits):
    process.stdin.write(order)
    process.stdin.close()
    print(process.pid, process.stdout.read(2).decode(), flush=True)
    os.kill(os.getpid(), 9)

sandbox._watched = watched
sandbox.run_program("import time; print('up', flush=True); time.sleep(1000)", sandbox.Limits(seconds=1000))
"""
    starter = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    number, said = starter.stdout.split()
    assert (starter.returncode, said) == (-signal.SIGKILL, "up")
    state, deadline = Path(f"/proc/{number}/stat"), time.monotonic() + 10
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":  # who reaps it is init's affair
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "source",
    [
        "while True: os.fork()",
        "os.execv('/bin/sh', ['sh'])",
        "import subprocess; subprocess.run(['true'])",
        "import threading; threading.Thread(target=print).start()",
        "import multiprocessing; multiprocessing.Process(target=print).start()",
        "import socket; socket.socket()",
        "os.kill(os.getppid(), 9)",
        "os.kill(-1, 9)",
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))",
        "os.setuid(0)",
    ],
)
def test_no_process_no_thread_no_socket_no_signal(source):
    began = time.monotonic()
    found = run_program(f"import os\n{source}")
    assert found.kind == "failed", found
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "source",
    [
        "open(PATH, 'w')", "open(PATH, 'a')", "open(PATH, 'r+')", "os.open(PATH, os.O_RDONLY | os.O_CREAT)",
        "os.open(PATH, os.O_TRUNC)", "os.unlink(PATH)", "os.rename(PATH, PATH + '2')", "os.chmod(PATH, 0)",
        "os.mkdir(PATH + '2')", "os.symlink(PATH, PATH + '2')", "os.link(PATH, PATH + '2')", "os.truncate(PATH, 0)",
        "os.utime(PATH, (0, 0))", "open(PATH).read()", "open('/etc/passwd').read()", "os.listdir('/')",
        "open('/proc/self/environ').read()", "os.chdir('/tmp')", "os.memfd_create('x')",
    ],
)  # fmt: skip
def test_nothing_is_written_and_nothing_of_the_user_is_read(source, tmp_path):
    path = tmp_path / "mine"
    path.write_text("as it was")
    os.chmod(path, 0o666)
    found = run_program(f"import os\nPATH = {str(path)!r}\n{source}")
    assert (found.kind, found.detail) == ("failed", "PermissionError")
    assert path.read_text() == "as it was"
    assert [one.name for one in tmp_path.iterdir()] == ["mine"]


def test_system_calls_by_number_are_refused_too():
    source = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
numbers = {
    "x86_64": [56, 57, 58, 59, 41, 42, 62, 101, 165, 272, 434, 435, 437, 0x40000000 + 57, 9999],
    "aarch64": [220, 221, 198, 129],
}
for number in numbers[platform.machine()]:
    assert libc.syscall(number, 0, 0, 0, 0, 0, 0) == -1, number
    assert ctypes.get_errno() == 1, (number, ctypes.get_errno())
"""
    assert run_program(source).kind == "passed"


@pytest.mark.parametrize(
    "source", ["while True: pass", "import time; time.sleep(100)", "import signal\nwhile True: pass"]
)
def test_time_ends(source):
    began = time.monotonic()
    assert run_program(source, SHORT).kind == "timeout"
    assert time.monotonic() - began < 5


def test_endless_output_is_cut():
    found = run_program("while True: print('x' * 1000)", Limits(seconds=10, output_bytes=5000))
    assert (found.kind, len(found.output)) == ("output", 5000)


def test_nothing_of_the_environment_is_seen(monkeypatch):
    monkeypatch.setenv("A_SECRET", "token")
    found = run_program("import os\nassert 'A_SECRET' not in os.environ\nassert not os.environ.get('PATH')")
    assert found.kind == "passed"


def test_several_run_side_by_side_in_order():
    found = run_programs([f"assert {number} % 2 == 0\nprint({number})" for number in range(6)])
    assert [one.kind for one in found] == ["passed", "failed"] * 3
    assert [one.output for one in found if one.kind == "passed"] == ["0\n", "2\n", "4\n"]


def test_without_landlock_no_file_can_be_opened_and_known_modules_still_serve(tmp_path, monkeypatch):
    for name in ("walls.py", "child.py"):
        text = sandbox.CHILD.with_name(name).read_text()
        (tmp_path / name).write_text(text.replace("LANDLOCK = (444, 445, 446)", "LANDLOCK = (9444, 9445, 9446)"))
    monkeypatch.setattr(sandbox, "CHILD", tmp_path / "child.py")
    found = run_program("import math, statistics, heapq\nprint(math.pi)")
    assert found.kind == "passed"
    assert "landlock" not in found.walls
    assert run_program("open('/etc/passwd')").detail == "PermissionError"
    assert run_program("import xml.dom.minidom").kind == "failed"


def test_without_seccomp_nothing_is_run(tmp_path, monkeypatch):
    for name in ("walls.py", "child.py"):
        text = sandbox.CHILD.with_name(name).read_text()
        (tmp_path / name).write_text(text.replace("SECCOMP_MODE_FILTER = 2", "SECCOMP_MODE_FILTER = 99"))
    monkeypatch.setattr(sandbox, "CHILD", tmp_path / "child.py")
    with pytest.raises(ConfigError, match="programs are not run: the kernel takes no seccomp filter"):
        run_program("print('run')")
