"""A forecast from what a part took: what grows with what, on how many workers, and how sure it is."""

import json
import math

import pytest

from gristmill.pipelines.run.capacity.forecast import (
    START_SECONDS,
    Measured,
    Range,
    Search,
    SourceCost,
    StageForecast,
    forecast,
)

ALL = ("score", "duplicates", "text", "tokenizer", "tokens")


def source(size=1000, documents=100, reading=2.0, score=6.0, error=0.0, **bytes_):
    seconds = {"score": score, "text": 3.0, "tokens": 1.0}
    return SourceCost(size, documents, documents * 50, reading, seconds, bytes_ or {"text": 500}, error=error)


def seconds(found):
    return {stage.stage: stage.core_seconds.likely for stage in found.stages}


def test_forecast__a_part_of_the_units_grows_with_bytes():
    part = Measured({"web": source()}, ALL, duplicates=0.85, compared=100, storing=0.1, rows=0.18)
    found = forecast(part, [("web", 2000)] * 4)
    likely = seconds(found)
    assert likely["score"] == pytest.approx(8 * 8)
    assert (likely["text"], likely["tokens"], likely["duplicates"]) == pytest.approx((24, 8, 0.35 + 8 * 0.5 + 4 * 0.1))
    assert (likely["rows"], likely["start and report"]) == pytest.approx((0.08 + 0.8, START_SECONDS))
    assert (found.documents.likely, found.text_bytes.likely, found.disk.likely) == (800, 40_000, 4000)
    assert found.peak_disk.likely > found.disk.likely
    assert (found.input_bytes, found.units) == (8000, 4)


def test_forecast__of_a_sample_of_documents_reading_was_whole():
    found = forecast(Measured({"web": source()}, ("score", "text"), share=0.125), [("web", 500)] * 2)
    assert seconds(found)["score"] == pytest.approx(2 + 8 * 6)
    assert seconds(found)["text"] == pytest.approx(24)


def test_forecast__what_a_unit_takes_however_little_is_in_it_grows_with_the_units():
    each = {"unit_seconds": {"text": 1.0}, "unit_bytes": {"text": 100.0}, "units": 2}
    half = SourceCost(1000, 100, 5000, 0.0, {"text": 5.0}, {"text": 600}, error=0.0, **each)
    found = forecast(Measured({"web": half}, ("text",), share=0.5), [("web", 500)] * 2)
    assert seconds(found)["text"] == 2 + 2 * 3
    assert found.datasets["text"].likely == 200 + 2 * 400


def shuffled(times, each=16_384, compared=1000, counted=0):
    """Of so many times as much as was measured; documents have 17 keys, a tenth of them duplicates."""
    search = Search(keys=17, partition_documents=each)
    part = Measured({"web": source()}, ALL, compared=compared, linked=compared // 10, search=search, shuffled=counted)
    return forecast(part, [("web", 1000 * times)]).shuffled.likely


def more(times):
    return 2 ** math.log10(times)


def test_forecast__between_stages_lie_receipts_of_units_and_keys_of_documents_and_what_links_them():
    counted = 28_000 + 1000 * 17 * 28 + 90_000
    assert shuffled(1, counted=counted) == pytest.approx(counted)
    assert shuffled(8, counted=counted) == pytest.approx(28_000 + 8000 * 17 * 28 + 8 * more(8) * 90_000)
    assert shuffled(8) == pytest.approx(28_000 + 8000 * 17 * 28 + more(8) * 800 * 800)


def test_forecast__of_many_documents_only_keys_that_others_have_make_records():
    counted, records = 28_000 + 1000 * 17 * 28 + 90_000, 0.6 * 17 * 28
    alone = 28_000 + 100_000 * 17 * 33 / 8
    assert shuffled(100, counted=counted) == pytest.approx(alone + 4 * (100 * 90_000 + 10_000 * records))
    assert shuffled(100) == pytest.approx(alone + 4 * 10_000 * (800 + records))
    assert shuffled(100, each=25_000, counted=counted) == pytest.approx(28_000 + 100_000 * 17 * 28 + 400 * 90_000)
    first = alone + 2_000_000  # as 100,000 documents take, where keys go first already
    assert shuffled(10, compared=100_000, counted=first) == pytest.approx(28_000 + 10 * (first - 28_000) + 20_000_000)


def test_forecast__no_more_documents_have_a_duplicate_than_there_are():
    assert shuffled(10**6, each=10**9) == pytest.approx(28_000 + 10**9 * (17 * 28 + 800))


def test_forecast__an_index_is_searched_however_little_is_measured():
    search = Search(keys=17, indexed=99_000)
    keys = 100_000 * 17 * 33 / 8
    part = Measured(
        {"web": source()}, ALL, duplicates=10.35, compared=1000, search=search, shuffled=int(keys) + 28_000 + 70_000
    )
    found = forecast(part, [("web", 11_000)])
    (duplicates,) = (stage for stage in found.stages if stage.stage == "duplicates")
    assert duplicates.core_seconds.likely == pytest.approx(0.35 + 11)
    assert len(duplicates.tasks) == 7
    assert found.shuffled.likely == pytest.approx(28_000 + 1.1 * keys + 11 * more(11) * 70_000, rel=1e-3)


def test_forecast__partitions_are_those_of_the_recipe():
    def tasks(each):
        part = Measured({"web": source()}, ALL, duplicates=5.0, compared=100, search=Search(17, each))
        (found,) = (s for s in forecast(part, [("web", 100_000)]).stages if s.stage == "duplicates")
        return len(found.tasks)

    assert [tasks(each) for each in (16_384, 2500, 1000, 2)] == [4, 4, 10, 4096]


def test_measured__comes_back_from_json_and_from_that_of_earlier_versions():
    part = Measured({"web": source()}, ALL, linked=3, search=Search(17, 20, 5))
    record = json.loads(json.dumps(part.to_json()))
    assert Measured.from_json(record) == part
    del record["search"], record["linked"]
    assert Measured.from_json(record).search == Search()


def test_forecast__sources_grow_each_by_its_own_rate():
    measured = Measured({"en": source(1000, score=6), "zh": source(100, score=6)}, ("score",))
    found = forecast(measured, [("en", 1000), ("zh", 1000)])
    assert found.stages[1].tasks == pytest.approx((8, 80))
    assert found.disk.likely == 500 + 5000


def test_forecast__the_tokenizer_learns_from_no_more_than_its_sample():
    def learnt(limit):
        measured = Measured({"web": source()}, ALL, tokenizer=2.0, sample_bytes=1000, sample_limit=limit)
        return next(s for s in forecast(measured, [("web", 100_000)]).stages if s.stage == "tokenizer").core_seconds

    assert learnt(1000).likely == 2.0
    assert 2.0 < learnt(8000).likely < 16.0
    assert learnt(8000) == learnt(8000) != learnt(16_000)
    assert learnt(8000).low < learnt(8000).likely <= learnt(8000).high == 16.0


def test_forecast__a_source_that_was_not_measured_costs_what_the_others_do_and_is_less_sure():
    sure = forecast(Measured({"a": source()}, ALL), [("a", 2000)])
    half = forecast(Measured({"a": source()}, ALL), [("a", 1000), ("b", 1000)])
    assert seconds(half)["score"] == pytest.approx(seconds(sure)["score"])
    assert half.core_seconds.high > sure.core_seconds.high
    assert half.core_seconds.low < sure.core_seconds.low


def test_wall__tasks_are_not_shared_and_one_worker_learns_the_tokenizer():
    stage = StageForecast("score", Range(50, 100, 200), (60.0, 20.0, 20.0))
    assert stage.wall(1) == Range(50, 100, 200)
    assert stage.wall(2).likely == stage.wall(99).likely == 60
    assert stage.wall(2).high == 120
    measured = Measured({"web": source()}, ALL, tokenizer=5.0, sample_bytes=10, sample_limit=10, rows=0.08)
    many = forecast(measured, [("web", 10)] * 100)
    assert many.wall(1).likely == pytest.approx(many.core_seconds.likely)
    serial = 5.0 + 0.08 + START_SECONDS
    assert many.wall(100).likely == pytest.approx(serial + 0.12, abs=0.02)
    assert many.wall(10**6) == many.wall(100)


def test_forecast__nothing_measured_or_nothing_planned():
    assert forecast(Measured({}, ()), []).core_seconds.likely == START_SECONDS
    assert forecast(Measured({"web": source()}, ALL), []).documents.likely == 0
    assert forecast(Measured({}, ("score",)), [("web", 10)]).wall(4).likely == START_SECONDS
