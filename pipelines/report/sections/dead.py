"""The records that could not be processed, by step, error and file; never their content."""

from dataclasses import dataclass

from gristmill.pipelines.report.material import Material

GROUPS = 40
"""Shown; the others are counted."""

DEAD_QUERY = """\
SELECT step, error, source, file, count(*) AS documents, sum(length)::BIGINT AS bytes, min("offset") AS first_offset
FROM 'dead/*.parquet'
GROUP BY ALL ORDER BY documents DESC, step, error, source, file"""


@dataclass(frozen=True)
class DeadGroup:
    """Records of a file that failed with the same error; `offset` is the first one's place in the file."""

    step: str
    error: str
    source: str
    file: str
    documents: int
    bytes: int
    offset: int


@dataclass(frozen=True)
class DeadLetters:
    """Records that could not be processed; `others` says how many groups are not listed."""

    documents: int
    bytes: int
    groups: list[DeadGroup]
    others: int
    query: str


def build_dead(material: Material) -> DeadLetters | None:
    """Dead letters by step, error and file, never their content; None without any."""
    if not material.ledger.has("dead"):
        return None
    rows = material.ledger.rows(DEAD_QUERY)
    if not rows:
        return None
    return DeadLetters(
        documents=sum(row["documents"] for row in rows),
        bytes=sum(row["bytes"] for row in rows),
        groups=[
            DeadGroup(
                step=row["step"],
                error=material.excerpts.name(row["error"] or ""),
                source=material.excerpts.name(row["source"]),
                file=material.excerpts.name(row["file"] or ""),
                documents=row["documents"],
                bytes=row["bytes"],
                offset=row["first_offset"],
            )
            for row in rows[:GROUPS]
        ],
        others=max(0, len(rows) - GROUPS),
        query=DEAD_QUERY,
    )
