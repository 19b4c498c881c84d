"""Addresses such as s3://bucket/run: whether something here opens them, and that they hold no credentials."""

import os
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from gristmill.filters.imports import Later
from gristmill.pipelines.errors import RecipeError

fsspec = Later("fsspec")

EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "hf": "hf"}
"""Protocol -> the extra of our distribution that brings its package; fsspec names the package of any other."""
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws, or the machine's role",
    "hf": "HF_TOKEN, or `hf auth login`; a gated data set wants its terms accepted on the hub",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, `gcloud auth application-default login`, or the machine's account",
}
ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "hf": "HF_ENDPOINT", "gs": "STORAGE_EMULATOR_HOST"}
"""What tells another address of the store."""
# gcsfs would ask over gRPC what kind of bucket each is: threads that do not outlive a fork, a minute where that fails.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
_SECRET = re.compile(
    r"secret|token(?!iz)|passw|passphrase|signature|credential|(account|access)_?key|^(sig|key)$", re.IGNORECASE
)
# None of these looks at a character twice: what follows a sign is asked for in a second step.
_WORD = re.compile(r"[^\s@]+@?")
_PASSWORD = re.compile(r"://(?=[^/][^/:]*:)")
_PARAMETER = re.compile(r"[?&]([^=&\s]*)=?")
_PARAMETERS_SECRET = re.compile(r"secret|token|passw|credential|sig", re.IGNORECASE)
_VALUE = re.compile(r"[^&\s'\"]+")


def is_remote(path: str) -> bool:
    """Whether a path is an address that goes through fsspec."""
    return "://" in path and not path.startswith(("file://", "local://"))


def check_address(url: str, where: str) -> None:
    """Raises RecipeError for an address that holds a password, key or signature, or that nothing here opens."""
    rest = url.split("://", 1)[1]
    user, at, _ = rest.split("/", 1)[0].rpartition("@")
    # A secret key may hold slashes, so its @ may come after one; what looks like it after a host is a port.
    password = ":" in user if at else "@" in rest and re.search(r":(?!\d+$)", rest.split("/", 1)[0])
    query = parse_qsl(rest.partition("?")[2], keep_blank_values=True)
    if password or any(_SECRET.search(name.rpartition("-")[2]) for name, _ in query):
        raise RecipeError(
            f"the address holds credentials: {redacted(url)}",
            where=where,
            fix="take them out: addresses are kept in the run; the environment or fsspec's configuration holds them",
        )
    if not rest.strip("/"):
        fix = f"write all of it, such as {url.split('://')[0]}://bucket/folder"
        raise RecipeError(f"the address '{url}' names no bucket or host", where=where, fix=fix)
    load(url, where)


def load(url: str, where: str) -> None:
    """Import what opens an address. Starts no thread, so a parent may do it for the workers that it forks."""
    try:
        for link in url.split("::"):  # fsspec's chains, such as zip://a.jsonl::s3://bucket/a.zip
            protocol = protocol_of(link)
            fsspec.get_filesystem_class(protocol)
    except ValueError as error:
        fix = "use a local folder, s3://, gs://, or another protocol of fsspec"
        raise RecipeError(f"unknown protocol '{protocol}://'", where=where, fix=fix) from error
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        fix = f"pip install 'gristmill[{extra}]'" if extra else f"install what fsspec asks for: {error}"
        raise RecipeError(f"nothing here opens {protocol}:// addresses", where=where, fix=fix) from error


def protocol_of(url: str) -> str:
    """s3://bucket/a -> s3; of a link of a chain that is a plain path: file."""
    return url.split("://", 1)[0] if "://" in url or url in fsspec.available_protocols() else "file"


def secrets() -> Iterator[str]:
    """Passwords, keys and tokens that this process can see in its environment and in fsspec's configuration."""
    held = list(os.environ.items())
    for options in fsspec.config.conf.values():
        held += options.items() if isinstance(options, dict) else ()
    for name, value in held:
        if _SECRET.search(name) and isinstance(value, str) and len(value) >= 8 and not os.path.exists(value):
            yield value


def redacted(text: str) -> str:
    """A text for people or logs, without credentials: those of addresses, and those that `secrets` knows."""
    text = _WORD.sub(_without_password, text)
    pieces, position = [], 0
    for name in _PARAMETER.finditer(text):
        hides = name[0].endswith("=") and _PARAMETERS_SECRET.search(name[1])
        value = _VALUE.match(text, name.end()) if hides else None
        if value and value.start() >= position:
            pieces += [text[position : value.start()], "***"]
            position = value.end()
    text = "".join([*pieces, text[position:]])
    for secret in secrets():
        text = text.replace(secret, "***")
    return text


def _without_password(word: re.Match[str]) -> str:
    """`https://user:password@` -> `https://***@`, of what stands between spaces or signs `@`."""
    found = _PASSWORD.search(word[0]) if word[0].endswith("@") else None
    return word[0][: found.end()] + "***@" if found else word[0]
