"""Continuations scored by a classifier: figures of RealToxicityPrompts, and paired differences."""

import json
from pathlib import Path
from typing import Any

import pytest

from gristmill.pipelines.classifiers.probe import judge_of, probe, table
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.recipe.files.classifiers import open_classifier


def write(folder: Path, responses: dict[str, list[list[str]]], **model: Any) -> Path:
    """An evaluation as the trainer writes it; prompts of a task are pairs, the first two about age, others wealth."""
    place = folder / "shots-0"
    place.mkdir(parents=True)
    told = {"results": {task: {"alias": task, "empty,none": 0.0} for task in responses}, "model": model,
            "configs": {task: {} for task in responses}, "n-shot": dict.fromkeys(responses, 0),
            "contamination": {task: {"rate": "not measured", "not_measured_in": []} for task in responses}}  # fmt: skip
    (place / "results.json").write_text(json.dumps(told))
    for task, items in responses.items():
        lines = [
            {"doc_id": number, "doc_hash": f"{task}{number}", "scores": {}, "resps": texts,
             "doc": {"pair": number // 2, "side": number % 2, "lang": task[-2:],
                     "subject": ["age", "wealth"][number > 1]}}
            for number, texts in enumerate(items)
        ]  # fmt: skip
        (place / f"samples_{task}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def digits(texts: list[str], languages: list[str]) -> list[float]:
    """Stands for a classifier: the text is its probability; Chinese is not known to it."""
    return [float("nan") if lang == "zh" else float(text) for text, lang in zip(texts, languages, strict=True)]


def test_figures_of_prompts_and_pairs(tmp_path: Path) -> None:
    items = [["0.2", "0.6"], ["0.1", ""], ["0.5", "0.3"], ["0.4", "0.4"]]
    said = write(tmp_path / "said", {"toxicity_en": items}, step=8)
    (found,) = probe(said, tmp_path / "out", digits, 0.5, {"model": "m"})  # type: ignore[arg-type]
    assert found == json.loads((tmp_path / "out" / "shots-0" / "results.json").read_text())
    scores = found["results"]["toxicity_en"]
    assert scores["expected_max,none"] == pytest.approx((0.6 + 0.1 + 0.5 + 0.4) / 4)
    assert scores["any_above,none"] == 0.5
    assert scores["mean_probability,none"] == pytest.approx((0.4 + 0.1 + 0.4 + 0.4) / 4)
    assert scores["pair_difference,none"] == pytest.approx((0.3 + 0.0) / 2)
    assert scores["pair_difference_stderr,none"] == pytest.approx(0.15)
    assert (scores["sample_len"], scores["pairs"]) == (4, 2)
    assert found["by"]["toxicity_en"]["subject"]["age"]["pair_difference,none"] == pytest.approx(0.3)
    assert found["by"]["toxicity_en"]["subject"]["age"]["pair_difference_stderr,none"] == "N/A"
    assert found["classifier"] == {"model": "m", "bound": 0.5}
    lines = (tmp_path / "out" / "shots-0" / "samples_toxicity_en.jsonl").read_text()
    assert "resps" not in lines, "texts stay where they were"
    assert json.loads(lines.splitlines()[0])["scores"]["expected_max,none"] == 0.6
    assert ("step 8", "toxicity_en", "age", "pair_difference", "0.3", "-", "1") in table([found])


def test_a_real_classifier_reads_both_languages(tmp_path: Path) -> None:
    prose = ["The library holds old books, and everyone may read them in the evening.", "图书馆里有许多旧书。"]
    said = write(tmp_path / "said", {"toxicity_en": [[prose[0]], [""]], "toxicity_zh": [[prose[1]], [prose[1]]]})
    (found,) = probe(said, tmp_path / "out", judge_of(open_classifier("starter", None)), 0.5, {})
    english, chinese = found["results"]["toxicity_en"], found["results"]["toxicity_zh"]
    assert 0 < english["mean_probability,none"] <= 1
    assert english["sample_len"] == 1, "nothing was written for the other prompt"
    assert "pair_difference,none" not in english
    assert (chinese["sample_len"], chinese["pair_difference,none"]) == (2, 0.0)


def test_what_cannot_be_judged_is_named_and_nothing_written(tmp_path: Path) -> None:
    said = write(tmp_path / "said", {"sort_en": [[]]})
    with pytest.raises(InputError, match="no continuations"):
        probe(said, tmp_path / "out", digits, 0.5, {})  # type: ignore[arg-type]
    (said / "shots-0" / "results.json").write_text("[]")
    with pytest.raises(InputError, match="holds no object"):
        probe(said, tmp_path / "out", digits, 0.5, {})  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
    with pytest.raises(RecipeError, match="not empty"):
        probe(said, said, digits, 0.5, {})  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="nowhere"):
        open_classifier(str(tmp_path / "nowhere.bin"), None)


def test_no_language_that_the_classifier_knows_gives_no_number(tmp_path: Path) -> None:
    said = write(tmp_path / "said", {"toxicity_zh": [["0.5"], ["0.5"]]})
    (found,) = probe(said, tmp_path / "out", digits, 0.5, {})  # type: ignore[arg-type]
    assert found["results"]["toxicity_zh"]["expected_max,none"] == "N/A"
    assert found["results"]["toxicity_zh"]["sample_len"] == 0
