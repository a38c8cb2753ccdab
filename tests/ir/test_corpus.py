"""Whatever KFP's compiler writes is read into a Plan that says the same."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler
from kfp.dsl.graph_component import GraphComponent

from pipelines.sdk import ir
from pipelines.sdk.plan import Dag, Importer, Plan, Retry, Step, Task, walk
from pipelines.sdk.values import Constant
from tests.conformance.pipelines import (
    artifacts,
    branches,
    caching,
    cluster,
    groups,
    loops,
    parameters,
    placeholders,
    travel,
)

MODULES = (parameters, artifacts, branches, loops, groups, placeholders, caching, travel, cluster)
PIPELINES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, GraphComponent)
}


def compiled(pipeline: Any, folder: Path) -> Path:
    path = folder / "pipeline.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(pipeline, str(path))
    return path


def plan_of(pipeline: Any, folder: Path) -> Plan:
    return ir.read_file(compiled(pipeline, folder))


def tasks_in_yaml(spec: Mapping[str, Any], component: Mapping[str, Any], prefix: str = "") -> Iterator[Any]:
    """Path, task and component of every task, read from the YAML as it stands."""
    for name, task in component.get("dag", {}).get("tasks", {}).items():
        inner = spec["components"][task["componentRef"]["name"]]
        yield f"{prefix}{name}", task, inner
        yield from tasks_in_yaml(spec, inner, f"{prefix}{name}/")


def tasks_in_plan(plan: Plan) -> dict[str, Task]:
    return dict(walk(plan.root))


@pytest.mark.parametrize("name", PIPELINES)
def test_a_plan_has_every_task_of_the_compiled_pipeline(name, tmp_path):
    path = compiled(PIPELINES[name], tmp_path)
    spec, *platform = yaml.safe_load_all(path.read_text())
    settings = platform[0]["platforms"]["kubernetes"].get("deploymentSpec", {}) if platform else {}
    found = tasks_in_plan(ir.read_file(path))
    expected = list(tasks_in_yaml(spec, spec["root"]))
    assert set(found) == {path for path, _, _ in expected}
    for path, task, component in expected:
        same_task(found[path], task)
        same_body(
            found[path].body, component, spec["deploymentSpec"]["executors"], settings.get("executors", {})
        )


def same_task(task: Task, written: Mapping[str, Any]) -> None:
    trigger = written.get("triggerPolicy", {})
    assert task.label == written["taskInfo"]["name"]
    assert task.when == trigger.get("condition", "")
    assert task.always == (trigger.get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED")
    assert set(written.get("dependentTasks", [])) == set(task.after)
    assert task.cache.enabled == written.get("cachingOptions", {}).get("enableCache", False)
    assert bool(task.loop) == ("parameterIterator" in written or "artifactIterator" in written)
    inputs = written.get("inputs", {})
    given = {*inputs.get("parameters", {}), *inputs.get("artifacts", {})}
    own = {task.loop.item_input} if task.loop else set()
    # A group may be written with inputs that nothing in it reads, and without some that something does.
    assert set(task.arguments) == given | own or isinstance(task.body, Dag)


def same_body(body: Any, component: Mapping[str, Any], executors: Any, settings: Any) -> None:
    if "dag" in component:
        assert isinstance(body, Dag)
        assert set(body.outputs) == {
            name for kind in component["dag"].get("outputs", {}).values() for name in kind
        }
        return
    label = component["executorLabel"]
    executor = executors[label]
    if "importer" in executor:
        assert isinstance(body, Importer)
        return
    container = executor["container"]
    assert isinstance(body, Step)
    assert (body.image, *body.command) == (container["image"], *container.get("command", []))
    assert list(body.args) == container.get("args", [])
    assert dict(body.env) == {each["name"]: each.get("value", "") for each in container.get("env", [])}
    assert body.kubernetes == settings.get(label, {})


def test_sources_of_lightweight_components_are_found_with_their_packages(tmp_path):
    steps = {
        t.body.component: t.body
        for t in tasks_in_plan(plan_of(cluster.kinds_of_components, tmp_path)).values()
    }
    packages = {name: step.python.packages if step.python else None for name, step in steps.items()}
    assert not any(requirement.startswith("kfp") for requirement in packages.pop("installs-kfp"))
    assert packages == {
        "with-packages": ("pandas==2.3.3", "scikit-learn"),
        "make": (),
        "containerized": None,
        "native": None,
    }
    source = steps["with-packages"].python.source
    assert "def shout(" in source
    assert steps["with-packages"].python.function == "with_packages"


def test_resources_fixed_and_from_inputs(tmp_path):
    found = tasks_in_plan(plan_of(cluster.resources, tmp_path))
    fixed, dynamic = found["say"].body, found["say-2"]
    assert fixed.image == "registry.example/other:2"
    assert fixed.env == {"MODE": "fast"}
    assert (fixed.resources.cpu_request, fixed.resources.cpu_limit) == ("100m", "1")
    assert (fixed.resources.memory_request, fixed.resources.memory_limit) == ("1Gi", "2Gi")
    assert (fixed.resources.accelerator_type, fixed.resources.accelerator_count) == ("nvidia.com/gpu", "1")
    assert dynamic.body.resources.cpu_limit == "{{$.inputs.parameters['pipelinechannel--cpu']}}"
    assert "pipelinechannel--cpu" in dynamic.arguments
    assert "pipelinechannel--quantity-Output" in dynamic.arguments


def test_settings_of_the_pipeline_itself(tmp_path):
    plan = plan_of(cluster.settings, tmp_path)
    assert plan.display_name == "Settings of a pipeline"
    assert plan.description == "What the pipeline itself asks for."
    assert plan.pipeline_root == "gs://bucket/root"
    assert plan.platform.workspace == "10Gi"
    assert plan.platform.ttl_success_seconds == 60
    assert plan.platform.ttl_failure_seconds == 3600
    assert plan.platform.deadline_seconds == 7200


def test_retries_names_keys_and_artifacts_of_the_pipeline(tmp_path):
    plan = plan_of(cluster.retries_and_artifacts, tmp_path)
    task = tasks_in_plan(plan)["describe"]
    assert task.retry == Retry(limit=3, backoff_seconds=30.0, factor=1.5, max_seconds=600.0)
    assert task.label == "Describe it"
    assert task.cache.key == "mine"
    assert plan.root.interface.artifacts["data"].schema_title == "system.Dataset"


def test_retries_of_a_nested_pipeline_are_those_of_its_steps(tmp_path):
    found = tasks_in_plan(plan_of(groups.retried_pipeline, tmp_path))
    assert found["flaky"].retry is None
    assert found["flaky/succeed-at-third"].retry.limit == 2


def test_exit_tasks_belong_to_the_group_they_wait_for(tmp_path):
    plan = plan_of(groups.two_exit_handlers, tmp_path)
    assert {t.name: [e.name for e in t.on_exit] for t in plan.root.tasks} == {
        "exit-handler-1": ["witness"],
        "exit-handler-2": ["witness-3"],
    }


def test_whole_numbers_in_constants_are_integers_and_doubles_stay_doubles(tmp_path):
    plan = plan_of(placeholders.types, tmp_path)
    arguments = tasks_in_plan(plan)["all-types"].arguments
    assert repr(arguments["items"]) == repr(Constant(["x", 1]))
    assert repr(arguments["whole"]) == repr(Constant(3))
    scalars = plan_of(parameters.scalars, tmp_path).root.interface.parameters
    assert repr((scalars["whole"].default, scalars["fraction"].default)) == "(3, 3.0)"


# As SDK 2.0 wrote it: the executor in kfp.components, no install of typing-extensions, everything cached.
OF_SDK_2_0 = """
components:
  comp-add:
    executorLabel: exec-add
    inputDefinitions:
      parameters:
        a: {parameterType: NUMBER_INTEGER}
        b: {defaultValue: 2.0, isOptional: true, parameterType: NUMBER_INTEGER}
    outputDefinitions:
      parameters:
        Output: {parameterType: NUMBER_INTEGER}
  comp-condition-1:
    dag:
      tasks:
        add-2:
          cachingOptions: {enableCache: true}
          componentRef: {name: comp-add}
          inputs:
            parameters:
              a: {componentInputParameter: pipelinechannel--add-Output}
          taskInfo: {name: add-2}
    inputDefinitions:
      parameters:
        pipelinechannel--add-Output: {parameterType: NUMBER_INTEGER}
deploymentSpec:
  executors:
    exec-add:
      container:
        args: [--executor_input, '{{$}}', --function_to_execute, add]
        command:
        - sh
        - -c
        - python3 -m pip install --quiet 'kfp==2.0.1' && "$0" "$@"
        - sh
        - -ec
        - |
          program_path=$(mktemp -d)
          printf "%s" "$0" > "$program_path/ephemeral_component.py"
          python3 -m kfp.components.executor_main \\
            --component_module_path "$program_path/ephemeral_component.py" "$@"
        - "def add(a: int, b: int = 2) -> int:\\n    return a + b\\n"
        image: python:3.7
pipelineInfo: {name: old}
root:
  dag:
    tasks:
      add:
        cachingOptions: {enableCache: true}
        componentRef: {name: comp-add}
        inputs:
          parameters:
            a: {runtimeValue: {constant: 1.0}}
        taskInfo: {name: add}
      condition-1:
        componentRef: {name: comp-condition-1}
        dependentTasks: [add]
        inputs:
          parameters:
            pipelinechannel--add-Output:
              taskOutputParameter: {outputParameterKey: Output, producerTask: add}
        taskInfo: {name: condition-1}
        triggerPolicy:
          condition: int(inputs.parameter_values['pipelinechannel--add-Output']) > 2
schemaVersion: 2.1.0
sdkVersion: kfp-2.0.1
"""


def test_what_sdk_2_0_wrote_is_read_too():
    plan = ir.read(OF_SDK_2_0)
    found = tasks_in_plan(plan)
    assert list(found) == ["add", "condition-1", "condition-1/add-2"]
    assert found["add"].body.python.function == "add"
    assert found["add"].body.interface.parameters["b"].default == 2
    assert found["condition-1"].when.endswith("> 2")
