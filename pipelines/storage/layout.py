"""What lies where in a run directory, and which names are a run's own: nothing else in it is swept or removed."""

import re

STATE, RECIPE, MANIFEST, LOG = "run.json", "recipe.yaml", "manifest.json", "run.log"
LOCK_FILE = ".lock"
PLAN = "_plan/units.arrow"
PLAN_MARK = {b"gristmill": b"units"}
"""In the metadata of the plan: it tells a run directory where run.json is damaged."""
INVENTORY = "_plan/inventory.json"
REPORT, PAGE, REPORT_LIST = "report/report.json", "report/index.html", "report/files.json"
NOTES, ATTEMPTS, MEASURED = "_work/notes", "_work/attempts", "_work/measured"

PRIVATE = ("curated", "dropped", "dead", "_work")
"""Folders that hold raw text: mode 0700, emptied by `gristmill clean`."""

DATASETS = (
    "text",
    "ledger",
    "clusters",
    "contamination",
    "dropped",
    "dead",
    "curated",
    "tokens/train",
    "tokens/validation",
    "tokens/test",
    "tokens/plan",
)
"""Published datasets with a folder of their own, in which a part of an earlier recipe must not stay."""

MODEL, CARD, INDEX = "tokenizer/tokenizer.model", "tokenizer/info.json", "tokens/index.json"
LOADED = ("tokenizer/tokenizer.json", "tokenizer/tokenizer_config.json", "tokenizer/chat_template.jinja")
"""The tokenizer as other libraries load it (tokenizer/huggingface.py)."""
FIXED = (MODEL, CARD, *LOADED, INDEX)
"""What readers know by a name without a hash: copies of parts under `_work`, made when a run concludes."""

PLUGINS = "plugins"
"""Copies of the files that a recipe's `plugins` names."""
MODELS = "models"
"""Copies of the models of its `classifiers`."""
COPIES = (PLUGINS, MODELS)

_PART = re.compile(r"([0-9a-f]{16}-\d{2,}|(train|validation|test)-\d+)-[0-9a-f]{16}\.(arrow|parquet)")
_COPY = {PLUGINS: re.compile(r"[0-9a-f]{16}-.+\.py", re.DOTALL), MODELS: re.compile(r"[0-9a-f]{16}-.+", re.DOTALL)}


def stem_of(unit: str) -> str:
    """What the names of a unit's parts begin with, in every dataset."""
    return unit[:16]


def is_ours(path: str) -> bool:
    """Whether a run gives such a name to a file there: a part of a dataset, a plugin, anything in its work space."""
    folder, _, name = path.rpartition("/")
    if folder in DATASETS:
        return _PART.fullmatch(name) is not None
    return path.startswith("_work/") or (folder in _COPY and _COPY[folder].fullmatch(name) is not None)
