"""Which languages are written in which script, as far as the model knows them: the script decides where it can."""

import numpy as np

from gristmill.filters.kernels.text.unicode import SCRIPTS

_WRITTEN_IN = """
Arab: ar arz azb ckb fa ku lrc mzn pnb ps sd ug ur
Armn: hy
Beng: as bn bpy
Cyrl: av ba be bg bs bxr ce cv kk krc kv ky lez mhr mk mn mrj myv os ru rue sah sh sr tg tt tyv uk uz xal
Deva: bh dty gom hi mai mr ne new sa sd
Ethi: am
Geor: ka xmf
Grek: el
Hang: ko
Hani: zh yue wuu ja
Hebr: he yi
Kana: ja
Khmr: km
Laoo: lo
Latn: bs gom ku sh sr tt uz
Mymr: my
Taml: ta
Thai: th
Tibt: bo"""
_UNKNOWN_TO_US = "dv gu kn ml or pa si te"
"""Languages of scripts that SCRIPTS does not tell apart."""

WRITTEN_IN: dict[str, frozenset[str]] = {
    script: frozenset(languages.split())
    for script, languages in (line.split(": ") for line in _WRITTEN_IN.strip().split("\n"))
}
"""Script -> languages. Latin letters write all languages beside that no other script writes."""


def possible(labels: list[str]) -> np.ndarray:
    """bool[S, L]: whether a language is written in a script, in the order of SCRIPTS and of the labels; languages
    of scripts that are not told apart always may be."""
    elsewhere = set().union(*WRITTEN_IN.values(), _UNKNOWN_TO_US.split()) - WRITTEN_IN["Latn"]
    possible_SL = np.zeros((len(SCRIPTS), len(labels)), bool)
    for number, script in enumerate(SCRIPTS):
        for place, label in enumerate(labels):
            written = label in WRITTEN_IN.get(script, ())
            unknown = label in _UNKNOWN_TO_US.split()
            possible_SL[number, place] = written or unknown or (script == "Latn" and label not in elsewhere)
    possible_SL[SCRIPTS.index("Bopo")] = possible_SL[SCRIPTS.index("Hani")]
    return possible_SL
