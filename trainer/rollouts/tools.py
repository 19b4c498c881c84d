"""Tools that a policy calls: a turn that ends with `<tool_call>{"name": ..., "arguments": {...}}</tool_call>` is
answered by turns of the tool, which are read and not learnt.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gristmill.tokenizer.chat.turns import CALL, CALL_END, ToolCall, calls_in
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.special_ids import ASSISTANT, END, TOOL
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.structure.expressions import Either, Expression, Joined
from gristmill.trainer.evaluate.structure.expressions import text as exactly
from gristmill.trainer.evaluate.structure.schema import json_schema
from gristmill.trainer.rollouts.calculator import Calculator
from gristmill.trainer.rollouts.search import search_in

LONGEST = 2000  # characters of a result
TOOLS = ("calculator", "search")


class Tool(Protocol):
    """Something a model can call."""

    @property
    def definition(self) -> dict[str, Any]:
        """Name, description, parameters (JSON schema), as the system turn holds it."""

    def __call__(self, arguments: dict[str, Any]) -> str:
        """The result. ValueError says what is wrong with the arguments."""


def open_tools(names: Sequence[str], run: Path | None) -> list[Tool]:
    """The tools of these names; `run`: whose texts `search` reads. Raises ConfigError, InputError."""
    made: list[Tool] = []
    for name in names:
        if name == "calculator":
            made.append(Calculator())
        elif name == "search" and run is not None:
            made.append(search_in(run))
        else:
            what = "search needs a run" if name == "search" else f"unknown tool {name!r}"
            raise ConfigError(what, where="the tools", fix=f"one of: {', '.join(TOOLS)}; search with --run RUN")
    return made


class ToolReply:
    """A `Reply` (sampler.py): runs what a turn calls. A call that fails gives an error text, and the policy goes on."""

    def __init__(self, encoder: Encoder, tools: Sequence[Tool]):
        self.encoder = encoder
        self.tools = {tool.definition["name"]: tool for tool in tools}

    def definitions(self) -> list[dict[str, Any]]:
        """For the system turn (`parse(messages, tools=...)`)."""
        return [{"type": "function", "function": tool.definition} for tool in self.tools.values()]

    def or_call(self, wanted: Expression | None) -> Expression | None:
        """What a turn is to be, where it may also call a tool, with arguments that are valid; None: anything. Raises
        ConfigError for a tool whose parameters are no schema that a mask can be made of."""
        if wanted is None:
            return None
        options = [wanted]
        for name, tool in self.tools.items():
            arguments = json_schema(tool.definition.get("parameters"), f"parameters of tool {name}")
            begin = exactly(f'{CALL}{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": ')
            options.append(Joined((begin, arguments, exactly("}" + CALL_END))))
        return Either(tuple(options))

    def __call__(self, turn_ids: np.ndarray) -> list[int] | None:
        """Turns of the results, then `<|assistant|>`; None where the turn does not end with a call."""
        results = self.results(self.encoder.decode(turn_ids.tolist()))
        if not results:
            return None
        turns = [[TOOL, *self.encoder.ids(result), END] for result in results]
        return [number for turn in turns for number in turn] + [ASSISTANT]

    def results(self, text: str) -> list[str]:
        """Of each call in a turn; none where the turn does not end with one."""
        if not text.rstrip().endswith(CALL_END):
            return []
        _, calls = calls_in(text)
        if not calls:
            return ['error: a call is {"name": ..., "arguments": {...}}, in JSON']
        return [self._result(call)[:LONGEST] for call in calls]

    def _result(self, call: ToolCall) -> str:
        tool = self.tools.get(call.name)
        if tool is None:
            return f"error: no tool of that name; there are: {', '.join(self.tools)}"
        try:
            return tool(json.loads(call.arguments))
        except ValueError as error:
            return f"error: {error}"
        except Exception as error:
            return f"error: the tool failed ({type(error).__name__})"
