"""Addresses of pages as lists are asked for them: one spelling for a host, and all that an entry may say of it."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
WORD = re.compile(r"[^\W_]+")
"""What a word of an address is: letters and digits between marks."""
PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
HAN = re.compile(r"[\u3400-\u9fff]+")
HAN_LOOKED_AT = 64
DEPTH = 32
"""Labels of a host, from its end, and folders of a path that are looked at: an address can be of any depth."""


def host_and_path(address: str) -> tuple[str, str]:
    """(host, path with its leading "/") of an address or of an entry such as example.com/ads; "" where there is none.

    The host in lower case and ASCII (punycode), without `www.`, user, port and the full stop at its end; the path
    without query and fragment.
    """
    rest = SCHEME.sub("", address.strip()).removeprefix("//")
    cut = min((place for mark in "/?#\\" if (place := rest.find(mark)) >= 0), default=len(rest))
    authority, tail = rest[:cut], rest[cut:]
    path = re.split(r"[?#]", tail.replace("\\", "/"), maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    if host.startswith("["):  # an IPv6 address keeps its colons
        host = f"{host.partition(']')[0]}]"
    else:
        host = host.partition(":")[0]
    return plain_host(host), path


def page(address: str) -> str:
    """host/path?query of an address: as lists spell it, percent signs decoded, without "/" at the path's end, with its
    query, which tells pages apart; "" where there is no host."""
    host, path = host_and_path(address)
    if not host or re.search(r"\s", host):
        return ""
    query = address.strip().partition("#")[0].partition("?")[2]
    path = "/".join(folders(path))
    return f"{host}{'/' if path else ''}{path}{'?' if query else ''}{query}"


def folders(path: str) -> list[str]:
    """What stands between the slashes of a path, percent signs decoded."""
    return [part for part in decoded(path).split("/") if part]


def decoded(path: str) -> str:
    """A path without percent signs. One of bytes that are no UTF-8 (GBK) stays as it stands, in capital hexadecimal
    digits: replacement characters would make one of different pages."""
    if "%" not in path:
        return path
    try:
        return unquote(path, errors="strict")
    except UnicodeDecodeError:
        return PERCENT.sub(lambda found: found[0].upper(), path)


def plain_host(host: str) -> str:
    """One spelling of a host: lower case, punycode, without `www.` and the full stop at its end."""
    return without_www(ascii_host(host))


@lru_cache(4096)
def ascii_host(host: str) -> str:
    """A host in lower case and punycode, without the full stop at its end."""
    host = (unquote(host) if "%" in host else host).strip().lower()
    if not host.isascii():
        host = ".".join(_ascii(label) for label in re.split(r"[.\u3002\uff0e\uff61]", host))
    return host.rstrip(".")


def without_www(host: str) -> str:
    """The host without `www.`, unless that is a domain by itself."""
    while host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    return host


def _ascii(label: str) -> str:
    """A label of a host as DNS knows it (RFC 3490); as it stands where it cannot be one."""
    if label.isascii():
        return label
    try:
        return label.encode("idna").decode("ascii")
    except UnicodeError:
        return label


def domains(host: str) -> list[str]:
    """The host and every domain above it: a.b.cn, b.cn, cn; an IP address by itself."""
    if re.fullmatch(r"[0-9.]+|\[.*\]", host):
        return [host]
    labels = host.split(".")[-DEPTH:]
    return [".".join(labels[start:]) for start in range(len(labels))]


def prefixes(host: str, path: str) -> list[str]:
    """What an entry with a path can be for a page: host/a/b/c.html, host/a/b, host/a."""
    parts = folders(path)[:DEPTH]
    return [f"{host}/{'/'.join(parts[:length])}" for length in range(len(parts), 0, -1)]


def words(host: str, path: str) -> list[str]:
    """The words of an address, in lower case: what stands between marks, of the host as it is read (not punycode).

    Han characters have no marks between words: every row of up to six of them is one.
    """
    shown = ".".join(_shown(label) for label in host.split("."))
    found = WORD.findall(plain_words(f"{shown} {decoded(path)}"))
    for run in HAN.findall(" ".join(found)):
        found += [run[i : i + n] for n in range(1, 7) for i in range(min(len(run), HAN_LOOKED_AT) - n + 1)]
    return found


def plain_words(text: str) -> str:
    """Words in small letters, full-width ones as ASCII, accents composed (NFKC)."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def _shown(label: str) -> str:
    try:
        return label.encode("ascii").decode("idna") if label.startswith("xn--") else label
    except UnicodeError:
        return label
