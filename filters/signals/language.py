"""What language identification says beside the language."""

from gristmill.filters.signals.declare import IDENTIFICATION, SIGNALS, Signal

_DOC = """How sure language identification is of a document's language, 0 to 1; 1 where the language was declared.

It is the model's probability (`lang_score` of the datasets), 0 for `und` and `noise`."""

SIGNALS.declare("language_score", Signal("language_score", "share", "any", _DOC, None, IDENTIFICATION))
