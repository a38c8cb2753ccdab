"""What a component imports, read off its source and the project's modules, without running either."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.sdk.local.imports import ImportFinder, Imports, is_installed


class Project:
    """Modules of a project, on the search path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def imports(self, source: str) -> Imports:
        return ImportFinder().of(source)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.syspath_prepend(str(tmp_path))
    made = Project(tmp_path)
    made.write("house/__init__.py", "")
    made.write("house/rooms/__init__.py", "raise SystemExit('nobody may run this')")
    made.write("house/rooms/kitchen.py", "def cook():\n    import colorsys\n")
    made.write("house/doors.py", "from .rooms import kitchen\nfrom . import locks\nfrom ..outside import x\n")
    made.write("house/locks.py", "import wave as w\nSIZE = 3\n")
    return made


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import colorsys", {"colorsys"}),
        ("import xml.dom.minidom as m", {"xml.dom.minidom"}),
        ("def f():\n  if False:\n    import wave", {"wave"}),
        ("try:\n  import wave\nexcept ImportError:\n  import aifc", {"wave", "aifc"}),
        ("from xml import dom", {"xml", "xml.dom"}),
        ("from json import *", {"json"}),
        ("import sklearn\nsklearn.linear_model.Ridge()", {"sklearn", "sklearn.linear_model"}),
        ("import sklearn as linear\nlinear.model", {"sklearn"}),
        (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import wave",
            {"typing", "typing.TYPE_CHECKING"},
        ),
        ("import typing as t\nif t.TYPE_CHECKING:\n  import wave\nelse:\n  import aifc", {"typing", "aifc"}),
        ("from . import sibling", set()),
        ("def broken(:", set()),
        ("x = '\0'", set()),
        ("import " + ".".join("a" * 400), {".".join("a" * 400)}),
        ("-" * 100_000 + "1", set()),
    ],
)
def test_an_import_counts_wherever_it_stands_but_for_type_checkers(source, found):
    assert set(ImportFinder().of(source).modules) == found


def test_imports_are_followed_through_the_projects_modules_and_none_is_run(project):
    found = project.imports("from house.doors import door").modules
    assert set(found) == {
        *("house.doors", "house.rooms", "house.rooms.kitchen", "house", "house.locks"),
        *("colorsys", "wave"),
    }


def test_what_is_no_module_of_the_project_is_not_tried(project):
    assert "house.locks.SIZE" not in project.imports("from house.locks import SIZE").modules


def test_a_circle_of_imports_ends(project):
    project.write("one.py", "import two")
    project.write("two.py", "import one, sys")
    assert set(project.imports("import one").modules) == {"one", "two", "sys"}


@pytest.mark.parametrize(
    "changed", ["house/__init__.py", "house/rooms/__init__.py", "house/rooms/kitchen.py", "house/locks.py"]
)
def test_any_change_of_a_module_that_may_run_changes_the_code(project, changed):
    before = project.imports("from house import doors")
    project.write(changed, "# changed")
    assert project.imports("from house import doors").code != before.code


def test_a_change_of_another_module_does_not(project):
    before = project.imports("from house import locks")
    project.write("house/rooms/kitchen.py", "# changed")
    assert project.imports("from house import locks").code == before.code


def test_a_module_that_comes_or_goes_changes_the_code(project):
    source = "try:\n  from house import cellar\nexcept ImportError: pass"
    before = project.imports(source)
    project.write("house/cellar.py", "")
    assert project.imports(source).code != before.code


def test_a_folder_without_an_init_file_is_a_package_too(project):
    project.write("barn/hay/bales.py", "import wave")
    before = project.imports("import barn.hay.bales")
    assert "wave" in before.modules
    project.write("barn/hay/bales.py", "import wave, json")
    assert project.imports("import barn.hay.bales").code != before.code


def test_a_source_that_imports_nothing_of_the_project_has_no_code():
    assert ImportFinder().of("import json, pandas").code == ""


def test_what_is_installed_is_not_the_projects():
    import json as standard

    import pandas
    import yaml

    for module in (standard, pandas, yaml):
        assert is_installed(Path(module.__file__))
    assert not is_installed(Path(__file__))


@pytest.mark.parametrize(
    ("source", "heavy"),
    [("import json", False), ("from kfp import dsl", False), ("import pandas", True), ("import house", True)],
)
def test_steps_that_need_little_are_told_from_those_that_need_more(source, heavy):
    assert ImportFinder().of(source).heavy is heavy


def test_a_package_is_used_wherever_below_the_source_it_is_imported(project):
    project.write("tracks.py", "def track():\n    import mlflow.sklearn\n")
    assert project.imports("from tracks import track").uses("mlflow")
    assert not project.imports("import mlflower").uses("mlflow")
