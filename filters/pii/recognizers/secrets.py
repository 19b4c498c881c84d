"""Secrets: user and password in a URL, keys of services by their published prefixes, private keys, what is assigned to
`token`, `password`, ... or stands in a connection string.

Documentation is full of secrets that are none: `user:password@host`, `token=YOUR_TOKEN`, `${SECRET}`. What says that it
stands for something is left alone.
"""

import base64
import math
from collections import Counter

import regex

from gristmill.filters.pii.presidio import Pattern, PatternRecognizer
from gristmill.filters.pii.recognizers.patterns import InContext, after, before

_CASED = regex.ASCII | regex.DOTALL | regex.MULTILINE

_STANDS_FOR = regex.compile(
    r"your|\bmy[_-]|example|sample|placeholder|change_?me|change_?this|replace|insert|dummy|fake|todo|redacted|hidden|foo|bar\b|"
    r"some_|xxx|\*\*\*|\.\.\.|\.\.$|1234567890|abcdefgh|[<>{}\[\]$]|%[sdv(]|^%\w+%$|^:\w+$|^@|^env\b|process\.|\bnull\b|none|"
    r"undefined|true|false|secret|passw|token|key$|login|credential",
    regex.IGNORECASE,
)
"""What no secret contains: it stands for one, or is code that gets one."""
_TEMPLATE = regex.compile(r"\$\{|\$\(|\{\{|\{\w*\}|%\(\w+\)|%s|%d(?![0-9a-f])|xxxx", regex.IGNORECASE)
_PLACEHOLDER = regex.compile(r"\$\w+|%\w+%|\[[^]]*\]|\{[^}]*\}|\([^)]*\)|\*+|x+|[.…]+|\w+\|\w+|:\w+", regex.IGNORECASE)
"""What a whole name or password is that stands for one: `$PASS`, `[password]`, `***`. Among others a sign is one of a
password: `pa$$w*rd`."""
_EXAMPLES = regex.compile(
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

    def __init__(self) -> None:
        text = r"\s\"<>`"
        begins = r"(?<=[A-Za-z][A-Za-z0-9+.-]{0,15}://)"
        user = rf"[^{text}/?#@:]{{0,128}}"
        # Possessive between at-signs: a long run is read once, not once for each of its ends.
        before_slash, piece = rf"[^{text}/?#@]{{0,256}}+", rf"[^{text}@]{{0,256}}+"
        plain = rf"{begins}{user}:(?=[^{text}/?#]){before_slash}(?:@{before_slash}){{0,8}}(?={self._AT})"
        slashed = rf"{begins}{user}:(?!\d{{0,5}}[/?#])(?=[^@]){piece}(?={self._AT})"
        not_plain = rf"(?!\d{{0,5}}[/?#])(?!{before_slash}(?:@{before_slash}){{0,8}}?@{self._HOST})"
        mixed = rf"{begins}{user}:{not_plain}{piece}(?:@{piece}){{1,8}}?(?=@{self._HOST})"
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
        return False if _TEMPLATE.search(pattern_text) or _EXAMPLES.fullmatch(pattern_text) else None


_KEYS = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}",  # Amazon: docs.aws.amazon.com, unique identifiers of IAM
    r"LTAI[A-Za-z0-9]{12,24}|AKID[A-Za-z0-9]{13,40}",  # Alibaba Cloud, Tencent Cloud
    r"AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,400}|1//0[A-Za-z0-9_-]{30,120}",  # Google
    r"gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,251}",  # GitHub
    r"gl(?:pat|dt|rt|ft|agent|soat|cbt|ptt)-[A-Za-z0-9_.-]{20,300}",  # GitLab
    r"xox[abeprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Z0-9]{5,20}-\d{5,20}-[a-f0-9]{20,100}",  # Slack
    r"T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,40}(?<=services/.{38,66})",
    r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9]{32,64}",  # Stripe
    r"sk-(?:proj-|svcacct-|admin-|ant-|or-|lf-)?[A-Za-z0-9_-]{20,250}",  # OpenAI, Anthropic, others who took the form
    r"hf_[A-Za-z]{30,40}|gsk_[A-Za-z0-9]{40,60}|r8_[A-Za-z0-9]{30,40}|pplx-[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9]{60,90}"
    r"|tvly-[A-Za-z0-9-]{20,60}",
    r"npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,300}|rubygems_[a-f0-9]{48}|dckr_pat_[A-Za-z0-9_-]{20,40}",
    r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|key-[a-f0-9]{32}",
    r"do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}",
    r"ATATT3[A-Za-z0-9_=-]{50,300}|lin_api_[A-Za-z0-9]{32,48}|ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43}",
    r"figd_[A-Za-z0-9_-]{36,60}|NRAK-[A-Z0-9]{27}|hv[sb]\.[A-Za-z0-9_-]{24,250}|AGE-SECRET-KEY-1[A-Z0-9]{58}",
    r"sntry[su]_[A-Za-z0-9_=+/-]{40,300}|CCIPAT_[A-Za-z0-9_]{40,90}|pscale_tkn_[A-Za-z0-9_.-]{32,64}|glsa_[A-Za-z0-9_]{41}",
    r"dapi[a-f0-9]{32}(?:-\d)?|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,60}",  # Databricks, Doppler
    r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{60,70}",  # Postman, Terraform Cloud
    r"sbp_[a-f0-9]{40}|nfp_[A-Za-z0-9]{36,40}|fm[12]_[A-Za-z0-9+/=_,-]{100,1000}",  # Supabase, Netlify, Fly.io
    r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|GOCSPX-[A-Za-z0-9_-]{28}|ops_eyJ[A-Za-z0-9_-]{200,1500}",
    r"AKLT[A-Za-z0-9+/=_-]{40,60}|EZ[AT]K[A-Za-z0-9]{54}|pnu_[A-Za-z0-9]{36}|rdme_[a-z0-9]{70}",  # Volcengine, ...
    r"EAA[A-Za-z0-9]{100,300}",  # Meta
    r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{16,1000}",  # JSON web tokens, RFC 7519
    r"(?<![\d.:])\d{8,10}:AA[A-Za-z0-9_-]{33}",  # Telegram
)


class ApiKeyRecognizer(InContext, PatternRecognizer):
    """Keys and tokens of services by the prefixes that these publish, so that leaked ones can be found."""

    def __init__(self) -> None:
        keys = "|".join(_KEYS)
        super().__init__(
            supported_entity="API_KEY",
            patterns=[Pattern("prefix", rf"(?<![A-Za-z0-9_])(?:{keys})(?![A-Za-z0-9_])", 0.9)],
            global_regex_flags=_CASED,
        )

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


_NAMES = (
    r"(?:(?:access|auth|api|refresh|id|bearer|session|security|personal|private|bot|user|client|login|app|app_?secret|secret|"
    r"master|service|account|shared|shared_?access|storage|db|database|admin|root|smtp|mail|ftp|ssh)[_-]?){0,3}"
    r"(?:token|secret|api_?key|access[_-]?key|secret[_-]?key|account_?key|private[_-]?key|encryption[_-]?key|password|passwd|"
    r"passphrase|pwd|_key|-key)"
)
_ENDS = r"(?:[_-](?:id|value|hash))?"


class SecretRecognizer(InContext, PatternRecognizer):
    """What is assigned to a name for secrets: `token=`, `api_key: "..."`, `Password=...;` of connection strings, the
    parameter of a URL, 密码：, `Bearer ...`, `Authorization: Basic` and user and password in base64 (RFC 7617).
    Only what looks drawn, or where nothing but a secret can stand."""

    _PASSWORD = regex.compile(
        r"(?:password|passwd|passphrase|pwd)[\"'`]?\s{0,3}(?:=>|:=|==?|:)\s{0,3}[\"'`]?$",
        regex.IGNORECASE | regex.ASCII,
    )
    _STRONG = regex.compile(r"(?=.*\d)(?=.*[A-Za-z])(?=.*[!@#%^*?+~])[^()\[\]{}$|\\]{8,64}")
    _BASIC = regex.compile(r"authorization[\"']?\s?[:=,]\s?[\"']?basic $", regex.IGNORECASE | regex.ASCII)
    _PARAMETER = regex.compile(rf"[?&;]{_NAMES}=$", regex.IGNORECASE)
    _CHINESE = regex.compile(r"(?:密码|密碼|口令)(?:\s?[:：=是为]\s?)+$")
    _BEARER = regex.compile(r"\bbearer\s+$", regex.IGNORECASE)
    _NAMED = regex.compile(
        rf"(?<![A-Za-z]){_NAMES}{_ENDS}[\"'`]?\s{{0,3}}(?:=>|:=|==?|:)\s{{0,3}}[\"'`]?$", regex.IGNORECASE | regex.ASCII
    )

    def __init__(self) -> None:
        # keep() asks which name stands before the sign.
        parameter = r"(?<=[A-Za-z]=)[^\s\"<>`&;#']{6,512}"
        connection = r"(?<=(?<!&amp|&#38);[A-Za-z_ -]{2,24}=)[^\s\"<>`;']{6,512}"
        basic = r"(?<=[Bb][Aa][Ss][Ii][Cc] )[A-Za-z0-9+/]{8,512}={0,2}(?![A-Za-z0-9+/=_(])"
        password = (
            r"(?<=(?i:passw(?:or)?d|passphrase|pwd)[\"'`]? {0,3}(?:=>|:=|==?|:|：) {0,3}[\"'`]?)"
            r"(?!')[!#-%'*-;=?-_a-~]{8,64}(?<![,.;:'`])(?![\w(&])"
        )
        assigned = (
            r"(?<=[A-Za-z][\"'`]? {0,3}(?:=>|:=|==?|:|：) {0,3}[\"'`]?)[A-Za-z0-9_./+~=-]{16,512}(?![A-Za-z0-9_(\[.])"
        )
        quoted = r"(?<=[A-Za-z][\"'`]? {0,3}(?:=>|:=|==?|:) {0,3}([\"'`]))[!#-;=?-_a-~]{12,256}?(?=\1)"
        chinese = r"(?<=[码碼令]\s?[:：=是为]{1,2}\s?)[!#-;=?-_a-~]{6,64}(?<![,.;:!?])"
        bearer = r"(?<=[Bb][Ee][Aa][Rr][Ee][Rr][ ]{1,3})[A-Za-z0-9_./+~=-]{16,2000}(?![A-Za-z0-9_(])"
        super().__init__(
            supported_entity="SECRET",
            patterns=[
                Pattern("parameter", parameter, 0.7),
                Pattern("of a connection string", connection, 0.7),
                Pattern("password", password, 0.6),
                Pattern("basic", basic, 0.7),
                Pattern("assigned", assigned, 0.6),
                Pattern("quoted", quoted, 0.6),
                Pattern("in Chinese", chinese, 0.6),
                Pattern("bearer", bearer, 0.7),
            ],
            global_regex_flags=_CASED,
        )

    def validate_result(self, pattern_text: str) -> bool | None:
        """False for what stands for a secret."""
        return False if is_example(pattern_text) or "://" in pattern_text else None

    def keep(self, text: str, start: int, end: int) -> bool:
        """After a name for it, and as random as that asks for."""
        left, value = before(text, start), text[start:end]
        if self._CHINESE.search(left):
            return any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if self._PARAMETER.search(left):
            return "(" not in value and (is_random(value) or (len(value) >= 6 and _mixed(value)))
        if after(text, end)[:1] in ("(", "["):
            return False
        if self._BASIC.search(left):
            return _is_basic(value)
        if self._PASSWORD.search(left) and self._STRONG.fullmatch(value):
            return True
        return len(value) >= 12 and is_random(value) and bool(self._BEARER.search(left) or self._NAMED.search(left))


def _is_basic(value: str) -> bool:
    """Whether a value is user and password in base64, none of them an example's."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return False
    return (
        bool(colon and password) and not _EXAMPLES.fullmatch(f"{user}:{password}") and f"{user}{password}".isprintable()
    )


def _mixed(value: str) -> bool:
    """Letters and digits, or a mark as passwords have."""
    return any(c.isalpha() for c in value) and any(c.isdigit() or c in "!@#$%^&*" for c in value)
