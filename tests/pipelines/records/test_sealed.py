"""Sealed JSON: whatever byte changes or goes, it is noticed."""

import json

import pytest

from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.records.sealed import seal, unseal

VALUE = {"unit": "单元", "seconds": 0.1, "parts": [{"path": "a"}], "file": "caf\udce9.jsonl", "sha": None}


def test_seal__is_json_and_gives_the_value_back():
    raw = seal(VALUE)
    assert unseal(raw, "here") == VALUE
    assert json.loads(raw) == {**VALUE, "sha256": json.loads(raw)["sha256"]}
    assert seal(VALUE) == raw


def test_unseal__notices_every_flipped_byte_and_every_cut():
    raw = seal(VALUE)
    harmed = [raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :] for at in range(len(raw)) for bit in (1, 32)]
    harmed += [raw[:at] for at in range(len(raw))] + [raw + b"\n", raw + raw, b"{}", b"null", b"\x00" * len(raw)]
    for data in harmed:
        with pytest.raises(DamageError, match="not the ones that were written") as caught:
            unseal(data, "run/run.json")
        assert caught.value.where == "run/run.json"
        assert caught.value.exit_code == 7
