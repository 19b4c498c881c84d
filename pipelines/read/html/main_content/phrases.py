"""Short texts that are known by the words they are made of: what a forum writes around its posts, and buttons.

A phrase is a text without digits, signs, and the words of dates: "Posts: 7", "#3", "回复 12", "发表于 2020-5-3" are
"posts", "#", "回复", "发表于". Several may stand in a row: "Reply Quote Report".
"""

import re

import numpy as np

from gristmill.filters.kernels.jit import inline, kernel
from gristmill.pipelines.read.html.main_content.markup import look_up
from gristmill.pipelines.read.html.main_content.names import hash_of, open_table
from gristmill.pipelines.read.html.main_content.parts import END, LINKED, PHRASE, START

PHRASE_BYTES, WORDS, PHRASE_WORDS = 160, 48, 12
"""What is looked at is shorter, in bytes and words; so is one phrase, in words. A Chinese character is a word."""
NO_PHRASE, POST_PHRASE, LINK_PHRASE, COPY_PHRASE, DATE_PHRASE, ALSO_PHRASE, DATA_PHRASE, NOTICE_PHRASE = range(8)
"""Kinds: what stands around posts; the same, if it is a link or a button; copies code; nothing but numbers or dates;
points to another text; JSON that a script left; a notice that a site puts below each of its texts."""
ALSO_BYTES, ALSO_LINKED = 300, 0.4
"""What points to another text is shorter, and has such a share of links at least."""
NOTICE_BYTES, BEGIN_WORDS = 900, 8
"""A notice is shorter; what tells it, or what points to another text, by its beginning is so many words at most."""

_DATE_WORDS = (
    "january february march april may june july august september october november december jan feb mar apr jun jul aug "
    "sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun am pm "
    "st nd rd th at on ago day days hour hours minute minutes min mins second seconds week weeks month months year "
    "years today yesterday a an h m d s y utc gmt"
)
_DATE_HAN = "年月日时時分秒天前昨今午晚早周星期小上下个個几幾钟鐘"
_PHRASES = {
    POST_PHRASE: (
        "reply|reply to|reply to this|reply to post|reply with quote|reply quote|quote reply|quote|multi quote|"
        "multiquote|report|report post|report this|report this post|report abuse|flag|permalink|direct link|"
        "share this post|link to post|copy link|edited|back to top|go to top|join date|joined|member since|"
        "registered|registered user|posts|post count|post #|post|messages|total posts|threads|topics|"
        "reaction score|likes received|liked|points|rep power|reputation|karma|offline|online|senior member|"
        "junior member|full member|active member|new member|member|newbie|moderator|administrator|"
        "global moderator|super moderator|thread starter|topic starter|original poster|guest|posted|posted by|#|"
        "post number|upvote|downvote|up vote|down vote|mark as solution|accepted answer|log in to reply|"
        "login to reply|sign in to reply|register to reply|you must log in or register to reply here|"
        "please log in or create an account to join the conversation|click to expand|view profile|"
        "view full profile|visit homepage|send private message|private message|send pm|send message|"
        "find all posts|find more posts by|quick reply|thread tools|show signature|top|ignore user|"
        "subscribe to thread|print this post|show parent|load more replies|view more replies|hide replies|"
        "show replies|show more replies|more replies|last edited|回复|回覆|回帖|跟帖|回应|引用|引用回复|引用回覆|"
        "举报|檢舉|检举|舉報|只看该作者|只看該作者|只看楼主|只看樓主|仅看楼主|倒序浏览|倒序看帖|正序浏览|"
        "正序看帖|看全部|楼|樓|楼主|樓主|层主|#|沙发|板凳|地板|发表于|發表於|发布于|發布於|回复于|发表|发表时间|"
        "发布时间|帖子|主题|積分|积分|精华|注册|注册时间|註冊時間|在线时间|最后登录|发消息|發消息|发私信|加好友|"
        "加关注|串个门|打招呼|高级会员|中级会员|初级会员|新手上路|注册会员|金牌会员|论坛元老|版主|超级版主|"
        "管理员|离线|在线|当前离线|当前在线|电梯直达|跳转到指定楼层|显示全部楼层|阅读模式|返回列表|返回顶部|"
        "返回楼主|上一主题|下一主题|使用道具|道具|评分|查看全部评分|收起回复|展开回复|查看更多回复|加载更多|"
        "更多回复|查看全部|我也说一句|来自手机|来自手机客户端|来自iphone|来自iphone客户端|来自android客户端|"
        "来自安卓客户端|用手机看帖|回复楼主|回复本楼|复制链接|复制地址|评论|楼层|编辑|删除|该用户从未签到|"
        "签到天数|连续签到|听众数|好友数|威望|金钱|金币|贡献|在线时长|用户组|经验|人气|帖子数|回帖数|主题数|等级|"
        "本楼|第楼|支持|反对|点赞|收藏|分享|赞|踩|楼主发表于|发表于楼|发表于只看该作者"
    ),
    LINK_PHRASE: (
        "like|likes|share|edit|delete|save|follow|thanks|thank|more|link|hide|up|down|答|关注|打赏|顶|更多|展开|"
        "收起|查看|转发|播报|播报编辑"
    ),
    COPY_PHRASE: (
        "copy|copy code|copied|copy to clipboard|copy snippet|copy text|copy code to clipboard|code copied|"
        "click to copy|run code|try it|try it yourself|view raw|raw|toggle line numbers|view plain|"
        "view plain copy|expand code|复制|复制代码|復制代碼|複製|複製程式碼|複製代碼|拷贝|拷贝代码|复制成功|"
        "已复制|已复制代码|一键复制|点击复制|运行|运行代码|折叠代码|展开代码|收起代码|代码复制|登录后复制|全选|"
        "查看纯文本|纯文本查看复制代码|コピー|コードをコピー|복사"
    ),
}
_ALSO = (
    "read more|read also|also read|read next|see also|see more|more on|more from|more about|related article|"
    "related articles|related post|related posts|related story|related stories|related reading|related content|"
    "related coverage|related news|you may also|you might also|recommended reading|watch now|don t miss|siehe auch|"
    "lesen sie|lies auch|mehr zum|mehr zu|mehr lesen|lea también|lea tambien|lee también|lee tambien|leer más|"
    "leer también|también puedes|puedes ver|te puede interesar|ya sabías|czytaj też|czytaj także|czytaj więcej|"
    "czytaj również|zobacz też|zobacz także|leggi anche|leggi tutto|lire aussi|lire la suite|voir aussi|a lire|à lire|"
    "leia também|veja também|lees ook|läs också|les også|Читайте также|Смотрите также|延伸阅读|延伸閱讀|相关阅读|"
    "相關閱讀|相关文章|相關文章|相关新闻|相關新聞|相关链接|相關連結|相关推荐|相关报道|相關報道|相關報導|推荐阅读|推薦閱讀|"
    "更多阅读|更多精彩|更多新闻|阅读更多|閱讀更多|点击查看|点击阅读|点击进入|点击此处|猜你喜欢|往期|同場加映|看更多|"
    "関連記事|あわせて読みたい|관련기사|관련 기사"
)
_NOTICES = (
    "免责声明|免責聲明|特别声明|特別聲明|版权声明|版權聲明|版权所有|版權所有|版权归原作者|转载请注明|轉載請註明|转载须注明|"
    "未经书面授权|未经授权不得转载|未经授权禁止转载|未经授权请勿转载|未经许可不得转载|未经许可禁止转载|未经许可请勿转载|"
    "違法和不良信息舉報|违法和不良信息举报"
)
_WORD = re.compile("[a-z]+|#|[\u3040-\uffff]")


def _key(words: list[int]) -> int:
    key = 0
    for word in words:
        key = (key * 8191 + word) & 0x7FFFFFFF
    return key


_DATES = {hash_of(word) for word in (*_DATE_WORDS.split(), *_DATE_HAN)}
_SPLIT = {
    tuple(word for word in map(hash_of, _WORD.findall(phrase)) if word not in _DATES): kind
    for kind, phrases in _PHRASES.items()
    for phrase in phrases.split("|")
}
OF_DATE, FIRST = 1, 2
"""Words: of dates; those that a phrase begins with."""
KNOWN_W2 = open_table({words[0]: FIRST for words in _SPLIT} | dict.fromkeys(_DATES, OF_DATE), 1024)
PHRASE_W2 = open_table({_key([*words]): kind for words, kind in _SPLIT.items()}, 2048)

_BEGIN_WORD = re.compile("[a-z\u0080-\u07ff]+|[\u3040-\uffff]", re.IGNORECASE)
BEGIN_W2 = open_table(
    {
        _key([*map(hash_of, _BEGIN_WORD.findall(one))]): kind
        for kind, begins in ((ALSO_PHRASE, _ALSO), (NOTICE_PHRASE, _NOTICES))
        for one in begins.split("|")
    },
    512,
)
"""By what a text begins with."""

# Letters: B bytes of text, N blocks, K columns of a block, W words of a table, V words of the text.


@inline
def _split(text_B, i, end, known_W2, word_V):
    """(words, whether there are digits or dates) of a text; -1 words for one that begins like no phrase, has letters of
    other scripts, or more words than there is room for."""
    count, word, dated = 0, np.int64(0), False
    while i <= end:
        c = np.int64(text_B[i]) if i < end else np.int64(32)
        lower = c + 32 if 65 <= c <= 90 else c
        if 97 <= lower <= 122:
            word = (word * 257 + lower) & 0x7FFFFFFF
            i += 1
            continue
        size = 1 if c < 0x80 else 2 if c < 0xE0 else 3 if c < 0xF0 else 4
        wide = np.int64(0)
        if c == 35:
            wide = c
        elif size >= 3 and (c >= 0xE4 or (c == 0xE3 and text_B[i + 1] >= 0x81)) and c != 0xEF:
            for k in range(size):
                wide = (wide * 257 + text_B[i + k]) & 0x7FFFFFFF
        elif size >= 2 and c != 0xC2 and c != 0xE2 and c != 0xE3 and c != 0xEF:
            return -1, False
        dated = dated or bool(48 <= c <= 57)
        for found in (word, wide):
            if not found:
                continue
            known = look_up(found, known_W2)
            if known == OF_DATE:
                dated = True
            elif count == word_V.size or (count == 0 and known != FIRST):
                return -1, False
            else:
                word_V[count] = found
                count += 1
        word = np.int64(0)
        i += size
    return count, dated


@inline
def _kind(text_B, start, end, known_W2, phrase_W2, word_V, kind_V):
    """The kind of a block's text; of several phrases in a row, the least."""
    if end - start > PHRASE_BYTES:
        return NO_PHRASE
    count, dated = _split(text_B, start, end, known_W2, word_V)
    if count <= 0:
        return DATE_PHRASE if dated and count == 0 else NO_PHRASE
    kind_V[: count + 1] = NO_PHRASE
    kind_V[0] = DATE_PHRASE
    for first in range(count):
        if kind_V[first] == NO_PHRASE:
            continue
        key = np.int64(0)
        for last in range(first, min(first + PHRASE_WORDS, count)):
            key = (key * 8191 + word_V[last]) & 0x7FFFFFFF
            kind = look_up(key, phrase_W2)
            if kind > 0 and kind_V[last + 1] == NO_PHRASE:
                kind_V[last + 1] = min(kind, kind_V[first])
    return kind_V[count]


@inline
def _begins(text_B, i, end, begin_W2):
    """The kind that the first words of a text tell, or NO_PHRASE. Those of a script without spaces are characters."""
    key, word, words = np.int64(0), np.int64(0), 0
    while i <= end and words < BEGIN_WORDS:
        c = np.int64(text_B[i]) if i < end else np.int64(32)
        lower = c + 32 if 65 <= c <= 90 else c
        size = 1 if c < 0xC0 else 2 if c < 0xE0 else 3 if c < 0xF0 else 4
        letter = 97 <= lower <= 122 or 0xC3 <= c < 0xE0
        wide = size == 3 and c >= 0xE3 and c != 0xEF and (c > 0xE3 or text_B[i + 1] >= 0x81)
        if word and not letter:
            key, word, words = (key * 8191 + word) & 0x7FFFFFFF, np.int64(0), words + 1
            kind = look_up(key, begin_W2)
            if kind > 0:
                return kind
        if letter or wide:
            for k in range(size):
                byte = lower if size == 1 else np.int64(text_B[i + k])
                word = (word * 257 + (byte | 32 if c == 0xC3 and k else byte)) & 0x7FFFFFFF  # É, too
        if wide:
            key, word, words = (key * 8191 + word) & 0x7FFFFFFF, np.int64(0), words + 1
            kind = look_up(key, begin_W2)
            if kind > 0:
                return kind
        i += size
    return NO_PHRASE


@inline
def _is_data(text_B, start, end):
    """Whether a text begins and ends as JSON does that holds names."""
    i = start + (text_B[start] == 91)
    close = text_B[end - 1]
    return end - i > 4 and text_B[i] == 123 and text_B[i + 1] == 34 and (close == 125 or close == 93)


@kernel
def find_phrases(text_B, block_NK, known_W2, phrase_W2, begin_W2):
    """Fills in the kind of every block's text."""
    word_V, kind_V = np.zeros(WORDS, np.int64), np.zeros(WORDS + 1, np.int64)
    for b in range(block_NK.shape[0]):
        start, end = block_NK[b, START], block_NK[b, END]
        kind = _kind(text_B, start, end, known_W2, phrase_W2, word_V, kind_V)
        points = end - start <= ALSO_BYTES and block_NK[b, LINKED] >= ALSO_LINKED * (end - start)
        if kind == NO_PHRASE and (points or (end - start <= NOTICE_BYTES and not 97 <= text_B[start] | 32 <= 122)):
            kind = _begins(text_B, start, end, begin_W2)
            if kind == ALSO_PHRASE and not points:
                kind = NO_PHRASE
        if kind == NO_PHRASE and _is_data(text_B, start, end):
            kind = DATA_PHRASE
        block_NK[b, PHRASE] = kind
