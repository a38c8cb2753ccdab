"""The arguments of a pod's container, taken apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from .errors import LaunchError, shorten
from .records import dataclass, field

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
        programs: JSON of what is to be done with a value first, by name.
        held: where Argo has put an artifact, by name.
        held_below: where Argo has put all artifacts whose URI begins so.
        mounts: local folder for each scheme; those not named keep KFP's own.
    """

    step: str
    task: str
    root: str
    run: Mapping[str, str]
    pod: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    held_below: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)


def read(arguments: Sequence[str]) -> Options:
    """Read `--step=KEY --task=PATH --root=URI --run=JSON --pod=NAME`, and any number of the others.

    The others are `--in=NAME=TEXT`, `--via=NAME=PROGRAM`, `--artifact=NAME=JSON`, `--held=NAME=PATH`,
    `--held-below=URI=PATH` and, for a machine that is no pod, `--mount=SCHEME://=FOLDER`.

    Args:
        arguments: `@/path` stands for the text of that file: Argo's executor replaces so what has more than
            128 KiB, which the kernel does not take in one argument.

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
        step=once["step"],
        task=once["task"],
        root=once["root"].rstrip("/"),
        run=_run(once["run"]),
        pod=once["pod"],
        parameters=named["in"],
        artifacts=named["artifact"],
        programs=named["via"],
        held=named["held"],
        held_below=named["held-below"],
        mounts=named["mount"],
    )


def _whole(argument: str) -> str:
    if not argument.startswith("@"):
        return argument
    try:
        with open(argument[1:], encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(f"{shorten(argument)} cannot be read: {error}") from None


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
