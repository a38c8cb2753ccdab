"""A step of the Plan as the launcher's task document."""

from __future__ import annotations

from pipelines.sdk import launch
from pipelines.sdk.plan import Step


def task_document(path: str, step: Step) -> launch.TaskDocument:
    """Says to the launcher what the Plan says of a step.

    Args:
        path: of the task.
        step: its body.
    """
    takes, python = step.interface, step.python
    return launch.TaskDocument(
        name=path,
        component=step.component,
        image=step.image,
        command=step.command,
        args=step.args,
        env=step.env,
        parameters={
            name: launch.InputParameter(str(p.type), p.optional, p.has_default, p.default, p.literals)
            for name, p in takes.parameters.items()
        },
        artifacts={
            name: launch.InputArtifact(artifact.is_list, artifact.optional)
            for name, artifact in takes.artifacts.items()
        },
        output_parameters={name: str(p.type) for name, p in takes.output_parameters.items()},
        output_artifacts={
            name: launch.OutputArtifact(a.schema_title, a.schema_version, a.is_list, a.metadata)
            for name, a in takes.output_artifacts.items()
        },
        python=launch.Python(python.source, python.function) if python else None,
    )
