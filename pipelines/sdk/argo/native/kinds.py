"""Which steps are launched by Python in their image, and which run as they are."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.sdk.argo.native.naming import StepNaming
from pipelines.sdk.argo.native.words import Inexpressible, Reader, Word
from pipelines.sdk.plan import Step
from pipelines.sdk.settings import STEP_IMAGE

_PYTHON = ("kfp.dsl.executor_main", "python3 -m", "python -m")


def is_python(step: Step) -> bool:
    """Whether a step's image obviously has Python.

    Args:
        step: any step.
    """
    if step.python or step.image == STEP_IMAGE:
        return True
    program = step.command[0].rpartition("/")[2] if step.command else ""
    repository = step.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    own = STEP_IMAGE.partition(":")[0].rpartition("/")[2]
    words = (*step.command, *step.args)
    return (
        program.startswith("python")
        or repository in ("python", own)
        or any(mark in word for word in words for mark in _PYTHON)
    )


def parts(step: Step, naming: StepNaming) -> tuple[Mapping[str, tuple[Word, ...]], list[Inexpressible]]:
    """The command, the arguments and the image of a step in words, and what in them needs a launcher.

    Args:
        step: the step.
        naming: of its placeholders.
    """
    reader = Reader(naming)
    found = {
        "command": reader.words(step.command),
        "args": reader.words(step.args),
        "image": reader.words((step.image,)),
    }
    problems = list(reader.problems)
    if not found["command"]:
        problems.append(
            Inexpressible(
                "it",
                "has no command, and Argo would have to ask the image's registry",
                "write the image's entry point into its command, or name the component with --launched "
                "if its image has python3",
            )
        )
    lists = [name for name, spec in step.interface.output_artifacts.items() if spec.is_list]
    problems += [Inexpressible(f"output {name!r}", "is a list of artifacts") for name in lists]
    return found, problems
