"""presidio's AnalyzerEngine over spaCy models that the user has: names, places, and words of context. Nothing is
downloaded: a model is an installed package or a folder."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import regex
import spacy

from gristmill.filters.imports import without
from gristmill.filters.pii.entities import ENTITIES
from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.presidio import EntityRecognizer, predefined_recognizers
from gristmill.filters.pii.registry import THRESHOLD, load

with without("torch", "transformers"):  # imported where they are installed, for models that nothing here uses
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine, nlp_artifacts

nlp_artifacts.Doc, nlp_artifacts.Span = spacy.tokens.Doc, spacy.tokens.Span

CHUNK = 100_000
"""Characters that a model sees at once: spaCy refuses more than a million and takes about 1 GB for each 100,000."""

_PARAGRAPH = regex.compile(r"\n\s*\n|\n")


@lru_cache(maxsize=4)
def analyzer(entities: tuple[str, ...], models: tuple[tuple[str, str], ...]) -> AnalyzerEngine:
    """presidio's engine with our recognizers for each language, and what the models recognize. Once per process.

    models: (language, name of an installed spaCy package or its folder). Raises ValueError for one that is not there:
    presidio would download it.
    """
    for language, name in models:
        if not (spacy.util.is_package(name) or Path(name).is_dir()):
            raise ValueError(f"spaCy model '{name}' for '{language}' is neither an installed package nor a folder")
    engine = SpacyNlpEngine(models=[{"lang_code": language, "model_name": name} for language, name in models])
    engine.load()
    languages = [language for language, _ in models]
    registry = RecognizerRegistry(supported_languages=languages)
    for language in languages:
        for recognizer in load(tuple(ENTITIES[name] for name in entities), False):
            if isinstance(recognizer.presidio, EntityRecognizer):
                recognizer.presidio.supported_language = language  # one of presidio's engine has one language
                registry.add_recognizer(recognizer.presidio)
        wanted = [name for name in entities if ENTITIES[name].model]
        if wanted:
            registry.add_recognizer(
                predefined_recognizers.SpacyRecognizer(supported_language=language, supported_entities=wanted)
            )
    return AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=languages, default_score_threshold=THRESHOLD
    )


def analyze(engine: AnalyzerEngine, text: str, language: str) -> Iterator[tuple[int, int, str, float]]:
    """(start, end, entity, score) in characters, from the model and from patterns with presidio's context words."""
    for offset, chunk in chunks(text):
        for result in engine.analyze(fold(chunk), language):
            yield offset + result.start, offset + result.end, result.entity_type, result.score


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
