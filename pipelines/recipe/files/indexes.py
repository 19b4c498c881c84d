"""The indexes that a recipe deduplicates against: found, and compared with what the recipe makes."""

import hashlib
import os
import re
from pathlib import Path

from gristmill.filters.dedup.fingerprint_file import HASHES
from gristmill.filters.dedup.fingerprints import describe
from gristmill.filters.dedup.urls import describe_urls
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.recipe.files.index_files import MANIFEST, NAME, TakenIndex
from gristmill.pipelines.recipe.files.named_files import Fetch, ProblemError, near_files
from gristmill.pipelines.recipe.wording import RecipePath
from gristmill.pipelines.records.sealed import unseal


def read_indexes(
    recipe: schema.Recipe, folder: Path, fetch: Fetch | None
) -> tuple[tuple[TakenIndex, ...], list[tuple[RecipePath, str]]]:
    """What `deduplicate.against` names, and what is wrong with others: where, and what to do."""
    found: list[TakenIndex] = []
    problems: list[tuple[RecipePath, str]] = []
    options = recipe.deduplicate
    for number, path in enumerate(options.against if options else ()):
        try:
            index = read_index(path, folder, fetch)
            _check(index, recipe, [one.name for one in found])
            found.append(index)
        except ProblemError as problem:
            problems.append((("deduplicate", "against", number), problem.text))
    return tuple(found), problems


def read_index(path: str, folder: Path, fetch: Fetch | None) -> TakenIndex:
    """The index at a path, which starts from `folder`, or at an address. Raises ProblemError."""
    remote = "://" in path
    at = folder / Path(path).expanduser()
    manifest = (fetch(f"{path.rstrip('/')}/{MANIFEST}") if fetch else None) if remote else at / MANIFEST
    if manifest is None or not manifest.is_file():
        hint = "" if remote else near_files(at)
        raise ProblemError(
            "", f"'{path}' is no index: it has no {MANIFEST}; `gristmill index build RUN` makes one{hint}"
        )
    place = path.rstrip("/") if remote else os.path.abspath(at)
    try:
        raw = manifest.read_bytes()
        said = unseal(raw, path)
        files = tuple((file["path"], int(file["documents"])) for file in said["files"])
        if not re.fullmatch(NAME, said["name"]):
            raise ValueError(said["name"])
        versions = said["hashes"], said["minhash"], said.get("urls")  # the last one is younger than the first indexes
        return TakenIndex(said["name"], place, hashlib.sha256(raw).hexdigest(), *versions, files)
    except (OSError, DamageError, ValueError, KeyError, TypeError):
        what = f"the index '{path}' is damaged: its {MANIFEST} is not as it was written"
        raise ProblemError("", f"{what}; build it again from its run") from None


def _check(index: TakenIndex, recipe: schema.Recipe, before: list[str]) -> None:
    """Raises ProblemError for an index that documents of this recipe cannot be compared with."""
    assert recipe.deduplicate is not None
    minhash = recipe.deduplicate.minhash
    if index.hashes != HASHES.decode():
        what = f"'{index.name}' holds hashes of another version ('{index.hashes}', here '{HASHES.decode()}')"
        raise ProblemError("", f"{what}: build it again from its run")
    if minhash is not None and index.minhash != describe(minhash):
        what = f"'{index.name}' was made with {index.minhash}; this recipe has {describe(minhash)}"
        fix = "give `minhash` the same bands, rows, shingle and seed, or run its recipe again with these and build anew"
        raise ProblemError("", f"{what}: {fix}")
    urls = recipe.deduplicate.urls
    if urls is not None and index.urls is None:
        fix = "leave `urls` out, or run its recipe again with `urls` and build anew"
        raise ProblemError("", f"'{index.name}' knows no addresses: {fix}")
    if urls is not None and index.urls != describe_urls(urls.www):
        what = f"'{index.name}' was made with {index.urls}; this recipe has {describe_urls(urls.www)}"
        raise ProblemError("", f"{what}: give `urls` the same `www`, or run its recipe again and build anew")
    if index.name in before:
        fix = "the ledger tells them apart by name: build or merge one again with another `--name`"
        raise ProblemError("", f"two indexes are called '{index.name}'; {fix}")
