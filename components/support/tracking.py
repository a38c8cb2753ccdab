"""MLflow runs of a pipeline: one parent for the pipeline run, one nested run for each step.

No step knows which comes first, and several may start at the same moment. Whoever finds no parent opens one,
tagged with the pipeline run's id; the tag is how the others find it. A step never resumes the parent: two
processes that hold the same run would end it under each other's feet.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from components.support.context import Context
from components.support.errors import StepFailed
from components.support.provenance import provenance
from components.support.storage import without_secrets
from components.support.store import connect, experiment_id, locked, patiently
from pipelines.sdk.errors import PipelineError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import ActiveRun, MlflowClient
    from mlflow.entities import Run

RUN_ID_TAG: Final = "pipeline.run_id"
TASK_TAG: Final = "pipeline.task"
CHOSEN_TAG: Final = "pipeline.parent"
PARENT_TAG: Final = "mlflow.parentRunId"
STATUS: Final = {
    "SUCCEEDED": "FINISHED",
    "COMPLETE": "FINISHED",  # what KFP's backend says instead
    "SKIPPED": "FINISHED",
    "CANCELLED": "KILLED",
}

ASKED_FOR: Final = ("PIPELINE_RUN_ID", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI")

# Steps on several machines share no lock: each waits this long for the runs of the others to appear.
SETTLE_SECONDS: Final = 1.0


@contextmanager
def step_run(
    name: str, tags: Mapping[str, str] | None = None, *, optional: bool = False
) -> Iterator[ActiveRun | None]:
    """The step's own MLflow run, active in the `with` block; FINISHED after it, FAILED if it raised.

    It is nested in the pipeline run's parent, which is opened if no other step did. Where MLFLOW_RUN_ID names
    a run, that is the step's.

    Args:
        name: of the step, `train-model`.
        tags: further tags of the run.
        optional: go without a run where neither a pipeline run nor a tracking server is set, as when somebody
            calls the component as a function.

    Raises:
        StepFailed: the MLflow server does not answer, or the block raised a PipelineError.
    """
    wanted = not optional or any(os.environ.get(name) for name in ASKED_FOR)
    try:
        with _active_run(name, tags or {}) if wanted else nullcontext() as run:
            yield run
    except PipelineError as error:
        # The one boundary of every step: what a user can mend reaches the log as a message, not as a trace.
        raise StepFailed(*error.findings) from error


@contextmanager
def _active_run(name: str, tags: Mapping[str, str]) -> Iterator[ActiveRun]:
    import mlflow
    from mlflow.exceptions import MlflowException

    context = Context.read()
    client = connect()
    own = _own_run(client, context, name, {TASK_TAG: context.task, **tags})
    # MLflow would resume this run in whatever the step starts next.
    os.environ.pop("MLFLOW_RUN_ID", None)
    run = patiently(lambda: mlflow.start_run(run_id=own))
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    finally:
        try:
            mlflow.end_run(status)
        except MlflowException:
            # `end_run` has let go of the run, so calling it again would do nothing.
            patiently(lambda: client.set_terminated(own, status))


def tag_pipeline_run(tags: Mapping[str, str]) -> None:
    """Put tags on the parent of the active run, or on that run where it has none."""
    import mlflow

    run = mlflow.active_run()
    if run is None:
        return
    client = connect()
    target = client.get_run(run.info.run_id).data.tags.get(PARENT_TAG, run.info.run_id)
    for key, value in tags.items():
        patiently(lambda key=key, value=value: client.set_tag(target, key, value))  # type: ignore[misc]


def record(
    params: Mapping[str, object] | None = None,
    metrics: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Log to the active run what a step has found; where there is none, nothing is logged."""
    import mlflow

    if mlflow.active_run() is None:
        return
    patiently(lambda: mlflow.log_params(dict(params or {})))
    patiently(lambda: mlflow.log_metrics(dict(metrics or {})))
    patiently(lambda: mlflow.set_tags(dict(tags or {})))


def record_figure(figure: Figure, name: str) -> None:
    """Log a picture to the active run, as PNG.

    Args:
        figure: of matplotlib.
        name: of the file, with `.png`.
    """
    import mlflow

    patiently(lambda: mlflow.log_figure(figure, name))


def close_pipeline_run(state: str) -> str | None:
    """End the parent of this pipeline run, and what killed steps left open below it.

    Args:
        state: how the pipeline ended, as in `PipelineTaskFinalStatus`; anything unknown counts as failed.

    Returns:
        The parent's id; None where no step got as far as opening one.
    """
    context = Context.read()
    if not context.run_id:
        return None
    client = connect()
    experiment = patiently(lambda: client.get_experiment_by_name(context.experiment))
    if experiment is None:
        return None
    candidates = _parents(client, experiment.experiment_id, context.run_id)
    if not candidates:
        return None
    parent = candidates[0]
    for other in candidates[1:]:
        _merge(client, other, parent)
    for child in _children(client, parent):
        if child.info.status == "RUNNING":
            patiently(lambda child=child: client.set_terminated(child.info.run_id, "FAILED"))  # type: ignore[misc]
    patiently(lambda: client.set_terminated(parent.info.run_id, STATUS.get(state, "FAILED")))
    return str(parent.info.run_id)


def _own_run(client: MlflowClient, context: Context, name: str, tags: dict[str, str]) -> str:
    """Id of the step's run: the one made for it, else a new one; nested in the parent."""
    tags = {**tags, **provenance()}
    named = patiently(lambda: client.get_run(context.step_run)) if context.step_run else None
    if named and PARENT_TAG in named.data.tags:
        _tag(client, context.step_run, tags)
        return context.step_run
    experiment = named.info.experiment_id if named else experiment_id(client, context.experiment)
    if context.run_id:
        tags[PARENT_TAG] = _parent(client, experiment, context)
    if named and tags.get(PARENT_TAG) != context.step_run:
        _tag(client, context.step_run, tags)
        return context.step_run
    run = patiently(lambda: client.create_run(experiment, tags=tags, run_name=name))
    return str(run.info.run_id)


def _parent(client: MlflowClient, experiment: str, context: Context) -> str:
    """Id of the one parent of this pipeline run, opened if there is none.

    Every process that saw none opens one, waits until those of the others can be seen, and then all choose
    the same; whose was not chosen deletes it. The chosen one is marked, so that a process that comes late
    yields to it. On one machine a lock makes the waiting unnecessary.
    """
    folder = context.lock_folder
    with locked(folder) if folder else nullcontext():
        found = _parents(client, experiment, context.run_id)
        if found and CHOSEN_TAG in found[0].data.tags:
            return str(found[0].info.run_id)
        mine = "" if found else _open_parent(client, experiment, context)
        if not folder:
            time.sleep(SETTLE_SECONDS)
        chosen = str(_parents(client, experiment, context.run_id)[0].info.run_id)
        if mine and chosen != mine:
            patiently(lambda: client.delete_run(mine))
        _tag(client, chosen, {CHOSEN_TAG: "true"})
        return chosen


def _open_parent(client: MlflowClient, experiment: str, context: Context) -> str:
    from mlflow.entities import Param

    tags = {RUN_ID_TAG: context.run_id, **provenance()}
    name = context.run_id
    opened = str(patiently(lambda: client.create_run(experiment, tags=tags, run_name=name)).info.run_id)
    # An address can hold a password or a signature, and what MLflow has, others read.
    params = [Param(key, without_secrets(value)) for key, value in context.parameters.items()]
    patiently(lambda: client.log_batch(opened, params=params))
    return opened


def _parents(client: MlflowClient, experiment: str, run_id: str) -> list[Run]:
    """Runs that carry the pipeline run's id: the chosen one first, then the oldest."""
    runs = _search(client, experiment, f"tags.`{RUN_ID_TAG}` = '{run_id}'")
    return sorted(runs, key=lambda r: (CHOSEN_TAG not in r.data.tags, r.info.start_time, r.info.run_id))


def _children(client: MlflowClient, parent: Run) -> list[Run]:
    return _search(client, parent.info.experiment_id, f"tags.`{PARENT_TAG}` = '{parent.info.run_id}'")


def _search(client: MlflowClient, experiment: str, condition: str) -> list[Run]:
    """Every run that fits, over all pages."""
    found: list[Run] = []
    token: str | None = None
    while True:
        page = patiently(lambda token=token: client.search_runs([experiment], condition, page_token=token))  # type: ignore[misc]
        found.extend(page)
        token = page.token
        if not token:
            return found


def _merge(client: MlflowClient, other: Run, parent: Run) -> None:
    """Move to the parent what was put below a second one that nobody saw in time."""
    for child in _children(client, other):
        _tag(client, child.info.run_id, {PARENT_TAG: parent.info.run_id})
    _tag(client, parent.info.run_id, {k: v for k, v in other.data.tags.items() if k not in parent.data.tags})
    patiently(lambda: client.delete_run(other.info.run_id))


def _tag(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    from mlflow.entities import RunTag

    patiently(lambda: client.log_batch(run_id, tags=[RunTag(k, v) for k, v in tags.items()]))
