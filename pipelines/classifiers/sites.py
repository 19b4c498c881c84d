"""A check that a model has learnt the label and not the sites it was shown on: their templates, names and footers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gristmill.pipelines.classifiers.choose import LEAST, Labelled

UNSEEN = 3
"""One site in so many is kept from the model that is measured on unseen sites."""
FALL = 0.1
"""Of the area under the ROC curve, from known sites to unseen ones, that is warned of."""


def shared_sites(
    learnt: Sequence[Labelled], held: Sequence[Labelled], score_D: np.ndarray, label: str
) -> dict[str, Any]:
    """Mean scores of held-out documents on sites that show both, and on sites that show only their own kind.

    A site is a page's host; where there is no address, the source. `other_on_its_sites`: documents without the label
    from sites where some have it; if these score as the label's own do, the model knows the sites.
    """
    everything = [*learnt, *held]
    of_label = {one.document.site for one in everything if one.label == label}
    of_others = {one.document.site for one in everything if one.label != label}
    both = (of_label & of_others) - {""}
    is_label_D = np.array([one.label == label for one in held])
    is_shared_D = np.array([one.document.site in both for one in held])
    groups = {
        "label_on_shared_sites": is_label_D & is_shared_D,
        "label_elsewhere": is_label_D & ~is_shared_D,
        "other_on_shared_sites": ~is_label_D & is_shared_D,
        "other_elsewhere": ~is_label_D & ~is_shared_D,
    }
    told = {
        name: {"documents": int(of.sum()), "mean_score": float(score_D[of].mean()) if of.any() else None}
        for name, of in groups.items()
    }
    return {"shared": len(both), "of_label": len(of_label - {""}), "of_others": len(of_others - {""}), **told}


def unseen_split(
    everything: Sequence[Labelled], hash_of_site: Callable[[str], int]
) -> tuple[list[Labelled], list[Labelled]] | None:
    """(documents of most sites, those of the rest), by hash; None where a label would be missing on either side."""
    unseen = [one for one in everything if one.document.site and hash_of_site(one.document.site) % UNSEEN == 0]
    rest = [one for one in everything if not one.document.site or hash_of_site(one.document.site) % UNSEEN]
    labels = {one.label for one in everything}
    enough = all(sum(one.label == label for one in side) >= LEAST for label in labels for side in (rest, unseen))
    return (rest, unseen) if enough else None


def site_warnings(sites: dict[str, Any], label: str) -> list[str]:
    """Sentences with figures; empty where nothing speaks against the model."""
    found = []
    right, wrong = _mean(sites, "label"), _mean(sites, "other")
    others, ours = sites["other_on_shared_sites"], sites["label_on_shared_sites"]
    if right is not None and wrong is not None and others["documents"] >= LEAST:
        middle = (right + wrong) / 2
        if others["mean_score"] > middle:
            found.append(
                f"documents without `{label}` from sites that also show it score {others['mean_score']:.2f} on average "
                f"({others['documents']:,} documents; from other sites {_said(sites['other_elsewhere'])}, with it "
                f"{right:.2f}): the model knows the sites rather than the label"
            )
    if right is not None and wrong is not None and ours["documents"] >= LEAST:
        middle = (right + wrong) / 2
        if ours["mean_score"] < middle:
            found.append(
                f"documents of `{label}` from sites that also show others score {ours['mean_score']:.2f} on average "
                f"({ours['documents']:,} documents; from other sites {_said(sites['label_elsewhere'])}, without it "
                f"{wrong:.2f}): the model knows the sites rather than the label"
            )
    unseen = sites.get("unseen_sites")
    if unseen and unseen["of_known_sites"] - unseen["area_under_roc"] > FALL:
        found.append(
            f"on sites that it never saw the area under the ROC curve is {unseen['area_under_roc']:.2f} "
            f"({unseen['documents']:,} documents), and {unseen['of_known_sites']:.2f} on known ones: give more sites"
        )
    if not sites["shared"] and not unseen:
        found.append(
            "whether the model knows the label or only the sites it was shown on cannot be told: no site stands under "
            "both, and there are too few to hold some out; try it on documents of another origin"
        )
    return found


def _mean(sites: dict[str, Any], kind: str) -> float | None:
    """Mean score of a kind over all sites, elsewhere first: what the label looks like where nothing else tells it."""
    for place in ("elsewhere", "on_shared_sites"):
        if sites[f"{kind}_{place}"]["documents"] >= LEAST:
            return float(sites[f"{kind}_{place}"]["mean_score"])
    return None


def _said(group: dict[str, Any]) -> str:
    return "none" if group["mean_score"] is None else f"{group['mean_score']:.2f}"
