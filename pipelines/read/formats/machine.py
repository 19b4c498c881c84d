"""The source `machine`: the documentation that comes with Python and its packages. Nothing is imported.

A module's docstrings make one document; so does a package's description (the body of METADATA), and a licence. Files
are taken in the order of a hash of their path, and paths are told below their root ("stdlib/json/decoder.py"), so
that it does not matter where Python is installed.
"""

import ast
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

import xxhash

from gristmill.pipelines.errors import BadRecordError, InputError, utf8_text
from gristmill.pipelines.read.batches import Aside, Document, Item
from gristmill.pipelines.read.context import Context
from gristmill.pipelines.read.encodings.texts import check_decoded, decode_text
from gristmill.pipelines.read.fields import utf8
from gristmill.pipelines.read.reader import Reader
from gristmill.pipelines.records.dead_letters import dead_letter
from gristmill.pipelines.records.elements import Split

MIN_BYTES = 400
"""Of documentation in a file that is worth a document."""
MIN_SHARE = 0.25
"""Of documentation in a module: parsing costs time by the size of the code."""
HEADING_BYTES = 48
"""Allowed per docstring for the name above it."""
MAX_MISSES = 16
"""Files that no longer fit into max_bytes before planning stops."""
SKIPPED = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "idle_test", "node_modules"}
OWN = Path(__file__).parents[3].resolve()
"""Where gristmill is installed: its own text is left out."""
DOCSTRING = re.compile(rb"^([ \t]*)[rRuU]?(\"\"\"|''')(.*?)\2", re.MULTILINE | re.DOTALL)
LICENCE = re.compile(r"(licen[cs]e|notice|copying|authors)", re.IGNORECASE)


def roots() -> dict[str, Path]:
    """Where documentation is looked for, by the first part of its path: the standard library and installed packages."""
    paths = sysconfig.get_paths()
    found = {"stdlib": paths["stdlib"], "site-packages": paths["purelib"], "site-packages-native": paths["platlib"]}
    unique: dict[str, Path] = {}
    for label, path in found.items():
        folder = Path(path).resolve()
        if folder.is_dir() and folder not in unique.values():
            unique[label] = folder
    return unique


def plan_machine(max_bytes: int | None, where: dict[str, Path] | None = None) -> Iterator[tuple[Split, int]]:
    """(a whole file, its size) in hash order, as many as hold at most `max_bytes` of text; all without that.

    How much text a module holds is estimated from above, without parsing it.
    """
    where = where or roots()
    names = [f"{label}/{path}" for label, root in where.items() for path in _walk(root)]
    left = max_bytes if max_bytes is not None else 1 << 62
    misses = 0
    for name in sorted(names, key=lambda name: (xxhash.xxh3_64_intdigest(name.encode()), name)):
        try:
            data = _read(name, where)
        except OSError:
            continue
        size = _estimate(name, data)
        if size > left:
            misses += 1
            if misses == MAX_MISSES:
                return
        elif size:
            left -= size
            yield Split(name, 0, len(data), len(data), xxhash.xxh3_64_hexdigest(data)), len(data)


def read_machine(split: Split, context: Context, where: dict[str, Path] | None = None) -> Iterator[Item]:
    """The document of one file; its id is the path, the top folder is `package` in `meta`. Raises InputError when it
    changed."""
    try:
        data = _read(split.path, where or roots())
    except FileNotFoundError:
        data = b""
    if xxhash.xxh3_64_hexdigest(data) != split.etag:
        fix = "run again: planning takes the packages as they are now"
        raise InputError("the file has changed since it was planned", where=split.path, fix=fix)
    row = context.next_row()
    try:
        kind, text = _text(split.path, data)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        yield dead_letter(row, split.path, 0, _words(error), data)
        return
    if not text:
        yield Aside("machine_no_documentation")
        return
    identity = context.identify(split.path, data)
    record = {"kind": kind, "package": split.path.split("/")[1].removesuffix(".py")}
    url, language, typed, meta = context.fields.take_rest(record)
    yield context.not_sampled(identity) or Document(
        row, identity, split.path, utf8(text, "text"), url, language, len(data), meta, typed
    )


def _walk(root: Path) -> Iterator[str]:
    """Files below the root that may hold documentation, by path."""
    for parent, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if name not in SKIPPED and not name.startswith((".", "gristmill-")) and Path(parent, name) != OWN
        ]
        below = parent[len(str(root)) :].strip(os.sep).replace(os.sep, "/")
        in_metadata = below.split("/")[0].endswith(".dist-info")
        for name in names:
            wanted = name.endswith(".py") or (in_metadata and (name == "METADATA" or LICENCE.match(name)))
            # A FIFO would wait for ever; an id is UTF-8.
            if wanted and os.path.isfile(os.path.join(parent, name)) and utf8_text(below + name) == below + name:
                yield f"{below}/{name}" if below else name


def _read(name: str, where: dict[str, Path]) -> bytes:
    label, _, path = name.partition("/")
    return (where[label] / path).read_bytes()


def _estimate(name: str, data: bytes) -> int:
    """At least the bytes of the file's document, 0 where it is not worth one: every long string that begins a line
    counts."""
    if not name.endswith(".py"):
        return len(data) if len(data) >= MIN_BYTES else 0
    found = DOCSTRING.findall(data)
    lengths = [len(text) - len(indent) * text.count(b"\n" + indent) for indent, _, text in found]
    text = sum(lengths)
    return text + HEADING_BYTES * (len(lengths) + 1) if text >= max(MIN_BYTES, MIN_SHARE * len(data)) else 0


def _text(name: str, data: bytes) -> tuple[str, str]:
    """(kind, text) of a file. Raises what parsing Python or decoding text raises."""
    if name.endswith(".py"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other people's code: invalid escapes and the like
            tree = ast.parse(data)
        module = ".".join(name.removesuffix(".py").removesuffix("/__init__").split("/")[1:])
        parts = [f"{title}\n\n{doc}" for title, doc in _docstrings(tree, module)]
        return "docstrings", "\n\n".join(parts)
    text, encoding = decode_text(data)
    check_decoded(text, encoding)
    if name.endswith("/METADATA"):
        return "description", text.replace("\r\n", "\n").partition("\n\n")[2].strip()
    return "licence", text.strip()


def _docstrings(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, title: str
) -> Iterator[tuple[str, str]]:
    """(qualified name, docstring) of a module, its classes and functions, in the order of the file."""
    if doc := ast.get_docstring(node):
        yield title, doc
    prefix = "" if isinstance(node, ast.Module) else f"{title}."
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstrings(child, f"{prefix}{child.name}")


def _words(error: Exception) -> str:
    """What is wrong with a module, without its text."""
    if isinstance(error, BadRecordError):
        return str(error)
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: line {error.lineno}" if error.lineno else type(error).__name__
    return f"{type(error).__name__}: the module cannot be parsed"


READER = Reader(items=read_machine, inputs=lambda source: plan_machine(source.max_bytes))
