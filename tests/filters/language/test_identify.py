import hashlib
import unicodedata
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.unicode import SCRIPT, SCRIPTS, UNSPACED_SCRIPTS
from gristmill.filters.language.identify import MODEL, identify, load_model, script_of

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


def by_fasttext(text: str, characters: int | None) -> tuple[str, float]:
    """What the model says of one text, asked through its own one-text method."""
    seen = text[:characters]
    apart = any(unicodedata.category(c)[0] == "M" or "\u1161" <= c <= "\u11ff" for c in seen)
    seen = unicodedata.normalize("NFC", seen) if apart else seen
    balance = sum(c.isupper() - (c.islower() and c.upper() != c) for c in seen)
    seen = seen if balance <= 0 else pc.utf8_lower(seen).as_py()
    if not any(map(str.isalpha, seen)):
        return "und", 0.0
    line = seen.replace("\n", " ").replace("</s>", " ") + "\n"
    ((probability, label),) = load_model().f.predict(line, 1, 0.0, "strict")
    return label.removeprefix("__label__"), min(float(np.float32(probability)), 1.0)


def by_plain_python(text: str) -> str:
    """script_of on str: runs of a script, or characters of an unspaced one."""
    words = dict.fromkeys(SCRIPTS, 0)
    for script, run in groupby(SCRIPTS[SCRIPT[ord(c)]] for c in text):
        words[script] += len(list(run)) if script in UNSPACED_SCRIPTS else 1
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
def test_identify__as_fasttext_says_of_each_text_alone(texts, characters):
    languages, scores = identify(column(texts), characters)
    assert (languages.type, scores.dtype) == (pa.string(), np.float32)
    expected = [by_fasttext(text, characters) for text in texts]
    assert list(zip(languages.to_pylist(), scores.tolist(), strict=True)) == expected


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


def test_load_model__is_the_one_of_the_notice_and_silent(capfd):
    load_model.cache_clear()
    identify(column(["text"]))
    assert capfd.readouterr() == ("", "")
    assert load_model() is load_model()
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() in MODEL.with_name("NOTICE").read_text()


@settings(deadline=None)
@given(TEXTS)
def test_script_of__as_in_plain_python(texts):
    scripts = script_of(column(texts))
    assert scripts.type == pa.string()
    assert scripts.to_pylist() == [by_plain_python(text) for text in texts]


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
