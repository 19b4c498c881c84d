"""What is wanted, as users say it: one of `choices`, `regex`, `json_schema`."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.structure.expressions import Either, Expression, text
from gristmill.trainer.evaluate.structure.regex import regex
from gristmill.trainer.evaluate.structure.schema import json_schema

KINDS = ("choices", "regex", "json_schema")


def expression_of(wanted: Mapping[str, Any], where: str) -> Expression:
    """Of `{choices: [...]}`, `{regex: ...}` or `{json_schema: {...}}`. Raises ConfigError for anything else."""
    if len(wanted) != 1 or next(iter(wanted)) not in KINDS:
        near = [name for key in wanted for name in difflib.get_close_matches(str(key), KINDS, 1, 0.6)]
        fix = f"did you mean `{near[0]}`?" if near and len(wanted) == 1 else f"one of: {', '.join(KINDS)}"
        raise ConfigError(f"structure of {', '.join(map(repr, wanted)) or 'nothing'}", where=where, fix=fix)
    ((kind, value),) = wanted.items()
    where = f"{where}, {kind}"
    if kind == "json_schema":
        return json_schema(value, where)
    if kind == "regex":
        if not isinstance(value, str):
            raise ConfigError("the regular expression is no text", where=where, fix='regex: "[0-9]+"')
        return regex(value, where)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise ConfigError("the choices are no list of texts", where=where, fix="choices: [good, bad]")
    return Either(tuple(text(one) for one in value))


def read_schema(path: Path) -> Any:
    """A JSON schema of a file. Raises InputError."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"the schema cannot be read ({type(error).__name__})", where=str(path), fix="name a file of JSON"
        ) from error
