"""The errors of one step. The launcher knows no other part of the project, so it has its own."""

from __future__ import annotations

from collections.abc import Sequence


class LaunchError(Exception):
    """A step cannot be run, or ended badly; never a bug of ours.

    Args:
        what: the problem, as one clause.
        where: task, input or output concerned; empty where `what` says it.
        mend: what to do about it; empty where nothing sensible can be said.
        exit_code: with which the launcher ends because of it.
    """

    def __init__(self, what: str, where: str = "", mend: str = "", exit_code: int = 1) -> None:
        # All of them are `args`, so that the error survives being pickled between processes.
        super().__init__(what, where, mend, exit_code)
        self.what = what
        self.where = where
        self.mend = mend
        self.exit_code = exit_code

    def __str__(self) -> str:
        """One line: `where: what; mend`."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.mend}" if self.mend else text

    def at(self, where: str) -> LaunchError:
        """The same error, seen from outside: `where` goes before its own place."""
        place = f"{where}, {self.where}" if self.where else where
        return type(self)(self.what, place, self.mend, self.exit_code)


class WireError(LaunchError):
    """A value cannot travel between steps; `where` is the path inside the value, such as `['a'][3]`."""


def shorten(value: object, limit: int = 60) -> str:
    """The value as a message can show it: its Python form, cut after `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def together(errors: Sequence[LaunchError]) -> LaunchError:
    """One error that says them all, each once.

    Args:
        errors: at least one.
    """
    first, *more = dict.fromkeys(str(error) for error in errors)
    if not more:
        return errors[0]
    return LaunchError("; also ".join([first, *more]), exit_code=errors[0].exit_code)
