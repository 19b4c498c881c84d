"""Code without what stands beside it, as sites write it: line numbers by name and by place, and buttons that copy."""

# ruff: noqa: E501

import pytest

from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.recipe import schema

PROSE = {
    "en": "The old water mill stands by the river, and it grinds wheat for the whole village every autumn.",
    "zh": "水磨坊坐落在河边，每年秋天为全村人磨小麦。磨坊主人说，今年的雨水比往年多，所以水车转得更快。",
}
CODE = "def f():\n    return 1\n\nf()"
ROWS = [(n + 1, line) for n, line in enumerate(CODE.split("\n"))]


def lines(form: str, joined: str = "") -> str:
    return joined.join(form.format(n=n, line=line or " ") for n, line in ROWS)


NUMBERED = {
    "spans and boxes": f"<pre><code>{lines('<span>{n}</span><div>{line}</div>')}</code></pre>",
    "spans with a class": "<pre>" + lines("<span class=linenos>{n}</span>{line}", "\n") + "</pre>",
    "spans of any class": "<pre>" + lines("<span style='color: #999'>  {n} </span>{line}", "\n") + "</pre>",
    "spans in camel case": "<pre>" + lines("<span class='react-line-number lineNumber'>{n}\n</span><span>{line}\n</span>") + "</pre>",
    "links": "<pre>" + lines("<a href='#L{n}'>{n}</a>{line}", "\n") + "</pre>",
    "a column by name": f"<table class=highlight><tr><td class=gutter><pre>{lines('<span>{n}</span><br>')}</pre></td><td class=code><pre>{CODE}</pre></td></tr></table>",
    "a column of numbers": f"<table><tr><td><pre>1\n2\n3\n4</pre></td><td><pre>{CODE}</pre></td></tr></table>",
    "linenodiv": f"<table class=highlighttable><tr><td class=linenos><div class=linenodiv><pre>1\n2\n3\n4</pre></div></td><td class=code><div><pre>{CODE}</pre></div></td></tr></table>",
    "a list behind, in <pre>": f"<pre><code class=has-numbering>{CODE}</code><ul class=pre-numbering>{lines('<li>{n}</li>')}</ul></pre>",
    "a list before": f"<div class=box><ul class=nums>{lines('<li>{n}</li>')}</ul><pre>{CODE}</pre></div>",
    "rows": "<table>" + lines("<tr><td class=line-num>{n}</td><td><pre>{line}</pre></td></tr>") + "</table>",
    "rows without a name": "<table>" + lines("<tr><td>{n}</td><td><pre>{line}</pre></td></tr>") + "</table>",
    "items of <pre>": "<pre class=linenums><ol>" + lines("<li class=L{n}><code>{line}</code></li>") + "</ol></pre>",
}  # fmt: skip
FLATTENED = {
    "rows of a repository": "<table class=highlight>" + lines("<tr><td class=blob-num data-line-number={n}>{n}</td><td class=blob-code>{line}</td></tr>") + "</table>",
    "a column of boxes": f"<div class=syntaxhighlighter><table><tr><td class=gutter>{lines('<div class=line>{n}</div>')}</td><td class=code><div class=container>{lines('<div class=line><code>{line}</code></div>')}</div></td></tr></table></div>",
    "crayon": f"<div class=crayon-syntax><table><tr><td class=crayon-nums>{lines('<div class=crayon-num>{n}</div>')}</td><td class=crayon-code>{lines('<div class=crayon-line>{line}</div>')}</td></tr></table></div>",
    "a numbered list": "<ol class=linenums>" + lines("<li><code>{line}</code></li>") + "</ol>",
    "dp.SyntaxHighlighter": "<div class=dp-highlighter><ol start=1 class=dp-j>" + lines("<li class=alt><span>{line}</span></li>") + "</ol></div>",
    "a forum's list": f"<div class=blockcode><div><ol>{lines('<li>{line}<br></li>')}</ol></div><em onclick='copycode()'>复制代码</em></div>",
}  # fmt: skip
COPIED = {
    "button above": f"<div class=highlight><button class=btn>Copy</button><pre>{CODE}</pre></div>",
    "button in <pre>": f"<pre><button type=button>复制</button><code>{CODE}</code></pre>",
    "span in <pre>": f"<pre><span class=copy-btn>Copy code</span><code>{CODE}</code></pre>",
    "box above": f"<div class=top><div class=x>复制代码</div></div><pre>{CODE}</pre>",
    "link below": f"<div class=snippet><pre>{CODE}</pre><a href=#>Copy to clipboard</a></div>",
}


def extract(inner: str, language: str, **options) -> str:
    prose = PROSE[language]
    html = f"<body><nav><a href=/>Home</a></nav><div class=article><h1>Mill</h1><p>{prose}</p><p>{prose}</p>{inner}<p>{prose}</p></div>"
    text = read_page(html.encode(), "utf-8", schema.Extract(**options)).text.decode()
    assert text.count(prose) == 3, text
    return text.split(prose)[2].strip()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", [*NUMBERED, *COPIED])
def test_code__without_line_numbers_and_buttons(name, language):
    found = extract((NUMBERED | COPIED)[name], language)
    assert [line.rstrip() for line in found.split("\n") if line.strip()] == [line for line in CODE.split("\n") if line]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", FLATTENED)
def test_code_outside_of_pre__keeps_its_lines_and_indentation(name, language):
    found = extract(FLATTENED[name], language)
    bullets = found.replace("• ", "")
    assert [line.rstrip() for line in bullets.split("\n") if line.strip()] == [
        line for line in CODE.split("\n") if line
    ]


@pytest.mark.parametrize("indent", ["  ", "\t", "\t\t  ", "        "])
@pytest.mark.parametrize(
    "inner", ["{}return 1", "<span class=k>{}return</span> 1", "<span>{}</span><b>return</b> 1", "{}&#114;eturn 1"]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_code_outside_of_pre__indentation_as_written(inner, indent, language):
    rows = "".join(f"<tr><td class=code-line>{row}</td></tr>" for row in ("def f():", inner.format(indent), "f()"))
    broken = f"<div class=code>def f():<br>{inner.format(indent)}<br>f()</div>"
    for html in (f"<table>{rows}</table>", broken):
        assert extract(html, language) == f"def f():\n{indent}return 1\nf()"


@pytest.mark.parametrize(
    "inner",
    [
        "<td>    bread",
        "<td class=code>\n      bread",
        "<td class=code> bread",
        "<td class=code><p>   bread",
        "<td class=code>   bread<td>    3",
    ],
)
def test_white_space_of_the_markup__is_no_indentation(inner):
    assert extract(f"<table><tr><td>flour</td></tr><tr>{inner}</td></tr></table>", "en").split("\n")[-1].split(
        "\t"
    ) == ["bread", *("3" for _ in range(inner.count("3")))]


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<pre>1\n2\n3</pre>", "1\n2\n3"),
        ("<pre><span>1</span>, <span>2</span>\n<span>3</span></pre>", "1, 2\n3"),
        ("<pre><span>2</span> apples\n<span>7</span> pears</pre>", "2 apples\n7 pears"),
        ("<table><tr><td>1<td>flour<tr><td>2<td>bread</table>", "1\tflour\n2\tbread"),
        ("<table><tr><td>1<td><pre>a\nb</pre><tr><td>2<td><pre>c\nd</pre></table>", "1\n\na\nb\n\n2\n\nc\nd"),
        (f"<div class='row gutter-16'><div class=gutter><p>{PROSE['zh']}</p></div></div>", PROSE["zh"]),
    ],
)  # fmt: skip
def test_numbers_and_names__that_are_no_line_numbers_stay(inner, text):
    assert extract(inner, "en") == text


def test_everything__has_the_line_numbers_too():
    assert "1\ndef f():" in extract(NUMBERED["spans and boxes"], "en", main_content=False)
