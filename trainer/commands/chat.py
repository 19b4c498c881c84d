"""`chat`: a conversation with a model in the terminal, or line by line through pipes."""

import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.trainer.commands.options import (
    CheckpointArgument,
    ChoiceOption,
    MinPOption,
    RegexOption,
    SchemaOption,
    SeedOption,
    TemperatureOption,
    ToolOption,
    ToolRunOption,
    TopKOption,
    TopPOption,
    print_said,
    structure_of,
    wanted_of,
)
from gristmill.trainer.errors import InputError

if TYPE_CHECKING:
    from gristmill.trainer.rollouts.conversation import Conversation

PRETRAINING = ("causal", "prefix", "spans", "masked")
HELP = "Ctrl-C stops an answer, /new begins anew, /exit or Ctrl-D ends."


def chat(
    checkpoint: CheckpointArgument,
    system: Annotated[str, typer.Option(help="instruction that holds for the whole conversation")] = "",
    tool: ToolOption = None,
    run: ToolRunOption = None,
    tokens: Annotated[int, typer.Option(help="most tokens of an answer", min=1)] = 256,
    temperature: TemperatureOption = 0.8,
    top_k: TopKOption = 0,
    top_p: TopPOption = 0.95,
    min_p: MinPOption = 0.0,
    seed: SeedOption = 0,
    choice: ChoiceOption = None,
    regex: RegexOption = None,
    json_schema: SchemaOption = None,
) -> None:
    """Talks with a model. Example: gristmill chat runs/demo/train/sft --system "Answer briefly."."""
    from gristmill.tokenizer.special_ids import END, EOS
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.devices.world import World, join
    from gristmill.trainer.evaluate.sampling import Sampling
    from gristmill.trainer.rollouts.conversation import Conversation
    from gristmill.trainer.rollouts.encoder import chat_encoder
    from gristmill.trainer.rollouts.tools import ToolReply, open_tools

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed)
    wanted = wanted_of(choice, regex, json_schema)
    opened = Checkpoint.open(checkpoint)
    encoder = chat_encoder(opened.path / "tokenizer")
    tools = ToolReply(encoder, open_tools(tool, run)) if tool else None
    world: World = join()
    structure = structure_of(tools.or_call(wanted) if tools else wanted, encoder, (END, EOS))
    conversation = Conversation(opened.load_model(world.device), encoder, sampling, tokens, system, tools, structure)
    if opened.config.objective in PRETRAINING:
        _note("this model was trained on texts, not on conversations: it may not answer (`train sft` teaches it)")
    _talk(conversation, interactive=sys.stdin.isatty())


def _talk(conversation: "Conversation", *, interactive: bool) -> None:
    """Until the end of the input, or /exit."""
    if interactive:
        with suppress(ImportError):
            import readline  # noqa: F401  (lines can be edited, and come back with the arrow keys)
        _note(HELP)
    while (line := _line(interactive)) is not None and line != "/exit":
        if line == "/new":
            conversation.restart()
        elif line:
            _answer(conversation, line, interactive)


def _line(interactive: bool) -> str | None:
    """What the user says next; None at the end of the input."""
    if not interactive:
        read = sys.stdin.buffer.readline()
        return read.decode(errors="replace").strip() if read else None
    try:
        return input("> ").strip()
    except EOFError:
        return None
    except KeyboardInterrupt:
        _note(f"\n{HELP}")
        return ""


def _answer(conversation: "Conversation", line: str, interactive: bool) -> None:
    forgotten = conversation.forgotten
    with closing(conversation.ask(line)) as answer:
        try:
            print_said(answer)
        except KeyboardInterrupt:
            _note(" [stopped]")
        except InputError as error:
            if not interactive:
                raise
            _note(f"error: {error}")
    sys.stdout.write("\n")
    sys.stdout.flush()
    if conversation.forgotten > forgotten:
        _note(f"[{conversation.forgotten - forgotten} turns no longer fit into the context and are forgotten]")


def _note(text: str) -> None:
    """To stderr: what is no answer."""
    typer.echo(text, err=True)
