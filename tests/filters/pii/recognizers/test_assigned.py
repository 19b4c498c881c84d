"""Secrets that only their name tells, in the ways in which code, configuration, data and prose write them."""

import pytest

DRAWN = "3f2504e04f8911d39a0c0305e82c3301"
PASSWORD = "Zx9!kk2pQ"
FORMS = [
    '{n}="{s}"', "{n} = '{s}'", "{n}={s}", "{n}: {s}", '"{n}": "{s}"', '{{\\"{n}\\":\\"{s}\\"}}', "{n} := `{s}`",
    '"{n}" => "{s}"', "{n} ::= '{s}'", "{n} ?= '{s}'", "{n} += '{s}'", "${n} ??= '{s}'", "if ({n} == '{s}')",
    "var {n} string = '{s}'", "{n}: string = '{s}'", 'setProperty("{n}", "{s}")', "<{n}>\n  {s}\n</{n}>",
    '<add key="{n}" value="{s}" />', '"name": "{n}",\n "value": "{s}"', "{n}: |\n  {s}", "--{n} {s}", "--{n}={s}",
    "{n}是{s}。", "{n}为{s}，", "{n}：{s}", "{n} is {s}", '"config": "{n}={s}\\nDEBUG=1"', "https://x.org/?a=1&{n}={s}&b=2",
]  # fmt: skip
NAMES = ["acmeToken", "ACME_TOKEN", "acme-api-key", "acme.secret.key", "clientSecret", "authtoken", "AppSecret"]
NAMES_OF_PASSWORDS = ["password", "DB_PASS", "dbPassword", "MYSQL_PWD", "PGPASSWORD", "user-passwd"]


@pytest.mark.parametrize("form", FORMS)
def test_find__in_each_form(form, scrubber):
    for names, value in ((NAMES, DRAWN), (NAMES_OF_PASSWORDS, PASSWORD)):
        for name in names:
            text = "x " + form.format(n=name, s=value) + " y"
            start = text.index(value)
            assert [(f.start, f.end) for f in scrubber.find(text)] == [(start, start + len(value))], text
            assert scrubber.find(text) == scrubber.find_everywhere(text)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("密钥是Zx8kQ2mLp请勿外传，令牌: a1B2c3D4", "密钥是<SECRET>请勿外传，令牌: <SECRET>"),
        ("API密钥：9f86d081884c，秘钥 qW3rty78", "API密钥：<SECRET>，秘钥 <SECRET>"),
        ("用户名admin密码Zx8kQ2m登录，密码“Aa1!aa22”", "用户名admin密码<SECRET>登录，密码“<SECRET>”"),
        ("パスワード：qW3rty78。비밀번호: qW3rty78", "パスワード：<SECRET>。비밀번호: <SECRET>"),
        ("requirepass= x, PGPASSWORD=hunter2249 psql", "requirepass= x, PGPASSWORD=<SECRET> psql"),
        ("password: Tr0ub%Vor&3 token=u%dQ81a3Vb7K2x9", "password: <SECRET> token=<SECRET>"),
    ],
)
def test_find__in_prose_and_of_people(text, scrubbed, scrubber):
    assert scrubber.scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "PublicKeyToken=b77a5c561934e089", "primary_key: 9f86d081884c7d659a2feaa0",
        "next_page_token: CAUQAA1b2C3d4E5f6", "PASSWORD = 0x00000001, bypass=a1b2c3d4e5", "!设置用户密码-Debian10",
        "password=getPw1(a1)", "token = tokens[a1b2c3d4e5f6g7]", "compass: n4o5r6t7h8", "password policy 2024-01-02",
        "the secret of 19th century", "token_type: bearer2a3b4c5d6e7f8g9", "password: ${DB_PASS1}",
        "password=passw0rd", 'token: "your-token-1a2b3c4d5e6f"', "key: 9f86d081884c7d659a2feaa0", "password: utf8mb4",
        "csrf_token=9f86d081884c7d659a2feaa0", "<password>", "password", "密码",
    ],
)  # fmt: skip
def test_find__what_is_no_secret(text, scrubber):
    assert scrubber.scrub(text) == text


def test_find__a_name_in_a_value_of_another(scrubber):
    """A row of names is read once, and ends."""
    assert scrubber.scrub("token=" * 200 + DRAWN) == "token=" * 200 + "<SECRET>"
