"""A labelled set of names and addresses: Faker's values in sentences that the tagger was not fitted on."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from faker import Faker

ENGLISH = (
    "Hi team, please forward the parcel to {P}, {A} before Friday.",
    "Next of kin: {P}\nRelationship: sister\nHome address: {A}",
    "Invoice to\n{P}\n{A}\n\nItem 3 of 7",
    "I spoke to {P} yesterday evening about the leaking pipe.",
    "{P} has worked for us since 2011; she lives at {A}.",
    "Best wishes,\n\n{P}\nTreasurer",
    "The tenant, {P}, shall pay the rent by the fifth day of each month.",
    "Dear Mrs {L},\n\nYour appointment has been moved.",
    "Our neighbour {P} found the keys.",
    "Guest list: {P}, {P}, {P}",
    "Resident at {A} since March.",
    "Reviewed by {P} on Monday",
    "Delivery failed: nobody at {A} opened the door.",
    "Name: {P}\nDate of birth: 4 May 1971",
    "To whom it may concern: {P} has been a pupil of mine for six years.",
)
SPARSE = (
    "Try scorers for the home side: {I}, {I}, {I}, {I} and {I}.",
    "I think {G} was right about the timetable, and so does {G}.",
    "{G}, could you bring the ladder back on Sunday?\nCheers\n{G}",
    "when the critics read {L}, they found nothing that {L} had not said before.",
    "CLAIMANT: {U}\nHEARD ON THE FOURTH OF MAY",
    "Councillors absent: {I}; {I}; {I}.",
    "As {L} writes in the second chapter, glass flows slowly.",
    "My sister {G} and her husband {G} opened a bakery.",
)
"""Names without a form around them: given names and surnames alone, initials in a row, capitals."""
CHINESE = (
    "紧急联系人：{P}（父亲），{F}",
    "快递请送到{A}，收件人{P}。",
    "昨天我和{P}一起去吃饭了。",
    "{P}今年上小学三年级。",
    "投保人：{P}\n被保险人：{P}\n住址：{A}",
    "尊敬的{S}女士：\n您好！",
    "房屋坐落：{A}。",
    "村民{P}向记者反映了情况。",
    "我家地址是{A}，欢迎来做客。",
    "报名人员：{P}、{P}、{P}",
    "患者{P}，因发热三天入院。",
    "上门地址：{A}，电话{F}",
    "证人{P}出庭作证。",
    "班主任{P}老师每天都很忙。",
    "经理{P}签了字。",
)
NOTHING = (
    "The Williams Institute published its findings in Jackson, Mississippi.",
    "Open Settings, choose Advanced Options and press Save Changes.",
    "Washington Street was paved in 1894, and Lincoln Park opened a year later.",
    "See Section 12 of the Companies Act for the duties of directors.",
    "Visual Studio Code and Android Studio are editors.",
    "The bridge is 1200 metres long and has 14 spans.",
    "高中生应当注意安全，任何单位不得收取费用。",
    "于是程序返回元素的方法和关键字。",
    "张家口和石家庄都在河北，黄河流经山东。",
    "中山路步行街周末人流如织，解放大道正在施工。",
    "第15号文件规定，申请单位应当在30日内提交材料。",
    "本机地址：192.168.0.1，端口号8080",
)


@dataclass(frozen=True)
class Text:
    """A text and what is in it: (start, end, type) in characters; its language."""

    text: str
    data: tuple[tuple[int, int, str], ...]
    language: str


def _english_address(rng: random.Random, us: Faker, gb: Faker) -> str:
    faker = rng.choice([us, gb])
    return faker.address().replace("\n", ", ") if rng.random() < 0.7 else faker.address()


def _chinese_address(rng: random.Random, cn: Faker, tw: Faker) -> str:
    if rng.random() < 0.2:
        return tw.address().split(" ")[-1]
    inside = rng.choice(["", "", f"{rng.randrange(1, 30)}栋{rng.randrange(101, 2900)}室"])
    number = rng.randrange(1, 999)
    return f"{cn.province()}{cn.city_name()}市{cn.district()}区{cn.street_name()}{number}号{inside}"


def named_set(seed: int, rounds: int, sparse: bool = False) -> list[Text]:
    """`rounds` of every sentence, with new values each time; `sparse`: of names in English with little around them."""
    fakers = us, gb, cn, tw = [Faker(locale) for locale in ("en_US", "en_GB", "zh_CN", "zh_TW")]
    for faker in fakers:
        faker.seed_instance(seed)
    rng, found = random.Random(seed), []
    make: dict[str, dict[str, Callable[[], str]]] = {
        "en": {
            "P": lambda: (lambda f: f"{f.first_name()} {f.last_name()}")(rng.choice([us, gb])),
            "A": lambda: _english_address(rng, us, gb),
            "L": lambda: us.last_name(),
            "G": lambda: rng.choice([us, gb]).first_name(),
            "I": lambda: f"{rng.choice('ABCDEFGHJKLMPRSTW')} {gb.last_name()}",
            "U": lambda: f"{us.first_name()} {us.last_name()}".upper(),
        },
        "zh": {
            "P": lambda: rng.choice([cn, cn, cn, tw]).name(),
            "A": lambda: _chinese_address(rng, cn, tw),
            "S": lambda: cn.last_name(),
            "F": lambda: f"13{rng.randrange(10**8, 10**9)}",
        },
    }
    kinds = {**dict.fromkeys("PLSGIU", "PERSON"), "A": "ADDRESS"}
    for _ in range(rounds):
        for language, templates in (("en", SPARSE),) if sparse else (("en", ENGLISH), ("zh", CHINESE)):
            for template in templates:
                text, data = "", []
                for n, piece in enumerate(template.replace("}", "{").split("{")):
                    value = make[language][piece]() if n % 2 else piece
                    if n % 2 and piece in kinds:
                        data.append((len(text), len(text) + len(value), kinds[piece]))
                    text += value
                found.append(Text(text, tuple(data), language))
        found += [Text(text, (), "en" if text.isascii() else "zh") for text in NOTHING]
    return found


@pytest.fixture(scope="session")
def named() -> Callable[..., list[Text]]:
    """named_set(seed, rounds, sparse)."""
    return named_set
