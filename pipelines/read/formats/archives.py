"""Files within tar and zip archives, one after another in bounded memory; nothing is ever written to a disk."""

import io
import posixpath
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple, Self

from gristmill.pipelines.errors import BadRecordError, utf8_text
from gristmill.pipelines.read.files import compression_of, open_file
from gristmill.pipelines.read.formats.user_defined import stream_of
from gristmill.pipelines.read.formats.whole_files import hold
from gristmill.pipelines.read.streams import RAW_BYTES, BrokenStreamError, pieces
from gristmill.pipelines.records.dead_letters import Passing

TAR = (".tar", ".tgz", ".tbz2", ".txz", ".tzst")
ZIP = (".zip", ".epub")
MAX_ENTRIES = 1_000_000
EXPANDED_BYTES, EXPANSION = 1 << 30, 200
"""An archive may expand to so many bytes, or to so many times its own size."""
ENCRYPTED = 0x1
UTF8_NAME = 0x800


class Entry(NamedTuple):
    """A file of an archive: its cleaned path, where it begins, its bytes or what passed, and what is wrong with it."""

    path: str
    offset: int
    body: bytes | Passing
    error: str = ""


class BrokenArchiveError(BadRecordError):
    """Nothing can be read from here on; all before was delivered."""


class _Member(tarfile.TarInfo):
    """A damaged header is an error: tarfile takes any behind the first for the end of the archive, without a word."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from None


def is_tar(path: str) -> bool:
    """Whether a file is called like a tar archive, whatever it is packed with."""
    name = path.lower()
    return name.endswith(TAR) or (compression_of(name) is not None and name.rsplit(".", 1)[0].endswith(".tar"))


def is_zip(path: str) -> bool:
    """Whether a file is called like a zip archive."""
    return path.lower().endswith(ZIP)


def entries(path: str, size: int, limit: int, wanted: Callable[[str], bool] = lambda path: True) -> Iterator[Entry]:
    """The files of an archive that are wanted, in its order; links, devices and folders are none. A file of more than
    `limit` bytes is not held. Raises BrokenArchiveError."""
    left = max(EXPANDED_BYTES, EXPANSION * size)
    found = _of_tar(path, limit, wanted) if is_tar(path) else _of_zip(path, limit, wanted)
    for number, entry in enumerate(found):
        yield entry
        left -= len(entry.body) if isinstance(entry.body, bytes) else entry.body.length
        if number == MAX_ENTRIES or left < 0:
            raise BrokenArchiveError("ArchiveBomb: the archive holds too many files, or expands beyond all measure")


def _of_tar(path: str, limit: int, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    with open_file(path) as file:
        stream = stream_of(pieces(file, compression_of(path)))
        try:
            with tarfile.open(
                fileobj=stream,
                mode="r|",
                errors="surrogateescape",
                tarinfo=_Member,
                ignore_zeros=True,  # archives joined by `cat`, and the checksum behind them
            ) as tar:
                for member in tar:
                    tar.members = []  # type: ignore[attr-defined]  # it would remember all
                    name = clean(member.name)
                    if member.isreg() and wanted(name):
                        body, error = hold(_blocks(tar.extractfile(member)), limit)
                        yield Entry(name, member.offset_data, body, error)
        except BrokenStreamError as error:
            raise BrokenArchiveError(f"{error} (rest of the archive)") from error
        except (tarfile.TarError, EOFError, ValueError) as error:
            raise BrokenArchiveError(f"{type(error).__name__}: no tar from here on (rest of the archive)") from error


def _of_zip(path: str, limit: int, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    try:
        with open_file(path) as raw, zipfile.ZipFile(io.BufferedReader(raw)) as archive:  # type: ignore[type-var]
            for info in archive.infolist()[: MAX_ENTRIES + 1]:
                name = clean(_name(info))
                is_file = not info.is_dir() and (info.external_attr >> 28) in (0, 8)
                if is_file and wanted(name):
                    yield _of_info(archive, info, name, limit)
    except (zipfile.BadZipFile, ValueError, EOFError, RuntimeError) as error:
        raise BrokenArchiveError(f"{type(error).__name__}: no zip archive that can be read") from error


def _of_info(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, limit: int) -> Entry:
    if info.flag_bits & ENCRYPTED:
        return Entry(name, info.header_offset, Passing(), "EncryptedFile: the archive's file needs a password")
    body: bytes | Passing = Passing()
    try:
        with archive.open(info) as file:
            body, error = hold(_blocks(file), limit)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as raised:
        error = f"{type(raised).__name__}: the archive's file cannot be unpacked"
    return Entry(name, info.header_offset, body, error)


def _blocks(file: IO[bytes] | None) -> Iterator[bytes]:
    return iter(lambda: file.read(RAW_BYTES) if file else b"", b"")


def _name(info: zipfile.ZipInfo) -> str:
    """Names without a mark of UTF-8 are what the machine at hand wrote: UTF-8, GB 18030, or the standard's cp437."""
    if info.flag_bits & UTF8_NAME:
        return info.filename
    try:
        data = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for codec in ("utf-8", "gb18030"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            pass
    return info.filename


def clean(name: str) -> str:
    """A path below the archive's top: without leading slashes, `.` and `..`."""
    return utf8_text(posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/"))
