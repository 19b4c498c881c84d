"""Pages and texts that declare no encoding: read right, or a dead letter; never kept as a page of U+FFFD."""

import pytest

from gristmill.pipelines.read.html.charset import decode_page

KO = "물레방아는 강가에 서서 온 마을의 밀을 빻았다. 올해는 비가 많이 내려 “더 빨리” 돌아갔다."
JA = "水車小屋は川のそばに立っていて、谷じゅうの人々の穀物を挽いていました。"
RU = "Мельница стояла у реки и молола зерно всей долины. В этом году дождей больше."
TEXTS = {
    "euc-kr": KO,
    "cp949": "똠방각하 펲시콜라, " + KO,
    "euc-jp": JA,
    "shift_jis": JA,
    "iso-2022-jp": JA,
    "big5": "水磨坊坐落在河邊，每年秋天為全村人磨小麥。磨坊主人說，今年的雨水比往年多。",
    "gbk": "水磨坊坐落在河边，每年秋天为全村人磨小麦。磨坊主人说，今年的雨水比往年多。",
    "gb2312": "北京大白菜不多，包子店的大饼、豆腐比较多，半斤大葱，百姓都爱吃饺子。",
    "cp1251": RU,
    "koi8-r": RU,
    "iso-8859-5": RU,
    "cp1252": "Die Mühle stand am Fluss und mahlte das Getreide, wo die Bäche mehr Wasser führten – übrigens.",
    "iso-8859-1": "Où était-il passé, ce meunier à l'âme légère, né près de la forêt? Il fût là.",
    "iso-8859-2": "Młyn stał nad rzeką i mielił zboże całej doliny. Woda płynęła szybko, młynarz śmiał się.",
    "iso-8859-7": "Ο μύλος βρισκόταν δίπλα στο ποτάμι και άλεθε τα σιτηρά της κοιλάδας.",
    "cp1254": "Değirmen nehrin kıyısında duruyordu ve bütün vadinin tahılını öğütüyordu. Şimdi yağmur çok.",
}


@pytest.mark.parametrize("codec", TEXTS)
@pytest.mark.parametrize("form", ["html", "text"])
def test_undeclared__read_right_or_dead(tmp_path, read_all, codec, form):
    text = TEXTS[codec]
    page = f"<html><body><p>{text}</p></body></html>" if form == "html" else text
    (tmp_path / f"a.{'html' if form == 'html' else 'txt'}").write_bytes(page.encode(codec))
    outcome = read_all(form, tmp_path)
    assert outcome.texts == [text]


@pytest.mark.parametrize("codec", ["cp1250", "mac-cyrillic", "johab", "euc-kr", "cp1255"])
def test_undeclared__what_cannot_be_told_is_no_page_of_replacement_characters(tmp_path, read_all, codec):
    text = {"cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy, šíleně.", "cp1255": "הטחנה עמדה ליד הנהר"}.get(codec, RU)
    text = {"johab": KO, "euc-kr": "물레방아"}.get(codec, text)
    around = "<div class=box></div>" * 500  # markup does not thin it out
    (tmp_path / "a.html").write_bytes(f"<html><body>{around}<p>{text}</p></body></html>".encode(codec))
    outcome = read_all("html", tmp_path)
    for found in outcome.texts:
        assert found.count("\ufffd") <= 1
    for dead in outcome.dead:
        assert dead.error.startswith("UndecodableText: ")
        assert "characters are U+FFFD" in dead.error
    assert len(outcome.texts) + len(outcome.dead) == 1


@pytest.mark.parametrize(("wrong", "kept"), [(1, True), (3, True), (40, False)])
def test_stray_bytes__stay_up_to_a_bound(tmp_path, read_all, wrong, kept):
    page = f"<meta charset=utf-8><p>{'水磨坊坐落在河边。mill ' * 30}</p>".encode() + b"<p>\xff mill</p>" * wrong
    (tmp_path / "a.html").write_bytes(page)
    outcome = read_all("html", tmp_path)
    assert bool(outcome.texts) == kept
    assert bool(outcome.dead) != kept


def test_declared__and_nothing_of_it(tmp_path, read_all):
    (tmp_path / "a.html").write_bytes(b"<meta charset=utf-8><p>" + bytes(range(128, 256)) * 3 + b"</p>")
    outcome = read_all("html", tmp_path)
    assert all("\ufffd" not in text for text in outcome.texts)


DE = "Die Mühle stand am Fluß, und der Müller mahlte für die Bäcker der Gegend, täglich außer am Feiertag – schön."
ZH = "水磨坊坐落在河边，每年秋天为全村人磨小麦。磨坊主人说，今年的雨水比往年多，所以磨盘转得更快。" * 2
TW = "水磨坊坐落在河邊，每年秋天為全村人磨小麥。磨坊主人說，今年的雨水比往年多，所以磨盤轉得更快。" * 2


@pytest.mark.parametrize(
    ("text", "codec", "meta", "server"),
    [
        (ZH, "utf-8", "gb2312", None),
        (ZH, "utf-8", None, "iso-8859-1"),
        (ZH, "gb18030", "utf-8", None),
        (ZH, "gb18030", None, "iso-8859-1"),
        (ZH, "gb18030", "gbk", "iso-8859-1"),
        (ZH, "gb18030", "gbk", "utf-8"),
        (ZH, "gb18030", "big5", None),
        (TW, "big5", "gbk", None),
        (TW, "big5", None, "utf-8"),
        (JA * 2, "euc_jp", "shift_jis", None),
        (JA * 2, "cp932", "euc-jp", None),
        (JA * 2, "iso2022_jp", "shift_jis", None),
        (JA, "utf-8", "shift_jis", None),
        (KO * 2, "cp949", "utf-8", None),
        (KO * 2, "cp949", None, "iso-8859-1"),
        (KO, "utf-8", "euc-kr", None),
        (RU, "cp1251", "utf-8", None),
        (RU, "cp1251", "windows-1251", "iso-8859-1"),
        (RU, "koi8-r", "windows-1251", None),
        (RU, "utf-8", "gbk", None),
        (DE, "utf-8", "iso-8859-1", None),
        (DE, "cp1252", "utf-8", None),
        (DE, "cp1252", "iso-8859-1", "utf-8"),
        (ZH, "utf-16-le", "utf-8", None),
        (ZH, "utf-16-be", "utf-16", "utf-16"),
        (ZH, "utf-32-le", None, "utf-8"),
        (ZH, "hz", "gb2312", None),
    ],
)
def test_declared_wrongly__is_read_as_it_is(text, codec, meta, server):
    head = f"<meta charset={meta}>" if meta else ""
    page = f"<html><head>{head}<title>{text[:8]}</title></head><body><p>{text}</p></body></html>"
    assert decode_page(page.encode(codec), server)[0] == page


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        (ZH, "gb18030", "gb2312"),
        (TW, "gb18030", "gbk"),
        (JA, "gb18030", "gbk"),
        (KO, "gb18030", "gb18030"),
        (RU, "gb18030", "gbk"),
        (DE, "gb18030", "gbk"),
        (TW, "big5", "big5"),
        (JA, "cp932", "shift_jis"),
        ("ﾐｽﾞｸﾙﾏ " * 9, "cp932", "shift_jis"),
        (KO, "cp949", "euc-kr"),
        (RU, "cp1251", "windows-1251"),
        (RU.upper(), "cp1251", "windows-1251"),
        (RU.upper(), "koi8-r", "koi8-r"),
        (DE, "cp1252", "iso-8859-1"),
        ("As ações e as noções são lições.", "cp1252", "windows-1252"),
        ("«Où?» — “là…”", "cp1252", "windows-1252"),
        ("ÀÉÎÕÜ ÄÖÜß çéàè", "cp1252", "latin1"),
        ("Quạ nói về cối xay đá.", "utf-8", "utf-8"),
    ],
)
def test_declared_rightly__is_believed(text, codec, label):
    page = f"<html><head><title>{text[:8]}</title></head><body><p>{text}</p></body></html>"
    assert decode_page(page.encode(codec), label)[0] == page
    page = f"<html><head><meta charset={label}></head><body><p>{text}</p></body></html>"
    assert decode_page(page.encode(codec), None)[0] == page


def test_few_characters__are_what_was_declared():
    assert decode_page("<meta charset=gbk><p>漏 2010".encode("gbk"), None)[0] == "<meta charset=gbk><p>漏 2010"
    assert decode_page("<p>Café".encode("cp1252"), "iso-8859-1") == ("<p>Café", "windows-1252")
    assert decode_page(b"<p>plain", "gb2312") == ("<p>plain", "gbk")


def test_iso_2022_cn__is_a_dead_letter(tmp_path, read_all):
    (tmp_path / "a.html").write_bytes(b"<meta charset=iso-2022-cn><p>\x1b$)A\x0e\x30\x21\x0f mill")
    (dead,) = read_all("html", tmp_path).dead
    assert dead.error.startswith("UndecodableText: ")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32", "utf-16-be", "utf-32-be"])
def test_mark__stands_above_all_declarations(codec):
    page = f"<meta charset=gbk><p>{ZH}"
    mark = "" if codec in ("utf-8-sig", "utf-16", "utf-32") else "\ufeff"
    assert decode_page((mark + page).encode(codec), "big5")[0] == page


@pytest.mark.parametrize("label", ["shift_jis", "euc-jp"])
def test_half_width_katakana_amid_japanese_are_no_other_encoding(label):
    text = "ﾒﾆｭｰ ﾄｯﾌﾟﾍﾟｰｼﾞ ｱﾄﾞﾚｽ ﾊﾟｽﾜｰﾄﾞ お問い合わせはこちらへ"
    page = f"<meta charset={label}><p>{text}</p>"
    assert decode_page(page.encode(label), None) == (page, label)


def test_half_width_katakana_in_euc_jp_are_as_declared():
    page = "<meta charset=euc-jp><p>ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄ</p>"
    assert decode_page(page.encode("euc-jp"), None) == (page, "euc-jp")


def test_rare_characters_as_declared_are_no_johab():
    page = "<meta charset=big5><p>啫喺嘅噉𠮩啫喺嘅噉𠮩啫喺嘅噉𠮩啫喺嘅噉𠮩</p>"
    assert decode_page(page.encode("big5hkscs"), None) == (page, "big5")
