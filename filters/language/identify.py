"""The language of a document, by fastText's model for 176 languages, and by the script where that decides."""

import re
import unicodedata
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.text.scripts import balance_of_case, count_words_by_script, legibility
from gristmill.filters.kernels.text.unicode import FLAGS, LOWER, SCRIPT, SCRIPTS, UNSPACED_SCRIPTS, UPPER
from gristmill.filters.language.model import load_model
from gristmill.filters.language.scripts import possible

UNKNOWN = "und"
"""Language of a text without a letter (ISO 639-2 and -3: undetermined)."""

NOISE = "noise"
"""Language of a text with letters and hardly words."""
MIXED = "mixed"
"""Language of a text that two languages share."""

HANI, KANA = SCRIPTS.index("Hani"), SCRIPTS.index("Kana")
FLOOR = -6.0
"""Logarithm of the probability below which it does not matter how improbable a language is."""
SCRIPT_SHARE = 0.2
"""Of a text's words: a language all of whose scripts have less is not the language of the text."""
SURE = 0.7
"""Score from which on a text is not looked at part by part, and a part counts for its language."""
MIXED_SHARE = 0.25
"""Of a text that each of two languages has where it is mixed."""
MIXED_CHARACTERS = 2000
"""Of a text that are looked at part by part."""
CHARACTERS_OF_A_WORD = np.array(
    [1 if script not in UNSPACED_SCRIPTS else 2 if script in ("Hani", "Kana", "Bopo") else 4 for script in SCRIPTS]
)
"""By script, about: of Chinese and Japanese, and of Thai and its neighbours, where they are compared with words of
spaced scripts, which are counted themselves."""
NOISE_LETTERS = 0.3
"""Letters of what is visible: fewer are a table. The median page of corpus/ has 0.8, one of 2,000 less than this."""
ENDLESS = 32
"""Letters and digits without a space: the length of an MD5 sum. Words of no language are so long."""
HAN_LANGUAGES = ["zh", "yue", "wuu", "ja"]
OWN_WORDS = {
    "yue": "[嘅咗喺唔嚟冇佢哋啲嗰咁乜嘢噉嘥攞搵諗瞓嚿嗌冚揸乸]",
    "wuu": "[侬伐弗搿覅]|阿拉|辰光|哪能|伊拉|勿要|交关",
}
"""Characters and words that only Cantonese and only Wu are written with."""
OWN_WORD_SHARE = 0.03
"""Of the Han characters of a text."""
RELATED = {
    language: family
    for family in ("id ms jv su min", "hr sr bs sh sl", "no nn da sv", "cs sk", "ru uk be bg mk rue", "zh yue wuu")
    for language in family.split()
} | dict.fromkeys("es pt gl ca ast an oc it fr la ia ie io ro vec".split(), "romance")  # noqa: SIM905
"""Language -> family: what the model confuses in short parts is one language there."""
_END = re.compile(r"[\n.!?。！？]+")
"""Between lines and sentences."""
PART_BYTES = 20
"""Of the shortest part that tells a language."""

SAME_AS = {
    **dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys((0xAD, 0x200B, 0x2060, 0xFEFF), ""),
    **{0xFEE0 + letter: chr(letter) for first in "Aa" for letter in range(ord(first), ord(first) + 26)},
}
"""Spaces, what has no width (but joiners, which spell words of Persian and Hindi), full-width letters."""
_OTHERS = "".join(map(chr, SAME_AS))
OTHER = re.compile(f"[{_OTHERS}]")
OTHERWISE = rf"[\pM\x{{1161}}-\x{{11FF}}{_OTHERS}]"
"""What the model was not trained on as it stands."""

KANA_SHARE = 0.1
"""Han characters with at least this share of kana among them are Japanese. Measured on the pages of corpus/docs-00001
and -00003 with more than 20 such characters: 2,111 Japanese ones have 17 % or more, 4,981 Chinese ones 1 % or less."""


def identify(text: pa.Array, characters: int | None = 1000) -> tuple[pa.Array, np.ndarray]:
    """(language, score) of each text of a large_string column, from its first `characters` code points; None: all.

    language, string: ISO 639-1 where the language has such a code, else fastText's own (`ceb`); `und` with score 0
    where there is no letter, `noise` with score 0 where there are letters and hardly words, `mixed` where two languages
    share the text. score, float32: the model's probability, 0 to 1; where the model's choice is not written in the
    script of the text, that of the most probable language that is, among those that are. A document's result does not
    depend on the others of its batch. Raises ValueError if `characters` is not positive.

    Of 13,705 lines of programs' translations into 79 languages, held back, macro F1 is .827 (the model alone .826); of
    9,956 lines of corpus/ in 15 languages .853 (.844), Chinese .98 (.94), Japanese .99 (.96).
    """
    if characters is not None and characters < 1:
        raise ValueError(f"language identification needs at least one character, not {characters}")
    seen = text if characters is None else pc.utf8_slice_codeunits(text, 0, characters)
    languages = np.full(len(text), UNKNOWN, object)
    scores = np.zeros(len(text), np.float32)
    has_letter = pc.match_substring_regex(seen, r"\pL").fill_null(False).to_numpy(zero_copy_only=False)
    is_noise = has_letter & _is_noise(seen)
    languages[is_noise] = NOISE
    chosen = np.flatnonzero(has_letter & ~is_noise)
    if len(chosen):
        known = _in_small_letters(_composed(seen.take(pa.array(chosen))))
        languages[chosen], scores[chosen], doubtful = _most_probable(known)
        unsure = np.flatnonzero(doubtful)
        languages[chosen[unsure[_are_mixed(known.take(pa.array(unsure)))]]] = MIXED
    return pa.array(languages, pa.string()), scores


def _most_probable(text: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(language, score, whether it may be several) of texts with letters."""
    model, possible_SL = load_model(), _possible()
    data_B, start_D1 = text_buffers(text)
    words_DS = _words_by_script(text)
    words_D1 = np.maximum(words_DS.sum(axis=1, keepdims=True), 1)
    mine_DS = (words_DS >= SCRIPT_SHARE * words_D1) & (words_DS > 0)
    mine_DS[~mine_DS.any(axis=1), 0] = True  # letters of no script that we know
    possible_DL = (mine_DS.astype(np.uint8) @ possible_SL.astype(np.uint8)) > 0
    score_DL = model.scores(data_B, start_D1, FLOOR)
    best_D = score_DL.argmax(axis=1)
    score_D = np.exp(score_DL[np.arange(len(text)), best_D])
    wrong = np.flatnonzero(~possible_DL[np.arange(len(text)), best_D])
    if len(wrong):
        exact_WL = np.exp(model.scores(*text_buffers(text.take(pa.array(wrong))))) * possible_DL[wrong]
        best_D[wrong] = exact_WL.argmax(axis=1)
        score_D[wrong] = exact_WL.max(axis=1) / np.maximum(exact_WL.sum(axis=1), 1e-12)
    language_D = np.array(model.labels, object)[best_D]
    _tell_han_apart(text, words_DS, language_D, score_D, score_DL)
    parts_DS = words_DS / CHARACTERS_OF_A_WORD
    parts_DS[:, HANI] += parts_DS[:, KANA]
    parts_DS[:, KANA] = 0
    second_D = np.partition(parts_DS, -2, axis=1)[:, -2]
    doubtful_D = (score_D < SURE) | (second_D >= MIXED_SHARE * np.maximum(parts_DS.sum(axis=1), 1))
    return language_D, np.minimum(score_D, 1).astype(np.float32), doubtful_D


def _tell_han_apart(
    text: pa.Array, words_DS: np.ndarray, language_D: np.ndarray, score_D: np.ndarray, score_DL: np.ndarray
) -> None:
    """Chinese, Cantonese, Wu and Japanese, in place: kana are Japanese, and words of their own Cantonese and Wu; the
    model takes short Chinese for any of the four. The score is that of the four together."""
    labels = load_model().labels
    together_D = np.exp(score_DL[:, [labels.index(name) for name in HAN_LANGUAGES]]).sum(axis=1)
    rows = np.flatnonzero(np.isin(language_D, HAN_LANGUAGES) & (words_DS[:, HANI] + words_DS[:, KANA] > 0))
    if not len(rows):
        return
    han_R = words_DS[rows, HANI] + words_DS[rows, KANA]
    found_R = np.where(words_DS[rows, KANA] >= KANA_SHARE * han_R, "ja", "zh").astype(object)
    mine = text.take(pa.array(rows))
    for language, words in OWN_WORDS.items():
        count_R = pc.count_substring_regex(mine, words).to_numpy()
        found_R[(found_R == "zh") & (count_R >= 2) & (count_R >= OWN_WORD_SHARE * han_R)] = language
    language_D[rows] = found_R
    score_D[rows] = np.maximum(score_D[rows], together_D[rows])


def _is_noise(text: pa.Array) -> np.ndarray:
    """Whether letters are less than NOISE_LETTERS of what is visible, or half of it are runs without an end: tables of
    numbers, hashes, base64."""
    data_B, start_D1 = text_buffers(text)
    visible_D, letters_D, endless_D = (np.zeros(len(text), np.int64) for _ in range(3))
    legibility(data_B, start_D1, FLAGS, SCRIPT, _unspaced(), ENDLESS, visible_D, letters_D, endless_D)
    return (letters_D < NOISE_LETTERS * visible_D) | (2 * endless_D > visible_D)


def _are_mixed(texts: pa.Array) -> np.ndarray:
    """Whether two languages, not near relations, have each MIXED_SHARE of what can be told of a text line by line or
    sentence by sentence."""
    parts: list[str] = []
    owner: list[int] = []
    for number, text in enumerate(texts.to_pylist()):
        mine = [part for part in _END.split(text[:MIXED_CHARACTERS]) if len(part.encode()) >= PART_BYTES]
        if len(mine) > 1:
            parts += mine
            owner += [number] * len(mine)
    size_DF: dict[tuple[int, str], float] = {}
    whole_D = np.zeros(len(texts))
    part_P = pa.array(parts, pa.large_string())
    languages, scores, _ = _most_probable(part_P)
    # Not bytes: a sentence of Thai or Hindi has three times those of its English translation.
    words_P = (_words_by_script(part_P) / CHARACTERS_OF_A_WORD).sum(axis=1)
    for number, part, language, score, words in zip(owner, parts, languages, scores, words_P, strict=True):
        key = number, RELATED.get(language, language)
        size = max(float(words), len(part.split()))
        size_DF[key] = size_DF.get(key, 0) + (size if score >= SURE else 0)
        whole_D[number] += size
    enough = [number for (number, _), size in size_DF.items() if size and size >= MIXED_SHARE * whole_D[number]]
    return np.bincount(np.array(enough, np.int64), minlength=len(texts)) > 1


def _composed(text: pa.Array) -> pa.Array:
    """The texts as the model was trained on: composed (NFC) where they hold marks or the letters that Hangul syllables
    are made of, for it takes Korean from a Mac's file system for Chinese; with spaces and letters of ASCII for those of
    other widths, for it takes `The` no-break space `mill` for one word, and full-width English for Kannada."""
    apart = pc.match_substring_regex(text, OTHERWISE)
    if not pc.any(apart).as_py():
        return text
    # Arrow's own utf8_normalize leaves the parts of Hangul syllables as they are (pyarrow 25).
    # str.translate looks up every character: ten times the time of finding the few that count.
    same = (OTHER.sub(lambda found: SAME_AS[ord(found[0])], one) for one in text.filter(apart).to_pylist())
    composed = [unicodedata.normalize("NFC", one) for one in same]
    return pc.replace_with_mask(text, apart, pa.array(composed, text.type))


def _in_small_letters(text: pa.Array) -> pa.Array:
    """The texts, those in small letters that have more capitals than small ones: the model knows capitals as the first
    letters of names, and takes a French headline for German."""
    data_B, start_D1 = text_buffers(text)
    balance_D = np.zeros(len(text), np.int64)
    balance_of_case(data_B, start_D1, _case(), balance_D)
    shouted = balance_D > 0
    return pc.if_else(pa.array(shouted), pc.utf8_lower(text), text) if shouted.any() else text


@cache
def _case() -> np.ndarray:
    """int8 by code point: 1 for capitals, -1 for their small letters, else 0."""
    case_C = np.zeros(len(FLAGS), np.int8)
    capitals = np.flatnonzero(FLAGS & UPPER)
    case_C[LOWER[capitals]] = -1
    case_C[capitals] = 1
    return case_C


def script_of(text: pa.Array) -> pa.Array:
    """ISO 15924 code of the script that most words of each text are in, string; `Zyyy` where there is no letter.

    A Han, kana or Thai character counts as a word, so that names and code in Latin letters, which are longer, do not
    outweigh the Chinese around them: counted by letters, 22 % of the Chinese pages of corpus/slice.parquet are Latin.
    Han and kana are counted together: `Kana`, which is Japanese, from a share of KANA_SHARE on, else `Hani`.
    """
    words_DS = _words_by_script(text)
    kana_D = words_DS[:, KANA].copy()
    words_DS[:, HANI] += kana_D
    words_DS[:, KANA] = 0
    script_D = words_DS.argmax(axis=1)
    is_japanese_D = (script_D == HANI) & (kana_D > 0) & (kana_D >= KANA_SHARE * words_DS[:, HANI])
    script_D[is_japanese_D] = KANA
    return pa.array(SCRIPTS, pa.string()).take(pa.array(script_D))


def _words_by_script(text: pa.Array) -> np.ndarray:
    data_B, start_D1 = text_buffers(text)
    words_DS = np.zeros((len(text), len(SCRIPTS)), np.int64)
    count_words_by_script(data_B, start_D1, SCRIPT, _unspaced(), words_DS)
    return words_DS


@cache
def _unspaced() -> np.ndarray:
    return np.array([script in UNSPACED_SCRIPTS for script in SCRIPTS])


@cache
def _possible() -> np.ndarray:
    return possible(load_model().labels)
