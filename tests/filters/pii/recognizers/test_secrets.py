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
        ("http://$USER:$PASS@h http://li:***@h http://a:[pw]@h http://li:${P}x@h",
         "http://$USER:$PASS@h http://li:***@h http://a:[pw]@h http://li:${P}x@h"),
        ("http://host:8080/@name https://medium.com/@li", "http://host:8080/@name https://medium.com/@li"),
        ("http://{user}:{password}@host ssh://git@github.com/a", "http://{user}:{password}@host ssh://git@github.com/a"),
        ("Server=a;Uid=sa;Password=Zx9!kk2p;", "Server=a;Uid=sa;Password=<SECRET>;"),
        ("/?token=9f86d081884c7d65&a=b", "/?token=<SECRET>&a=b"),
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


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("US passport E12345678", "US passport <US_PASSPORT>"),
        ("Passport No: E12345678", "Passport No: <CN_PASSPORT>"),
        ("UK passport no. 536228726", "UK passport no. <UK_PASSPORT>"),
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
