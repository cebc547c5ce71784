"""WireModel, the pydantic base class of the platform's records, and the types of their fields.

A field of one of these types accepts any JSON value: one that it cannot convert counts as missing. Nothing raises,
and `raw` is the whole object.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from tui.client.json_values import (
    count_of,
    flag_of,
    identity,
    items_of,
    number_of,
    parse_time,
    text_of,
    text_or_empty,
    texts_of,
)

T = TypeVar("T")
Text = Annotated[str | None, BeforeValidator(text_of)]
Name = Annotated[str, BeforeValidator(text_or_empty)]
Flag = Annotated[bool, BeforeValidator(flag_of)]
Count = Annotated[int, BeforeValidator(count_of)]
Number = Annotated[float | None, BeforeValidator(number_of)]
Moment = Annotated[datetime | None, BeforeValidator(parse_time)]
Texts = Annotated[tuple[str, ...], BeforeValidator(texts_of)]
Items = Annotated[tuple[T, ...], BeforeValidator(items_of)]
Nested = Annotated[T | None, BeforeValidator(lambda value: value or None)]
"""A nested object; an empty one counts as missing."""


class WireModel(BaseModel):
    """A model of a JSON object from the platform, which also keeps the whole object."""

    model_config = ConfigDict(extra="allow", defer_build=True)
    ID_FIELDS: ClassVar[tuple[str, ...]] = ()
    """The names of the fields that can hold the id; empty for a model without an id."""
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_value(cls, data: object) -> Self:
        """Create a model from any JSON value; one that is not an object becomes an object with a single `value`."""
        return cls.model_validate(data)

    @property
    def raw(self) -> dict[str, Any]:
        """The raw object with all its fields, also those that this version does not know."""
        return self._raw

    def has_same_json(self, other: WireModel) -> bool:
        """Return whether another model has the same JSON."""
        return self._raw == other.raw

    @classmethod
    def fields_of_value(cls, value: object) -> dict[str, Any]:
        """Return the fields for a value that is not an object."""
        return {"value": value}

    @model_validator(mode="wrap")
    @classmethod
    def _validate_leniently(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Validate all fields that are not null; drop those that do not validate, which remain in `raw`."""
        if isinstance(data, cls):
            return data
        if isinstance(data, dict):
            raw = data
            values = data
        else:
            raw = {"value": data}
            values = cls.fields_of_value(data)
        # Field names are ASCII. A name with a lone surrogate would fail the whole validation.
        fields = {name: value for name, value in values.items() if value is not None and name.isascii()}
        if cls.ID_FIELDS:
            fields["id"] = identity(raw, *cls.ID_FIELDS)
        try:
            model = handler(fields)
        except ValidationError as error:
            invalid_names = {name for problem in error.errors() for name in problem["loc"][:1]}
            model = handler({name: value for name, value in fields.items() if name not in invalid_names})
        model._raw = raw  # noqa: SLF001 - an attribute of this class
        return model

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireModel) and type(other) is type(self) and self._raw == other.raw

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the names of the fields without values, because a crash report may contain it."""
        return f"{type(self).__name__}({', '.join(self._raw)})"

    __str__ = __repr__

    def __rich_repr__(self) -> Iterator[str]:
        """Yield the names of the fields, as `__repr__` does."""
        yield from self._raw
