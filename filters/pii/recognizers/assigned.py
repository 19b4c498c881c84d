"""Secrets by their names: what is assigned to `token`, `password`, 密码, or stands in a connection string or a header.

A name and a sign announce a value (`DB_PASS=`, `"apiToken": "`, `--token `, 密钥是); what it has to look like depends
on both: where only a secret can stand, a letter, a digit and a mark are enough, elsewhere it has to look drawn.
"""

import base64
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.patterns import REMEMBERED, InContext, after, before, in_small_letters, outer
from gristmill.filters.pii.recognizers.secrets import EXAMPLES, is_example, is_random
from gristmill.filters.pii.scan import Match

_CASED = regex.ASCII | regex.DOTALL | regex.MULTILINE

_AFFIXES = (
    r"(?:access|auth|api|refresh|id|bearer|session|security|personal|private|bot|user|client|login|app|secret|master|"
    r"service|account|shared|storage|db|database|admin|root|smtp|mail|ftp|ssh|pg|mysql|redis|require|encryption)"
)
"""What is written before a name without a sign or a capital between: `authtoken`, `PGPASSWORD`."""
_PASSWORD = r"passw(?:or)?d|passwort|passphrase|passcode|pwd|pass|pw"
_CREDENTIALS = r"credentials?|creds"
_TOKEN = r"token|secret|api[_-]?key|(?:access|secret|account|private|encryption|signing|auth)[_-]?key|[_.-]key"
_IN_CHINESE = r"密[码碼]|口令|[密秘]钥|[密金]鑰|令牌|パスワード|비밀번호"
_ENDS = r"(?:[_-](?:value|hash|string|base64|secure|dev|prod|test|live|main|\d{1,3}))?|String"
"""What a name may go on with and name the same: not `token_type`, `key_id`, `password_file`."""

_QUOTE = r"\\{0,2}[\"'`]"
_TYPE = r"(?:\[\d{0,3}\])?(?:\s?:?\s?(?:string|str|String|char\*?))?"
_SIGNS = "|".join((
    rf"(?:{_QUOTE})?:\s?[|>][+-]?\s{{1,12}}",  # YAML, in a block
    rf"(?:{_QUOTE})?\]?{_TYPE}[ \t]{{0,4}}(?:[?+.|!:]{{0,3}}={{1,3}}>?|[:：]|->)\s{{0,4}}(?:[@brufL]?{_QUOTE})?",
    r"[\"'],\s{0,8}[\"']value[\"']\s?:\s?[\"']",  # {"name": "TOKEN", "value": "..."}
    r"[\"']\s{0,3},\s{0,3}[\"']",  # setProperty("DB_PASS", "...")
    r">\s{0,12}",  # <Token>...</Token>
    r"[\"']\s{1,3}value\s?=\s?[\"']",  # <add key="Password" value="..."/>
    rf"\s{{0,2}}(?:是|为|為|は|은|는)[:：]?\s?|\s(?:is|was):?\s(?:{_QUOTE})?",
    rf"[ \t]{{1,3}}(?:{_QUOTE})?",  # --password ...
))  # fmt: skip
"""What may stand between a name and its value, none longer than the scan looks (VALUE_CHARS)."""

_QUOTED_IN_CHINESE = r"\s?[“「『]?"
_HEADERS = r"(?i:bearer) {1,3}|(?i:authorization)[\"']?\s?[:=,]\s?[\"']?(?i:basic) "
"""What an HTTP header has before a token, and before user and password in base64 (RFC 7617)."""
_STEMS = ("pass", "pw", "token", "secret", "cred", "key", "密", "口令", "令牌", "秘钥", "金鑰", "パスワード",
          "비밀번호", "bearer ", "authorization")  # fmt: skip
"""How names begin, or what of them the text is searched for; a pattern would be tried at each character."""
_NAMED = regex.compile(
    rf"(?i:{_PASSWORD}|token|secret|{_CREDENTIALS}|key)(?:{_ENDS})(?:{_SIGNS})"
    rf"|(?:{_IN_CHINESE})(?:{_SIGNS}|{_QUOTED_IN_CHINESE})|{_HEADERS}",
    regex.ASCII,
)
_LEFT = (
    rf"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z])|(?<=(?i:(?<![A-Za-z]){_AFFIXES}[_-]?{_AFFIXES}?))"
    rf"|(?<=[a-z](?i:{_AFFIXES})))"
)
_ANNOUNCED = regex.compile(
    rf"(?:{_LEFT}(?:(?P<password>(?i:{_PASSWORD}))|(?i:{_TOKEN}|{_CREDENTIALS}))(?:{_ENDS})(?P<sign>{_SIGNS})"
    rf"|(?P<chinese>{_IN_CHINESE})(?P<sign>{_SIGNS}|{_QUOTED_IN_CHINESE}))$",
    regex.ASCII,
)
_HEADER = regex.compile(
    r"\bbearer\s{1,3}$|authorization[\"']?\s?[:=,]\s?[\"']?(?P<basic>basic) $", regex.IGNORECASE | regex.ASCII
)
_NO_SECRET = regex.compile(
    r"(?:public|publishable|primary|foreign|partition|sort|row|cache|bucket|idempotency|natural|schema|sequence|index|idx|"
    r"group|hot|csrf|xsrf|next|page|continuation|cancellation|order|shard|object|routing|storage|by|unique|composite|max)"
    r"[_ .-]?(?:key|token)|_of_|compass|bypass|trespass|encompass",
    regex.IGNORECASE,
)
"""Names of what is no secret."""
_QUOTED = {q: regex.compile(rf"[!-~]{{6,512}}?(?=\\{{0,2}}{q})") for q in ('"', "'", "`")}
_BARE = regex.compile(r"(?:[!#-%*+./0-9:=?@A-Z^_a-z~-]|&(?!\w{1,32}[=;])){6,512}(?<![,.;:!?&])", regex.ASCII)
_NAMES_ANOTHER = regex.compile(
    r"[!-%*-:<=?-z~-]{0,24}?(?:token|secret|passw|credential)", regex.IGNORECASE | regex.ASCII
)
"""What begins no secret: `token=token=`, `password: "passwordField`."""
_GOES_ON = regex.compile(r"[(\[{<$]|\.\w")
"""Code goes on so: a call, an index, a template."""
_STRONG = regex.compile(r"(?=.*\d)(?=.*[A-Za-z])(?=.*[!@#%^*?+~&$-])[^()\[\]{}<>|\\\s]{8,64}")
_PLAIN = regex.compile(r"(?!0[xX])(?=.*[A-Za-z])(?=.*\d.*\d)[A-Za-z0-9_]{8,64}")
_SPACE = regex.compile(r"[ \t]+(?:\\{0,2}[\"'`])?")
_FLAG = regex.compile(r"(?:--?|\b[A-Z0-9]+_)[\w.-]*$|\bENV \w*$", regex.ASCII)
"""What stands before the last word of an option or a variable, whose value follows a space."""


class SecretRecognizer(InContext, PatternRecognizer):
    """What stands where a form has a secret: the parameter of a URL, a part of a connection string."""

    FOLLOWS: ClassVar[dict[str, str]] = {"parameter": "=", "of a connection string": "="}
    _PARAMETER = regex.compile(rf"[?&;]\w{{0,24}}(?:{_PASSWORD}|{_TOKEN})(?:{_ENDS})=$", regex.IGNORECASE | regex.ASCII)

    def __init__(self) -> None:
        # keep() asks which name stands before the sign.
        parameter = r"(?<=[A-Za-z]=)[^\s\"<>`&;#']{6,512}"
        connection = r"(?<=(?<!&amp|&#38);[A-Za-z_ -]{2,24}=)[^\s\"<>`;']{6,512}"
        super().__init__(
            supported_entity="SECRET",
            patterns=[Pattern("parameter", parameter, 0.7), Pattern("of a connection string", connection, 0.7)],
            global_regex_flags=_CASED,
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for what stands for a secret."""
        return False if is_example(pattern_text) or "://" in pattern_text else None

    def keep(self, text: str, start: int, end: int) -> bool:
        """After a name for it."""
        left, value = before(text, start), text[start:end]
        if not self._PARAMETER.search(left) or _NO_SECRET.search(left):
            return False
        return "(" not in value and (is_random(value) or _mixed(value))


class AssignedRecognizer(InContext, PatternRecognizer):
    """What is assigned to a name for secrets, in code, configuration, data and prose."""

    def __init__(self) -> None:
        super().__init__(supported_entity="SECRET", patterns=[Pattern("named", _NAMED.pattern, 0.6)])
        self._is_secret = lru_cache(maxsize=REMEMBERED)(_is_secret)

    def matches(self, text: str) -> list[Match]:
        """(start, end, score) of the values, in order."""
        found: set[Match] = set()
        for start in _announced(text):
            if _NAMES_ANOTHER.match(text, start):
                continue
            quote = _QUOTED.get(text[start - 1])
            value = quote.match(text, start) if quote else _BARE.match(text, start)
            if value and self._is_secret(before(text, start), value[0], after(text, value.end())[:2]):
                found.add((start, value.end(), 0.6))
        return outer(found)


def _announced(text: str) -> Iterator[int]:
    """Where values begin that a name and a sign announce."""
    small = in_small_letters(text)
    for stem in _STEMS:
        at = small.find(stem)
        while at >= 0:
            if named := _NAMED.match(text, at):
                yield named.end()
            at = small.find(stem, at + len(stem))


def _is_secret(left: str, value: str, right: str) -> bool:
    """Whether what `left` announces is a secret."""
    header = _HEADER.search(left)
    if header:
        return _is_basic(value) if header["basic"] else len(value) >= 16 and is_random(value) and not is_example(value)
    named = _ANNOUNCED.search(left)
    if named is None or _NO_SECRET.search(left) or "://" in value or is_example(value):
        return False
    spaced = _SPACE.fullmatch(named["sign"])
    if spaced and not (
        named["chinese"] or named["password"] or _FLAG.search(left[: named.end("sign")].rstrip(" \t\"'`\\"))
    ):
        return False
    if not named["sign"].endswith(('"', "'", "`")) and _GOES_ON.match(right):
        return False
    if named["chinese"]:
        if not named["sign"] and not value[0].isalnum():
            return False  # 密码-Debian10
        return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    if named["password"] and _STRONG.fullmatch(value):
        return True
    if named["password"] and not spaced and _PLAIN.fullmatch(value):
        return True
    return len(value) >= 12 and is_random(value)


def _is_basic(value: str) -> bool:
    """Whether a value is user and password in base64, none of them an example's."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return (
        bool(colon and password) and not EXAMPLES.fullmatch(f"{user}:{password}") and f"{user}{password}".isprintable()
    )


def _mixed(value: str) -> bool:
    """Letters and digits, or a mark as passwords have."""
    return any(c.isalpha() for c in value) and any(c.isdigit() or c in "!@#$%^&*" for c in value)
