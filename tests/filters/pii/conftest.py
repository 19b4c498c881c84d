"""A labelled set of personal data, generated: every value is made here, by other code than the one under test."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gristmill.filters.pii.engine import Scrubber

WIDE = {c: c + 0xFEE0 for c in (*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), *map(ord, "@.-+_"))}


@dataclass(frozen=True)
class Sample:
    """A text and the personal data in it: (start, end, entity) in characters."""

    text: str
    data: tuple[tuple[int, int, str], ...]


def luhn_complete(digits: str) -> str:
    """digits + the one digit that makes ISO/IEC 7812's sum a multiple of ten, by trying all."""
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

    def total(number: str) -> int:
        return sum(int(d) for d in number[::-1][::2]) + sum(doubled[int(d)] for d in number[::-1][1::2])

    return next(digits + str(d) for d in range(10) if total(digits + str(d)) % 10 == 0)


def card(rng: random.Random) -> str:
    prefix, length = rng.choice(
        [("4", 16), ("51", 16), ("55", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16), ("625", 16)]
    )
    number = luhn_complete(prefix + digits(rng, length - len(prefix) - 1))
    mark = rng.choice(["", " ", "-"])
    groups = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
    return grouped(number, groups, mark)


def grouped(number: str, groups: tuple[int, ...], mark: str) -> str:
    parts, at = [], 0
    for size in groups:
        parts.append(number[at : at + size])
        at += size
    return mark.join([*parts, number[at:]] if number[at:] else parts)


def digits(rng: random.Random, n: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(n))


def mail(rng: random.Random) -> str:
    name = rng.choice(["li.wei", "zhang_san", "j.smith", "anna+news", "wang1988", "m-mueller", "x9", "Chen.Hao2020"])
    host = rng.choice(
        ["qq.com", "163.com", "gmail.com", "sina.com.cn", "uni-koeln.de", "mail.example.org", "foo.co.uk", "a-b.io"]
    )
    return f"{name}{rng.randrange(100)}@{host}"


def american_phone(rng: random.Random) -> str:
    area = rng.choice(["212", "415", "617", "312", "206", "404", "503", "718"])
    exchange, line = rng.choice(["555", "234", "867", "349"]), digits(rng, 4)
    form = rng.choice(
        [
            "({0}) {1}-{2}",
            "{0}-{1}-{2}",
            "{0}.{1}.{2}",
            "+1 {0} {1} {2}",
            "+1-{0}-{1}-{2}",
            "1-{0}-{1}-{2}",
            "+1{0}{1}{2}",
        ]
    )
    return form.format(area, exchange, line)


def european_phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"+44 20 7946 0{digits(rng, 3)}", f"020 7946 0{digits(rng, 3)}", f"+49 30 901{digits(rng, 5)}",
            f"+33 1 42 68 {digits(rng, 2)} {digits(rng, 2)}", f"01 42 68 {digits(rng, 2)} {digits(rng, 2)}",
            f"+81 3-3580-{digits(rng, 4)}", f"+7 495 123-{digits(rng, 2)}-{digits(rng, 2)}",
        ]
    )  # fmt: skip


def bare_phone(rng: random.Random) -> str:
    return rng.choice(["212", "415", "617"]) + rng.choice(["555", "867"]) + digits(rng, 4)


def chinese_phone(rng: random.Random) -> str:
    head, rest = rng.choice(["138", "159", "186", "177", "199", "135"]), digits(rng, 8)
    area = rng.choice(["010", "021", "0755", "0571", "028"])
    local = rng.choice("23568") + digits(rng, 7)
    return rng.choice(
        [
            head + rest, f"{head} {rest[:4]} {rest[4:]}", f"{head}-{rest[:4]}-{rest[4:]}", f"+86 {head}{rest}",
            f"+86-{head}-{rest[:4]}-{rest[4:]}", f"{area}-{local}", f"({area}){local}", f"0086-{area[1:]}-{local}",
        ]
    )  # fmt: skip


def resident(rng: random.Random) -> str:
    """GB 11643 from its definition: sum of a_i * 2**(i - 1) over positions counted from the right is 1 modulo 11."""
    date = f"{rng.randrange(1940, 2020)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
    body = rng.choice(["110105", "440524", "310115", "510107", "330106"]) + date + digits(rng, 3)
    rest = sum(int(d) * pow(2, 17 - i, 11) for i, d in enumerate(body)) % 11
    check = next(c for c in range(11) if (rest + c) % 11 == 1)
    number = body + ("X" if check == 10 else str(check))
    return rng.choice([number, number, number.lower(), grouped(number, (6, 8, 4), " ")])


def credit_code(rng: random.Random) -> str:
    """GB 32100: powers of three modulo 31; the organisation code in it has its own check (GB 11714)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    organisation = "MA" + digits(rng, 2) + rng.choice("ABCDEFGH") + digits(rng, 3)
    rest = sum(int(c, 36) * w for c, w in zip(organisation, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    body = "91" + rng.choice(["110108", "440300", "330100"]) + organisation + {1: "X", 0: "0"}.get(rest, str(11 - rest))
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]


def iban(rng: random.Random) -> str:
    """ISO 13616: check digits that leave 1 modulo 97."""
    country, body = rng.choice(
        [
            ("DE", digits(rng, 18)),
            ("NL", "ABNA" + digits(rng, 10)),
            ("ES", digits(rng, 20)),
            ("GB", "WEST" + digits(rng, 14)),
        ]
    )
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    code = f"{country}{98 - number % 97:02}{body}"
    return code if rng.random() < 0.5 else " ".join(code[i : i + 4] for i in range(0, len(code), 4))


def bitcoin(rng: random.Random) -> str:
    if rng.random() < 0.2:  # BIP 173 and BIP 350, test vectors
        return rng.choice(
            [
                "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            ]
        )
    payload = bytes([rng.choice([0, 5])]) + rng.randbytes(20)
    payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(payload, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[rest] + text
    return "1" * (len(payload) - len(payload.lstrip(b"\0"))) + text


def address_4(rng: random.Random) -> str:
    first = rng.choice([23, 45, 82, 104, 151, 203, 218])
    return f"{first}.{rng.randrange(32, 250)}.{rng.randrange(1, 250)}.{rng.randrange(1, 250)}"


def address_6(rng: random.Random) -> str:
    groups = [f"{rng.randrange(0x10000):x}" for _ in range(8)]
    head = rng.choice(["2001", "2a02", "2607", "240e"])
    return rng.choice([":".join([head, *groups[1:]]), f"{head}:{groups[1]}::{groups[2]}"])


def bank_card(rng: random.Random) -> str:
    number = luhn_complete(rng.choice(["622202", "622848", "621700", "955880"]) + digits(rng, 12))
    return rng.choice([number, grouped(number, (4, 4, 4, 4), " "), grouped(number, (6,), " ")])


def plate(rng: random.Random) -> str:
    province = rng.choice("京沪粤浙苏鲁川湘冀闽")
    body = rng.choice(
        [
            digits(rng, 5),
            rng.choice("ABCDEF") + digits(rng, 4),
            "D" + digits(rng, 5),
            digits(rng, 4) + "警",
            digits(rng, 3) + "QK",
        ]
    )
    return province + rng.choice("ABCEF") + rng.choice(["", "", "·"]) + body


def ssn(rng: random.Random) -> str:
    return f"{rng.randrange(100, 660)}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"


def wechat(rng: random.Random) -> str:
    return rng.choice(["zhang_", "wxid-a", "Lily", "xiaoming"]) + digits(rng, 4)


def qq(rng: random.Random) -> str:
    return str(rng.randrange(10000, 4_000_000_000))


def passport(rng: random.Random) -> str:
    return rng.choice(["E" + digits(rng, 8), "G" + digits(rng, 8), "E" + rng.choice("ABCD") + digits(rng, 7)])


def permit(rng: random.Random) -> str:
    return rng.choice(["H", "M", "C"]) + digits(rng, 8)


def foreign_passport(shape: str) -> Callable[[random.Random], str]:
    """9 a digit, A a letter of those that countries use."""
    return lambda rng: "".join(
        digits(rng, 1) if c == "9" else rng.choice("CFGHJKLMNPRTVWXYZ") if c == "A" else c for c in shape
    )


def taiwan_id(rng: random.Random) -> str:
    """From the definition by parts: tens of the letter, nine times its ones, then weights 8 to 1 and the check."""
    letter, body = rng.choice("ABCEFGHJ"), rng.choice("1289") + digits(rng, 7)
    number = {"A": 10, "B": 11, "C": 12, "E": 14, "F": 15, "G": 16, "H": 17, "J": 18}[letter]
    total = number // 10 + number % 10 * 9 + sum(int(d) * w for d, w in zip(body, range(8, 0, -1), strict=True))
    return letter + body + str(-total % 10)


def hong_kong_id(rng: random.Random) -> str:
    """The check makes the sum with 36 for a missing letter a multiple of eleven, by trying all."""
    letters, body = rng.choice(["A", "K", "Z", "AB", "XG"]), digits(rng, 6)
    values = ([36] if len(letters) == 1 else []) + [int(c, 36) for c in letters + body]
    total = sum(v * w for v, w in zip(values, range(9, 1, -1), strict=True))
    check = next(c for c in "0123456789A" if (total + int(c, 16)) % 11 == 0)
    return f"{letters}{body}({check})"


def korean_id(rng: random.Random) -> str:
    """Born before 2000, the check of numbers before October 2020."""
    body = f"{rng.randrange(40, 100):02}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}1{digits(rng, 5)}"
    total = sum(int(d) * (2 + i % 8) for i, d in enumerate(body))
    return f"{body[:6]}-{body[6:]}{(11 - total % 11) % 10}"


def my_number(rng: random.Random) -> str:
    """Check from the definition: weights n + 1 for the six digits on the right, n - 5 for the others."""
    body = "1" + digits(rng, 10)
    total = sum(int(d) * (n + 1 if n <= 6 else n - 5) for n, d in enumerate(reversed(body), 1))
    number = body + str(0 if total % 11 <= 1 else 11 - total % 11)
    return rng.choice([number, grouped(number, (4, 4, 4), " "), grouped(number, (4, 4, 4), "-")])


def east_asian_phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"090-1{digits(rng, 3)}-{digits(rng, 4)}", f"03-3{digits(rng, 3)}-{digits(rng, 4)}",
            f"010-2{digits(rng, 3)}-{digits(rng, 4)}", f"+82 10-2{digits(rng, 3)}-{digits(rng, 4)}",
            f"0912-{digits(rng, 3)}-{digits(rng, 3)}", f"(02)2345-{digits(rng, 4)}",
            f"+886 912 {digits(rng, 3)} {digits(rng, 3)}",
            f"+852 2345 {digits(rng, 4)}", f"+81-90-1{digits(rng, 3)}-{digits(rng, 4)}",
        ]
    )  # fmt: skip


def russian_phone(rng: random.Random) -> str:
    a, b, c = digits(rng, 2), digits(rng, 2), rng.randrange(100, 1000)
    return rng.choice([f"8 (903) {c}-{a}-{b}", f"8-916-{c}-{a}-{b}", f"8 926 {c} {a} {b}", f"8(495)7{a}-{a}-{b}"])


def landline_with_extension(rng: random.Random) -> str:
    area = rng.choice(["010", "021", "0755"])
    return f"{area}-{rng.choice('268')}{digits(rng, 7)}{rng.choice(['转', '-', '转 ', '分机'])}{digits(rng, 3)}"


def password(rng: random.Random) -> str:
    return "".join(rng.choice("abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!_~") for _ in range(14)) + "7k"


def url_user(rng: random.Random) -> str:
    mark = rng.choice(["", "@", "/", "#", "?", "密", ":", "%"])
    return f"{rng.choice(['admin', 'li.wei', '', 'sa', 'root'])}:{password(rng)}{mark}{digits(rng, 1)}k"


def api_key(rng: random.Random) -> str:
    letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

    def drawn(n: int, alphabet: str = letters) -> str:
        return "".join(rng.choice(alphabet) for _ in range(n))

    capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return rng.choice(
        [
            "AKIA" + drawn(16, capitals), "ghp_" + drawn(36), "github_pat_" + drawn(22), "glpat-" + drawn(20),
            "sk_live_" + drawn(24), "AIza" + drawn(35), "npm_" + drawn(36), "sk-proj-" + drawn(40),
            "hf_" + drawn(34, letters[:40]),
            f"xoxb-{digits(rng, 11)}-{digits(rng, 12)}-{drawn(24)}", f"SG.{drawn(22)}.{drawn(43)}", "LTAI" + drawn(20),
            f"eyJ{drawn(30)}.eyJ{drawn(60)}.{drawn(43)}",
        ]
    )  # fmt: skip


def private_key(rng: random.Random) -> str:
    label = rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
    body = "\n".join(rng.randbytes(24).hex() for _ in range(2))
    return f"-----BEGIN {label}PRIVATE KEY-----\n{body}\n-----END {label}PRIVATE KEY-----"


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


@pytest.fixture(scope="session")
def labelled() -> Callable[[int, int], list[Sample]]:
    """labelled_set(seed, rounds)."""
    return labelled_set


@pytest.fixture(scope="session")
def scrubber() -> Scrubber:
    """The default set, tags."""
    return Scrubber()
