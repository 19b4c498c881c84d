"""Mail, cards, hosts, accounts: presidio's types, beside Chinese and in documentation."""

import pytest


def found(scrubber, text: str) -> list[tuple[str, str]]:
    return [(f.entity, text[f.start : f.end]) for f in scrubber.find(text)]


@pytest.mark.parametrize(
    ("text", "mail"),
    [
        ("write to li.wei@example.org.", ["li.wei@example.org"]),
        ("邮箱zhang@qq.com，", ["zhang@qq.com"]),  # stock presidio takes 邮箱 too
        ("邮箱zhang@qq.com请联系", ["zhang@qq.com"]),
        ("联系！zhang@qq.com", ["zhang@qq.com"]),
        ("ｚｈａｎｇ＠ｑｑ．ｃｏｍ", ["ｚｈａｎｇ＠ｑｑ．ｃｏｍ"]),
        ("email=a.b@x.com.cn&x=1", ["a.b@x.com.cn"]),
        ("'to':'me@x.org'", ["me@x.org"]),
        ("b'me@x.org'", ["me@x.org"]),
        ("b'me@x.org', u'li@x.org'", ["me@x.org", "li@x.org"]),
        ("Mail o'neil@x.org or D'Angelo.B@x.org", ["o'neil@x.org", "D'Angelo.B@x.org"]),
        ("name='li.wei@x.org' don't@ me", ["li.wei@x.org"]),
        ("li.wei@qq.comzhang@163.com,@li@x.org", ["li.wei@qq.comzhang@163.com", "li@x.org"]),
        ("a@b.com,c@d.org;e@f.net", ["a@b.com", "c@d.org", "e@f.net"]),
        ("Müller <jürgen.müller@bücher.de>", ["jürgen.müller@bücher.de"]),
        ("x" * 70 + "@example.org", ["x" * 64 + "@example.org"]),  # RFC 5321: 64 characters
        ("user@localhost, root@node1, @property, a@b", []),
        ("https://a.net/b/icon@2x.png", []),
        ("logo@2x.zip on disk@home.service", ["logo@2x.zip"]),  # zip has been a public suffix since 2023
        ("git clone git@github.com:a/b.git", []),
        ("aes128-gcm@openssh.com,zlib@openssh.com,curve25519-sha256@libssh.org", []),
        ("report it to openssh@openssh.com", ["openssh@openssh.com"]),
    ],
)
def test_email_address(scrubber, text, mail):
    assert found(scrubber, text) == [("EMAIL_ADDRESS", value) for value in mail]


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("4111111111111111", ["4111111111111111"]),
        ("卡号4111111111111111。", ["4111111111111111"]),
        ("5555-5555-5555-4444 and 3782 822463 10005", ["5555-5555-5555-4444", "3782 822463 10005"]),
        ("6011 1111 1111 1117", ["6011 1111 1111 1117"]),
        ("2221 0000 0000 0009", ["2221 0000 0000 0009"]),
        ("Visa 4222222222222", ["4222222222222"]),
        ("card 122000000000003", ["122000000000003"]),  # UATP: only beside a word
        ("id 122000000000003", []),
        ("Order #4532015112830366", []),
        ("订单号：4532015112830366", []),
        ("交易 4532015112830366", []),
        ("Li Wei,4532015112830366,100.00", ["4532015112830366"]),
        ("1.5,4532015112830366,100.00", []),
        ("4111111111111112", []),
        ("0.4111111111111111", []),
        ("x = 2702159776422298", []),  # mantissa of 0.3
        ("0000 2500 4574 7458 6164 6574", []),  # a dump
        ("web/19970720205155/", []),  # stock presidio: a card
        ("1627928 161800", []),  # stock presidio: a card
        ("card 1111111111111111", []),
    ],
)
def test_credit_card(scrubber, text, cards):
    assert found(scrubber, text) == [("CREDIT_CARD", value) for value in cards]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("from 203.0.113.7 port 22", ["203.0.113.7"]),
        ("服务器82.50.72.202上", ["82.50.72.202"]),
        ("访问８２．５０．７２．２０２", ["８２．５０．７２．２０２"]),
        ("82.50.72.202:8080, 82.50.72.202/32", ["82.50.72.202", "82.50.72.202/32"]),
        ("http://104.197.5.247/api", ["104.197.5.247"]),
        ("ping 8.8.8.8", ["8.8.8.8"]),
        ("45.39.28.4 - - [27/Nov/2024]", ["45.39.28.4"]),
        ("2001:db8:13bb:2::20, ::ffff:203.0.113.9", ["2001:db8:13bb:2::20", "::ffff:203.0.113.9"]),
        ("5cbf:ef4c:6743:d19:680d:a837:9294:55f4", ["5cbf:ef4c:6743:d19:680d:a837:9294:55f4"]),
        ("127.0.0.1 0.0.0.0 10.1.2.3 172.16.0.9 192.168.1.1 169.254.1.1 100.64.0.1 224.0.0.1 255.255.255.0", []),
        ("::1 fe80::1 fd00::7ebc ff02::1 ::", []),
        ("46.51.192.0/20, 182.61.255.255, 2001:db8:2::", []),  # ranges
        ("std::add(::dead) a::b 10:20:30 20:00:00:25:b5:01:02:03", []),
        ("::ffff:10.0.0.1", []),
    ],
)
def test_ip_address(scrubber, text, hosts):
    assert found(scrubber, text) == [("IP_ADDRESS", value) for value in hosts]


@pytest.mark.parametrize(
    "text",
    [
        "version 5.4.3.2",
        "v1.2.3.4",
        "Firmware: 45.67.89.1",
        "升级到版本82.50.72.2",
        "需要82.50.72.2版本",
        "82.50.72.2 or later",
        "foo-82.50.72.2.tar.gz",
        "lib-82.50.72.2",
        "Chrome/82.50.72.2",
        "oid 1.3.6.1.4.1",
        "82.50.72.2.1",
        "VC.82.50.72.2.x86",
        "see section 7.4.2.2",
        "§ 7.4.2.2",
        "第7.4.2.2节",
        "7.26.3.6 The cnd_wait function",
        "4.8.4.1. Customization",
        "odst. 6.3.6.2 – „Výběr“",
        "bis 6.4.22.4 und",
        "5.4.3.2",
        "082.050.072.002",
    ],
)
def test_ip_address__versions_and_sections_are_none(scrubber, text):
    assert found(scrubber, text) == []


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("GB82 WEST 1234 5698 7654 32", [("IBAN_CODE", "GB82 WEST 1234 5698 7654 32")]),  # the example of ISO 13616
        ("账户DE89370400440532013000，", [("IBAN_CODE", "DE89370400440532013000")]),
        ("DE89370400440532013000 2 days", [("IBAN_CODE", "DE89370400440532013000")]),
        ("AL47212110090000000235698741 ALL CAPS", [("IBAN_CODE", "AL47212110090000000235698741")]),
        ("VG96 VPVG 0000 0123 4567 8901 X IN A ROW", [("IBAN_CODE", "VG96 VPVG 0000 0123 4567 8901")]),
        ("AB12 CDEF DE89370400440532013000", [("IBAN_CODE", "DE89370400440532013000")]),
        ("GB82 WEST 1234 5698 7654 33", []),
        (
            "地址1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa。",
            [("CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")],
        ),  # the first block
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", []),
        ("SSN 536-22-8726", [("US_SSN", "536-22-8726")]),
        ("号码536-22-8726的", [("US_SSN", "536-22-8726")]),
        ("SSN: 536228726", [("US_SSN", "536228726")]),
        ("id 536228726, 666-22-8726, 078-05-1120", []),
        ("6662 108 29 6799 1844", []),  # a table
        ("2018-536-22-8726", []),
    ],
)
def test_accounts_and_numbers(scrubber, text, data):
    assert found(scrubber, text) == data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("登录IP81.2.69.142，地点北京", "81.2.69.142"),
        ("clientIP81.2.69.142", None),
        ("来源ipv4 81.2.69.142", "81.2.69.142"),
        ("登录IP2a02:8108:e9d9:a2c4::df，", "2a02:8108:e9d9:a2c4::df"),
        ("SSN536-90-4399", "536-90-4399"),
        ("ssn536904399，", "536904399"),
        ("身份证ID110101199003070038。", "110101199003070038"),
        ("sfz110101199003070038", "110101199003070038"),
        ("Card4111111111111111", "4111111111111111"),
        ("IBANDE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
        ("税号No91350100M000100Y43", "91350100M000100Y43"),
        ("RRN900101-1234568", "900101-1234568"),
        ("Tel+1-312-433-0734。", "+1-312-433-0734"),
        ("call13812345678", "13812345678"),
        ("grid110101199003070038", None),
        ("discard4111111111111111", None),
        ("xssn536-90-4399", None),
    ],
)
def test_a_name_in_latin_letters_against_its_value(scrubber, text, value):
    """`ID110...`, `SSN123...`: people write no space. A longer word that ends so is none."""
    assert [text[f.start : f.end] for f in scrubber.find(text)] == ([value] if value else [])
    assert scrubber.find(text) == scrubber.find_everywhere(text)
