"""Structured output: languages against `re` and `jsonschema`, and a random model that can write nothing else."""

import json
import random
import re

import jsonschema
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill.tokenizer.foreign.encoder import open_encoder, take
from gristmill.tokenizer.foreign.splits import GPT2, QWEN
from gristmill.tokenizer.special_ids import BOS, END, EOS
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.generate import continuations, generate_ids, stream
from gristmill.trainer.evaluate.requests.generation import Prompt, write_until
from gristmill.trainer.evaluate.requests.text import pieces_of
from gristmill.trainer.evaluate.sampling import Sampling, generator_of
from gristmill.trainer.evaluate.structure import automaton as module
from gristmill.trainer.evaluate.structure.automaton import automaton, byte_ranges
from gristmill.trainer.evaluate.structure.expressions import characters
from gristmill.trainer.evaluate.structure.mask import Pieces, Structure
from gristmill.trainer.evaluate.structure.regex import regex
from gristmill.trainer.evaluate.structure.schema import json_schema
from gristmill.trainer.evaluate.structure.wanted import expression_of, read_schema
from tests.tokenizer.foreign.conftest import trained

ALPHABET = "ab1磨坊 \n🌾"


def repeated(part):
    bounds = st.tuples(st.integers(0, 2), st.integers(0, 2)).map(lambda two: f"{{{two[0]},{two[0] + two[1]}}}")
    return st.tuples(part, st.one_of(st.sampled_from(["*", "+", "?", "*?", "+?", "??"]), bounds)).map(
        lambda two: f"(?:{two[0]}){two[1]}"
    )


PATTERNS = st.recursive(
    st.sampled_from(
        ["a", "b", "1", "磨", "坊", ".", "[ab磨]", "[^a坊]", r"\d", r"\w", r"\S", r"\W", "[a-b]", "[一-龥🌾]", ""]
    ),
    lambda part: st.one_of(
        repeated(part),
        st.tuples(part, part).map("".join),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
        part.map(lambda one: f"(?s:{one})"),
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=100)
@given(PATTERNS, st.lists(st.text(ALPHABET, max_size=6), min_size=20, max_size=20), st.integers(0, 1 << 30))
def test_a_regular_expression_takes_what_fullmatch_takes(pattern, texts, seed):
    made, rng = automaton(regex(pattern, "x"), "x"), random.Random(seed)
    walked = [walk(made, rng) for _ in range(3)]
    for text in [*texts, *(text for text in walked if text is not None)]:
        assert made.accepts(text.encode()) == bool(re.fullmatch(pattern, text)), (pattern, text)
    assert all(re.fullmatch(pattern, text) for text in walked if text is not None), "and it writes nothing else"


def walk(made, rng, most=40):
    """A text that the automaton takes, found by chance; None where it was not found soon."""
    state, data = 0, bytearray()
    for _ in range(most):
        ways = [byte for byte in range(256) if made.table_SB[state, byte] != made.dead]
        if made.accepts_S[state] and (not ways or rng.random() < 0.3):
            return data.decode()
        if not ways:
            return None
        data.append(rng.choice(ways))
        state = int(made.table_SB[state, data[-1]])
    return None


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 0x10FFFF), st.integers(0, 0x10FFFF), st.integers(0, 0x10FFFF))
@example(0, 0xE000, 0xD7FF)
@example(0xD7FF, 0x10FFFF, 0xE000)
def test_byte_ranges_are_the_utf_8_of_a_range(a, b, other):
    low, high = sorted(x if not 0xD800 <= x <= 0xDFFF else 0x4E00 for x in (a, b))
    found = [one for first, last in characters([(low, high)]).ranges for one in byte_ranges(first, last)]
    for point in (low, high, other):
        data = chr(point).encode(errors="surrogatepass")
        inside = [
            all(x <= byte <= y for byte, (x, y) in zip(data, one, strict=True))
            for one in found
            if len(one) == len(data)
        ]
        surrogate = 0xD800 <= point <= 0xDFFF
        assert sum(inside) == (low <= point <= high and not surrogate), "once, or not at all"


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        (r"(a)\1", "a group repeated"), ("a(?=b)", "what must stand"), ("(?<!a)b", "must not stand"),
        ("a$b", "an anchor"), (r"a\bb", "an anchor"), ("(?i)a", r"flag \(\?i\)"), ("(?i:a)", r"\(\?i:"),
        ("a++", "possessive"), ("(?>ab)", "atomic"), ("(a)?(?(1)b|c)", "whether a group"),
        ("(a", "no regular expression"),
        ("a{1,300000}", "more than 10,000 states"), ("(a|b)*a(a|b){20}", "more than 10,000 states"),
    ],
)  # fmt: skip
def test_what_is_not_regular_is_refused_by_name(pattern, what):
    with pytest.raises(ConfigError, match=what):
        automaton(regex(pattern, "x"), "x")


def test_anchors_at_both_ends_say_nothing_and_ascii_is_ascii():
    for pattern in (r"\A^\w+$\Z", r"(?a)\w+", r"(?a:\w)+", r"(?a)(?u:\w)\w*", r"(?x) \w  + # words", "(?m)^.+$"):
        made = automaton(regex(pattern, "x"), "x")
        for text in ("ab1", "磨坊", "磨a", "ab\n", ""):
            assert made.accepts(text.encode()) == bool(re.fullmatch(pattern, text)), (pattern, text)


SCHEMAS = [
    {"type": "integer"},
    {"type": ["number", "null"]},
    {"enum": ["好", "good", 1, None, True, {"a": [1.5]}]},
    {"enum": ["a", 1, True], "type": "integer"},
    {"const": "磨坊\n\"\\"},
    {"type": "string", "minLength": 1, "maxLength": 4},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
    {"type": "array", "items": {"const": "狗"}},
    {"type": "array", "maxItems": 0},
    {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "null"}, "maxItems": 2}]},
    {"title": "none of these is needed", "type": "object", "additionalProperties": False,
     "properties": {"a": {"type": "null"}, "磨": {"type": "boolean"}, "c": {"const": 0}}},
    {"type": "object", "required": ["name", "inside"],
     "properties": {"kind": {"enum": ["x", "y"]}, "name": {"type": "string", "maxLength": 3}, "n": {"type": "integer"},
                    "inside": {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]}}},
]  # fmt: skip


@pytest.fixture(scope="module")
def pieces(codec):
    return Pieces(codec.pieces(), codec.ends)


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_whatever_a_random_model_writes_is_valid_json_in_every_budget(long_model, codec, pieces, schema):
    structure = Structure(json_schema(schema, "x"), pieces, "x")
    prompts = [Prompt([BOS, 300 + n], (n,), structure) for n in range(3)]
    seen = set()
    for most in (structure.least, structure.least + 3, 60):
        for temperature in (0, 1.5):
            sampling = Sampling(temperature=temperature, top_p=1.0 if most > 9 else 0.9)
            for (one,) in write_until(long_model, codec, prompts, until=[], most_tokens=most, sampling=sampling):
                jsonschema.validate(json.loads(one.text), schema, cls=jsonschema.Draft202012Validator)
                assert one.ended
                assert one.tokens <= most
                seen.add(one.text)
    assert len(seen) > 1 or schema in ({"const": SCHEMAS[4]["const"]}, SCHEMAS[8]) or SCHEMAS[3] == schema


def pair(schema, instance):
    return st.tuples(st.just(schema), instance)


def objects(members):
    """(schema, instance) of an object with these properties, of which some are required and some are there."""

    def made(parts):
        properties = {name: schema for name, ((schema, _), _, _) in parts.items()}
        required = [name for name, (_, needed, _) in parts.items() if needed]
        there = {name: value for name, ((_, value), needed, given) in parts.items() if needed or given}
        return {"type": "object", "properties": properties, "required": required}, there

    return st.dictionaries(
        st.text('ab磨"', max_size=2), st.tuples(members, st.booleans(), st.booleans()), max_size=4
    ).map(made)


def arrays(members):
    """(schema, instance) of an array of one value several times."""

    def made(one, count, below, above):
        schema = {"type": "array", "items": one[0], "minItems": max(0, count - below)}
        return schema | ({} if above is None else {"maxItems": count + above}), [one[1]] * count

    return st.builds(made, members, st.integers(0, 3), st.integers(0, 2), st.none() | st.integers(0, 2))


LEAVES = st.one_of(
    pair({"type": "integer"}, st.integers(-(10**15) + 1, 10**15 - 1)),
    pair({"type": "number"}, st.sampled_from([0, -1, 2.5, 1e-07, 1e22, -0.0])),
    pair({"type": ["boolean", "null"]}, st.sampled_from([True, False, None])),
    pair({"type": "string", "minLength": 1, "maxLength": 3}, st.text('a磨🌾"\\\n/', min_size=1, max_size=3)),
    pair({"enum": ["x", [1, {"磨": None}], 3]}, st.sampled_from(["x", [1, {"磨": None}], 3])),
    pair({"anyOf": [{"type": "null"}, {"const": "坊"}]}, st.sampled_from([None, "坊"])),
)
PAIRS = st.recursive(LEAVES, lambda members: objects(members) | arrays(members), max_leaves=6)


@settings(deadline=None, max_examples=80)
@given(PAIRS, st.integers(0, 1 << 30))
def test_a_valid_value_is_taken_and_what_is_written_is_valid(both, seed):
    schema, value = both
    made, rng = automaton(json_schema(schema, "x"), "x"), random.Random(seed)
    jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
    for separators in ((",", ":"), (", ", ": ")):
        assert made.accepts(json.dumps(value, ensure_ascii=False, separators=separators).encode())
    for text in filter(None, (walk(made, rng, 200) for _ in range(4))):
        jsonschema.validate(json.loads(text), schema, cls=jsonschema.Draft202012Validator)


@settings(deadline=None, max_examples=20)
@given(LEAVES | objects(LEAVES), st.integers(0, 1 << 30))
def test_what_a_schema_refers_to_is_read_where_it_is_named(pair, seed):
    """As pydantic writes models within models: definitions that refer to others, each named more than once."""
    schema, value = pair
    whole = {
        "$defs": {"a/b 磨~": schema, "two": {"type": "array", "items": {"$ref": "#/$defs/a~1b%20磨~0"}, "maxItems": 2}},
        "type": "object", "required": ["x", "$ref"],
        "properties": {"x": {"$ref": "#/$defs/two"}, "$ref": {"$ref": "#/$defs/two", "description": "again"}},
    }  # fmt: skip
    made, rng, said = automaton(json_schema(whole, "x"), "x"), random.Random(seed), {"x": [value], "$ref": []}
    jsonschema.validate(said, whole, cls=jsonschema.Draft202012Validator)
    assert made.accepts(json.dumps(said, ensure_ascii=False).encode())
    for text in filter(None, (walk(made, rng, 200) for _ in range(3))):
        jsonschema.validate(json.loads(text), whole, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("value", [{}, {"a": None}, {"磨": True, "c": 0}, {"a": None, "磨": False, "c": 0}, {"c": 0}])
def test_objects_have_any_of_their_properties_in_order_in_both_spellings(value):
    made = automaton(json_schema(SCHEMAS[10], "x"), "x")
    for separators in ((",", ":"), (", ", ": ")):
        assert made.accepts(json.dumps(value, ensure_ascii=False, separators=separators).encode())
    assert not made.accepts(b'{"c":0,"a":null}')
    assert not made.accepts(b'{,"c":0}')


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({}, "does not say what it wants"), (True, "a schema is an object"),
        ({"type": "text"}, "type 'text' is not known"),
        ({"type": "string", "pattern": "a"}, "keyword `pattern` is not supported"),
        ({"type": "string", "format": "date"}, "keyword `format`"),
        ({"type": "integer", "minimum": 0}, "keyword `minimum`"),
        ({"type": "array"}, "an array without `items`"), ({"enum": []}, "`enum` is no list"),
        ({"type": "object", "required": ["a"]}, "`required` names 'a'"),
        ({"type": "string", "minLength": 3, "maxLength": 2}, "`minLength` is above"),
        ({"type": "string", "maxLength": -1}, "no whole number"), ({"oneOf": [{"type": "null"}]}, "does not say"),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}}, "`\\$ref` to '#': the schema contains itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}]}}}, "itself"),
        ({"$ref": "#/$defs/b", "$defs": {"a": {}}}, "which is not there"), ({"$ref": 3}, "to 3"),
        ({"$ref": "https://example.org/schema"}, "to 'https"), ({"$ref": "#/$defs", "type": "null"}, "keyword `type`"),
        ({"enum": [1], "type": "string"}, "no value of `enum` is of the type"), ({"const": float("inf")}, "is no JSON"),
        ({"const": {1: 2}}, "is no JSON"), ({"enum": [object()]}, "is no JSON"),
        ({"type": "object", "properties": {True: {"type": "null"}}}, "the property True is no text"),
        ({"type": "object", "properties": {}, "required": [{}]}, "is no text"),
        ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, "keyword `uniqueItems`"),
    ],
)  # fmt: skip
def test_a_schema_that_is_not_supported_is_refused_by_its_keyword(schema, what):
    with pytest.raises(ConfigError, match=what):
        json_schema(schema, "x")


def test_a_schema_without_end_is_refused():
    deep = {"type": "null"}
    for _ in range(100):
        deep = {"type": "array", "items": deep}
    with pytest.raises(ConfigError, match="nested more than 64 deep"):
        json_schema(deep, "x")
    wide = {"type": "object", "properties": {str(n): {"type": "string", "maxLength": 99} for n in range(400)}}
    with pytest.raises(ConfigError, match="more than 10,000 states"):
        automaton(json_schema(wide, "x"), "x")


def brute(structure, pieces, state, left):
    """Whether an accepting state is reached in `left` tokens, by trying them all."""
    if structure.automaton.accepts_S[state]:
        return True
    return left > 0 and any(brute(structure, pieces, after, left - 1) for after in set(steps(structure, pieces, state)))


def steps(structure, pieces, state):
    for piece in filter(None, pieces):
        at = state
        for byte in piece:
            at = int(structure.automaton.table_SB[at, byte])
        if at != structure.automaton.dead:
            yield at


@pytest.mark.parametrize("pattern", ["ab|a磨坊?", "(?:磨坊){2}b?", "a{3}b|bb"])
def test_a_mask_is_what_brute_force_finds(pattern):
    """A vocabulary of few pieces, one of which ends inside a character."""
    spelt = [b"", b"a", b"ab", "磨".encode()[:2], "磨".encode()[2:] + "坊".encode(), "坊".encode(), b"bb", b"b", b""]
    structure = Structure(regex(pattern, "x"), Pieces(spelt, [8]), "x")
    for state in range(len(structure.automaton.table_SB) - 1):
        for left in (1, 2, 3, 9):
            allowed = structure.allowed(state, left).tolist()
            for number, piece in enumerate(spelt[:-1]):
                at = state
                for byte in piece:
                    at = int(structure.automaton.table_SB[at, byte])
                wanted = bool(piece) and at != structure.automaton.dead and brute(structure, spelt, at, left - 1)
                assert allowed[number] == wanted, (state, left, piece)
            assert allowed[8] == bool(structure.automaton.accepts_S[state])
            assert structure.allowed(state, 99) is structure.allowed(state, 98), "made once"


def test_the_probabilities_are_the_models_own_among_what_is_allowed(long_model, codec, pieces):
    """One token of `yes` or `no`-like choices: softmax of the logits of what may begin them."""
    structure = Structure(expression_of({"choices": ["the mill", "磨坊"]}, "x"), pieces, "x")
    (step, *_) = continuations(
        long_model,
        [[BOS, 300]],
        [20],
        Sampling(temperature=1.0, top_p=1.0),
        [generator_of((1,))],
        structures=[structure],
    )
    from gristmill.trainer.model.transformer import Tokens

    with torch.no_grad():
        logits = long_model.logits(long_model(Tokens(torch.tensor([[BOS, 300]]))))[0, -1]
    wanted = logits.masked_fill(~structure.allowed(0, 20), float("-inf")).log_softmax(-1)[step.tokens[0]]
    assert step.log_probabilities[0] == pytest.approx(float(wanted), abs=1e-5)
    assert (structure.allowed(0, 20).sum() < 20, structure.allowed(0, 20)[EOS]) == (True, False)


def test_rows_with_and_without_a_structure_do_not_meet(long_model, codec, pieces):
    free = [Prompt([BOS, 300 + n], (n,)) for n in range(2)]
    held = Prompt([BOS, 310], (9,), Structure(regex(r"[一-龥]{2}|\d{5}", "x"), pieces, "x"))
    options = {"until": [], "most_tokens": 24, "sampling": Sampling(temperature=1.0, top_p=1.0), "samples": 2}
    together = write_until(long_model, codec, [free[0], held, free[1]], **options)
    assert [together[0], together[2]] == write_until(long_model, codec, free, **options)
    assert all(re.fullmatch(r"[一-龥]{2}|\d{5}", one.text) for one in together[1])
    assert together[1] == write_until(long_model, codec, [held], **options)[0]


def test_the_end_is_that_of_the_caller_and_alone_where_nothing_may_follow(tiny_model, codec):
    for ends in ((EOS,), (END, EOS)):
        structure = Structure(expression_of({"choices": ["河"]}, "x"), Pieces(codec.pieces(), ends), "x")
        chance = [generator_of((1,))]
        steps = list(continuations(tiny_model, [[BOS]], [20], Sampling(), chance, ends=ends, structures=[structure]))
        assert steps[-1].tokens[0] in ends
        assert codec.decode_bytes([step.tokens[0] for step in steps]).decode() == "河"
    assert list(stream(tiny_model, codec.encoder, "x", 20, Sampling(), (), structure)) != []


def test_too_few_tokens_and_what_no_piece_spells_are_errors(tiny_model, codec, pieces):
    structure = Structure(regex("[0-9]{20}磨{20}", "x"), pieces, "x")
    with pytest.raises(ConfigError, match=f"has {structure.least} tokens, there is room for 9"):
        next(generate_ids(tiny_model, [[BOS]], 9, Sampling(), structure=structure))
    for wanted in (regex(r"[^\s\S]", "x"), regex("\ud800", "x")):
        with pytest.raises(ConfigError, match="nothing that this tokenizer can write"):
            Structure(wanted, pieces, "x")
    with pytest.raises(ConfigError, match="nothing that this tokenizer can write"):
        Structure(regex("b", "x"), Pieces([b"a", b""], [1]), "x")


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ({"choice": ["a"]}, "did you mean `choices`"), ({}, "structure of nothing"), ({"regex": 3}, "is no text"),
        ({"choices": []}, "no list of texts"), ({"choices": ["a", ""]}, "no list of texts"),
        ({"regex": "a", "choices": ["a"]}, "one of: choices, regex, json_schema"),
    ],
)  # fmt: skip
def test_what_is_wanted_is_said_in_one_way(wanted, what, tmp_path):
    with pytest.raises(ConfigError, match=what):
        expression_of(wanted, "x")
    (tmp_path / "s.json").write_text("{")
    with pytest.raises(InputError, match="the schema cannot be read"):
        read_schema(tmp_path / "s.json")


def test_a_set_has_few_states_and_its_bound_is_held(monkeypatch):
    assert len(automaton(regex(r"\w", "x"), "x").table_SB) < 400
    monkeypatch.setattr(module, "MOST_STATES", 3)
    with pytest.raises(ConfigError, match="more than 3 states"):
        automaton(regex("abc", "x"), "x")


@pytest.mark.parametrize("split", [GPT2, QWEN])
def test_a_tokenizer_of_others_spells_what_is_wanted(split, tmp_path):
    trained(["the old mill turns 老磨坊在河边 " * 9], split, 320).save(str(tmp_path / "tokenizer.json"))
    take(tmp_path)
    encoder = open_encoder(tmp_path)
    pattern = r'(?:the|老磨坊)( [a-z河边]{1,5}|"\n)*🌾?'
    structure = Structure(regex(pattern, "x"), Pieces(pieces_of(encoder), (encoder.eos,)), "x")
    for seed in range(12):
        rng, state, ids = random.Random(seed), 0, []
        for left in range(9, 0, -1):
            ids.append(rng.choice(torch.nonzero(structure.allowed(state, left)).flatten().tolist()))
            state = structure.after(state, ids[-1])
            if ids[-1] == encoder.eos:
                break
        assert re.fullmatch(pattern, encoder.decode(ids))
