"""The starter models tell prose from spam and furniture, on texts that they never saw, in English and Chinese."""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill.filters.placed import place
from gristmill.filters.quality.classifier import Model
from gristmill.filters.quality.feeding import WORDS
from gristmill.filters.quality.model_file import read_about

STARTER = Path(__file__).parents[3] / "filters" / "quality" / "starter"
PROSE = {
    "en": [
        "The committee met on Tuesday to discuss the new school budget. Several parents said the cuts would hurt music "
        "classes, and the mayor promised to look for other savings before the vote in June.",
        "When my grandmother was a girl she walked four miles to the well each morning. She told us that the walk was "
        "the best part of her day, because nobody asked her for anything.",
    ],
    "zh": [
        "昨天下午，市教育局召开会议，讨论明年的学校预算。几位家长表示，削减经费会影响音乐课，局长答应在六月表决之前再想办法。",
        "祖母小时候每天早晨都要走四里路去井边打水。她说那段路是一天里最好的时光，因为没有人向她要什么。",
    ],
}
JUNK = {
    "en": [
        "Home | About | Products | Contact | Login Cart (0) Search Best Sellers New Arrivals Sale",
        "CHEAP VIAGRA ONLINE!!! Buy now and get free pills, best price guaranteed, order today click here",
        "Win big at the best online casino. Our players love the free spins that we give them every day, and you can "
        "start with a bonus of 500 dollars as soon as you register your account.",
    ],
    "zh": [
        "首页 关于我们 产品中心 联系我们 登录 注册 购物车 热销排行 新品上市",
        "正规网上博彩平台，注册送彩金，加微信领取红包，信誉第一，提款秒到账！",
        "在我们的平台上，每天都有玩家赢得大奖。只要您注册账号，就可以领取五百元彩金，客服二十四小时在线为您服务，资金安全有保障。",
    ],
}


@pytest.fixture(params=["en", "zh"])
def starter(request) -> tuple[str, Model, dict]:
    file = STARTER / request.param / "model.ftz"
    data = file.read_bytes()
    card = json.loads(file.with_name("card.json").read_text(encoding="utf-8"))
    model = Model(file.name, hashlib.sha256(data).hexdigest(), len(data), read_about(file).labels, card["feeding"])
    place(model, file)
    return request.param, model, card


def test_starter__is_small_and_its_card_is_its_own(starter) -> None:
    lang, model, card = starter
    assert model.bytes <= 1_000_000
    assert (card["sha256"], card["languages"], card["positive"]) == (model.sha256, [lang], "good")
    assert model.feeding == WORDS
    assert "MPL-2.0" in card["about"]


def test_starter__prose_above_junk(starter) -> None:
    lang, model, _ = starter
    good = model.labels.index("good")
    prose = model.probabilities(pa.array(PROSE[lang], pa.large_string()))[:, good]
    junk = model.probabilities(pa.array(JUNK[lang], pa.large_string()))[:, good]
    assert prose.min() > 0.5
    assert junk.max() < 0.1
