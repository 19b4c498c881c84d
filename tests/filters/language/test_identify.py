import unicodedata
from itertools import groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.text.scripts import count_words_by_script
from gristmill.filters.kernels.text.unicode import SCRIPT, SCRIPTS, UNSPACED_SCRIPTS
from gristmill.filters.language.identify import identify, script_of

SENTENCES = {
    "en": ("Latn", "The mill stood by the river and ground the grain of the whole valley."),
    "zh": ("Hani", "磨坊坐落在河边，为整个山谷的人们磨面粉，附近的村民都认识磨坊主。"),
    "ja": ("Kana", "水車小屋は川のそばに立っていて、谷じゅうの人々の穀物を挽いていました。"),
    "ko": ("Hang", "방앗간은 강가에 있었고 골짜기의 모든 곡식을 빻았습니다."),
    "ru": ("Cyrl", "Мельница стояла у реки и молола зерно всей долины."),
    "de": ("Latn", "Die Mühle stand am Fluss und mahlte das Getreide des ganzen Tales."),
    "el": ("Grek", "Ο μύλος βρισκόταν δίπλα στο ποτάμι και άλεθε τα σιτηρά της κοιλάδας."),
    "ar": ("Arab", "كانت الطاحونة تقع بجانب النهر وتطحن حبوب الوادي كله."),
    "th": ("Thai", "โรงสีตั้งอยู่ริมแม่น้ำและบดข้าวของทั้งหุบเขา"),
    "hi": ("Deva", "चक्की नदी के किनारे थी और पूरी घाटी का अनाज पीसती थी।"),
}
TEXTS = st.lists(st.text() | st.text(alphabet="ab é中文かなカナ한글Яж1.，\n \x00"), max_size=5)


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def words_by_plain_python(text: str) -> dict[str, int]:
    """Runs of a script, or characters of an unspaced one."""
    words = dict.fromkeys(SCRIPTS, 0)
    for script, run in groupby(SCRIPTS[SCRIPT[ord(c)]] for c in text):
        words[script] += len(list(run)) if script in UNSPACED_SCRIPTS else 1
    return words


def by_plain_python(text: str) -> str:
    """script_of on str."""
    words = words_by_plain_python(text)
    kana, words["Zyyy"] = words.pop("Kana"), 0
    words["Hani"] += kana
    script = max(words, key=lambda name: words[name])
    return "Kana" if script == "Hani" and kana and kana >= 0.1 * words["Hani"] else script


@pytest.mark.parametrize("language", SENTENCES)
def test_identify_and_script_of__know_a_sentence(language):
    script, sentence = SENTENCES[language]
    found, score = identify(column([sentence]))
    assert found.to_pylist() == [language]
    assert 0.5 < score[0] <= 1
    assert script_of(column([sentence])).to_pylist() == [script]


@settings(deadline=None)
@given(TEXTS, st.sampled_from([None, 1, 3, 1000]))
def test_identify__says_of_each_text_what_it_says_of_it_alone(texts, characters):
    languages, scores = identify(column(texts), characters)
    assert (languages.type, scores.dtype) == (pa.string(), np.float32)
    assert ((scores >= 0) & (scores <= 1)).all()
    alone = [identify(column([text]), characters) for text in texts]
    assert languages.to_pylist() == [language[0].as_py() for language, _ in alone]
    assert scores.tolist() == [score[0] for _, score in alone]


def test_identify__looks_at_characters_not_bytes():
    chinese, english = SENTENCES["zh"][1], SENTENCES["en"][1] * 20
    language, score = identify(column([chinese + english]), len(chinese))
    assert (language.to_pylist(), score) == (["zh"], identify(column([chinese]), None)[1])
    assert identify(column([chinese + english]), None)[0].to_pylist() == ["en"]


def test_identify__newlines_and_the_end_of_line_word_do_not_hide_the_rest():
    text = column(["\n</s> " + SENTENCES["zh"][1], "a\n" + SENTENCES["ru"][1].replace(" ", "\n")])
    assert identify(text)[0].to_pylist() == ["zh", "ru"]


def test_identify__nothing_to_go_by():
    languages, scores = identify(column(["", None, "123 + 4.5 = ?", "😀 🎉", "\n\n", "。，！"]))
    assert languages.to_pylist() == ["und"] * 6
    assert scores.tolist() == [0] * 6
    with pytest.raises(ValueError, match="at least one character, not 0"):
        identify(column(["text"]), 0)


@settings(deadline=None)
@given(TEXTS)
def test_script_of__as_in_plain_python(texts):
    scripts = script_of(column(texts))
    assert scripts.type == pa.string()
    assert scripts.to_pylist() == [by_plain_python(text) for text in texts]


def test_script_of__where_letters_of_ascii_meet_others_anywhere():
    """Stretches of ASCII are counted many bytes at a time, whatever stands before and behind them."""
    stretch = "An apple a day, 12 pears; (no) plums_or figs.  " * 2
    texts = [before + stretch[:length] + behind + stretch[:5] for length in range(80)
             for before, behind in (("", ""), ("é", "ñ"), ("中文", "字"), ("— ", "д"))]  # fmt: skip
    words_DS = np.zeros((len(texts), len(SCRIPTS)), np.int64)
    is_unspaced_S = np.array([script in UNSPACED_SCRIPTS for script in SCRIPTS])
    count_words_by_script(*text_buffers(column(texts)), SCRIPT, is_unspaced_S, words_DS)
    for text, words_S in zip(texts, words_DS.tolist(), strict=True):
        words = words_by_plain_python(text)
        assert dict(zip(SCRIPTS, words_S, strict=True)) == words | {"Zyyy": 0}


def test_script_of__mixed_documents():
    texts = {
        "在 Ubuntu 中如何安装或升级 Linux 内核到 4.2：sudo apt-get update": "Hani",
        "请看 JavaScript、TypeScript、PostgreSQL 和 Kubernetes 的文档": "Hani",
        "日本語の文章": "Kana",
        "他说“さくら”，然后离开了这座位于山谷深处的古老磨坊，再也没有回到他出生的村庄，也没有写信给家人。": "Hani",
        "The word 磨坊 means mill.": "Latn",
        "12345 …": "Zyyy",
        "": "Zyyy",
    }
    assert dict(zip(texts, script_of(column(list(texts))).to_pylist(), strict=True)) == texts
    assert script_of(column(["漢字", None, "кот"]).slice(1)).to_pylist() == ["Zyyy", "Cyrl"]


def test_identify__takes_a_decomposed_text_as_its_composed_twin():
    """Names and texts of a Mac come decomposed (NFD): letters, then their marks; Hangul syllables in their parts."""
    texts = [
        *(sentence for _, sentence in SENTENCES.values()),
        "Đây là câu chuyện về một cối xay cũ, nơi nước quay bánh xe gỗ mỗi buổi sáng.",
        "Toto je příběh starého mlýna, kde voda každé ráno otáčí dřevěná kola a mele obilí.",
        "TOTO JE PŘÍBĚH STARÉHO MLÝNA, KDE VODA KAŽDÉ RÁNO OTÁČÍ DŘEVĚNÁ KOLA A MELE OBILÍ.",
    ]
    languages, scores = identify(column(texts))
    assert languages.to_pylist() == [*SENTENCES, "vi", "cs", "cs"]
    apart, apart_scores = identify(column([unicodedata.normalize("NFD", text) for text in texts]))
    assert apart.to_pylist() == languages.to_pylist()
    assert np.array_equal(apart_scores, scores)


@pytest.mark.parametrize("language", SENTENCES)
def test_identify__knows_a_sentence_in_capitals(language):
    _, sentence = SENTENCES[language]
    shouted = column([sentence.upper(), f"WTO: {sentence.upper()} (2024)"])
    assert identify(shouted)[0].to_pylist() == [language] * 2


def test_identify__capitals_of_other_languages_and_the_text_itself_stay():
    texts = [
        "LE MOULIN SE TROUVAIT AU BORD DE LA RIVIÈRE ET MOULAIT LE GRAIN DE TOUTE LA VALLÉE.",
        "EL MOLINO ESTABA JUNTO AL RÍO Y MOLÍA EL GRANO DE TODO EL VALLE.",
        "DEĞİRMEN NEHRİN KIYISINDA DURUYORDU VE BÜTÜN VADİNİN TAHILINI ÖĞÜTÜYORDU. BU YIL ÇOK YAĞMUR YAĞDI.",
        "MŁYN STAŁ NAD RZEKĄ I MIELIŁ ZBOŻE CAŁEJ DOLINY.",
    ]
    text = column(texts)
    languages, scores = identify(text)
    assert languages.to_pylist() == ["fr", "es", "tr", "pl"]
    assert min(scores) > 0.9
    assert text.to_pylist() == texts


CHINESE = [
    "小户型",
    "公司简介",
    "联系我们",
    "上海人民广场",
    "第一章 总则",
    "你好吗",
    "東京都千代田區",
    "繁體中文測試",
    "机器学习入门",
    "版权所有 侵权必究",
    "他去了北京。",
    "在线购买",
    "勿忘国耻",
    "侬本多情",
    "个人信息保护法",
]


@pytest.mark.parametrize("text", CHINESE)
def test_identify__short_chinese_is_chinese(text):
    """The model says ja, wuu or yue of many."""
    language, score = identify(column([text]))
    assert language.to_pylist() == ["zh"]
    assert score[0] > 0.5


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("佢哋喺度做緊嘢，唔該你等一等先啦。", "yue"),
        ("我哋聽日去邊度食飯呀？你話啦，我冇所謂嘅。", "yue"),
        ("呢个系我嘅书，唔系佢嘅。", "yue"),
        ("侬今朝到啥地方去？阿拉一道去白相，好伐？", "wuu"),
        ("阿拉上海人讲闲话侪是搿能样子个，侬晓得伐？", "wuu"),
        ("今日は学校に行きます", "ja"),
        ("カタカナ", "ja"),
        ("東京タワー", "ja"),
        ("他说“さくら”，然后离开了这座位于山谷深处的古老磨坊，再也没有回到他出生的村庄。", "zh"),
    ],
)
def test_identify__cantonese_wu_and_japanese_by_what_only_they_write(text, language):
    assert identify(column([text]))[0].to_pylist() == [language]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("สวัสดี", "th"),
        ("ไฟล์ PDF", "th"),
        ("Γεια", "el"),
        ("안녕", "ko"),
        ("한국어 PDF 파일", "ko"),
        ("Բարեւ", "hy"),
        ("ຍິນດີ", "lo"),
        ("សួស្តី", "km"),
        ("နေကောင်း", "my"),
        ("வணக்கம்", "ta"),
        ("ሰላም", "am"),
        ("గ్రామం", "te"),
        ("ગામ એક", "gu"),
    ],
)
def test_identify__the_script_decides_where_it_can(text, language):
    found, score = identify(column([text]))
    assert found.to_pylist() == [language]
    assert score[0] > 0.5


@pytest.mark.parametrize("text", ["Привет", "Да", "שלום עולם", "नमस्ते", "العربية", "Łódź", "the cat", "გამარჯობა"])
def test_identify__no_language_of_another_script(text):
    from gristmill.filters.language.scripts import WRITTEN_IN

    script = script_of(column([text]))[0].as_py()
    (language,) = identify(column([text]))[0].to_pylist()
    if script == "Latn":
        assert not any(language in languages for name, languages in WRITTEN_IN.items() if name != "Latn")
    else:
        assert language in WRITTEN_IN[script]


@pytest.mark.parametrize(
    "text",
    [
        "1 2.5 a 33 4,18 | 0.7 % | 12:30 | b 99 [17] (18) {19} == 20",
        "d41d8cd98f00b204e9800998ecf8427e 900150983cd24fb0d6963f7d28e17f72",
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO",
        "y5f+Zx0G/9aQvYl+R3kTn/4hW+8sKd/p2LmQx7+uVbE/0oNc+6gJtH/1rSfAz+5iWq\n"
        "Kd/93xYbTm+0vLq/Rj7sHc+2nPw/E8uZgA+4fXk/Mb1tVo+6yIdQ/5eSr9+JlWhC/zN\n",
        "A ......................................... 17\nB ......................................... 21",
        "表 1 2 3 4 5 6 7 8 9 | 10 | 11 | 12 % 13 14 15 16",
    ],
)
def test_identify__noise(text):
    languages, scores = identify(column([text]))
    assert (languages.to_pylist(), scores.tolist()) == (["noise"], [0])


def test_identify__long_words_of_real_languages_are_no_noise():
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    texts = [f"{long} ist ein langes Wort. " + SENTENCES["de"][1] * 2]
    texts += ["ภาษาไทยเขียนโดยไม่เว้นวรรคระหว่างคำและประโยคนี้ยาวมากจริงๆนะครับ", "这是一句没有空格的很长的中文句子" * 9]
    assert identify(column(texts))[0].to_pylist() == ["de", "th", "zh"]


def test_identify__mixed():
    english, russian = SENTENCES["en"][1] + " It was old and made of stone.", SENTENCES["ru"][1] + " Она была старой."
    german, chinese = SENTENCES["de"][1] + " Sie war alt und aus Stein gebaut.", SENTENCES["zh"][1]
    texts = [f"{english}\n{russian}\n" * 3, f"{chinese}\n{english}\n" * 3, f"{german}\n{russian}\n"]
    assert identify(column(texts))[0].to_pylist() == ["mixed"] * 3
    # The same words of English fill a quarter of the bytes that Thai and Hindi take, and half of the words.
    thai = "โรงสีเก่าตั้งอยู่ริมแม่น้ำและบดข้าวสาลีให้ทั้งหมู่บ้านทุกฤดูใบไม้ร่วง เด็กๆชอบเล่นใกล้กังหันน้ำในฤดูร้อน"
    hindi = "पुरानी चक्की नदी के किनारे खड़ी है और हर पतझड़ में पूरे गाँव के लिए गेहूँ पीसती है। बच्चे गर्मियों में पानी के पहिये के पास खेलना पसंद करते हैं।"  # noqa: E501
    mill = "The old mill stands by the river and grinds wheat for the village."
    assert identify(column([f"{thai}\n{mill}\n", f"{hindi}\n{mill}\n"]))[0].to_pylist() == ["mixed"] * 2
    single = [english * 3, chinese * 3, "请看 JavaScript、TypeScript、PostgreSQL 和 Kubernetes 的文档。\n" * 5]
    single += [f"{chinese}\nsudo apt-get update\n{chinese}\ngit commit -a\n"]
    assert identify(column(single))[0].to_pylist() == ["en", "zh", "zh", "zh"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("\u200bThe\u00a0mill\u00a0stands by\u00a0the\u00a0river.", "en"),
        ("Ｔｈｅ ｍｉｌｌ ｓｔａｎｄｓ ｂｙ ｔｈｅ ｒｉｖｅｒ", "en"),
        ("Le\u202fmoulin\u00a0: «\u00a0il tourne\u00a0» depuis l'été, au bord de la\u00a0rivière.", "fr"),
        ("\u3000\u3000磨坊在河边，\u00a0ＡＢＣ公司的水车一直在转。", "zh"),
        ("می\u200cخواهم به آسیاب بروم", "fa"),
    ],
)
def test_identify__spaces_and_letters_of_other_widths_hide_no_words(text, language):
    found, score = identify(pa.array([text], pa.large_string()))
    assert found.to_pylist() == [language]
    assert score[0] > 0.65
