"""Compiles a case for Argo, and observes what a run of it gave."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.sdk import arguments, ir
from pipelines.sdk.argo import Compiled, Options, emit
from pipelines.sdk.argo.cluster.arguments import parameters
from pipelines.sdk.argo.cluster.outputs import outputs
from pipelines.sdk.argo.cluster.reporting import result
from pipelines.sdk.local.scope import Status
from pipelines.sdk.plan import Plan
from tests.argo.conformance import reading
from tests.argo.conformance.batch import Done, Job
from tests.argo.services import BUCKET, Bucket, Shared
from tests.conformance import harness
from tests.conformance.case import FOLDER, Case, Outcome
from tests.conformance.observe import content, files

SEEN = "seen"


@dataclass(frozen=True)
class Prepared:
    """A case that is ready to be run.

    Args:
        case: the case.
        plan: of its pipeline.
        job: for the batch.
    """

    case: Case
    plan: Plan
    job: Job


def prepare(case: Case, name: str, ir_folder: Path, shared: Shared, launched: frozenset[str]) -> Prepared:
    """Compiles a case and makes the folder in which its steps leave what they saw.

    Args:
        case: the case.
        name: of its WorkflowTemplate.
        ir_folder: of compiled pipelines.
        shared: the folder that steps see.
        launched: container components whose image is taken to have Python.
    """
    plan = ir.read_file(harness.compiled(case.pipeline, ir_folder))
    folder = shared.folder / harness.slug(case.name) / SEEN
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    values = {name: _placed(value, case, shared) for name, value in case.arguments.items()}
    for name, text in case.files.items():
        (folder / name).write_text(text)
    compiled = emit(plan, Options(name=name, launched=launched))
    return Prepared(case, plan, Job(case.name, mounted(compiled, shared), run_arguments(plan, values)))


def _placed(value: Any, case: Case, shared: Shared) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace(FOLDER, f"{shared.PATH}/{harness.slug(case.name)}/{SEEN}")


def mounted(compiled: Compiled, shared: Shared) -> Compiled:
    """The same with the shared folder in every step."""
    changed = tuple(shared.mounted(document) for document in compiled.documents)
    return Compiled(changed, compiled.steps, compiled.pods_min, compiled.warnings)


def run_arguments(plan: Plan, values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Values as the commands give them to a run."""
    interface = plan.root.interface
    elsewhere = dict.fromkeys(interface.artifacts, "gs://bucket/checked-as-a-uri")
    checked = arguments.check(interface, {name: elsewhere.get(name, value) for name, value in values.items()})
    given = parameters(interface, checked)
    # Steps see a folder of this machine here, which the commands rightly take for a mistake.
    return [
        {**each, "value": str(values[each["name"]])} if each["name"] in elsewhere else each for each in given
    ]


def outcome(prepared: Prepared, done: Done, shared: Shared) -> Outcome:
    """What can be observed of a run; the name of a pod stands for that of the machine."""
    story = reading.story(done.workflow, done.logs, done.problem)
    ended = None if done.problem else result(done.workflow)
    assert ended is not None, story
    found = outputs(done.workflow) if ended is Status.SUCCEEDED else {}

    def read(uri: str) -> Any:
        return content_of(uri, shared)

    seen = {name: _at_home(reading.observed(value, read), done) for name, value in found.items()}
    left = files(shared.folder / harness.slug(prepared.case.name) / SEEN)
    return Outcome(seen, left, str(ended))


def content_of(uri: str, shared: Shared) -> Any:
    """What is at a URI of the bucket, or at a path as steps see it."""
    if uri.startswith(f"gs://{BUCKET}/"):
        return Bucket(BUCKET).content(uri.removeprefix(f"gs://{BUCKET}/"))
    return content(uri.replace(shared.PATH, str(shared.folder), 1))


def _at_home(value: Any, done: Done) -> Any:
    if isinstance(value, str):
        for pod in reading.pod_names(done.workflow):
            value = value.replace(pod, socket.gethostname())
    return value
