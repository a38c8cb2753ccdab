"""Plan -> documents for a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.sdk.argo import documents, exprlang, outputs, versions
from pipelines.sdk.argo.book import MAIN, Book
from pipelines.sdk.argo.dags import dag_body
from pipelines.sdk.argo.names import digest, task_names
from pipelines.sdk.argo.options import (
    MANAGER_LABELS,
    NAME_LABEL,
    PIPELINE_ROOT,
    VERSION_ANNOTATION,
    Compiled,
    Options,
)
from pipelines.sdk.argo.overflow import Templates, spread
from pipelines.sdk.argo.pods import platform_fields, settings_as_inputs, spec_defaults
from pipelines.sdk.argo.sharing import shared
from pipelines.sdk.argo.storage import checked_root
from pipelines.sdk.argo.tasks import handed_over
from pipelines.sdk.argo.travel import Carrier, Text
from pipelines.sdk.argo.wrapping import wrapped
from pipelines.sdk.errors import BadPipeline, Finding, UsageError
from pipelines.sdk.launch import encode
from pipelines.sdk.plan import Dag, Plan, Step, Task
from pipelines.sdk.values import ArtifactSpec, Constant, ParameterType


def emit(plan: Plan, options: Options) -> Compiled:
    """Compiles a pipeline for Argo Workflows.

    Args:
        plan: the pipeline.
        options: how.

    Raises:
        BadPipeline: with everything in it that Argo cannot do, and what to do instead.
        UsageError: an option makes no sense.
    """
    name = _name(options.name or plan.name)
    root = _root(plan, options)
    told = tuple(plan.root.interface.parameters)
    book = Book(options, plan.name, root, options.image, bool(plan.platform.workspace), told)
    rewritten = wrapped(settings_as_inputs(plan))
    inputs, given = handed_over(_entry(rewritten))
    body = dag_body(plan.name, _without_defaults(rewritten.root), inputs, "", book, False)
    if book.problems:
        raise BadPipeline(*book.problems)
    templates = {MAIN: _main(body.template, given), **dict(reversed(book.templates.entries.items()))}
    launcher = documents.config_maps(f"{name}-launcher", documents.launcher_files(), options, name)
    files = documents.step_files(book.documents.entries, options.project or {})
    steps = documents.config_maps(f"{name}-steps", files, options, name)
    held = documents.volumes(launcher[0]["metadata"]["name"], [each["metadata"]["name"] for each in steps])
    # Of the spec that a run is of, Argo merges these into templates of other documents too.
    common, rest = shared(templates)
    own, further = spread(rest, name)
    spec = _spec(rewritten, options, book, held, name) | _templates(own, common)
    spec["workflowMetadata"]["annotations"] = outputs.described(body.outputs, book)
    others = [(each, {"templates": _named(kept)}) for each, kept in further.items()]
    spec["workflowMetadata"]["annotations"] |= {VERSION_ANNOTATION: digest([spec, others])}
    made = [*launcher, *steps]
    made += [documents.workflow_template(*each, plan, options) for each in (*others, (name, spec))]
    if options.schedule:
        made.append(documents.cron_workflow(name, options))
    found = dict.fromkeys([*book.warnings, *versions.warnings(options.argo, templates)])
    return Compiled(tuple(made), tuple(book.steps), pods_min(plan.root), tuple(found))


def _root(plan: Plan, options: Options) -> str:
    """Where artifacts go; a root that stands in the pipeline itself is named as such."""
    if options.pipeline_root or not plan.pipeline_root:
        return checked_root(options.pipeline_root or PIPELINE_ROOT)
    try:
        return checked_root(plan.pipeline_root)
    except UsageError as error:
        mend = "give another with --pipeline-root, as in gs://bucket/runs or s3://bucket/runs"
        where = "pipeline_root of the pipeline"
        raise BadPipeline(*(Finding(each.what, where, mend) for each in error.findings)) from None


def _name(wished: str) -> str:
    name = task_names().unique(wished.lower())
    if len(name) > documents.MAX_NAME:
        raise BadPipeline(
            Finding(f"the name has more than {documents.MAX_NAME} characters", name, "use --name")
        )
    return name


def _without_defaults(root: Dag) -> Dag:
    """The root without its defaults: they are the values of the workflow's own parameters."""
    parameters = {n: replace(p, has_default=False) for n, p in root.interface.parameters.items()}
    return replace(root, interface=replace(root.interface, parameters=parameters))


def _entry(plan: Plan) -> dict[str, Carrier]:
    """The pipeline's inputs as the root DAG is given them: wire texts, made of what people wrote."""
    found = {}
    for name, parameter in plan.root.interface.parameters.items():
        found[name] = Carrier(Text(expression=exprlang.entry(name, parameter.type is ParameterType.STRING)))
    for name, artifact in plan.root.interface.artifacts.items():
        found[name] = Carrier(Text(expression=_record(name, artifact)), artifact=True)
    return found


def _record(name: str, artifact: ArtifactSpec) -> str:
    if artifact.is_list:
        what = "a list of artifacts cannot be a pipeline's input here"
        raise BadPipeline(
            Finding(what, f"parameter {name}", "import them with dsl.importer, or give a folder")
        )
    kind = {"schemaTitle": artifact.schema_title, "schemaVersion": artifact.schema_version}
    head = encode({"name": name, "type": kind})[:-1] + ',"uri":'
    return exprlang.record(name, head, ',"metadata":{}}')


def _main(template: str, given: Mapping[str, Text]) -> dict[str, Any]:
    task: dict[str, Any] = {"name": "pipeline", "template": template}
    if given:
        values = [{"name": name, "value": text.value()} for name, text in given.items()]
        task["arguments"] = {"parameters": values}
    return {"dag": {"failFast": False, "tasks": [task]}}


def _spec(
    plan: Plan,
    options: Options,
    book: Book,
    held: list[dict[str, Any]],
    name: str,
) -> dict[str, Any]:
    spec: dict[str, Any] = {"entrypoint": MAIN}
    if arguments := documents.workflow_arguments(plan):
        spec["arguments"] = {"parameters": arguments}
    spec |= {
        "serviceAccountName": options.service_account,
        "activeDeadlineSeconds": documents.DEADLINE_SECONDS,
        "ttlStrategy": documents.TTL,
        "podGC": {"strategy": "OnWorkflowSuccess", "deleteDelayDuration": "600s"},
        "artifactGC": {"strategy": "Never"},
        **platform_fields(plan),
        "workflowMetadata": {"labels": {**MANAGER_LABELS, NAME_LABEL: name}},
        "podMetadata": {"labels": {"pipeline/runid": "{{workflow.uid}}"}},
        **spec_defaults(),
    }
    extra = documents.merged([{"volumes": held}, *book.spec])
    for key, value in extra.items():
        spec[key] = [*spec.get(key, []), *value] if isinstance(value, list) else value
    return spec


def _templates(templates: Templates, common: Mapping[str, Any]) -> dict[str, Any]:
    return {**({"templateDefaults": {"container": common}} if common else {}), "templates": _named(templates)}


def _named(templates: Templates) -> list[dict[str, Any]]:
    return [{"name": name, **template} for name, template in templates.items()]


def pods_min(dag: Dag) -> int:
    """Pods that a run of a group has at least.

    Args:
        dag: the group; what has a condition counts nothing, a loop over a constant list its iterations.
    """
    return sum(_pods_min(each) for task in dag.tasks for each in (task, *task.on_exit))


def _pods_min(task: Task) -> int:
    if task.when:
        return 0
    each = 1 if isinstance(task.body, Step) else pods_min(task.body) if isinstance(task.body, Dag) else 0
    if task.loop is None:
        return each
    items = task.loop.items
    return each * len(items.value) if isinstance(items, Constant) and isinstance(items.value, list) else 0
