"""The table of FineWeb-2's thresholds, looked up by language."""

from dataclasses import dataclass
from functools import cache

from gristmill.filters.data import lines_of


@dataclass(frozen=True, slots=True)
class Thresholds:
    """FineWeb-2's numbers for a language in a script.

    code: ISO 639-3 and 15924, `deu_Latn`. language: as identification calls it. top: of 2- to 4-grams, duplicate: of
    5- to 10-grams.
    """

    code: str
    language: str
    duplicate_lines: float
    top: tuple[float, ...]
    duplicate: tuple[float, ...]
    punctuated_lines: float
    mean_word_length: tuple[float, float]
    alphabetic_words: float
    newlines: float
    stop_words: tuple[str, ...]

    @property
    def script(self) -> str:
        """ISO 15924."""
        return self.code.split("_")[1]


@cache
def _table() -> dict[str, str]:
    return {line.split("\t", 1)[0]: line for line in lines_of("fineweb2.tsv")}


@cache
def thresholds(name: str) -> Thresholds | None:
    """Those of `deu_Latn`, of `deu` where it is in one script, of `de` where one language is called so; else None."""
    if name in _table():
        return _parsed(_table()[name])
    found = [code for code in codes_of(name) if code.startswith(f"{name}_")] or codes_of(name)
    return _parsed(_table()[found[0]]) if len(found) == 1 else None


def codes_of(language: str) -> list[str]:
    """Every language and script that is called so, by ISO 639-3 or as identification calls it."""
    columns = (line.split("\t", 2)[:2] for line in _table().values())
    return [code for code, ours in columns if language in (code.split("_")[0], ours)]


def codes() -> list[str]:
    """Every language and script of the table."""
    return list(_table())


def _parsed(line: str) -> Thresholds:
    code, language, *numbers, words = line.split("\t")
    values = [float(number) for number in numbers]
    return Thresholds(
        code,
        language,
        values[0],
        tuple(values[1:4]),
        tuple(values[4:10]),
        values[10],
        (values[11], values[12]),
        values[13],
        values[14],
        tuple(words.split(" ")) if words else (),
    )
