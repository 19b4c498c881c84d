"""Which pieces of a page count, and when a text has them; English and Chinese."""

import pytest

from gristmill.pipelines.read.html.evaluation.structures import kept, structures

PAGE = """<nav><ul><li>Home<li>关于我们</ul></nav>
<article><p>Text.</p><ul><li>first <b>grain</b></li><li>第<i>二</i>袋<ul><li>inner</li></ul></li></ul>
<pre><code>def mill():
    return <span>"面粉"</span><br>mill()
</code></pre><table><tr><th>粮食</th><th>kg</th></tr><tr><td>wheat</td><td>7</td></tr></table></article>"""
GOLD = 'Text.\n- first grain\n- 第二袋\n - inner\ndef mill():\n    return "面粉"\nmill()\n粮食 kg\nwheat 7'


def test_structures__of_the_main_content_only():
    found = structures(PAGE, GOLD)
    assert found["lists"] == ["first grain", "第二袋", "inner"]
    assert found["code"] == ['def mill():\n    return "面粉"\nmill()\n']
    assert found["tables"] == ["粮食kg", "wheat7"]


@pytest.mark.parametrize(
    ("kind", "text", "is_kept"),
    [
        ("code", 'so:\n\ndef mill():\n    return "面粉"\n\nend', True),
        ("code", 'def mill(): return "面粉"', False),  # a line break is lost
        ("lists", "* first  grain", True),
        ("lists", "first", False),
        ("tables", "| wheat | 7 |", True),
        ("tables", "wheat 8", False),
        ("tables", "wheat\t7", True),
    ],
)
def test_kept(kind, text, is_kept):
    piece = {"code": 'def mill():\n    return "面粉"\n', "lists": "first grain", "tables": "wheat7"}[kind]
    assert bool(kept({kind: [piece]}, text)[kind]) is is_kept


def test_line_numbers_of_code__do_not_count():
    numbered = {"code": ['1def mill():\n2    return "面粉"\n']}
    assert kept(numbered, 'def mill():\n    return "面粉"') == numbered
    assert kept(numbered, '1def mill():\n2    return "面粉"') == numbered
    assert kept(numbered, "def mill():") == {"code": []}
    assert kept({"code": ["1 apple\n7 pears"]}, "apple\npears") == {"code": []}
