"""Frozen dataclasses that a pod can afford.

Importing `dataclasses` and letting it write the methods of a dozen classes takes longer than all else that
the launcher does; several times so where the standard library is not compiled, as in the official Python
images. These look the same, also to type checkers and to `dataclasses.replace` and its kin.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the one of `typing` costs the import of `typing`
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field, dataclass, field, replace
    from typing import Any
else:

    class Factory:
        """A default that every record gets its own of."""

        def __init__(self, make: Callable[[], Any]) -> None:
            self.make = make

    def field(*, default_factory: Callable[[], Any]) -> Factory:
        """As in `dataclasses`."""
        return Factory(default_factory)

    def dataclass(*, frozen: bool) -> Callable[[type], type]:
        """As in `dataclasses`, for classes that do not change and inherit nothing."""
        if not frozen:
            raise TypeError("a record does not change")
        return _as_record

    def _as_record(cls: type) -> type:
        names = tuple(cls.__annotations__)
        defaults = {name: cls.__dict__[name] for name in names if name in cls.__dict__}
        for name, default in defaults.items():
            if isinstance(default, Factory):
                delattr(cls, name)
        cls._names, cls._defaults = names, defaults
        for method in (__init__, __setattr__, __delattr__, __eq__, __hash__, __repr__):
            setattr(cls, method.__name__, method)
        cls.__dataclass_fields__ = _Fields()
        cls.__match_args__ = names
        return cls

    def replace(changed: Any, **changes: Any) -> Any:
        """As in `dataclasses`."""
        return type(changed)(**{**changed.__dict__, **changes})

    def __init__(self: Any, *values: Any, **named: Any) -> None:
        given = dict(zip(self._names, values))
        if len(values) > len(self._names) or given.keys() & named.keys() or named.keys() - set(self._names):
            raise TypeError(f"{type(self).__name__} takes {', '.join(self._names)}, each once")
        given.update(named)
        for name in self._names:
            if name not in given:
                if name not in self._defaults:
                    raise TypeError(f"{type(self).__name__} lacks {name!r}")
                default = self._defaults[name]
                given[name] = default.make() if isinstance(default, Factory) else default
            self.__dict__[name] = given[name]

    def __setattr__(self: Any, name: str, value: Any) -> None:
        raise AttributeError(f"a {type(self).__name__} does not change: {name!r}")

    def __delattr__(self: Any, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} does not change: {name!r}")

    def __eq__(self: Any, other: object) -> bool:
        return self.__dict__ == other.__dict__ if type(self) is type(other) else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(tuple(self.__dict__.values()))

    def __repr__(self: Any) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__qualname__}({inside})"

    class _Fields:
        """What makes a class a dataclass; made when a function of `dataclasses` asks for it."""

        def __get__(self, instance: Any, owner: type) -> dict[str, Field[Any]]:
            from dataclasses import field, make_dataclass

            fields = [
                (name, kind, _as_field(owner._defaults[name], field) if name in owner._defaults else field())
                for name, kind in owner.__annotations__.items()
            ]
            owner.__dataclass_fields__ = make_dataclass(owner.__name__, fields).__dataclass_fields__
            return owner.__dataclass_fields__

    def _as_field(default: Any, field: Callable[..., Any]) -> Any:
        return field(default_factory=default.make) if isinstance(default, Factory) else field(default=default)


__all__ = ["dataclass", "field", "replace"]
