"""Templates of a task: jinja over the fields of an item, in jinja's sandbox, since a task may be somebody else's."""

import ast
import re
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gristmill.trainer.errors import ConfigError, InputError


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    made.filters["regex_replace"] = lambda text, pattern="", repl="", count=0: re.sub(pattern, repl, text, count=count)
    return made


@cache
def _template(text: str) -> Template:
    return _environment().from_string(text)


def check(template: str, where: str) -> None:
    """Raises ConfigError for what is no template."""
    try:
        _template(template)
    except TemplateSyntaxError as error:
        raise ConfigError(
            f"this is no jinja template: {error.message} in line {error.lineno}",
            where=where,
            fix="fields of an item are written {{question}}",
        ) from error


def filled(template: str, item: dict[str, Any], where: str) -> str:
    """The template with an item's fields; a field's name alone is the field. Raises InputError where one is missing."""
    if template in item:
        return item[template] if isinstance(item[template], str) else str(item[template])
    try:
        return _template(template).render(**item)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, re.error) as error:
        said = str(error) if type(error).__name__ == "UndefinedError" else type(error).__name__
        raise InputError(
            f"the template cannot be filled: {said}",
            where=where,
            fix=f"the item's fields are: {', '.join(sorted(map(str, item))) or 'none'}",
        ) from error


def value(template: str, item: dict[str, Any], where: str) -> Any:
    """The field of that name as it is, or the filled template read as a Python literal where it is a list."""
    if template in item:
        return item[template]
    text = filled(template, item, where)
    if len(text) >= 2 and text[0] == "[" and text[-1] == "]":
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return text
    return text
