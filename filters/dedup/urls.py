"""The addresses of one page in one spelling, so that a page that was fetched twice is known by its address."""

import re
from urllib.parse import quote, unquote

import numpy as np
import pyarrow as pa
import xxhash

from gristmill.filters.lists.addresses import SCHEME, ascii_host, without_www

VERSION = "gristmill urls-1"
"""Changes whenever any address gets another spelling: indexes of another version are not comparable."""

TRACKING = re.compile(
    r"utm_\w*|g?clid|gclsrc|dclid|gbraid|wbraid|srsltid|_ga|_gl"  # Google
    r"|fbclid|igshid?|msclkid|twclid|ttclid|li_fat_id|yclid|_openstat|epik|rdt_cid|sccid"  # other networks
    r"|mc_[ce]id|_hs(enc|mi)|__hs(fp|sc|tc)|hsctatracking|mkt_tok|vero_(conv|id)|oly_(anon|enc)_id|_kx|ml_subscriber\w*"
    r"|spm|scm|bd_vid|hm(sr|pl|cu|kw|ci)|(qz_)?gdt|gdt_vid|vd_source|share_(source|medium|plat|session_id|tag|times)"
)
"""Names, in lower case, of parameters that say who sent a reader, never which page: links of campaigns and mails, of
Google, Facebook, Instagram, Microsoft, TikTok, X, LinkedIn, Yandex, Pinterest, Reddit, Mailchimp, HubSpot, Marketo, and
of Taobao (spm, scm), Baidu (bd_vid, hm..), Tencent (gdt), Bilibili (vd_source, share_..)."""

DEFAULT_PORTS = {"http": (80, 443), "https": (80, 443), "ftp": (21,)}
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
KEPT = "!$&'()*+,;=:@/?[]%|"
"""Characters beside the unreserved ones that stand for themselves in a path or query (RFC 3986, 2.2)."""
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_NO_HOST = re.compile(r"[\s/?#@\\%<>^|]")


def describe_urls(www: bool) -> str:
    """What keys of addresses must have in common to be comparable, as files of them say it."""
    return f"{VERSION}, www. {'does not count' if www else 'counts'}"


def normalised_url(url: str, www: bool = True) -> str:
    """One spelling of an address; "" for what has no scheme and host, and so names no page for certain.

    As one count (RFC 3986, 6.2, and what the web does beyond it):
    * http and https; a host in any case, with a full stop at its end, as Unicode or punycode (IDNA 2003); with `www.`
      before it, where `www` is true; a port that these schemes have anyway; any user and password
    * a path with "." and ".." in it and what they lead to, "\\" and "/", with and without "/" at its end
    * percent signs in any case; where they stand for a letter, digit, "-", ".", "_" or "~", that character; where they
      stand for the UTF-8 of any other letter, that letter
    * parameters in any order, those of one name in theirs; with and without empty ones and those of TRACKING
    * any fragment.
    All else tells pages apart: the case of a path, "//" inside of it, `index.html`, a parameter of any other name.
    """
    url = re.sub("[\\t\\n\\r]", "", url.strip())
    found = SCHEME.match(url)
    if found is None and not url.startswith("//"):
        return ""
    scheme = found[0][:-3].lower() if found else "http"
    rest, _, query = (url[found.end() :] if found else url[2:]).partition("#")[0].partition("?")
    authority, slash, path = rest.replace("\\", "/").partition("/")
    host = _host(authority.rpartition("@")[2], scheme, www)
    if not host:
        return ""
    path = _path(_escaped(path)) if slash else ""
    query = _query(_escaped(query)) if query else ""
    return f"{'http' if scheme == 'https' else scheme}://{host}{path}{'?' if query else ''}{query}"


def url_keys(url: pa.Array, www: bool = True) -> np.ndarray:
    """uint64[D, 2]: 128-bit hashes of normalised addresses; zeros where a document has none."""
    key_D2 = np.zeros((len(url), 2), np.uint64)
    for document, one in enumerate(url.to_pylist()):
        if one and (normal := normalised_url(one, www)):
            digest = xxhash.xxh3_128_intdigest(normal.encode(errors="replace"))
            key_D2[document] = digest >> 64, digest & (1 << 64) - 1
    return key_D2


def _host(authority: str, scheme: str, www: bool) -> str:
    """Host and port, "" where there is none."""
    if authority.startswith("["):  # an IPv6 address keeps its colons
        host, _, port = authority.partition("]")
        host, port = f"{host.lower()}]", port.removeprefix(":")
    else:
        host, _, port = authority.partition(":")
        host = ascii_host(host)
        host = without_www(host) if www else host
        if "[" in host:
            return ""
    if not host.strip(".") or _NO_HOST.search(host) or (port and not re.fullmatch("[0-9]{1,5}", port)):
        return ""
    return host if not port or int(port) in DEFAULT_PORTS.get(scheme, ()) else f"{host}:{int(port)}"


def _escaped(text: str) -> str:
    """Percent signs only where they must be, in upper case, over UTF-8."""
    if "%" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return quote(text, KEPT, errors="replace")


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in UNRESERVED else found[0].upper()


def _path(path: str) -> str:
    """Without dots (RFC 3986, 5.2.4) and without "/" at its end; with "/" before it unless it is empty."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    whole = "/".join(parts).rstrip("/")
    return f"/{whole}" if whole else ""


def _query(query: str) -> str:
    """Parameters by name, without empty ones and those that track."""
    named = [(part.partition("=")[0], part) for part in query.split("&") if part]
    named.sort(key=lambda one: one[0])
    return "&".join(part for name, part in named if not TRACKING.fullmatch(unquote(name).lower()))
