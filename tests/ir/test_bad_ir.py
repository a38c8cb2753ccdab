"""Files that are no pipeline, or one that cannot be run: one clear error, and never a traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sdk import ir
from pipelines.sdk.errors import BadPipeline, UsageError
from pipelines.sdk.ir.yamltext import MAX_DEPTH
from pipelines.sdk.plan import Plan
from tests.conftest import ROOT
from tests.ir.documents import ONE_STEP, as_text, one_step, put, refused, refused_documents, rich_documents

# files


def test_a_file_that_is_not_there_is_a_mistake_in_the_command(tmp_path):
    with pytest.raises(UsageError, match="No such file") as caught:
        ir.read_file(tmp_path / "none.yaml")
    assert "none.yaml" in str(caught.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UsageError, match="Is a directory"):
        ir.read_file(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_said_to_be_that(tmp_path):
    file = tmp_path / "secret.yaml"
    file.touch(mode=0)
    with pytest.raises(UsageError, match="Permission denied"):
        ir.read_file(file)


@pytest.mark.parametrize(
    "content",
    [
        ONE_STEP.encode("utf-16"),
        b"\x7fELF\x02\x01\x01\x00\xff\xfe",
        b"\x1f\x8b\x08\x00\xc3\x28",
        b"name: caf\xe9",
    ],
)
def test_what_is_no_utf_8_is_no_text_file(content, tmp_path):
    file = tmp_path / "binary.yaml"
    file.write_bytes(content)
    with pytest.raises(BadPipeline, match="not a text file in UTF-8"):
        ir.read_file(file)


def test_a_byte_order_mark_and_windows_lines_change_nothing(tmp_path):
    file = tmp_path / "windows.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + ONE_STEP.replace("\n", "\r\n").encode())
    assert ir.read_file(file) == ir.read(ONE_STEP, "file.yaml")


# YAML


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# only a comment\n---\n...\n", "the file is empty"),
        ("just some text", "expected a mapping, found 'just some text'"),
        ("42", "expected a mapping, found 42"),
        ("- a\n- b\n", "expected a mapping, found a list"),
        ("a: [1, 2\nb: 3\n", "file.yaml:2: not YAML: while parsing a flow sequence"),
        ("a: 'open\n", "not YAML: while scanning a quoted scalar"),
        ("a:\n\t- b", "file.yaml:2: not YAML: .*cannot start any token"),
        ("a: \x00", "not YAML: .*control characters"),
        ("%YAML 3.0\n---\na: 1\n", "not YAML: .*incompatible"),
        ("a: *b\n", r"file.yaml:1: alias \*b names nothing"),
        ("a: &a [*a]\n", r"alias \*a names nothing that stands whole above it"),
        ("a: 1\nb: 2\na: 3\n", "file.yaml:3: the key 'a' stands twice"),
        ("a: {x: 1, x: 2}\n", "file.yaml:1: the key 'x' stands twice"),
        ("1: a\n", "the key 1 is no text: put it in quotes"),
        ("on: a\n", "the key True is no text"),
        ("~: a\n", "the key None is no text"),
        ("[a, b]: c\n", "a mapping or list cannot be a key"),
        ("? {a: b}\n: c\n", "a mapping or list cannot be a key"),
        ("a: &x [b, 1]\nc: {<<: *x}\n", r"file.yaml:2: a merge key \(<<\) takes a mapping"),
        ("a: .nan\n", ".nan is no number that JSON has"),
        ("a: -.inf\n", "-.inf is no number that JSON has"),
        ("a: 1.0e+400\n", "is no number that JSON has"),
        ("a: !!binary aGk=\n", "tag .*binary is nothing that JSON has"),
        ("a: !!python/object/apply:os.system [id]\n", "tag .*os.system is nothing that JSON has"),
        ("a: !!set {b, c}\n", "tag .*set is nothing that JSON has"),
        ("a: !!int b\n", "'b' is no value of type int"),
        ("a: !!bool b\n", "'b' is no value of type bool"),
        ("a: " + "9" * 5000, "is no value of type int"),
    ],
)
def test_text_that_is_no_json_in_yaml_is_named_by_its_line(text, words):
    assert re.search(words, refused(text))


def test_dates_octals_and_signs_are_the_texts_and_numbers_that_pyyaml_writes():
    document = ONE_STEP.replace("constant: hello", "constant: [2020-01-01, '0777', =, '<<', 1e3, 0x10, '']")
    (say,) = read_text(document).root.tasks
    assert say.arguments["text"].value == ["2020-01-01", "0777", "=", "<<", "1e3", 16, ""]


def read_text(text: str) -> Plan:
    """Of a document whose one input takes a list."""
    return ir.read(text.replace("{parameterType: STRING}", "{parameterType: LIST}"), "file.yaml")


def test_three_documents_are_too_many():
    assert "3 YAML documents" in refused(f"{ONE_STEP}\n---\nplatforms: {{}}\n---\na: 1\n")


def test_two_pipelines_in_one_file_are_one_too_many():
    assert "two pipelines in one file" in refused(f"{ONE_STEP}\n---\n{ONE_STEP}")


def test_the_platform_document_may_stand_first():
    platform = "platforms: {kubernetes: {deploymentSpec: {executors: {exec-say: {imagePullPolicy: Always}}}}}"
    assert ir.read(f"{platform}\n---\n{ONE_STEP}") == ir.read(f"{ONE_STEP}\n---\n{platform}")


@pytest.mark.parametrize(
    "text",
    [
        "root: " + "[" * 200_000,
        "root: " + "[" * 200 + "]" * 200,
        "root: " + "{a: " * 200 + "1" + "}" * 200,
        "root:\n" + "".join(" " * n + "a:\n" for n in range(1, 300)),
        "root:\n" + "- " * 50_000,
        "a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60,
    ],
)
def test_endless_nesting_is_an_error_and_no_crash(text):
    assert f"more than {MAX_DEPTH} levels" in refused(text)


def test_aliases_of_aliases_are_stopped_before_they_fill_the_memory():
    bomb = "a0: &a0 [" + ", ".join(["lol"] * 9) + "]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    assert "unfolds to more than" in refused(bomb)


def test_aliases_of_a_long_text_are_stopped_too():
    text = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
    assert "unfolds to more than" in refused(text)


def test_an_alias_as_kfp_could_write_it_is_read():
    document = ONE_STEP.replace("{parameterType: STRING}", "&text {parameterType: STRING}")
    document = document.replace(
        "deploymentSpec:", "    outputDefinitions: {parameters: {other: *text}}\ndeploymentSpec:"
    )
    assert set(ir.read(document).root.tasks[0].body.interface.output_parameters) == {"other"}


# kinds of files


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "apiVersion: v1\nkind: ConfigMap\n",
            "a Kubernetes object of kind 'ConfigMap', not a compiled pipeline",
        ),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {}\n", "of kind 'Workflow'"),
        (
            "name: a\nimplementation: {container: {image: a}}\n",
            "it has no schemaVersion, pipelineInfo, root, deploymentSpec",
        ),
        ("platforms: {kubernetes: {}}\n", "platforms' settings, but no pipeline"),
        ('{"pipelineSpec": {"schemaVersion": "2.0.0"}, "runtimeConfig": {}}', "this is a PipelineJob"),
        ('{"cells": [], "nbformat": 4}', "not a compiled pipeline"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(text, words):
    assert words in refused(text)


@pytest.mark.parametrize("key", ["schemaVersion", "pipelineInfo", "root", "deploymentSpec"])
def test_what_every_pipeline_has_is_missed(key):
    document = one_step()
    del document[key]
    assert f"it has no {key}" in refused_documents(document)
    assert "compile it again" in refused_documents(document)


@pytest.mark.parametrize("version", ["1.0.0", "2.2.0", "3", 2.1, None, [], ""])
def test_an_unknown_schema_version_is_named_with_the_known_ones(version):
    words = refused_documents(put(one_step(), "schemaVersion", version))
    assert "it has no schemaVersion" in words if version is None else "known: 2.0.0, 2.1.0" in words


# shapes


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "root/dag/tasks/say/componentReff",
            {},
            "root.dag.tasks.say.componentReff: it is unknown here\n    -> did you mean componentRef?",
        ),
        ("root/zzz", 1, "root.zzz: it is unknown here\n    -> known here: dag, executorLabel, "),
        ("root/dag/tasks", [], "root.dag.tasks: expected a mapping, found a list"),
        ("root/dag/tasks/say", None, "root.dag.tasks.say: expected a mapping, found nothing"),
        ("root/dag/tasks/say/dependentTasks", "a", "dependentTasks: expected a list, found 'a'"),
        ("root/dag/tasks/say/dependentTasks", [1], "dependentTasks[0]: expected a text, found 1"),
        (
            "root/dag/tasks/say/cachingOptions/enableCache",
            "yes",
            "enableCache: expected true or false, found 'yes'",
        ),
        (
            "root/dag/tasks/say/iteratorPolicy/parallelismLimit",
            1.5,
            "parallelismLimit: expected a whole number, found 1.5",
        ),
        ("root/dag/tasks/say/iteratorPolicy/parallelismLimit", 2**31, "expected a whole number"),
        (
            "root/dag/tasks/say/retryPolicy/backoffDuration",
            "soon",
            "'soon' is no duration\n    -> write it as \"60s\"",
        ),
        (
            "root/dag/tasks/say/triggerPolicy/strategy",
            "NEVER",
            "'NEVER' is unknown\n    -> known: ALL_UPSTREAM_TASKS_SUCCEEDED",
        ),
        (
            "root/dag/tasks/say/component_ref",
            {"name": "comp-say"},
            "it stands beside componentRef: only one of them can be",
        ),
        (
            "root/executorLabel",
            "exec-say",
            "root.executorLabel: it stands beside dag: only one of them can be",
        ),
        (
            "components/comp-say/inputDefinitions/parameters/text/parameterType",
            "TEXT",
            "'TEXT' is unknown\n    -> known: NUMBER_DOUBLE",
        ),
        ("components/comp-say/inputDefinitions/parameters/text/parameterType", 99, "99 is unknown"),
        (
            "deploymentSpec/executors/exec-say/container/image",
            5,
            "deploymentSpec.executors.exec-say.container.image: expected a text",
        ),
        (
            "deploymentSpec/executors/exec-say/container/resources/cpuLimit",
            "NaN",
            "cpuLimit: expected a number, found 'NaN'",
        ),
        (
            "deploymentSpec/executors/exec-say/containr",
            {},
            "exec-say.containr: it is unknown here\n    -> did you mean container?",
        ),
        ("deploymentSpec", 5, "deploymentSpec: expected a mapping, found 5"),
    ],
)
def test_a_wrong_shape_is_named_by_its_place_in_the_document(path, value, words):
    assert words in refused_documents(put(one_step(), path, value))


def test_a_wrong_shape_is_named_by_its_line():
    text = ONE_STEP.replace("        taskInfo: {name: say}", "        taskInfo: [say]")
    line = text.splitlines().index("        taskInfo: [say]") + 1
    assert refused(text).startswith(f"file.yaml:{line}: root.dag.tasks.say.taskInfo: expected a mapping")


def test_all_wrong_shapes_are_in_one_message_and_of_very_many_the_first():
    document = put(put(one_step(), "root/a", 1), "components/b", 2)
    assert refused_documents(document).count("file.yaml:") == 2
    many = refused_documents({**one_step(), **{f"x{n}": n for n in range(100)}})
    assert many.count("it is unknown here") == 20
    assert "perhaps more" in many


def test_numbers_that_a_double_cannot_hold_are_refused_and_not_rounded():
    words = refused_documents(
        put(one_step(), "root/dag/tasks/say/inputs/parameters/text/runtimeValue/constant", [1, 2**53 + 1])
    )
    assert "runtimeValue.constant[1]: 9007199254740993 is no number that KFP can hold" in words


# on the command line


@pytest.mark.parametrize("command", ["run", "inspect", "graph"])
@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (ONE_STEP.replace("comp-say}", "comp-x}"), 3, "task say: component 'comp-x' is not in the file"),
        ("root: " + "[" * 100_000, 3, "levels deep"),
        (None, 2, "No such file"),
    ],
)
def test_every_command_ends_with_the_documented_code(command, content, code, words, tmp_path: Path, sdk):
    file = tmp_path / "file.yaml"
    if content is not None:
        file.write_text(content)
    finished = sdk(command, str(file))
    assert (finished.code, finished.out) == (code, "")
    assert finished.err.startswith(f"error: {file}")
    assert words in finished.err
    assert len(finished.err.splitlines()) <= 2


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    file = tmp_path / "file.yaml"
    file.write_text(as_text(*rich_documents()))
    command = f"set -o pipefail; '{sys.executable}' -m pipelines.sdk inspect --json '{file}' | head -1"
    finished = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "{\n", "")
