"""gristmill probe SCORES: what a model wrote, scored by a classifier."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import note, out


def probe(
    scores: Annotated[Path, typer.Argument(help="A folder that `gristmill eval` wrote, or one of several such.")],
    model: Annotated[
        str, typer.Option(help="A fastText model (.bin, .ftz), a folder of `gristmill classifier train`, or a network.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="New folder for the results.")],
    positive: Annotated[
        str | None, typer.Option(help="The label whose probability counts. [default: as the model's card says]")
    ] = None,
    bound: Annotated[float, typer.Option("--above", help="From where on a continuation counts.", min=0, max=1)] = 0.5,
) -> None:
    """Score the continuations of an evaluation by a classifier, such as one of toxic text.

    gristmill eval runs/mill/train/main --tasks toxicity_en,toxicity_zh --out said

    gristmill probe said --model models/toxic.bin --positive toxic --out toxicity

    Writes results with standard errors (docs/evaluation.md): the mean over prompts of the worst continuation, how many
    prompts have one above the bound, and the difference between prompts that differ by one word.
    """
    from gristmill.pipelines.classifiers.probe import judge_of, table
    from gristmill.pipelines.classifiers.probe import probe as probed
    from gristmill.pipelines.recipe.files.classifiers import open_classifier

    classifier = open_classifier(model, positive)
    about = {"model": Path(model).name, "sha256": [part.sha256 for _, part in classifier.models],
             "label": [label for _, label in classifier.signals]}  # fmt: skip
    made = probed(scores, folder, judge_of(classifier), bound, about)
    shown = Table("model", "task", "subject", "metric", "score", "± error", "items", box=None, header_style="dim")
    for column in shown.columns[4:]:
        column.justify = "right"
    for row in table(made):
        shown.add_row(*row)
    out.print(shown)
    note(f"results: {folder}")
