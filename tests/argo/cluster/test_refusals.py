"""What goes wrong between a person and a cluster: one clear message each, and nothing half applied."""

from __future__ import annotations

import base64

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import CONFIG_MAP, TEMPLATE, WORKFLOW
from pipelines.sdk.argo.cluster.submitting import submit
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Selection
from tests.argo.cluster import pipelines
from tests.argo.cluster.conftest import kubeconfig
from tests.argo.cluster.test_submitting import made

pytestmark = pytest.mark.cluster

EVERYTHING = {"apiGroups": ["", "argoproj.io"], "resources": ["*"], "verbs": ["*"]}
CONFIG_MAPS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}
TEMPLATES = {"apiGroups": ["argoproj.io"], "resources": ["workflowtemplates"], "verbs": ["*"]}


@pytest.fixture
def file(compiled):
    return compiled(pipelines.plain)


def ours(api):
    return {
        each["metadata"]["name"]
        for kind in (CONFIG_MAP, TEMPLATE)
        for each in kube.listing(api, kind, Selection(labels="app.kubernetes.io/managed-by=kfp-on-argo"))
    }


def test_a_cluster_that_does_not_answer_is_named(api, command, file, tmp_path):
    login = kubeconfig(tmp_path / "config", api, server="https://127.0.0.1:1")
    done = command("submit", file, login=login)
    assert done.code == 5
    assert (
        "https://127.0.0.1:1 (context test): the cluster does not answer" in done.err
        and "--context" in done.err
    )


def test_credentials_that_are_refused_are_told_apart_from_a_cluster_that_is_away(
    api, command, file, tmp_path
):
    done = command("submit", file, login=kubeconfig(tmp_path / "config", api, token="expired"))
    assert done.code == 5 and "credentials are refused" in done.err


def test_a_cluster_with_another_certificate_is_not_trusted(api, command, file, tmp_path):
    # A certificate of somebody else: the lab's API server is not signed by it.
    ca = base64.b64encode(OTHER_CA.encode()).decode()
    done = command("status", login=kubeconfig(tmp_path / "config", api, ca=ca))
    assert done.code == 5 and "TLS" in done.err


def test_without_a_kubeconfig_it_is_said_how_to_get_one(api, command, tmp_path):
    done = command("status", login=tmp_path / "nowhere")
    assert done.code == 4 and "KUBECONFIG" in done.err


@pytest.mark.parametrize("text", ["a: [", "", "[]", "clusters: 3", "current-context: test"])
def test_a_kubeconfig_that_is_none_is_named(api, command, tmp_path, text):
    (tmp_path / "config").write_text(text)
    done = command("status", login=tmp_path / "config")
    assert done.code in (2, 4) and str(tmp_path / "config") in done.err


def test_a_context_that_does_not_exist_is_refused_with_those_that_do(api, command):
    done = command("status", "--context", "production", cluster=api)
    assert done.code == 2 and "'production'" in done.err and "known:" in done.err


@pytest.mark.parametrize(
    "arguments", [["status"], ["watch"], ["logs"], ["unschedule", "plain"], ["stop", "x"]]
)
def test_a_namespace_that_does_not_exist_is_refused(api, command, arguments):
    done = command(*arguments, "-n", "no-such-namespace")
    assert done.code == 2 and "there is no namespace 'no-such-namespace'" in done.err


def test_submit_into_a_namespace_that_does_not_exist_says_how_to_make_it(api, command, file):
    done = command("submit", file, "-n", "no-such-namespace")
    assert done.code == 2 and "kubectl create namespace no-such-namespace" in done.err


def test_kinds_that_are_not_installed_are_named_with_the_product_that_brings_them(api):
    document = {"apiVersion": "serving.kserve.io/v9", "kind": "InferenceService", "metadata": {"name": "x"}}
    with pytest.raises(PipelineError, match=r"no inferenceservices\.serving\.kserve\.io") as caught:
        kube.apply(api, document)
    assert "KServe is not installed" in str(caught.value) and caught.value.exit_code == 5


def test_somebody_without_rights_hears_that_the_kinds_are_missing_where_they_are(api, login):
    stranger = kube.connect(api.namespace, env={"KUBECONFIG": str(login())})
    with pytest.raises(PipelineError, match=r"the cluster has no things\.nowhere\.example"):
        kube.get(stranger, kube.Kind("nowhere.example/v1", "Thing"), "x")


def test_missing_rights_are_told_all_at_once_as_rules_to_ask_for(api, command, login, file):
    before = ours(api)
    done = command("submit", file, "--name", "mine", cluster=api, login=login(CONFIG_MAPS))
    assert (done.code, ours(api)) == (5, before)
    assert f"in namespace {api.namespace}" in done.err
    assert (
        'apiGroups: ["argoproj.io"], resources: ["workflowtemplates"], verbs: [get, create, patch]'
        in done.err
    )
    assert 'apiGroups: ["argoproj.io"], resources: ["workflows"], verbs: [get, create, watch]' in done.err
    assert "configmaps" not in done.err


def test_without_the_right_to_start_runs_nothing_is_applied(api, command, login, file):
    before = ours(api)
    done = command("submit", file, "--name", "unstarted", cluster=api, login=login(CONFIG_MAPS, TEMPLATES))
    assert (done.code, ours(api)) == (5, before)
    assert 'resources: ["workflows"]' in done.err


def test_one_missing_right_is_named_with_verb_resource_and_namespace(api, command, login):
    read = {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["get"]}
    done = command("status", "plain", cluster=api, login=login(read))
    assert done.code == 5 and f"may not list workflows in namespace {api.namespace}" in done.err
    assert 'resources: ["workflows"], verbs: ["list"]' in done.err


def test_who_may_start_a_run_but_not_read_it_is_told_its_name(api, command, login, file):
    starts = {"apiGroups": ["argoproj.io"], "resources": ["workflows"], "verbs": ["create"]}
    done = command("submit", file, "--json", cluster=api, login=login(CONFIG_MAPS, TEMPLATES, starts))
    assert done.code == 0 and kube.get(api, WORKFLOW, done.json["run"]) is not None


def test_without_the_right_to_read_the_namespace_itself_work_in_it_goes_on(api, command, login, file):
    done = command("submit", file, "--name", "free", cluster=api, login=login(EVERYTHING))
    assert done.code == 0, done.err


def test_old_config_maps_that_may_not_be_deleted_are_a_note_and_no_failure(api, login, file):
    rules = [
        dict(EVERYTHING, resources=["workflows", "workflowtemplates"]),
        dict(CONFIG_MAPS, verbs=["get", "list", "create", "patch"]),
    ]
    first = made(file, "kept")
    stale = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**first.documents[0]["metadata"], "name": "kept-steps-0"},
    }
    kube.apply(api, stale)
    mine = kube.connect(api.namespace, env={"KUBECONFIG": str(login(*rules))})
    done = submit(mine, first, [])
    assert done.run and "may not delete configmaps" in done.notes[-1]


def test_a_failure_in_the_middle_says_what_was_applied(api, file, monkeypatch):
    from pipelines.sdk.argo.cluster import applying

    documents = made(file, "halfway").documents
    changes = applying.try_all(api, documents)
    # Between the trial and the application somebody takes the name of the template.
    spec = {"entrypoint": "theirs", "serviceAccountName": "theirs"}
    theirs = {
        "apiVersion": TEMPLATE.api_version,
        "kind": TEMPLATE.name,
        "metadata": {"name": "halfway"},
        "spec": spec,
    }
    path = TEMPLATE.path(api.namespace, "halfway")
    query = [("fieldManager", "somebody")]
    kube.request(api, "PATCH", path, query=query, body=theirs, content_type="application/apply-patch+yaml")
    with pytest.raises(PipelineError, match="applied before that: ConfigMap halfway-launcher-"):
        applying.apply_all(api, documents, changes)


def test_a_name_too_long_for_a_schedule_is_refused_while_it_would_do_for_a_run(api, command, file):
    before = ours(api)
    name = "a" * 53
    done = command("schedule", file, "0 2 * * *", "--name", name, cluster=api)
    assert done.code in (2, 3) and "52" in done.err and "--name" in done.err and ours(api) == before
    assert command("submit", file, "--name", name, "--dry-run", cluster=api).code == 0


def test_a_run_that_is_not_there_is_refused_with_those_that_are(api, command, file):
    run = command("submit", file, "--name", "recent", "--json", cluster=api).json["run"]
    for arguments in (["watch"], ["stop"], ["retry"], ["logs"]):
        done = command(*arguments, "no-such-run", cluster=api)
        assert done.code == 2 and "no-such-run" in done.err and run in done.err


OTHER_CA = """-----BEGIN CERTIFICATE-----
MIIBejCCAR+gAwIBAgIUUKhuJW+SepQLTm+Ih9OSKhuZ190wCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm9ib2R5MCAXDTI2MTEyMzExNDcwMloYDzIxMjYxMDMwMTE0
NzAyWjARMQ8wDQYDVQQDDAZub2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AATPHa2sI35SPngJqb6x9jQ5ByXo/bW+EklXsq7pD2QnaJCTY8Rk46P2cUd0MHPP
QesyYcNxyQCn7AwN+bjRmdsjo1MwUTAdBgNVHQ4EFgQU7GI/sOjDVwVck2Pgx/0/
dJxpy8cwHwYDVR0jBBgwFoAU7GI/sOjDVwVck2Pgx/0/dJxpy8cwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA/Ep2TGX/KGOUuNo1q0FwlYxUkWXA
S2EeqXKDl5ARtSMCIQCWlC/v3t5HRLpFXYIuo9CrowqNyAyG6D/bI8y5cMzAXQ==
-----END CERTIFICATE-----
"""
