"""WireModel, the pydantic base of the platform's records, and the types of their fields.

A field of one of these types takes any JSON value: one that it cannot read counts as not told. Nothing raises, and
`raw` is the whole object as it came.
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
"""An object within the object; an empty one counts as not told."""


class WireModel(BaseModel):
    """One JSON object from the platform, kept whole."""

    model_config = ConfigDict(extra="allow", defer_build=True)
    ID_FIELDS: ClassVar[tuple[str, ...]] = ()
    """The fields that may hold the id; without any, the model has no id of its own."""
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def from_value(cls, data: object) -> Self:
        """Read any JSON value; what is no object becomes one with a single `value`."""
        return cls.model_validate(data)

    @property
    def raw(self) -> dict[str, Any]:
        """The object as it came, with every field this version does not know."""
        return self._raw

    def says_as(self, other: WireModel) -> bool:
        """Whether the other is made of the same object."""
        return self._raw == other.raw

    @classmethod
    def fields_of_value(cls, value: object) -> dict[str, Any]:
        """Return the fields of a value that is no object."""
        return {"value": value}

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Validate the fields that hold something; those that do not validate are left out, and stay in `raw`."""
        if isinstance(data, cls):
            return data
        raw = data if isinstance(data, dict) else {"value": data}
        told = raw if data is raw else cls.fields_of_value(data)
        # Names of fields are ASCII; one with half a surrogate pair in it would not validate.
        fields = {name: value for name, value in told.items() if value is not None and name.isascii()}
        if cls.ID_FIELDS:
            fields["id"] = identity(raw, *cls.ID_FIELDS)
        try:
            model = handler(fields)
        except ValidationError as error:
            faulty = {place for fault in error.errors() for place in fault["loc"][:1]}
            model = handler({name: value for name, value in fields.items() if name not in faulty})
        model._raw = raw  # noqa: SLF001 - its own
        return model

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireModel) and type(other) is type(self) and self._raw == other.raw

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the fields, without their values: a crash report may hold it."""
        return f"{type(self).__name__}({', '.join(self._raw)})"

    __str__ = __repr__

    def __rich_repr__(self) -> Iterator[str]:
        """Name the fields, as `__repr__` does."""
        yield from self._raw
