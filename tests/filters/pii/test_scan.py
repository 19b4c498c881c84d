"""The scan finds every place where a recognizer could match: what it skips changes nothing."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.batch import text_buffers
from gristmill.filters.kernels.pii import scan as kernels
from gristmill.filters.kernels.text.unicode import LIMIT
from gristmill.filters.pii import scan as scan_module
from gristmill.filters.pii.fold import FOLDED, fold
from gristmill.filters.pii.scan import ALPHABETS, BREAK, ENDS_SECRETS, PROVINCES, REACH, Cue, scan

ANCHORED = (Cue.HANDLE, Cue.NAMED, Cue.SECRET, Cue.BLOCK)
"""Cues that a word announces."""
MARKS = [*" \n\t.,:;-_/()@+%#，。：（）、·\x1e", "", " ", "::", "00", "x", "Ａ", "１", "＠", "é", "𝟘", "\u00a0"]
WORDS = [
    "电话",
    "phone ",
    "tel.",
    "版本",
    "version ",
    "QQ",
    "微信号",
    "wx",
    "vx:",
    "WeChat",
    "ｗｅｃｈａｔ",
    "护照",
    "京A",
]
WORDS += ["身份证", "card ", "卡号", "ip ", "host", "section ", "git", "DE89", "GB82", "2001:db8::", "12:", "0.", "1-"]
WORDS += ["&#64;", "&commat;", "&#"]
WORDS += ["%40", "%2540", "%E7%94%B5", "\u200b", "\u00ad", "\u202a", "\\u0040", "𝟏", "&amp;#50;"]
WORDS += [
    "+86",
    "字节",
    "电话：",
    "phone: ",
    "://",
    "https://",
    "token=",
    "password: ",
    "Bearer ",
    "密码：",
    "ghp_",
    "sk-",
]
WORDS += [
    "passport no. ",
    "身份證",
    "加Q",
    "Q：",
    "V:",
    "加微",
    "wxid_",
    "HKID ",
    "-----BEGIN ",
    "-----END ",
    "(3)",
    "转",
]


@pytest.fixture(scope="session")
def pieces(labelled) -> list[str]:
    """Valid values and decoys, whole and cut, words that announce data, marks."""
    samples = labelled(7, 6)
    values = [sample.text[start:end] for sample in samples for start, end, _ in sample.data]
    texts = [sample.text for sample in samples]
    cut = [value[: len(value) // 2] for value in values] + [value[len(value) // 3 :] for value in values]
    return [*values, *texts, *cut, *WORDS * 8, *MARKS * 8]


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_find__equal_to_running_every_recognizer_on_the_whole_text(data, pieces, scrubber):
    piece = st.sampled_from(pieces) | st.text(max_size=12) | st.text("0123456789 .-:/()+xX@", max_size=24)
    text = "".join(data.draw(st.lists(piece, max_size=14)))
    assert scrubber.find(text) == scrubber.find_everywhere(text)


@pytest.mark.parametrize("text", ["+1 404 555 8301vx:R35285430", "电话8301vx：mill_1835", "13912345678qq:835285430"])
def test_find__a_name_of_an_account_behind_digits(text, scrubber):
    found = scrubber.find(text)
    assert found == scrubber.find_everywhere(text)
    assert found[-1].entity in ("WECHAT_ID", "QQ_ID")


def test_find__equal_everywhere_on_one_long_text(labelled, scrubber):
    """All samples one after another, glued and apart: windows overlap, runs touch."""
    texts = [sample.text for sample in labelled(11, 8)]
    for mark in ("", " ", "，", "\n"):
        text = mark.join(texts)
        assert scrubber.find(text) == scrubber.find_everywhere(text)


def test_edits__of_a_batch_are_those_of_its_documents(labelled, scrubber):
    """No window sees into the next document; slices and nulls pass."""
    texts = [sample.text for sample in labelled(3, 4)]
    column = pa.array(["电话：", *texts, None, "", *texts[::-1]], pa.large_string()).slice(1)
    edits = scrubber.edits(column)
    alone = [[(f.start, f.end, f.entity) for f in scrubber.find(text or "")] for text in column.to_pylist()]
    together: list[list[tuple[int, int, str]]] = [[] for _ in alone]
    for doc, start, end, kind in zip(edits.doc_E, edits.start_E, edits.end_E, edits.kind_E, strict=True):
        data = column[int(doc)].as_py().encode()
        first = len(data[:start].decode())
        together[doc].append((first, first + len(data[start:end].decode()), edits.kinds[kind]))
    assert together == alone


def trigger(cue: Cue, run: str) -> bool:
    """Whether a folded run holds what its cue is for, from the words of Cue's docstrings; without those of anchors."""
    digits = sum(c in "0123456789" for c in run)
    numbers = run.replace("%", " ").replace("/", " ").replace(":", " ")
    match cue:
        case Cue.MAIL:
            return "." in run.partition("@")[2]
        case Cue.NUMBER:
            return digits >= 7
        case Cue.CODE:
            return digits >= 6 or len(run) >= 26
        case Cue.ACCOUNT:
            anchors = any(run[i : i + 2].isalpha() and run[i + 2 : i + 4].isdigit() for i in range(len(run) - 3))
            return len(run) >= 15 and anchors
        case Cue.PLATE:
            joined = any(a in PROVINCES and "A" <= b <= "Z" for a, b in pairwise(run))
            marked = zip(run, run[1:], run[2:], strict=False)
            apart = any(a in PROVINCES and m in "·•.- 挂学警港澳领" and "A" <= b <= "Z" for a, m, b in marked)
            return digits >= 3 and (joined or apart)
        case Cue.IDENTITY:
            return any(run[i : i + 3].isdigit() and run[i + 3] == "(" for i in range(len(run) - 3))
        case Cue.ADDRESS:
            groups = run.replace(".", " ").replace("%", " ").replace("/", " ").split()
            return quads(numbers) or any(hextets(group) for group in groups)
    raise AssertionError(cue)


def quads(text: str) -> bool:
    """Digits, a dot, digits, a dot, digits, a dot, a digit."""
    return any(
        all(
            part[-1:].isdigit() if i == 0 else part[:1].isdigit() if i == 3 else part.isdigit()
            for i, part in enumerate(four)
        )
        for word in text.split()
        for parts in [word.split(".")]
        for four in zip(parts, parts[1:], parts[2:], parts[3:], strict=False)
    )


def hextets(text: str) -> bool:
    """A group of exactly four hexadecimal digits from 2000 to 3fff before a colon, or eight groups."""
    hexadecimal = "0123456789abcdefABCDEF"

    def tail(part: str) -> str:
        return part[len(part.rstrip(hexadecimal)) :]

    parts = text.split(":")
    first = any(len(tail(part)) == 4 and tail(part)[0] in "23" for part in parts[:-1])
    eight = zip(*(parts[i:] for i in range(8)), strict=False)
    full = any(
        bool(tail(group[0])) and all(p and not p.strip(hexadecimal) for p in group[1:7]) and group[7][:1] in hexadecimal
        for group in eight
        if group[7]
    )
    return first or full


def runs_in_python(text: str) -> set[tuple[Cue, int, int]]:
    """(cue, first byte, end byte) of the runs with a trigger, one character at a time."""
    folded, found = fold(text), set()
    starts = [len(text[:i].encode()) for i in range(len(text) + 1)]
    for cue, alphabet in ALPHABETS.items():
        begin = None
        for i, c in enumerate([*folded, None]):
            inside = c is not None and c in alphabet
            if inside and begin is None:
                begin = i
            elif not inside and begin is not None:
                if cue not in ANCHORED and trigger(cue, folded[begin:i]):
                    found.add((cue, starts[begin], starts[i]))
                begin = None
    return found


def without_anchored(rows: np.ndarray) -> set[tuple[Cue, int, int]]:
    return {(Cue(cue), begin, end) for _, cue, begin, end, _, _ in rows.tolist() if cue not in ANCHORED}


@settings(max_examples=200, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize(
    "kernel", [kernels.find_runs.compiled, kernels.find_runs.interpreted], ids=["compiled", "python"]
)
def test_find_runs__as_in_plain_python(kernel, data, pieces):
    piece = st.sampled_from(pieces) | st.text(max_size=8) | st.text("0123456789abcdefAG.:-@ ", max_size=40)
    text = "".join(data.draw(st.lists(piece, max_size=8)))
    wide = {*range(0xFF10, 0xFF7F), *map(ord, FOLDED)}
    text = text.translate(dict.fromkeys(wide))  # CODE_BYTES and ACCOUNT_BYTES count bytes: a wide run passes earlier
    data_B, start_D1 = text_buffers(pa.array([text], pa.large_string()))
    found_R6 = np.empty((500, 6), np.int64)
    found = kernel(data_B, start_D1, scan_module.classes(), scan_module.anchors(), found_R6)
    assert without_anchored(found_R6[:found]) == runs_in_python(text)


def test_find_runs__says_how_much_room_it_needs():
    column = pa.array(["a@b.cd 1234567 " * 50], pa.large_string())
    data_B, start_D1 = text_buffers(column)
    few, enough = np.full((3, 6), -1, np.int64), np.empty((200, 6), np.int64)
    count = kernels.find_runs(data_B, start_D1, scan_module.classes(), scan_module.anchors(), few)
    assert count == kernels.find_runs(data_B, start_D1, scan_module.classes(), scan_module.anchors(), enough) > len(few)
    assert (few == enough[:3]).all()


def located(windows, start, end) -> list[tuple[int, int, int]]:
    return [place[:3] for place in windows.located([(start, end, 1.0)])]


def test_scan__window_reaches_its_characters_and_no_further():
    text = "汉" * 40 + "13812345678" + "é" * 40
    windows = scan(pa.array([text], pa.large_string()))[Cue.NUMBER]
    assert windows.original_W == ["汉" * REACH + "13812345678" + "é" * REACH]
    assert windows.from_W == [(40 - REACH) * 3]
    assert located(windows, REACH, REACH + 11) == [(0, 120, 131)]
    assert located(windows, REACH - 1, REACH + 11) == [], "outside its run"


def test_scan__windows_do_not_run_together():
    windows = scan(pa.array(["电话：1234567", "8901234 x"], pa.large_string()))[Cue.NUMBER]
    assert windows.text == f"电话：1234567{BREAK}8901234 x"
    assert located(windows, 11, 18) == [(1, 0, 7)]


def test_scan__plain_prose_has_no_windows():
    prose = "The quick brown fox jumps over the lazy dog in 2024. 敏捷的棕色狐狸跳过了懒狗，共3次。"
    assert scan(pa.array([prose, "", None], pa.large_string())) == {}


def test_classes__every_alphabet_and_only_it():
    class_C = scan_module.classes()
    assert class_C.shape == (LIMIT,)
    folded = fold("".join(map(chr, range(0xD800))))
    ends = {c for c in map(chr, range(0xD800)) if c.isspace() or c < " " or c in ENDS_SECRETS}
    secret = "".join(c for c in map(chr, range(0xD800)) if c not in ends)
    for cue, alphabet in {**ALPHABETS, Cue.SECRET: secret}.items():
        members = set(alphabet)
        assert np.flatnonzero(class_C[:0xD800] >> cue & 1).tolist() == [
            c for c in range(0xD800) if folded[c] in members
        ]


CUE_WORDS = """
电话 手机 phone tel. social_security_number ssn 护照号码 passport_number US_passport Reisepass 旅券番号 여권번호 通行证
微信号 WeChat_ID 加V QQ号 Q 加Q 车牌号 身份证 身分證字號 HKID 주민등록번호 マイナンバー card_number 卡号 银行卡 税号
version host 成交量 密码 口令
订单号 token= api_key= Password: 密码： access_key: Authorization:_Bearer see_https:// тел.
"""
CUES = [word.replace("_", " ") for word in CUE_WORDS.split()]
MARKS_BETWEEN = " :：=#.,-—是为 is no()（）号码\n\t\"'。\u200b\u3000\u00a0"
GAPS = st.text(MARKS_BETWEEN, max_size=48) | st.sampled_from(
    [
        *(" " * n for n in (1, 3, 12, 20, 24, 31, 32, 33, 40)),
        " of the applicant named above is ",
        "（请核对后再填写）：",
    ]
)


NAMES_OF_SECRETS = ("token", "api_key", "accesskey", "PrivateKey", "encryptionkey", "db_password", "Pwd", "app-secret")


@pytest.mark.parametrize("name", [*NAMES_OF_SECRETS, "密码", "口令", "Authorization: Bearer", "Authorization: Basic"])
@pytest.mark.parametrize("tail", ["", "_value", "_hash"])
def test_find__equal_everywhere_for_all_that_may_stand_before_a_secret(scrubber, name, tail):
    values, signs = ("Zx8kQ2mLp9vT3wYq", "bGl3ZWk6WnghOGtRMm0="), ("=", ":", "：", "=>", ":=", "是", "为", "是：", "")
    spaces = ("", " ", "   ", "\n", "\t", "\u3000", "\u00a0", "\n ")
    texts = [
        f"{name}{tail}{space}{sign}{other}{quote}{value}{quote}"
        for value in values
        for sign in signs
        for space, other in zip(spaces, reversed(spaces), strict=True)
        for quote in ("", '"', "`")
    ]
    text = ("\n" + "的" * 40 + "\n").join(texts)
    assert scrubber.find(text) == scrubber.find_everywhere(text)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_find__equal_everywhere_however_far_a_cue_stands_from_its_value(data, pieces, labelled, scrubber):
    """Sentences with a cue, a gap of any length, a value, and another cue behind it."""
    values = [sample.text[start:end] for sample in labelled(5, 2) for start, end, _ in sample.data]
    text = "".join(
        data.draw(part)
        for _ in range(data.draw(st.integers(1, 3)))
        for part in (st.sampled_from(CUES), GAPS, st.sampled_from(values), GAPS)
    )
    assert scrubber.find(text) == scrubber.find_everywhere(text)
