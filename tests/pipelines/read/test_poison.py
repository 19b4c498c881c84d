"""Every record of the poison directory is a document, dropped or a dead letter; memory stays bounded."""

import subprocess
import sys
import textwrap
import time
from fnmatch import fnmatch

import pytest

from gristmill.pipelines.recipe import schema


def test_poison__every_source_ends_as_it_must(poison, read_all) -> None:
    began = time.process_time()
    for name, source in poison.sources.items():
        path = poison.folder / source["paths"][0]
        outcome = read_all(source["format"], path, name=name)
        counts = (len(outcome.texts), len(outcome.dropped), len(outcome.dead))
        assert counts == poison.outcomes[name], (name, [dead.error for dead in outcome.dead])
        for dead in outcome.dead:
            assert fnmatch(dead.file, str(path))
            assert ": " in dead.error
    assert time.process_time() - began < 20


def test_poison__errors_hold_no_text_of_the_documents(poison, read_all) -> None:
    for name, source in poison.sources.items():
        for dead in read_all(source["format"], poison.folder / source["paths"][0], name=name).dead:
            for word in ("caf", "half", "xxx", "bottom", "Good", "好的", "正文的列不"):
                assert word not in dead.error, (name, dead.error)


def test_long_line__is_never_held(poison) -> None:
    """A process that reads the 50 MB line stays within a fraction of it beyond its imports."""
    program = textwrap.dedent(f"""
        import resource
        from pathlib import Path
        from gristmill.pipelines.run.inputs.plan import plan_source
        from gristmill.pipelines.read.unit import read_unit
        from gristmill.pipelines.recipe import schema
        source = schema.Source(format="jsonl", paths=["long.jsonl"])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        records = [r for u in plan_source("s", source, Path({str(poison.folder)!r}), 2**40)
                   for r in read_unit(u, source, schema.Read(max_record_bytes=2**20), schema.Extract())]
        dead = [d for r in records for d in r.dead]
        print(sum(r.batch.num_rows for r in records), dead[0].length, len(dead[0].first_bytes),
              resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    documents, length, kept, kilobytes = map(int, done.stdout.split())
    assert (documents, kept) == (2, 4096)
    assert length == 50_000_000 + len('{"text": ""}')
    assert kilobytes < 16_000


@pytest.mark.parametrize("unit_bytes", [1_000_000, 60_000_000])
def test_long_line__is_one_dead_letter_however_it_is_cut(poison, read_all, unit_bytes) -> None:
    outcome = read_all("jsonl", poison.folder / "long.jsonl", unit_bytes=unit_bytes)
    assert len(outcome.texts) == 2
    assert len(outcome.dead) == 1
    assert schema.Read().max_record_bytes < outcome.dead[0].length
