"""The JSON schema of a recipe, each key with the docstring below it.

pydantic would read them where the models are defined (use_attribute_docstrings), by parsing their source: half of the
time that this takes, at every start, for what only pages need.
"""

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

from gristmill.pipelines.recipe.schema import Recipe


def recipe_schema() -> dict[str, Any]:
    """Of the whole recipe, as it is written."""
    return Recipe.model_json_schema(schema_generator=_Documented)


class _Documented(GenerateJsonSchema):
    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        for name, text in _docstrings(model).items():
            made["properties"].get(model.model_fields[name].alias or name, {})["description"] = text
        return made


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Of the fields of a model, inherited ones too."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        if issubclass(one, BaseModel) and one is not BaseModel:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
            assert isinstance(definition, ast.ClassDef)
            for field, text in pairwise(definition.body):
                match field, text:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                        found[name] = inspect.cleandoc(said)
    return {name: text for name, text in found.items() if name in model.model_fields}
