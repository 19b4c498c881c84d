"""A whole run over hostile names: folders, files, ids and addresses that a terminal or browser would obey."""

import json
import re
import unicodedata

import pytest

pytestmark = pytest.mark.process

ID = "[red]x[/red]\x1b[2J\u202egnp\t\n甲[/]"
URL = "javascript:alert(1)//[link=http://evil]\u2066\x9b"


def test_commands__show_hostile_names_as_text(command, here, tmp_path):
    folder = tmp_path / "[b]新\x1b[31m\u202e"
    folder.mkdir()
    rows = [
        {"id": ID, "url": URL, "text": "山水之间有一座古老的磨坊。"},
        {"id": "2\x00", "url": "x", "text": "The old mill."},
    ]
    rows.append({**rows[0], "url": "[/]"})
    (folder / "[i]a\x07.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "bad\x1b.jsonl").write_bytes(b"\xff\n{")
    recipe = folder / "r.yaml"
    recipe.write_text(
        'gristmill: 1\nname: n\nsources: {s: {format: jsonl, paths: "*.jsonl", id: id}}\ndecide: []\ntokenizer: null\n',
        "utf-8",
    )
    run = folder / "run"
    calls = [("validate", recipe), ("run", recipe, "--out", run), ("status", run), ("why", run, ID), ("report", run)]
    calls += [
        ("why", run, "no\x1b[2J"),
        ("clean", run),
        ("status", folder),
        ("run", recipe, "--out", folder / "[i]a\x07.jsonl"),
    ]
    codes, expected = [], [0, 0, 0, 0, 0, 2, 0, 2, 2]
    for call in calls:
        done = command(*call) if call == calls[1] else here(*call)
        codes.append(done.returncode)
        assert codes == expected[: len(codes)], (call, done.stdout, done.stderr)
        for text in (done.stdout, done.stderr):
            assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"], (call[0], text)
        if call[:3] == ("why", run, ID):
            assert r"[red]x[/red]␛[2J\u202egnp 甲[/]" in done.stdout  # two records have it
            one = here("why", run, re.search("[0-9a-f]{32}", done.stdout)[0])
            assert re.search(r"id +\[red\]x\[/red\]␛\[2J\\u202egnp 甲\[/\]", one.stdout)
            assert "[link=http://evil]" in one.stdout
    assert "\x1b" not in (run / "run.log").read_text("utf-8")
    assert not re.search("[\x1b\u202a-\u202e\u2066-\u2069]", (run / "report" / "index.html").read_text("utf-8"))
