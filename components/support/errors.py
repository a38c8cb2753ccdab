"""How a step fails for a reason its user can mend."""

from __future__ import annotations

from pipelines.sdk.errors import Finding, PipelineError, report


class StepFailed(PipelineError, SystemExit):
    """The step cannot do its work, and the message says why and what to do.

    It is a SystemExit as well: kfp's executor, Argo and a laptop then show the message as the last lines of
    the step's log, with no traceback above it, and the step ends with exit code 1.

    Args:
        findings: what is wrong; several, where several things are wrong at once.
    """

    def __init__(self, *findings: Finding | str) -> None:
        super().__init__(*findings)
        self.code = report(self)
