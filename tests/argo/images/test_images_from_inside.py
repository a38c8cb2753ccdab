"""The images with the project in them, looked at from inside a pod under Pod Security `restricted`."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

import pytest

from pipelines.sdk.kube import Cluster
from tests.argo import services
from tests.argo.alone import last_words
from tests.conftest import ROOT

pytestmark = [pytest.mark.argo, pytest.mark.slow]

IMAGES = ("kfp-on-argo/step:0.1.0", "kfp-on-argo/server:0.1.0")
LOOK = """
import getpass, json, os, pathlib, shutil, sys
import components, mlflow, pipelines
from components.support import lock

def writable(folder):
    try:
        pathlib.Path(folder, "x").touch()
    except OSError:
        return False
    return True

libraries = pathlib.Path(mlflow.__file__).parents[1]
sources = [file for file in (*libraries.rglob("*.py"), *pathlib.Path("/app").rglob("*.py"))]
uncompiled = [
    str(file) for file in sources
    if not file.with_name("__pycache__").joinpath(f"{file.stem}.cpython-311.pyc").exists()
]
print(json.dumps({
    "user": [os.getuid(), os.getgid(), getpass.getuser()],
    "programs": [name for name in ("gcc", "cc", "g++", "make", "git") if shutil.which(name)],
    "pip": any((libraries / name).exists() for name in ("pip", "setuptools")),
    "cache": pathlib.Path("/root/.cache").exists() if os.access("/root", os.X_OK) else False,
    "writable": [folder for folder in ("/", "/app", str(libraries), "/tmp") if writable(folder)],
    "sources": len(sources),
    "uncompiled": uncompiled,
    "imported uncompiled": [
        name for name, module in sys.modules.items()
        if getattr(module, "__cached__", None) and not os.path.exists(module.__cached__)
    ],
    "at": [os.getcwd(), components.__file__, pipelines.__file__],
    "lock": lock.lock_hash(),
}))
"""


@pytest.fixture(scope="module", params=IMAGES)
def inside(request: pytest.FixtureRequest, cluster: Cluster) -> dict[str, Any]:
    """What a pod of the image finds there."""
    if services.missing_images(cluster, [request.param]):
        pytest.skip(f"no node has the image {request.param}: tests/argo/images/build makes it")
    name = f"look-inside-{uuid.uuid4().hex[:6]}"
    words = last_words(cluster, name, {"image": request.param, "command": ["python3", "-c", LOOK]})
    return dict(json.loads(words))


def test_it_runs_as_nobody_in_particular_and_writes_to_tmp_alone(inside):
    assert inside["user"] == [65532, 65532, "nonroot"]
    assert inside["writable"] == ["/tmp"]


def test_nothing_can_be_compiled_or_installed_in_it(inside):
    assert (inside["programs"], inside["pip"], inside["cache"]) == ([], False, False)


def test_all_sources_are_compiled(inside):
    assert inside["sources"] > 2000
    # Templates and broken samples of other people's tests are no modules.
    assert len(inside["uncompiled"]) < 20, inside["uncompiled"]
    assert not [path for path in inside["uncompiled"] if path.startswith("/app")]
    assert inside["imported uncompiled"] == [], "Python's own modules are compiled, too"


def test_it_has_the_project_and_its_lock(inside):
    packages = ["/app/components/__init__.py", "/app/pipelines/__init__.py"]
    assert inside["at"] == ["/app", *packages]
    assert inside["lock"] == hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()


def test_the_image_of_steps_knows_its_commit(cluster):
    if services.missing_images(cluster, IMAGES[:1]):
        pytest.skip(f"no node has the image {IMAGES[0]}: tests/argo/images/build makes it")
    say = {"image": IMAGES[0], "command": ["sh", "-c", "echo $GIT_COMMIT"]}
    assert len(last_words(cluster, f"commit-{uuid.uuid4().hex[:6]}", say)) == 40
