"""All commands by name. A new one is a file beside this one and a line here; a new stage of training, in train.py."""

import typer

from gristmill.trainer.commands.chat import chat
from gristmill.trainer.commands.evaluate import evaluate
from gristmill.trainer.commands.examine import evaluation
from gristmill.trainer.commands.explain import explain
from gristmill.trainer.commands.export import export
from gristmill.trainer.commands.generate import generate
from gristmill.trainer.commands.scaling import scaling
from gristmill.trainer.commands.training.train import stages
from gristmill.trainer.commands.verify import verify

app = typer.Typer(
    help="Trains language models on the token shards of a run, and samples from them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(stages, name="train", help="Trains a model on RUN/tokens; without a STAGE from the beginning (pretrain).")
app.add_typer(evaluation, name="eval", help="Scores of a model on tasks; `eval compare A B`, `eval tasks`.")
for command in (generate, chat, evaluate, export, explain, verify, scaling):
    app.command()(command)
