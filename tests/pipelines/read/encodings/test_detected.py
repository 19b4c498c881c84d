"""Encodings that nothing says: told by NULs, escape sequences and statistics."""

import pytest

from gristmill.pipelines.read.encodings.decoders import PYTHONS, REFUSED, decode
from gristmill.pipelines.read.encodings.detected import NAMES, detect, detect_escaped, detect_unicode
from gristmill.pipelines.read.encodings.labels import LABELS

ZH = "水磨坊坐落在河边，每年秋天为全村人磨小麦。磨坊主人说，今年的雨水比往年多，所以磨盘转得更快。"
TW = "水磨坊坐落在河邊，每年秋天為全村人磨小麥。磨坊主人說，今年的雨水比往年多，所以磨盤轉得更快。"
JA = "水車小屋は川のそばに立っていて、谷じゅうの人々の穀物を挽いていました。"
KO = "물레방아는 강가에 서서 온 마을의 밀을 빻았다. 올해는 비가 많이 내려 더 빨리 돌아갔다."
RU = "Мельница стояла у реки и молола зерно всей долины. В этом году дождей больше."
EN = "The mill stood by the river, and it ground the corn of the whole valley."


def test_names__are_the_standards_or_known_to_decode():
    assert set(NAMES.values()) <= set(LABELS) | set(REFUSED)


@pytest.mark.parametrize("text", [ZH, TW, JA, KO, RU, EN])
@pytest.mark.parametrize("form", ["<html><body><p>{}</p></body></html>", "{}", "{}\n"])
@pytest.mark.parametrize("encoding", ["utf-16le", "utf-16be", "utf-32le", "utf-32be"])
def test_unicode__without_a_mark(text, form, encoding):
    text = form.format(text)
    data = text.encode(encoding)
    assert (detect_unicode(data) or detect(data)) == encoding


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\1\x1f\x7f",
        EN.encode(),
        ZH.encode(),
        ZH.encode("gb18030"),
        EN.encode() + b"\0" * 3,
        b"a\0" * 3 + ZH.encode() * 3,
    ],
)
def test_unicode__is_not_seen_where_it_is_not(data):
    assert detect_unicode(data) is None


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [(JA, "iso2022_jp", "iso-2022-jp"), (KO, "iso2022_kr", "iso-2022-kr"), (ZH, "hz", "hz-gb-2312")],
)
def test_escaped(text, codec, encoding):
    for form in ("{}", "<html><title>x</title><p>{}</p>", "A mill. {}\n{}\n"):
        page = form.replace("{}", text)
        data = page.encode(codec)
        assert detect_escaped(data) == encoding
        assert decode(data, encoding) == page


@pytest.mark.parametrize(
    "data",
    [
        EN.encode(),
        b"x = y[~{a: 1}]; z = ~{};",
        b"print(f'~{name}~{value}~') # {~}",
        b"<pre>re.sub('~{ab~}', '')</pre>",
        b"\x1b[1mbold\x1b[0m in a terminal",
        b"\x1b$Z is none",
    ],
)
def test_escaped__is_not_seen_where_it_is_not(data):
    assert detect_escaped(data) is None


def test_escaped__iso_2022_cn_is_told_and_not_read():
    assert detect_escaped(b"\x1b$)A\x0e\x30\x21\x0f") == "replacement"


@pytest.mark.parametrize(
    ("text", "codec", "encoding"),
    [
        (ZH, "gb18030", "gb18030"),
        (TW, "big5", "big5"),
        (JA, "cp932", "shift_jis"),
        (JA, "euc_jp", "euc-jp"),
        (KO, "euc_kr", "euc-kr"),
        (RU, "cp1251", "windows-1251"),
        (RU, "koi8-r", "koi8-r"),
        (RU, "cp866", "ibm866"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy. Mlýn stál u řeky.", "cp1250", "windows-1250"),
        ("Die Mühle stand am Fluß und mahlte – übrigens – „Getreide“ für Bäcker.", "cp1252", "windows-1252"),
    ],
)
def test_statistics__not_thinned_out_by_markup(text, codec, encoding):
    around = b"<div class=box><a href=/x?a=1>&nbsp;</a></div>" * 20_000
    data = text.encode(codec)
    page = around + b"<p>" + data + b"</p>" + around
    for candidate in (data, b"<p>" + data + b"</p>", page):
        found = detect(candidate)
        assert found is not None
        assert decode(data, found) == text
        assert found == encoding


def test_statistics__a_stray_nul_makes_no_utf_16():
    text = "Die Mühle stand am Fluß und mahlte – übrigens – „Getreide“ für Bäcker. " * 3
    for at in (40, 41):
        data = text.encode("cp1252")
        assert detect(data[:at] + b"\0" + data[at:]) == "windows-1252"


def test_statistics__of_nothing():
    assert detect(b"") is None


@pytest.mark.parametrize("damage", [lambda half: half + half[:-1], lambda half: half + b"\xff" + half])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("磨坊慢慢地磨谷物，面粉由工人用手搬到河边的船上，然后送往城里。", "gb18030"),
        ("這是一座磨坊，慢慢地磨著穀物，然後由工人送到城裡的市場。", "big5"),
        ("水車小屋は穀物をゆっくりと挽いて、町の市場に送ります。", "euc-jp"),
        ("방앗간은 곡식을 천천히 갈아서 도시의 시장으로 보낸다. ", "euc-kr"),
    ],
)
def test_statistics__of_a_text_that_is_cut_within_a_character_or_has_a_stray_byte(text, encoding, damage):
    assert detect(damage((text * 4).encode(encoding))) == encoding


@pytest.mark.parametrize("encoding", ["koi8-r", "windows-1251"])
def test_statistics__damage_makes_no_east_asian_text_of_others(encoding):
    assert detect(("Мельница медленно мелет зерно и отправляет муку в город. " * 4).encode(encoding)[:-1]) == encoding


MILLS = {
    "windows-1253": "Ο μύλος βρισκόταν δίπλα στο ποτάμι και άλεθε τα σιτηρά της κοιλάδας. Φέτος έβρεξε πολύ. ",
    "iso-8859-7": "Ο μύλος βρισκόταν δίπλα στο ποτάμι και άλεθε τα σιτηρά της κοιλάδας. Φέτος έβρεξε πολύ. ",
    "windows-1255": "הטחנה עמדה ליד הנהר וטחנה את התבואה של כל העמק. השנה ירד הרבה גשם והאבנים הסתובבו מהר. ",
    "windows-874": "โรงสีตั้งอยู่ริมแม่น้ำและบดข้าวของทั้งหุบเขา ปีนี้ฝนตกมากกว่าทุกปี หินโม่จึงหมุนเร็วขึ้น ",
    "iso-8859-6": "كانت الطاحونة تقف بجانب النهر وتطحن حبوب الوادي كله. هذا العام نزل المطر أكثر من كل عام. ",
    "windows-1257": "Malūnas stovėjo prie upės ir malė viso slėnio grūdus. Šiemet lietaus daugiau, girnos sukasi. ",
    "iso-8859-2": "Młyn stał nad rzeką i mielił zboże całej doliny. Woda płynęła szybko, młynarz śmiał się głośno. ",
    "iso-8859-5": RU + " ",
    "gb18030": ZH,
    "big5": TW,
    "euc-kr": KO + " ",
    "shift_jis": JA + " ",
    "euc-jp": JA + " ",
}


@pytest.mark.parametrize("stray", [b"\xff", b"\x98\xd2", b"\xfc", b"\xa5\xae"])
@pytest.mark.parametrize("encoding", MILLS)
def test_statistics__a_stray_byte_makes_no_other_script(encoding, stray):
    data = (MILLS[encoding] * 6).encode(PYTHONS.get(encoding, encoding))
    for at in (len(data) // 3, len(data) // 2, 2 * len(data) // 3):
        damaged = data[:at] + stray + data[at:]
        found = detect(damaged)
        alike = {"windows-1253": "iso-8859-7", "iso-8859-7": "windows-1253", "windows-1255": "iso-8859-8"}
        assert found in (encoding, alike.get(encoding))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Žluťoučký kůň úpěl ďábelské ódy. Příliš žluťoučký kůň. ", "windows-1250"),
        ("Größe, Höhe, Fläche; Äpfel, Öl, Übermut: müßig, süß. ", "windows-1252"),
    ],
)
def test_statistics__letters_within_words_of_ascii_are_of_no_other_script(text, encoding):
    page = f"<p>{text}</p><p>{text}</p>"
    data = page.encode(PYTHONS.get(encoding, encoding))
    found = detect(data)
    assert found is not None
    assert decode(data, found) == page


def test_statistics__russian_with_few_capitals_is_none_of_macs():
    data = "<title>t</title><p>Мельница у реки</p><p>Мельница у реки</p>".encode("cp1251")
    assert detect(data) == "windows-1251"
    data = "<p>Мельница у реки, и её колесо вращается с осени. Дед мельника построил её сам.</p>".encode("mac_cyrillic")
    assert detect(data) == "x-mac-cyrillic"
