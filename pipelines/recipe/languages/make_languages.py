"""Writes language_codes.txt, the other codes of codes.py:
`python -m gristmill.pipelines.recipe.languages.make_languages`.

Needs langcodes 3.5 (MIT; ISO 639 and CLDR data), which nothing else does: `uv pip install langcodes`.
"""

from pathlib import Path

from langcodes.data_dicts import LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC, NORMALIZED_MACROLANGUAGES

from gristmill.pipelines.recipe.languages.codes import NAMES

AS_IDENTIFIED = {
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "jw": "jv",
    "mo": "ro",
    "mol": "ro",  # withdrawn, and still written by CLD2
    "nb": "no",
    "nob": "no",
    "fil": "tl",
    "prs": "fa",
    "scr": "hr",
    "scc": "sr",
    "hbs": "sh",
}
"""What identification knows by one code only."""


def main() -> None:
    """Lines of a code of NAMES and the codes that mean it."""
    codes = {three: two for table in (LANGUAGE_ALPHA3, LANGUAGE_ALPHA3_BIBLIOGRAPHIC) for two, three in table.items()}
    codes |= {member: codes.get(whole, whole) for member, whole in NORMALIZED_MACROLANGUAGES.items()}
    codes |= AS_IDENTIFIED
    lines = []
    for code in NAMES:
        others = sorted(other for other, known in codes.items() if known == code and len(other) + (other in NAMES) < 4)
        others = [other for other in others if other not in NAMES or other in AS_IDENTIFIED]
        lines += [" ".join((code, *others))] if others else []
    text = "\n".join(lines) + "\n"
    Path(__file__).with_name("language_codes.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
