"""JSON Schemas of what launchers write, kept to the fields that they write: a field too many is an error as well.

`kubernetes_job` follows the API batch/v1 of Kubernetes 1.37 (the tests also hold every spec against the whole of it, in
kubernetes-validate), `vertex_custom_job` the reference of projects.locations.customJobs, v1.
"""

import json
from pathlib import Path
from typing import Any, TypeVar

from gristmill.pipelines.errors import RecipeError

T = TypeVar("T")


def check(spec: T, name: str) -> T:
    """The spec. Raises RecipeError that names the first field that the schema does not allow."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_bytes())
    error = best_match(Draft202012Validator(schema).iter_errors(spec))
    if error is not None:
        place = ".".join(map(str, error.absolute_path)) or "the spec"
        fix = "correct the option of the target that it comes from (docs/launching.md)"
        raise RecipeError(f"the spec is not valid: {error.message[:300]}", where=f"{name}: {place}", fix=fix)
    return spec
