"""A language model's folder: the model, its card as JSON, and the card as Markdown for a person."""

import json
import os
from pathlib import Path
from typing import Any

from gristmill.pipelines.recipe.files.language_models import MODEL_FILE

CARD, PAGE = "card.json", "card.md"


def write_card(folder: Path, model: Path, card: dict[str, Any]) -> None:
    """Put a finished model and its card into a folder, in the place of an earlier one."""
    (model.parent / PAGE).write_text(markdown(card), encoding="utf-8")
    (model.parent / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name in (MODEL_FILE, PAGE, CARD):
        os.replace(model.parent / name, folder / name)


def markdown(card: dict[str, Any]) -> str:
    """The card of a language model."""
    options, held = card["options"], card["held_out"]
    lines = [
        f"# Language model `{card['name']}`, {card['language']}",
        "",
        f"n-grams of {card['units']} up to order {options['order']}, smoothed by {options['smoothing']}, learnt from "
        f"{card['words_learnt']:,} {card['units']} by `gristmill lm train`. {card['bytes']:,} bytes, sha256 "
        f"`{card['sha256']}`.",
        "",
        *(["## Look at this first", "", *(f"* {text}" for text in card["warnings"]), ""] if card["warnings"] else []),
        "## n-grams",
        "",
        "| order | n-grams | discounts |",
        "|---|---|---|",
        *(
            f"| {order} | {count:,} | {', '.join(f'{one:.3f}' for one in discounts) or 'none'} |"
            for order, (count, discounts) in enumerate(zip(card["n_grams"], card["discounts"], strict=False), start=1)
        ),
        "",
        "## Held out",
        "",
    ]
    if not held["documents"]:
        return "\n".join([*lines, "No document was held out, so nothing is measured, and there are no cutoffs."]) + "\n"
    lines += [
        f"Perplexity {held['perplexity']:g} on {held['documents']:,} documents ({held['words']:,} {card['units']}, "
        f"{held['unknown']:.2%} unknown). Below which perplexity so many of them lie:",
        "",
        "| share | perplexity |",
        "|---|---|",
        *(f"| {share} % | {value:g} |" for share, value in held["percentiles"].items()),
        "",
        f"Cutoffs: head below {card['cutoffs'][0]:g}, middle below {card['cutoffs'][1]:g}. They are of documents like "
        "those it learnt from; to divide a crawl, measure them there (docs/language-models.md).",
        "",
        "## Options",
        "",
        *(f"* {name}: {value}" for name, value in options.items()),
    ]
    return "\n".join(lines) + "\n"
