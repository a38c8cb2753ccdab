"""Settings for `dsl.TaskConfig`: to the pod, to the component, or to both."""

import pytest

from pipelines.sdk.argo.pods import pod_fields, task_config
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Resources
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
