"""Documents of a run made by hand: English, Chinese and a few German ones, the rules that judged them, dead letters."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EMAIL, MOBILE = "lihua.planted@example.com", "13912345678"
SCRIPT = "<script>alert('x')</script>"

EN = re.findall(
    r"\w+", "The mill turns when the river is high and the miller sleeps badly in the long nights of spring"
)
ZH = "磨坊的水车在春天的洪水里转动，磨坊主整夜听着木头的声音。粮食从高处落下，变成细细的面粉，装进麻袋。"


UNITS = {"words": "words", "mean_word_length": "characters", "lorem_ipsum": "occurrences", "characters": "characters"}


@dataclass(frozen=True)
class Rule:
    name: str
    signal: str
    comparison: str
    threshold: float
    entry: int

    def fires(self, value: float) -> bool:
        return value < self.threshold if self.comparison == ">=" else value > self.threshold

    def record(self) -> dict[str, Any]:
        sentence = f"Measures {self.signal}. Keeps documents {self.comparison} {self.threshold:g} (the test)."
        languages = [["en"], ["zh"]][self.entry]
        signal = self.signal.split("__")[0]
        return {
            **self.__dict__,
            "signal": signal,
            "column": self.signal,
            "unit": UNITS.get(signal, "share"),
            "sentence": sentence,
            "languages": languages,
        }


RULES = (
    Rule("gopher@paper/words_min", "words", ">=", 50, 0),
    Rule("gopher@paper/words_max", "words", "<=", 100_000, 0),
    Rule("gopher@paper/mean_word_length_min", "mean_word_length", ">=", 3, 0),
    Rule("gopher@paper/mean_word_length_max", "mean_word_length", "<=", 10, 0),
    Rule("gopher@paper/top_2gram_max", "top_2gram_char_fraction", "<=", 0.2, 0),
    Rule("c4@tfds/lorem_ipsum", "lorem_ipsum", "<=", 0, 0),
    Rule("fineweb@datatrove/short_lines", "short_line_share__c4", "<=", 0.67, 0),
    Rule("chinese@gristmill/characters_min", "characters", ">=", 100, 1),
    Rule("chinese@gristmill/spam_words_max", "spam_word_share", "<=", 0.005, 1),
)
SIGNALS = sorted({rule.signal for rule in RULES})


@dataclass
class Doc:
    text: str
    lang: str
    source: str
    id: str | None = None
    url: str | None = None
    signals: dict[str, float] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    step: str | None = None
    cluster: str = ""
    duplicate_of: str | None = None
    similarity: float | None = None
    edits: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    clean: str = ""

    @property
    def doc_id(self) -> str:
        return hashlib.md5(f"{self.source}\0{self.id}\0{self.text}".encode()).hexdigest()

    @property
    def bytes(self) -> int:
        return len(self.text.encode())

    @property
    def verdict(self) -> str:
        return "dropped" if self.step else "kept"

    @property
    def judged(self) -> bool:
        return self.lang != "de"


def documents(number: int) -> list[Doc]:
    """English, Chinese and German by turns; signals and verdicts follow from RULES."""
    random = np.random.default_rng(7)
    docs = [_document(random, k) for k in range(number)]
    for doc in docs:
        entry = {"en": 0, "zh": 1}.get(doc.lang)
        doc.signals = {name: value for name, value in doc.signals.items() if entry is not None}
        doc.rules = [r.name for r in RULES if r.entry == entry and r.fires(doc.signals[r.signal])]
        doc.step = "decide" if doc.rules else None
        doc.cluster = doc.doc_id
    _duplicates(docs)
    _scrub(docs)
    return docs


def _document(random: np.random.Generator, k: int) -> Doc:
    lang = "de" if k % 23 == 5 else "zh" if k % 3 == 0 else "en"
    words = int(random.lognormal(4.9, 0.9)) + 3
    if lang == "zh":
        text = "".join(random.choice(list(ZH), words * 2))
    else:
        text = " ".join(random.choice(EN, words)) + "."
    text = text[: len(text) // 2] + f"\nDocument {k}.\n" + text[len(text) // 2 :]
    doc = Doc(text, lang, "crawl" if k % 4 else "manuals", f"record-{k}", f"https://site{k % 7}.example.org/pages/{k}")
    doc.signals = {
        "words": float(words), "mean_word_length": float(random.normal(4.6, 0.9)),
        "top_2gram_char_fraction": float(random.beta(2, 18)), "lorem_ipsum": 0.0,
        "short_line_share__c4": float(random.beta(1, 5)),
    } if lang == "en" else {
        "characters": float(len(text)), "spam_word_share": float(max(0, random.normal(0.0005, 0.003))),
    }  # fmt: skip
    return doc


def _duplicates(docs: list[Doc]) -> None:
    """Every tenth kept document is the winner of the two to eight that follow it in its language."""
    for start in range(1, len(docs), 30):
        winner = docs[start]
        if winner.step:
            continue
        following = [doc for doc in docs[start + 1 : start + 12] if doc.lang == winner.lang]
        for doc in [doc for doc in following if doc.step][:1]:  # rules dropped it, and it repeats the winner
            doc.cluster, doc.duplicate_of, doc.similarity = winner.doc_id, winner.doc_id, 0.75
        for place, doc in enumerate([doc for doc in following if not doc.step][: 2 + start % 7]):
            doc.text = winner.text if place == 0 else winner.text.replace("Document", f"Page {place}, document")
            doc.cluster, doc.duplicate_of = winner.doc_id, winner.doc_id
            doc.similarity = 1.0 if place == 0 else round(0.98 - 0.03 * place, 4)
            doc.step, doc.rules = "deduplicate", ["exact_duplicate" if place == 0 else "near_duplicate"]


def _scrub(docs: list[Doc]) -> None:
    for place, doc in enumerate(docs):
        doc.clean = doc.text
        if doc.step is None and place % 8 == 0:
            kind, value = ("PHONE_NUMBER", MOBILE) if doc.lang == "zh" else ("EMAIL_ADDRESS", EMAIL)
            start = doc.bytes
            doc.text += f" {value} "
            doc.clean += f" <{kind}> "
            doc.edits = [{"start": start + 1, "end": start + 1 + len(value), "kind": kind}]
            known = {"score": 0.5 + 0.5 * (place % 16 == 0), "action": "tag", "hash": f"{kind}{place % 24}"}
            doc.findings = [{**doc.edits[0], "type": kind, **known}]
        if doc.step is None and place % 11 == 0:
            doc.edits.append({"start": 0, "end": 4, "kind": "c4@tfds/short_line"})


def poison(docs: list[Doc]) -> None:
    """Personal data and markup wherever a report could quote them: texts, duplicates, ids, addresses, sources."""
    dropped = [doc for doc in docs if doc.step == "decide"]
    removed = [doc for doc in docs if doc.step == "deduplicate"]
    for doc in (*dropped, *removed):
        doc.text = f"{SCRIPT} write to {EMAIL} 或者联系手机{MOBILE}。" + doc.text
        doc.id = f"{SCRIPT}{EMAIL}-{doc.id}"
        doc.url = f"https://{MOBILE}.example.net/{EMAIL.replace('@', '%40')}?q={SCRIPT}&mail={EMAIL}"
    for doc in docs[::5]:
        doc.source = f"web{SCRIPT}"


def dead_letters(number: int) -> list[dict[str, Any]]:
    return [
        {"source": "crawl", "file": f"raw/part-{k % 2}.jsonl", "offset": 1000 * k, "length": 100, "row": k,
         "step": "read", "error": "JSONDecodeError: Expecting value", "sha256": "00" * 32,
         "first_bytes": f"broken {EMAIL}".encode()}
        for k in range(number)
    ]  # fmt: skip
