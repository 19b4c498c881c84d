"""Which files a path of a recipe means. What is no file, or leads to none, is set aside by name and never opened."""

import errno
import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gristmill.filters.names import near_file
from gristmill.pipelines.errors import InputError, utf8_text
from gristmill.pipelines.read.files import File, compression_of
from gristmill.pipelines.storage.addresses import check_address, is_remote
from gristmill.pipelines.storage.layout import LOCK_FILE, RECIPE, STATE
from gristmill.pipelines.storage.remote import attempt, connect, etag_of

if TYPE_CHECKING:
    import fsspec

KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
WHY = {
    errno.ELOOP: "a link that leads back to itself",
    errno.EACCES: "no right to look at it",
    errno.EPERM: "no right to look at it",
}

ONE_SLASH = re.compile(r"([a-z][a-z0-9]+):/?(?=[^/])")
"""An address that lost a slash."""
SHOWN = 10
"""Names in a folder that an error lists."""

A_RUN = "a run directory; name a folder in it to read that"


class SetAside(NamedTuple):
    """Something that stands where a file was looked for."""

    path: str
    why: str


@dataclass
class Listing:
    """What was found. `real`: file -> what tells two names of one file."""

    files: list[File] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    real: dict[File, str] = field(default_factory=dict)

    def add(self, path: str, real: str | None = None) -> None:
        """A file of this machine, or what is there instead; `real`: its path without links, where it is known."""
        try:
            status = os.stat(path)
        except OSError as error:
            self.set_aside(path, error)
            return
        if not stat.S_ISREG(status.st_mode):
            self.aside.append(SetAside(path, KINDS.get(stat.S_IFMT(status.st_mode), "no file")))
            return
        file = File(path, status.st_size, str(status.st_mtime_ns))
        self.files.append(file)
        if status.st_nlink > 1:
            self.real[file] = f"{status.st_dev}:{status.st_ino}"
        else:
            self.real[file] = os.path.realpath(path) if real is None or os.path.islink(path) else real

    def set_aside(self, path: str, error: OSError) -> None:
        """Something that the operating system does not let us look at."""
        missing = "a link that leads nowhere" if os.path.islink(path) else "gone since it was listed"
        why = missing if error.errno == errno.ENOENT else WHY.get(error.errno or 0, error.strerror or "no file")
        self.aside.append(SetAside(path, why))

    def extend(self, other: "Listing") -> None:
        """What another path means as well."""
        self.files += other.files
        self.aside += other.aside
        self.real |= other.real

    def each_once(self) -> list[File]:
        """The files in order, each real one once: under its own name where that is among them, else the first."""
        chosen: dict[str, File] = {}
        for file in self.files:
            real = self.real.get(file, file.path)
            if real not in chosen or file.path == real:
                chosen[real] = file
        return list(chosen.values())


def find_files(path: str, recipe_dir: Path, suffixes: tuple[str, ...], where: str) -> Listing:
    """The files of one path of a recipe (a file, a folder, a pattern or a URL), sorted by path.

    Folders are searched through, for names that end in a suffix; hidden files (. and _) are left out. Links are
    followed. `where` names the recipe's key in errors. Raises InputError when nothing matches.
    """
    apart = is_remote(path)
    if apart:
        check_address(path, where)
    try:
        found = _find_remote(path, suffixes) if apart else _find_local(path.split("://")[-1], recipe_dir, suffixes)
    except OSError as error:
        what = f"cannot list '{path}': {error.strerror or type(error).__name__}: {error.filename or path}"
        raise InputError(
            what, where=where, fix="check the rights, and that the address or link leads somewhere"
        ) from error
    if found.files or found.aside:
        found.files.sort(key=lambda file: file.path)
        found.aside.sort()
        return found
    raise InputError(f"nothing matches '{path}'", where=where, fix=_advice(path, apart, recipe_dir, suffixes))


def _advice(path: str, apart: bool, recipe_dir: Path, suffixes: tuple[str, ...]) -> str:
    """What to do about a path that matches nothing."""
    names = ", ".join(suffixes)
    searched = f"a folder is searched for {names}, a pattern such as '{path.rstrip('/')}/*' takes any file"
    if apart:
        hidden = "; a private or gated data set needs HF_TOKEN" if path.startswith("hf://") else ""
        return f"check the path{hidden}; {searched}"
    if scheme := ONE_SLASH.match(path):
        return f"an address has two slashes: '{scheme[1]}://{path[scheme.end() :]}'"
    if "$" in path:
        return "write the path itself: variables such as $DATA are not filled in"
    start = f"relative paths start from {recipe_dir.absolute()}"
    full = Path(recipe_dir.absolute(), os.path.expanduser(path))
    if full.is_dir():
        return f"{searched}; there are: {_listed(full)}" if _names(full) else f"the folder {full} is empty"
    folder = full.parent
    if not glob.has_magic(str(folder)) and not folder.is_dir():
        return f"there is no folder {folder}; {start}"
    if glob.has_magic(path):
        return f"check the pattern; {start}" + (f"; there are: {_listed(folder)}" if folder.is_dir() else "")
    close = near_file(full.name, _names(folder))
    return f"did you mean '{close}'? {start}" if close else f"there are: {_listed(folder)}; {start}"


def _names(folder: Path) -> list[str]:
    """Of what is seen in a folder; none where it cannot be looked at."""
    try:
        return sorted(utf8_text(name) for name in os.listdir(folder) if not name.startswith((".", "_")))
    except OSError:
        return []


def _listed(folder: Path) -> str:
    names = _names(folder)
    return ", ".join(names[:SHOWN] or ["nothing"]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def fits(name: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a name ends in a suffix, in any case, less that of a compression."""
    name = name.lower()
    return (os.path.splitext(name)[0] if compression_of(name) else name).endswith(suffixes)


def _find_local(path: str, recipe_dir: Path, suffixes: tuple[str, ...]) -> Listing:
    path, folder = os.path.expanduser(path), str(recipe_dir.absolute())
    full = os.path.normpath(os.path.join(folder, path))
    pattern = os.path.normpath(os.path.join(glob.escape(folder), path))  # the recipe's folder may be called [a]
    found = Listing()
    named = os.path.lexists(full)
    for match in [full] if named else _matches(pattern):
        if os.path.isdir(match):
            if not named and _is_run(os.listdir(match)):
                found.aside.append(SetAside(match, A_RUN))
                continue
            _search(match, suffixes, found)
        else:
            found.add(match)
    return found


def _search(top: str, suffixes: tuple[str, ...], found: Listing) -> None:
    before, hollow = len(found.files), []
    for folder, real, names in _folders(top, found, (".", "_"), past_runs=True):
        for name in names:
            if fits(name, suffixes):
                found.add(os.path.join(folder, name), os.path.join(real, name))
        if "" not in suffixes and fits(folder, suffixes):  # of a format whose files have a name of their own
            hollow.append(folder)
    for folder in hollow:
        if not any(file.path.startswith(folder + os.sep) for file in found.files[before:]):
            found.aside.append(SetAside(folder, "a folder, with no such file in it"))


def _folders(
    top: str, found: Listing, hidden: tuple[str, ...], past_runs: bool = False
) -> Iterator[tuple[str, str, list[str]]]:
    """(folder, its path without links, names of its files): of a folder and all below it, each real one once.

    past_runs: run directories below it are set aside; a run that reads what it writes would find its input changed.
    Links to folders come last, so that a folder goes by its own name where it has one below the top.
    """
    seen: set[str] = set()
    links = [top]

    def fail(error: OSError) -> None:
        found.set_aside(error.filename, error)

    for link in links:
        for folder, below, names in os.walk(link, onerror=fail):
            real = os.path.realpath(folder)
            if real in seen:
                below.clear()
                continue
            seen.add(real)
            if past_runs and folder != top and _is_run(names):
                found.aside.append(SetAside(folder, A_RUN))
                below.clear()
                continue
            below[:] = sorted(name for name in below if not name.startswith(hidden))
            links += filter(os.path.islink, (os.path.join(folder, name) for name in below))
            yield folder, real, [name for name in names if not name.startswith(hidden)]


def files_below(top: Path) -> list[Path]:
    """All files of a folder, hidden ones left out, sorted; links to folders are followed, each real one once, so that a
    circle of them ends."""
    return sorted(Path(folder, name) for folder, _, names in _folders(str(top), Listing(), (".",)) for name in names)


def _is_run(names: list[str]) -> bool:
    """Whether a folder with such files is a run directory, if only the one that this run has just begun."""
    return STATE in names and (RECIPE in names or LOCK_FILE in names)


def _matches(pattern: str) -> list[str]:
    """What a pattern matches. Of `**` our own walk: glob's goes round a loop of links until names are too long."""
    parts = pattern.split(os.sep)
    if "**" not in parts:
        return sorted(glob.glob(pattern))
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    top = os.sep.join(parts[:fixed]) or os.sep
    matches = []
    for folder, _, names in _folders(top, Listing(), ()):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            if _match(path[len(top) :].strip(os.sep).split(os.sep), parts[fixed:]):
                matches.append(path)
    return sorted(matches)


def _match(names: list[str], parts: list[str]) -> bool:
    """Whether the names of a path match the parts of a pattern, as glob has it: * and ** pass over hidden names."""
    if not parts:
        return not names
    if parts[0] == "**":
        shown = next((i for i, name in enumerate(names) if name.startswith(".")), len(names))
        return any(_match(names[i:], parts[1:]) for i in range(shown + 1))
    hidden = names and names[0].startswith(".") and not parts[0].startswith(".")
    return bool(names) and not hidden and fnmatch.fnmatchcase(names[0], parts[0]) and _match(names[1:], parts[1:])


def _find_remote(path: str, suffixes: tuple[str, ...]) -> Listing:
    try:
        return attempt(lambda: _list_remote(path, suffixes), path, InputError)
    except FileNotFoundError:
        return Listing()


def _list_remote(path: str, suffixes: tuple[str, ...]) -> Listing:
    fs, inner = connect(path)
    if glob.has_magic(inner):
        matches: dict[str, dict[str, Any]] = fs.glob(inner, detail=True)
        if not matches:
            fs.ls(inner.split("*")[0].rpartition("/")[0])  # says so where there is no such folder or bucket
    else:
        matches = {inner: fs.info(inner)}
    files: list[File] = []
    for match, known in matches.items():
        if known["type"] != "directory":
            files.append(_remote_file(fs, known))
            continue
        for name, info in fs.find(match, detail=True).items():
            below = name[len(match) :].strip("/").split("/")
            if fits(name, suffixes) and not any(part.startswith((".", "_")) for part in below):
                files.append(_remote_file(fs, info))
    return Listing(files)


def _remote_file(fs: "fsspec.AbstractFileSystem", info: dict[str, Any]) -> File:
    return File(fs.unstrip_protocol(info["name"]), int(info["size"] or 0), etag_of(info))
