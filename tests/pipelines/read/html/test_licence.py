"""The licence of a page: of its own text, wherever it is said, and not of a picture or of what the text is about."""
# ruff: noqa: E501 - pages are quoted as they are

import time

import pytest

from gristmill.pipelines.read.html.licence import licence_of_page
from gristmill.pipelines.read.html.licence_cues import names_licence

BY_SA, BY, NC_ND = (f"https://creativecommons.org/licenses/{of}" for of in ("by-sa/4.0/", "by/4.0/", "by-nc-nd/4.0/"))
TEXT = "<p>The mill grinds grain all day. 磨坊在河边整天磨面。</p>" * 5


def page(body: str, head: str = "") -> str:
    return f"<!doctype html><html><head><title>CC BY-NC 4.0</title>{head}</head><body>{body}</body></html>"


FOUND = {
    "link": (page(TEXT, f'<link rel="license" href="{BY_SA}">'), "CC-BY-SA-4.0", "head"),
    "meta rights": (page(TEXT, f'<meta name="DC.rights" content="{BY}">'), "CC-BY-4.0", "head"),
    "meta in words": (page(TEXT, '<meta content="CC BY-NC 4.0" property="dcterms.license"/>'), "CC-BY-NC-4.0", "head"),
    "meta copyright": (page(TEXT, '<META NAME=copyright CONTENT="署名-相同方式共享 4.0">'), "CC-BY-SA-4.0", "head"),
    "json-ld": (
        page(TEXT, f'<script type="application/ld+json">{{"@type": "Article", "license": "{BY}"}}</script>'),
        "CC-BY-4.0",
        "head",
    ),
    "json-ld graph": (
        page(f'{TEXT}<script type=application/ld+json>{{"@graph": [{{"@type": ["WebPage"], "license": {{"@id": "{BY_SA}"}}}}]}}</script>'),
        "CC-BY-SA-4.0",
        "head",
    ),
    "rel": (page(f"{TEXT}<p>See the <a rel='noopener license' href='{BY}'>licence</a></p>"), "CC-BY-4.0", "main"),
    "no quotes": (page(f"{TEXT}<A REL=license HREF={BY_SA}>x</A>"), "CC-BY-SA-4.0", "main"),
    "itemprop": (page(f'{TEXT}<a itemprop="license" href="{BY_SA}">x</a>'), "CC-BY-SA-4.0", "main"),
    "footer link": (page(f"{TEXT}<footer><p><a href='{BY_SA}'>some rights reserved</a></p></footer>"), "CC-BY-SA-4.0", "footer"),
    "footer words": (page(f"{TEXT}<div class='site-footer'><span>© 2020 Mill. CC BY-SA 4.0</span></div>"), "CC-BY-SA-4.0", "footer"),
    "footer in entities": (page(f"{TEXT}<div id=footer>CC&nbsp;BY&#45;SA 4.0</div>"), "CC-BY-SA-4.0", "footer"),
    "Chinese footer": (page(f"{TEXT}<div class='page-footer'>署名-非商业性使用 4.0 国际</div>"), "CC-BY-NC-4.0", "footer"),
    "Chinese sentence": (
        page(f"{TEXT}<p>本文采用<a href='{NC_ND}'>知识共享署名-非商业性使用-禁止演绎 4.0 国际许可协议</a>进行许可。</p>"),
        "CC-BY-NC-ND-4.0",
        "main",
    ),
    "Chinese blog": (
        page(f"<article>{TEXT}<div class='post-copyright'>除特别声明外，本站文章采用 CC BY-NC-SA 4.0 许可协议，转载请注明出处。</div></article>"),
        "CC-BY-NC-SA-4.0",
        "footer",
    ),
    "traditional Chinese": (page(f"{TEXT}<p>本著作係採用創用 CC 姓名標示-相同方式分享 3.0 台灣 授權條款授權。</p>"), "CC-BY-SA-3.0", "main"),
    "English sentence": (
        page(f"{TEXT}<p>This work is licensed under a <a href='{BY}'>Creative Commons Attribution 4.0 International License</a>.</p>"),
        "CC-BY-4.0",
        "main",
    ),
    "Wikipedia": (
        page(
            f"<div class='mw-body'><div class='thumb tright'><a href='{BY}'>CC BY 4.0</a></div>{TEXT}</div><div id='footer'>"
            f"<li id='footer-info-copyright'>Text is available under the <a rel='license' href='{BY_SA}'>Creative Commons"
            " Attribution-ShareAlike License 4.0</a>; additional terms may apply.</li></div>"
        ),
        "CC-BY-SA-4.0",
        "footer",
    ),
    "states of a class": (page(f"<div class='has-post-thumbnail with-image-caption'>{TEXT}<a rel=license href='{BY}'>x</a></div>"), "CC-BY-4.0", "main"),
    "other licences": (page(f"{TEXT}<footer><a href='https://www.gnu.org/licenses/fdl-1.3.html'>GFDL</a></footer>"), "GFDL-1.3", "footer"),
    "unclosed elements": (page(f"<div><p>{TEXT}<li><div class=footer><p>CC BY 4.0"), "CC-BY-4.0", "footer"),
}  # fmt: skip
NOT_FOUND = {
    "none": page(TEXT),
    "a picture": page(f"{TEXT}<figure><img src=x><figcaption>Photo: A, <a rel=license href='{BY}'>CC BY 4.0</a></figcaption></figure>"),
    "a thumbnail": page(f"{TEXT}<div class='thumbcaption'><a href='{BY}'>CC BY 4.0</a></div>"),
    "a picture's sentence": page(f"{TEXT}<p>The photo was released under <a href='{BY}'>CC BY 4.0</a>.</p>"),
    "pictures in the footer": page(f"{TEXT}<footer>Icons by Font Mill, <a href='{BY}'>CC BY 4.0</a></footer>"),
    "图片": page(f"{TEXT}<p>图片来自某网站，采用<a href='{BY}'>CC BY 4.0</a>协议。</p>"),
    "a page about licences": page(
        f"<article>{TEXT}<p>There are six of them: <a href='{BY}'>CC BY 4.0</a>, <a href='{BY_SA}'>CC BY-SA 4.0</a>, CC0.</p></article>"
    ),
    "关于协议的文章": page(f"{TEXT}<p>知识共享协议有六种：署名-相同方式共享、署名-非商业性使用等，作者可以自行选择。</p>"),
    "another one's comment": page(f"{TEXT}<div class='comment-body'>This post is licensed under CC BY 4.0</div>"),
    "json-ld of a picture": page(
        TEXT, f'<script type="application/ld+json">{{"@type": "ImageObject", "license": "{BY}"}}</script>'
    ),
    "broken json-ld": page(TEXT, f'<script type="application/ld+json">{{"license": "{BY}"</script>'),
    "a script": page(f"{TEXT}<footer><script>var x = 'CC BY 4.0'</script></footer>"),
    "a comment of HTML": page(f"{TEXT}<footer><!-- CC BY 4.0 <a rel=license href='{BY}'> --></footer>"),
    "all rights": page(f"{TEXT}<footer>© 2020 Mill. All rights reserved. 版权所有</footer>"),
    "a byline": page(f"{TEXT}<footer>本文署名 张三</footer>"),
    "a stylesheet": page(TEXT, f'<link rel="stylesheet" href="{BY}">'),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_licence_is_found_with_its_place(name) -> None:
    html, spdx, place = FOUND[name]
    found = licence_of_page(html.encode(errors="replace"))
    assert found is not None
    assert (found.spdx, found.place, found.all) == (spdx, place, (spdx,))


@pytest.mark.parametrize("name", NOT_FOUND)
def test_what_is_not_the_licence_of_the_text_is_none(name) -> None:
    assert licence_of_page(NOT_FOUND[name].encode()) is None


def test_of_several_licences_the_most_restrictive_counts_and_all_are_listed() -> None:
    head = f'<link rel="license" href="{BY}">'
    found = licence_of_page(page(f"{TEXT}<footer><a href='{NC_ND}'>x</a> CC BY-SA 4.0</footer>", head).encode())
    assert found is not None
    assert found.spdx == "CC-BY-NC-ND-4.0"
    assert found.all == ("CC-BY-4.0", "CC-BY-NC-ND-4.0", "CC-BY-SA-4.0")


@pytest.mark.parametrize("html", ["", "<", "<a", "磨坊", "\ud800", "CC", "<p>c", "署"])
def test_odd_pages_name_none(html) -> None:
    assert names_licence(html.encode(errors="replace")) is False
    assert licence_of_page(html.encode(errors="replace")) is None


HOSTILE = {
    "open tags": "<a",
    "quotes": "<a href='CC BY 4.0",
    "scripts": "<script>",
    "comments": "<!--",
    "nested": "<div>",
    "closed": "</div><p>",
    "names": "CC BY-SA 4.0 ",
    "attributes": "<p a=",
    "json": '<script type="application/ld+json">' + "[",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_take_linear_time(name) -> None:
    spent = []
    licence_of_page(b"<footer>CC BY 4.0</footer>")
    for size in (60_000, 240_000):
        html = "<footer>CC BY 4.0" + HOSTILE[name] * (size // len(HOSTILE[name]))
        began = time.process_time()
        licence_of_page(html.encode(errors="replace"))
        spent.append(time.process_time() - began)
    assert spent[1] < 10 * spent[0] + 0.1


def test_what_stands_far_off_says_nothing_of_a_licence_and_heads_are_passed_over() -> None:
    words = "本文采用 <i>CC BY 4.0</i>"
    near, far = page(f"<p>Photo</p><p>x</p>{words}"), page(f"<p>Photo</p>{'<b>x</b>' * 200}{words}")
    headed = page(f"<p>本文</p><head>{'<p>x' * 20}</head><body>采用 <i>CC BY 4.0</i>")
    for html, spdx in ((near, "CC-BY-4.0"), (far, "CC-BY-4.0"), (headed, "CC-BY-4.0")):
        found = licence_of_page(html.encode())
        assert found is not None
        assert found.spdx == spdx
    assert licence_of_page(page(f"<p>本文采用</p>{'<b>x</b>' * 200}<i>CC BY 4.0</i>").encode()) is None
    assert licence_of_page(page(f"<p>本文采用</p>{'<b></b>' * 200}<i>CC BY 4.0</i>").encode()) is not None
