"""Our tagger of names and addresses as a presidio recognizer, for an AnalyzerEngine of somebody's own.

registry.add_recognizer(NamesRecognizer())                     # every name and address
registry.add_recognizer(NamesRecognizer(only_private=True))    # where a context marks a private person
"""

import pyarrow as pa

from gristmill.filters.pii.names.find import SCORE, find
from gristmill.filters.pii.presidio import EntityRecognizer, RecognizerResult


class NamesRecognizer(EntityRecognizer):
    """PERSON and ADDRESS, English and Chinese, whatever the language is that it is registered for."""

    def __init__(self, only_private: bool = False, supported_language: str = "en"):
        self.only_private = only_private
        super().__init__(supported_entities=["PERSON", "ADDRESS"], supported_language=supported_language)

    def load(self) -> None:
        """Nothing: lists and weights are loaded for the first text."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: object = None) -> list[RecognizerResult]:
        """Results in order, of the types that are asked for."""
        data = text.encode("utf-8", "replace")
        results, byte, character = [], 0, 0
        for _, start, end, entity in find(pa.array([data.decode()], pa.large_string()), private=self.only_private):
            character += len(data[byte:start].decode())
            byte = start
            if not entities or entity in entities:
                length = len(data[start:end].decode())
                results.append(RecognizerResult(entity, character, character + length, SCORE))
        return results
