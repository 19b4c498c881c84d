"""trafilatura, an optional extra: rules over a tree in Python; ten times slower than the others."""

from functools import cache
from types import ModuleType

from gristmill.pipelines.errors import BadRecordError, RunnerError
from gristmill.pipelines.read.html.engines.extracted import Extracted, guard
from gristmill.pipelines.recipe import schema


def extract(html: str, page: bytes, options: schema.Extract) -> Extracted:
    """The text of a page. Raises RunnerError where the worker has no trafilatura."""
    library = _trafilatura()
    from lxml.etree import LxmlError

    guard(page, options.max_depth)
    try:
        if not options.main_content:
            return Extracted(library.html2txt(html).encode(), _title(library, html))
        form = "markdown" if options.output == "markdown" else "txt"
        text = library.extract(html, output_format=form, include_comments=options.comments, with_metadata=False)
        return Extracted((text or "").encode(), _title(library, html))
    except (ValueError, RecursionError, LxmlError) as error:
        raise BadRecordError(f"{type(error).__name__}: the page could not be extracted") from error


@cache
def _trafilatura() -> ModuleType:
    try:
        import trafilatura
    except ImportError as error:
        raise RunnerError(
            "trafilatura is not installed where the worker runs",
            where="extract.engine",
            fix="pip install 'gristmill[trafilatura]', or take `engine: gristmill`",
        ) from error
    return trafilatura


def _title(library: ModuleType, html: str) -> str:
    tree = library.load_html(html)
    found = tree.find(".//title") if tree is not None else None
    return (found.text_content() or "") if found is not None else ""
