"""pyarrow.compute has all of its functions, whether they are written while it is loaded or when they are asked for."""

import subprocess
import sys

DESCRIBED = """
import inspect, json
import pyarrow.compute as pc

names = sorted({*pc.function_registry().list_functions(), "and_", "or_", "utf8_zfill", "cast", "no_function"})
found = {name: getattr(pc, name, None) for name in names}
print(json.dumps({n: f and [f.__name__, f.__doc__, str(inspect.signature(f))] for n, f in found.items()}))
"""


def output(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_functions__are_the_stock_ones():
    stock = output(DESCRIBED)
    assert output(f"import gristmill.pipelines\n{DESCRIBED}") == stock
    assert "utf8_zero_fill" in stock


def test_functions__are_written_when_they_are_asked_for():
    code = "import gristmill.pipelines, pyarrow.compute as pc\nfor _ in range(2): print('sum' in vars(pc)); pc.sum"
    assert output(code).split() == ["False", "True"]
