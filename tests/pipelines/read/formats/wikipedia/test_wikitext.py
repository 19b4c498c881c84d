"""Wikitext -> text: what stays, what goes, and that no markup takes more than linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.read.formats.wikipedia.wikitext import is_redirect, plain_text


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        (
            "A '''mill''' is a '''[[Machine (tool)|machine]]''' by the [[river]].",
            "A mill is a machine by the river.",
        ),
        ("{{Infobox|a={{b|c}}|d=[[e]]}}磨坊是[[机械]]。", "磨坊是机械。"),
        ("Mill ({{IPA|x}}), ({{IPA|x}}, {{lang|fr|moulin}}).", "Mill , (moulin)."),
        ('text<ref name="a">{{cite|x}} gone</ref> on<ref name=b /> and on', "text on and on"),
        ("[[File:a.jpg|thumb|A [[mill]] at {{x}}]]text[[Category:Mills]][[de:Mühle]]", "text"),
        ("[[文件:甲.jpg|缩略图|[[水车]]]]正文[[分类:磨坊]][[Datei:b.png|x]]", "正文"),
        (
            "[[:Category:Mills]] and [[Mill#History|its history]] and [[Mill#Now]]",
            "Category:Mills and its history and Mill",
        ),
        ("See [https://a.org the site] and [http://b.org].", "See the site and ."),
        ("-{zh-hans:计算机; zh-hant:電腦;}-和-{zh-tw:軟體}-，-{文本}--{H|zh-cn:甲;zh-tw:乙}-", "计算机和軟體，文本"),
        ("-{zh-cn:[[内存]];zh-tw:[[記憶體]];}-大", "内存大"),
        ("* one\n** 二\n# three\n: four\n; term", "• one\n• 二\n• three\nfour\nterm"),
        ("== 历史 ==\n文字。\n== See also ==\n=== Sub ===\n{{reflist}}\n", "历史\n\n文字。"),
        ("== A ==\n=== B ===\nx", "A\n\nB\n\nx"),
        (
            '{| class="x"\n|+ Caption\n! A !! B\n|-\n| style="y" | 1 || 二\n|-\n| [[a|x]]\n|}',
            "Caption\nA | B\n1 | 二\nx",
        ),
        (
            "<math>x^2</math> <nowiki>[[raw]] '''</nowiki> <!-- gone -->5 {{convert|5|km|mi}}",
            "$x^2$ [[raw]] ''' 5 5 km",
        ),
        ('<syntaxhighlight lang="c">\nint a;  // [[x]]\n</syntaxhighlight>', "int a;  // [[x]]"),
        (
            "一\n<source lang=py>\n# 磨\nfor i in f():\n    print(i)  # [[x]]\n\n* = 1\n</source>\n二",
            "一\n\n# 磨\nfor i in f():\n    print(i)  # [[x]]\n\n* = 1\n\n二",
        ),
        ("<pre>\n  a ( )\n== b ==\n</pre> <code>main()</code>", "a ( )\n== b ==\nmain()"),
        ("{|\n| <pre>a\n b</pre>\n|}", "a  b"),
        ("a&nbsp;b &amp; c &lt;d&gt;<br/>e", "a b & c <d>\ne"),
        ("__NOTOC__ {{never closed [[and neither", "{{never closed [[and neither"),
        ("a }} b ]] c", "a }} b ]] c"),
        (
            "{{{1|默}}} and {{{2}}}, {{formatnum:1000}}, {{circa|1812}}, {{nihongo|Mill|水車}}",
            "默 and , 1000, c. 1812, Mill",
        ),
        ("above\n----\nbelow\n--\nend", "above\n\nbelow\n--\nend"),
        ("", ""),
    ],
)
def test_plain_text(wikitext, text) -> None:
    found = plain_text(wikitext, frozenset(["datei"]))
    assert " ".join(found.split(" ")).replace("  ", " ") == text or found == text


@pytest.mark.parametrize(
    ("wikitext", "is_one"),
    [
        ("#REDIRECT [[Mill]]", True),
        ("\n#redirect: [[Mill#Wheel]] {{R from move}}", True),
        ("#重定向 [[磨坊]]", True),
        ("#WEITERLEITUNG[[Mühle]]", True),
        ("# [[Mill]]", False),
        ("# redirect [[Mill]]", False),
        ("磨坊 #REDIRECT [[Mill]]", False),
    ],
)
def test_redirects_that_the_dump_does_not_tell(wikitext, is_one) -> None:
    assert is_redirect(wikitext) == is_one


@settings(deadline=None)
@given(st.text(alphabet="ab{}[]|-='<>!/\n*#文zh:ref ", max_size=200))
def test_plain_text__of_anything(wikitext) -> None:
    assert plain_text(wikitext) == plain_text(wikitext).strip()


@pytest.mark.parametrize(
    "part",
    ["{{", "[[", "<ref>", "<!--", "-{", "{|\n", "[http://", "'''", "== ", "<math>", "(", "<a ", "__A", "{{a|[[b|",
     "-{a|", "[[a|{{lang|x|", "<ref name=", "|-\n|", "（", "zh-cn:", "{{{", "{{{a|", "#redirect "],
)  # fmt: skip
def test_plain_text__is_linear(part) -> None:
    closing = part.replace("{{", "}}").replace("[[", "]]")[::-1]
    for text in (part * 20_000, part * 10_000 + closing * 10_000):
        start = time.process_time()
        plain_text(text)
        assert time.process_time() - start < 3
