"""Makes tests/golden/language_models: small ARPA files, their KenLM binaries, and what KenLM scores by them.

    python -m tests.filters.language_models.make_golden BUILD_BINARY

BUILD_BINARY is KenLM's (compile_query_only.sh in its sources), and its Python package `kenlm` must be there. The models
are our own estimates of sentences of ours; KenLM only reads and scores them.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

from tests.filters.language_models.arpa_text import arpa_text
from tests.filters.language_models.by_hand import SENTENCES

FOLDER = Path(__file__).parents[2] / "golden" / "language_models"
KINDS = {
    "probing": ["probing"],
    "trie": ["trie"],
    "quantised": ["-q", "8", "trie"],
    "compressed": ["-q", "8", "-a", "22", "trie"],
}


def asked(lang: str) -> list[str]:
    """Sentences to score: known, shuffled, with words that no model has, none."""
    rng = random.Random(lang)
    words = [*sorted({word for sentence in SENTENCES[lang] for word in sentence}), "unheard", "陌生"]
    made = [rng.choices(words, k=rng.randint(0, 9)) for _ in range(60)]
    return [" ".join(sentence) for sentence in [*SENTENCES[lang][:20], *made]]


def main(build_binary: str) -> None:
    """All files."""
    import kenlm

    for lang in SENTENCES:
        for order, prune in ((5, ()), (3, (0, 1, 1))):
            arpa = FOLDER / f"{lang}-{order}.arpa"
            arpa.write_text(arpa_text(SENTENCES[lang], order, prune), encoding="utf-8")
            model = kenlm.Model(str(arpa))
            rows = [
                {"text": text, "log10": model.score(text), "words": [score for score, _, _ in model.full_scores(text)]}
                for text in asked(lang)
            ]
            arpa.with_suffix(".json").write_text(json.dumps(rows, ensure_ascii=False) + "\n", encoding="utf-8")
    for kind, options in KINDS.items():
        command = [build_binary, *options, str(FOLDER / "en-3.arpa"), str(FOLDER / f"en-3.{kind}")]
        subprocess.run(command, check=True, capture_output=True)
    subprocess.run([build_binary, "probing", str(FOLDER / "zh-5.arpa"), str(FOLDER / "zh-5.probing")], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
