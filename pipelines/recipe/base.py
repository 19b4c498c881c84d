"""What the models of a recipe share: sizes, shares, names, and what they do with unknown keys."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from gristmill.pipelines.recipe.sizes import parse_bytes, parse_share


def as_list(value: Any) -> Any:
    """A single string is a list of one."""
    return [value] if isinstance(value, str) else value


def as_keys(value: Any) -> Any:
    """A list of names is a mapping from them to nothing."""
    names = as_list(value)
    return dict.fromkeys(names) if isinstance(names, list) and all(isinstance(n, str) for n in names) else value


@dataclass(frozen=True)
class Expected:
    """What a place of the recipe expects, where its type alone would not say it well."""

    text: str


Bytes = Annotated[
    int, BeforeValidator(parse_bytes), Field(ge=1, le=2**60), Expected("a size such as 16MB, from 1 B to 1 EiB")
]
Fraction = Annotated[float, BeforeValidator(parse_share)]
"""A number that may also be written in percent; its bounds are its field's."""
Share = Annotated[Fraction, Field(ge=0, le=1), Expected("a share from 0 to 1, such as 0.01 or 1%")]
Names = Annotated[list[str], BeforeValidator(as_list), Field(min_length=1), Expected("a name, or a list of some")]
Paths = Annotated[list[str], BeforeValidator(as_list), Expected("a path, or a list of paths")]
ModelPath = Annotated[str, Expected("a path, `starter`")]
ModelPaths = Annotated[dict[str, str], Expected("a mapping from languages to paths")]


class Model(BaseModel):
    """Unknown keys are errors, infinite numbers too; values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """pydantic would take it for 1."""
        if isinstance(value, bool) and info.field_name and "bool" not in str(cls.model_fields[info.field_name]):
            raise PydanticCustomError("flag", "true and false are no value here")
        return value
