"""RedPajama-V2's signals: measured, nothing judged."""

from gristmill.filters.rules import Preset
from gristmill.filters.signals.redpajama2 import NAMES

REDPAJAMA2 = Preset(
    "redpajama2@together",
    "Weber et al. 2024, RedPajama (arXiv 2411.12372), togethercomputer/RedPajama-Data at 6d2cee9: its signals of "
    "documents that need no word list, language model or classifier, for the ledger; it judges nothing",
    (),
    measures=NAMES,
)
