"""Steps with settings, and what became of them."""

import json
import re

import pytest

from pipelines.sdk.argo.pods import pod_fields
from pipelines.sdk.argo.travel import Carrier, Text
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Step
from pipelines.sdk.values import ArtifactSpec, Interface


def step(*, reads_artifacts=False, image="python:3.11", **settings):
    interface = Interface(artifacts={"data": ArtifactSpec("data")} if reads_artifacts else {})
    return Step("say", interface, image, ("true",), (), **settings)


def fields(**kubernetes):
    return pod_fields(step(kubernetes=kubernetes), "say")


def constant(value):
    return {"runtimeValue": {"constant": value}}


def argument(name):
    return {"runtimeValue": {"runtimeParameter": name}}


def named(key, name):
    return {key: name, f"{key}Parameter": constant(name)}


def carrier(name, *via):
    text = Text(simple=f"{{{{inputs.parameters.{name}}}}}", expression=f"inputs.parameters['{name}']")
    return Carrier(text, via)


def mount_at(pod, path):
    return next(each for each in pod.container["volumeMounts"] if each["mountPath"] == path)


def volume_at(pod, path):
    name = mount_at(pod, path)["name"]
    (found,) = (each for each in pod.template["volumes"] if each["name"] == name)
    return {key: value for key, value in found.items() if key != "name"}


def refusal(*args, where="group/say", **settings):
    with pytest.raises(BadPipeline) as raised:
        pod_fields(step(**settings), where, *args)
    return str(raised.value)


def patch(pod):
    """The patch of a pod as JSON, each tag in it as the text of its expression."""
    text = re.sub(r"\{\{=(.*?)\}\}", lambda tag: json.dumps(tag[1]), pod.template["podSpecPatch"])
    return json.loads(text)
