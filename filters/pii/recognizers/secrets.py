"""Secrets: user and password in a URL, keys of services by their published prefixes, private keys. Those that only
their name tells are in assigned.py.

Documentation is full of secrets that are none: `user:password@host`, `token=YOUR_TOKEN`, `${SECRET}`. What says that it
stands for something is left alone.
"""

import math
from collections import Counter
from typing import ClassVar

import regex

from gristmill.filters.pii.keys import PUBLISHED, Published
from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.patterns import InContext, in_small_letters, outer
from gristmill.filters.pii.scan import Match

_SCORE = 0.9
_CASED = regex.ASCII | regex.DOTALL | regex.MULTILINE

_STANDS_FOR = regex.compile(
    r"your|\bmy[_-]|example|sample|placeholder|change_?me|change_?this|replace|insert|dummy|fake|todo|redacted|hidden|foo|bar\b|"
    r"some_|xxx|\*\*\*|\.\.\.|\.\.$|1234567890|abcdefgh|[<>{}\[\]$]|%[sdv](?![A-Za-z0-9])|%\(|^%\w+%$|^:\w+$|^@|^env\b|process\.|\bnull\b|none|"
    r"undefined|true|false|secret|passw|token|key$|login|credential",
    regex.IGNORECASE,
)
"""What no secret contains: it stands for one, or is code that gets one."""
_TEMPLATE = regex.compile(r"\$\{|\$\(|\{\{|\{\w*\}|%\(\w+\)|%[sd](?![0-9A-Za-z])|(?i:xxxx)")
_PLACEHOLDER = regex.compile(r"\$\w+|%\w+%|\[[^]]*\]|\{[^}]*\}|\([^)]*\)|\*+|x+|[.…]+|\w+\|\w+|:\w+", regex.IGNORECASE)
"""What a whole name or password is that stands for one: `$PASS`, `[password]`, `***`. Among others a sign is one of a
password: `pa$$w*rd`."""
EXAMPLES = regex.compile(
    r"(?:user|username|usr|login|foo|guest|myuser|myusername|happyuser|usuário|u):"
    r"(?:password|passwd|pass|pwd|pw|bar|guest|mypassword|senha|p)",
    regex.IGNORECASE,
)
"""What documentation writes for user and password: 147 of 156 on 44,778 pages."""
_WORDS = frozenset(("password", "passwd", "passwort", "test", "admin", "root", "guest", "demo", "changeit", "hunter2"))


def is_example(value: str) -> bool:
    """Whether a password or token says that it stands for one."""
    known = value.lower().strip("_-.") in _WORDS or _STANDS_FOR.search(value)
    return bool(known) or (len(value) > 3 and len(set(value)) < 3)


def bits(value: str) -> float:
    """Shannon entropy per character of a value's own characters."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


def is_random(value: str) -> bool:
    """Whether a value looks drawn, not named: letters and digits mixed, hardly any character twice as often as others.

    `utf8_general_ci`, `2024-01-01T00:00` and `request.args.get` are named; 16 drawn of 64 have 3.6 bits each.
    """
    turns = len(regex.findall(r"(?<=[A-Za-z])\d|(?<=\d)[A-Za-z]", value))
    capitals = len(regex.findall(r"(?<=[a-z])[A-Z]{1,2}(?=[a-z0-9])", value))
    return bits(value) >= 3.0 and (turns >= 3 or (turns >= 1 and capitals >= 3))


class UrlCredentialsRecognizer(InContext, PatternRecognizer):
    """The whole user info of a URL: user and password at any host, with any characters but spaces and quotes; a token
    that stands there alone. RFC 3986 ends it at the last at-sign before `/`, `?` or `#`; passwords hold these, too.
    Where no host stands behind that at-sign, it ends at the first one behind which one does: `li:p@ss/w@mills.org`."""

    _AT = r"@(?=\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253}(?:$|[^\w.@-])|[\w.-]{1,253}\.?(?:$|[^\w@-]))"

    _HOST = (
        r"(?:\[[0-9A-Fa-f:.]{2,45}\]|localhost|(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}\.?|(?:\d{1,3}\.){3}\d{1,3}"
        r"|[\w-]{1,63}(?=:\d))(?::\d{1,5})?(?=$|[^\w.@:-])"
    )
    """What can only be a host: with a domain, an address, a port."""
    FOLLOWS: ClassVar[dict[str, str]] = dict.fromkeys(
        ("user and password", "with slashes", "with at-signs and slashes", "token"), "://"
    )

    def __init__(self) -> None:
        text = r"\s\"<>`"
        begins = r"(?<=[A-Za-z][A-Za-z0-9+.-]{0,15}://)"
        user = rf"[^{text}/?#@:]{{0,128}}"
        # Possessive between at-signs: a long run is read once, not once for each of its ends.
        before_slash, piece = rf"[^{text}/?#@]{{0,256}}+", rf"[^{text}@]{{0,256}}+"
        plain = rf"{begins}{user}:(?=[^{text}/?#]){before_slash}(?:@{before_slash}){{0,8}}(?={self._AT})"
        has_mark, has_two = rf"(?={before_slash}[/?#])", rf"(?={piece}@{piece}@)"  # most URLs are ruled out by these
        slashed = rf"{begins}{has_mark}{user}:(?!\d{{0,5}}[/?#])(?=[^@]){piece}(?={self._AT})"
        not_plain = rf"(?!\d{{0,5}}[/?#])(?!{before_slash}(?:@{before_slash}){{0,8}}?@{self._HOST})"
        mixed = rf"{begins}{has_two}{user}:{not_plain}{piece}(?:@{piece}){{1,8}}?(?=@{self._HOST})"
        token = rf"{begins}[^{text}/?#@:]{{16,256}}(?=@[A-Za-z0-9\[])"
        super().__init__(
            supported_entity="URL_CREDENTIALS",
            patterns=[
                Pattern("user and password", plain, 0.9),
                Pattern("with slashes", slashed, 0.8),
                Pattern("with at-signs and slashes", mixed, 0.8),
                Pattern("token", token, 0.6),
            ],
            global_regex_flags=regex.DOTALL | regex.MULTILINE,
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for a template and for `user:password`; a user alone has to look like a token."""
        user, colon, password = pattern_text.partition(":")
        if not colon:
            return None if is_random(user) and not is_example(user) else False
        if any(mark in password for mark in "/?#") and regex.match(r"[A-Za-z_{}$<>%()]*port\b|\d*[/?#]", password):
            return False  # http://host:{port}/@name
        if any(_PLACEHOLDER.fullmatch(part) for part in (user, password)):
            return False
        return False if _TEMPLATE.search(pattern_text) or EXAMPLES.fullmatch(pattern_text) else None


class ApiKeyRecognizer(InContext, PatternRecognizer):
    """Keys and tokens of services by the prefixes that these publish, so that leaked ones can be found."""

    NEEDS: ClassVar[dict[str, str]] = {one.service: one.within for one in PUBLISHED if one.within}

    def __init__(self) -> None:
        def form(one: Published) -> str:
            return rf"(?<![A-Za-z0-9_])(?:{one.form})(?![A-Za-z0-9_])"

        super().__init__(
            supported_entity="API_KEY",
            patterns=[Pattern(one.service, form(one), _SCORE) for one in PUBLISHED if one.within],
            global_regex_flags=_CASED,
        )
        self._forms = [
            (sign, regex.compile(form(one), _CASED))
            for one in PUBLISHED
            if not one.within
            for sign in one.signs.split()
        ]

    def matches(self, text: str) -> list[Match]:
        """(start, end, score), in order."""
        found = {match for pattern in self.patterns for match in self._of_pattern(pattern, text)}
        small = in_small_letters(text)
        for sign, form in self._forms:  # a pattern of all of them would be tried at each word
            at = small.find(sign)
            while at >= 0:
                match = form.match(text, at)
                if match and self._valid(match[0]) is not False:
                    found.add((at, match.end(), _SCORE))
                at = small.find(sign, match.end() if match else at + 1)
        return outer(found)

    def validate_result(self, pattern_text: str) -> bool | None:
        """False where what follows the prefix is words, or stands for a key."""
        body = pattern_text[4:]
        if regex.search(r"your|xxxx|XXXX|\.\.\.|0000000|1234567890ab|abcdefghij", body):
            return False
        mixed = any(c.isdigit() for c in body) or any(c.isupper() for c in body)
        return None if mixed and bits(body) >= 2.5 and not regex.fullmatch(r"[a-z]+(?:[-_][a-z]+)+\d*", body) else False


class PrivateKeyRecognizer(InContext, PatternRecognizer):
    """A private key in PEM (RFC 7468), OpenSSH's, PGP's, from its BEGIN to its END; line breaks as \\n too."""

    def __init__(self) -> None:
        label = r"[A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----"
        super().__init__(
            supported_entity="PRIVATE_KEY",
            patterns=[Pattern("PEM", rf"-----BEGIN {label}(?:(?!-----)[\s\S]){{64,16000}}+-----END {label}", 1.0)],
            global_regex_flags=_CASED,
        )
