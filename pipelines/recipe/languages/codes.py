"""Codes of languages, as identification gives them and recipes name them: ISO 639-1 where there is one, else 639-3."""

import re
from functools import cache, lru_cache
from importlib.resources import files

from gristmill.filters.names import near

CODE = "code"
NO_CODES = {"und", "noise", "mixed", CODE}
"""What documents have beside languages: no letter, hardly words, two languages, a program (which nobody identifies)."""

_NAMES = """
aa Afar, ab Abkhazian, ae Avestan, af Afrikaans, ak Akan, am Amharic, an Aragonese, ar Arabic, as Assamese,
av Avaric, ay Aymara, az Azerbaijani, ba Bashkir, be Belarusian, bg Bulgarian, bh Bihari, bi Bislama, bm Bambara,
bn Bengali, bo Tibetan, br Breton, bs Bosnian, ca Catalan, ce Chechen, ch Chamorro, co Corsican, cr Cree, cs Czech,
cu Church Slavic, cv Chuvash, cy Welsh, da Danish, de German, dv Divehi, dz Dzongkha, ee Ewe, el Greek, en English,
eo Esperanto, es Spanish, et Estonian, eu Basque, fa Persian, ff Fulah, fi Finnish, fj Fijian, fo Faroese,
fr French, fy Western Frisian, ga Irish, gd Gaelic, gl Galician, gn Guarani, gu Gujarati, gv Manx, ha Hausa,
he Hebrew, hi Hindi, ho Hiri Motu, hr Croatian, ht Haitian, hu Hungarian, hy Armenian, hz Herero, ia Interlingua,
id Indonesian, ie Interlingue, ig Igbo, ii Sichuan Yi, ik Inupiaq, io Ido, is Icelandic, it Italian, iu Inuktitut,
ja Japanese, jv Javanese, ka Georgian, kg Kongo, ki Kikuyu, kj Kuanyama, kk Kazakh, kl Kalaallisut, km Khmer,
kn Kannada, ko Korean, kr Kanuri, ks Kashmiri, ku Kurdish, kv Komi, kw Cornish, ky Kirghiz, la Latin,
lb Luxembourgish, lg Ganda, li Limburgan, ln Lingala, lo Lao, lt Lithuanian, lu Luba-Katanga, lv Latvian,
mg Malagasy, mh Marshallese, mi Maori, mk Macedonian, ml Malayalam, mn Mongolian, mr Marathi, ms Malay, mt Maltese,
my Burmese, na Nauru, nb Norwegian Bokmal, nd North Ndebele, ne Nepali, ng Ndonga, nl Dutch, nn Norwegian Nynorsk,
no Norwegian, nr South Ndebele, nv Navajo, ny Chichewa, oc Occitan, oj Ojibwa, om Oromo, or Oriya, os Ossetian,
pa Punjabi, pi Pali, pl Polish, ps Pashto, pt Portuguese, qu Quechua, rm Romansh, rn Rundi, ro Romanian, ru Russian,
rw Kinyarwanda, sa Sanskrit, sc Sardinian, sd Sindhi, se Northern Sami, sg Sango, sh Serbo-Croatian, si Sinhala,
sk Slovak, sl Slovenian, sm Samoan, sn Shona, so Somali, sq Albanian, sr Serbian, ss Swati, st Southern Sotho,
su Sundanese, sv Swedish, sw Swahili, ta Tamil, te Telugu, tg Tajik, th Thai, ti Tigrinya, tk Turkmen, tl Tagalog,
tn Tswana, to Tonga, tr Turkish, ts Tsonga, tt Tatar, tw Twi, ty Tahitian, ug Uighur, uk Ukrainian, ur Urdu,
uz Uzbek, ve Venda, vi Vietnamese, vo Volapuk, wa Walloon, wo Wolof, xh Xhosa, yi Yiddish, yo Yoruba, za Zhuang,
zh Chinese, zu Zulu"""
NAMES: dict[str, str] = dict(entry.strip().split(" ", 1) for entry in _NAMES.split(","))
"""ISO 639-1 code -> English name."""

_MEANT = """
cn zh, jp ja, kr ko, ua uk, cz cs, dk da, gr el, by be, ge ka, mandarin zh, 中文 zh, 汉语 zh, 英文 en, 英语 en,
deutsch de, français fr, español es, 日本語 ja"""
MEANT: dict[str, str] = dict(entry.strip().split(" ", 1) for entry in _MEANT.split(","))
"""What is often written -> the code that is meant: codes of countries, names that languages give themselves."""


CHINESE = re.compile(r"zh[-_](?:min[-_])?(yue|wuu|nan|hak|gan|hsn|cdo|lzh)(?![a-z])")
"""Languages that BCP 47 (RFC 5646, 2.2.2) and Wikipedia also write behind `zh`: they are not what `zh` is here."""
SEVERAL = re.compile(r"[,;|/&+、，]")
NO_LANGUAGE = {"mul", "und", "zxx", "mis", "unknown", "unk", "none", "null", "nan", "other", "auto", "any", "all"}
"""Labels that declare nothing (ISO 639-2: multiple, undetermined, no linguistic content, uncoded; and plain words)."""


@cache
def codes() -> dict[str, str]:
    """Every other code and English name, in small letters -> the code here: ISO 639-2 and -3, the languages that stand
    for a macrolanguage (`arb`, `cmn`), withdrawn codes. From language_codes.txt; make_languages.py writes it."""
    lines = files("gristmill.pipelines.recipe.languages").joinpath("language_codes.txt").read_text("utf-8").splitlines()
    known = {other: code for code, *others in map(str.split, lines) for other in others}
    known |= {name.casefold(): code for code, name in NAMES.items()}
    known |= {name: code for name, code in MEANT.items() if len(name) > 3 or not name.isascii()}
    return {**{code: code for code in NAMES}, **known}


@lru_cache(1 << 12)
def normal_language(label: str) -> str | None:
    """The code of a declared language: "zh-Hant-TW", "cmn_Hani", "zho,eng", " Chinese" -> "zh".

    A code or word that is unknown stays as it is, in small letters, and so shows among the languages of a report. None
    for labels that declare none, and for what is no code at all.
    """
    whole = label.strip().casefold()
    if whole in codes():
        return codes()[whole]
    if extended := CHINESE.match(whole):
        return extended[1]
    code = re.split(r"[-_,;|/+&\s]", whole)[0]
    if code in NO_LANGUAGE or not re.fullmatch("[a-z]{2,8}", code):
        return None
    return codes().get(code, code)


def known_language(label: str) -> str:
    """The code of a language as a recipe may write it; what is unknown as it is, and so are several in one text."""
    found = None if SEVERAL.search(label) else normal_language(label)
    return found if found in NAMES else label


def wrong_language(code: str) -> str | None:
    """Why this cannot be the language of a document, with the nearest code; None where it can."""
    if code in NAMES or code in NO_CODES or (re.fullmatch("[a-z]{3}", code) and code not in codes()):
        return None
    return f"'{code}' is not an ISO 639-1 code such as en or zh; {_meant(code)}"


def _meant(code: str) -> str:
    if SEVERAL.search(code):
        return in_brackets(code)
    plain = code.strip().casefold()
    first = re.split(r"[-_]", plain)[0]
    for known in (plain, first):
        if found := codes().get(known) or MEANT.get(known):
            return f"did you mean '{found}'?"
    by_name = {name: code for code, name in NAMES.items()}
    found = near(code, by_name)
    return f"did you mean '{by_name[found]}' ({found})?" if found else "en is English, zh Chinese, fr French"


def in_brackets(text: str) -> str:
    """How several names that stand in one text are written."""
    return f"several stand in brackets: [{', '.join(part.strip() for part in SEVERAL.split(text))}]"
