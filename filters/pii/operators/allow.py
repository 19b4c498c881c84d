"""Values that stay: examples that nobody has, addresses of roles, contacts of organisations, and what a recipe lists.

allowed = Allowed(["examples", "roles", "@mill.example"])
allowed("EMAIL_ADDRESS", "info@bank.org")     # True
"""

import ipaddress
import re
from collections.abc import Sequence

from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.operators.audit import normal_form
from gristmill.filters.pii.operators.policies import ALLOWED, allow_problem
from gristmill.filters.pii.operators.surrogates import TEST_CARDS, one_form

_EXAMPLE_HOST = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org|edu)|example|test|invalid|localhost)$")
_EXAMPLE_PHONE = re.compile(r"(?:001|1)?\d{3}55501\d\d|(?:44|0044|0)0?(?:7700900\d{3}|2079460\d{3})")
_EXAMPLE_NUMBERS = frozenset(
    ("gb82west12345698765432", "de89370400440532013000", "fr1420041010050500013m02606", "078051120", "219099999")
)  # fmt: skip
_EXAMPLE_NETWORKS = [
    ipaddress.ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
_ROLE = re.compile(
    r"(?:info|marketing|sales|support|abuse|noc|security|postmaster|hostmaster|webmaster|usenet|news|www|uucp|ftp|contact|"
    r"contacts|admin|administrator|help|helpdesk|hello|hi|office|mail|team|press|media|pr|jobs|careers|hr|recruiting|legal|"
    r"privacy|dpo|billing|accounts?|finance|orders?|service|services|customerservice|customercare|feedback|"
    r"enquiries|inquiries|enquiry|editor|editors|editorial|events|community|partners?|no-?reply|do-?not-?reply|newsletter|subscribe|unsubscribe|"
    r"list|lists|dev|devel|developers?|bugs?|issues|announce|users|kefu|service400|hezuo|tougao|business|bd)(?:[-_.+].*)?"
)
_SERVICE_PHONE = re.compile(
    r"(?:001|1)?8(?:00|33|44|55|66|77|88)\d{7}|(?:0086|86)?(?:400|800)\d{7}|95\d{3}|0800\d{5,8}|(?:44|0044)0?800\d{6,7}|"
    r"0(?:300|330|345|370)\d{7}|(?:7|8)800\d{7}|0120\d{6}|(?:15|16|18)\d{6}"
)


_WRITTEN_APART = ("PHONE_NUMBER", "IBAN_CODE", "IP_ADDRESS")
"""A type of each way in which a listed value may be one that is written in another."""


class Allowed:
    """Whether a value of a type stays. names: sets of ALLOWED, `@host` for addresses at a host or below, and values.

    Raises ValueError for an unknown set.
    """

    def __init__(self, names: Sequence[str]):
        for name in names:
            if wrong := allow_problem(name):
                raise ValueError(wrong)
        self._sets = {name for name in names if name in ALLOWED}
        self._hosts = tuple(name[1:].lower() for name in names if name.startswith("@"))
        listed = [name for name in names if name not in ALLOWED and not name.startswith("@")]
        self._values = {one_form(entity, name) for name in listed for entity in ("", *_WRITTEN_APART)}

    def __bool__(self) -> bool:
        return bool(self._sets or self._hosts or self._values)

    def __call__(self, entity: str, value: str) -> bool:
        """Whether a found value stays."""
        plain = fold(value).strip()
        if normal_form(plain) in self._values or one_form(entity, plain) in self._values:
            return True
        host = plain.lower().rpartition("@")[2] if entity == "EMAIL_ADDRESS" else ""
        if host and any(host == known or host.endswith(f".{known}") for known in self._hosts):
            return True
        if "examples" in self._sets and _is_example(entity, plain, host):
            return True
        organisations = "organisations" in self._sets
        if entity == "EMAIL_ADDRESS" and (organisations or "roles" in self._sets):
            return bool(_ROLE.fullmatch(plain.lower().partition("@")[0]))
        if organisations and entity == "PHONE_NUMBER":
            return bool(_SERVICE_PHONE.fullmatch(re.sub(r"\D", "", plain)))
        return organisations and entity == "CN_SOCIAL_CREDIT_CODE"


def _is_example(entity: str, plain: str, host: str) -> bool:
    compact = re.sub(r"[ .\-()+]", "", plain).lower()
    if entity == "EMAIL_ADDRESS":
        return bool(_EXAMPLE_HOST.search(host))
    if entity == "IP_ADDRESS":
        try:
            address = ipaddress.ip_interface(plain).ip
        except ValueError:
            return False
        return any(address.version == network.version and address in network for network in _EXAMPLE_NETWORKS)
    if entity in ("CREDIT_CARD", "CN_BANK_CARD"):
        return compact in TEST_CARDS
    if entity == "PHONE_NUMBER":
        return bool(_EXAMPLE_PHONE.fullmatch(compact))
    return compact in _EXAMPLE_NUMBERS or (entity == "API_KEY" and "EXAMPLE" in plain)
