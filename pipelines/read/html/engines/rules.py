"""resiliparse: rules for menus, asides and lists. What they would lose is kept from them (shield.py, rescue.py)."""

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.engines.extracted import Extracted, guard
from gristmill.pipelines.read.html.engines.rescue import rescue_dates, rescue_lists
from gristmill.pipelines.read.html.engines.shield import Shield
from gristmill.pipelines.recipe import schema

PICTURES = (
    *("img", "area", "svg", "object", "embed", "video", "audio", "figcaption"),
    "figure:not(:has(pre, table, blockquote))",  # else it holds main text: code, tables and quotations
)


def extract(html: str, page: bytes, options: schema.Extract) -> Extracted:
    """The text of a page, lines and lists kept, without links, forms and alternative texts."""
    shape = guard(page, options.max_depth)
    shield = None
    if options.main_content:
        shield = Shield(rescue_dates(page) if "<time" in html else page)
        html = shield.hide().decode()
    try:
        tree = HTMLTree.parse(html)
        if shield and shape.shallow_lists:
            rescue_lists(tree)
        title, text = tree.title or "", _extract(tree, options, "<figure" in html)
    except (ValueError, RuntimeError) as error:
        raise BadRecordError(f"{type(error).__name__}: the page could not be extracted") from error
    if shield:
        title, text = shield.restore(title), shield.restore(text)
    return Extracted(text.encode(), title)


def _extract(tree: HTMLTree, options: schema.Extract, figures: bool) -> str:
    """`figures`: resiliparse skips them all where it leaves alternative texts out; then what has such is skipped by
    name."""
    return extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=options.main_content,
        list_bullets=True,
        alt_texts=figures,
        links=False,
        form_fields=False,
        noscript=False,
        comments=options.comments,
        skip_elements=PICTURES if figures else None,
    )
