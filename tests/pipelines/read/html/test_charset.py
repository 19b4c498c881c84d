"""Pages and texts that declare no encoding: read right, or a dead letter; never kept as a page of U+FFFD."""

import pytest

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
