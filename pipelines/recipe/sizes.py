"""Sizes and shares as people write them, in a recipe or on the command line."""

from typing import Any

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
         "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip


def parse_bytes(value: Any) -> Any:
    """ "16MB" -> 16000000, "16MiB" -> 16777216; numbers pass. Raises ValueError naming the units."""
    if not isinstance(value, str):
        return value
    text = value.strip().upper().replace("_", "")
    digits = text.rstrip("BKMGTI ")
    unit = text[len(digits) :].strip()
    try:
        return int(float(digits) * UNITS[unit])
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"'{value}' is not a size; write a number with B, KB, MB, GB, KiB, MiB or GiB") from None


def is_percent(value: Any) -> bool:
    """Whether a number is written as a share of a hundred, such as 70%: only of a share does that make sense."""
    return isinstance(value, str) and value.strip().endswith("%")


def parse_share(value: Any) -> Any:
    """ "1%" -> 0.01; numbers pass. true is no number, though Python counts by it."""
    if isinstance(value, bool):
        raise ValueError(f"{str(value).lower()} is not a number; write one, or null")
    if is_percent(value):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError(f"'{value}' is not a share; write 1% or 0.01") from None
    return value
