"""A model's folder: the model, its card as JSON, and the card as Markdown for a person."""

import json
import os
from pathlib import Path
from typing import Any

from gristmill.pipelines.recipe.files.classifiers import CARD, MODEL_FILES

PAGE = "card.md"


def write(folder: Path, model: bytes, suffix: str, card: dict[str, Any]) -> None:
    """Put a model and its card into a folder, in the place of an earlier one. A card that is not the model's is an
    error to whoever reads both, so the card comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / f"model{suffix}", model)
    _replace(folder / PAGE, markdown(card).encode())
    _replace(folder / CARD, (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode())
    for name in MODEL_FILES:
        if name != f"model{suffix}":
            (folder / name).unlink(missing_ok=True)


def _replace(file: Path, data: bytes) -> None:
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(data)
    os.replace(part, file)


def markdown(card: dict[str, Any]) -> str:
    """The card of a classifier."""
    lines = [
        f"# Classifier `{card['name']}`",
        "",
        f"A fastText model of the labels {_names(card['labels'])}, for documents in {', '.join(card['languages'])}, "
        f"trained by `gristmill classifier train`. The feeding is `{card['feeding']}`. sha256 `{card['sha256']}`.",
        "",
        *([card["about"], ""] if card.get("about") else []),
        *(["## Look at this first", "", *(f"* {text}" for text in card["warnings"]), ""] if card["warnings"] else []),
        *_documents(card),
    ]
    for label, measured in card["measured"].items():
        lines += _measured(label, measured)
        lines += _curve(label, card)
        lines += _decides(card["decides"][label], label)
    return "\n".join([*lines, *_sites(card["sites"]), *_passages(card["shared_passages"]), *_options(card)]) + "\n"


def _names(labels: list[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'|'.join('---' for _ in head)}|",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
        "",
    ]


def _documents(card: dict[str, Any]) -> list[str]:
    about = card["documents"]
    rows = [
        (f"`{label}`", language, f"{about['given'][label][language]:,}", f"{of['learnt']:,}", f"{of['held_out']:,}")
        for label, languages in about["used"].items()
        for language, of in languages.items()
    ]
    said = (
        f"{about['repeated']:,} that were given twice count once; {about['under_two_labels']:,} under two labels are "
        "left out."
    )
    return [
        "## Documents",
        "",
        "In every language as many of each label, chosen by hash; whole duplicate clusters are held out. " + said,
        "",
        *_table(("label", "language", "given", "learnt from", "held out"), rows),
    ]


def _measured(label: str, measured: dict[str, Any]) -> list[str]:
    curve = [
        (f"{one['recall']:.3f}", f"{one['precision']:.3f}", f"{one['threshold']:.4f}")
        for one in measured["precision_recall"]
    ]
    bins = [
        (
            f"{number / 10:.1f}-{(number + 1) / 10:.1f}",
            f"{one['documents']:,}",
            f"{one['score']:.3f}",
            f"{one['share']:.3f}",
        )
        for number, one in enumerate(measured["calibration"])
        if one["documents"]
    ]
    bounds = [
        (language, f"{one['rate']:.0%}", f"{one['at_least']:.4f}", f"{one['others_kept']:.1%}", f"{one['kept']:.1%}")
        for language, of in measured["languages"].items()
        for one in of["thresholds"]
    ]
    languages = [
        (language, f"{of['documents']:,}", f"{of['average_precision']:.3f}", f"{of['area_under_roc']:.3f}")
        for language, of in measured["languages"].items()
    ]
    return [
        f"## `{label}` on {measured['documents']:,} held-out documents",
        "",
        f"Average precision {measured['average_precision']:.3f}, area under the ROC curve "
        f"{measured['area_under_roc']:.3f}, calibration error {measured['calibration_error']:.3f}.",
        "",
        *_table(("language", "documents", "average precision", "area under ROC"), languages),
        "Bounds by the share of the other documents that they keep:",
        "",
        *_table(("language", "target", "at_least", "others kept", f"`{label}` kept"), bounds),
        "Precision and recall (held out, as many of each label):",
        "",
        *_table(("recall", "precision", "threshold"), curve),
        "Calibration: where score and share agree, a score is a probability among as many documents of each label.",
        "",
        *_table(("score from", "documents", "mean score", f"share of `{label}`"), bins),
    ]


def _curve(label: str, card: dict[str, Any]) -> list[str]:
    learnt = sum(of["learnt"] for languages in card["documents"]["used"].values() for of in languages.values())
    rows = [(f"{one['documents']:,}", f"{one['area_under_roc'][label]:.3f}") for one in card["learning_curve"]]
    rows.append((f"{learnt:,}", f"{card['measured'][label]['area_under_roc']:.3f}"))
    return ["Learning curve:", "", *_table(("documents learnt from", "area under ROC"), rows)]


def _decides(decides: dict[str, Any], label: str) -> list[str]:
    lines = ["What decides, by log odds beyond those of an empty text (as fed: small letters, digits as 0):", ""]
    for language, one in decides.items():
        lines.append(f"* {language}, for `{label}`: {_said(one['for'])}")
        lines.append(f"* {language}, against: {_said(one['against'])}")
    return [*lines, ""]


def _said(grams: list[dict[str, Any]]) -> str:
    return ", ".join(f"`{one['words'].replace('`', chr(39))}` {one['log_odds']:+.1f}" for one in grams) or "none"


def _sites(sites: dict[str, Any]) -> list[str]:
    names = {
        "label_on_shared_sites": "with the label, on sites that show both",
        "label_elsewhere": "with the label, elsewhere",
        "other_on_shared_sites": "without it, on sites that show both",
        "other_elsewhere": "without it, elsewhere",
    }
    rows = [
        (text, f"{sites[name]['documents']:,}", "" if (mean := sites[name]["mean_score"]) is None else f"{mean:.3f}")
        for name, text in names.items()
    ]
    lines = [
        "## The label, or the sites it was shown on",
        "",
        f"{sites['of_label']:,} sites with the label, {sites['of_others']:,} with others, {sites['shared']:,} with "
        "both.",
        "",
        *_table(("held-out documents", "documents", "mean score"), rows),
    ]
    if unseen := sites.get("unseen_sites"):
        lines += [
            "A model that never saw a third of the sites has an area under the ROC curve of "
            f"{unseen['area_under_roc']:.3f} on these ({unseen['documents']:,} documents); this one has "
            f"{unseen['of_known_sites']:.3f} on held-out documents.",
            "",
        ]
    return lines


def _passages(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return ["No passage is shared by many documents of one side alone.", ""]
    return [
        f"{found['documents_with_label']:.1%} of the held-out documents with the label and "
        f"{found['documents_without_it']:.1%} of the others hold passages that many of one side share (a header, a "
        f"footer), {found['words']:.0f} words each. Without them the area under the ROC curve is "
        f"{found['without_them']:.3f}, with them {found['area_under_roc']:.3f}.",
        "",
    ]


def _options(card: dict[str, Any]) -> list[str]:
    return ["## Options", "", *(f"* {name}: {value}" for name, value in card["options"].items())]
