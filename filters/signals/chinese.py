"""Chinese prose: our own."""

from gristmill.filters.counters import Counters
from gristmill.filters.signals.declare import Floats, ratio, signal

# Chinese: ours. Phrases and what makes a line of a kind: filters/data/chinese_phrases.txt, filters/kernels/phrases.py.
# All are shares of letters, digits included, so that a long article outweighs the navigation around it.


@signal("share", "Hani")
def han_fraction(c: Counters) -> Floats:
    """Share of letters and digits that are Han characters."""
    return ratio(c.chinese_lines.han_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def sentence_fraction(c: Counters) -> Floats:
    """Share of letters in lines that end with sentence-ending punctuation, before closing quotation marks or brackets.

    Counts U+3002, full-width and ASCII `!` `?` `.` and the other marks of filters/data/terminal_punctuation.txt.
    """
    return ratio(c.chinese_lines.sentence_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def furniture_fraction(c: Counters) -> Floats:
    """Share of letters in lines that are page furniture: navigation, copyright, registration, "read more".

    A line is furniture when it holds a phrase that occurs nowhere else (such as the ICP registration), or when half of
    its letters are names of navigation.
    """
    return ratio(c.chinese_lines.furniture_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def advertisement_fraction(c: Counters) -> Floats:
    """Share of letters in advertising lines.

    A line advertises when it asks to be contacted (WeChat, QQ, hotline) and makes an offer or gives a number, or holds
    a telephone number beside an offer, and these phrases are a tenth of it; or when three offers are a fifth of it.
    """
    return ratio(c.chinese_lines.advertisement_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def keyword_fraction(c: Counters) -> Floats:
    """Share of letters in lines that are lists of keywords.

    Six pieces or more between spaces or marks, ten letters or fewer on average, mostly Chinese, no end of a sentence.
    """
    return ratio(c.chinese_lines.keyword_D, c.chinese_lines.letter_D)


@signal("share", "Hani")
def spam_fraction(c: Counters) -> Floats:
    """Share of letters inside phrases of gambling, loans, adult sites, forged papers and private game servers."""
    return ratio(c.chinese_lines.spam_D, c.chinese_lines.letter_D)
