"""Data that ships with the filters, and reading it: text files in which `#` begins a comment line."""

from importlib.resources import files


def lines_of(name: str) -> list[str]:
    """The lines of a data file that are neither empty nor comments, stripped. Raises FileNotFoundError."""
    lines = (line.strip() for line in (files(__name__) / name).read_text("utf-8").split("\n"))
    return [line for line in lines if line and not line.startswith("#")]


def code_points(name: str) -> list[int]:
    """The code points of a data file of hexadecimal numbers and ranges, "21 2E 61D-61F"."""
    points: list[int] = []
    for item in " ".join(lines_of(name)).split():
        first, _, last = item.partition("-")
        points.extend(range(int(first, 16), int(last or first, 16) + 1))
    return points
