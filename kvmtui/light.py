"""What keeps a start short: a light ``NamedTuple``, and modules imported when they are used.

``typing.NamedTuple`` costs 2 ms to import and up to 1.5 ms for each class, more than all
that `list` does with ten guests. To a type checker this one is the same: import it as

    TYPE_CHECKING = False
    if TYPE_CHECKING:
        from typing import NamedTuple
    else:
        from kvmtui.light import NamedTuple
"""

from __future__ import annotations

import sys
from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self


class Later:
    """A module that is imported when something of it is first asked for.

    Two thirds of what the interface can do is not needed for its first picture. To a type
    checker it is the module itself:

        if TYPE_CHECKING:
            from kvmtui.manage import changing
        else:
            changing = Later("kvmtui.manage.changing")
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        __import__(self._module)
        return getattr(sys.modules[self._module], name)


class NamedTuple(tuple):  # type: ignore[type-arg]
    """Base of a class whose annotations are its fields; the module must import annotations."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _field_defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls._fields = tuple(cls.__annotations__)
        cls._field_defaults = {
            field: cls.__dict__[field] for field in cls._fields if field in cls.__dict__
        }
        for index, field in enumerate(cls._fields):
            setattr(cls, field, property(itemgetter(index)))

    def __new__(cls, *values: Any, **named: Any) -> Self:
        """Values by position, then by name, then the defaults."""
        if not named and len(values) == len(cls._fields):
            return tuple.__new__(cls, values)
        rest = cls._fields[len(values) :]
        if rest or named:
            given = {**cls._field_defaults, **named}
            values += tuple(given[field] for field in rest if field in given)
        if len(values) != len(cls._fields) or not named.keys() <= set(rest):
            raise TypeError(f"{cls.__name__} takes {', '.join(cls._fields)}")
        return tuple.__new__(cls, values)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def __repr__(self) -> str:
        pairs = (f"{field}={value!r}" for field, value in self._asdict().items())
        return f"{type(self).__name__}({', '.join(pairs)})"

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **named: Any) -> Self:
        values, fields = list(self), self._fields
        for field, value in named.items():
            if field not in fields:
                raise TypeError(f"{type(self).__name__} takes {', '.join(fields)}")
            values[fields.index(field)] = value
        return tuple.__new__(type(self), values)
