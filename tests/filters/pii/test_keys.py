"""Keys by what services publish: one drawn of each form is found, whole, wherever it stands."""

import random
import re
import string
from re import _constants as sre
from re import _parser as parser

import pytest
import regex

from gristmill.filters.pii.keys import PUBLISHED

BEFORE = {
    "GitLab, a session": "_gitlab_session=",
    "Slack, a hook": "https://hooks.slack.com/services/",
    "Discord": "https://discord.com/api/webhooks/",
    "Teams": "https://acme.webhook.office.com/webhookb2/",
}
"""What stands before keys whose form looks back."""


def drawn(tree, draw: random.Random) -> str:
    """A string of a pattern, its characters drawn."""
    text = ""
    for kind, of in tree:
        if kind is sre.LITERAL:
            text += chr(of)
        elif kind is sre.IN:
            text += draw.choice([c for c in characters(of) if c.isalnum()] or characters(of))
        elif kind in (sre.MAX_REPEAT, sre.POSSESSIVE_REPEAT):
            low, high, inner = of
            text += "".join(drawn(inner, draw) for _ in range(draw.randint(low, min(high, low + 4))))
        elif kind is sre.SUBPATTERN:
            text += drawn(of[3], draw)
        elif kind is sre.BRANCH:
            text += drawn(draw.choice(of[1]), draw)
        else:
            assert kind is sre.ASSERT or kind is sre.ASSERT_NOT, kind
    return text


def characters(of) -> list[str]:
    listed: list[str] = []
    for kind, value in of:
        if kind is sre.RANGE:
            listed += map(chr, range(value[0], value[1] + 1))
        else:
            listed += chr(value) if kind is sre.LITERAL else string.digits
    return listed


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.service)
def test_published__is_found_whole_wherever_it_stands(one, scrubber):
    draw = random.Random(one.service)
    form = re.sub(r"\(\?<=(?:[^()]|\([^()]*\))*\)", "", one.form)
    for left, right in (("", ""), ("密钥", "，"), ('k: "', '"'), ("export K=", "\n"), ("`", "`"), ("(", ")")):
        key = drawn(parser.parse(form), draw)
        text = left + BEFORE.get(one.service, "") + key + right
        found = scrubber.find(text)
        start = len(text) - len(key) - len(right)
        assert any(f.start <= start and start + len(key) <= f.end for f in found), (text, found)
        assert found == scrubber.find_everywhere(text)


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.service)
def test_published__its_signs_are_in_its_keys(one):
    """A sign that no key has finds nothing, and one that is missing hides a form from the scan."""
    draw = random.Random(one.service)
    signs = one.signs.split()
    for _ in range(40):
        branch = re.sub(r"\(\?<=(?:[^()]|\([^()]*\))*\)", "", one.form)
        key = (BEFORE.get(one.service, "") + drawn(parser.parse(branch), draw)).lower()
        assert any(sign in key if one.within else key.startswith(sign) for sign in signs), key
        assert regex.search(one.within.lower() or "", key) if not one.within else one.within.lower() in key
