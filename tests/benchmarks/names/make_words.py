"""Writes filters/pii/names/tagger/words.txt: Chinese words that are taken for names and are none.

    python tests/benchmarks/names/make_words.py CORPUS LABELLED.jsonl...

Words of two characters that jieba's dictionary (MIT) calls names, and which stand outside names twenty times as often
as inside, four times at least, in LABELLED (sources.py, silver.py) and in openly licensed documentation and laws
(CORPUS); less those in NAMES, which people do bear. And what CLDR calls countries, languages and currencies (Babel,
BSD-3-Clause; Unicode-3.0). Both scripts.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jieba
import opencc
import pyarrow.parquet as pq
from babel import Locale

from gristmill.filters.pii.names.tagger import words

NAMES = (
    "高峰 高强 高明 高平 高雅 高达 高丽 高昂 高成 高立 高三 高塔 孔明 孔雀 庄周 梵高 伯乐 明智 文昌 "
    "金和 金华 金山 金马 金光 金利 金达 金安 金石 金堂 金秋 金牛 金科 金银 金陵 田林 田野 田园 白银 "
    "白光 白兰 白沙 海天 海文 文康 文广 文安 文联 宝山 梅花 梅雨 丁丁 丁香 方正 方成 于今 关公 关怀 "
    "查明 华星 华信 华达 华富 华龙 华盖 华谊 嘉兴 嘉善 安静 安抚 安福 安技 阳光 彩虹 晋级 易发 易成 "
    "易见 易生 康宁 康乐 康平 康保 陈列 陈述 程文 陶然 陶醉 柳林 林木 林州 林荫 林火 和平 和顺 和丰 "
    "和善 和睦 建安 建元 建文 建和 建基 明明 明朗 明星 陆军 马达 马来 王子 王朝 王府 余生 余波 于思 "
    "何干 施乐 温馨 万全 万达 任安 任之 章丘 章鱼 向海 向来 常成 常客 安人 安保 包罗 柏林 张榜 张贴 "
    "周知 周密 周转 周折 童星 付清 付方 付诸 汤水 查清 贺岁 辛勤 齐全 齐备 石柱 石狮 宁和 宁静 乐天 "
    "乐章 景洪 景深 景宁 顾问 克隆 布尔 布满 多特 米波 罗拉 达克 库珀 瑞拉 塞姆 达内 奥克 格斗 赫兹 "
    "道特 赖安 珀斯 海龙 小可 小二 老成 老二 洪波 洪水 "
)
"""Also names, or what is left of longer ones."""


def _dictionary() -> set[str]:
    found = set()
    with open(Path(jieba.__file__).with_name("dict.txt"), encoding="utf-8") as lines:
        for line in lines:
            word, _, kind = line.split()
            if len(word) == 2 and kind in ("nr", "nrt", "nrfg", "nz"):
                found.add(word)
    return found - set(NAMES.split())


def _texts(corpus: Path, files: list[str]) -> Iterator[tuple[str, list]]:
    for file in files:
        for line in Path(file).read_text(encoding="utf-8").split("\n"):
            if line:
                sample = json.loads(line)
                yield sample["text"], sample["spans"]
    for file in sorted(corpus.glob("docs-*.parquet")):
        table = pq.read_table(file, columns=["text", "lang", "source"])
        for text, lang, source in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if lang == "zh" and source != "chinese-poetry/chinese-poetry":
                yield text, []


def _unborne(corpus: Path, files: list[str]) -> set[str]:
    known, inside, outside = _dictionary(), Counter(), Counter()
    for text, spans in _texts(corpus, files):
        for match in re.finditer(r"(?=([\u4e00-\u9fff]{2}))", text):
            if match[1] in known:
                i = match.start()
                (inside if any(a < i + 2 and i < b for a, b, _ in spans) else outside)[match[1]] += 1
    return {word for word, count in outside.items() if count >= 4 and inside[word] <= 0.05 * count}


def _of_cldr() -> set[str]:
    found = set()
    for language in ("zh", "zh_Hant"):
        locale = Locale.parse(language)
        for names in (locale.territories, locale.languages, locale.currencies):
            found |= {name for name in names.values() if re.fullmatch(r"[\u4e00-\u9fff]{2,6}", name)}
        found |= {name[-2:] for name in locale.currencies.values() if re.fullmatch(r"[\u4e00-\u9fff]{4,}", name)}
    return found


def main() -> None:
    """Write the file, a word a line."""
    known = sorted(_unborne(Path(sys.argv[1]), sys.argv[2:]) | _of_cldr())
    for way in ("s2t", "t2s"):
        other = opencc.OpenCC(way).convert("\n".join(known)).split("\n")
        known = sorted({*known, *(word for word, old in zip(other, known, strict=True) if len(word) == len(old))})
    words.WORDS.write_text("\n".join(known) + "\n", encoding="utf-8")
    print(len(known))


if __name__ == "__main__":
    main()
