"""The judge: who is judged by what, on which view, and that batches do not matter."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.edits import Edits, apply
from gristmill.filters.judge import Entry, Judge
from gristmill.filters.line_rules import edit_c4
from gristmill.filters.measured import Measured, Stored
from gristmill.filters.plan import EDITORS
from gristmill.filters.presets import PRESETS
from gristmill.filters.rules import Preset, Rule, change, own_rules
from gristmill.filters.signals import SIGNALS, score

GOPHER, C4, FINEWEB, CHINESE = (
    PRESETS[name] for name in ("gopher@paper", "c4@tfds", "fineweb@datatrove", "chinese@gristmill")
)
MIXED = (
    Entry(frozenset(["en"]), None, None, (GOPHER, C4, FINEWEB)),
    Entry(frozenset(["zh"]), frozenset(["Hani"]), None, (CHINESE,)),
    Entry(None, None, frozenset(["books"]), (own_rules([("characters", 3, None)]),)),
)
PROSE = "The mill turns the corn of the valley to flour, and that is what we have to tell.\nIt is old with age."
TEXTS = st.lists(
    st.sampled_from(
        [PROSE, "short", " ", "\n", "It ends here and that is all.", "Menu\nHome\n", "{ code }",
         "第一条 本法自公布之日起施行。", "加微信abc123", "\x00", "😀", "\r\n", "　", "e\u0301 ",
         "lorem ipsum is a line of five."]
    ),
    max_size=6,
).map("".join)  # fmt: skip
ROWS = st.lists(
    st.tuples(
        TEXTS | st.none(),
        st.sampled_from(["en", "zh", "ja", None]),
        st.sampled_from(["Latn", "Hani", "Zyyy"]),
        st.sampled_from(["web", "books"]),
    ),
    max_size=7,
)


def columns(rows) -> tuple[pa.Array, ...]:
    text, language, script, source = zip(*rows, strict=True) if rows else ((), (), (), ())
    return pa.array(text, pa.large_string()), *(pa.array(c, pa.string()) for c in (language, script, source))


def answers(judgement) -> list[tuple]:
    """Everything that is said about each document."""
    return list(
        zip(
            judgement.signals.to_pylist(),
            judgement.fired.to_pylist(),
            judgement.judged.tolist(),
            judgement.edits.column().to_pylist(),
            strict=True,
        )
    )


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_judge__a_batch_is_its_documents(rows):
    judge = Judge(MIXED)
    whole = judge.judge(*columns(rows))
    assert whole.signals.schema.equals(judge.columns, check_metadata=True)
    assert len(whole.judged) == len(whole.fired) == whole.signals.num_rows == whole.edits.documents == len(rows)
    assert answers(whole) == [answer for row in rows for answer in answers(judge.judge(*columns([row])))]


@settings(deadline=None, max_examples=30)
@given(ROWS, st.integers(0, 3))
def test_judge__slices_are_batches(rows, begin):
    judge = Judge(MIXED)
    whole = judge.judge(*columns(rows))
    part = judge.judge(*(column.slice(begin) for column in columns(rows)))
    assert answers(part) == answers(whole)[begin:]


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_judge__fired_says_what_signals_and_thresholds_say(rows):
    judge = Judge(MIXED)
    judgement = judge.judge(*columns(rows))
    for row, (text, language, script, source) in enumerate(rows):
        entries = [
            entry
            for entry in MIXED
            if (entry.languages is None or language in entry.languages)
            and (entry.scripts is None or script in entry.scripts)
            and (entry.sources is None or source in entry.sources)
        ]
        assert judgement.judged[row] == bool(entries)
        expected = []
        original = pa.array([text or ""], pa.large_string())
        edits, found = edit_c4(original)
        edited = apply(original, edits)
        for preset in entries[0].presets if entries else ():
            for rule in preset.rules:
                if SIGNALS[rule.signal].compute is None:
                    value = found[rule.signal][0]
                else:
                    value = score(edited if preset is FINEWEB else original, [rule.signal])[rule.signal][0]
                if value < rule.threshold if rule.comparison == ">=" else value > rule.threshold:
                    expected.append(f"{preset.name}/{rule.name}")
        assert judgement.fired[row].as_py() == expected


def test_judge__first_entry_that_admits_judges():
    strict, lax = own_rules([("characters", 100, None)], "strict"), own_rules([("characters", 1, None)], "lax")
    judge = Judge([Entry(frozenset(["en"]), None, None, (strict,)), Entry(None, None, None, (lax,))])
    judgement = judge.judge(
        *columns([("text", "en", "Latn", "a"), ("text", "de", "Latn", "a"), ("", None, "Zyyy", "a")])
    )
    assert judgement.fired.to_pylist() == [["strict/characters_min"], [], ["lax/characters_min"]]
    assert judgement.judged.all()


def test_judge__signals_are_null_where_nobody_asks():
    judgement = Judge(MIXED).judge(
        *columns([(PROSE, "en", "Latn", "web"), ("你好。", "zh", "Hani", "web"), ("x", "ja", "Kana", "web")])
    )
    assert judgement.judged.tolist() == [True, True, False]
    assert [value is None for value in judgement.signals["stop_words"].to_pylist()] == [False, True, True]
    assert [value is None for value in judgement.signals["han_fraction"].to_pylist()] == [True, False, True]
    assert judgement.signals["duplicate_line_fraction"].null_count == 0  # means something for every language
    assert judgement.fired[2].as_py() == []


def test_judge__columns_document_themselves():
    judge = Judge(MIXED)
    field = judge.columns.field("lines_ending_in_punctuation__c4")
    assert field.type == pa.float64()
    assert field.metadata[b"doc"].decode() == SIGNALS["lines_ending_in_punctuation"].doc
    assert field.metadata[b"unit"] == b"share"
    assert judge.rule_names[:2] == ["gopher@paper/words_min", "gopher@paper/words_max"]
    assert len(judge.rule_names) == len(set(judge.rule_names)) == sum(len(p.rules) for e in MIXED for p in e.presets)


def test_judge__rules_after_an_edit_see_the_edited_text():
    text = "A line that ends a sentence here.\nNo end\nNo end\nNo end\nNo end\nNo end\nNo end\nNo end\nNo end"
    row = columns([(text, "en", "Latn", "web")])
    before = Judge([Entry(None, None, None, (FINEWEB,))]).judge(*row)
    after = Judge([Entry(None, None, None, (C4, FINEWEB))]).judge(*row)
    assert before.signals["lines_ending_in_punctuation"][0].as_py() == pytest.approx(1 / 9)
    assert after.signals["lines_ending_in_punctuation__c4"][0].as_py() == 1
    assert "fineweb@datatrove/punctuated_lines" in before.fired[0].as_py()
    assert "fineweb@datatrove/punctuated_lines" not in after.fired[0].as_py()
    assert len(before.edits) == 0
    assert apply(row[0], after.edits).to_pylist() == ["A line that ends a sentence here."]


def cut_first(kind: str):
    """An editor that cuts the first character and counts documents that had one."""

    def edit(text: pa.Array) -> tuple[Edits, dict[str, np.ndarray]]:
        first = [(row, len(value[0].encode())) for row, value in enumerate(text.to_pylist()) if value]
        edits = Edits.of(
            len(text), [row for row, _ in first], [0] * len(first), [end for _, end in first], [kind] * len(first)
        )
        return edits, {}

    return edit


def test_judge__editing_steps_compose_in_terms_of_the_extracted_text(monkeypatch):
    monkeypatch.setitem(EDITORS, "one", cut_first("one"))
    monkeypatch.setitem(EDITORS, "two", cut_first("two"))
    rule = (Rule("r", "characters", ">=", 2, "test"),)
    entry = Entry(
        None, None, None, (Preset("a@x", "t", rule, "one"), Preset("b@x", "t", rule, "two"), Preset("c@x", "t", rule))
    )
    judge = Judge([entry])
    assert judge.columns.names == ["characters__a", "characters__a__b"]
    judgement = judge.judge(
        *columns([("中文字", "zh", "Hani", "a"), ("", "zh", "Hani", "a"), ("ab", "zh", "Hani", "a")])
    )
    assert judgement.signals.to_pydict() == {"characters__a": [2, 0, 1], "characters__a__b": [1, 0, 0]}
    assert judgement.fired.to_pylist() == [["b@x/r", "c@x/r"], ["a@x/r", "b@x/r", "c@x/r"], ["a@x/r", "b@x/r", "c@x/r"]]
    made = [
        [(edit["start"], edit["end"], edit["kind"]) for edit in edits] for edits in judgement.edits.column().to_pylist()
    ]
    assert made == [[(0, 3, "one"), (3, 6, "two")], [], [(0, 1, "one"), (1, 2, "two")]]


def test_judge__without_entries_everything_is_unjudged():
    judgement = Judge([]).judge(*columns([("x", "en", "Latn", "a"), ("y", "en", "Latn", "a")]))
    assert judgement.judged.tolist() == [False, False]
    assert judgement.fired.to_pylist() == [[], []]
    assert judgement.edits.documents == 2


UNKNOWN = [(PROSE, "fr", "Latn", "web"), ("水車小屋です。" * 9, "ja", "Kana", "web"), (PROSE, None, "Latn", "a")]


def test_judge__unjudged_documents_have_the_signals_that_mean_something_for_their_language():
    judgement = Judge(MIXED).judge(*columns(UNKNOWN))
    assert judgement.judged.tolist() == [False] * 3
    assert judgement.fired.to_pylist() == [[]] * 3
    assert len(judgement.edits) == 0
    values = judgement.signals.to_pydict()
    for row, (text, language, _, _) in enumerate(UNKNOWN):
        for name in ("plain_words", "characters", "character_top_2gram_fraction", "duplicate_line_fraction"):
            expected = score(pa.array([text], pa.large_string()), [name])[name][0]
            assert values[name][row] == (expected if SIGNALS[name].valid_for(language) else None)
        assert values["han_fraction"][row] is None
        assert values["lines_ending_in_punctuation__c4"][row] is None, "no editing step was made"
    assert [value is None for value in values["plain_words"]] == [False, True, False]


def test_judge__otherwise_drop_is_a_rule_of_its_own_for_unjudged_documents_only():
    rows = [*UNKNOWN, (PROSE, "en", "Latn", "web"), ("第一条", "zh", "Hani", "web")]
    kept, dropped = (Judge(MIXED, otherwise).judge(*columns(rows)) for otherwise in ("keep", "drop"))
    assert dropped.fired.to_pylist() == [["unjudged"]] * 3 + kept.fired.to_pylist()[3:]
    assert dropped.signals.equals(kept.signals)
    assert dropped.judged.tolist() == [False] * 3 + [True] * 2


def test_judge__a_signal_of_an_editing_step_needs_the_step():
    sentences = own_rules([("c4_sentences", 5, None)])
    with pytest.raises(ValueError, match="c4_sentences comes from the editing step c4"):
        Judge([Entry(None, None, None, (sentences, C4))])
    assert Judge([Entry(None, None, None, (C4, sentences))]).rule_names[-1] == "recipe/c4_sentences_min"


def test_judge__refuses_other_text_types():
    label = pa.array(["en"])
    with pytest.raises(TypeError, match="large_string"):
        Judge(MIXED).judge(pa.array(["text"]), label, label, label)


def test_judge__two_editing_presets_of_one_kind_have_columns_of_their_own():
    text = pa.array(["One short line. Two here.\nA line that has more words in it."], pa.large_string())
    label = pa.array(["en"])
    judge = Judge([Entry(None, None, None, (PRESETS["c4@fineweb"], PRESETS["c4@tfds"]))])
    found = judge.judge(text, label, label, label)
    assert found.signals["c4_sentences"][0].as_py() == 3
    assert found.signals["c4_sentences__c4"][0].as_py() == 3
    assert found.fired[0].as_py() == ["c4@fineweb/sentences"]


def test_judge__a_preset_measures_what_it_does_not_judge():
    text, label = pa.array(["ab cd ef"], pa.large_string()), pa.array(["en"])
    found = Judge([Entry(None, None, None, (PRESETS["gopher@dolma"],))]).judge(text, label, label, label)
    assert found.signals["dolma_top_2gram_char_ratio"][0].as_py() == pytest.approx(4 / 6)
    assert not any("top_" in name and "gram" in name for name in found.fired[0].as_py())


def test_judge__language_score_is_a_signal_that_is_given():
    everywhere = Preset("language", "the recipe", (Rule("threshold", "language_score", ">=", 0.65, "the recipe"),))
    entry = Entry(frozenset(["zh"]), None, None, change([everywhere], {"language/threshold": 0.9}))
    chinese, english = ("磨坊", "zh", "Hani", "a"), ("mill", "en", "Latn", "a")
    rows = [chinese, chinese, english, english]
    score = np.array([0.8, 0.95, 0.5, 0.65])
    for otherwise, of_the_last in (("keep", []), ("drop", ["unjudged"])):
        judge = Judge([entry], otherwise, everywhere=everywhere)
        judgement = judge.judge(*columns(rows), language_score=score)
        fired = [["language/threshold"], [], ["language/threshold", *of_the_last], of_the_last]
        assert judgement.fired.to_pylist() == fired
        assert judgement.signals["language_score"].to_pylist() == score.tolist()
        assert judgement.judged.tolist() == [True, True, False, False]
    assert Judge([entry], everywhere=everywhere).judge(*columns(rows)).fired.to_pylist() == [[]] * 4


REFINED = PRESETS["refinedweb@dclm"]
LAX = own_rules([("characters", 3, None), ("character_entropy", None, 4.0)])
JUDGES = (
    Judge(MIXED),
    Judge(MIXED, "drop", measured=["characters"]),
    Judge([Entry(frozenset(["en"]), None, None, (change([GOPHER], {"gopher@paper/words_min": 3})[0],))]),
    Judge([Entry(frozenset(["zh", "ja"]), None, None, (LAX,)), Entry(None, None, None, (C4, LAX))]),
    Judge([Entry(None, None, None, (PRESETS["c4@paper"], LAX, REFINED)), Entry(None, None, None, (C4, FINEWEB))]),
    Judge([Entry(None, None, None, (REFINED, LAX))], everywhere=Preset("language", "", ())),
    Judge([]),
)


@given(ROWS, st.sampled_from(JUDGES), st.sampled_from(JUDGES))
@settings(max_examples=150, deadline=None)
def test_stored_signals__judge_like_the_texts(rows, before, after):
    """From any recipe to any other: the same numbers, rules, verdicts, and edits of what is kept."""
    score = np.linspace(0, 1, len(rows))
    first = before.judge(*columns(rows), language_score=score)
    kept = np.array([not fired for fired in first.fired.to_pylist()], bool)
    measured = Measured.from_json(json.loads(json.dumps(before.measured.to_json())))
    stored = Stored(measured, first.signals, first.edits.take(np.arange(len(rows))), kept)
    fresh = after.judge(*columns(rows), language_score=score)
    again = after.judge(*columns(rows), language_score=score, stored=stored)
    assert again.signals.equals(fresh.signals)
    assert again.fired.to_pylist() == fresh.fired.to_pylist()
    assert again.judged.tolist() == fresh.judged.tolist()
    stays = [not fired for fired in fresh.fired.to_pylist()]
    wanted = zip(again.edits.column().to_pylist(), fresh.edits.column().to_pylist(), stays, strict=True)
    assert all(ours == theirs for ours, theirs, stay in wanted if stay)


def test_stored_signals__are_not_measured_again(monkeypatch):
    rows = columns([(PROSE, "en", "Latn", "web"), ("short", "en", "Latn", "web")])
    first = JUDGES[0].judge(*rows)
    stored = Stored(JUDGES[0].measured, first.signals, first.edits, np.array([True, True]))
    strict = change(MIXED[0].presets, {"gopher@paper/words_min": 1000, "c4@tfds/sentences": None})
    after = Judge([Entry(frozenset(["en"]), None, None, strict), *MIXED[1:]])
    monkeypatch.setattr("gristmill.filters.plan.score", lambda *_: pytest.fail("a text is read"))
    assert after.judge(None, *rows[1:], stored=stored).fired.to_pylist()[0] == ["gopher@paper/words_min"]
