"""What the API server says to the fields: strict, and under Pod Security `restricted`. Nothing is created."""

import json
import re

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.pods import (
    container_defaults,
    platform_fields,
    pod_fields,
    resource_template,
    spec_defaults,
)
from pipelines.sdk.argo.pods.defaults import LAUNCHER_VOLUMES
from pipelines.sdk.argo.travel import constant
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.plan import Dag, Plan, Platform, Resources
from pipelines.sdk.values import Interface
from tests.argo.pods.building import carrier, step
from tests.argo.pods.test_claims import CREATE, DELETE, NEEDED
from tests.argo.pods.test_fields import ENV, TEMPLATE, VOLUMES
from tests.argo.pods.test_settings import ALL_LATER

pytestmark = pytest.mark.cluster

SETTINGS = [
    {},
    *({setting: [entry]} for setting, entry, _ in ENV),
    *({setting: [{**entry, "mountPath": "/mounted"}]} for setting, entry, _ in VOLUMES),
    *(settings for settings, _ in TEMPLATE),
    {"enabledSharedMemory": {"size": "1Gi"}},
    {"imagePullPolicy": "Never", "imagePullSecret": [{"secretName": "registry"}]},
    {"securityContext": {"runAsUser": "1000", "runAsGroup": "0", "runAsNonRoot": True}},
    {"secretAsVolume": [{"secretName": f"{'x' * 200}.y", "mountPath": "/a"}]},
]
RESOURCES = Resources(
    cpu_limit="1", memory_request="512K", accelerator_type="nvidia.com/gpu", accelerator_count="1"
)


def template(spec, leaf):
    held = [{"name": name, "configMap": {"name": "held"}} for name in LAUNCHER_VOLUMES]
    defaults = spec_defaults()
    volumes = [*defaults.pop("volumes"), *held]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "WorkflowTemplate",
        "metadata": {"name": "step"},
        "spec": {
            "entrypoint": "main",
            **defaults,
            **spec,
            "volumes": volumes,
            "templates": [{"name": "main", **leaf}],
        },
    }


def in_template(pod):
    container = {"image": "python:3.11", "command": ["true"], **pod.container}
    return template(
        pod.spec, {"inputs": {"parameters": [{"name": "p-x"}]}, **pod.template, "container": container}
    )


def as_pod(pod):
    """What Argo would make of it, without its own containers."""
    spec = template(pod.spec, {})["spec"]
    own = {
        key: value
        for key, value in pod.template.items()
        if key not in ("metadata", "volumes", "podSpecPatch")
    }
    main = {"name": "main", "image": "python:3.11", "command": ["true"], **pod.container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "step", **pod.template.get("metadata", {})},
        "spec": {
            "securityContext": spec["securityContext"],
            "imagePullSecrets": spec.get("imagePullSecrets", []),
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            **own,
            "volumes": [*spec["volumes"], *pod.template.get("volumes", [])],
            "containers": [main],
        },
    }


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: "+".join(each) or "none")
def test_each_setting_is_taken_as_a_template_and_as_a_pod_under_restricted(restricted, settings):
    pod = pod_fields(step(kubernetes=settings, env={"A": "$(B) $$"}, resources=RESOURCES), "say")
    kube.apply(restricted, in_template(pod), dry_run=True)
    kube.create(restricted, as_pod(pod), dry_run=True)


def test_a_step_as_root_is_refused_by_restricted_as_its_warning_says(restricted):
    pod = pod_fields(step(kubernetes={"securityContext": {"runAsUser": "0"}}), "say")
    kube.apply(restricted, in_template(pod), dry_run=True)
    with pytest.raises(PipelineError, match="restricted"):
        kube.create(restricted, as_pod(pod), dry_run=True)
    assert "restricted" in str(pod.warnings[0])


def test_settings_known_at_run_time_are_taken_as_a_template(restricted):
    placeholder = "{{$.inputs.parameters['x']}}"
    quantities = Resources(cpu_limit=placeholder, memory_request=f"{placeholder}Gi")
    pod = pod_fields(step(kubernetes=ALL_LATER, resources=quantities), "say", {"x": carrier("p-x")})
    kube.apply(restricted, in_template(pod), dry_run=True)


def test_a_workspace_and_times_are_taken_as_a_template(restricted):
    settings = Platform(ttl_success_seconds=1, ttl_failure_seconds=2, deadline_seconds=3, workspace="1Gi")
    fields = platform_fields(Plan("p", Dag(Interface(), ()), platform=settings))
    pod = pod_fields(step(), "say", workspace=True)
    document = in_template(pod)
    kube.apply(restricted, {**document, "spec": {**document["spec"], **fields}}, dry_run=True)


@pytest.mark.parametrize("body", [CREATE, DELETE], ids=lambda each: each.image)
def test_steps_that_order_volumes_are_taken_as_a_template_and_what_they_order_is(restricted, body):
    made = resource_template(body, "volume", NEEDED | {"pvc_name": constant("mine")}, twins=True)
    kube.apply(restricted, template({}, made.template), dry_run=True)
    text = re.sub(r"\{\{=(.*?)\}\}", '"mine"', made.template["resource"]["manifest"])
    if body is CREATE:
        kube.create(restricted, json.loads(text), dry_run=True)


def test_what_is_not_strict_would_be_noticed_here(restricted):
    document = template(
        {}, {"container": {"image": "x", "command": ["true"], **container_defaults(), "nope": 1}}
    )
    with pytest.raises(PipelineError, match="nope"):
        kube.apply(restricted, document, dry_run=True)
