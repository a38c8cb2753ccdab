"""CreatePVC and DeletePVC as resource templates."""

import json
import re

import pytest

from pipelines.sdk.argo.pods import is_claim_step, resource_template
from pipelines.sdk.argo.travel import constant
from pipelines.sdk.errors import BadPipeline
from tests.argo.pods.building import carrier, step

CREATE, DELETE = step(image="argostub/createpvc"), step(image="argostub/deletepvc")
NEEDED = {"access_modes": constant(["ReadWriteOnce"]), "size": constant("5Gi")}


def manifest(made):
    text = made.template["resource"]["manifest"]
    return json.loads(re.sub(r"\{\{=(.*?)\}\}", lambda tag: json.dumps(tag[1]), text))


def test_only_steps_that_order_volumes_are_done_by_argo():
    assert [is_claim_step(each) for each in (CREATE, DELETE, step())] == [True, True, False]


def test_a_claim_is_ordered_with_what_the_step_was_given():
    given = {
        "storage_class_name": constant(""),
        "volume_name": constant("pv"),
        "annotations": constant({"a": "b"}),
        "data_source": constant({"kind": "PersistentVolumeClaim", "name": "other"}),
        "pvc_name": constant("mine"),
    }
    made = resource_template(CREATE, "create", NEEDED | given)
    assert made.template["resource"]["action"] == "create"
    found = manifest(made)
    assert found.pop("metadata")["annotations"] == {"a": "b"}
    assert found == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "volumeName": "pv",
            "dataSource": {"kind": "PersistentVolumeClaim", "name": "other"},
            "resources": {"requests": {"storage": "5Gi"}},
        },
    }


def test_a_claim_of_the_default_class_names_none():
    assert sorted(manifest(resource_template(CREATE, "create", NEEDED))["spec"]) == [
        "accessModes",
        "resources",
    ]


def test_a_claim_without_a_name_is_called_after_its_pod():
    given = NEEDED | {"pvc_name_suffix": constant("-data")}
    assert "pod.name + '-data'" in manifest(resource_template(CREATE, "create", given))["metadata"]["name"]


def test_values_known_at_run_time_are_expressions():
    given = {"access_modes": carrier("p-modes"), "size": carrier("p-size"), "pvc_name": carrier("p-name")}
    found = manifest(resource_template(CREATE, "create", given))
    assert "inputs.parameters['p-size']" in found["spec"]["resources"]["requests"]["storage"]
    assert "inputs.parameters['p-modes']" in found["spec"]["accessModes"]


def test_the_name_is_an_output_as_wire_text_and_for_loops_as_its_twin():
    made = resource_template(CREATE, "create", NEEDED, twins=True)
    texts = {each["name"]: each["valueFrom"]["jsonPath"] for each in made.template["outputs"]["parameters"]}
    wire = texts["p-name"].replace("{.metadata.name}", "claim")
    assert json.loads(wire) == "claim"
    assert json.loads(texts["c-name"].replace("{.metadata.name}", "claim")) == wire
    assert len(resource_template(CREATE, "create", NEEDED).template["outputs"]["parameters"]) == 1


def test_a_claim_is_dropped_by_name_and_nobody_waits_for_its_pods():
    made = resource_template(DELETE, "delete", {"pvc_name": carrier("p-pvc_name")})
    assert made.template["resource"]["action"] == "delete"
    assert made.template["resource"]["flags"] == ["--wait=false"]
    assert "inputs.parameters['p-pvc_name']" in manifest(made)["metadata"]["name"]
    assert "outputs" not in made.template


def test_the_rights_that_are_needed_are_named():
    made = resource_template(DELETE, "delete", {"pvc_name": constant("x")})
    assert "get and delete persistentvolumeclaims" in str(made.warnings[0])


def test_settings_of_a_container_that_is_not_there_are_told():
    made = resource_template(step(image=CREATE.image, env={"A": "b"}), "create", NEEDED)
    assert "no container of its own" in str(made.warnings[1])


@pytest.mark.parametrize(
    ("body", "given", "says"),
    [
        (CREATE, {"size": constant("1Gi")}, "access_modes"),
        (
            CREATE,
            {**NEEDED, "pvc_name": constant("a"), "pvc_name_suffix": constant("b")},
            "both have a value",
        ),
        (DELETE, {}, "pvc_name"),
    ],
)
def test_what_cannot_be_ordered_is_refused(body, given, says):
    with pytest.raises(BadPipeline, match=says):
        resource_template(body, "group/volume", given)
