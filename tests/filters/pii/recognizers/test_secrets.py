"""Secrets, passports and East Asian numbers; types on request with presidio's context."""

import pytest

from gristmill.filters.pii.engine import Scrubber

KEY = (
    "-----BEGIN EC PRIVATE KEY-----\n"
    + "MHcCAQEEIIrYSSNQFaA2Hwf1duRSxKtLYX5CB04fSeQ6tF1aY\n" * 2
    + "-----END EC PRIVATE KEY-----"
)


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("postgres://admin:s3cr3t!@db.internal:5432/app", "postgres://<URL_CREDENTIALS>@db.internal:5432/app"),
        ("redis://:pa55word@10.0.0.1:6379", "redis://<URL_CREDENTIALS>@10.0.0.1:6379"),
        ("https://li:p/w?rd#1@x.org/a", "https://<URL_CREDENTIALS>@x.org/a"),
        ("ftp://li:密码@[fe80::1]/a", "ftp://<URL_CREDENTIALS>@[fe80::1]/a"),
        ("https://li.wei:hunter2@mail.example.org", "https://<URL_CREDENTIALS>@mail.example.org"),
        ("https://li:p@ss/w?rd@x.org/a", "https://<URL_CREDENTIALS>@x.org/a"),
        ("https://li:p@ss/w@x.org/u@y.org", "https://<URL_CREDENTIALS>@x.org/<EMAIL_ADDRESS>"),
        ("amqp://user:abc@123/d#f@rabbit:5672/v", "amqp://<URL_CREDENTIALS>@rabbit:5672/v"),
        ("连接redis://:p/a@b@[::1]:6379。", "连接redis://<URL_CREDENTIALS>@[::1]:6379。"),
        ("mysql://root:密@/码@localhost:3306/db", "mysql://<URL_CREDENTIALS>@localhost:3306/db"),
        ("https://li:pw@x.org/u@y.org https://li:pw@db/a", "https://<URL_CREDENTIALS>@x.org/<EMAIL_ADDRESS> "
         "https://<URL_CREDENTIALS>@db/a"),
        ("https://cdn.x.org/npm/a@1.2.3/b@4 http://h:80/a@x", "https://cdn.x.org/npm/a@1.2.3/b@4 http://h:80/a@x"),
        ("mysql://app:pa$$w*rd|1@db:3306", "mysql://<URL_CREDENTIALS>@db:3306"),
        ("s3://k3y:ab..[x]1@h.example.org", "s3://<URL_CREDENTIALS>@h.example.org"),
        ("redis://u:%F%sIsAKNC9@h:1 http://a:1g&e&v%Sf@h:1", "redis://<URL_CREDENTIALS>@h:1 http://<URL_CREDENTIALS>@h:1"),
        ("http://%s:%s@h http://u:%d@h", "http://%s:%s@h http://u:%d@h"),
        ("http://$USER:$PASS@h http://li:***@h http://a:[pw]@h http://li:${P}x@h",
         "http://$USER:$PASS@h http://li:***@h http://a:[pw]@h http://li:${P}x@h"),
        ("http://host:8080/@name https://medium.com/@li", "http://host:8080/@name https://medium.com/@li"),
        ("http://{user}:{password}@host ssh://git@github.com/a", "http://{user}:{password}@host ssh://git@github.com/a"),
        ("Server=a;Uid=sa;Password=Zx9!kk2p;", "Server=a;Uid=sa;Password=<SECRET>;"),
        ("/?token=9f86d081884c7d65&a=b", "/?token=<SECRET>&a=b"),
        ("/?a=1&amp;token=9f86d081884c7d65&amp;x=1", "/?a=1&amp;token=<SECRET>&amp;x=1"),
        ("Server=a;Uid=sa;Pwd=Zx8!kQ2m#Lp&1;", "Server=a;Uid=sa;Pwd=<SECRET>;"),
        ("https://li%40corp.com:pa%3Ass9@git.corp.com/x", "https://<URL_CREDENTIALS>@git.corp.com/x"),
        ("password=Zx8!kQ2m pwd: 'a1b2c3*d'", "password=<SECRET> pwd: '<SECRET>'"),
        ("password=get_pw1(a) pwd=^[a-z]1+$ passwd: abcdefg1", "password=get_pw1(a) pwd=^[a-z]1+$ passwd: abcdefg1"),
        ("Authorization: Basic bGl3ZWk6WnghOGtRMm0=", "Authorization: Basic <SECRET>"),
        ('"Authorization": "Basic bGl3ZWk6WnghOGtRMm0="', '"Authorization": "Basic <SECRET>"'),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "Authorization: Basic dXNlcjpwYXNzd29yZA=="),
        ("Authorization: Basic information", "Authorization: Basic information"),
        ("密码是Zx8kQ2mLp请勿外传，口令：\nqW3rty78", "密码是<SECRET>请勿外传，口令：\n<SECRET>"),
        ("token = get_token(x), password = 'password'", "token = get_token(x), password = 'password'"),
        ("api_key=YOUR_API_KEY_0123456789abc", "api_key=YOUR_API_KEY_0123456789abc"),
        ("key AKIAIOSFODNN7EXAMPLE.", "key <API_KEY>."),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "<API_KEY>"),
        ("sk-learn-contrib-project, task-12345678901234567890", "sk-learn-contrib-project, task-12345678901234567890"),
        (f"a{KEY}b", "a<PRIVATE_KEY>b"),
    ],
)  # fmt: skip
def test_secrets(scrubber, text, scrubbed):
    assert scrubber.scrub(text) == scrubbed


_HEX = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
_MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cF3hJ6kL9nP2rS5tU8wX1yZ4bD7eG0iM"


@pytest.mark.parametrize(
    "key",
    [
        f"key-{_HEX}", f"dop_v1_{_HEX}{_HEX}", f"doo_v1_{_HEX}{_HEX}", f"shpat_{_HEX}",
        f"xkeysib-{_HEX}{_HEX}-{_MIXED[:16]}",
        f"dapi{_HEX}", f"dp.pt.{_MIXED[:43]}", f"PMAK-{_HEX[:24]}-{_HEX}0a", f"{_MIXED[:14]}.atlasv1.{_MIXED}abcde",
        f"sbp_{_HEX}{_HEX[:8]}", f"nfp_{_MIXED[:40]}", f"lsv2_pt_{_HEX}_{_HEX[:10]}", f"GOCSPX-{_MIXED[:28]}",
        f"ops_eyJ{_MIXED * 4}", f"AKLT{_MIXED[:44]}", f"EZAK{_MIXED[:54]}", f"pnu_{_MIXED[:36]}", f"EAA{_MIXED * 2}",
        f"fm2_{_MIXED * 2}", f"SG.{_MIXED[:22]}.{_MIXED[:43]}", f"AKIA{'Q2W3E4R5T6Y7U2I3'}", f"ATATT3{_MIXED}",
        f"NRAK-{_MIXED[:27].upper()}", f"hvs.{_MIXED}", f"sntrys_{_MIXED}", f"glsa_{_MIXED[:32]}_{_HEX[:8]}",
    ],
)  # fmt: skip
def test_api_key__by_its_prefix(scrubber, key):
    """One of each that a service publishes, from before it to behind it, in Chinese too."""
    for left, right in (("", ""), ("密钥", "，"), ('"', '"'), ("export K=", "\n"), ("https://x.org/?k=", "&a=b")):
        assert scrubber.scrub(left + key + right) == f"{left}<API_KEY>{right}"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Pass-Nr.: F12345671", "Pass-Nr.: <EU_PASSPORT>"),
        ("Mi pasaporte es AAA123456", "Mi pasaporte es <EU_PASSPORT>"),
        ("US passport E12345678", "US passport <US_PASSPORT>"),
        ("Passport No: E12345678", "Passport No: <CN_PASSPORT>"),
        ("UK passport no. 536228726", "UK passport no. <UK_PASSPORT>"),
        ("Passports: AB1234567 and XY9876543", "Passports: <UK_PASSPORT> and <UK_PASSPORT>"),
        ("护照E12345678、E12345679，E12345670", "护照<CN_PASSPORT>、<CN_PASSPORT>，<CN_PASSPORT>"),
        ("通行证C12345678和C12345679", "通行证<CN_TRAVEL_PERMIT>和<CN_TRAVEL_PERMIT>"),
        ("passport no: 536228726 (GBR)", "passport no: <UK_PASSPORT> (GBR)"),
        ("Q：835285430", "Q：<QQ_ID>"),
        ("Q: 835285430", "Q: 835285430"),
        ("Reisepass C01X00T47", "Reisepass <EU_PASSPORT>"),
        ("error C01X00T47", "error C01X00T47"),
        ("身分證字號：A123456789", "身分證字號：<TW_ID>"),
        ("身分證字號：A123456788", "身分證字號：A123456788"),
        ("（A123456(3)）f(123456(3))", "（<HK_ID>）f(123456(3))"),
        ("900101-1234568, 900101-1234567", "<KR_RRN>, 900101-1234567"),
        ("마이 900101-1234567", "마이 900101-1234567"),
        ("주민등록번호 900101-1234567", "주민등록번호 <KR_RRN>"),
        ("個人番号 1234 5678 9018", "個人番号 <JP_MY_NUMBER>"),
        ("個人番号 1234 5678 9017", "個人番号 1234 5678 9017"),
    ],
)
def test_passports_and_numbers(scrubber, text, scrubbed):
    assert scrubber.scrub(text) == scrubbed


@pytest.mark.parametrize(
    ("entity", "text", "found"),
    [
        ("US_DRIVER_LICENSE", "driver license A123456", 1),
        ("US_DRIVER_LICENSE", "error code A123456", 0),
        ("US_BANK_NUMBER", "bank account 945456787654", 1),
        ("US_BANK_NUMBER", "size 945456787654", 0),
    ],
)
def test_on_request__a_weak_pattern_needs_context(entity, text, found):
    assert len(Scrubber([entity]).find(text)) == found
