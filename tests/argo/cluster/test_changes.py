"""What is shown of a change, decided without a cluster."""

from pipelines.sdk.argo.cluster import pruning
from pipelines.sdk.argo.cluster.changes import between
from pipelines.sdk.argo.cluster.references import used_config_maps

LABELS = {"app.kubernetes.io/managed-by": "kfp-on-argo"}


def config_map(data: dict, **metadata) -> dict:
    held = {"name": "train-steps-1", "labels": LABELS, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held, "data": data}


def test_what_the_server_adds_for_itself_is_no_change():
    bookkeeping = {"managedFields": [{}], "resourceVersion": "7", "uid": "u", "generation": 3}
    live = config_map({"a": "b"}, **bookkeeping) | {"status": {"x": 1}}
    assert between(live, config_map({"a": "b"}, resourceVersion="8")).action == "unchanged"


def test_kubectls_own_annotation_is_no_change():
    live = config_map({}, annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"})
    assert between(live, config_map({})).action == "unchanged"


def test_code_is_shown_line_by_line():
    change = between(config_map({"fit.py": "a = 1\nb = 2\n"}), config_map({"fit.py": "a = 1\nb = 3\n"}))
    assert change.action == "update"
    assert [line.strip() for line in change.diff.splitlines() if line[0] in "-+"][2:] == [
        "-    b = 2",
        "+    b = 3",
    ]


def test_a_new_version_is_shown_beside_the_one_before():
    wanted = config_map({"fit.py": "a = 2\nb = 3\n"}, name="train-steps-2")
    change = between(None, wanted, config_map({"fit.py": "a = 1\nb = 3\n"}))
    assert change.action == "create" and "train-steps-1 now" in change.diff and "+    a = 2" in change.diff


def test_what_is_all_new_is_named_and_not_printed():
    change = between(None, config_map({"fit.py": "a = 2\n"}))
    assert str(change) == "create    ConfigMap train-steps-1"


def test_config_maps_in_volumes_projections_and_environments_are_found():
    spec = {
        "volumes": [
            {"name": "launcher", "configMap": {"name": "a"}},
            {
                "name": "steps",
                "projected": {"sources": [{"configMap": {"name": "b"}}, {"secret": {"name": "x"}}]},
            },
        ],
        "templates": [
            {"container": {"envFrom": [{"configMapRef": {"name": "c"}}]}},
            {
                "container": {
                    "env": [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": "d", "key": "k"}}}]
                }
            },
        ],
    }
    assert sorted(used_config_maps(spec)) == ["a", "b", "c", "d"]


def test_config_maps_that_a_template_or_a_run_holds_are_kept():
    held = [
        {"metadata": {"name": name}}
        for name in ("t-steps-1", "t-steps-2", "t-steps-3", "t-launcher-1", "t-own")
    ]

    def volume(name):
        return {"volumes": [{"configMap": {"name": name}}]}

    template = {"spec": volume("t-steps-3")}
    run = {"status": {"storedWorkflowTemplateSpec": volume("t-steps-2")}}
    assert pruning.unused("t", held, [template, run]) == ["t-steps-1", "t-launcher-1"]
