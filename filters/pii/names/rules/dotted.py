"""Names spelled in Chinese with a middle dot: 洛维尔·汤玛斯.

Where Han characters stand on both sides of one, a person is named in 150 of 163 cases (training part of Chinese-GSD);
weights that were learnt from few of them miss most. Letters: B bytes, C characters, T tokens.
"""

import numpy as np

from gristmill.filters.kernels.jit import kernel
from gristmill.filters.pii.names.tagger.characters import character, holds, pair_at, pairs
from gristmill.filters.pii.names.tagger.decode import PERSON_BEGINS, put_label
from gristmill.filters.pii.names.tagger.places import MIDDLE, MIDDLE_2
from gristmill.filters.pii.names.tagger.tokens import HAN, MARK

MIDDLE_3 = 0x2027
"""The hyphenation point, which Taiwan writes."""
_FIRST, _LAST = 0x4E00, 0xA000
_MOST = 6
"""Characters of a part."""

SPELLED = (
    "阿埃艾爱愛安昂奥奧澳巴白拜班邦保鲍鮑贝貝本比彼别宾賓波伯博勃布查昌楚达達戴丹道德登邓鄧迪蒂丁东東杜敦顿頓多厄恩尔爾法凡范方菲费費芬丰冯馮佛弗福夫"
    "富盖蓋冈岡高戈哥格葛根贡貢古瓜圭果哈海汉漢汗豪赫亨洪胡华華怀懷惠霍基吉季加伽贾賈简簡江杰傑金久卡凯凱坎康考柯科克肯孔库庫夸昆拉莱萊赖賴兰蘭朗劳勞勒雷"
    "黎里李理利莉丽麗连連廉良列林琳灵靈龙龍隆卢盧鲁魯路吕呂伦倫罗羅洛马馬麦麥曼芒毛茂梅门門蒙孟米密敏明缪莫墨默姆穆拿娜纳納乃南内內尼涅宁寧纽紐农努诺諾欧歐"
    "帕派潘庞龐培佩彭蓬皮匹平珀蒲普奇恰齐齊乔喬切钦欽琴青琼瓊丘屈热熱仁荣榮儒瑞若撒萨薩塞赛賽桑森沙莎珊尚绍紹舍申圣聖施什石史士舒朔司丝絲斯松苏蘇索塔泰坦汤湯唐"
    "陶特滕提天田铁鐵廷亭图圖托瓦万萬旺威韦韋维維魏温溫文翁沃乌烏武西希锡錫席夏香肖谢謝辛欣兴興休许許雅亚亞延扬揚杨楊耶叶葉伊依因英尤约約宰赞贊泽澤扎詹章哲珍芝兹茲"
    "朱卓孜宗祖佐娅婭琪妮茜露茨巍弥彌玛瑪蕾薇黛蓓芭艳嘉洁柏桥橋帖歇逊遜侬儂搏殊勋勳撰睦迦贝贝尧堯甫喀咯嘎嘉坡堡夏奈宾岑弘彻徹翰瑟治烈腓芮慕美契伏察礼禮崔宏素伍蓝藍汪狄陆陸得斐迈邁捷毗朴柴恺愷歌徐苗珈碧修卫衛黑谷伟偉摩易"
)
"""Characters that foreign names are spelled with, less those that words of grammar are made of."""
NO_PERSON = "奖獎杯站号號山河湖岛島省州市县縣郡街路桥橋队隊社报報级級型式角峰湾灣港城镇鎮堡宫宮院校"
"""What stands behind what is named after a person, or is a place."""
NO_PERSON_PAIRS = (
    "大学 大學 学院 學院 中学 中學 公司 板块 板塊 定理 方程 常数 常數 机场 機場 广场 廣場 效应 效應 基金 集团 集團 "
    "球场 球場"
)


def _of(characters: str) -> np.ndarray:
    known = np.zeros(_LAST - _FIRST, np.bool_)
    known[[ord(c) - _FIRST for c in characters]] = True
    return known


_SPELLED, _NO_PERSON = _of(SPELLED), _of(NO_PERSON)
_PAIRS = pairs(NO_PERSON_PAIRS)


@kernel
def _spells(data_B, i, count, start_T, kind_T, of_C):
    if i < 0 or i >= count or kind_T[i] != HAN:
        return False
    c = character(data_B, start_T[i])
    return _FIRST <= c < _LAST and of_C[c - _FIRST]


@kernel
def _joins(i, count, start_T, end_T, kind_T, mark_T):
    """Whether token i is a middle dot with Han characters against it on both sides."""
    return (
        0 < i < count - 1
        and kind_T[i] == MARK
        and (mark_T[i] == MIDDLE or mark_T[i] == MIDDLE_2 or mark_T[i] == MIDDLE_3)
        and kind_T[i - 1] == HAN
        and kind_T[i + 1] == HAN
        and end_T[i - 1] == start_T[i]
        and end_T[i] == start_T[i + 1]
    )


@kernel
def _clear(first, last, count, label_T):
    """Takes back what the tagger calls a person among tokens [first, last): it is the name of something."""
    for j in range(first, count):
        if j >= last and label_T[j] != 2:
            return
        label_T[j] = 0 if label_T[j] <= 2 else label_T[j]


@kernel
def mark_dotted(data_B, count, start_T, end_T, kind_T, mark_T, label_T):
    """Labels names with middle dots: from the first character to the left that spells names to the last to the right,
    one on each side of a dot in any case. What the tagger found overlaps none, or goes with it."""
    done = 0
    for i in range(1, count - 1):
        if kind_T[i] != MARK or i < done or not _joins(i, count, start_T, end_T, kind_T, mark_T):
            continue
        first = i - 1
        while first > done and i - first < _MOST and _spells(data_B, first - 1, count, start_T, kind_T, _SPELLED):
            first -= 1
        last, dot = i + 2, i
        spelled = _spells(data_B, i + 1, count, start_T, kind_T, _SPELLED) and (
            _spells(data_B, i - 1, count, start_T, kind_T, _SPELLED)
            or _spells(data_B, i + 2, count, start_T, kind_T, _SPELLED)
        )
        while last < count:
            if _joins(last, count, start_T, end_T, kind_T, mark_T):
                dot, last = last, last + 2
            elif last - dot <= _MOST and _spells(data_B, last, count, start_T, kind_T, _SPELLED):
                last += 1
            else:
                break
        done = last
        if not spelled:
            continue
        if _spells(data_B, last, count, start_T, kind_T, _NO_PERSON):
            _clear(first, last, count, label_T)
            continue
        followed = last + 1 < count and kind_T[last] == HAN and kind_T[last + 1] == HAN
        if followed and holds(_PAIRS, pair_at(data_B, last, start_T)):
            _clear(first, last, count, label_T)
            continue
        put_label(PERSON_BEGINS, first, last, label_T)
