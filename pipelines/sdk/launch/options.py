"""The arguments of a pod's container, taken apart."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LaunchError, shorten
from .travel import Program, read_program

ONCE = ("step", "task", "root", "run", "pod")
NAMED = ("in", "via", "artifact", "held", "held-below", "mount")


@dataclass(frozen=True)
class Options:
    """What Argo says to a step.

    Args:
        step: key of the step's document.
        task: path of the task.
        root: URI below which runs put their artifacts, without a slash at its end.
        run: `name`, `uid`, `created` and `scheduled` of the workflow.
        pod: name of the pod.
        parameters: wire text by name.
        artifacts: JSON of a record, or a list of them, by name.
        programs: what is to be done with a value first, by name.
        held: where Argo has put an artifact, by name.
        held_below: where Argo has put all artifacts whose URI begins so, without a slash at its end.
        mounts: local folder for each scheme; those not named keep KFP's own.
    """

    step: str
    task: str
    root: str
    run: Mapping[str, str]
    pod: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, Program] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    held_below: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)


def read(arguments: Sequence[str]) -> Options:
    """Read `--step=KEY --task=PATH --root=URI --run=JSON --pod=NAME`, and any number of the others.

    The others are `--in=NAME=TEXT`, `--via=NAME=PROGRAM`, `--artifact=NAME=JSON`, `--held=NAME=PATH`,
    `--held-below=URI=PATH` and `--mount=SCHEME://=FOLDER`.

    Args:
        arguments: `@/path` stands for the text of that file, where Argo has put what is too long.

    Raises:
        LaunchError: one of the first is missing, or something else is none of them.
    """
    once: dict[str, str] = {}
    named: dict[str, dict[str, str]] = {option: {} for option in NAMED}
    for argument in map(_whole, arguments):
        option, separator, rest = argument[2:].partition("=")
        if argument.startswith("--") and separator and option in ONCE:
            once[option] = rest
            continue
        # An address can hold a `=`, but a folder of ours does not.
        cut = rest.rpartition if option in ("held-below", "mount") else rest.partition
        name, equals, value = cut("=")
        if not argument.startswith("--") or option not in NAMED or not equals:
            raise _unusable(f"{shorten(argument)} is no option of the launcher")
        named[option][name] = value
    if missing := [f"--{option}" for option in ONCE if not once.get(option)]:
        raise _unusable(f"{', '.join(missing)} is missing")
    return Options(
        once["step"],
        once["task"],
        once["root"].rstrip("/"),
        _run(once["run"]),
        once["pod"],
        named["in"],
        named["artifact"],
        dict(_programs(named["via"].items())),
        named["held"],
        named["held-below"],
        named["mount"],
    )


def _whole(argument: str) -> str:
    if not argument.startswith("@/"):
        return argument
    try:
        return Path(argument[1:]).read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(f"{argument} cannot be read: {error}") from None


def _programs(given: Iterable[tuple[str, str]]) -> Iterable[tuple[str, Program]]:
    for name, text in given:
        try:
            yield name, read_program(text)
        except LaunchError as error:
            raise error.at(f"input {name!r}") from None


def _run(text: str) -> Mapping[str, str]:
    try:
        run = json.loads(text)
        return {key: str(run[key]) for key in ("name", "uid", "created", "scheduled")}
    except (ValueError, KeyError, TypeError):
        raise _unusable(f"--run={shorten(text)} is not the facts about a run") from None


def _unusable(what: str) -> LaunchError:
    return LaunchError(
        what, mend="compile the pipeline again: its documents and launcher go together", exit_code=2
    )
