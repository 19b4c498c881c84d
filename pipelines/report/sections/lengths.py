"""How long the documents are, those that were kept against those that were dropped."""

from gristmill.pipelines.report.figures import Histogram
from gristmill.pipelines.report.histograms import Wanted, histograms
from gristmill.pipelines.report.material import Material


def build_lengths(material: Material) -> Histogram | None:
    """Bytes of the documents that were kept or dropped; None without a ledger or without a document."""
    if not material.ledger.has("ledger"):
        return None
    wanted = [Wanted("bytes", "bytes of text", scale="log")]
    return next(iter(histograms(material.ledger, "ledger", wanted, "verdict <> 'dead'")), None)
