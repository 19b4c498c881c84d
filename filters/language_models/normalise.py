"""CCNet's normalisation, as a shadow that only the model sees: its models were trained on such text.

Small letters, no accents, digits as 0, marks as ASCII, no control characters, so no line breaks either: a document is
one sentence. After cc_net/text_normalizer.py (Wenzek et al. 2019), its slips included.
"""

import unicodedata

_TO_QUOTE = "„”“«»」「《》"
_ONE_TO_ONE = {"，": ",", "。": ".", "、": ",", "´": "'", "∶": ":", "：": ":", "？": "?", "！": "!", "（": "(",
               "）": ")", "；": ";", "–": "-", "—": " - ", "．": ". ", "～": "~", "’": "'", "…": "...", "━": "-",
               "〈": "<", "〉": ">", "【": "[", "】": "]", "％": "%", "►": "-"}  # fmt: skip
_MARKS = {**dict.fromkeys(_TO_QUOTE, '"'), **_ONE_TO_ONE}


class _Shadow(dict[int, str | None]):
    """Code point -> what stands for it in decomposed text of small letters; filled as characters are met."""

    def __missing__(self, point: int) -> str | None:
        character = chr(point)
        if point < 32 or 127 <= point < 160 or unicodedata.category(character) == "Mn":
            found = None
        elif character.isdecimal():
            found = "0"
        else:
            found = _MARKS.get(character, character)
        self[point] = found
        return found


_SHADOW = _Shadow()


def as_ccnet(text: str) -> str:
    """The text as CCNet's models are given it."""
    text = text.strip().lower()
    if not text.isascii():
        text = unicodedata.normalize("NFD", text)
    return text.translate(_SHADOW)
