"""The Flex Template: its parameters, made from the options of a run and of a job; its file on Cloud Storage."""

import json
import re
from pathlib import Path
from typing import Any

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.run.request import STAGES
from gristmill.pipelines.runners.dataflow.options import DataflowOptions

METADATA = Path(__file__).with_name("metadata.json")
SCHEMA = Path(__file__).with_name("template.schema.json")
NAME = "gristmill"
GIVEN = {"project", "region", "temp_location", "staging_location", "sdk_container_image"}
"""Options that the service hands to the launcher by itself, and the image, which is the launcher's own."""
ADDRESS = r"^gs://[a-z0-9][a-z0-9._-]+/.+$"
OURS: tuple[tuple[str, str, str, bool], ...] = (
    ("recipe", "The recipe, gs://...; files that it names by relative paths lie beside it.", ADDRESS, False),
    ("out", "Run directory on Cloud Storage, gs://...", ADDRESS, False),
    ("until", f"Stop after a stage: {', '.join(STAGES)}.", f"^({'|'.join(STAGES)})$", True),
    ("sample", "Share of documents, chosen by hash of doc_id, such as 0.01.", r"^(0?\.[0-9]+|1|1\.0+)$", True),
)  # fmt: skip
"""Of a run: name, help, pattern, whether it may be left out."""
_TYPES = {"recipe": "GCS_READ_FILE", "out": "GCS_WRITE_FOLDER"}


def metadata() -> dict[str, Any]:
    """Name, description and parameters, as the service shows and checks them."""
    of_run = [
        parameter(name, text, [pattern], optional, _TYPES.get(name, "TEXT")) for name, text, pattern, optional in OURS
    ]
    of_job = [
        parameter(name, text, _patterns(field), True)
        for name, field in DataflowOptions.model_fields.items()
        if name not in GIVEN and (text := " ".join((field.description or "").split()))
    ]
    text = "Reads, judges, deduplicates, scrubs and tokenizes a corpus as a recipe says; `gristmill run` concludes it."
    return {"name": NAME, "description": text, "streaming": False, "parameters": of_run + of_job}


def parameter(name: str, text: str, patterns: list[str], optional: bool, kind: str = "TEXT") -> dict[str, Any]:
    """One parameter."""
    label = name.replace("_", " ").capitalize()
    rest = {"regexes": patterns} if patterns else {}
    return {"name": name, "label": label, "helpText": text, "isOptional": optional, "paramType": kind, **rest}


def _patterns(field: FieldInfo) -> list[str]:
    """What a value has to match, from the field's type and bounds."""
    for rule in field.metadata:
        if pattern := getattr(rule, "pattern", None):
            return [pattern]
    if any(isinstance(rule, Ge | Le) for rule in field.metadata):
        return ["^[0-9]+$"]
    if values := re.findall(r"'([A-Z_]+)'", str(field.annotation)):
        return [f"^({'|'.join(values)})$"]
    return ["^(true|false)$"] if "bool" in str(field.annotation) else []


def spec(image: str) -> dict[str, Any]:
    """The file of the template on Cloud Storage: the image, and what it takes."""
    return {"image": image, "sdkInfo": {"language": "PYTHON"}, "metadata": metadata()}


def checked(value: dict[str, Any], part: str) -> dict[str, Any]:
    """The value, if it is one by the schema: `metadata`, `spec`. Raises RunnerError."""
    import jsonschema

    schema = json.loads(SCHEMA.read_bytes())
    try:
        jsonschema.validate(value, {**schema, "$ref": f"#/$defs/{part}"})
    except jsonschema.ValidationError as error:
        where = f"{SCHEMA.name}, {part}, {'/'.join(map(str, error.absolute_path))}"
        raise RunnerError(
            f"no template: {error.message[:300]}", where=where, fix="this is a bug; please report it"
        ) from None
    return value
