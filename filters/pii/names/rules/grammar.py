"""The grammar of Chinese addresses: 浙江省杭州市西湖区文三路1号.

Units of administration, from the large to the small, then a road and a number, a building, a park, a village.
Letters: B bytes, C characters, T tokens.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import character, holds, joined, pair, pairs
from gristmill.filters.pii.names.tagger.lists import PLACE
from gristmill.filters.pii.names.tagger.tokens import HAN, INITIAL, LOWER, MARK, NUMBER, UPPER, WORD

_FIRST, _LAST = 0x4E00, 0xA000
ROAD_NUMBER, ANY_NUMBER = 1, 2
"""What is enough for an address where something else says that it is one."""
_TELEPHONE = 7
"""Digits in a row that are no house's number."""
_NAME, _LONG_NAME = 8, 16
"""Characters of a unit's name at most, and of an autonomous one's: 双江拉祜族佤族布朗族傣族自治县."""

(
    _UNITS, _DOORS, _DOORS_WITHIN, _BUILDINGS, _SITE_NAMES, _VILLAGES, _BARE, _PART, _END, _ROAD_END, _SITE_END, _BEGIN,
    _BEFORE, _TOP, _LISTED, _SEEN,
) = range(16)  # fmt: skip
"""What is known while an address is read: how many parts of each kind, whether its number stands alone, behind which
token the part that is read begins, the last known one, the last road and site, where the address begins, the character
before, the smallest unit, whether it is a list."""

_ADMIN, _ROAD, _INNER, _SITE, _VILLAGE, NUMERAL, PROSE, COUNTED, _TURN, _BUILDING = (1 << n for n in range(10))
_ROLES = {
    _ADMIN: "省市区區县縣镇鎮乡鄉旗盟",
    _ROAD: "路街巷弄衖",
    _INNER: "号號栋棟幢座楼樓层層室房单單门門户戶铺鋪",
    _BUILDING: "栋棟幢座室单單",
    _SITE: "厦廈寓苑园園墅邸邨",
    _VILLAGE: "村庄莊屯组組社",
    NUMERAL: "一二三四五六七八九十百零〇两",
    PROSE: "的是了在被也就我你他她它们們这這那吗嗎呢吧很把让讓",
    COUNTED: "年月日条條章节節页頁次款项項个個人名元万萬亿億岁歲吨噸公点點时時分秒种種大届屆位家件",
    _TURN: "东東西南北中段甲乙丙特附之",
}
_SITES = (
    "广场 廣場 市场 市場 商城 大楼 大樓 小区 小區 社区 社區 园区 園區 业区 業區 发区 發區 校区 校區 厂区 廠區 "
    "山庄 山莊 酒店 宾馆 賓館 名城 新城 豪庭 胡同 新村 基地 总部"
)
"""Pairs that end the name of a site. What ends in 区 here is no unit of administration."""
_CENTRES = "中心 市场 市場 总部 基地 社区 社區 酒店"
"""Sites with a number alone: an organisation may be called so."""
_NO_ADMIN = (
    "城市 超市 市区 市區 市场 市場 山区 山區 地区 地區 全市 本市 我市 全省 全区 全县 护区 護區 胜区 勝區 景区 景區 "
    "林区 林區 灾区 災區 库区 庫區 采区 特区 特區"
)
"""Pairs in which a unit's character is none, the first or the second."""


def _roles() -> np.ndarray:
    role_C = np.zeros(_LAST - _FIRST, np.int64)
    for role, characters in _ROLES.items():
        for c in characters:
            if c != "〇":  # not of this block
                role_C[ord(c) - _FIRST] |= role
    return role_C


_ROLE_C = _roles()
_SITE_PAIRS, _CENTRE_PAIRS, _NO_ADMIN_PAIRS = pairs(_SITES + " 中心"), pairs(_CENTRES), pairs(_NO_ADMIN)
_CHINA = pair("中国")
_STREET_OFFICE = pair("街道")
_AVENUE, _LANE = pair("大道"), pair("胡同")
_AUTONOMOUS = (pair("治州"), pair("治县"), pair("治区"))
_LIES = (pair("位于"), pair("位於"))
DASH, COMMA, LISTS = 0x2D, 0x2C, 0x3001


@kernel
def role_of(c):
    """What a character may be in an address: bits of _ROLES."""
    return _ROLE_C[c - _FIRST] if _FIRST <= c < _LAST else 0


@kernel
def _rank(c):
    """Of a unit's last character: 1 province, 2 city, 3 district or county, 4 town."""
    if c == ord("省"):
        return 1
    if c == ord("市") or c == ord("盟"):
        return 2
    return 4 if c in (ord("镇"), ord("鎮"), ord("乡"), ord("鄉")) else 3


@kernel
def is_telephone(i, kind_T, shape_T):
    """Whether token i has the digits of one."""
    return kind_T[i] == NUMBER and shape_T[i] >= _TELEPHONE


@kernel
def _is_flat(i, end, kind_T, shape_T, gap_T, mark_T):
    """Whether a building, its stairs and a door begin with the number that is token i: 8-3-1485; at the end of a field
    a building and a door: 8-1485."""
    if i + 3 == end and (shape_T[i] > 3 or not 3 <= shape_T[i + 2] <= 4):
        return False
    for j in (i + 1, i + 3):
        if j == end and j > i + 1:
            break
        if j + 1 >= end or kind_T[j] != MARK or mark_T[j] != DASH or kind_T[j + 1] != NUMBER:
            return False
        if gap_T[j] != 0 or gap_T[j + 1] != 0:
            return False
    return kind_T[i - 1] == HAN


@kernel
def address(data_B, first, end, enough, start_T, kind_T, shape_T, gap_T, mark_T, list_T):
    """The address that begins with token `first` of a field that ends before token `end`, or with the unit that ends
    the first part: its first token in the upper 32 bits, its end in the lower; 0: there is none. `enough` is 0 where
    nothing else says that it is one, ROAD_NUMBER where a firm's name ends the field, ANY_NUMBER behind 地址是."""
    seen = np.zeros(_SEEN, np.int64)
    seen[_PART], seen[_END], seen[_BEGIN] = first, first, first
    seen[_ROAD_END], seen[_SITE_END] = -9, -9
    i = first
    while 0 <= i < end:
        kind = kind_T[i]
        if kind == HAN:
            i = _read_han(data_B, i, end, start_T, kind_T, list_T, seen)
        elif is_telephone(i, kind_T, shape_T):
            break
        elif kind == NUMBER:
            i = _read_number(data_B, i, end, start_T, kind_T, shape_T, gap_T, mark_T, seen)
        elif kind == WORD:
            i = _read_word(data_B, i, end, start_T, kind_T, shape_T, seen)
        elif mark_T[i] == COMMA:
            break
        else:
            i = _read_mark(i, end, kind_T, mark_T, seen)
    if i < 0 or not _is_address(seen, end, enough):
        return 0
    return seen[_BEGIN] << 32 | seen[_END]


@kernel
def _is_address(seen, end, enough):
    """Whether mail would arrive at what was read."""
    if enough and (seen[_DOORS] > 0 or (enough == ANY_NUMBER and seen[_DOORS_WITHIN] > 0)):
        return True
    units, sites, buildings, inner = seen[_UNITS], seen[_SITE_NAMES], seen[_BUILDINGS], seen[_DOORS_WITHIN]
    if seen[_DOORS] and (units > 0 or not seen[_BARE] or buildings > 0):
        return True
    if inner and (units > 1 or (units > 0 and sites + buildings > 0) or (inner > 1 and sites > 0 and buildings > 0)):
        return True
    if seen[_LISTED] or seen[_TOP] == 0:
        return False
    return (units > 1 and seen[_END] >= end and sites + seen[_VILLAGES] > 0) or (units > 1 and sites > 0)


@kernel
def _next_han(data_B, i, end, start_T, kind_T):
    """The Han character behind token i; 0: none."""
    return character(data_B, start_T[i + 1]) if i + 1 < end and kind_T[i + 1] == HAN else 0


@kernel
def _read_han(data_B, i, end, start_T, kind_T, list_T, seen):
    """Reads a Han character, or the place that begins with it. Returns where to go on; -1: this is no address."""
    c = character(data_B, start_T[i])
    role, before = role_of(c), seen[_BEFORE]
    two = joined(before, c)
    after = _next_han(data_B, i, end, start_T, kind_T)
    if two in _LIES:
        return -1
    placed = i == seen[_PART] and seen[_UNITS] < 3 and (list_T[i] >> 16) & PLACE and after
    third = _next_han(data_B, i + 1, end, start_T, kind_T) if placed else 0
    if placed and not role_of(after) & (_ADMIN | _ROAD) and not role_of(third) & _ROAD:
        return _read_place(data_B, i, end, start_T, kind_T, c, after, seen)
    seen[_BEFORE] = c
    name = i - seen[_PART]
    if holds(_SITE_PAIRS, two) and two != _LANE:
        seen[_SITE_NAMES] += not holds(_CENTRE_PAIRS, two)
        _ends_site(i, seen)
    elif two == _STREET_OFFICE and seen[_ROAD_END] == i:
        seen[_UNITS] += 1
        seen[_PART], seen[_ROAD_END], seen[_TOP] = i + 1, -9, 4
    elif seen[_SITE_END] == seen[_PART] and ((role & _ROAD and name == 0) or (two == _AVENUE and name == 1)):
        seen[_SITE_NAMES] = max(seen[_SITE_NAMES] - 1, 0)  # 新城大道 is no 新城
        seen[_PART], seen[_ROAD_END] = i + 1, i + 1
    elif (role & _ROAD and name > 0) or (two in (_AVENUE, _LANE) and name > 1):
        seen[_PART], seen[_ROAD_END] = i + 1, i + 1
    elif role & _ADMIN and not holds(_NO_ADMIN_PAIRS, two) and not holds(_NO_ADMIN_PAIRS, joined(c, after)):
        _ends_unit(i, name, _rank(c), two in _AUTONOMOUS, list_T, seen)
    elif two == _AUTONOMOUS[0]:
        seen[_UNITS] += 1
        seen[_PART], seen[_TOP] = i + 1, 2
    elif role & _SITE and name > 0:
        seen[_SITE_NAMES] += 1
        _ends_site(i, seen)
    elif role & _VILLAGE and name > 0:
        seen[_VILLAGES] += 1
        _ends_site(i, seen)
    elif role & NUMERAL and role_of(after) & _INNER:
        seen[_DOORS] += 0 <= i - seen[_ROAD_END] <= 2
        seen[_DOORS_WITHIN] += 1
        seen[_PART], seen[_END] = i + 2, i + 2
        return i + 2
    return i + 1


@kernel
def _read_place(data_B, i, end, start_T, kind_T, c, after, seen):
    """Reads a place of two characters, 杭州 or 杭州市, that begins with token i."""
    seen[_UNITS] += joined(c, after) != _CHINA
    i += 2
    seen[_BEFORE] = after
    unit = character(data_B, start_T[i]) if i < end and kind_T[i] == HAN else 0
    if role_of(unit) & _ADMIN:
        i += 1
        seen[_BEFORE], seen[_TOP] = unit, max(seen[_TOP], _rank(unit))
    seen[_PART] = i
    return i


@kernel
def _ends_site(i, seen):
    """A site or a village ends with token i."""
    seen[_PART], seen[_END], seen[_SITE_END] = i + 1, i + 1, i + 1


@kernel
def _ends_unit(i, name, rank, autonomous, list_T, seen):
    """A unit of administration may end with token i, whose name has so many characters."""
    if seen[_UNITS] == 0 and rank < 3 and name > 2 and (list_T[i - 2] >> 16) & PLACE:
        seen[_BEGIN] = i - 2  # 寄到广东省
    top = seen[_TOP]
    if 0 < name <= (_LONG_NAME if autonomous else _NAME) and (rank > top or rank == top == 2):
        seen[_UNITS] += 1
        seen[_TOP] = rank
    seen[_PART] = i + 1


@kernel
def _read_number(data_B, i, end, start_T, kind_T, shape_T, gap_T, mark_T, seen):
    """Reads a number, and what is counted with it. Returns where to go on; -1: this is no address."""
    after, before = _next_han(data_B, i, end, start_T, kind_T), seen[_BEFORE]
    flats = after == ord("公") and _next_han(data_B, i + 1, end, start_T, kind_T) == ord("寓")
    if (role_of(after) & COUNTED and not flats) or before == ord("第"):
        return -1
    near = i - seen[_ROAD_END]
    door = 0 <= near <= 2 and (near == 0 or role_of(before) & _TURN != 0 or kind_T[i - 1] == MARK)
    flat = _is_flat(i, end, kind_T, shape_T, gap_T, mark_T)
    known = role_of(after) & (_INNER | _VILLAGE) != 0
    seen[_BEFORE] = 0
    within = seen[_END] == i and seen[_DOORS] + seen[_DOORS_WITHIN] > 0
    if not (known or door or flat or i == seen[_SITE_END] or within):
        return i + 1
    seen[_DOORS] += door
    seen[_BARE] = (seen[_BARE] or door) and not role_of(after) & _INNER
    seen[_BUILDINGS] += role_of(after) & _BUILDING != 0 or flat
    seen[_DOORS_WITHIN] += 1 + flat
    i += 2 if known else 1
    seen[_PART], seen[_END] = i, i
    return i


@kernel
def _read_word(data_B, i, end, start_T, kind_T, shape_T, seen):
    """Reads a Latin word: A座, b幢."""
    seen[_BEFORE] = 0
    if shape_T[i] in (UPPER, INITIAL, LOWER) and role_of(_next_han(data_B, i, end, start_T, kind_T)) & _BUILDING:
        seen[_DOORS_WITHIN] += 1
        seen[_BUILDINGS] += 1
        i += 1
        seen[_END] = i + 1
    seen[_PART] = i + 1
    return i + 1


@kernel
def _read_mark(i, end, kind_T, mark_T, seen):
    """Reads a mark that joins numbers, or parts."""
    seen[_LISTED] |= mark_T[i] == LISTS
    seen[_PART], seen[_BEFORE] = i + 1, 0
    if seen[_END] == i and i + 1 < end and kind_T[i + 1] == NUMBER:
        seen[_END] = i + 1
    seen[_ROAD_END] += seen[_ROAD_END] == i
    return i + 1
