"""What Argo's controller makes of the fields that are only known when a step starts."""

import base64
import json
import secrets

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import ENDED, POD, WORKFLOW, WORKFLOW_LABEL, phase
from pipelines.sdk.argo.pods import pod_fields, resource_template, spec_defaults
from pipelines.sdk.argo.travel import constant
from pipelines.sdk.kube import Kind, Selection
from pipelines.sdk.launch import encode
from pipelines.sdk.plan import Resources
from tests.argo.pods.building import argument, carrier, step
from tests.argo.pods.test_claims import CREATE, DELETE
from tests.argo.services import wait_for

pytestmark = pytest.mark.argo

CLAIM = Kind("v1", "PersistentVolumeClaim")
VOLUME = Kind("v1", "PersistentVolume", namespaced=False)
RBAC = "rbac.authorization.k8s.io/v1"
RULES = [
    {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["create", "get", "delete"]},
]
REQUIRED, PREFERRED = (f"{each}DuringSchedulingIgnoredDuringExecution" for each in ("required", "preferred"))
ON_LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
GIVEN = {
    "nothing": None,
    "selector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "b", "operator": "Exists"}],
    "affinity": {
        REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [ON_LINUX]}]},
        PREFERRED: [{"weight": 7, "preference": {"matchExpressions": [{**ON_LINUX, "values": ["a", "b"]}]}}],
    },
    "cpu": 0.5,
    "mega": 64,
    "braces": "{{workflow.name}}$(HOME)\"'\\é",
}
SETTINGS = {
    "pvcMount": [{"mountPath": "/data", "pvcNameParameter": argument("claim")}],
    "secretAsEnv": [
        {"secretNameParameter": argument("secret"), "keyToEnv": [{"secretKey": "k", "envVar": "SECRET"}]},
        {"secretNameParameter": argument("nothing"), "keyToEnv": [{"secretKey": "k", "envVar": "ABSENT"}]},
    ],
    "secretAsVolume": [{"mountPath": "/secret", "secretNameParameter": argument("secret")}],
    "configMapAsVolume": [{"mountPath": "/nothing", "configMapNameParameter": argument("nothing")}],
    "imagePullSecret": [{"secretNameParameter": argument("secret")}],
    "nodeSelector": {"nodeSelectorJson": argument("selector")},
    "tolerations": [{"key": "a", "operator": "Exists"}, {"tolerationJson": argument("tolerations")}],
    "nodeAffinity": [{"nodeAffinityJson": argument("affinity")}, {"nodeAffinityJson": argument("nothing")}],
}
LOOK = """
import json, os
seen = {name: os.environ.get(name) for name in ("SECRET", "ABSENT", "LITERAL")}
seen["file"] = open("/secret/k").read()
seen["there"] = sorted(os.listdir("/"))
json.dump(seen, open("/data/seen.json", "w"))
"""


# Argo's executor writes a manifest to /tmp: its own image has one, a test cluster's stand-in for it not.
ROOM = {"name": "tmp-dir-argo", "mountPath": "/tmp", "subPath": "init"}
WITH_ROOM = {"podSpecPatch": json.dumps({"initContainers": [{"name": "init", "volumeMounts": [ROOM]}]})}


def placeholder(name):
    return f"{{{{$.inputs.parameters['{name}']}}}}"


def owned(cluster, name, folder):
    """The objects around the run: who may order volumes, a volume, a Secret."""
    subject = {"kind": "ServiceAccount", "name": name, "namespace": cluster.namespace}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    yield {"apiVersion": RBAC, "kind": "Role", "metadata": {"name": name}, "rules": RULES}
    yield {
        "apiVersion": RBAC,
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [subject],
    }
    data = {"k": base64.b64encode(b"shh").decode()}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data}
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(folder)},
        },
    }


def workflow(name):
    parameters = {each: carrier(f"p-{each}") for each in (*GIVEN, "claim", "secret")}
    quantities = Resources(
        cpu_limit=placeholder("cpu"),
        memory_limit=f"{placeholder('mega')}Mi",
        memory_request=placeholder("nothing"),
    )
    body = step(kubernetes=SETTINGS, env={"LITERAL": "a$(SECRET)$$b"}, resources=quantities)
    pod = pod_fields(body, "use", parameters)
    order = {
        "access_modes": constant(["ReadWriteOnce"]),
        "size": carrier("p-size"),
        "storage_class_name": constant(""),
        "volume_name": constant(name),
        "annotations": carrier("p-annotations"),
        "pvc_name_suffix": constant("-data"),
    }
    claim = "{{tasks.create.outputs.parameters.p-name}}"
    tasks = [
        task("create", "", size="1Gi", annotations={"note": GIVEN["braces"]}),
        task("use", "create.Succeeded", claim, claim=..., secret=name, **GIVEN),
        task("delete", "use.Succeeded", claim, pvc_name=...),
    ]
    claims = {"create": (CREATE, order), "delete": (DELETE, {"pvc_name": carrier("p-pvc_name")})}
    leaves = [
        (each, tasks[0 if each == "create" else 2], WITH_ROOM | resource_template(made, each, given).template)
        for each, (made, given) in claims.items()
    ]
    container = {"image": "python:3.11-slim", "command": ["python3", "-c", LOOK], **pod.container}
    held = [m for m in container["volumeMounts"] if m["name"] not in ("launcher", "steps")]
    leaves.append(("use", tasks[1], {**pod.template, "container": {**container, "volumeMounts": held}}))
    templates = [{"name": n, "inputs": {"parameters": inputs(each)}, **leaf} for n, each, leaf in leaves]
    spec = {"entrypoint": "main", "serviceAccountName": name, **spec_defaults(), **pod.spec}
    spec["templates"] = [{"name": "main", "dag": {"tasks": tasks}}, *templates]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": spec,
    }


def task(name, depends, later="", **values):
    given = [
        {"name": f"p-{key}", "value": later if value is ... else encode(value)}
        for key, value in values.items()
    ]
    return {"name": name, "template": name, "depends": depends, "arguments": {"parameters": given}}


def inputs(made):
    return [{"name": each["name"]} for each in made["arguments"]["parameters"]]


def ended(cluster, name):
    found = kube.get(cluster, WORKFLOW, name)
    return found if phase(found) in ENDED else None


@pytest.fixture
def run(cluster, tmp_path):
    name = f"pods-{secrets.token_hex(4)}"
    tmp_path.chmod(0o777)
    made = list(owned(cluster, name, tmp_path))
    for each in made:
        kube.create(cluster, each, namespaced=each["kind"] != VOLUME.name)
    kube.create(cluster, workflow(name))
    try:
        yield name
    finally:
        kube.delete(cluster, WORKFLOW, name)
        for each in made:
            kube.delete(cluster, VOLUME if each["kind"] == VOLUME.name else Kind.of(each), name)


def test_settings_known_at_run_time_reach_the_pod(cluster, run, tmp_path):
    done = wait_for("the run", lambda: ended(cluster, run), 120)
    nodes = {each["displayName"]: each for each in done["status"]["nodes"].values()}
    assert phase(done) == "Succeeded", {name: each.get("message") for name, each in nodes.items()}
    assert json.loads((tmp_path / "seen.json").read_text()) | {"there": []} == {
        "SECRET": "shh",
        "ABSENT": None,
        "LITERAL": "a$(SECRET)$$b",
        "file": "shh",
        "there": [],
    }
    assert "nothing" not in json.loads((tmp_path / "seen.json").read_text())["there"]

    claim = json.loads(nodes["create"]["outputs"]["parameters"][0]["value"])
    assert claim.startswith(run)
    assert claim.endswith("-data")
    found = kube.get(cluster, CLAIM, claim)
    assert found is None or "deletionTimestamp" in found["metadata"]

    chosen = Selection(labels=f"{WORKFLOW_LABEL}={run}")
    spec = next(
        p["spec"] for p in kube.listing(cluster, POD, chosen) if p["metadata"]["name"] == pod_of(done, "use")
    )
    (main,) = (each for each in spec["containers"] if each["name"] == "main")
    assert main["resources"]["limits"] == {"cpu": "500m", "memory": "64Mi"}
    assert spec["nodeSelector"] == GIVEN["selector"]
    assert [each["key"] for each in spec["tolerations"]][:2] == ["a", "b"]
    assert spec["affinity"] == {"nodeAffinity": GIVEN["affinity"]}
    assert spec["imagePullSecrets"] == [{"name": run}]


def pod_of(done, name):
    """The name of a task's pod: workflow, template and the hash in the node's id."""
    ((node, found),) = ((k, v) for k, v in done["status"]["nodes"].items() if v["displayName"] == name)
    return f"{done['metadata']['name']}-{found['templateName']}-{node.rpartition('-')[2]}"
