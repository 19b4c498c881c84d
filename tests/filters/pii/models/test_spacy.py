"""A user's spaCy model: loaded from a package or folder, never downloaded."""

import pickle
import socket

import pyarrow as pa
import pytest
import spacy

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.models import engines
from gristmill.filters.pii.models.named import NamedModel

MODEL_ONLY = "ada of the mill"
"""No name to our tagger, which reads every language."""


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[NamedModel]:
    """Blank pipelines with a list of names, as models on disk."""
    found = []
    for language, names in (("en", ("Ada Lovelace", MODEL_ONLY)), ("zh", ("张三",))):
        nlp = spacy.blank(language)
        nlp.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": name} for name in names])
        folder = tmp_path_factory.mktemp("models") / language
        nlp.to_disk(folder)
        found.append(NamedModel("spacy", str(folder), (language,), (("PERSON", "PERSON"),)))
    return found


def test_model__names_and_patterns_together(models):
    scrubber = Scrubber(["PERSON", "EMAIL_ADDRESS"], models=models)
    assert scrubber.find("Ada Lovelace <ada@example.org>", "en")[0].entity == "PERSON"
    text = pa.array(
        ["Ada Lovelace, ada@example.org", "联系人张三，邮箱a@qq.com", MODEL_ONLY, None, MODEL_ONLY], pa.large_string()
    )
    edits = scrubber.edits(text, ["en", "zh", "fr", "en", "en"])
    assert [[(e["start"], e["end"], e["kind"]) for e in doc] for doc in edits.column().to_pylist()] == [
        [(0, 12, "PERSON"), (14, 29, "EMAIL_ADDRESS")],
        [(9, 15, "PERSON"), (24, 32, "EMAIL_ADDRESS")],
        [],  # no model for French
        [],
        [(0, len(MODEL_ONLY), "PERSON")],
    ]


def test_model__long_texts_in_chunks_at_line_ends(models, monkeypatch):
    monkeypatch.setattr(engines, "CHUNK", 50)
    text = "Ada Lovelace wrote it.\n" * 20
    assert [t for _, t in engines.chunks(text)] == ["Ada Lovelace wrote it.\n" * 2] * 10
    assert "".join(t for _, t in engines.chunks("x" * 120)) == "x" * 120
    found = Scrubber(["PERSON"], models=models).find(text, "en")
    assert [(f.start, f.end) for f in found] == [(i * 23, i * 23 + 12) for i in range(20)]


def test_model__pickles_by_name(models):
    scrubber = pickle.loads(pickle.dumps(Scrubber(["PERSON"], models=models)))
    assert [f.entity for f in scrubber.find("Ada Lovelace", "en")] == ["PERSON"]


def test_model__missing_is_an_error_not_a_download(monkeypatch):
    def refuse(*args, **options):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    scrubber = Scrubber(
        ["PERSON"], models=[NamedModel("spacy", "en_core_web_enormous", ("en",), (("PERSON", "PERSON"),))]
    )
    with pytest.raises(
        ValueError, match="'en_core_web_enormous' for 'en' is neither an installed package nor a folder"
    ):
        scrubber.find("Ada Lovelace", "en")
