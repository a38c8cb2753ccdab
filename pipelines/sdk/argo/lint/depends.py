"""What a DAG's task waits for: `depends` and `dependencies`, and who comes before whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RESULTS = frozenset(
    ["Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed"]
)
OF_LOOPS = frozenset({"AnySucceeded", "AllFailed"})
_TOKEN = re.compile(
    r"\s*(?:(?P<task>[a-zA-Z0-9][-a-zA-Z0-9_]*)(?:\.(?P<result>\w+))?|(?P<sign>&&|\|\||[!()]))"
)


@dataclass(frozen=True)
class Need:
    """A task that another one waits for.

    Args:
        task: its name.
        result: `Succeeded` and so on; "" where only the name stands there.
    """

    task: str
    result: str = ""


def read(text: str) -> tuple[tuple[Need, ...], str]:
    """Reads `depends`.

    Args:
        text: of the field.

    Returns:
        What it names, and why it cannot be read ("" where it can).
    """
    needs: list[Need] = []
    position, depth, operand = 0, 0, False
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if not match:
            return tuple(needs), f"{text[position:].strip()[:20]!r} means nothing here"
        position = match.end()
        sign = match["sign"]
        if operand != (sign in ("&&", "||", ")")):
            return tuple(needs), f"{match[0].strip()!r} cannot stand there"
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
        elif not sign:
            needs.append(Need(match["task"], match["result"] or ""))
        operand = sign in (None, ")")
        if depth < 0:
            return tuple(needs), "a ) closes nothing"
    if depth:
        return tuple(needs), "a ( is never closed"
    return tuple(needs), "" if operand else "it ends in the middle"


@dataclass(frozen=True)
class Order:
    """Who comes before whom.

    Args:
        position: of each task.
        before: by task, a bit for the position of each one that comes before it.
        circle: tasks that wait for one another, the first of them once more at the end.
    """

    position: Mapping[str, int]
    before: Mapping[str, int]
    circle: tuple[str, ...] = ()

    def waits(self, task: str, other: str) -> bool:
        """Whether a task starts after another one has ended.

        Args:
            task: its name.
            other: the name of the other.
        """
        position = self.position.get(other)
        return position is not None and bool(self.before.get(task, 0) >> position & 1)


def order(needs: Mapping[str, Sequence[str]]) -> Order:
    """Who comes before whom.

    Args:
        needs: by task, those that it waits for itself.
    """
    names, circle = _sorted(needs)
    position = {name: index for index, name in enumerate(names)}
    before: dict[str, int] = {}
    for name in names:
        before[name] = 0
        for need in needs[name]:
            before[name] |= before.get(need, 0) | (1 << position[need] if need in position else 0)
    return Order(position, before, tuple(circle))


def _sorted(needs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    waiting = {name: {need for need in wanted if need in needs} for name, wanted in needs.items()}
    users: dict[str, list[str]] = {name: [] for name in needs}
    for name, wanted in waiting.items():
        for need in wanted:
            users[need].append(name)
    ready = [name for name, wanted in waiting.items() if not wanted]
    order: list[str] = []
    while ready:
        name = ready.pop()
        order.append(name)
        for user in users[name]:
            waiting[user].discard(name)
            if not waiting[user]:
                ready.append(user)
    left = [name for name in needs if name not in set(order)]
    return [*order, *left], _circle(left, waiting)


def _circle(left: Sequence[str], waiting: Mapping[str, set[str]]) -> list[str]:
    """One circle among tasks that all wait for another of them."""
    if not left:
        return []
    seen: list[str] = []
    name = left[0]
    while name not in seen:
        seen.append(name)
        name = min(waiting[name])
    return [*seen[seen.index(name) :], name]
