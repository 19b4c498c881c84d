"""What elements and the words of their attributes say about a text: tables that the compiled loops look names up in.

A word is a run of letters of a class, id, role, itemprop or aria-label, split at camel case, in lower case, without a
plural s; two in a row are a word, too ("line-number", "lineNumber": "linenumber"). It is known by its hash; what it
hints at is a bit (`parts.HINTS`).
"""

import numpy as np

from gristmill.pipelines.read.html.main_content import parts as at

_PARAGRAPHS = (
    "p table ul ol dl pre xmp blockquote figure figcaption caption h1 h2 h3 h4 h5 h6 article main section aside nav "
    "header footer form details"
)
_LINE_TAGS = "div li td th tr dt dd summary button body tbody center"
_SAME = {"menu": "ul", "dir": "ul", "listing": "pre", "plaintext": "xmp", "thead": "tbody", "tfoot": "tbody"}
"""Elements that are treated like another one."""
_VERBATIM = {"pre": at.IS_VERBATIM, "xmp": at.IS_VERBATIM | at.IS_RAW}
_LINES = "address fieldset legend hgroup search dialog optgroup option marquee"
_SKIPPED = (
    "style template iframe object embed canvas audio video select textarea datalist noembed noframes head title svg "
    "noscript applet frameset progress meter annotation annotation-xml"
)
_VOID = "area base basefont bgsound col embed frame input keygen link meta param source track wbr br hr img"
_INLINE = "a math script span code label br hr img"
_RAW = "script style iframe noembed noframes"

_WORDS = {
    at.NAV: "nav navi navbar navigation navigator menu submenu breadcrumb crumb =bread pager pagination paging "
    "pagenav =tabs toc topnav mainnav subnav navheader navfooter daohang menubar skip =prev =next previous sitemap "
    "locator tablist pagenavi weizhi treeview menuitem =home =current archive taxonomy =parent channel channels "
    "ancestor",
    at.FOOTER: "footer =foot copyright =bottom colophon contentinfo bottombar =ft footnav legal friendlink links "
    "=copy siteinfo disclaimer policy =about contact",
    at.HEADER: "header =head masthead =top topbar =hd logo topper brand branding hero subheader",
    at.SIDE: "sidebar aside =side rail =right =left widget widgets complementary sidenav rightcol leftcol sider "
    "secondary tertiary rightside leftside =r =fr rside slide-right",
    at.COMMENT: "comment commentlist disqus respond pinglun commentary discussion livefyre cmt =comm commentbox "
    "commenting remark fb-comments guestbook liuyan commentform =hf",
    at.SHARE: "share sharing social sns facebook twitter weibo wechat weixin =like follow addthis sharethis fav "
    "bookmark collect print qrcode bdshare jiathis bshare =action actions vote voting rating =star "
    "dianzan =zan shang reward appreciate sharebar pinterest linkedin whatsapp email bdsharebuttonbox "
    "=tool =tools toolbar fenxiang report save reactions",
    at.RELATED: "related recommend recommendation recommended recirc =more popular trending =hot rank ranking "
    "latest =recent teaser promo outbrain taboola similar readmore morelike suggestion suggest "
    "suggested xiangguan tuijian relate =relative mostread =pick upnext yarpp jp-relatedposts seealso "
    "hotnews relevant recommendlist stories featured excerpt deck streamline rec reclist =read-next "
    "read-more also-like",
    at.ADVERT: "ad ads adv advert advertisement advertising sponsor sponsored banner adsense adslot google gg "
    "guanggao newsletter subscribe subscription paywall promotion promoted donate dfp affiliate "
    "advertise cta upsell ez",
    at.OVERLAY: "cookie consent gdpr modal popup overlay dialog alertdialog login search alert toast lightbox "
    "signin signup register popover tooltip privacy onetrust cmp userbar passport account cart ticker "
    "drawer flyout hamburger prompt warning notification",
    at.META: "meta author byline date time tag category categories info source publish published =view views "
    "count edit postmeta timestamp posted modified dateline keyword laiyuan zuozhe shijian bianji "
    "biaoqian credit status pubtime infos cat reporter byl bio terms duration eyebrow stats",
    at.CONTENT: "content article entry =main story detail =con neirong zhengwen markdown prose =document "
    "maincontent wysiwyg richtext =rich =doc docs artical articlecontent contentbody =zw readme =single "
    "hentry bodytext maintext =text =txt =art wenzhang =news newstext articletext product wiki =cont "
    "=conts =contents =paragraph storybody concrete docbook entity node articlebody",
    at.POST: "post message =msg thread topic answer question floor reply postmessage bbs forum postbody "
    "postcontent response =qa answers accepted lzl tie louzhu posts messagebody tpc conversation "
    "firstpost bbp discussionitem =op",
    at.PICTURE: "caption figure image photo gallery slideshow img pic picture slider carousel wp-caption video "
    "media player swiper thumb thumbnail slide",
    at.HIDDEN: "=hidden =hide =none invisible sr-only visuallyhidden visually-hidden screenreader offscreen "
    "noprint =collapsed",
    at.CODE: "code highlight syntaxhighlighter syntax prettyprint codehilite hljs snippet console sourcecode "
    "blockcode codeblock codebox crayon shiki prism listing dphighlighter",
    at.CARD: "card =item grid feed listing =list module tile product-card",
    at.BODY: "=body bodycopy postbody articlebody entrybody article-body post-body entry-content post-content "
    "article-content rich_media_content article_content entry-body story-body content-body js_content",
    at.USER: "user avatar profile member username nick nickname userinfo poster signature =sig userdetail reputation",
    at.CONTROL: "button btn buttons btns toggle close submit input field select option options control controls "
    "trigger dropdown filter filters arrow cancel accept loading loader accordion tabpanel checkbox "
    "radio settings language country notice feedback =label form =clear expand collapse icon",
}
_LINE_NUMBERS = (
    "gutter lineno linenum linenumber linenodiv linenocell linenumbering lnnumber lnum prenumbering blobnum "
    "crayonnum codenum"
)
_COPY = "copy copybtn copybutton copycode copier copied clipboard copytoclipboard fuzhi"
_ELEMENT_HINTS = {
    "nav": at.NAV, "footer": at.FOOTER, "header": at.HEADER, "aside": at.SIDE, "article": at.CONTENT,
    "main": at.CONTENT, "figure": at.PICTURE, "figcaption": at.PICTURE, "dialog": at.OVERLAY,
    "search": at.OVERLAY, "form": at.CONTROL, "pre": at.CODE, "button": at.CONTROL,
}  # fmt: skip

CUES = 3
"""Kinds of words of boilerplate: what readers are asked to do, legal notes, and what belongs to a text's head."""
_CUE_WORDS = (
    "share tweet pin follow subscribe login signin signup register print email "
    "facebook twitter linkedin whatsapp pinterest instagram comment comments reply "
    "read more related previous next menu search home advertisement cookie cookies "
    "click download like likes view views sponsored newsletter loading skip close "
    "cancel submit back top report save bookmark trending popular recommended latest "
    "archives categories tags 分享 收藏 登录 注册 评论 点赞 阅读 相关 推荐 上一 下一 导航 首页 搜索 "
    "返回 顶部 打印 关闭 举报 点击 浏览 热门 排行 更多 关注 订阅 下载 扫码 微信 微博 二维 回复 "
    "广告 收起 展开 登入 註冊 評論 關注 閱讀 客户 小程 公众",
    "copyright rights reserved privacy policy terms conditions disclaimer gdpr "
    "license isbn contact about sitemap 版权 所有 备案 声明 免责 转载 许可 网安 公网 隐私 条款 举报 联系 关于 网站 "
    "地图 版權 邮箱 侵权 违法",
    "by author posted published updated written staff reporter editor source photo "
    "credit image date min ago 作者 来源 编辑 责任 责编 记者 发布 日期 时间 字号 摘要 关键 标签 发表 来自 更新 原创",
)


def hash_of(name: str) -> int:
    """What the loops make of a name: of 31 bits, never 0."""
    value = 0
    for byte in name.encode():
        value = (value * 257 + byte) & 0x7FFFFFFF
    return value or 1


def open_table(values: dict[int, int], size: int) -> np.ndarray:
    """Open addressing by a hash: pairs of (hash, value), hash 0 for a free row."""
    table_W2 = np.zeros((size, 2), np.int64)
    for key, value in values.items():
        row = key & (size - 1)
        while table_W2[row, 0] and table_W2[row, 0] != key:
            row = (row + 1) & (size - 1)
        table_W2[row] = key, value
    return table_W2


def _by_name(values: dict[str, int], size: int) -> np.ndarray:
    return open_table({hash_of(name): value for name, value in values.items()}, size)


WHOLE = "="
"""Before a word that hints at something only if it is a whole name of a class or the like."""
TAG_SHIFT = 8
HINT_SHIFT = 16


def _tag(name: str) -> int:
    number: int = getattr(at, f"{name.upper()}_TAG")
    return number << TAG_SHIFT


def _elements() -> dict[str, int]:
    """By name: flags of `parts.IS_NODE` and the like, the tag, and what the name hints at (plus one)."""
    flags = dict.fromkeys(_LINES.split(), at.IS_NODE | at.IS_LINE)
    for kind, names in ((at.IS_PARAGRAPH, _PARAGRAPHS), (at.IS_LINE, _LINE_TAGS)):
        flags |= {name: at.IS_NODE | kind | _VERBATIM.get(name, 0) | _tag(name) for name in names.split()}
    for kind, names in ((at.IS_SKIPPED, _SKIPPED), (at.IS_VOID, _VOID), (at.IS_RAW, _RAW)):
        for name in names.split():
            flags[name] = flags.get(name, 0) | kind
    for name in _INLINE.split():
        flags[name] = flags.get(name, 0) | _tag(name)
    for name, hint in _ELEMENT_HINTS.items():
        flags[name] = flags.get(name, 0) | (hint + 1) << HINT_SHIFT
    return flags | {name: flags[same] for name, same in _SAME.items()}


def _words() -> dict[str, int]:
    bits: dict[str, int] = {}
    for hint, words in _WORDS.items():
        for word in words.replace("=", WHOLE).split():
            bits[word] = bits.get(word, 0) | 1 << hint
    for word in ("mathjax", "mathjax_preview", "mathjax_display", "mathjax_svg", "katex-html"):
        bits[word] = at.RENDERED_BIT
    for bit, words in ((at.GUTTER_BIT, _LINE_NUMBERS), (at.COPY_BIT, _COPY)):
        for word in words.split():
            bits[word] = bits.get(word, 0) | bit
    return bits


ELEMENT_W2 = _by_name(_elements(), 512)
UNSCRIPTED_W2 = _by_name(_elements() | {"noscript": at.IS_NODE | at.IS_LINE}, 512)
"""Elements as a browser without scripts has them."""
WORD_W2 = _by_name(_words(), 2048)
CUE_W2 = _by_name({word: kind for kind, words in enumerate(_CUE_WORDS) for word in words.split()}, 1024)
