"""The engines by the names that a recipe uses."""

import importlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version

from gristmill.pipelines.read.html.engines.extracted import Extracted
from gristmill.pipelines.recipe import schema

Engine = Callable[[str, bytes, schema.Extract], Extracted]
"""From a page, the same in UTF-8, and options. Raises BadRecordError for a page that it cannot extract."""

ENGINES = {"gristmill": "main_content", "resiliparse": "rules", "trafilatura": "trees"}
"""By name: the module of this package that holds it as `extract`."""
LIBRARIES = {"resiliparse": "resiliparse", "trafilatura": "trafilatura"}
"""What an engine's output changes with, besides our own code."""


@cache
def engine(name: str) -> Engine:
    """The function that extracts. Raises UserError where an optional engine is not installed."""
    module = importlib.import_module(f"{__package__}.{ENGINES[name]}")
    found: Engine = module.extract
    return found


def engine_version(name: str) -> str:
    """What to key a step by, besides the code of this repository."""
    return version(LIBRARIES[name]) if name in LIBRARIES else ""
