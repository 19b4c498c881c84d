"""Runs one program behind the walls: `python -I -S -B child.py`; started by sandbox.py, never imported.

Reads from stdin a line of JSON (mark, limits), then the program. Says on the file of its argument: `walls NAMES`, then
`MARK passed` or `MARK failed KIND`. The mark is a number that the program was not told, so that ending early, or
printing, passes nothing.
"""

import importlib
import json
import os
import sys

PRELOADED = [
    "math",
    "cmath",
    "string",
    "re",
    "itertools",
    "functools",
    "collections",
    "heapq",
    "bisect",
    "operator",
    "random",
    "statistics",
    "fractions",
    "decimal",
    "typing",
    "datetime",
    "copy",
    "json",
    "dataclasses",
    "enum",
    "abc",
    "numbers",
    "array",
    "hashlib",
    "time",
    "textwrap",
]
"""Where no file can be opened later, these can be imported all the same."""


def main() -> None:
    """Never returns to a caller: ends the process."""
    said, write, leave = int(sys.argv[1]), os.write, os._exit  # as they are before the program, which can replace them
    head, _, source = sys.stdin.buffer.read().partition(b"\n")
    order = json.loads(head)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    walls = importlib.import_module("walls")
    del sys.path[0]
    if not walls.has_landlock():
        for name in PRELOADED:
            __import__(name)
    try:
        held = walls.build(order["cpu_seconds"], order["memory_bytes"], order["parent"])
    except (walls.NoSandboxError, OSError, ValueError) as error:
        write(said, f"none {error}\n".encode())
        leave(0)
    write(said, f"walls {','.join(held)}\n".encode())
    verdict = _run(source.decode(), order.pop("mark"))
    try:
        sys.stdout.flush()
    finally:
        write(said, verdict)
        leave(0)


def _run(source: str, mark: str) -> bytes:
    try:
        exec(compile(source, "<program>", "exec"), {"__name__": "__main__"})
    except BaseException as error:
        return f"{mark} failed {ascii(type(error).__name__[:80])[1:-1]}\n".encode()
    return f"{mark} passed\n".encode()


if __name__ == "__main__":
    main()
