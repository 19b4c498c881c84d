"""Values of personal data and secrets, made by other code than the one under test: checks from their definitions."""

import hashlib
import random
from collections.abc import Callable


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
