"""What a command needs of a recipe before it is checked; imports neither pydantic nor anything else that takes time."""

import re
from pathlib import Path

from gristmill.pipelines.recipe.yaml import plain as plain_yaml

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What a recipe may be called."""


def name_of(file: Path) -> str | None:
    """The recipe's name; None where it has none, for whatever reason: `load` says what is wrong."""
    try:
        text = file.read_text(encoding="utf-8-sig") if file.is_file() else ""
        recipe = plain_yaml.parse(text)[1] if len(text) <= plain_yaml.MAX_BYTES else None
    except (OSError, UnicodeDecodeError, plain_yaml.PlainYamlError):
        return None
    name = recipe.get("name") if isinstance(recipe, dict) else None
    return name if isinstance(name, str) and re.search(NAME, name) else None
