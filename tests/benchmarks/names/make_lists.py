"""Writes filters/pii/names/lists.npz: what words and characters are known to be. Run it when a package changes:

    python tests/benchmarks/names/make_lists.py

Sources: Faker's providers (MIT), names and places of the Latin-script locales, zh_CN and zh_TW; jieba's dictionary
(MIT), words, names and places by their part of speech; and the short lists of filters/pii/names/lists.py.
"""

import importlib
import unicodedata
from collections import Counter
from pathlib import Path

import jieba
import numpy as np

from gristmill.filters.pii.names import lists
from gristmill.filters.pii.names.tokens import lower, mix

LATIN = [
    "cs_CZ",
    "da_DK",
    "de_AT",
    "de_CH",
    "de_DE",
    "en",
    "en_GB",
    "en_IE",
    "en_IN",
    "en_NG",
    "en_NZ",
    "en_PK",
    "en_US",
    "es",
    "es_AR",
    "es_CL",
    "es_CO",
    "es_ES",
    "es_MX",
    "et_EE",
    "fi_FI",
    "fr_BE",
    "fr_CA",
    "fr_CH",
    "fr_FR",
    "hr_HR",
    "hu_HU",
    "id_ID",
    "it_IT",
    "lt_LT",
    "lv_LV",
    "nl_BE",
    "nl_NL",
    "no_NO",
    "pl_PL",
    "pt_BR",
    "pt_PT",
    "ro_RO",
    "sk_SK",
    "sl_SI",
    "sv_SE",
    "tr_TR",
    "vi_VN",
]
"""Locales of Faker whose names are written with Latin letters."""

_WORD, _HAN = 1, 3  # what tokens.tokenise() begins the hash of a word and of a Han character with
_SLOTS = 1 << 19


def provider(kind: str, locale: str) -> type:
    return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider


def names_of(kind: type, *starts: str) -> set[str]:
    """Every string in the lists of a provider whose names begin so."""
    found: set[str] = set()
    for name in dir(kind):
        if name.startswith(starts) and isinstance(values := getattr(kind, name), list | tuple | dict):
            found |= {value for value in values if isinstance(value, str)}
    return found


def words(texts: set[str]) -> set[str]:
    """Words of names, in small letters as the tokens fold them: `De La Cruz` is three."""
    found = set()
    for text in texts:
        for word in "".join(c if c.isalpha() else " " for c in unicodedata.normalize("NFC", text)).split():
            if len(word) > 1:
                found.add(word.lower())
    return found


def latin() -> Counter:
    """word -> bits."""
    bits: Counter = Counter()
    for locale in LATIN:
        person = provider("person", locale)
        for word in words(names_of(person, "first_names")):
            bits[word] |= lists.GIVEN
        for word in words(names_of(person, "last_names")):
            bits[word] |= lists.SURNAME
    for name in sorted(provider("person", "en_US").first_names, key=provider("person", "en_US").first_names.get)[-250:]:
        bits[name.lower()] |= lists.COMMON_GIVEN
    for locale in ("zh_CN", "zh_TW"):
        for word in words(names_of(provider("person", locale), "last_romanized")):
            bits[word] |= lists.SURNAME | lists.PINYIN
        for word in words(names_of(provider("person", locale), "first_romanized")):
            bits[word] |= lists.GIVEN | lists.PINYIN
    address = provider("address", "en_US")
    for word in words({*address.states, *address.countries, *provider("address", "en_GB").counties}):
        bits[word] |= lists.PLACE
    for word in address.states_abbr:
        bits[word.lower()] |= lists.PLACE
    for word in importlib.import_module("faker.providers.lorem.en_US").Provider.word_list:
        if word.isalpha():
            bits[word.lower()] |= lists.COMMON
    for bit, text in lists.ENGLISH.items():
        for word in text.split():
            bits[word] |= bit
    return bits


def chinese() -> tuple[Counter, Counter, Counter]:
    """(character -> bits, pair of characters -> bits, three -> bits)."""
    one: Counter = Counter()
    two: Counter = Counter()
    more: Counter = Counter()
    china, taiwan = provider("person", "zh_CN"), provider("person", "zh_TW")
    for names in (china.last_names, taiwan.last_names):
        for name, share in names.items():
            if len(name) == 1:
                one[name] |= lists.SURNAME
                one[name] |= lists.COMMON_SURNAME if share >= 0.2 else 0
            else:
                two[name] |= lists.COMPOUND
    for name in lists.COMPOUND_SURNAMES.split():
        two[name] |= lists.COMPOUND
    given, foreign = Counter(), Counter()
    for name in [*china.first_names, *taiwan.first_names]:
        given.update(dict.fromkeys(name, 20))
    with open(Path(jieba.__file__).with_name("dict.txt"), encoding="utf-8") as lines:
        for line in lines:
            word, count, kind = line.split()
            if kind == "nrt" and 2 < len(word) < 7:
                foreign.update(word)
            elif kind == "nr" and len(word) == 3 and word[0] in china.last_names:
                given.update(word[1:])
            if len(word) == 3 and kind in ("nr", "nrfg", "nrt"):
                more[word] |= lists.FOREIGN if kind == "nrt" else lists.NAME
            if len(word) == 2:
                if kind in ("ns", "nt"):
                    two[word] |= lists.PLACE
                elif kind in ("nr", "nrt", "nrfg", "nz"):
                    two[word] |= lists.NAME
                elif int(count) >= 3:
                    two[word] |= lists.COMMON
    for c, count in given.items():
        one[c] |= lists.GIVEN if count >= 15 else 0
    for c, count in foreign.items():
        one[c] |= lists.FOREIGN if count >= 25 else 0
    for bit, text in lists.CHARACTERS.items():
        for c in text:
            one[c] |= bit
    for bit, text in lists.PAIRS.items():
        for word in text.split():
            two[word] |= bit
    address = provider("address", "zh_CN")
    for place in (*address.provinces, *address.cities, *address.districts, *provider("address", "zh_TW").cities):
        two[place[:2]] |= lists.PLACE
    return one, two, more


def word_hash(word: str) -> int:
    code = _WORD
    for c in word[:24]:
        code = int(mix.py_func(code, lower.py_func(ord(c))))
    return code


def han_hash(text: str) -> int:
    code = 0
    for place, c in enumerate(text):
        one = int(mix.py_func(_HAN, ord(c)))
        code = int(mix.py_func(code, one)) if place else one
    return code


def main() -> None:
    """Write the table: open addressing, a slot after the other, in the order of the hashes."""
    one, two, more = chinese()
    entries: dict[int, int] = {}
    for _text, bits, code in (
        *((w, b, word_hash(w)) for w, b in latin().items()),
        *((c, b, han_hash(c)) for c, b in (*one.items(), *two.items(), *more.items())),
    ):
        if bits:
            entries[code] = entries.get(code, 0) | bits
    key_H, value_H = np.zeros(_SLOTS, np.uint32), np.zeros(_SLOTS, np.uint16)
    for code, bits in sorted(entries.items()):
        slot = code % _SLOTS
        while key_H[slot]:
            slot = (slot + 1) % _SLOTS
        key_H[slot], value_H[slot] = code, bits
    file = Path(lists.__file__).with_name("lists.npz")
    np.savez_compressed(file, key_H=key_H, value_H=value_H)
    print(f"{len(entries)} entries, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
