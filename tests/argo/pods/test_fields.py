"""Each setting of kfp-kubernetes becomes a field of a pod, or is refused."""

import re

import pytest
from kfp.kubernetes import kubernetes_executor_config_pb2 as pb

from pipelines.sdk.argo.pods import container_defaults, pod_fields, spec_defaults
from pipelines.sdk.argo.pods.environment import BRACE
from pipelines.sdk.argo.pods.fields import SETTINGS
from pipelines.sdk.plan import Resources
from tests.argo.pods.building import constant, fields, mount_at, named, refusal, step, volume_at
from tests.argo.pods.everything import leaves, setting, texts

PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def test_every_setting_of_kfp_kubernetes_is_known_by_name():
    assert sorted(SETTINGS) == sorted(f.json_name for f in pb.KubernetesExecutorConfig.DESCRIPTOR.fields)


OLDER = {"pvcMount.taskOutputParameter", "pvcMount.componentInputParameter"}  # see test_settings.py


@pytest.mark.parametrize("path", sorted(set(leaves(pb.KubernetesExecutorConfig.DESCRIPTOR)) - OLDER))
def test_every_field_of_every_setting_changes_the_pod(path):
    """What a newer kfp-kubernetes adds has no value in `everything`: it fails here until it is mapped."""
    without, filled, value = setting(path)
    plain, pod = (pod_fields(step(kubernetes=each), "say") for each in (without, filled))
    assert (pod.template, pod.container, pod.spec) != (plain.template, plain.container, plain.spec)
    if not isinstance(value, bool):
        seen = texts((pod.template, pod.container, pod.spec))
        assert all(any(each in text for text in seen) for each in texts(value))


def test_a_step_without_settings_has_the_defaults_and_nothing_else():
    pod = pod_fields(step(), "say")
    assert pod.container == container_defaults()
    assert (pod.template, pod.spec, pod.warnings) == ({}, {}, ())


def test_every_default_mount_has_a_volume_here_or_is_the_launchers():
    volumes = {each["name"] for each in spec_defaults()["volumes"]}
    assert {m["name"] for m in container_defaults()["volumeMounts"]} == volumes | {"launcher", "steps"}


SECRET_KEY, MAP_KEY = {"secretKey": "k", "envVar": "V"}, {"configMapKey": "k", "envVar": "V"}
ENV = [
    (
        "secretAsEnv",
        {**named("secretName", "db"), "optional": True, "keyToEnv": [SECRET_KEY]},
        {"secretKeyRef": {"name": "db", "key": "k", "optional": True}},
    ),
    (
        "secretAsEnv",
        {**named("secretName", "db"), "optional": False, "keyToEnv": [SECRET_KEY]},
        {"secretKeyRef": {"name": "db", "key": "k"}},
    ),
    (
        "configMapAsEnv",
        {**named("configMapName", "db"), "keyToEnv": [MAP_KEY]},
        {"configMapKeyRef": {"name": "db", "key": "k"}},
    ),
    (
        "configMapAsEnv",
        {"configMapName": "older.sdk", "keyToEnv": [MAP_KEY]},
        {"configMapKeyRef": {"name": "older.sdk", "key": "k"}},
    ),
    (
        "configMapAsEnv",
        {"config_map_name": "snake", "key_to_env": [{"config_map_key": "k", "env_var": "V"}]},
        {"configMapKeyRef": {"name": "snake", "key": "k"}},
    ),
    (
        "fieldPathAsEnv",
        {"name": "V", "fieldPath": "status.podIP"},
        {"fieldRef": {"fieldPath": "status.podIP"}},
    ),
    (
        "fieldPathAsEnv",
        {"name": "V", "fieldPath": "metadata.labels['a/b']"},
        {"fieldRef": {"fieldPath": "metadata.labels['a/b']"}},
    ),
]


@pytest.mark.parametrize(("setting", "entry", "source"), ENV)
def test_references_become_environment_variables(setting, entry, source):
    assert fields(**{setting: [entry]}).container["env"][-1] == {"name": "V", "valueFrom": source}


CLAIM_TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "5Gi"}},
    },
}
EPHEMERAL = {
    "volumeName": "big",
    "accessModes": ["ReadWriteOnce"],
    "size": "5Gi",
    "metadata": {"labels": {"a": "b"}},
}
VOLUMES = [
    (
        "secretAsVolume",
        {**named("secretName", "db"), "optional": True},
        {"secret": {"secretName": "db", "optional": True}},
    ),
    ("secretAsVolume", {**named("secretName", "db"), "optional": False}, {"secret": {"secretName": "db"}}),
    ("configMapAsVolume", named("configMapName", "db"), {"configMap": {"name": "db"}}),
    ("pvcMount", {"constant": "data"}, {"persistentVolumeClaim": {"claimName": "data"}}),
    ("pvcMount", {"pvcNameParameter": constant("data")}, {"persistentVolumeClaim": {"claimName": "data"}}),
    ("emptyDirMounts", {"volumeName": "tmp"}, {"emptyDir": {}}),
    (
        "emptyDirMounts",
        {"volumeName": "tmp", "medium": "Memory", "sizeLimit": "512K"},
        {"emptyDir": {"medium": "Memory", "sizeLimit": "512k"}},
    ),
    (
        "genericEphemeralVolume",
        {**EPHEMERAL, "storageClassName": "fast"},
        {"ephemeral": {"volumeClaimTemplate": CLAIM_TEMPLATE}},
    ),
]


@pytest.mark.parametrize(("setting", "entry", "source"), VOLUMES)
def test_volumes_are_mounted_under_a_name_of_their_own(setting, entry, source):
    pod = fields(**{setting: [{**entry, "mountPath": "/mounted"}]})
    assert volume_at(pod, "/mounted") == source
    assert mount_at(pod, "/mounted")["name"] not in {v["name"] for v in spec_defaults()["volumes"]}


def test_an_ephemeral_volume_of_the_default_class_names_none():
    entry = {**EPHEMERAL, "defaultStorageClass": True, "mountPath": "/mounted"}
    spec = volume_at(fields(genericEphemeralVolume=[entry]), "/mounted")["ephemeral"]["volumeClaimTemplate"][
        "spec"
    ]
    assert "storageClassName" not in spec


def test_shared_memory_is_a_volume_in_memory():
    pod = fields(enabledSharedMemory={"volumeName": "shm", "size": "2Gi"})
    assert volume_at(pod, "/dev/shm") == {"emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}


def test_two_folders_of_one_claim_share_its_volume():
    claim = {"constant": "data"}
    pod = fields(pvcMount=[{**claim, "mountPath": "/a", "subPath": "x/y"}, {**claim, "mountPath": "/b"}])
    assert len(pod.template["volumes"]) == 1
    assert mount_at(pod, "/a")["subPath"] == "x/y"


@pytest.mark.parametrize("name", ["with.dots", "x" * 200, "a-b", "a.b"])
def test_names_of_objects_that_no_volume_can_have_still_make_one(name):
    pod = fields(
        secretAsVolume=[{"secretName": name, "mountPath": "/a"}, {"secretName": "a-b", "mountPath": "/b"}]
    )
    assert volume_at(pod, "/a") == {"secret": {"secretName": name}}
    assert volume_at(pod, "/b") == {"secret": {"secretName": "a-b"}}
    assert all(len(each["name"]) <= 63 and "." not in each["name"] for each in pod.template["volumes"])


def test_a_folder_mounted_at_tmp_takes_the_place_of_the_usual_one():
    pod = fields(emptyDirMounts=[{"volumeName": "scratch", "mountPath": "/tmp/"}])
    assert [m["name"] for m in pod.container["volumeMounts"] if m["mountPath"] == "/tmp"] == ["empty-scratch"]


def test_the_workspace_is_mounted_where_it_is_asked_for():
    mounted = {"name": "kfp-workspace", "mountPath": "/kfp-workspace"}
    assert mounted in pod_fields(step(), "say", workspace=True).container["volumeMounts"]
    assert mounted not in pod_fields(step(), "say").container["volumeMounts"]


REQUIRED, PREFERRED = (f"{each}DuringSchedulingIgnoredDuringExecution" for each in ("required", "preferred"))
ZONE = {"key": "zone", "operator": "In", "values": ["a"]}
NODE = {"key": "metadata.name", "operator": "In", "values": ["n"]}
TOLERATION = {"key": "gpu", "operator": "Exists", "effect": "NoExecute"}
TEMPLATE = [
    ({"nodeSelector": {"labels": {"disk": "ssd"}}}, {"nodeSelector": {"disk": "ssd"}}),
    ({"nodeSelector": {"nodeSelectorJson": constant({"disk": "ssd"})}}, {"nodeSelector": {"disk": "ssd"}}),
    ({"nodeSelector": {"nodeSelectorJson": constant(None)}}, {}),
    (
        {"tolerations": [{**TOLERATION, "tolerationSeconds": "5"}]},
        {"tolerations": [{**TOLERATION, "tolerationSeconds": 5}]},
    ),
    (
        {
            "tolerations": [
                {"tolerationJson": constant([TOLERATION, TOLERATION])},
                {"tolerationJson": constant({})},
            ]
        },
        {"tolerations": [TOLERATION, TOLERATION]},
    ),
    ({"tolerations": [{"operator": "Exists"}]}, {"tolerations": [{"operator": "Exists"}]}),
    ({"activeDeadlineSeconds": "600"}, {"activeDeadlineSeconds": 600}),
    ({"activeDeadlineSeconds": "0"}, {}),
    (
        {"podMetadata": {"labels": {"team": "x"}, "annotations": {"note": "é {"}}},
        {"metadata": {"labels": {"team": "x"}, "annotations": {"note": "é {"}}},
    ),
    (
        {"nodeAffinity": [{"matchExpressions": [ZONE]}, {"matchFields": [NODE], "weight": 5}]},
        {
            "affinity": {
                "nodeAffinity": {
                    REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [ZONE]}]},
                    PREFERRED: [{"weight": 5, "preference": {"matchFields": [NODE]}}],
                }
            }
        },
    ),
    (
        {
            "nodeAffinity": [
                {"matchExpressions": [ZONE]},
                {
                    "nodeAffinityJson": constant(
                        {REQUIRED: {"nodeSelectorTerms": [{"matchFields": [NODE]}]}, PREFERRED: []}
                    )
                },
            ]
        },
        {
            "affinity": {
                "nodeAffinity": {
                    REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [ZONE]}, {"matchFields": [NODE]}]}
                }
            }
        },
    ),
    (
        {
            "podAffinity": [
                {
                    "anti": True,
                    "weight": 3,
                    "topologyKey": "zone",
                    "matchPodLabels": {"a": "b"},
                    "namespaces": ["n"],
                    "matchNamespaceLabels": {"c": "d"},
                }
            ]
        },
        {
            "affinity": {
                "podAntiAffinity": {
                    PREFERRED: [
                        {
                            "weight": 3,
                            "podAffinityTerm": {
                                "topologyKey": "zone",
                                "labelSelector": {"matchLabels": {"a": "b"}},
                                "namespaceSelector": {"matchLabels": {"c": "d"}},
                                "namespaces": ["n"],
                            },
                        }
                    ]
                }
            }
        },
    ),
    (
        {"podAffinity": [{"topologyKey": "zone", "matchPodExpressions": [ZONE]}]},
        {
            "affinity": {
                "podAffinity": {
                    REQUIRED: [{"topologyKey": "zone", "labelSelector": {"matchExpressions": [ZONE]}}]
                }
            }
        },
    ),
]


@pytest.mark.parametrize(("settings", "template"), TEMPLATE)
def test_scheduling_and_metadata_are_fields_of_the_template(settings, template):
    assert fields(**settings).template == template


def test_an_affinity_that_names_nothing_is_left_out_and_told():
    pod = fields(nodeAffinity=[{"weight": 3}])
    assert pod.template == {}
    assert "has no effect" in str(pod.warnings[0])


def test_image_settings_go_where_kubernetes_has_them():
    pod = fields(imagePullPolicy="Always", imagePullSecret=[named("secretName", "registry")])
    assert pod.spec == {"imagePullSecrets": [{"name": "registry"}]}
    assert pod.container["imagePullPolicy"] == "Always"


EMPTY = {"volumeName": "v", "mountPath": "/v"}
REFUSED = [
    ({"initContainers": []}, "initContainers: it is unknown here"),
    ({"secretAsEnv": "db"}, "secretAsEnv: expected a list"),
    ({"emptyDirMounts": [{**EMPTY, "new": 1}]}, "emptyDirMounts[0].new: it is unknown here"),
    ({"emptyDirMounts": [{**EMPTY, "mountPath": "/kfp/launch"}]}, "needed by what runs the step"),
    ({"emptyDirMounts": [{**EMPTY, "mountPath": "/kfp-workspace/x"}]}, "needed by what runs the step"),
    ({"emptyDirMounts": [{**EMPTY, "mountPath": "/x/../gcs"}]}, "no path to mount at"),
    ({"emptyDirMounts": [{**EMPTY, "mountPath": "//"}]}, "needed by what runs the step"),
    ({"emptyDirMounts": [EMPTY, {"volumeName": "w", "mountPath": "/v/"}]}, "something else is mounted at /v"),
    (
        {"emptyDirMounts": [EMPTY, {**EMPTY, "mountPath": "/w", "medium": "Memory"}]},
        "another volume is called",
    ),
    ({"emptyDirMounts": [{**EMPTY, "mountPath": "relative"}]}, "absolute path"),
    ({"emptyDirMounts": [{**EMPTY, "sizeLimit": "lots"}]}, "not a quantity"),
    ({"emptyDirMounts": [{**EMPTY, "medium": "Disk"}]}, "Memory, HugePages"),
    ({"secretAsVolume": [{"secretName": "s", "mountPath": "/tmp"}]}, "must stay a place to write to"),
    (
        {"secretAsVolume": [{"secretName": "Not_A_Name", "mountPath": "/v"}]},
        "cannot be the name of an object",
    ),
    ({"secretAsVolume": [{"mountPath": "/v"}]}, "cannot be the name of an object"),
    (
        {"pvcMount": [{"componentInputParameter": "name", "mountPath": "/v"}]},
        "only known when the pipeline runs",
    ),
    ({"pvcMount": [{"constant": "c", "mountPath": "/v", "subPath": "../x"}]}, "leaves the volume"),
    ({"genericEphemeralVolume": [{**EMPTY, "size": "1Gi", "accessModes": ["ReadOften"]}]}, "ReadWriteOnce"),
    ({"podMetadata": {"labels": {"a": "b c"}}}, "value of a label"),
    ({"podMetadata": {"labels": {"a": "x" * 64}}}, "at most 63"),
    ({"podMetadata": {"labels": {"a b": "c"}}}, "cannot be a key"),
    ({"podMetadata": {"annotations": {"a/b/c": "d"}}}, "cannot be a key"),
    ({"podMetadata": {"annotations": {"a": "{{workflow.name}}"}}}, "Argo would replace"),
    ({"podMetadata": {"annotations": {"a": "{{x}} {{= 1 }}"}}}, "Argo would replace"),
    ({"podMetadata": {"annotations": {"a": "{{x}} {{"}}}, "Argo would replace"),
    ({"podMetadata": {"labels": {"a": "{{x}}"}}}, "Argo would replace"),
    ({"podMetadata": {"labels": {"workflows.argoproj.io/workflow": "x"}}}, "Argo's own"),
    ({"imagePullPolicy": "Sometimes"}, "IfNotPresent"),
    ({"tolerations": [{"effect": "NoSchedule"}]}, "operator='Exists'"),
    ({"tolerations": [{"key": "a", "effect": "Never"}]}, "NoExecute"),
    ({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, "takes none"),
    ({"tolerations": [{"key": "a", "tolerationSeconds": "3"}]}, "NoExecute alone"),
    ({"tolerations": [{"tolerationJson": constant("gpu")}]}, "is no toleration"),
    ({"nodeSelector": {"labels": {"a": "b"}, "nodeSelectorJson": constant({})}}, "together with labels"),
    ({"nodeSelector": {"nodeSelectorJson": constant(["a"])}}, "no mapping"),
    ({"nodeAffinity": [{"matchExpressions": [{"key": "a", "operator": "Near"}]}]}, "In, NotIn"),
    ({"nodeAffinity": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]}, "takes values"),
    (
        {"nodeAffinity": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]}]},
        "takes one",
    ),
    ({"nodeAffinity": [{"matchExpressions": [ZONE], "weight": 0}]}, "between 1 and 100"),
    ({"nodeAffinity": [{"nodeAffinityJson": constant({"required": {}})}]}, "'required' is no setting"),
    (
        {
            "nodeAffinity": [
                {
                    "nodeAffinityJson": constant(
                        {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": "x"}}]}
                    )
                }
            ]
        },
        f"affinity, affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions: expected a list",
    ),
    (
        {
            "nodeAffinity": [
                {
                    "nodeAffinityJson": constant(
                        {
                            PREFERRED: [
                                {"weight": 1, "preference": {"matchExpressions": [{"operator": "Exists"}]}}
                            ]
                        }
                    )
                }
            ]
        },
        "`key` is missing",
    ),
    ({"podAffinity": [{"matchPodLabels": {"a": "b"}}]}, "topologyKey: it is empty"),
    (
        {
            "podAffinity": [
                {"topologyKey": "z", "matchPodExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}
            ]
        },
        "'Gt' is none",
    ),
    ({"fieldPathAsEnv": [{"name": "V", "fieldPath": "status.phase"}]}, "no field that a pod can read"),
    ({"secretAsEnv": [{"secretName": "s"}]}, "names no key"),
    (
        {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "a/b", "envVar": "V"}]}]},
        "cannot be a key",
    ),
    (
        {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "1V"}]}]},
        "environment variable",
    ),
    ({"activeDeadlineSeconds": "-1"}, "less than no time"),
]


@pytest.mark.parametrize(("settings", "says"), REFUSED)
def test_what_cannot_be_honoured_is_refused_with_the_task_and_the_setting(settings, says):
    text = refusal(kubernetes=settings)
    assert says in text
    assert "task group/say, " in text
    assert "\n    -> " in text


def test_all_problems_of_a_step_are_told_at_once():
    settings = {"imagePullPolicy": "No", "podMetadata": {"labels": {"a": "b c"}}}
    assert refusal(kubernetes=settings, resources=Resources(cpu_limit="x")).count("task group/say") == 3


def test_a_variable_that_is_set_twice_is_told_and_the_later_one_counts():
    settings = {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "MODE"}]}]}
    pod = pod_fields(step(kubernetes=settings, env={"MODE": "fast"}), "say")
    assert next(each for each in pod.container["env"] if each["name"] == "MODE")["valueFrom"]
    assert "already set" in str(pod.warnings[0])


def test_a_steps_own_variable_takes_the_place_of_a_default():
    pod = pod_fields(step(env={"HOME": "/home/me"}), "say")
    assert [each["value"] for each in pod.container["env"] if each["name"] == "HOME"] == ["/home/me"]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("$HOME/x", "$HOME/x"),
        ("$(HOME)", "$$(HOME)"),
        ("a$$b", "a$$$$b"),
        ("$(A)$B", "$$(A)$$B"),
        ("é\n{", "é\n{"),
    ],
)
def test_a_variable_arrives_as_it_was_written(given, written):
    assert pod_fields(step(env={"V": given}), "say").container["env"][-1] == {"name": "V", "value": written}


def test_an_annotation_may_hold_a_template_of_another_language():
    text = '{{- with secret "db/creds" -}}{{ .Data.x }}\n{{ range $i := .items }}{{ end }}'
    found = fields(podMetadata={"annotations": {"vault.hashicorp.com/agent-inject-template": text}})
    assert found.template["metadata"]["annotations"]["vault.hashicorp.com/agent-inject-template"] == text


@pytest.mark.parametrize("given", ["{{x}}", "{{{{", "${{ $(A) }}", "a {{workflow.name}} $$ {{{"])
def test_no_brace_of_a_variable_is_one_that_argo_replaces(given):
    env = pod_fields(step(env={"V": given}), "say").container["env"]
    written = env[-1]["value"]
    assert "{{" not in written
    assert env[0] == {"name": BRACE, "value": "{"}
    # What the kubelet makes of it, which reads from left to right.
    seen = re.sub(rf"\$(\$|\({BRACE}\))", lambda found: "$" if found[1] == "$" else "{", written)
    assert seen == given


def test_a_variable_that_no_pod_could_hold_is_refused():
    assert "NUL" in refusal(env={"V": "a\0b"})
