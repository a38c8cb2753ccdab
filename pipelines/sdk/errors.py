"""The errors a user can cause, each with its exit code; `report` is the one place where they become text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; the README has the same table."""

    OK = 0
    RUN_FAILED = 1
    USAGE = 2
    BAD_PIPELINE = 3
    ENVIRONMENT = 4
    UNREACHABLE = 5
    INTERNAL = 70
    INTERRUPTED = 130


@dataclass(frozen=True)
class Finding:
    """One problem: what is wrong, where, and what to do about it.

    Args:
        what: the problem, as one clause.
        where: the file, task, parameter or service concerned; empty where `what` says it.
        mend: what to do next; empty where nothing sensible can be said.
    """

    what: str
    where: str = ""
    mend: str = ""

    def __str__(self) -> str:
        """One line: `where: what; mend`."""
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n    -> {self.mend}" if self.mend else text


class PipelineError(Exception):
    """Base of every error that is not a bug of ours.

    Args:
        findings: what is wrong; several, where several things are wrong at once.
    """

    exit_code: Exit = Exit.RUN_FAILED

    def __init__(self, *findings: Finding | str) -> None:
        self.findings = tuple(Finding(f) if isinstance(f, str) else f for f in findings)
        super().__init__("\n".join(str(f) for f in self.findings))


class UsageError(PipelineError):
    """An option, argument or pipeline parameter is wrong."""

    exit_code = Exit.USAGE


class BadPipeline(PipelineError):
    """The pipeline file cannot be read, or says something that cannot be run."""

    exit_code = Exit.BAD_PIPELINE


class EnvironmentProblem(PipelineError):
    """This machine lacks something: a program, a package, a folder that can be written."""

    exit_code = Exit.ENVIRONMENT


class Unreachable(PipelineError):
    """A server does not answer, or refuses."""

    exit_code = Exit.UNREACHABLE


class RunFailed(PipelineError):
    """A run came to its end and did not succeed."""

    exit_code = Exit.RUN_FAILED


def report(error: PipelineError) -> str:
    """The text that a user reads on standard error."""
    return "\n".join(f"error: {finding}" for finding in error.findings)
