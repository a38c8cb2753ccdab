"""Recognises the commands that KFP's compiler writes for lightweight components.

All SDKs from 2.0 on write the same two shell scripts: one installs packages (left out where there are none),
one puts the source into a file and starts KFP's executor. What is not one of them word for word (white space
differs) is left alone: it may do anything.
"""

from __future__ import annotations

import re

from .records import dataclass
from .task import TaskDocument

INSTALL = re.compile(
    r"if ! \[ -x \"\$\(command -v pip\)\" \]; then python3 -m ensurepip \|\| "
    r"python3 -m ensurepip --user \|\| apt-get install python3-pip fi "
    r"PIP_DISABLE_PIP_VERSION_CHECK=1 (.*) && \"\$0\" \"\$@\""
)
PIP = re.compile(r"python3 -m pip install --quiet --no-warn-script-location (.*)")
WORD = re.compile(r"""'([^'\\]*)'|"([^"\\$`]*)"|([\w./:=@%?&+~-]+)""")
START = re.compile(
    r"program_path=\$\(mktemp -d\) printf \"%s\" \"\$0\" > \"\$program_path/ephemeral_component\.py\" "
    r"(?:_KFP_RUNTIME=true )?python3 -m (kfp(?:\.\w+)+) "
    r"--component_module_path \"\$program_path/ephemeral_component\.py\" \"\$@\""
)
ARGUMENTS = ("--executor_input", "{{$}}", "--function_to_execute")


@dataclass(frozen=True)
class Bootstrap:
    """What KFP's scripts do.

    Args:
        module: that they start, `kfp.dsl.executor_main` for example.
        installs: the arguments of each `pip install`, in order.
    """

    module: str
    installs: tuple[tuple[str, ...], ...] = ()


def recognise(task: TaskDocument) -> Bootstrap | None:
    """What a step's command does, if it is one of KFP's; else None."""
    python = task.python
    if python is None or task.args != (*ARGUMENTS, python.function):
        return None
    if len(task.command) < 4:
        return None
    *install, shell, option, script, source = task.command
    start = START.fullmatch(_plain(script))
    if (shell, option, source) != ("sh", "-ec", python.source) or not start:
        return None
    if not install:
        return Bootstrap(start[1])
    installs = _installs(install[2]) if len(install) == 3 and install[:2] == ["sh", "-c"] else None
    return Bootstrap(start[1], installs) if installs else None


def _plain(script: str) -> str:
    return " ".join(script.split())


def _installs(script: str) -> tuple[tuple[str, ...], ...] | None:
    whole = INSTALL.fullmatch(_plain(script))
    parts = [PIP.fullmatch(part.strip()) for part in whole[1].split(" && ")] if whole else []
    found = []
    for part in parts:
        words = _words(part[1]) if part else None
        if not words:
            return None
        found.append(words)
    return tuple(found) or None


def _words(text: str) -> tuple[str, ...] | None:
    """A line of shell as words; None where it has more in it than KFP puts there."""
    found, at = [], 0
    while at < len(text):
        match = WORD.match(text, at)
        if not match or text[match.end() : match.end() + 1] not in ("", " "):
            return None
        found.append(next(group for group in match.groups() if group is not None))
        at = match.end() + 1
    return tuple(found)
