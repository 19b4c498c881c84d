"""Made-up pages in English and Chinese, with what a reader would keep of them.

Labelled pages of the web are long and full; these add what they lack: short pages, pages without anything around the text,
and every kind of part (lists, tables, code, captions, formulas, posts) beside every kind of boilerplate.
"""

# ruff: noqa: E501

import random
from dataclasses import dataclass, field

EN = """
the mill stands by a river and grinds wheat for its village every autumn stone wheel turns slowly water flows
under wooden bridge miller says that rain was heavy this year bread bakers came from town carried flour home
in sacks old records show prices rose sharply while engineers repaired dam we measured how much power it gives
new model runs faster than previous version but needs more memory users report problem after update install
package then restart service doctor recommends sleep minister announced plan to build school team won match
late goal company sold shares
""".split()  # noqa: SIM905
ZH = """
水磨坊 坐落 在 河边 每年 秋天 为 全村 人 磨 小麦 磨坊主 说 今年 的 雨水 比 往年 多 所以 水车 转得
更快 石磨 慢慢 转动 面粉 装进 袋子 运回 家 记者 了解 到 公司 发布 新 产品 价格 上涨 用户 反映 问题
更新 之后 需要 重启 服务 医生 建议 多 休息 政府 宣布 修建 学校 球队 赢得 比赛 我们 测量 了 它 的
功率 模型 运行 速度 提高 但是 内存 需求 增加 专家 认为 这个 方法 可行
""".split()  # noqa: SIM905
CODE = ["import numpy as np\nx = np.arange(10)\nfor i in x:\n    print(i)", "$ pip install mill\n$ mill --help",
        "def f(a):\n    return a + 1", "SELECT name\nFROM mills\nWHERE power > 3;", "<div>\n  <p>x</p>\n</div>"]  # fmt: skip
LABELS = {
    "nav": ("Home|News|Sports|About us|Contact|Products|Docs|Blog|Support|Careers|Login|Pricing|Shop",
            "首页|新闻|体育|关于我们|联系我们|产品|文档|博客|帮助|招聘|登录|价格|商城|视频|财经"),
    "share": ("Share|Tweet|Facebook|WhatsApp|Pin it|Email|Print|Save|Copy link", "分享|微信|微博|QQ空间|收藏|打印|复制链接|点赞|举报"),
    "related": ("Related articles|You may also like|Read next|More stories|Most popular|Trending now|Recommended for you",
                "相关阅读|相关文章|猜你喜欢|热门推荐|延伸阅读|更多精彩|排行榜|推荐阅读"),
    "comments": ("Comments|3 Comments|Leave a reply|Join the discussion", "评论|网友评论|全部评论|发表评论|最新评论"),
    "cookie": ("We use cookies to improve your experience. By continuing you accept our cookie policy.|This site uses cookies"
               " and similar technologies to personalise content and ads. Manage preferences at any time.",
               "本网站使用Cookie来改善您的体验。继续浏览即表示您同意我们的Cookie政策。|我们使用Cookie和类似技术，您可以随时更改偏好设置。"),
    "accept": ("Accept all|Reject|Settings|OK", "全部接受|拒绝|设置|知道了"),
    "footer": ("© 2024 Mill Ltd. All rights reserved.|Privacy policy|Terms of use|Sitemap|Cookie settings|Imprint",
               "版权所有 © 2024 磨坊科技|京ICP备12345678号|隐私政策|用户协议|网站地图|联系我们|违法和不良信息举报电话：010-12345678"),
    "subscribe": ("Subscribe to our newsletter|Sign up for free updates|Get the app", "订阅我们的邮件|扫码关注公众号|下载客户端|立即注册"),
    "counts": ("{} views|{} likes|{} comments|{} shares|{} min read", "阅读 {}|点赞 {}|评论 {}|浏览次数：{}|收藏 {}|转发 {}"),
    "by": ("By {}|Published 3 May 2024|Updated 2 hours ago|Staff writer", "作者：{}|来源：新华网|发布时间：2024-05-03 10:20|责任编辑：{}"),
    "steps": ("Previous article|Next article|Back to top|Back to list", "上一篇|下一篇|返回顶部|返回列表"),
    "user": ("Posts: {}|Joined: May 2020|Member|Senior member|Online|Location: Mill|Reputation: {}|Thread starter",
             "帖子：{}|注册时间 2020-5-3|发消息|高级会员|积分 {}|楼主|威望 {}|来自：河边|新手上路"),
    "post": ("Reply|Quote|Report|Like|#{}|Share|Posted on 3 May 2020|Report post|{} likes|Edit|Top",
             "回复|引用|举报|赞|{}楼|只看该作者|发表于 2020-5-3 10:20|支持 {}|反对|使用道具|来自手机|收藏|{}#"),
}  # fmt: skip
CLASSES = {
    "content": "content article article-content post-content entry-content main-content content-body rich-text text story "
    "detail articleBody markdown-body zhengwen con_txt news_txt article-detail page-content",
    "nav": "nav navbar menu main-menu navigation top-nav site-nav header-menu nav_list",
    "share": "share social share-bar social-links sharing bdsharebuttonbox tools addthis post-actions",
    "related": "related related-posts recommend more-stories popular trending recirc hot-list tuijian aside-list",
    "comments": "comments comment-list commentlist comment-section respond pinglun discussion",
    "cookie": "cookie-banner cookie-consent gdpr consent notice cookies popup modal",
    "footer": "footer site-footer foot bottom copyright footer-links",
    "side": "sidebar side aside right-col widget-area col-right secondary",
    "crumb": "breadcrumb breadcrumbs crumb path location",
    "meta": "meta post-meta info byline article-info entry-meta date",
    "subscribe": "newsletter subscribe cta signup promo download-app",
    "post": "post message reply topic-post answer thread-item floor comment",
    "user": "user author avatar userinfo profile poster pls",
}


@dataclass
class Made:
    """A page and the texts of it that are main content."""

    html: str = ""
    gold: list[str] = field(default_factory=list)


class Maker:
    """Makes one page after the other, the same for the same seed."""

    def __init__(self, seed: int):
        self.rng = random.Random(seed)
        self.zh = self.rng.random() < 0.5
        self.named = self.rng.random() < 0.75
        self.semantic = self.rng.random() < 0.5

    def page(self) -> Made:
        """An article, a forum, a bare page, or one of nothing but boilerplate."""
        kind = self.rng.random()
        made = Made()
        title = self.words(3, 9)
        if kind < 0.08:
            nothing = [
                self.top(),
                self.foot(),
                self.side(),
                self.links(5, "nav"),
                self.box("nav", self.links(1, "nav")),
            ]
            made.html = self.one([*nothing, self.top() + self.foot()])
        elif kind < 0.3:
            self.bare(made, title)
        elif kind < 0.8:
            self.article_page(made, title)
        else:
            self.forum_page(made, title)
        made.html = f"<html><head><title>{title}{self.one(['', ' - Mill News', ' | 磨坊网'])}</title></head><body>{made.html}</body></html>"
        return made

    # words

    def one(self, items):
        """Any of some."""
        return self.rng.choice(items)

    def label(self, kind: str) -> str:
        """A phrase of boilerplate."""
        return self.one(LABELS[kind][self.zh].split("|")).replace("{}", str(self.rng.randint(1, 9999)))

    def words(self, least: int, most: int) -> str:
        """Some words, as a heading or an item has them."""
        some = [self.one(ZH if self.zh else EN) for _ in range(self.rng.randint(least, most))]
        return "".join(some) if self.zh else " ".join(some).capitalize()

    def sentence(self) -> str:
        """Words and a mark."""
        mark = self.one("。。。！？" if self.zh else "....!?")
        half = "，" if self.zh else ", "
        text = self.words(4, 12)
        return (text + half + self.words(3, 9).lower() if self.rng.random() < 0.5 else text) + mark

    def prose(self, most: int = 5) -> str:
        """One paragraph's text."""
        return ("" if self.zh else " ").join(self.sentence() for _ in range(self.rng.randint(1, most)))

    # markup

    def box(self, kind: str, inner: str, tag: str = "div") -> str:
        """An element that may say by its class what it is."""
        name = f' {self.one(["class", "class", "id"])}="{self.one(CLASSES[kind].split())}"' if self.named else ""
        for _ in range(self.rng.randint(0, 1)):
            inner = f"<div>{inner}</div>"
        return f"<{tag}{name}>{inner}</{tag}>"

    def links(self, count: int, kind: str = "", plain: bool = False) -> str:
        """A list of links."""
        texts = [self.label(kind) if kind else self.words(3, 9) for _ in range(count)]
        items = [text if plain else f'<a href="/{n}">{text}</a>' for n, text in enumerate(texts)]
        form = self.rng.random()
        if form < 0.6:
            return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
        return (
            self.one([" | ", " ", "\n", " · "]).join(items)
            if form < 0.85
            else "".join(f"<div>{item}</div>" for item in items)
        )

    def inline(self, text: str) -> str:
        """A text with some of it in inline elements."""
        if self.rng.random() < 0.6 or len(text) < 9:
            return text
        at = self.rng.randint(1, len(text) - 5)
        tag = self.one(["a href=/x", "b", "em", "span", "code", "strong", "i"])
        return f"{text[:at]}<{tag}>{text[at : at + 3]}</{tag.split()[0]}>{text[at + 3 :]}"

    # content

    def paragraphs(self, made: Made, least: int, most: int) -> str:
        """Paragraphs, as <p>, <div> or with <br>."""
        texts = [self.prose(self.one([1, 3, 5])) for _ in range(self.rng.randint(least, most))]
        made.gold += texts
        form = self.rng.random()
        if form < 0.75:
            return "".join(f"<p>{self.inline(text)}</p>" for text in texts)
        return "<br><br>".join(texts) if form < 0.85 else "".join(f"<div>{text}</div>" for text in texts)

    def piece(self, made: Made) -> str:
        """A list, table, listing, figure, quotation or the like."""
        kind, gold = self.rng.randrange(9), made.gold
        if kind in (0, 1):
            tag = self.one(["ul", "ol"])
            items = [
                self.words(1, 8) if self.rng.random() < 0.7 else self.prose(2) for _ in range(self.rng.randint(2, 7))
            ]
            gold += items
            return f"<{tag}>" + "".join(f"<li>{self.inline(item)}</li>" for item in items) + f"</{tag}>"
        if kind == 2:
            columns = self.rng.randint(2, 5)
            rows = [[self.one([self.words(1, 2), str(self.rng.randint(0, 999)), self.one("男女是否—✓xABC")]) for _ in range(columns)]
                    for _ in range(self.rng.randint(2, 6))]  # fmt: skip
            gold += [cell for row in rows for cell in row]
            cells = [
                "".join(f"<{tag}>{cell}</{tag}>" for cell in row)
                for row in rows
                for tag in [self.one(["td", "td", "th"])]
            ]
            return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"
        if kind == 3:
            code = self.one(CODE)
            gold.append(code)
            escaped = code.replace("<", "&lt;")
            return (
                f"<pre><code>{escaped}</code></pre>"
                if self.rng.random() < 0.7
                else f"<div class=highlight><pre>{escaped}</pre></div>"
            )
        if kind == 4:
            caption = self.words(3, 9)
            gold.append(caption)
            return f"<figure><img src=x.jpg><figcaption>{caption}</figcaption></figure>"
        if kind == 5:
            quote = self.prose(2)
            gold.append(quote)
            return f"<blockquote>{self.one(['<p>', ''])}{quote}</blockquote>"
        if kind == 6:
            pairs = [(self.words(1, 3), self.sentence()) for _ in range(self.rng.randint(1, 4))]
            gold += [text for pair in pairs for text in pair]
            return "<dl>" + "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in pairs) + "</dl>"
        if kind == 7:
            short = [
                self.one(["Yes.", "是。", "—", "OK", "好", self.words(1, 2)]) for _ in range(self.rng.randint(1, 3))
            ]
            gold += short
            return "".join(f"<p>{text}</p>" for text in short)
        heading = self.words(2, 6)
        gold.append(heading)
        return f"<{(tag := self.one(['h2', 'h2', 'h3', 'h4']))}>{heading}</{tag}>" + self.paragraphs(made, 1, 2)

    def text(self, made: Made) -> str:
        """An article's body."""
        inner = self.paragraphs(made, 1, 3)
        for _ in range(self.rng.randint(0, 5)):
            inner += self.piece(made)
            if self.rng.random() < 0.6:
                inner += self.paragraphs(made, 1, 2)
        return inner

    # boilerplate

    def top(self) -> str:
        """What stands above the text."""
        parts = [self.box("nav", self.links(self.rng.randint(3, 12), "nav"), "nav" if self.semantic else "div")]
        if self.rng.random() < 0.5:
            parts.insert(0, self.box("cookie", f"<p>{self.label('cookie')}</p><button>{self.label('accept')}</button>"))
        if self.rng.random() < 0.4:
            parts.append(
                self.box(
                    "crumb",
                    self.one([" > ", " / ", " &gt; "]).join(f"<a href=/>{self.label('nav')}</a>" for _ in range(3)),
                )
            )
        inner = "".join(parts)
        return f"<header>{inner}</header>" if self.semantic and self.rng.random() < 0.5 else inner

    def below(self, made: Made) -> str:
        """What stands between the text and the page's end."""
        parts = []
        if self.rng.random() < 0.5:
            parts.append(self.box("share", self.links(self.rng.randint(2, 6), "share", self.rng.random() < 0.3)))
        if self.rng.random() < 0.4:
            parts.append(self.box("meta", f"<span>{self.label('counts')}</span> <span>{self.label('counts')}</span>"))
        if self.rng.random() < 0.6:
            cards = (
                self.links(self.rng.randint(2, 6))
                if self.rng.random() < 0.6
                else "".join(
                    f"<div><h4><a href=/{n}>{self.words(3, 8)}</a></h4><p>{self.prose(2)}</p></div>"
                    for n in range(self.rng.randint(2, 6))
                )
            )
            tag = self.one(["h2", "h3", "h4", "div", "strong"])
            parts.append(
                self.box(
                    "related", f"<{tag}>{self.label('related')}</{tag}>{cards}", self.one(["div", "section", "aside"])
                )
            )
        if self.rng.random() < 0.4:
            comments = "".join(
                f"<{tag}><div><a href=/u>{self.words(1, 2)}</a> <span>2024-05-0{n + 1}</span></div><p>{self.prose(2)}</p><a href=#>{self.label('post')}</a></{tag}>"
                for n in range(self.rng.randint(1, 6)) for tag in [self.one(["div", "li"])])  # fmt: skip
            parts.append(
                self.box("comments", f"<h3>{self.label('comments')}</h3>{comments}", self.one(["div", "section"]))
            )
        if self.rng.random() < 0.3:
            parts.append(
                self.box(
                    "subscribe",
                    f"<p>{self.label('subscribe')}</p><form><input name=q><button>{self.label('accept')}</button></form>",
                )
            )
        if self.rng.random() < 0.3:
            parts.append(self.links(2, "steps"))
        self.rng.shuffle(parts)
        return "".join(parts)

    def foot(self) -> str:
        """The page's end."""
        inner = self.links(self.rng.randint(2, 6), "footer") + f"<p>{self.label('footer')}</p>"
        return self.box("footer", inner, "footer" if self.semantic else "div")

    def side(self) -> str:
        """A column beside the text."""
        blocks = "".join(
            f"<div><h3>{self.label('related')}</h3>{self.links(self.rng.randint(3, 8))}</div>"
            for _ in range(self.rng.randint(1, 3))
        )
        return self.box("side", blocks, "aside" if self.semantic else "div")

    # pages

    def heading(self, made: Made, title: str) -> str:
        """The page's title, on most pages."""
        if self.rng.random() < 0.15:
            return ""
        made.gold.append(title)
        return f"<h1>{title}</h1>"

    def bare(self, made: Made, title: str) -> None:
        """A page of nothing but text."""
        inner = self.heading(made, title) + (self.text(made) if self.rng.random() < 0.7 else self.piece(made))
        around = self.one(
            ["{}", "<main>{}</main>", "<article>{}</article>", "<div>{}</div>", "<div><div><div>{}</div></div></div>"]
        )
        made.html = around.format(inner)
        if self.rng.random() < 0.3:
            made.html = self.top() + made.html
        if self.rng.random() < 0.3:
            made.html += self.foot()

    def article_page(self, made: Made, title: str) -> None:
        """An article among everything that a site puts around it."""
        head = self.heading(made, title)
        by = (
            self.box("meta", f"<span>{self.label('by')}</span> <span>{self.label('by')}</span>")
            if self.rng.random() < 0.6
            else ""
        )
        body = self.text(made)
        if self.rng.random() < 0.7:
            body = self.box("content", body)
        tag = self.one(["article", "main", "section"]) if self.semantic else "div"
        below = self.below(made)
        inside = self.rng.random() < 0.4
        middle = f"<{tag}>{head}{by}{body}{below if inside else ''}</{tag}>{'' if inside else below}"
        if self.rng.random() < 0.5:
            columns = [middle, self.side()] if self.rng.random() < 0.7 else [self.side(), middle]
            if self.rng.random() < 0.15:
                middle = "<table><tr>" + "".join(f"<td>{column}</td>" for column in columns) + "</tr></table>"
            else:
                middle = "<div>" + "".join(columns) + "</div>"
        made.html = self.top() + middle + self.foot()

    def forum_page(self, made: Made, title: str) -> None:
        """Posts, each with its author and buttons."""
        head, posts = self.heading(made, title), []
        tag = self.one(["div", "li", "article", "div"])
        name = self.one(CLASSES["post"].split()) if self.named else ""
        for n in range(self.rng.randint(2, 9)):
            user = self.box("user", f"<a href=/u{n}>{self.words(1, 2)}</a><div>{self.label('user')}</div>")
            text = self.paragraphs(made, 1, 2) + (self.piece(made) if self.rng.random() < 0.2 else "")
            buttons = (
                "<div>"
                + " ".join(f"<a href=#>{self.label('post')}</a>" for _ in range(self.rng.randint(1, 4)))
                + "</div>"
            )
            posts.append(f'<{tag} class="{name}">{user}<div>{text}</div>{buttons}</{tag}>')
        inner = "".join(posts)
        made.html = self.top() + f"<div>{head}{'<ul>' + inner + '</ul>' if tag == 'li' else inner}</div>" + self.foot()
