"""What is changed in the text of a conversation is changed in its turns."""

import json

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill.filters.edits import Edits, apply
from gristmill.pipelines.records.conversations import Place, follow, places, said_parts, shown

CALL = {"role": "assistant", "content": "好。", "tool_calls": [{"name": "发", "arguments": {"to": "miller"}}]}
CHAT = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "水车 wheel"}, CALL]}
PAIR = {
    "messages": [{"role": "user", "content": "问 ask"}],
    "chosen": [{"role": "assistant", "content": "good 好"}],
    "rejected": [{"role": "assistant", "content": "bad 坏"}],
}


def batch_of(*documents: dict) -> pa.RecordBatch:
    names = ("messages", "chosen", "rejected")
    rows = [{name: json.dumps(one[name]) if name in one else None for name in names} for one in documents]
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.RecordBatch.from_pylist([{**row} for row in rows], schema=schema)


def edits_of(documents: int, *edits: tuple[int, int, int, str]) -> Edits:
    doc, start, end, text = zip(*edits, strict=True)
    return Edits.of(documents, doc, start, end, ["X"] * len(doc), text).merged()


def contents(batch: pa.RecordBatch, row: int, name: str = "messages") -> list[str]:
    return [turn["content"] for turn in json.loads(batch.column(name)[row].as_py())]


def test_shown__and_places_say_the_same() -> None:
    for document in (CHAT, PAIR):
        data = shown(document).encode()
        found = [(one.column, one.turn, data[one.start : one.end].decode()) for one in places(document)]
        assert found == [(name, n, turn["content"]) for name, turns in document.items() for n, turn in enumerate(turns)]
    assert shown(CHAT).endswith('assistant: 好。\n<tool_call>{"name": "发", "arguments": {"to": "miller"}}</tool_call>')


def masked(edits: Edits, place: Place) -> bool:
    """Whether a mask stands within the text of a turn's calls: the calls are masked then, too (see below)."""
    spans = zip(edits.start_E, edits.end_E, edits.text_E, strict=True)
    return any(place.end <= start and end <= place.said and edits.texts[text] for start, end, text in spans)


@st.composite
def edited(draw):
    """A document and edits of its text at characters' borders, some across turns."""
    document = draw(st.sampled_from([CHAT, PAIR]))
    text = shown(document)
    points = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(points, points, st.sampled_from(["", "<X>", "掩"])), min_size=1, max_size=4))
    made = [(0, len(text[:a].encode()), len(text[:b].encode()), said) for a, b, said in spans if a < b]
    return document, made


@given(edited())
@example((CHAT, [(0, 77, 80, "<X>")]))
@settings(deadline=None)
def test_follow__contents_become_what_stands_in_the_text(case) -> None:
    document, made = case
    if not made:
        return
    edits = edits_of(1, *made)
    after = follow(batch_of(document), edits, None)
    told = "".join(text for name in document for text in contents(after, 0, name))
    clean = apply(pa.array([shown(document)], pa.large_string()), edits)[0].as_py()
    at = 0
    for character in told:  # every character that is learnt stands in the clean text, in the same order
        at = clean.index(character, at) + 1
    assert all(len(json.loads(after.column(name)[0].as_py())) == len(turns) for name, turns in document.items())
    for place in places(document):
        turn = document[place.column][place.turn]
        given_back = json.loads(after.column(place.column)[0].as_py())[place.turn]
        assert given_back.keys() == turn.keys()
        assert given_back["role"] == turn["role"]
        if not masked(edits, place):
            assert {**given_back, "content": turn["content"]} == turn


def test_follow__only_the_documents_that_change() -> None:
    start = shown(CHAT).encode().index("水车".encode())
    edits = edits_of(3, (1, start, start + 6, "<PLACE>"))
    after = follow(batch_of(PAIR, CHAT, {}), edits, None)
    assert after.column("messages")[0].as_py() == json.dumps(PAIR["messages"])
    assert contents(after, 1) == ["Be kind.", "<PLACE> wheel", "好。"]
    assert after.column("messages")[2].as_py() is None


def test_follow__an_edit_over_two_turns_is_said_once() -> None:
    text = shown(CHAT).encode()
    start, end = text.index(b"kind"), text.index("车".encode())
    after = follow(batch_of(CHAT), edits_of(1, (0, start, end, "<X>")), None)
    assert contents(after, 0) == ["Be <X>", "车 wheel", "好。"]


def test_follow__scrubs_what_is_not_in_the_text() -> None:
    def scrub(column: pa.Array) -> pa.Array:
        assert "水车" not in column[0].as_py(), "contents are not looked at twice"
        return pa.array([text.replace("miller", "<PERSON>") for text in column.to_pylist()], column.type)

    after = follow(batch_of(CHAT, PAIR), Edits.none(2), scrub)
    call = json.loads(after.column("messages")[0].as_py())[2]
    assert call == {**CALL, "tool_calls": [{"name": "发", "arguments": {"to": "<PERSON>"}}]}
    assert after.column("chosen")[1].as_py() == json.dumps(PAIR["chosen"])


def test_follow__what_is_masked_in_a_call_s_text_is_masked_in_the_call() -> None:
    arguments = {"to": "x\n王五", "n": 13812345678, "more": ["王五 again", None, True]}
    call = {"role": "assistant", "content": None, "tool_calls": [{"name": "发", "arguments": arguments}]}
    document = {"messages": [{"role": "user", "content": "王五？"}, call]}
    text = shown(document).encode()
    masks = [("王五".encode(), "<P>"), (b"13812345678", "<T>"), (b"again", "")]
    spans = [(0, at := text.index(said, 20), at + len(said), mask) for said, mask in masks]
    after = follow(batch_of(document), edits_of(1, *spans), None)
    user, answer = json.loads(after.column("messages")[0].as_py())
    assert user["content"] == "王五？"
    assert answer["tool_calls"][0]["arguments"] == {"to": "x\n<P>", "n": "<T>", "more": ["<P> again", None, True]}


def test_said_parts__without_names_of_roles_or_only_the_assistant() -> None:
    batch, texts = batch_of(CHAT, PAIR, {}), pa.array([shown(CHAT), shown(PAIR), "plain"], pa.large_string())
    assert said_parts(texts, batch).to_pylist() == [
        "Be kind.\n\n水车 wheel\n\n好。",
        "问 ask\n\ngood 好\n\nbad 坏",
        "plain",
    ]
    assert said_parts(texts, batch, assistant=True).to_pylist() == ["好。", "good 好\n\nbad 坏", "plain"]
