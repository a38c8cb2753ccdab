"""A part of requirements.lock: some packages with all that they need, to the hash as the lock has them.

One lock for every image: what a model was trained with is what it is served with. Usage:

    python3 part_of_lock.py requirements.lock step.txt >part.txt
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]*)(\[[^]]*\])?==")
_VIA = re.compile(r"    # +(?:via )?(?P<parent>[a-z0-9][a-z0-9._-]*)")


@dataclass(frozen=True)
class Pin:
    """A package of a lock; universal locks name some several times, with markers.

    Args:
        name: of the package.
        text: its lines: version, marker, hashes and who needs it.
        parents: names of the packages that need it.
    """

    name: str
    text: str
    parents: frozenset[str]


def pins(lock: str) -> Iterator[Pin]:
    """The packages of a lock that `uv pip compile --generate-hashes` wrote.

    Args:
        lock: its text.
    """
    for block in re.split(r"(?m)^(?=[a-z0-9])", lock)[1:]:
        head = _PIN.match(block)
        if head is None:
            raise SystemExit(f"error: this is no pinned package: {block.partition(chr(10))[0]}")
        found = (_VIA.match(line) for line in block.splitlines())
        yield Pin(head["name"], block, frozenset(each["parent"] for each in found if each))


def part(lock: str, wanted: Sequence[str]) -> str:
    """The lines of a lock for some packages and for all that they need.

    Args:
        lock: its text.
        wanted: names of packages, as the lock spells them.

    Raises:
        SystemExit: the lock has none of that name.
    """
    known = tuple(pins(lock))
    if missing := sorted(set(wanted) - {pin.name for pin in known}):
        raise SystemExit(
            f"error: the lock does not have {', '.join(missing)}: add it to pyproject.toml, make lock"
        )
    names = set(wanted)
    while needed := {pin.name for pin in known if pin.parents & names} - names:
        names |= needed
    return "".join(pin.text for pin in known if pin.name in names)


def names_in(text: str) -> list[str]:
    """Names of packages, one a line; comments begin with #."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


if __name__ == "__main__":
    lock_file, names_file = map(Path, sys.argv[1:])
    sys.stdout.write(part(lock_file.read_text(), names_in(names_file.read_text())))
