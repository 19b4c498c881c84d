# ruff: noqa: E501 - a list of words and a form of address is one line each
"""Addresses and what else stands in a text beside names, made of Faker's values: what made.py fills templates with."""

import random
from collections.abc import Callable

from faker import Faker
from faker.providers.address.zh_CN import Provider as ChineseAddress
from people import (
    CITIES,
    CN,
    COMPANY_TAIL,
    COUNTRIES,
    DISTRICTS,
    ESTATES,
    GB,
    LOOK_ALIKE,
    OFFICES,
    OTHERS,
    PRODUCTS,
    PROVINCES,
    RANKS,
    ROADS,
    TW,
    US,
    chinese_person,
    initials_and_surname,
    pick,
    pinyin_person,
)


def number(rng: random.Random, high: int) -> str:
    return str(rng.randrange(1, high))


def us_address(rng: random.Random) -> str:
    street = rng.choice(
        [
            f"{number(rng, 9999)} {US.street_name()}", f"{number(rng, 9999)} {pick(rng, 'N', 'S', 'E', 'W', 'North', 'N.', 'SW')} {US.street_name()}",
            f"{number(rng, 999)} {US.last_name()} {pick(rng, 'St', 'St.', 'Ave', 'Ave.', 'Rd', 'Blvd', 'Dr.', 'Ln', 'Ct', 'Pkwy', 'Street', 'Avenue')}",
            f"{number(rng, 999)} {number(rng, 99)}{pick(rng, 'th', 'rd', 'st', 'nd')} {pick(rng, 'Street', 'Ave', 'St', 'Avenue')}",
            f"{pick(rng, 'P.O. Box', 'PO Box', 'P. O. Box')} {number(rng, 9999)}",
            f"{number(rng, 999)} {pick(rng, 'Main', 'Market', 'Oak', 'Maple', 'Park', 'Elm', 'Mission', 'King', 'Church')} {pick(rng, 'Street', 'St', 'Ave', 'Avenue', 'Road')}",
        ]
    )  # fmt: skip
    unit = rng.choice(
        [
            "",
            "",
            "",
            f"{pick(rng, ', ', ' ')}{pick(rng, 'Suite', 'Apt.', 'Apt', 'Unit', '#', 'Ste', 'Floor')} {number(rng, 900)}",
        ]
    )
    state = rng.choice([US.state_abbr(), US.state_abbr(), US.state()])
    zip_ = rng.choice([US.postcode()[:5], US.postcode()[:5] + "-" + str(rng.randrange(1000, 9999)), ""])
    city = rng.choice(
        [
            US.city(),
            pick(
                rng, "San Francisco", "New York", "Los Angeles", "Austin", "Boston", "Chicago", "Palo Alto", "Seattle"
            ),
        ]
    )
    if rng.random() < 0.25:
        return street + unit
    joint = rng.choice([", ", "\n", ", ", " ", "\n\n", ",\n"])
    end = rng.choice(["", "", "", pick(rng, ", USA", ", United States", "\nUSA")]) if zip_ else ""
    return f"{street}{unit}{joint}{city}{pick(rng, ', ', ', ', ' ')}{state} {zip_}".strip() + end


def gb_address(rng: random.Random) -> str:
    street = f"{pick(rng, '', '', f'Flat {number(rng, 40)}, ', f'Unit {number(rng, 40)}, ')}{number(rng, 250)}{pick(rng, '', '', 'A', 'b')} {GB.last_name()} {pick(rng, 'Road', 'Street', 'Lane', 'Close', 'Gardens', 'Avenue', 'Crescent', 'Terrace', 'Way', 'Hill')}"
    joint = rng.choice([", ", "\n", ", ", ",\n"])
    city = rng.choice(
        [
            GB.city(),
            pick(rng, "London", "Manchester", "Leeds", "Bristol", "Oxford", "Cambridge", "Glasgow", "Edinburgh"),
        ]
    )
    return rng.choice(
        [
            f"{street}{joint}{city}{joint}{GB.postcode()}",
            f"{street}{joint}{city} {GB.postcode()}",
            f"{street}{joint}{city}{joint}{GB.postcode()}, UK",
            street,
        ]
    )


def other_address(rng: random.Random) -> str:
    faker = OTHERS[rng.randrange(6)]
    return faker.address().replace("\n", rng.choice([", ", "\n"])) if rng.random() < 0.6 else rng.choice([
        f"Room {number(rng, 2000)}, No. {number(rng, 200)} {pinyin_person(rng).split()[0]} Road, {pick(rng, 'Haidian', 'Pudong', 'Nanshan', 'Chaoyang', 'Tianhe')} District, {pick(rng, 'Beijing', 'Shanghai', 'Shenzhen', 'Guangzhou')}{pick(rng, ', China', '', ' 100080, China')}",
        f"{number(rng, 30)}{pick(rng, '/F', 'th Floor', 'F')}, {US.last_name()} {pick(rng, 'Tower', 'Building', 'House', 'Centre')}, {number(rng, 300)} {US.last_name()} {pick(rng, 'Road', 'Street')}, {pick(rng, 'Hong Kong', 'Singapore', 'Mumbai', 'Hanoi', 'Kowloon')}",
    ])  # fmt: skip


def english_address(rng: random.Random) -> str:
    return rng.choice([us_address, us_address, gb_address, other_address])(rng)


def cn_road(rng: random.Random) -> str:
    name = rng.choice(
        [
            rng.choice(ROADS),
            rng.choice(ROADS),
            rng.choice(ROADS) + rng.choice("东西南北中"),
            CN.last_name() + rng.choice(["家", "园", "庄"]),
        ]
    )
    return name + rng.choice(
        ["路", "路", "路", "街", "大道", "大街", "巷", "东路", "西路", "北路", "南路", "胡同", "弄"]
    )


def cn_address(rng: random.Random) -> str:
    parts = []
    r = rng.random()
    if r < 0.3:
        parts.append(rng.choice(PROVINCES) + rng.choice(["省", "省", "", "自治区"]))
    if r < 0.75:
        parts.append(rng.choice([*CITIES, *ChineseAddress.cities]) + rng.choice(["市", "市", "市", ""]))
    if rng.random() < 0.75:
        parts.append(rng.choice([*DISTRICTS, *ChineseAddress.districts]) + rng.choice(["区", "区", "区", "县"]))
    if rng.random() < 0.15:
        parts.append(rng.choice(ROADS) + rng.choice(["镇", "街道", "乡"]))
    door = f"{number(rng, 1500)}{rng.choice(['号', '号', '号', '-' + number(rng, 30) + '号', '弄' + number(rng, 90) + '号', '号院'])}"
    if rng.random() < 0.15:
        door = rng.choice(["甲", "乙"]) + door
    elif rng.random() < 0.15:
        door = number(rng, 3000)
    building = rng.choice(
        [
            "", "", "",
            f"{number(rng, 40)}{rng.choice(['栋', '号楼', '幢', '座'])}{rng.choice(['', number(rng, 6) + '单元'])}{number(rng, 3000)}{rng.choice(['室', '', '号', '房'])}",
            f"{rng.choice(ESTATES)}{number(rng, 40)}{rng.choice(['栋', '号楼', '幢'])}{number(rng, 3000)}{rng.choice(['室', ''])}",
            f"{rng.choice(ESTATES)}{rng.choice('ABCD')}座{number(rng, 40)}{rng.choice(['层', '楼'])}",
            f"{number(rng, 40)}-{number(rng, 6)}-{number(rng, 3000)}",
            rng.choice(ESTATES),
            f"{rng.choice('一二三四五六七八九十')}{rng.choice(['楼', '层', '栋', '单元'])}",
        ]
    )  # fmt: skip
    if rng.random() < 0.12:
        parts.append(
            f"{rng.choice(ROADS)}{rng.choice(['村', '庄', '屯'])}{rng.choice(['', number(rng, 9) + '组', rng.choice('一二三四五') + '组', number(rng, 9) + '队'])}{number(rng, 200)}号"
        )
    elif rng.random() < 0.15 and parts:
        rooms = (f"{number(rng, 30)}栋{number(rng, 2000)}室", f"{number(rng, 30)}-{number(rng, 9)}-{number(rng, 3000)}")
        estate = rng.choice(ESTATES) if rng.random() < 0.5 else rng.choice(ROADS) + rng.choice("苑园庭居城里村")
        parts.append((building if rng.random() < 0.5 else "") or estate + rng.choice(rooms))
    else:
        parts += [cn_road(rng) + door, building]
    text = "".join(parts)
    if rng.random() < 0.08:
        text = " ".join(part for part in parts if part)
    return text


def tw_address(rng: random.Random) -> str:
    return rng.choice([
        f"{pick(rng, '台北市', '新北市', '臺中市', '高雄市', '台南市', '桃園市')}{pick(rng, '大安', '信義', '中山', '板橋', '三民', '東', '中壢')}區{pick(rng, '忠孝東', '中正', '民生', '復興北', '和平東', '中華', '建國')}路{pick(rng, '', '一段', '二段', '四段')}{number(rng, 500)}{pick(rng, '號', '巷' + number(rng, 30) + '號', '之' + number(rng, 9) + '號')}{pick(rng, '', number(rng, 20) + '樓', number(rng, 20) + '樓之' + number(rng, 9))}",
        f"香港{pick(rng, '九龍', '中環', '灣仔', '新界沙田', '銅鑼灣')}{pick(rng, '彌敦', '皇后大', '軒尼詩', '德輔', '廣東')}道{number(rng, 900)}號{pick(rng, '', '恒生', '新世界', '環球')}{pick(rng, '大廈', '中心', '廣場')}{number(rng, 40)}樓{pick(rng, '', 'A室', number(rng, 20) + '室')}",
        TW.address().split(" ")[-1],
    ])  # fmt: skip


def chinese_address(rng: random.Random) -> str:
    return rng.choice([cn_address, cn_address, cn_address, tw_address])(rng)


# Other slots


def us_phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"({rng.randrange(201, 990)}) {rng.randrange(200, 999)}-{rng.randrange(1000, 9999)}",
            f"+1 {rng.randrange(201, 990)} {rng.randrange(200, 999)} {rng.randrange(1000, 9999)}",
            f"020 7946 {rng.randrange(1000, 9999)}",
            f"{rng.randrange(201, 990)}-555-{rng.randrange(1000, 9999)}",
        ]
    )


def cn_phone(rng: random.Random) -> str:
    return rng.choice(
        [
            f"1{rng.randrange(3, 10)}{rng.randrange(10**8, 10**9)}",
            f"0{rng.randrange(10, 999)}-{rng.randrange(10**7, 10**8 - 1)}",
            f"400-{rng.randrange(100, 999)}-{rng.randrange(1000, 9999)}",
        ]
    )


def mail(rng: random.Random) -> str:
    return f"{US.user_name()}@{pick(rng, 'gmail.com', 'qq.com', 'example.org', '163.com', US.domain_name())}"


def english_organisation(rng: random.Random) -> str:
    return rng.choice([
        f"{US.last_name()} {rng.choice(COMPANY_TAIL)}", f"{US.first_name()} {US.last_name()} {rng.choice(COMPANY_TAIL)}", US.company(),
        f"{US.last_name()} & {US.last_name()} {pick(rng, 'LLP', 'LLC', 'PLLC', 'P.C.')}", f"{US.last_name()} Street", f"{US.last_name()} County", f"{US.first_name()} Street", f"{pick(rng, 'Mount', 'Lake', 'Port', 'Fort', 'Cape')} {US.last_name()}",
        f"St. {US.first_name()}'s {pick(rng, 'Church', 'School', 'Hospital', 'College')}", US.city(), rng.choice(PRODUCTS), rng.choice(PRODUCTS), f"{US.city()}, {US.state()}", US.state(), US.country(),
        f"{US.last_name()} {pick(rng, 'Bridge', 'Square', 'Avenue', 'Park', 'Building', 'Tower', 'River', 'Valley', 'Road', 'Hotel', 'Airport')}",
        f"{pick(rng, 'Java', 'Ruby', 'Perl', 'Pascal', 'Ada', 'Julia', 'Jenkins', 'Jasmine', 'Kafka', 'Cassandra', 'Jira', 'Maven', 'Lucene', 'Rasa', 'Alexa', 'Siri')}",
    ])  # fmt: skip


def chinese_organisation(rng: random.Random) -> str:
    city = rng.choice(CITIES)
    return rng.choice([
        f"{city}{rng.choice(ROADS)}{pick(rng, '科技有限公司', '贸易有限公司', '大学', '医院', '中学', '银行', '集团', '律师事务所', '研究院', '派出所')}", CN.company(), f"{city}市{pick(rng, '教育局', '公安局', '人民政府', '中级人民法院')}",
        cn_road(rng), f"{city}市{rng.choice(DISTRICTS)}区", f"{rng.choice(PROVINCES)}省", f"{city}{pick(rng, '大桥', '机场', '火车站', '博物馆', '公园', '地铁站')}", f"{chinese_person(rng)}{pick(rng, '纪念馆', '故居', '奖', '中学', '大桥', '文学奖', '基金会')}",
        rng.choice(LOOK_ALIKE),
    ])  # fmt: skip


def words_of(rng: random.Random, faker: Faker) -> str:
    return " ".join(faker.words(rng.randrange(2, 6)))


SLOTS: dict[str, Callable[[random.Random], str]] = {
    "G": lambda rng: rng.choice([US, US, GB, rng.choice(OTHERS)]).first_name(),
    "L": lambda rng: rng.choice([US, US, GB, rng.choice(OTHERS)]).last_name(),
    "I": initials_and_surname,
    "O": english_organisation,
    "T": us_phone,
    "E": mail,
    "J": lambda rng: pick(
        rng,
        "Sales Manager",
        "Director",
        "Senior Engineer",
        "CEO",
        "Office Manager",
        "Professor of Physics",
        "Product Manager",
        "Agent",
        "Vice President",
        "Attorney at Law",
        US.job(),
    ),
    "W": lambda rng: words_of(rng, US),
    "N": lambda rng: number(rng, 2000),
    "D": lambda rng: rng.choice(
        [
            US.date(),
            f"{pick(rng, 'January', 'March', 'May', 'June', 'Apr', 'Dec')} {number(rng, 29)}, {rng.randrange(1950, 2026)}",
        ]
    ),
    "C": chinese_organisation,
    "F": cn_phone,
    "S": lambda rng: CN.last_name(),
    "X": lambda rng: pick(
        rng, "先生", "女士", "小姐", "老师", "医生", "经理", "主任", "同志", "师傅", "律师", "教授", "总", "工", "老师"
    ),
    "H": lambda rng: pick(
        rng,
        "记者",
        "教授",
        "导演",
        "总经理",
        "董事长",
        "校长",
        "市长",
        "书记",
        "主席",
        "作家",
        "演员",
        "歌手",
        "主任",
        "村民",
        "学生",
        "工程师",
        "设计师",
        "画家",
        "诗人",
        "将军",
    ),
    "K": lambda rng: rng.choice(COUNTRIES),
    "R": lambda rng: rng.choice(OFFICES),
    "B": lambda rng: rng.choice(RANKS),
    "Y": lambda rng: str(rng.randrange(1900, 2026)),
    "Z": lambda rng: pick(
        rng, "表示", "说", "认为", "指出", "介绍", "告诉记者", "称", "回忆道", "强调", "透露", "坦言", "笑着说"
    ),
}
