"""The images' part of the lock: complete, with its hashes, and without the tools of developers."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipelines.sdk.serving.models.closure import PACKAGES
from tests.conftest import ROOT

IMAGES = ROOT / "platform" / "images"
LOCK = (ROOT / "requirements.lock").read_text()
DEVELOPERS = {"mypy", "pytest", "ruff", "hypothesis", "pre-commit", "nbmake"}
IMPORTS = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys(sys.argv[2:]))  # None: what an import of it finds is nothing
package = importlib.import_module(sys.argv[1])
found = [each.name for each in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in found:
    if not name.endswith(".__main__"):
        importlib.import_module(name)
print(len(found))
"""
part_of_lock = runpy.run_path(str(IMAGES / "part_of_lock.py"))
SMALL = """# made by hand
a==1 \\
    --hash=sha256:0
    # via project (pyproject.toml)
b[x]==2 ; sys_platform == 'win32' \\
    --hash=sha256:1
    # via
    #   a
    #   project (pyproject.toml)
c==3 \\
    --hash=sha256:2
    # via b
d==4 \\
    --hash=sha256:3
    # via
    #   project (pyproject.toml)
"""


def names(part):
    return {canonicalize_name(found) for found in re.findall(r"(?m)^([a-z0-9][\w.-]*)(?:\[.*\])?==", part)}


def versions(image):
    """Version and marker of every package of an image, as the lock has them."""
    wanted = part_of_lock["names_in"]((IMAGES / f"{image}.txt").read_text())
    found = re.findall(r"(?m)^([a-z0-9-]+)(==[^\\]+)", part_of_lock["part"](LOCK, wanted))
    return {name: [text for other, text in found if other == name] for name, _ in found}


def test_it_is_what_is_wanted_and_all_that_this_needs():
    part = part_of_lock["part"]
    assert names(part(SMALL, ["a"])) == {"a", "b", "c"}
    assert names(part(SMALL, ["c", "d"])) == {"c", "d"}
    assert part(SMALL, ["a", "d"]) == SMALL.partition("\n")[2], "line by line as the lock has it"
    with pytest.raises(SystemExit, match="the lock does not have e, f"):
        part(SMALL, ["a", "f", "e"])


def test_names_are_read_without_comments():
    assert part_of_lock["names_in"]("# a\n\nb  # c\n d\n") == ["b", "d"]


@pytest.mark.parametrize("image", ["step", "server", "mlflow"])
def test_an_image_has_everything_that_its_packages_need(image):
    wanted = part_of_lock["names_in"]((IMAGES / f"{image}.txt").read_text())
    part = part_of_lock["part"](LOCK, wanted)
    held = names(part)
    assert held >= set(wanted) and not held & DEVELOPERS
    assert part.count("--hash=") >= len(held)
    for name in held:
        try:
            needed = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue  # for another system
        here = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
        assert {canonicalize_name(each.name) for each in here} <= held, name


def test_what_can_change_a_prediction_is_the_same_where_it_is_trained_and_where_it_is_served():
    trained, served = (versions(image) for image in ("step", "server"))
    for name in PACKAGES:
        held = "mlflow-skinny" if name == "mlflow" else name
        assert served[held] == trained[held], "the lock's own version and marker"
    assert trained["mlflow"] == trained["mlflow-skinny"], "released together, and named as one in a closure"


@pytest.mark.parametrize(
    ("image", "package"),
    [("step", "components"), ("step", "pipelines.sdk.launch"), ("server", "pipelines.sdk.serving")],
)
def test_the_projects_modules_find_in_their_image_what_they_import(image, package):
    wanted = part_of_lock["names_in"]((IMAGES / f"{image}.txt").read_text())
    held = names(part_of_lock["part"](LOCK, wanted))
    absent = [
        module
        for module, found in packages_distributions().items()
        if not {canonicalize_name(each) for each in found} & held
    ]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, package, *absent],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 10, "so many modules"


def test_the_server_does_without_the_tracking_servers_packages():
    wanted = part_of_lock["names_in"]((IMAGES / "server.txt").read_text())
    assert not {"mlflow", "sqlalchemy", "pyarrow", "matplotlib", "kfp"} & names(
        part_of_lock["part"](LOCK, wanted)
    )
