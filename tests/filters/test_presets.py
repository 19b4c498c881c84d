"""Presets give the numbers of their sources (tests/golden/*.jsonl, worked out by hand), and keep good pages."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill.filters.judge import Entry, Judge
from gristmill.filters.presets import PRESETS

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name: str) -> list[dict]:
    return [json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text("utf-8").splitlines()]


def text_of(case: dict) -> str:
    """A golden text is a string, or a list of [piece, times]."""
    text = case["text"]
    return text if isinstance(text, str) else "".join(piece * times for piece, times in text)


def judged(preset: str, text: str):
    label = pa.array(["xx"])
    judge = Judge([Entry(None, None, None, (PRESETS[preset],))])
    return judge.judge(pa.array([text], pa.large_string()), label, label, label)


NAMES = [*PRESETS, "fineweb2@cmn"]
CASES = [pytest.param(name, case, id=f"{name}: {case['id']}") for name in NAMES for case in golden(name)]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_preset__gives_the_number_and_verdict_of_its_source(name, case):
    judgement = judged(name, text_of(case))
    column = case["signal"]
    if column not in judgement.signals.schema.names:  # computed after the preset's own edit
        column = f"{column}__{name.split('@')[0]}"
    assert judgement.signals[column][0].as_py() == pytest.approx(case["value"], abs=1e-12), case["why"]
    if "rule" in case:
        fired = f"{name}/{case['rule']}" in judgement.fired[0].as_py()
        assert fired == case["fires"], case["why"]


@pytest.mark.parametrize("name", NAMES)
def test_preset__every_rule_has_a_vector_that_fires_or_a_bound_that_keeps(name):
    covered = {case.get("rule") for case in golden(name)}
    unmeasured = {"characters_max"}  # 200,000 characters: the same signal and comparison as characters_min
    assert {rule.name for rule in PRESETS[name].rules} - covered <= unmeasured


@pytest.mark.parametrize("case", golden("chinese_pages"), ids=lambda case: case["id"])
def test_chinese__good_pages_pass_and_bad_ones_do_not(case):
    fired = judged("chinese@gristmill", case["text"]).fired[0].as_py()
    assert bool(fired) != case["good"], fired


@pytest.mark.parametrize("case", golden("any_pages"), ids=lambda case: case["id"])
def test_any__good_pages_pass_in_every_script_and_bad_ones_do_not(case):
    fired = judged("any@gristmill", case["text"]).fired[0].as_py()
    assert bool(fired) != case["good"], fired
    assert all(rule.valid_for(case["lang"]) for rule in PRESETS["any@gristmill"].rules)


@pytest.mark.parametrize("case", golden("any_pages"), ids=lambda case: case["id"])
def test_multilingual__good_pages_pass_in_every_script_and_bad_ones_do_not(case):
    assert bool(judged("multilingual@gristmill", case["text"]).fired[0].as_py()) != case["good"]


@pytest.mark.parametrize(
    "names",
    [
        ["Home", "About us", "News", "Contact", "Sign in", "Help"],
        ["首页", "新闻", "关于", "登录", "帮助"],
        ["Главная", "О нас", "Новости", "Контакты", "Войти"],
        ["الرئيسية", "الأخبار", "من نحن", "اتصل بنا", "المساعدة"],
    ],
    ids=["en", "zh", "ru", "ar"],
)
def test_multilingual__menus_fall_in_any_script(names):
    text = "\n".join(f"{name}" for name in names * 8)
    assert "multilingual@gristmill/words_per_line" in judged("multilingual@gristmill", text).fired[0].as_py()


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_preset__rules_cite_a_source_and_know_their_signal(preset):
    assert preset.source
    for rule in preset.rules:
        assert rule.provenance
        assert rule.what.unit
        assert rule.sentence().endswith(").")


def test_preset__languages():
    def valid(preset, language):
        return {rule.name for rule in PRESETS[preset].rules if rule.valid_for(language)}

    everything = {rule.name for rule in PRESETS["gopher@paper"].rules}
    assert valid("gopher@paper", "en") == everything
    assert valid("gopher@paper", "de") == everything - {"stop_words"}
    assert valid("gopher@paper", "zh") == {
        "bullet_lines", "ellipsis_lines", "duplicate_lines", "duplicate_paragraphs", "duplicate_line_chars",
        "duplicate_paragraph_chars",
    }  # fmt: skip
    assert valid("chinese@gristmill", "zh") == {rule.name for rule in PRESETS["chinese@gristmill"].rules}
    assert not valid("chinese@gristmill", "en")
    assert "sentences" not in valid("c4@tfds", "zh")
