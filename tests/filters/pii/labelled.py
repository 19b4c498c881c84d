"""A labelled set of personal data, generated: values in sentences that people write, and what only looks like them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.filters.pii.planted import (
    address_4,
    address_6,
    american_phone,
    api_key,
    bank_card,
    bare_phone,
    bitcoin,
    card,
    chinese_phone,
    credit_code,
    digits,
    east_asian_phone,
    european_phone,
    foreign_passport,
    hong_kong_id,
    iban,
    korean_id,
    landline_with_extension,
    luhn_complete,
    mail,
    my_number,
    passport,
    password,
    permit,
    plate,
    private_key,
    qq,
    resident,
    russian_phone,
    ssn,
    taiwan_id,
    url_user,
    wechat,
)

WIDE = {c: c + 0xFEE0 for c in (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), *map(ord, "@.-+_"))}


@dataclass(frozen=True)
class Sample:
    """A text and the personal data in it: (start, end, entity) in characters."""

    text: str
    data: tuple[tuple[int, int, str], ...]


EN_MAIL = (
    "Write to {} or call us.",
    "Contact: <{}>",
    "email={}&lang=en",
    "({})",
    "mailto:{}",
    "Signed-off-by: A B <{}>\n",
)
ZH_MAIL = ("邮箱{}，", "请发送至{}联系我们", "联系方式：{}。", "邮件（{}）", "译者{}译", "邮箱 {} 有效")
EN_PHONE = (
    "Call {} today",
    "Our number is {}, ask for Ann.",
    "Office: {}",
    "({} after six)",
    "{}\n",
    "Fax {}; no letters",
)
EN_BARE = ("phone: {}", "Tel. {}", "call me at {} please", "Mobile {}", "WhatsApp: {}")
ZH_PHONE = ("电话{}，", "请拨打{}咨询", "手机号：{}。", "联系人张先生{}", "热线（{}）", "致电 {} 预约")
EN_CODE = ("The number {} is on file.", "number: {}.", "Paid with card {} yesterday", "[{}]")
ZH_CODE = ("号码{}，", "为：{}。", "编号是{}的人", "（{}）", "登记 {} 完成")
EN_HOST = (
    "Connection from {} closed",
    "host {} is down",
    "[{}] logged in",
    "{} - - [27/Nov/2024] GET /",
    "ssh root@{}",
)
ZH_HOST = ("访问{}失败", "地址：{}，", "服务器{}上", "来自 {} 的请求")

SOURCES: tuple[tuple[str, Callable[[random.Random], str], tuple[str, ...], bool], ...] = (
    ("EMAIL_ADDRESS", mail, EN_MAIL, False), ("EMAIL_ADDRESS", mail, ZH_MAIL, True),
    ("PHONE_NUMBER", american_phone, EN_PHONE, False), ("PHONE_NUMBER", european_phone, EN_PHONE, False),
    ("PHONE_NUMBER", bare_phone, EN_BARE, False), ("PHONE_NUMBER", chinese_phone, ZH_PHONE, True),
    ("CREDIT_CARD", card, EN_CODE, False), ("CREDIT_CARD", card, ("信用卡{}，", "卡号：{}。", "刷了{}的卡"), True),
    ("IP_ADDRESS", address_4, EN_HOST, False), ("IP_ADDRESS", address_4, ZH_HOST, False),
    ("IP_ADDRESS", address_6, EN_HOST, False), ("IP_ADDRESS", address_6, ZH_HOST, False),
    ("IBAN_CODE", iban, EN_CODE, False), ("IBAN_CODE", iban, ZH_CODE, True),
    ("CRYPTO", bitcoin, EN_CODE, False), ("CRYPTO", bitcoin, ZH_CODE, False),
    ("US_SSN", ssn, EN_CODE, False), ("US_SSN", ssn, ZH_CODE, True),
    ("CN_RESIDENT_ID", resident, ("身份证{}，", "身份证号码：{}。", "证件 {} 的持有人", "他（{}）"), True),
    ("CN_RESIDENT_ID", resident, EN_CODE, False),
    ("CN_BANK_CARD", bank_card, ("银行卡{}，", "卡号：{}。", "打到{}上", "账户 {} 收款"), True),
    ("CN_SOCIAL_CREDIT_CODE", credit_code, ("统一社会信用代码{}，", "税号：{}。", *ZH_CODE), True),
    ("CN_PASSPORT", passport, ("护照{}，", "护照号码：{}。", "持护照 {} 入境"), True),
    ("CN_PASSPORT", passport, ("Passport No. {}", "passport number: {}"), False),
    ("CN_TRAVEL_PERMIT", permit, ("港澳通行证{}，", "回乡证号：{}。", "台胞证（{}）"), True),
    ("CN_PLATE", plate, ("车牌{}，", "驾驶{}的人", "车号：{}。", "一辆 {} 轿车"), False),
    ("WECHAT_ID", wechat, ("微信号：{}，", "加微信{}咨询", "VX：{}。", "WeChat ID: {}"), True),
    ("QQ_ID", qq, ("QQ：{}，", "QQ群{}欢迎", "加扣扣{}。", "QQ号 {} 联系", "加Q{}", "Q群：{}", "企鹅号{}"), True),
    ("WECHAT_ID", wechat, ("加V：{}，", "威信{}", "薇信号：{}。", "+v {}", "微❤ {}"), True),
    ("PHONE_NUMBER", east_asian_phone, ("電話：{}", "携帯 {} まで", "전화 {}", "請致電 {}。"), True),
    ("PHONE_NUMBER", russian_phone, ("тел. {}", "звоните {} сейчас", "Москва, {}"), False),
    ("PHONE_NUMBER", landline_with_extension, ("电话{}，", "总机：{}。"), False),
    ("US_PASSPORT", foreign_passport("A99999999"), ("US passport number {}", "American passport: {}"), False),
    ("UK_PASSPORT", foreign_passport("999999999"), ("UK passport no. {}", "British passport {}"), False),
    ("EU_PASSPORT", foreign_passport("A9AA9AA99"), ("Reisepass Nr. {}", "German passport {}", "passaporto {}"), False),
    ("JP_PASSPORT", foreign_passport("AA9999999"), ("旅券番号：{}", "パスポート {}"), True),
    ("KR_PASSPORT", foreign_passport("M99999999"), ("여권번호 {}", "Korean passport {}"), False),
    ("TW_ID", taiwan_id, ("身分證字號：{}", "身分證{}，", "National ID {}"), True),
    ("HK_ID", hong_kong_id, ("HKID: {}", "香港身份證{}，", "number {} ", "（{}）"), True),
    ("KR_RRN", korean_id, ("주민등록번호 {}", "번호: {}", "{}\n"), False),
    ("JP_MY_NUMBER", my_number, ("マイナンバー：{}", "個人番号 {}", "My Number {}"), True),
    ("URL_CREDENTIALS", url_user, ("postgres://{}@db:5432/x", "https://{}@a.example.org/p", "redis://{}@db1"), False),
    ("API_KEY", api_key, ("key: {}", "密钥{}，", "export KEY={}", '"{}"'), False),
    ("PRIVATE_KEY", private_key, ("{}\n", "key:\n{}\nend"), False),
    ("SECRET", password, ("https://x.org/?token={}&a=b", "Server=a;User=sa;Password={};", 'api_token = "{}"'), False),
)  # fmt: skip


def decoys(rng: random.Random) -> list[str]:
    """Texts with nothing personal in them, which look as if there were."""
    wrong = luhn_complete("4" + digits(rng, 14))
    wrong = wrong[:-1] + str((int(wrong[-1]) + rng.randrange(1, 10)) % 10)
    id_ = resident(rng).replace(" ", "")
    parts = [str(rng.randrange(1, 30)) for _ in range(4)]
    version, section = ".".join(str(rng.randrange(2, 12)) for _ in range(4)), ".".join(parts)
    last = "Y" if id_[-1] in "Xx" else "X"
    return [
        f"version {version} is out",
        f"请升级到 {version} 版本",
        f"see section {section}",
        f"{section} Overview of the format",
        f"bind 127.0.0.1 and 192.168.{rng.randrange(255)}.{rng.randrange(255)}, netmask 255.255.255.0",
        f"网关 10.0.{rng.randrange(255)}.{rng.randrange(1, 255)}，掩码 255.255.0.0，监听 0.0.0.0",
        f"card number {wrong}",
        f"卡号{wrong}错误",
        f"身份证{id_[:-1]}{last}",
        f"ts={rng.randrange(1_400_000_000, 1_900_000_000)} ({rng.randrange(10**12, 2 * 10**12)} ms)",
        f"2024-0{rng.randrange(1, 10)}-1{rng.randrange(10)} 08:15:{rng.randrange(10, 60)},{digits(rng, 3)}",
        f"文件大小为{rng.randrange(2**33, 2**34)}字节，共{rng.randrange(10**6, 10**8)}行",
        f"0.{digits(rng, 16)} and 3.{digits(rng, 10)}, 1.{digits(rng, 9)}e-05",
        f"commit {rng.randbytes(20).hex()}",
        f"ISBN 978-7-{digits(rng, 3)}-{digits(rng, 5)}-{digits(rng, 1)}, 第{digits(rng, 4)}号",
        f"use Foo::dead::beef, a::b, std::vector::add and 12:30:{rng.randrange(10, 60)}",
        f"git clone git@github.com:user/repo{digits(rng, 3)}.git",
        f"icon_{digits(rng, 2)}@2x.png 和 @app.route",
        f"aes{rng.choice(['128', '256'])}-gcm@openssh.com,hmac-sha2-256-etm@openssh.com",
        f"user@localhost, root@node{digits(rng, 2)}",
        f"{digits(rng, 3)} {digits(rng, 3)} {digits(rng, 4)} {digits(rng, 3)} {digits(rng, 4)} 12",
        f"order {rng.choice('ABCDEFGH')}{digits(rng, 8)} shipped",
        f"错误码 E{digits(rng, 8)}",
        f"新型号A{digits(rng, 2)}和京东E卡",
        f"微信支付接口 createOrder 和 QQ 音乐 {rng.randrange(10, 99)} 首",
        f"wxPython {rng.randrange(3, 5)}.{rng.randrange(9)}, wx.Frame",
        f"0x{digits(rng, 8)} {rng.randbytes(2).hex()} {rng.randbytes(2).hex()} 6572 7461 0065 3032 3931",
        f"/text/shared/01/0{digits(rng, 7)}.xhp",
        f"https://twitter.com/a/status/1{digits(rng, 17)}",
        f"价格￥{digits(rng, 2)}万，库存{digits(rng, 3)}件",
        f"成交量139{digits(rng, 8)}股，成交额{digits(rng, 3)}万",
        f"SSN 9{digits(rng, 2)}-22-8726",
        f"see http://host:8080/@name{digits(rng, 2)} and https://medium.com/@writer",
        "token = get_token(request), password=os.environ['PASSWORD'], api_key: ${API_KEY}",
        "postgres://user:password@localhost, mysql://<user>:<password>@{host}/db",
        "?token=YOUR_TOKEN_HERE&key=value, secret_key: changeme, sk-learn-contrib-project-name",
        f"Q: {digits(rng, 6)} is what? V: {digits(rng, 3)}.1, task-{digits(rng, 3)}",
        f"passport.js v{digits(rng, 1)}.{digits(rng, 2)}, the passport office in 1{digits(rng, 3)}",
        f"最新 A {digits(rng, 5)} 型",
    ]


UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u2066\u0301"


def hidden(rng: random.Random, value: str) -> str:
    """A value as it reads the same to people, and not to a pattern: entities, percent signs, escapes, unseen marks."""
    at = rng.randrange(1, len(value) - 1)
    c = value[at]
    percent = "".join(f"%{b:02X}" for b in c.encode())
    form = rng.choice(
        [
            f"&#{ord(c)};", f"&#x{ord(c):x};", f"&#X{ord(c):06X};", f"&amp;#{ord(c)};", percent, percent.lower(),
            percent.replace("%", "%25"), f"\\u{ord(c):04x}", c + rng.choice(UNSEEN), rng.choice(UNSEEN) * 3 + c,
            c + "&shy;", c + "&#8203;", c + "%E2%80%8B",
        ]
    )  # fmt: skip
    return value[:at] + form + value[at + 1 :]


def labelled_set(seed: int, rounds: int) -> list[Sample]:
    """`rounds` values of every source, each in one of its templates, every fifth Chinese one full-width, every fifth
    one hidden; and decoys."""
    rng, samples = random.Random(seed), []
    for round_ in range(rounds):
        for entity, make, templates, wide in SOURCES:
            value = make(rng)
            if wide and round_ % 5 == 4:
                value = value.translate(WIDE)
            if round_ % 5 == 2:
                value = hidden(rng, value)
            left, right = rng.choice(templates).split("{}")
            samples.append(Sample(left + value + right, ((len(left), len(left) + len(value), entity),)))
        samples += [Sample(text, ()) for text in decoys(rng)]
    return samples
