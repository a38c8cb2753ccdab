"""Which modules of the project a pipeline's steps take from their image, and that compiled files say so."""

import json
import sys
from functools import partial

import pytest
from kfp import dsl

from pipelines.sdk import compiling, ir
from pipelines.sdk.argo import Options, emit
from pipelines.sdk.launch.pod import MODULES
from pipelines.sdk.own_modules import own_modules
from pipelines.sdk.settings import STEP_IMAGE

own = partial(dsl.component, base_image=STEP_IMAGE, install_kfp_package=False)


@own
def first() -> int:
    from helpers import deep  # noqa: F401
    from helpers.shared import (  # noqa: F401
        one,
        two,
    )

    return 1


@own
def second(given: int) -> int:
    import alone, numpy, unheard_of  # noqa: E401, F401, I001

    return given + int(numpy.int64(1))


@dsl.component(base_image="python:3.11")
def foreign() -> int:
    import theirs  # noqa: F401

    return 1


@dsl.pipeline
def several() -> None:
    with dsl.ExitHandler(first()):
        with dsl.If(first().output == 1):
            second(given=1)
        foreign()


@dsl.pipeline
def strangers() -> None:
    foreign()


FILES = {
    "helpers/__init__.py": "",
    "helpers/deep/__init__.py": "from helpers import within_deep",
    "helpers/within_deep.py": "import numpy.linalg\nif True:\n    import late",
    "helpers/shared.py": "one = two = 1",
    "helpers/unused.py": "",
    "alone.py": '"""\nfrom nowhere import nothing\n"""',
    "late.py": "",
    "theirs.py": "",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


def plan_of(pipeline):
    return ir.read(compiling.to_ir(pipeline), pipeline.name)


def steps_of(compiled):
    """The data of the ConfigMap with the steps."""
    return compiled.documents[1]["data"]


def test_it_is_what_own_steps_reach_and_nothing_else(project):
    found = own_modules(plan_of(several))
    expected = ["alone", "helpers", "helpers.deep", "helpers.shared", "helpers.within_deep", "late"]
    assert list(found) == expected
    assert own_modules(plan_of(strangers)) == {}


def test_a_module_that_changes_changes_its_own_hash_alone(project):
    before = own_modules(plan_of(several))
    (project / "helpers" / "shared.py").write_text("one = two = 2")
    (project / "helpers" / "unused.py").write_text("x = 1")
    (project / "theirs.py").write_text("x = 1")
    after = own_modules(plan_of(several))
    assert {name for name in before if before[name] != after[name]} == {"helpers.shared"}


def test_the_hashes_are_written_once_and_asked_for_by_own_steps_alone(project):
    plan = plan_of(several)
    modules = own_modules(plan)
    data = steps_of(emit(plan, Options(project=modules)))
    assert json.loads(data[MODULES]) == modules
    asked = {name: json.loads(text).get("own") for name, text in data.items() if name.endswith(".json")}
    assert asked == {"first.json": True, "second.json": True, "foreign.json": None, MODULES: None}

    without = steps_of(emit(plan, Options()))
    assert MODULES not in without and "own" not in without["first.json"]
    assert MODULES not in steps_of(emit(plan_of(strangers), Options(project=modules)))


def test_a_changed_helper_changes_one_line_of_the_steps(project):
    plan = plan_of(several)
    before = emit(plan, Options(project=own_modules(plan)))
    (project / "late.py").write_text("x = 1")
    after = emit(plan, Options(project=own_modules(plan)))
    old, new = (json.loads(steps_of(each)[MODULES]) for each in (before, after))
    assert [name for name in old if old[name] != new[name]] == ["late"]
    same = {name: text for name, text in steps_of(before).items() if name != MODULES}
    assert same == {name: text for name, text in steps_of(after).items() if name != MODULES}


def test_the_image_of_own_steps_is_told_to_them(project):
    plan = plan_of(several)
    templates = emit(plan, Options(image="registry.example.org/step@sha256:1")).documents[-1]["spec"][
        "templates"
    ]
    told = {
        each["name"]: [e["value"] for e in each["container"].get("env", []) if e["name"] == "PIPELINE_IMAGE"]
        for each in templates
        if "container" in each
    }
    image = ["registry.example.org/step@sha256:1"]
    assert told == {"first": image, "second": image, "foreign": []}


@dsl.pipeline
def with_parameters(words: str = "a", others: list = []) -> None:
    first()
    foreign()


def test_what_the_run_was_started_with_is_told_to_own_steps_alone():
    templates = emit(plan_of(with_parameters), Options()).documents[-1]["spec"]["templates"]
    told = {
        each["name"]: [
            e["value"] for e in each["container"].get("env", []) if e["name"] == "PIPELINE_PARAMETERS"
        ]
        for each in templates
        if "container" in each
    }
    assert told["foreign"] == []
    (expression,) = told["first"]
    assert "'words': workflow.parameters['words']" in expression
    assert "'others': workflow.parameters['others']" in expression
