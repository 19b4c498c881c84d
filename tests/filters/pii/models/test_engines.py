"""Models of a user's own: a spaCy pipeline with a list of names, a transformers model of weights written by hand."""

import pickle

import pytest
import spacy

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.models import engines
from gristmill.filters.pii.models.named import ENGINES, NamedModel, missing_package

NAMES = {"en": ("ada of the mill", "PERSON"), "zh": ("磨坊镇", "GPE")}
"""Nothing to our tagger."""


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory) -> dict[str, NamedModel]:
    found = {}
    for language, (name, label) in NAMES.items():
        nlp = spacy.blank(language)
        ruler = nlp.add_pipe("entity_ruler")
        ruler.add_patterns([{"label": label, "pattern": name}, {"label": "DATE", "pattern": "1815"}])
        folder = tmp_path_factory.mktemp("models") / language
        nlp.to_disk(folder)
        entities = (("GPE", "LOCATION"), ("PERSON", "PERSON"))
        found[language] = NamedModel("spacy", str(folder), (language,), entities, "")
    return found


def test_spacy__labels_by_their_names_in_their_languages(pipelines):
    scrubber = pickle.loads(pickle.dumps(Scrubber(["EMAIL_ADDRESS"], models=[*pipelines.values()])))
    text = "１ 磨坊镇 ada of the mill, 1815, ada@mills.org"
    found = {
        language: [(text[a:b], kind) for a, b, kind, _ in scrubber.find(text, language)]
        for language in ("en", "zh", "fr")
    }
    mail = ("ada@mills.org", "EMAIL_ADDRESS")
    assert found == {
        "en": [("ada of the mill", "PERSON"), mail], "zh": [("磨坊镇", "LOCATION"), mail], "fr": [mail]
    }  # fmt: skip
    assert scrubber.entities == ("EMAIL_ADDRESS", "PERSON", "LOCATION"), "what a model finds is looked for"
    left_out = Scrubber(["EMAIL_ADDRESS"], models=[pipelines["en"]], without=["PERSON"])
    assert [one.entity for one in left_out.find(text, "en")] == ["EMAIL_ADDRESS"]


def test_spacy__long_texts_in_chunks(pipelines, monkeypatch):
    monkeypatch.setattr(engines, "CHUNK", 40)
    found = list(engines.find(pipelines["en"], "ada of the mill wrote.\n" * 5, "en"))
    assert [(start, end) for start, end, *_ in found] == [(at * 23, at * 23 + 15) for at in range(5)]


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> NamedModel:
    """BERT of four words: without layers, each word's label is what its embedding says."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ada", "met", "lin", "林", "见"]
    folder = tmp_path_factory.mktemp("network")
    labels = ["O", "B-PER", "I-PER"]
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=len(words), num_hidden_layers=0, num_attention_heads=1, intermediate_size=4,
        id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)},
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.bert.embeddings.word_embeddings.weight.copy_(torch.eye(len(words)))
        model.bert.embeddings.LayerNorm.weight.fill_(1)
        model.classifier.bias.copy_(torch.tensor([5.0, 0.0, 0.0]))
        for name in ("ada", "lin", "林"):
            model.classifier.weight[1, words.index(name)] = 9
    model.save_pretrained(folder)
    transformers.BertTokenizerFast(vocab={word: n for n, word in enumerate(words)}).save_pretrained(folder)
    return NamedModel("transformers", str(folder), ("en", "zh"), (("PER", "PERSON"),), "")


def test_transformers__by_presidio_s_recognizer(network):
    scrubber = Scrubber(["IBAN_CODE"], models=[network])
    for text, names in (("ada met lin", ["ada", "lin"]), ("ada 见林", ["ada", "林"])):
        found = scrubber.find(text, "en")
        assert [text[one.start : one.end] for one in found] == names
        assert {one.entity for one in found} == {"PERSON"}
        assert all(0.9 < one.score <= 1 for one in found)


def test_engines__say_what_to_install(monkeypatch):
    assert missing_package("spacy") is None
    monkeypatch.setattr("gristmill.filters.pii.models.named.find_spec", lambda name: None)
    assert {name: missing_package(name) for name in ENGINES} == {
        "spacy": "spacy", "stanza": "gristmill[stanza]", "transformers": "gristmill[hf-classifier]",
        "gliner": "gristmill[gliner]",
    }  # fmt: skip


def test_model__what_raises_kills_the_document_not_the_mask(pipelines, monkeypatch):
    def broken(text):
        raise RuntimeError("no")

    monkeypatch.setattr(engines, "_runner", lambda model, language: broken)
    with pytest.raises(RuntimeError):
        Scrubber(["EMAIL_ADDRESS"], models=[pipelines["en"]]).find("ada@mills.org", "en")
