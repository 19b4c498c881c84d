"""Which short texts are known as what stands around posts, as buttons of code, or as dates."""

import pytest
from resiliparse.parse.html import HTMLTree

from gristmill.pipelines.read.html.main_content.parts import PHRASE
from gristmill.pipelines.read.html.main_content.phrases import (
    ALSO_PHRASE,
    COPY_PHRASE,
    DATA_PHRASE,
    DATE_PHRASE,
    LINK_PHRASE,
    NO_PHRASE,
    NOTICE_PHRASE,
    POST_PHRASE,
)
from gristmill.pipelines.read.html.main_content.segment import segment

TEXTS = {
    POST_PHRASE: ["Reply", "Posts: 7", "Joined: Jan 5, 2020", "#3", "3楼", "回复 12", "发表于 2020-5-3 10:22",
                  "Reply Quote Report", "发表于 3 天前 | 只看该作者",
                  "Posts: 7<br>Joined: May 2020", "12 · Like · Reply"],
    LINK_PHRASE: ["Share", "Like 12", "顶", "播报"],
    COPY_PHRASE: ["Copy", "复制代码", "Copy to clipboard"],
    DATE_PHRASE: ["2020-5-3 10:22", "3 hours ago", "2020年5月3日", "12,345"],
    ALSO_PHRASE: ["<a href=x>See also: the miller's tale", "Read more: <a href=x>Mills of the north</a>",
                  "<a href=x>LEA TAMBIÉN: la harina", "<a>延伸阅读：磨坊的故事",
                  "相关阅读 <a>河边的水磨坊与磨坊主人</a>",
                  "» <a>Siehe auch</a>", "<a>Читайте также: мельница"],
    DATA_PHRASE: ['{"small":"a.jpg","width":1}', '[{"mill":[1,2]}]'],
    NOTICE_PHRASE: ["【免责声明】本文仅代表作者本人观点。", "版权所有 © 2024 磨坊科技", "转载请注明出处：磨坊",
                    "（未经授权不得转载）"],
    NO_PHRASE: ["See also the miller, who has <a href=x>a tale", "<a href=x>Seeing is believing, also here",
                "<a>延伸的河边", "Read more: " + "<a>mill</a> " * 90, "{mill}", '{"mill"', "{}",
                "Reply to the miller", "磨坊", "A fine old mill", "引用他的话", "Ответить", "×",
                "reply " * 60, "水 #1", "声明称，磨坊仍在转动。", "未经许可，任何人不得进入磨坊。"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TEXTS.items() for text in texts])
def test_kinds(kind, text):
    assert segment(HTMLTree.parse(f"<p>{text}").body.html.encode()).block_NK[:, PHRASE].tolist() == [kind]
