import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.pipelines.report.documents import EMAIL, MOBILE, RULES, SCRIPT, Doc, Rule, dead_letters, documents, poison
from tests.pipelines.report.written import write_metrics, write_run


def scrub(text: str) -> str:
    """Stands in for gristmill.filters.pii: the two kinds of personal data that these tests plant."""
    text = re.sub(r"[\w.+-]+(?:@|%40)[\w-]+\.[\w.]+", "<EMAIL_ADDRESS>", text, flags=re.ASCII)
    return re.sub(r"(?<!\d)1[3-9]\d{9}(?!\d)", "<PHONE_NUMBER>", text, flags=re.ASCII)


@dataclass(frozen=True)
class Runs:
    """Makes run directories below one folder."""

    folder: Path

    def whole(self, name: str = "whole", number: int = 360, *, poisoned: bool = False) -> Path:
        docs = documents(number)
        dead = dead_letters(5 if number > 1 else 0)
        if poisoned:
            poison(docs)
            for letter in dead:
                letter["file"] = f"{SCRIPT}/{EMAIL}/{MOBILE}.jsonl"
                letter["error"] = f"ValueError: {SCRIPT} {EMAIL} {MOBILE}"
        run = write_run(self.folder / name, docs, dead)
        if number > 1:
            write_metrics(run)
        return run


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, for tests that only read it."""
    return Runs(tmp_path_factory.mktemp("runs")).whole()


@pytest.fixture(scope="session")
def docs() -> list[Doc]:
    """The documents that `run` holds: the truth that its report is compared with."""
    return documents(360)


@pytest.fixture(scope="session")
def rules() -> tuple[Rule, ...]:
    """The rules that judged them."""
    return RULES


@pytest.fixture(scope="session", name="scrub")
def scrub_fixture() -> Callable[[str], str]:
    return scrub


@pytest.fixture(scope="session")
def planted() -> tuple[str, str, str]:
    """E-mail address, mobile number and markup that a poisoned run holds."""
    return EMAIL, MOBILE, SCRIPT


@pytest.fixture(scope="session")
def run_maker() -> type[Runs]:
    """For session fixtures that need a run of their own."""
    return Runs
