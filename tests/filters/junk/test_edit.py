"""Lines beside an article: our own sentences in Chinese and English, by family; what stays; and what an edit is."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.edits import apply
from gristmill.filters.junk.edit import SIGNAL, edit_junk, kinds
from gristmill.filters.plan import EDITORS
from gristmill.filters.presets import PRESETS

ZH = "磨坊建在河边，水轮带动石磨，一天能磨三百斤麦子。师傅说，石头要选得硬，水要来得稳。"
EN = "The mill stands by the river, and its wheel turns two stones. They grind three hundred pounds of wheat a day."

LONG_ZH = f"{ZH}面粉磨好以后装进布袋，再由小船运走。"
"""As an article begins and ends: kernels.junk.context.BODY_UNITS."""

JUNK = {
    "advertisement": [
        "广告",
        "立即购买",
        "本店新磨面粉限时优惠，点击下方链接抢购",
        "想学磨面的朋友请加微信 mofang123 领取资料",
        "免费领取磨坊课程名额，扫码报名",
        "Advertisement",
        "Sponsored",
        "Sponsored by Stone Mills Ltd",
        "We may earn a commission when you buy a stone through our links.",
        "Order now and get 20% off your first bag of flour!",
        "Free shipping on all orders over $50",
    ],
    "follow": [
        "关注我们",
        "欢迎关注磨坊日报微信公众号",
        "更多精彩内容，请关注公众号“磨坊”",
        "喜欢本文的朋友请点个赞再转发",
        "+关注",
        "Follow us on Twitter @themill",
        "Like us on Facebook",
        "Follow The Mill on Facebook and Instagram for more.",
    ],
    "scan": [
        "扫描下方二维码关注",
        "长按识别二维码",
        "微信扫一扫",
        "扫码下载客户端",
        "用微信扫描二维码，分享至好友和朋友圈",
        "Scan the QR code to download our app",
    ],
    "share": [
        "分享到：微信 新浪微博 QQ空间",
        "分享到朋友圈",
        "Share",
        "Share Tweet Pin Email",
        "Share this: Facebook Twitter WhatsApp",
        "Share on Facebook",
    ],
    "read_more": [
        "阅读全文",
        "展开全文",
        "点击阅读原文",
        "点击查看更多",
        "Read more",
        "Continue reading",
        "Read More: How stones are cut",
        "Click here to read the full article",
    ],
    "reprint": [
        "版权声明：本文为磨坊原创文章",
        "未经授权，不得转载",
        "转载请注明出处：磨坊网",
        "本文仅代表作者个人观点，不代表本站立场",
        "如有侵权，请联系删除",
        "京ICP备12345678号-1",
        "Copyright 2024 磨坊网 版权所有",
        "All rights reserved.",
        "© 2024 The Mill Ltd. All Rights Reserved.",
        "Terms of Use | Privacy Policy",
        "This material may not be published, broadcast, rewritten or redistributed without permission.",
        "By continuing to use this site you agree to our use of cookies.",
    ],
    "credits": ["责任编辑：张三", "（责任编辑：李四）", "编辑/王五 校对：赵六", "[责编：李四]", "原标题：河边的磨坊"],
    "payment": [
        "打赏",
        "赞赏作者",
        "如果觉得不错，请作者喝杯咖啡",
        "您的打赏是我最大的动力",
        "Buy me a coffee",
        "Support us on Patreon",
    ],
    "counters": [
        "阅读 1.2万",
        "阅读(1234) 评论(56) 点赞(7)",
        "3条评论",
        "浏览量：2,345",
        "１２人看过",
        "12 likes",
        "1,234 views",
        "3 min read",
        "Comments (12)",
        "5.6K followers",
    ],
    "navigation": [
        "首页 > 新闻 > 正文",
        "当前位置：首页 > 财经 > 正文",
        "上一篇：水轮的故事",
        "下一页",
        "返回顶部",
        "登录 注册",
        "新闻 体育 财经 娱乐",
        "关于我们 | 联系我们 | 网站地图",
        "Home | About | Contact",
        "Home > News > Mills",
        "Next page →",
        "Back to top",
        "Skip to content",
        "News Sports Business Weather",
    ],
    "subscribe": [
        "Subscribe to our newsletter",
        "Sign up for our weekly newsletter and get the best of the mill in your inbox.",
        "Log in",
        "Enter your email address",
        "You must be logged in to post a comment.",
    ],
    "related": ["相关阅读：水轮是怎样造的", "猜你喜欢", "You may also like", "Related articles"],
}

KEPT = [
    ZH,
    EN,
    "第一章 河边",
    "参考文献",
    "Chapter One",
    "Results",
    "磨坊的历史",
    "How the stones are cut",
    "他在接受采访时说，扫码支付已经成为乡镇磨坊的日常，老人也学会了用手机，孩子们教得很耐心，一教就会，村里人都说这是好事，磨坊主人为此还专门写了一张大字报贴在门口，提醒大家排队。",
    "法院认为，被告未经许可在网站上使用这些照片，应当赔偿损失。",
    "广告法规定，广告应当真实、合法。",
    "公司去年的广告收入下降了百分之八，记者了解到，主要原因是麦价上涨。",
    "We asked the miller whether readers follow the news about wheat on Facebook, and he laughed.",
    "The company said its advertising revenue fell by 8 per cent, because wheat is dear.",
    "She shared the story with her friends, and read more about mills than anyone in town.",
    "Subscribers of the newsletter doubled in a year, and the publisher hired two more editors to write it.",
    "| Name | Home | Contact |",
    "if (home) { share(); }",
    "阅读让人充实，讨论让人机智。",
    "关注农村老人的生活，是这次调查的目的。",
    "12 Monkeys",
    "2024",
    "体育",
    "News",
]


def edited(*texts: str) -> list[str]:
    column = pa.array(texts, pa.large_string())
    return apply(column, edit_junk(column)[0]).to_pylist()


@pytest.mark.parametrize(("family", "line"), [(family, line) for family, lines in JUNK.items() for line in lines])
def test_edit_junk__a_line_of_a_family_goes_from_between_paragraphs(family, line):
    column = pa.array([f"{ZH}\n{line}\n{EN}"], pa.large_string())
    edits, signals = edit_junk(column)
    assert apply(column, edits).to_pylist() == [f"{ZH}\n{EN}"]
    assert {one["kind"] for one in edits.column()[0].as_py()} <= set(kinds())
    assert 0 < signals[SIGNAL][0] < 1


@pytest.mark.parametrize("line", KEPT)
def test_edit_junk__what_is_no_junk_stays(line):
    text = f"{EN}\n{line}\n{ZH}\n\n{line}"
    assert edited(text) == [text]


@pytest.mark.parametrize(
    ("glued", "article"),
    [
        (f"{ZH}更多精彩内容，请关注公众号“磨坊”", ZH),
        (f"{ZH}（责任编辑：张三）", ZH),
        (f"{ZH} 转载请注明出处", ZH),
        (f"扫描下方二维码关注！{ZH}", ZH),
        (f"{EN} Follow us on Twitter @themill.", EN),
        (f"{EN} Click here to read the full article.", EN),
        (f"Sign up for our newsletter. {EN}", EN),
        (f"{ZH}打开APP阅读全文", ZH),
        (f"{EN} 关注公众号mill2024，每天免费领取3G资料", EN),
    ],
)
def test_edit_junk__what_is_glued_to_an_article_goes_alone(glued, article):
    assert edited(glued) == [article]


def test_edit_junk__inside_running_sentences_a_phrase_stays():
    for text in (f"{ZH}欢迎关注公众号。{ZH}", f"{EN} Subscribe to our newsletter. {EN}"):
        assert edited(text) == [text]


def test_edit_junk__a_banner_between_paragraphs_goes():
    paragraphs = [ZH, EN, ZH[::-1] + "。", EN.replace("mill", "house")]
    for banner in ("磨坊小说网提供最快更新", "The Miller's Daily Gazette Online Edition"):
        assert edited(f"\n{banner}\n".join(paragraphs)) == ["\n".join(paragraphs)]
    twice = f"\n{banner}\n".join(paragraphs[:3])
    assert edited(twice) == [twice]


def test_edit_junk__a_banner_glued_to_lines_goes():
    lines = [f"{ZH}第{n}天。" for n in "一二三四"]
    assert edited("\n".join(f"{line}磨坊小说网提供最快更新" for line in lines)) == ["\n".join(lines)]
    assert edited("\n".join(f"{line} www.mofang.example.com 首发" for line in lines)) == ["\n".join(lines)]
    assert edited("\n".join(f"【磨坊网讯记者报道】{line}" for line in lines)) == ["\n".join(lines)]
    refrain = "\n".join(f"{line}依照前款的规定处罚。" for line in lines)
    assert edited(refrain) == [refrain]  # a sentence that recurs, as in laws


def test_edit_junk__names_of_a_menu_go_beside_each_other_only():
    menu = ["News", "Sports", "Cheval", "Business", "Weather", "Mills", "Travel"]
    assert edited("\n".join([*menu, EN])) == [EN]
    assert edited("\n".join(["新闻", "体育", "磨坊", "财经", "娱乐", "视频", ZH])) == [ZH]
    assert edited(f"{EN}\nSports\n{EN}") == [f"{EN}\nSports\n{EN}"]


@pytest.mark.parametrize("indent", ["", "  ", "      "])
def test_edit_junk__a_list_before_the_article_is_a_menu_and_one_inside_is_not(indent):
    listed = "\n".join(f"{indent}• {name}" for name in ("Granite", "Basalt", "Quartz", "Sandstone"))
    assert edited(f"{listed}\n{EN}\n{listed}\n{EN}") == [f"{EN}\n{listed}\n{EN}"]


def test_edit_junk__rows_of_chinese_names_go_outside_the_article_beside_menus():
    row = "国情 助残 海洋 草原 湾区 联盟 老年"
    menu = "首页\n新闻\n财经"
    assert edited(f"{menu}\n{row}\n{LONG_ZH}\n{row}\n{menu}") == [f"{LONG_ZH}\n"]
    assert edited(f"{LONG_ZH}\n{row}\n{LONG_ZH}") == [f"{LONG_ZH}\n{row}\n{LONG_ZH}"]  # amid the article
    assert edited(f"{LONG_ZH}\n{row}") == [f"{LONG_ZH}\n{row}"]  # no menu there
    people = "\n".join(["张三 李四 王五 赵六 孙七", "周八 吴九 郑十 冯一 陈二"] * 3)
    assert people in edited(f"{LONG_ZH}\n{people}\n首页\n新闻")[0]
    table = "姓名 年龄 12 籍贯 名次"
    assert table in edited(f"{LONG_ZH}\n{table}\n{menu}")[0]


def test_edit_junk__bulleted_names_go_outside_the_article_beside_menus():
    listed = "\n".join(f"• {name}" for name in ("Granite", "Basalt", "Quartz", "Sandstone"))
    menu, blurb = "About\nContact us\nSearch", "The mill by the river is open on Sundays again."
    assert edited(f"{EN}\n{menu}\n{listed}\n{blurb}") == [f"{EN}\n{blurb}"]
    assert edited(f"{EN}\n{menu}\n{listed}\n{EN}") == [f"{EN}\n{listed}\n{EN}"]
    assert edited(f"{EN}\n{listed}\n{blurb}") == [f"{EN}\n{listed}\n{blurb}"]


def test_edit_junk__a_notice_made_of_words_of_menus_goes():
    for notice in (
        "凤凰新媒体版权所有Copyright © 2019 Phoenix New Media Limited All Rights Reserved.",
        "版权所有 中国互联网新闻中心Copyright © China.org.cn. All Rights Reserved",
    ):
        assert edited(f"{ZH}\n{notice}\n{ZH}") == [f"{ZH}\n{ZH}"]


def test_edit_junk__lines_that_go_on_are_no_menu():
    query = "\n".join(["SELECT", "series,", "stats AS (", "scores,", "news,", ")", "videos,", "FROM", "photos,"])
    verse = "\n".join(["Music,", "Travel,", "Home,", "Life,", "Weather,", "Video,"])
    for lines in (query, verse):
        assert edited(f"{EN}\n{lines}\n{EN}") == [f"{EN}\n{lines}\n{EN}"]


def test_edit_junk__lines_of_code_that_end_alike_are_no_banner():
    query = "\n".join(f"    lag({name}) over by_stone as before," for name in ("sieved", "ground", "weighed"))
    assert edited(f"{EN}\n{query}\n{EN}") == [f"{EN}\n{query}\n{EN}"]
    forum = "\n".join(f"{name} | The Mill by the River" for name in ("Sieves", "Stones", "Weights"))
    assert edited(f"{EN}\n{forum}\n{EN}") == [f"{EN}\nSieves |\nStones |\nWeights |\n{EN}"]


def test_edit_junk__names_of_a_menu_may_be_written_as_one():
    for menu in ("BlogCareersPricingSupport", "HomeAboutContact us"):
        assert edited(f"{EN}\n{menu}\n{EN}") == [f"{EN}\n{EN}"]
    for word in ("YouTube", "ThreadPoolExecutor", "ContactMcDonald"):
        assert edited(f"{EN}\n{word}\n{EN}") == [f"{EN}\n{word}\n{EN}"]


def test_edit_junk__a_list_goes_with_its_heading():
    assert edited(f"{ZH}\n相关阅读\n水轮是怎样造的\n河边的三座磨坊\n{EN}") == [f"{ZH}\n{EN}"]
    assert edited(f"{EN}\n\nRelated Articles\n\nHow a wheel is built\nThree mills by the river") == [f"{EN}\n\n"]


def test_edit_junk__names_between_bars_are_a_menu():
    names = ("Granite", "Basalt", "Quartz", "Sandstone")
    for bar in ("|", "• |"):
        menu = f"\n{bar}\n".join(names)
        assert edited(f"{EN}\n{menu}\n{EN}", f"{EN}\n{menu}") == [f"{EN}\n{EN}", f"{EN}\n"]
    rule = "| Stone |\n|-------|\n| Basalt |\n|-------|\n| Quartz |\n|-------|"
    assert edited(f"{EN}\n{rule}\n{EN}") == [f"{EN}\n{rule}\n{EN}"]


def test_edit_junk__a_path_may_be_a_numbered_list():
    assert edited(f"1. Home\n2. Stones\n{EN}", f"1. 首页\n2. 石磨\n{LONG_ZH}") == [EN, LONG_ZH]
    steps = "1. Grind\n2. Stones"
    assert edited(f"{EN}\n{steps}\n{EN}") == [f"{EN}\n{steps}\n{EN}"]


def test_edit_junk__an_index_of_letters_goes():
    letters = "\n".join(f"• {letter}" for letter in "ABCDEFGHIJ")
    assert edited(f"{EN}\n{letters}\n{EN}") == [f"{EN}\n{EN}"]
    few = "\n".join(f"• {letter}" for letter in "ABCD")
    assert edited(f"{EN}\n{few}\n{EN}") == [f"{EN}\n{few}\n{EN}"]


@pytest.mark.parametrize(
    ("prose", "reach", "notice"),
    [
        (LONG_ZH, "地 址：磨坊路 3 号\n电 话：010-12345678", "版权所有：河边磨坊"),
        (EN, "Address: 3 Mill Lane\nPhone: 010 12345678", "© The Mill Ltd"),
    ],
)
def test_edit_junk__how_somebody_is_reached_goes_behind_what_goes_and_stays_in_the_article(prose, reach, notice):
    assert edited(f"{prose}\n{notice}\n{reach}") == [f"{prose}\n"]
    assert edited(f"{prose}\n{reach}\n{prose}\n{notice}") == [f"{prose}\n{reach}\n{prose}\n"]
    assert edited(f"{prose}\n{reach}") == [f"{prose}\n{reach}"]


def test_edit_junk__a_menu_goes_with_what_its_names_are_about():
    names = ("News", "Stones", "Wheels", "Sports", "Sacks", "Boats", "Business", "Mills")
    menu = "\n".join(f"• {name}\nAll that turns, every day anew" for name in names)
    title = "A mill of one's own"
    assert edited(f"{menu}\n{title}\n{title}\n{EN}") == [f"All that turns, every day anew\n{title}\n{title}\n{EN}"]
    assert edited(f"{EN}\n{menu}\n{EN}") == [f"{EN}\n{menu}\n{EN}"]


def test_edit_junk__bulleted_figures_go():
    figures = "• 18\n• 0\n• 34"
    assert edited(f"{ZH}\n{figures}\n{EN}") == [f"{ZH}\n{EN}"]
    assert edited(f"{ZH}\n• 18\n• 0\n{EN}") == [f"{ZH}\n• 18\n• 0\n{EN}"]
    assert edited(f"{EN}\nAdvertisement\n10\n{EN}") == [f"{EN}\n{EN}"]


def test_edit_junk__before_the_article_a_heading_of_lists_leaves_its_title():
    for heading, title, prose in (
        ("Trending stories", "How a wheel is built by the river", EN),
        ("热门推荐", "水轮是怎样在河边造起来的", LONG_ZH),
    ):
        assert edited(f"{heading}\n{title}\n{prose}\n{prose}") == [f"{title}\n{prose}\n{prose}"]


def test_edit_junk__labels_in_turn_are_no_banner():
    lines = "\n".join(
        f"【{paper}】{ZH}第{n}天。" for n, paper in enumerate(["河边的磨坊日报", "石磨新闻周刊", "水轮观察家报"] * 3)
    )
    assert edited(lines) == [lines]


def test_edit_junk__a_list_of_features_is_no_menu():
    features = "\n".join(f"• {name}" for name in ("Two stones", "Oak wheel", "Swim proof", "Over 30% larger"))
    page = f"{EN}\nAbout\nContact us\nSearch\n\nThe larger mill\n\n{features}\n\nThe smaller mill"
    assert features in edited(page)[0]


def test_edit_junk__entries_of_a_law_are_no_menu():
    law = "（一）信息公开；\n（二）新闻动态；\n（三）通知公告；"
    assert edited(f"{LONG_ZH}\n{law}\n{LONG_ZH}") == [f"{LONG_ZH}\n{law}\n{LONG_ZH}"]


def test_edit_junk__a_notice_far_before_the_article_is_not_where_it_begins():
    notice = "This page of the mill is kept as it was on the day when the wheel stood still, and the sacks were sold."
    menu = "\n".join(["• About", "• Contact us", "• Search", *(f"• Stone {n}" for n in range(24))])
    assert edited(f"{notice}\n{menu}\n{EN}\n{EN}") == [f"{notice}\n{EN}\n{EN}"]


def test_edit_junk__nothing_there():
    texts = pa.array(["", None, "\n\n", "  ", "---", "。"], pa.large_string())
    edits, signals = edit_junk(texts)
    assert apply(texts, edits).to_pylist() == texts.to_pylist()
    assert signals[SIGNAL].tolist() == [0] * 6
    assert len(edit_junk(texts.slice(0, 0))[0]) == 0


PIECES = [
    *(line for lines in JUNK.values() for line in lines[:4]),
    *KEPT[:12],
    "",
    " ",
    "|",
    "---",
    "www.mill.example",
    "\u3000",
    "é\u0301",
    "磨",
]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=10).map("\n".join), max_size=4))
def test_edit_junk__only_cuts_and_does_not_look_beyond_a_document(texts):
    column = pa.array(texts, pa.large_string())
    edits, _ = edit_junk(column)
    assert set(edits.texts) <= {""}
    for text, left in zip(texts, apply(column, edits).to_pylist(), strict=True):
        at = 0
        for char in left:  # a subsequence
            at = text.index(char, at) + 1
        assert edited(text) == [left]


@pytest.mark.parametrize(
    ("follow", "share", "prose"), [("关注我们", "分享到：微博", ZH), ("Follow us on Twitter", "Share this", EN)]
)
def test_chosen_families__the_others_stay(follow, share, prose):
    text = f"{prose}\n{follow}\n{share}\n{prose}"
    column = pa.array([text, prose], pa.large_string())

    def left(name: str) -> str:
        return apply(column, EDITORS[name](column)[0])[0].as_py()

    assert follow not in left("lines@gristmill")
    assert share not in left("lines@gristmill")
    assert left("lines@gristmill:follow") == f"{prose}\n{share}\n{prose}"
    assert left("lines@gristmill:share+scan") == f"{prose}\n{follow}\n{prose}"
    assert EDITORS["lines@gristmill:follow"](column)[1][SIGNAL][0] == len(f"{follow}\n".encode()) / len(text.encode())
    with pytest.raises(KeyError):
        EDITORS["lines@gristmill:folow"]


def test_chosen_families__a_preset():
    made = PRESETS["lines@gristmill:follow+scan"]
    assert made.rule_names() == ["lines@gristmill:follow+scan/cut_share"]
    assert "lines@gristmill:scan+scan" not in PRESETS
