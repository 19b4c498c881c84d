"""A tool that calculates: numbers, + - * / // % ** and brackets, read by Python's parser and never evaluated by it."""

import ast
import math
import operator
import re
import unicodedata
from collections.abc import Callable
from typing import Any, ClassVar

LONGEST, MOST_BITS = 200, 4096
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "^": "**"})
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


class Calculator:
    """Of a `Tool`."""

    definition: ClassVar[dict[str, Any]] = {
        "name": "calculator",
        "description": "Calculates: numbers, + - * / // % ** and brackets.",
        "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}, "required": ["expression"]},
    }

    def __call__(self, arguments: dict[str, Any]) -> str:
        """Of a `Tool`."""
        expression = arguments.get("expression")
        if not isinstance(expression, str):
            raise ValueError("the argument `expression` is missing or no text")
        return calculated(expression)


def calculated(expression: str) -> str:
    """`(2 + 3) × 4` -> `20`. Raises ValueError for what is no arithmetic, too long, or too large."""
    if len(expression) > LONGEST:
        raise ValueError(f"the expression has more than {LONGEST} characters")
    text = unicodedata.normalize("NFKC", expression).translate(_SIGNS)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.strip().rstrip("=? "))
    text = re.sub(r"(?<![\d.])0+(?=\d)", "", text)
    try:
        value = _value(ast.parse(text, mode="eval").body)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError("that is no arithmetic: only numbers, + - * / // % ** and brackets") from None
    except ZeroDivisionError:
        raise ValueError("division by zero") from None
    except OverflowError:
        raise ValueError("the result is too large") from None
    return str(value) if isinstance(value, int) else f"{value:.12g}"


def _value(node: ast.expr) -> int | float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return _bounded(number)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left), _value(right)))
    raise ValueError("that is no arithmetic: only numbers, + - * / // % ** and brackets")


def _power(base: int | float, exponent: int | float) -> int | float:
    if isinstance(base, int) and isinstance(exponent, int) and abs(base).bit_length() * abs(exponent) > MOST_BITS:
        raise OverflowError
    value = base**exponent
    if isinstance(value, complex):
        raise ValueError("the result is no real number")
    return _bounded(value)


def _bounded(value: int | float) -> int | float:
    small = value.bit_length() <= 2 * MOST_BITS if isinstance(value, int) else math.isfinite(value)
    if not small:
        raise OverflowError
    return value
