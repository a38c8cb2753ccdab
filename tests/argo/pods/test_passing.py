"""Settings for `dsl.TaskConfig`: to the pod, to the component, or to both."""

from dataclasses import replace

import pytest

from pipelines.sdk.argo.pods import pod_fields, task_config, with_task_config
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Resources
from pipelines.sdk.values import Interface, Parameter, ParameterType
from tests.argo.pods.building import argument, step

SETTINGS = {
    "nodeSelector": {"labels": {"disk": "ssd"}},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "pvcMount": [{"constant": "data", "mountPath": "/data"}],
    "emptyDirMounts": [{"volumeName": "v", "mountPath": "/v"}],
    "nodeAffinity": [{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}],
}


def given(**passthrough):
    limits = Resources(cpu_limit="1", accelerator_type="nvidia.com/gpu", accelerator_count="4")
    return step(kubernetes=SETTINGS, env={"MODE": "fast"}, resources=limits, passthrough=passthrough)


def test_without_a_wish_the_pod_keeps_everything_and_the_component_hears_nothing():
    assert task_config(given(), "say") == {}
    assert pod_fields(given(), "say") == pod_fields(step(
        kubernetes=SETTINGS, env={"MODE": "fast"}, resources=given().resources), "say")  # fmt: skip


def test_what_is_handed_over_alone_leaves_the_pod():
    asked = given(KUBERNETES_NODE_SELECTOR=False, KUBERNETES_VOLUMES=False, RESOURCES=False, ENV=False)
    pod = pod_fields(asked, "say")
    assert sorted(pod.template) == ["affinity", "tolerations", "volumes"]
    assert [each["name"] for each in pod.template["volumes"]] == ["empty-v"]  # never handed over
    assert "limits" not in pod.container["resources"]
    assert "MODE" not in {each["name"] for each in pod.container["env"]}
    assert task_config(asked, "say") == {
        "nodeSelector": {"disk": "ssd"},
        "env": [{"name": "MODE", "value": "fast"}],
        "volumes": [{"name": "claim-data", "persistentVolumeClaim": {"claimName": "data"}}],
        "volumeMounts": [{"name": "claim-data", "mountPath": "/data"}],
        "resources": {"limits": {"cpu": "1", "nvidia.com/gpu": "4"}},
    }


def test_what_is_handed_over_as_well_stays_on_the_pod():
    asked = given(KUBERNETES_TOLERATIONS=True, KUBERNETES_AFFINITY=True)
    pod = pod_fields(asked, "say")
    told = task_config(asked, "say")
    assert sorted(told) == ["affinity", "tolerations"]
    assert told == {key: pod.template[key] for key in told}


def test_what_is_only_known_when_the_step_starts_cannot_be_told():
    later = {"nodeSelector": {"nodeSelectorJson": argument("where")}}
    with pytest.raises(BadPipeline, match="only known when it starts"):
        task_config(step(kubernetes=later, passthrough={"KUBERNETES_NODE_SELECTOR": False}), "say")


def test_a_component_is_told_what_the_author_wrote():
    asked = step(env={"A": "{{x}} $(B)", "B": "c"}, passthrough={"ENV": True})
    told = [{"name": "A", "value": "{{x}} $(B)"}, {"name": "B", "value": "c"}]
    assert task_config(asked, "say") == {"env": told}


def test_the_settings_are_the_value_of_the_input():
    config = Parameter("config", ParameterType.TASK_CONFIG)
    other = Parameter("other", ParameterType.STRUCT)
    asked = replace(given(RESOURCES=False), interface=Interface({"config": config, "other": other}))
    known = with_task_config(asked, "say").interface.parameters
    assert known["config"].has_default
    assert known["config"].default == task_config(asked, "say")
    assert known["other"] == other


def test_a_step_that_asks_for_nothing_is_left_as_it_is():
    assert with_task_config(given(RESOURCES=True), "say") == given(RESOURCES=True)


def test_quantities_that_are_computed_reach_the_component_as_placeholders_that_its_launcher_resolves():
    computed = "{{$.inputs.parameters['pipelinechannel--cpu']}}"
    quantities = Resources(cpu_limit=computed, accelerator_type=computed, accelerator_count="2")
    asked = step(resources=quantities, passthrough={"RESOURCES": False})
    assert task_config(asked, "say") == {"resources": {"limits": {"cpu": computed, computed: "2"}}}
