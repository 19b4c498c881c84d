"""How a run ended: which stages are whole when a later one fails, and why a run or a source of it holds nothing."""

from collections import Counter
from dataclasses import replace

from gristmill.pipelines.errors import EmptyError
from gristmill.pipelines.records.accounts import ASIDE, DROPPED, IN, KEPT, Accounts
from gristmill.pipelines.records.dead_letters import in_words
from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.run.request import DECIDING
from gristmill.pipelines.run.standing import read_standing, standing_receipts
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store

SHOWN = 3
"""Reasons named for each source."""
NOT_SAMPLED = "not_sampled"

_LOOK = "correct format, paths or fields: `gristmill validate` looks at the first records and says what is wrong"

_DEAD = """SELECT source, step, error, count(*) AS documents FROM 'dead/*.parquet' GROUP BY ALL"""


def whole_stages(job: Job, units: list[Unit]) -> tuple[Job, dict[str, list[Receipt]]] | None:
    """The run as if it had been asked to end with the last stage that is whole, and its receipts; None: no stage is."""
    done: dict[str, list[Receipt]] = {}
    for stage, found in standing_receipts(job, units, read_standing):
        if found is None or stage == "tokens":
            break
        done[stage] = found
    if not done:
        return None
    last = list(done)[-1]
    return replace(job, until=last), {stage: found for stage, found in done.items() if stage not in DECIDING}


def emptiness(job: Job, accounts: Accounts) -> EmptyError | None:
    """The error of a run that keeps nothing, or one source of which yields no record; None where all is well."""
    kept = accounts.total(job.steps[-1], KEPT)
    silent = [name for name in job.recipe.sources if _is_silent(accounts.of(name))]
    if kept and not silent:
        return None
    named = silent if kept else list(job.recipe.sources)
    reasons = _reasons(job.store, accounts)
    lines = [f"source {name}: {_said(accounts.of(name), reasons.get(name, Counter()))}" for name in named]
    if kept:
        what = f"{'these sources yield' if len(silent) > 1 else 'a source yields'} no document"
        fix = f"{_LOOK}; or remove it from the recipe"
    else:
        what = "nothing is kept"
        fix = "loosen the rules that drop most (`change` in the recipe), or correct what cannot be read; see the report"
        if len(silent) == len(named):
            fix = _LOOK
        if any(_is_unsampled(accounts.of(name)) for name in named):
            fix = f"take a larger --sample; or {fix}"
    return EmptyError("\n    ".join([what, *lines]), where=job.store.root, fix=fix)


def _is_silent(accounts: Accounts) -> bool:
    """Whether no record of a source came through reading, and not because it was not sampled."""
    return accounts.total("extract", KEPT) == 0 and not _is_unsampled(accounts)


def _is_unsampled(accounts: Accounts) -> bool:
    return any(account.outcome == ASIDE and account.reason == NOT_SAMPLED for account in accounts)


def _reasons(store: Store, accounts: Accounts) -> dict[str, Counter[str]]:
    """By source: how many records a rule dropped first, or an error made dead letters of."""
    found: dict[str, Counter[str]] = {}
    for account in accounts:
        if account.outcome in (DROPPED, ASIDE):
            found.setdefault(account.source, Counter())[account.reason] += account.documents
    with Ledger(store) as ledger:
        for row in ledger.rows(_DEAD) if ledger.has("dead") else ():
            reason = f"{row['step']}: {in_words(row['error'])}"
            found.setdefault(row["source"], Counter())[reason] += row["documents"]
    return found


def _said(accounts: Accounts, reasons: Counter[str]) -> str:
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{reason} ({documents:,})" for reason, documents in most[:SHOWN]]
    if len(most) > SHOWN:
        shown.append(f"{len(most) - SHOWN} other reasons")
    return f"{accounts.total('read', IN):,} records" + (f"; {'; '.join(shown)}" if shown else "")
