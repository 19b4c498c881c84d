"""Tools that a model calls: a turn that ends with `<tool_call>{"name": ..., "arguments": {...}}</tool_call>` is
answered by turns of the tool, which are read and not learnt. What calls are, what they give and when they end is said
here alone, for training, `chat`, `generate` and evaluation.
"""

import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gristmill.tokenizer.chat.render import render
from gristmill.tokenizer.chat.turns import CALL, CALL_END, ToolCall, Turn, calls_in
from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.structure.expressions import Either, Expression, Joined
from gristmill.trainer.evaluate.structure.expressions import text as exactly
from gristmill.trainer.evaluate.structure.schema import json_schema
from gristmill.trainer.rollouts.calculator import Calculator
from gristmill.trainer.rollouts.search import search_in
from gristmill.trainer.rollouts.time_limit import TooLongError, time_limit
from gristmill.trainer.tasks import own_file

MOST_BYTES = 2000
"""Of a result; what is longer is cut."""
MOST_CALLS = 8
"""In one turn; further ones are not done."""
MOST_SECONDS = 30.0
"""For a call, where the tool has no `seconds` of its own."""
TOOLS = ("calculator", "search")
ERROR = "error: "
"""What a result begins with where there is none."""
KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Tool(Protocol):
    """Something a model can call."""

    @property
    def definition(self) -> dict[str, Any]:
        """Name, description, parameters (JSON schema), as the system turn holds it."""

    def __call__(self, arguments: dict[str, Any]) -> str:
        """The result. ValueError says what is wrong with the arguments."""


class OwnTool:
    """A function of a user's file as a tool: its name, the first line of its docstring, and its parameters, which are
    annotated as str, int, float or bool; those with a default may be left out."""

    def __init__(self, function: Callable[..., Any], name: str):
        self.function = function
        self.seconds = getattr(function, "seconds", MOST_SECONDS)
        """For a call."""
        if not isinstance(self.seconds, int | float) or not self.seconds > 0:
            raise ConfigError("`seconds` of the tool is no number above 0", where=name, fix="look.seconds = 60")
        parameters = inspect.signature(function, eval_str=True).parameters.values()
        for one in parameters:
            named = one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
            if not named or (one.annotation is not one.empty and one.annotation not in KINDS):
                raise ConfigError(
                    f"parameter `{one.name}` of the tool is none of {', '.join(kind.__name__ for kind in KINDS)}",
                    where=name,
                    fix="def look(word: str, most: int = 3) -> str",
                )
        properties = {one.name: {"type": KINDS.get(one.annotation, "string")} for one in parameters}
        self.definition: dict[str, Any] = {
            "name": function.__name__,
            "description": (inspect.getdoc(function) or "").partition("\n")[0],
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": [one.name for one in parameters if one.default is one.empty],
            },
        }

    def __call__(self, arguments: dict[str, Any]) -> str:
        """Of a `Tool`."""
        parameters = self.definition["parameters"]
        if unknown := sorted(set(arguments) - set(parameters["properties"])):
            raise ValueError(f"there is no argument `{unknown[0]}`")
        if missing := [name for name in parameters["required"] if name not in arguments]:
            raise ValueError(f"the argument `{missing[0]}` is missing")
        return str(self.function(**arguments))


def open_tools(names: Sequence[str], run: Path | None, folder: Path = Path(), where: str = "the tools") -> list[Tool]:
    """The tools of these names; `run`: whose texts `search` reads; `folder`: where a user's files lie. Raises
    ConfigError, InputError."""
    made: list[Tool] = []
    for name in names:
        if name == "calculator":
            made.append(Calculator())
        elif name == "search" and run is not None:
            made.append(search_in(run))
        elif own_file.is_own(name):
            made.append(_own(name, folder))
        else:
            what = "search needs a run" if name == "search" else f"unknown tool {name!r}"
            fix = f"one of: {', '.join(TOOLS)}, FILE.py:FUNCTION; search with --run RUN"
            raise ConfigError(what, where=where, fix=fix)
    called = [tool.definition["name"] for tool in made]
    if twice := [name for name in called if called.count(name) > 1]:
        raise ConfigError(f"two tools are named {twice[0]!r}", where=where, fix="name each once")
    return made


def _own(name: str, folder: Path) -> Tool:
    """A function, or what is a `Tool` already (an object, or a class of one without arguments)."""
    file, _, attribute = name.rpartition(":")
    found: Any = own_file.load(f"{folder / file}:{attribute}", "tool")
    if not callable(found):
        raise ConfigError("the tool is no function", where=name, fix="FILE.py:FUNCTION")
    if not hasattr(found, "definition"):
        return OwnTool(found, name)
    made: Any = found() if inspect.isclass(found) else found
    return made


class ToolReply:
    """A `Reply` (sampler.py): runs what a turn calls. A call that fails gives an error text, and the model goes on."""

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
        turns = [Turn("tool", result) for result in results]
        return render(self.encoder, turns, generation=True).ids[1:].tolist()  # they go on a conversation: no <bos>

    def results(self, text: str) -> list[str]:
        """Of each call in a turn; none where the turn does not end with one."""
        if not text.rstrip().endswith(CALL_END):
            return []
        _, calls = calls_in(text)
        if not calls:
            return [ERROR + 'a call is {"name": ..., "arguments": {...}}, in JSON']
        done = [_cut(self._result(call)) for call in calls[:MOST_CALLS]]
        return done + [f"{ERROR}more than {MOST_CALLS} calls in one turn"] * (len(calls) > MOST_CALLS)

    def _result(self, call: ToolCall) -> str:
        tool = self.tools.get(call.name)
        if tool is None:
            return f"{ERROR}no tool of that name; there are: {', '.join(self.tools)}"
        seconds = getattr(tool, "seconds", MOST_SECONDS)
        try:
            with time_limit(seconds):
                return str(tool(json.loads(call.arguments)))
        except TooLongError:
            return f"{ERROR}the tool took more than {seconds:g} s"
        except ValueError as error:
            return f"{ERROR}{error}"
        except (Exception, SystemExit) as error:
            return f"{ERROR}the tool failed ({type(error).__name__})"


def _cut(result: str) -> str:
    """At most MOST_BYTES of UTF-8, no character in part."""
    data = result.encode(errors="replace")
    return data[:MOST_BYTES].decode(errors="ignore")
