"""presidio's recognizers that take the square of a text as they are, and here do not. Nothing else is changed.

A file of its own because nobody loads it who does not ask for these types: the four patterns of addresses, all public
suffixes in each, take longer to compile than those of all other recognizers.
"""

from gristmill.filters.pii.presidio import EntityRecognizer, Pattern, predefined_recognizers


class UrlRecognizer(predefined_recognizers.UrlRecognizer):
    """presidio's. An address without `https://` is looked for where a host can begin, not from each of its characters,
    which costs a minute on 100,000 characters of `a.a.a.`; from later ones it finds no other, but in hosts longer than
    the 253 characters that there can be."""

    def __init__(self) -> None:
        begins = ("(?i)((www", r"(?i)(?<![A-Za-z0-9.\-])((www")
        super().__init__(patterns=[Pattern(p.name, p.regex.replace(*begins), p.score) for p in self.PATTERNS])


class InPanRecognizer(predefined_recognizers.InPanRecognizer):
    """presidio's. Its weakest pattern asks for a letter and four digits anywhere after the start of a word of ten
    characters, up to the end of the document, for each word: here within the ten, which is what it says it finds."""

    def __init__(self) -> None:
        within = ("(?=.*?[a-zA-Z])(?=.*?[0-9]{4})", "(?=.{0,9}?[a-zA-Z])(?=.{0,6}?[0-9]{4})")
        super().__init__(patterns=[Pattern(p.name, p.regex.replace(*within), p.score) for p in self.PATTERNS])


BOUNDED: dict[str, type[EntityRecognizer]] = {"URL": UrlRecognizer, "IN_PAN": InPanRecognizer}
