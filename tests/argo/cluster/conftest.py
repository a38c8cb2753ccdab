"""A namespace of its own on a real API server, people with few rights, and the command line."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from pipelines.sdk import cli, kube
from pipelines.sdk.argo.cluster import starting
from pipelines.sdk.argo.cluster.kinds import NAMESPACE, TEMPLATE
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Cluster, Kind
from tests.conftest import Finished

ACCOUNT = Kind("v1", "ServiceAccount")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role")
Command = Callable[..., Finished]
Login = Callable[..., Path]


@pytest.fixture(scope="session")
def api() -> Iterator[Cluster]:
    """A fresh namespace, of which no controller knows; skips where there is no cluster with Argo's kinds."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("no KUBECONFIG: no cluster to ask")
    name = f"kfp-on-argo-test-{uuid.uuid4().hex[:8]}"
    found = kube.connect(name)
    try:
        kube.listing(kube.connect("default"), TEMPLATE)
    except PipelineError as error:
        pytest.skip(f"no cluster with Argo's kinds: {error}")
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    kube.create(found, space, namespaced=False)
    yield found
    kube.delete(found, NAMESPACE, name)


@pytest.fixture(autouse=True)
def nobody_is_waited_for(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no controller is, a run is not waited for until one has looked at it."""
    if not request.node.get_closest_marker("argo"):
        monkeypatch.setattr(starting, "SEEN_SECONDS", 0.0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """A command of the generic front door, in this process."""

    def run(*arguments: str, cluster: Cluster | None = None, login: Path | None = None) -> Finished:
        if cluster:
            monkeypatch.setenv("PIPELINES_NAMESPACE", cluster.namespace)
        if login:
            monkeypatch.setenv("KUBECONFIG", str(login))
        code = cli.generic(arguments)
        captured = capsys.readouterr()
        assert "internal error" not in captured.err, captured.err
        return Finished(code, captured.out, captured.err)

    return run


@pytest.fixture
def login(api: Cluster, tmp_path: Path) -> Login:
    """Makes somebody who may do only so much, and gives their kubeconfig."""

    def make(*rules: dict) -> Path:
        name = f"somebody-{uuid.uuid4().hex[:8]}"
        kube.create(api, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
        group = {"apiVersion": ROLE.api_version, "metadata": {"name": name}}
        kube.create(api, {**group, "kind": "Role", "rules": list(rules)})
        subject = {"kind": "ServiceAccount", "name": name, "namespace": api.namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        kube.create(api, {**group, "kind": "RoleBinding", "subjects": [subject], "roleRef": role})
        return kubeconfig(tmp_path / f"{name}.yaml", api, token=_token(api, name))

    return make


def _token(api: Cluster, name: str) -> str:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = ACCOUNT.path(api.namespace, name, "token")
    return kube.request(api, "POST", path, body=body)["status"]["token"]


def kubeconfig(path: Path, api: Cluster, **changes: str) -> Path:
    """Writes a kubeconfig for the same cluster.

    Args:
        path: where.
        api: the cluster.
        changes: `token`, `server`, `namespace`, `ca`.
    """
    source = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    cluster = dict(source["clusters"][0]["cluster"]) | {"server": changes.get("server", api.server)}
    if "ca" in changes:
        cluster["certificate-authority-data"] = changes["ca"]
    user = {"token": changes["token"]} if "token" in changes else source["users"][0]["user"]
    context = {"cluster": "it", "user": "me"}
    if "namespace" in changes:
        context["namespace"] = changes["namespace"]
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "test", "context": context}],
    }
    path.write_text(yaml.safe_dump(document))
    return path
