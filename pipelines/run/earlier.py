"""Which recipes have stored what they measured in a run directory: another one decides again instead of reading.

`_work/measured/<key of the texts>-<key of the score stage>.json` says what the numbers of that stage are.
"""

from gristmill.filters.measured import Measured
from gristmill.pipelines.errors import DamageError
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.run.job import Job
from gristmill.pipelines.stages.decide_again import Earlier
from gristmill.pipelines.storage.layout import MEASURED
from gristmill.pipelines.storage.receipt_book import ReceiptBook


def note_measured(job: Job) -> None:
    """Say what this job's score stage measures, before it does."""
    job.store.write_sealed(_path(job), {"judge": judge_of(job.recipe).measured.to_json()})


def find_earlier(job: Job) -> tuple[Earlier, ...]:
    """The other recipes that read the same texts, in the order of their keys. What is damaged is left out."""
    found = []
    for name in job.store.names(MEASURED):
        texts, _, key = name.removesuffix(".json").partition("-")
        if texts != job.texts or key == job.books["score"].key:
            continue
        try:
            noted = job.store.read_sealed(f"{MEASURED}/{name}")
        except DamageError:
            continue
        if noted is not None:
            found.append(Earlier(ReceiptBook(job.store, "score", key), Measured.from_json(noted["judge"])))
    return tuple(found)


def forget_earlier(job: Job) -> None:
    """Before a run is published: its documents will be all that the folder holds."""
    for name in job.store.names(MEASURED):
        if (path := f"{MEASURED}/{name}") != _path(job):
            job.store.delete(path)


def _path(job: Job) -> str:
    return f"{MEASURED}/{job.texts}-{job.books['score'].key}.json"
