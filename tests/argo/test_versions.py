"""Each `--argo` warns of what that controller does otherwise: of pipelines that notice it, of no others."""

import json

import pytest
from click.testing import CliRunner

from pipelines.sdk import argo, ir
from pipelines.sdk.argo import versions
from pipelines.sdk.commands import compile as compiling
from pipelines.sdk.settings import from_environment
from tests.argo.documents import templates
from tests.conformance import harness
from tests.conformance.pipelines import artifacts, branches, groups, loops

PIPELINES = {
    case.name: case.pipeline for module in (artifacts, branches, groups, loops) for case in module.CASES
}
ABSENT, RETRIED_LOOP, STOPPED_RETRY = "#16223", "#16450", "#15740"
NOTICED = [
    ("artifacts and metadata", set()),
    ("an explicit order", set()),
    ("an If that holds", set()),
    ("OneOf as an input: large", {ABSENT}),
    ("a loop over a parameter", {ABSENT, RETRIED_LOOP}),
    ("a step that succeeds at the third try", {STOPPED_RETRY}),
]


@pytest.fixture
def compiled(tmp_path):
    def compile_for(name, version):
        plan = ir.read_file(str(harness.compiled(PIPELINES[name], tmp_path)))
        return argo.emit(plan, argo.Options(argo=version))

    return compile_for


def issues(found):
    return {f"#{each.what.rpartition('#')[2].rstrip(')')}" for each in found if "#" in each.what}


@pytest.mark.parametrize(("name", "expected"), NOTICED, ids=[name for name, _ in NOTICED])
@pytest.mark.parametrize("version", ["3.7", "4.0"])
def test_an_older_controller_is_warned_of_where_it_matters(compiled, version, name, expected):
    found = compiled(name, version).warnings
    assert issues(found) == expected
    assert all(version in each.what and "update the controller" in each.mend for each in found)


@pytest.mark.parametrize("name", [name for name, _ in NOTICED])
def test_the_newest_controller_needs_no_warning(compiled, name):
    assert issues(compiled(name, "4.1").warnings) == set()


@pytest.mark.parametrize("name", [name for name, _ in NOTICED])
def test_the_version_changes_warnings_and_nothing_else(compiled, name):
    assert compiled(name, "3.7").documents == compiled(name, "4.1").documents


def test_a_warning_names_the_task_and_the_release_that_mends_it(compiled):
    (found,) = (
        each for each in compiled("a loop over a parameter", "3.7").warnings if RETRIED_LOOP in each.what
    )
    assert found.where == "over-parameter/for-loop-1"
    assert "3.7.17" in found.mend


def test_more_places_than_a_line_holds_are_counted(compiled):
    whole = templates(compiled("a step that succeeds at the third try", "3.7").documents)
    step = next(each for each in whole.values() if "retryStrategy" in each)
    (found,) = versions.warnings("4.0", {f"step-{n}": step for n in range(5)})
    assert found.where == "step-0, step-1, step-2 and 2 more"


def test_the_command_says_it_on_standard_error_and_in_json(tmp_path):
    file = harness.compiled(PIPELINES["a loop over a parameter"], tmp_path)
    command = compiling.file_command(from_environment({}))
    said = CliRunner().invoke(command, [str(file), "--argo", "3.7", "--json"])
    assert said.exit_code == 0, said.output
    assert RETRIED_LOOP in said.stderr
    assert any(RETRIED_LOOP in each["what"] for each in json.loads(said.stdout)["warnings"])


def test_the_command_of_a_pipeline_file_says_it_too(tmp_path):
    file = harness.compiled(PIPELINES["a loop over a parameter"], tmp_path)
    text = file.read_text()
    command = compiling.command(text, ir.read(text, str(file)), from_environment({}), tmp_path)
    said = CliRunner().invoke(command, ["--target", "argo", "--argo", "3.7"])
    assert said.exit_code == 0, said.output
    assert RETRIED_LOOP in said.stderr
    assert "written" in said.stderr
