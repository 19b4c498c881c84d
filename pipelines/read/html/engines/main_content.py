"""gristmill: the parser's tree, cut into blocks, of which a model fitted on labelled pages keeps the main content."""

import numpy as np
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.engines.extracted import Extracted, guard
from gristmill.pipelines.read.html.main_content.model import probabilities
from gristmill.pipelines.read.html.main_content.said import heed, said_of
from gristmill.pipelines.read.html.main_content.segment import segment
from gristmill.pipelines.read.html.main_content.select import select
from gristmill.pipelines.read.html.main_content.text import text_of
from gristmill.pipelines.recipe import schema


def extract(html: str, page: bytes, options: schema.Extract) -> Extracted:
    """The main content of a page, or all its text, as plain text or Markdown."""
    guard(page, options.max_depth)
    try:
        tree = HTMLTree.parse(html)
        title, body = tree.title or "", tree.body
        markup, said = body.html if body is not None else "", said_of(tree, page)
    except (ValueError, RuntimeError) as error:
        raise BadRecordError(f"{type(error).__name__}: the page could not be parsed") from error
    segments = segment(markup.encode(), everything=not options.main_content)
    if options.main_content:
        probability_N = probabilities(segments, " ".join(title.split()).encode())
        heed(segments, said, probability_N)
        keep_N = select(segments, probability_N, options.comments)
    else:
        keep_N = np.ones(len(segments.block_NK), np.bool_)
    return Extracted(text_of(segments, keep_N, options.output == "markdown"), title)
