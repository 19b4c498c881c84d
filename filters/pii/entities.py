"""The types of personal data that can be asked for. Imports nothing heavy: recipes are checked against it.

The order decides between two types that claim the same characters: the first wins.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TypeVar

from gristmill.filters.names import nearest
from gristmill.filters.registry import DeclaredError, Registry

Find = TypeVar("Find", bound=Callable[[str], Iterable[tuple[int, int]]])


@dataclass(frozen=True)
class Entity:
    """One type: a line of `gristmill rules`, of docs/personal-data.md and of the recipe check."""

    name: str
    description: str
    languages: tuple[str, ...] = ()
    """Where it occurs; empty: anywhere. Recognizers look at the characters around a value, not at this."""
    default: bool = False
    recognizer: str = ""
    """Class in presidio_analyzer.predefined_recognizers, for types that are taken from there unchanged."""
    model: bool = False
    """A model finds it, where one is given (`models` of the Scrubber, `scrub.models` of a recipe)."""
    tagged: bool = False
    """Our tagger finds it (names/), without a model."""
    whole: bool = False
    """Nothing that overlaps it stays: a password is one, also where half of it and the host read like an address."""
    find: Callable[[str], Iterable[tuple[int, int]]] | None = None
    """Of a type that a plugin or a notebook declares: a text -> (start, end) of its values, in characters."""

    @property
    def anywhere(self) -> bool:
        """Whether its recognizer reads whole texts. Ours look only where the scan finds their cue (registry.py)."""
        return bool(self.recognizer or self.find)

    @property
    def needs_model(self) -> bool:
        """Whether nothing finds it where no model is given."""
        return self.model and not self.tagged


def _ours(name: str, description: str, *languages: str, whole: bool = False) -> Entity:
    return Entity(name, description, languages, default=True, whole=whole)


_SECRETS = (
    _ours("URL_CREDENTIALS", "User and password, or token, in a URL", whole=True),
    _ours("PRIVATE_KEY", "Private key in PEM, from its BEGIN to its END", whole=True),
    _ours("API_KEY", "Key or token of a service, by the prefix that it publishes", whole=True),
    _ours("SECRET", "Password or token after its name: `token=`, connection strings, 密码：", whole=True),
)

_DEFAULT = (
    _ours("EMAIL_ADDRESS", "E-mail address under a public suffix"),
    _ours("IBAN_CODE", "International bank account number with its check digits"),
    _ours("CN_RESIDENT_ID", "Chinese resident identity number with date and check digit", "zh"),
    _ours("CN_SOCIAL_CREDIT_CODE", "Chinese unified social credit code with both check characters", "zh"),
    _ours("CREDIT_CARD", "Payment card number: network, length and Luhn check"),
    _ours("CN_BANK_CARD", "Chinese debit card number: bank, length and Luhn check", "zh"),
    _ours("CRYPTO", "Bitcoin address with its checksum"),
    _ours("US_SSN", "US social security number, in groups or after its name", "en"),
    _ours("TW_ID", "Taiwanese identity card or residence permit number with check digit, after its name", "zh"),
    _ours("HK_ID", "Hong Kong identity card number with its check in parentheses, or after its name", "zh"),
    _ours("KR_RRN", "Korean resident registration number with check digit, or after its name", "ko"),
    _ours("JP_MY_NUMBER", "Japanese individual number with check digit, after its name", "ja"),
    _ours("PHONE_NUMBER", "Telephone number, valid where it is from and written like one"),
    _ours("IP_ADDRESS", "Public IPv4 or IPv6 address of a host"),
    _ours("CN_PASSPORT", "Chinese passport number after its name", "zh"),
    _ours("US_PASSPORT", "US passport number after its name", "en"),
    _ours("UK_PASSPORT", "UK passport number after its name", "en"),
    _ours("JP_PASSPORT", "Japanese passport number after its name", "ja"),
    _ours("KR_PASSPORT", "Korean passport number after its name", "ko"),
    _ours("EU_PASSPORT", "Passport number of a country of the European Union after its name"),
    _ours(
        "CN_TRAVEL_PERMIT", "Number of a permit for travel to or from Hong Kong, Macau or Taiwan, after its name", "zh"
    ),
    _ours("CN_PLATE", "Chinese car number plate", "zh"),
    _ours("WECHAT_ID", "WeChat account after its name", "zh"),
    _ours("QQ_ID", "QQ number after its name", "zh"),
)

_PRESIDIO = (
    ("URL", "Web address", "", "UrlRecognizer"),
    ("DATE_TIME", "Date", "", "DateRecognizer"),
    ("MAC_ADDRESS", "Hardware address", "", "MacAddressRecognizer"),
    ("UUID", "Universally unique identifier", "", "UuidRecognizer"),
    ("US_DRIVER_LICENSE", "US driver's licence number", "en", "UsLicenseRecognizer"),
    ("US_ITIN", "US individual taxpayer number", "en", "UsItinRecognizer"),
    ("US_BANK_NUMBER", "US bank account number", "en", "UsBankRecognizer"),
    ("US_NPI", "US health care provider number", "en", "UsNpiRecognizer"),
    ("US_MBI", "US Medicare number", "en", "UsMbiRecognizer"),
    ("ABA_ROUTING_NUMBER", "US bank routing number", "en", "AbaRoutingRecognizer"),
    ("MEDICAL_LICENSE", "US medical licence number", "en", "MedicalLicenseRecognizer"),
    ("UK_NHS", "UK health service number", "en", "NhsRecognizer"),
    ("UK_NINO", "UK national insurance number", "en", "UkNinoRecognizer"),
    ("UK_POSTCODE", "UK postcode", "en", "UkPostcodeRecognizer"),
    ("UK_DRIVING_LICENCE", "UK driving licence number", "en", "UkDrivingLicenceRecognizer"),
    ("CA_SIN", "Canadian social insurance number", "en", "CaSinRecognizer"),
    ("AU_ABN", "Australian business number", "en", "AuAbnRecognizer"),
    ("AU_ACN", "Australian company number", "en", "AuAcnRecognizer"),
    ("AU_TFN", "Australian tax file number", "en", "AuTfnRecognizer"),
    ("AU_MEDICARE", "Australian Medicare number", "en", "AuMedicareRecognizer"),
    ("SG_NRIC_FIN", "Singapore identity number", "en", "SgFinRecognizer"),
    ("IN_PAN", "Indian tax number", "en", "InPanRecognizer"),
    ("IN_AADHAAR", "Indian identity number", "en", "InAadhaarRecognizer"),
    ("DE_TAX_ID", "German tax identification number", "de", "DeTaxIdRecognizer"),
    ("DE_ID_CARD", "German identity card number", "de", "DeIdCardRecognizer"),
    ("DE_SOCIAL_SECURITY", "German pension insurance number", "de", "DeSocialSecurityRecognizer"),
    ("ES_NIF", "Spanish tax number of a person", "es", "EsNifRecognizer"),
    ("ES_NIE", "Spanish number of a foreigner", "es", "EsNieRecognizer"),
    ("IT_FISCAL_CODE", "Italian fiscal code", "it", "ItFiscalCodeRecognizer"),
    ("PL_PESEL", "Polish identity number", "pl", "PlPeselRecognizer"),
    ("FI_PERSONAL_IDENTITY_CODE", "Finnish identity code", "fi", "FiPersonalIdentityCodeRecognizer"),
    ("SE_PERSONNUMMER", "Swedish identity number", "sv", "SePersonnummerRecognizer"),
    ("TH_TNIN", "Thai identity number", "th", "ThTninRecognizer"),
    ("TR_NATIONAL_ID", "Turkish identity number", "tr", "TrNationalIdRecognizer"),
    ("ZA_ID_NUMBER", "South African identity number", "en", "ZaIdNumberRecognizer"),
)

_TAGGED = (
    Entity("PERSON", "Name of a person", tagged=True, model=True),
    Entity("ADDRESS", "Postal address, down to the street or the door", tagged=True),
)

_MODEL = (
    ("LOCATION", "Place, by a spaCy model"),
    ("ORGANIZATION", "Organisation, by a spaCy model"),
    ("NRP", "Nationality, religious or political group, by a spaCy model"),
)

ENTITIES: Registry[Entity] = Registry("type of personal data")
"""Every type by name, in order of precedence."""

for _entity in (
    *_SECRETS,
    *_DEFAULT,
    *_TAGGED,
    *(Entity(name, text, (language,) if language else (), recognizer=cls) for name, text, language, cls in _PRESIDIO),
    *(Entity(name, text, model=True) for name, text in _MODEL),
):
    ENTITIES.declare(_entity.name, _entity)
ENTITIES.complete()

DEFAULT: tuple[str, ...] = tuple(name for name, entity in ENTITIES.items() if entity.default)
"""What is looked for when a recipe names nothing: types whose values carry a check, a form or a name of their own, so
that documentation stays whole. Not US_DRIVER_LICENSE, for example: a letter and six digits, 929 times on 600 pages."""


def recognizer(name: str, description: str) -> Callable[[Find], Find]:
    """Declare the decorated function the recognizer of a type of personal data: a text in, (start, end) of values out.

    It sees whole texts, full-width letters and digits folded to ASCII, character for character; it has to be linear in
    their length. The type is looked for wherever a recipe names no `entities`. Raises ValueError for a name that is
    taken, or that is not written like EMPLOYEE_ID.
    """
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise ValueError(f"the type '{name}' is not written like EMPLOYEE_ID: it stands in the text as <{name}>")

    def declare(find: Find) -> Find:
        ENTITIES.declare(name, Entity(name, description, default=True, find=find))
        return find

    return declare


def try_recognizer(name: str) -> None:
    """Run a declared recognizer over small texts. Raises DeclaredError for what is no range of characters in them."""
    if ENTITIES[name].find is not None:
        for text in ("", "Write to employee 007.", "员工编号七号，电话13800138000。"):
            places(ENTITIES[name], text)


def places(entity: Entity, text: str) -> list[tuple[int, int]]:
    """Where a declared recognizer finds values. Raises DeclaredError for what is no range of characters of the text."""
    assert entity.find is not None
    try:
        found = entity.find(text)
    except SystemExit:
        raise DeclaredError(f"the recognizer of '{entity.name}' ends the program") from None
    if not isinstance(found, Iterable) or isinstance(found, str | bytes):
        raise DeclaredError(f"the recognizer of '{entity.name}' gives a {type(found).__name__}, not (start, end) pairs")
    pairs: list[tuple[int, int]] = []
    for place in found:
        if not isinstance(place, tuple | list) or len(place) != 2 or not all(map(_whole_number, place)):
            given = (
                type(place).__name__ if isinstance(place, str) or not isinstance(place, tuple | list) else str(place)
            )
            raise DeclaredError(f"the recognizer of '{entity.name}' gives {given}, not a pair (start, end) of integers")
        start, end = map(int, place)
        if not 0 <= start < end <= len(text):
            where = f"({start}, {end}) in a text of {len(text)} characters"
            raise DeclaredError(f"the recognizer of '{entity.name}' gives {where}")
        pairs.append((start, end))
    return pairs


def _whole_number(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


SETS: dict[str, str] = {
    "patterns": "the default set: types whose values carry a check, a form or a name of their own",
    "web": "patterns, and names and addresses where a context marks a private person",
    "strict": "patterns, and names and addresses wherever they stand",
    "secrets": "passwords, keys and tokens; part of patterns",
    "all": "every type that needs no model",
}
"""Names for types together."""
EVERYTHING = "all"


def members(name: str) -> list[str]:
    """The types of a set, or the type itself."""
    if name == EVERYTHING:
        return [entity.name for entity in ENTITIES.values() if not entity.needs_model]
    if name == "secrets":
        return [entity.name for entity in _SECRETS]
    if name in SETS:
        tagged = [entity.name for entity in ENTITIES.values() if entity.tagged] if name != "patterns" else []
        return [*(entity.name for entity in ENTITIES.values() if entity.default), *tagged]
    return [name]


def problem(name: str, languages: Sequence[str] = ()) -> str | None:
    """What is wrong with the name of a type or set; `languages`: those that a model is given for."""
    if name in SETS:
        return None
    if name not in ENTITIES:
        return f"unknown type of personal data '{name}'; {nearest(str(name), [*SETS, *ENTITIES])}"
    if ENTITIES[name].needs_model and not languages:
        return f"{name} needs a model: name one for each language under `scrub.models` (docs/personal-data.md)"
    return None


def without_models(names: Sequence[str] | None) -> list[str] | None:
    """Those of the types and sets that something is found of without a model."""
    return None if names is None else [name for name in names if name in SETS or not ENTITIES[name].needs_model]


def resolve(names: Sequence[str] | None, languages: Sequence[str] = ()) -> tuple[str, ...]:
    """Types and sets -> types without repetition in order of precedence; None: DEFAULT. `languages`: those that a model
    is given for.

    Raises ValueError for an unknown name, with the nearest valid one, and for a type that needs a model where none is.
    """
    names = ("patterns",) if names is None else names
    for name in names:
        if wrong := problem(name, languages):
            raise ValueError(wrong)
    wanted = {member for name in names for member in members(name)}
    return tuple(name for name in ENTITIES if name in wanted)


def only_private(names: Sequence[str] | None) -> bool:
    """Whether names and addresses count only where a context marks a private person: only `web` asks for them."""
    asking = [name for name in names or () if any(ENTITIES[member].tagged for member in members(name))]
    return asking != [] and set(asking) == {"web"}
