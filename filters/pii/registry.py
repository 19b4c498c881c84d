"""Which recognizer finds which type, and where it may look. The one list to extend: a class, its type, its cue."""

from dataclasses import dataclass
from functools import lru_cache

import regex

from gristmill.filters.pii.entities import ENTITIES, Entity, places
from gristmill.filters.pii.presidio import EntityRecognizer, RecognizerResult, predefined_recognizers
from gristmill.filters.pii.recognizers import alone, asian, assigned, cards, chinese, generic, named, phone, secrets
from gristmill.filters.pii.recognizers.patterns import InContext, with_context
from gristmill.filters.pii.scan import Cue

THRESHOLD = 0.4
"""presidio's score from which a pattern counts: valid (1.0), specific (0.5-0.75); not "very weak" ones (0.05-0.3)."""

_OURS: dict[str, tuple[tuple[type[EntityRecognizer], Cue], ...]] = {
    "URL_CREDENTIALS": ((secrets.UrlCredentialsRecognizer, Cue.SECRET),),
    "PRIVATE_KEY": ((secrets.PrivateKeyRecognizer, Cue.BLOCK),),
    "API_KEY": ((secrets.ApiKeyRecognizer, Cue.SECRET),),
    "SECRET": ((assigned.SecretRecognizer, Cue.SECRET), (assigned.AssignedRecognizer, Cue.SECRET)),
    "EMAIL_ADDRESS": ((generic.EmailRecognizer, Cue.MAIL),),
    "IBAN_CODE": ((generic.IbanRecognizer, Cue.ACCOUNT),),
    "CN_RESIDENT_ID": ((chinese.ResidentIdRecognizer, Cue.NUMBER),),
    "CN_SOCIAL_CREDIT_CODE": ((chinese.SocialCreditCodeRecognizer, Cue.CODE),),
    "CREDIT_CARD": ((cards.CreditCardRecognizer, Cue.NUMBER),),
    "CN_BANK_CARD": ((cards.BankCardRecognizer, Cue.NUMBER),),
    "CRYPTO": ((generic.CryptoRecognizer, Cue.CODE),),
    "US_SSN": ((generic.UsSsnRecognizer, Cue.NUMBER),),
    "TW_ID": ((asian.TaiwanIdRecognizer, Cue.CODE),),
    "HK_ID": ((asian.HongKongIdRecognizer, Cue.IDENTITY), (asian.HongKongIdNamedRecognizer, Cue.CODE)),
    "KR_RRN": ((asian.KoreanIdRecognizer, Cue.NUMBER),),
    "JP_MY_NUMBER": ((asian.MyNumberRecognizer, Cue.NUMBER),),
    "PHONE_NUMBER": ((phone.PhoneRecognizer, Cue.NUMBER),),
    "IP_ADDRESS": ((generic.IpRecognizer, Cue.ADDRESS),),
    "CN_PASSPORT": ((named.ChinesePassportRecognizer, Cue.NAMED),),
    "US_PASSPORT": ((named.AmericanPassportRecognizer, Cue.NAMED),),
    "UK_PASSPORT": ((named.BritishPassportRecognizer, Cue.NAMED),),
    "JP_PASSPORT": ((named.JapanesePassportRecognizer, Cue.NAMED),),
    "KR_PASSPORT": ((named.KoreanPassportRecognizer, Cue.NAMED),),
    "EU_PASSPORT": ((named.EuropeanPassportRecognizer, Cue.NAMED),),
    "CN_TRAVEL_PERMIT": ((chinese.TravelPermitRecognizer, Cue.NAMED),),
    "CN_PLATE": ((chinese.PlateRecognizer, Cue.PLATE),),
    "WECHAT_ID": ((chinese.WechatRecognizer, Cue.HANDLE),),
    "QQ_ID": ((chinese.QqRecognizer, Cue.HANDLE),),
}
"""By type: recognizers, each with the cue of its matches."""

_ALONE: dict[str, tuple[type[EntityRecognizer], Cue]] = {
    "EMAIL_ADDRESS": (alone.AddressAlone, Cue.MAIL),
    "PHONE_NUMBER": (alone.MobileAlone, Cue.NUMBER),
}
"""Beside the others, in values that have no text around them."""


@dataclass(frozen=True)
class Recognizer:
    """A presidio recognizer and how it is run. cue: where it can match, None: anywhere."""

    entity: str
    cue: Cue | None
    threshold: float
    presidio: "EntityRecognizer | _Declared"

    def run(self, text: str) -> list[tuple[int, int, float]]:
        """(start, end, score) in characters of a folded text, in order. Weak ones of presidio's need a word
        of its context nearby."""
        if isinstance(self.presidio, InContext | phone.PhoneRecognizer):
            return [match for match in self.presidio.matches(text) if match[2] >= self.threshold]
        found = self.presidio.analyze(text, [self.entity], None)
        matches = sorted((r.start, r.end, r.score) for r in found)
        words = getattr(self.presidio, "context", None)
        if words and any(score < self.threshold for _, _, score in matches):
            matches = with_context(text, matches, tuple(words))
        return [match for match in matches if match[2] >= self.threshold]


@dataclass(frozen=True)
class _Declared:
    """A function of a plugin as a presidio recognizer: whatever it finds counts."""

    entity: Entity

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object) -> list[RecognizerResult]:
        """As presidio's."""
        return [RecognizerResult(self.entity.name, start, end, 1.0) for start, end in places(self.entity, text)]


def recognizers(entities: tuple[str, ...], stands_alone: bool = False) -> tuple[Recognizer, ...]:
    """The recognizers of these types, loaded once per process. Types that only a model finds have none.

    stands_alone: with those of values that have no text around them.
    """
    return loaded(tuple(ENTITIES[name] for name in entities), stands_alone)


def load(entities: tuple[Entity, ...], stands_alone: bool) -> tuple[Recognizer, ...]:
    """New recognizers of these types."""
    found = []
    for entity in entities:
        name = entity.name
        if stands_alone and name in _ALONE:
            recognizer, cue = _ALONE[name]
            found.append(Recognizer(name, cue, THRESHOLD, recognizer()))
        if name in _OURS:
            found += [Recognizer(name, cue, THRESHOLD, recognizer()) for recognizer, cue in _OURS[name]]
        elif entity.find:
            found.append(Recognizer(name, None, 0.0, _Declared(entity)))
        elif entity.recognizer:
            from gristmill.filters.pii.recognizers.bounded import BOUNDED

            stock = (BOUNDED.get(name) or getattr(predefined_recognizers, entity.recognizer))()
            stock.global_regex_flags |= regex.ASCII
            found.append(Recognizer(name, None, THRESHOLD, stock))
    return tuple(found)


loaded = lru_cache(maxsize=8)(load)
