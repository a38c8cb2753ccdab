"""What runs on a test cluster beside Argo: the runner's rights, a bucket, a folder to share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

import yaml

from pipelines.sdk import kube
from pipelines.sdk.kube import Cluster, Kind

ROOT = Path(__file__).parents[2]
RUNNER = ROOT / "platform" / "argo" / "runner.yaml"
OBJECTS = Path(__file__).parent / "objects"
NAMESPACE = "ml"
STORAGE = "http://fake-gcs.storage.svc.cluster.local:4443"
BUCKET = "kfp-on-argo"
TRACKING = "http://mlflow.mlflow.svc.cluster.local:5000"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
READY_SECONDS = 60
STARTING_SECONDS = 240  # of MLflow's server on a machine that is busy
_Found = TypeVar("_Found")


def wait_for(what: str, look: Callable[[], _Found | None], seconds: float = READY_SECONDS) -> _Found:
    """Looks until there is something.

    Raises:
        TimeoutError: there never was.
    """
    end = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: nothing in {seconds:g} s")
        time.sleep(0.3)
    return found


def in_namespace(cluster: Cluster, namespace: str) -> Cluster:
    """The same cluster, seen in another namespace."""
    return Cluster(cluster.api, namespace, cluster.server, cluster.context)


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a file."""
    yield from (each for each in yaml.safe_load_all(path.read_text()) if each)


def apply_file(cluster: Cluster, path: Path) -> None:
    """Every object of a file, each in its own namespace."""
    for document in documents(path):
        namespace = document["metadata"].get("namespace", cluster.namespace)
        if Kind.of(document).name == "Namespace":
            held = {key: value for key, value in document["metadata"].items() if key != "namespace"}
            _namespace(cluster, held["name"], held.get("labels", {}))
        else:
            kube.apply(in_namespace(cluster, namespace), document, force=True)


def _namespace(cluster: Cluster, name: str, labels: Mapping[str, str]) -> None:
    kind = Kind("v1", "Namespace", namespaced=False)
    if kube.get(cluster, kind, name) is None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        kube.request(cluster, "POST", kind.path(""), body=body)
    kube.patch(cluster, kind, name, {"metadata": {"labels": dict(labels)}})


def set_up(cluster: Cluster) -> None:
    """Pod Security, the runner and its rights, and Cloud Storage's stand-in with an empty bucket."""
    _namespace(cluster, NAMESPACE, RESTRICTED)
    apply_file(cluster, RUNNER)
    apply_file(cluster, OBJECTS / "fake-gcs.yaml")
    wait_for("the bucket", lambda: Bucket(BUCKET).make() or None)


def missing_images(cluster: Cluster, wanted: Iterable[str]) -> list[str]:
    """Those images that no node has.

    Args:
        cluster: to look at.
        wanted: ends of names, with their tags.
    """
    nodes = kube.listing(cluster, Kind("v1", "Node", namespaced=False))
    images = [image for node in nodes for image in node["status"].get("images", [])]
    # An image whose name another one took has none left.
    names = {name for image in images for name in image.get("names") or ()}
    return [image for image in wanted if not any(name.endswith(image) for name in names)]


@contextmanager
def tracking(cluster: Cluster) -> Iterator[str]:
    """An MLflow server, of which every step is told while it is there; gives its address."""
    apply_file(cluster, OBJECTS / "mlflow.yaml")
    try:
        wait_for("MLflow's server", _tracked, STARTING_SECONDS)
        yield TRACKING
    finally:
        for document in documents(OBJECTS / "mlflow.yaml"):
            kind, metadata = Kind.of(document), document["metadata"]
            if kind.name != "Namespace":  # that takes its time to go, and stands in the way of the next one
                kube.delete(in_namespace(cluster, metadata["namespace"]), kind, metadata["name"])


def _tracked() -> bool | None:
    try:
        urlopen(f"{TRACKING}/health", timeout=5).close()
    except OSError:
        return None
    return True


@dataclass(frozen=True)
class Bucket:
    """A bucket of the stand-in.

    Args:
        name: of it.
        address: of the server.
    """

    name: str
    address: str = STORAGE

    def make(self) -> bool:
        """Makes it, unless it is there; whether it is there now."""
        body = json.dumps({"name": self.name}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            urlopen(Request(f"{self.address}/storage/v1/b?project=test", body, headers), timeout=5).close()
        except HTTPError as error:
            return error.code == 409
        except URLError:
            return False
        return True

    def names(self, prefix: str) -> list[str]:
        """Names of the objects that start so."""
        query = urlencode({"prefix": prefix, "maxResults": 1000})
        with urlopen(f"{self.address}/storage/v1/b/{self.name}/o?{query}", timeout=30) as answer:
            return [each["name"] for each in json.load(answer).get("items", [])]

    def read(self, name: str) -> str:
        """An object as text."""
        address = f"{self.address}/storage/v1/b/{self.name}/o/{quote(name, safe='')}?alt=media"
        with urlopen(address, timeout=30) as answer:
            return str(answer.read().decode())

    def write(self, name: str, text: str) -> str:
        """Makes an object; its URI."""
        query = urlencode({"uploadType": "media", "name": name})
        address = f"{self.address}/upload/storage/v1/b/{self.name}/o?{query}"
        urlopen(Request(address, text.encode(), {"Content-Type": "text/plain"}), timeout=30).close()
        return f"gs://{self.name}/{name}"

    def content(self, key: str) -> Any:
        """Text of an object, a mapping of names to texts for a folder, None where there is neither."""
        names = self.names(key)
        if key in names:
            return self.read(key)
        below = sorted(name for name in names if name.startswith(f"{key}/"))
        return {name.removeprefix(f"{key}/"): self.read(name) for name in below} or None


@dataclass(frozen=True)
class Shared:
    """A folder of this machine that steps see too: Pod Security lets them mount a claim on it, but no path.

    Args:
        folder: here.
        name: of the volume and the claim.
    """

    folder: Path
    name: str

    PATH = "/shared"

    def make(self, cluster: Cluster) -> None:
        """Makes volume and claim, and lets everybody write into the folder."""
        self.folder.chmod(0o777)
        size = {"storage": "1Gi"}
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": self.name},
            "spec": {
                "capacity": size,
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "",
                "hostPath": {"path": str(self.folder)},
                "claimRef": {"namespace": cluster.namespace, "name": self.name},
            },
        }
        claim = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": self.name},
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "storageClassName": "",
                "volumeName": self.name,
                "resources": {"requests": size},
            },
        }
        kube.request(cluster, "POST", _VOLUME.path(""), body=volume)
        kube.create(cluster, claim)
        wait_for("the claim", lambda: self._bound(cluster))

    def remove(self, cluster: Cluster) -> None:
        """Deletes claim and volume; the folder stays."""
        kube.delete(cluster, _CLAIM, self.name)
        kube.delete(cluster, _VOLUME, self.name)

    def _bound(self, cluster: Cluster) -> bool | None:
        claim = kube.get(cluster, _CLAIM, self.name)
        return True if claim and claim.get("status", {}).get("phase") == "Bound" else None

    def mounted(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A WorkflowTemplate whose steps see the folder; every other document as it is."""
        if document["kind"] != "WorkflowTemplate":
            return dict(document)
        spec = dict(document["spec"])
        held = {"name": "shared", "persistentVolumeClaim": {"claimName": self.name}}
        spec["volumes"] = [*spec.get("volumes", []), held]
        spec["templates"] = [self._mounted(each) for each in spec["templates"]]
        return {**document, "spec": spec}

    def _mounted(self, template: Mapping[str, Any]) -> dict[str, Any]:
        if "container" not in template:
            return dict(template)
        container = dict(template["container"])
        mount = {"name": "shared", "mountPath": self.PATH}
        container["volumeMounts"] = [*container.get("volumeMounts", []), mount]
        return {**template, "container": container}


_VOLUME = Kind("v1", "PersistentVolume", namespaced=False)
_CLAIM = Kind("v1", "PersistentVolumeClaim")
