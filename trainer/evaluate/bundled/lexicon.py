"""Words of the bundled tasks, ours; each English one beside its Chinese one."""

EN, ZH = 0, 1


def _pairs(text: str) -> list[tuple[str, str]]:
    """`dog 狗, cat 猫`: Chinese has no spaces."""
    return [(en, zh) for en, zh in (one.rsplit(" ", 1) for one in text.split(", "))]


ANIMALS = _pairs("dog 狗, cat 猫, horse 马, bird 鸟, cow 牛, sheep 羊, fish 鱼, duck 鸭子")
PEOPLE = _pairs(
    "farmer 农夫, teacher 老师, doctor 医生, child 孩子, king 国王, miller 磨坊主, student 学生, driver 司机"
)
THINGS = _pairs(
    "book 书, bread 面包, river 河, house 房子, tree 树, door 门, "
    "letter 信, lamp 灯, bridge 桥, boat 船, garden 花园, table 桌子"
)
VERBS = _pairs("sees 看见, likes 喜欢, finds 找到, leaves 离开, needs 需要, remembers 记得")
COLOURS = _pairs("red 红色的, white 白色的, black 黑色的, green 绿色的, old 旧的, new 新的, big 大的, small 小的")
PLACES = _pairs(
    "hotel 酒店, restaurant 餐厅, museum 博物馆, shop 商店, cinema 电影院, train 火车, school 学校, park 公园"
)
ASPECTS = _pairs("food 食物, service 服务, room 房间, view 景色, staff 员工, music 音乐, price 价格, chair 椅子")
GOOD = _pairs("wonderful 很棒, friendly 很友好, lovely 很可爱, excellent 非常好, pleasant 令人愉快, perfect 完美")
BAD = _pairs("terrible 很糟糕, dirty 很脏, rude 很粗鲁, awful 非常差, boring 很无聊, disappointing 令人失望")
