"""`lint` on the command line: text for people, JSON for programs, an exit code for both."""

import json

import click.testing
import pytest

from pipelines.sdk.commands import lint
from pipelines.sdk.errors import Exit
from tests.argo.lint.documents import HERE

VALID = HERE / "valid"


@pytest.fixture
def run():
    def invoke(*arguments):
        return click.testing.CliRunner().invoke(
            lint.command(), [str(each) for each in arguments], standalone_mode=False
        )

    return invoke


def test_valid_files_give_a_word_and_exit_code_zero(run):
    result = run(VALID / "template.yaml", VALID / "cron.yaml", VALID / "workflow.yaml")
    assert (result.return_value, result.output) == (Exit.OK, "nothing to complain about\n")


def test_warnings_alone_are_no_failure(run):
    result = run(VALID / "cron.yaml")
    assert result.return_value == Exit.OK
    assert result.output.endswith("1 warning\n") or "0 errors, 1 warning" in result.output


def test_an_error_is_shown_with_file_line_path_reason_and_mend(run, tmp_path):
    file = tmp_path / "template.yaml"
    file.write_text((VALID / "template.yaml").read_text().replace("entrypoint: main", "entrypoint: mian"))
    result = run(file)
    assert result.return_value == Exit.BAD_PIPELINE
    assert result.output.splitlines() == [
        f"{file}:5: error: there is no template 'mian' [entrypoint]",
        "    WorkflowTemplate/weather: spec.entrypoint",
        "    Argo does not know with which template to start.",
        "    -> did you mean main?",
        "1 error, 0 warnings",
    ]


def test_json_has_every_finding_and_the_totals(run, tmp_path):
    file = tmp_path / "cron.yaml"
    file.write_text((VALID / "cron.yaml").read_text().replace("Helsinki", "Helsingfors"))
    result = run(file, "--json")
    assert result.return_value == Exit.BAD_PIPELINE
    found = json.loads(result.output)
    assert (found["errors"], found["warnings"]) == (1, 1)
    keys = {"file", "object", "path", "what", "why", "mend", "severity", "rule", "line"}
    assert all(set(each) == keys for each in found["findings"])
    assert {each["rule"] for each in found["findings"]} == {"cron-timezone", "unknown-workflow-template"}


def test_the_version_decides_which_fields_exist(run, tmp_path):
    file = tmp_path / "template.yaml"
    file.write_text((VALID / "template.yaml").read_text() + "    pendingTimeout: 5m\n")
    assert run(file).return_value == Exit.OK
    assert run(file, "--argo", "4.0").return_value == Exit.BAD_PIPELINE


def test_a_file_that_is_not_there_is_an_error_and_no_traceback(run, tmp_path):
    result = run(tmp_path / "nowhere.yaml")
    assert result.return_value == Exit.BAD_PIPELINE
    assert "cannot read it: No such file or directory" in result.output


def test_no_file_at_all_is_a_mistake_of_usage(run):
    assert isinstance(run().exception, click.UsageError)
