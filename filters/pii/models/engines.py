"""What runs models of a user's own: presidio's engines and recognizers over spaCy, Stanza, transformers and GLiNER, on
the CPU, so that each machine finds the same. Nothing is downloaded; libraries are loaded for the first text."""

import importlib
import os
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.models.named import NamedModel

Found = tuple[int, int, str, float]
"""Characters [start, end), type, score."""

CHUNK = 100_000
"""Characters that a model sees at once: spaCy refuses more than a million and takes about 1 GB for each 100,000."""

_PARAGRAPH = re.compile(r"\n\s*\n|\n")
_OFFLINE = {"PRESIDIO_DEVICE": "cpu", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


def find(model: NamedModel, text: str, language: str) -> Iterator[Found]:
    """What a model finds in a text of one of its languages, less labels that it was not asked for."""
    for offset, chunk in chunks(text):
        for start, end, entity, score in _runner(model, language)(fold(chunk)):
            if entity in model.types and start < end:
                yield offset + start, offset + end, entity, score


def chunks(text: str) -> Iterator[tuple[int, str]]:
    """(offset, part) of a text in parts of at most CHUNK characters that end where a line does, if one does."""
    start = 0
    while start < len(text):
        end = min(start + CHUNK, len(text))
        if end < len(text):
            breaks = [match.end() for match in _PARAGRAPH.finditer(text, start + CHUNK // 2, end)]
            end = breaks[-1] if breaks else end
        yield start, text[start:end]
        start = end


@lru_cache(maxsize=8)
def _runner(model: NamedModel, language: str) -> Callable[[str], Iterator[Found]]:
    """The model, loaded once per process: a text -> what it finds."""
    os.environ.update({name: value for name, value in _OFFLINE.items() if name not in os.environ})
    if model.engine in ("spacy", "stanza"):
        return _of_pipeline(model, language)
    recognizer = _recognizer(model, language)
    recognizer.load()

    def run(text: str) -> Iterator[Found]:
        for result in recognizer.analyze(text, list(model.types)):
            yield result.start, result.end, result.entity_type, float(result.score)

    return run


def _of_pipeline(model: NamedModel, language: str) -> Callable[[str], Iterator[Found]]:
    """A spaCy pipeline, or Stanza's as one, by presidio's engine: it gives labels their names."""
    nlp_engine = importlib.import_module("presidio_analyzer.nlp_engine")
    called = nlp_engine.NerModelConfiguration(
        model_to_presidio_entity_mapping=dict(model.entities), labels_to_ignore=[]
    )
    models = [{"lang_code": language, "model_name": model.place}]
    if model.engine == "spacy":
        if not (find_spec(model.place) if model.place.isidentifier() else Path(model.place).is_dir()):
            what = f"spaCy model '{model.place}' for '{language}' is neither an installed package nor a folder"
            raise ValueError(what)  # presidio would download it
        engine = nlp_engine.SpacyNlpEngine(models, called)
        engine.load()
    else:
        stanza = importlib.import_module("presidio_analyzer.nlp_engine.stanza_nlp_engine")
        engine = stanza.StanzaNlpEngine(models, called, download_if_missing=False)
        options = {"processors": "tokenize,ner", "download_method": None, "device": "cpu"}
        engine.nlp = {language: stanza.load_pipeline(language, dir=model.place, **options)}

    def run(text: str) -> Iterator[Found]:
        artifacts = engine.process_text(text, language)
        for span, score in zip(artifacts.entities, artifacts.scores, strict=True):
            yield span.start_char, span.end_char, span.label_, float(score)

    return run


def _recognizer(model: NamedModel, language: str) -> Any:
    """presidio's recognizer for a model that reads whole texts by itself."""
    ours = model.engine == "transformers"
    name, needed = ("huggingface_ner_recognizer", "hf_pipeline") if ours else ("gliner_recognizer", "GLiNER")
    module = importlib.import_module(f"presidio_analyzer.predefined_recognizers.ner.{name}")
    if getattr(module, needed) is None:  # it was loaded where these libraries were kept out (presidio.py)
        module = importlib.reload(module)
    entities = dict(model.entities)
    if ours:
        return module.HuggingFaceNerRecognizer(
            model_name=model.place, label_mapping=entities, supported_language=language, device="cpu"
        )
    return module.GLiNERRecognizer(
        model_name=model.place, entity_mapping=entities, supported_language=language, map_location="cpu"
    )
