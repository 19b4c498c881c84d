"""Records that the crawler cut: what is there is read, and says so."""

import json

import pytest

from tests.pipelines.read.warc.records import GOOD, TEXTS, http, members, page, record


@pytest.mark.parametrize("why", ["length", "time", "disconnect", "unspecified", "something else"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("length", ["of what is stored", "as it was"])
def test_truncated_record__is_read_and_says_so(tmp_path, read_all, why, packed, length) -> None:
    block = http(page("The old mill. 老磨坊。" * 20))[:-80]
    records = [
        record(1, block, WARC_Truncated=why),
        record(2, "被截断的文字 and more".encode(), "resource", WARC_Truncated=why),
        record(3, GOOD[0], "request"),
        record(4, b"The last one of the file", "conversion", WARC_Truncated=why),
    ]
    if length == "as it was":
        records = [data.replace(b"Content-Length: ", b"Content-Length: 1") for data in records[:2]] + records[2:3]
        records.append(record(4, b"The last one of the file", "conversion", WARC_Truncated=why, Content_Length="9999"))
    name, data = ("a.warc.gz", b"".join(members(records))) if packed else ("a.warc", b"".join(records))
    (tmp_path / name).write_bytes(data)
    outcome = read_all("warc", tmp_path / name)
    assert not outcome.dead
    assert outcome.texts[0].startswith("The old mill. 老磨坊。The old mill.")
    assert outcome.texts[1:] == ["被截断的文字 and more", "The last one of the file"]
    assert [json.loads(row["meta"])["WARC-Truncated"] for row in outcome.rows] == [why] * 3


def test_truncated_record__of_which_nothing_is_left_is_a_dead_letter(tmp_path, read_all) -> None:
    (tmp_path / "a.warc").write_bytes(record(1, b"HT", WARC_Truncated="time") + GOOD[0])
    outcome = read_all("warc", tmp_path / "a.warc")
    assert [dead.error for dead in outcome.dead] == ["BrokenHttp: no status line"]
    assert outcome.texts == TEXTS[:1]
