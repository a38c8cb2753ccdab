import json
import os
import signal
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sdk import launch
from pipelines.sdk.launch import Request, Result, TaskDocument, decode, encode
from tests.launch.test_wire import NASTY, same, texts, values

ECHO = "import sys; open(sys.argv[1], 'w', newline='', encoding='utf-8').write(sys.argv[2])"


def task(command, inputs=(), outputs=(), **more):
    return TaskDocument.from_json(
        {
            "name": "loop-1.0/fit",
            "command": list(command),
            "inputs": {"parameters": {name: {"type": kind} for name, kind in dict(inputs).items()}},
            "outputs": {"parameters": {name: {"type": kind} for name, kind in dict(outputs).items()}},
            **more,
        }
    )


def shell(script, root, **kwargs):
    return launch.run(Request(task(["sh", "-c", script], **kwargs), str(root)))


@pytest.mark.parametrize(
    "text", ["", *[text for text in NASTY if "\x00" not in text], "a 'b' \"c\" `d` $X ; é\r\n {{{ $("]
)
def test_any_text_goes_through_a_program_and_back(tmp_path, text):
    words = [
        sys.executable,
        "-c",
        ECHO,
        "{{$.outputs.parameters['y'].output_file}}",
        "{{$.inputs.parameters['x']}}",
    ]
    request = Request(
        task(words, {"x": "STRING"}, {"y": "STRING"}), str(tmp_path), parameters={"x": encode(text)}
    )
    result = launch.run(request)
    assert result.error is None
    assert decode(result.parameters["y"]) == text


def give_back(source, function, executor_input):
    """A function that returns what it gets."""
    inputs, outputs = executor_input["inputs"], executor_input["outputs"]
    said = {"parameterValues": {f"{name}_out": value for name, value in inputs["parameterValues"].items()}}
    with open(outputs["outputFile"], "w") as file:
        json.dump(said, file)


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {
            "STRING": texts,
            "NUMBER_INTEGER": st.integers(),
            "NUMBER_DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
            "BOOLEAN": st.booleans(),
            "LIST": st.lists(values, max_size=3),
            "STRUCT": st.dictionaries(texts, values, max_size=3),
        }
    )
)
def test_any_value_goes_through_a_python_step_and_back_with_its_type(tmp_path_factory, given_values):
    python = {"source": "", "function": "f"}
    kinds = {kind: kind for kind in given_values}
    document = task([], kinds, {f"{kind}_out": kind for kind in kinds}, python=python)
    request = Request(
        document,
        str(tmp_path_factory.getbasetemp() / "step"),
        parameters={name: encode(value) for name, value in given_values.items()},
    )
    request = Request.from_json(json.loads(json.dumps(request.to_json())))
    result = Result.from_json(json.loads(json.dumps(launch.run(request, give_back).to_json())))
    assert result.error is None
    for name, value in given_values.items():
        text = result.parameters[f"{name}_out"]
        assert "{{" not in text
        assert "$(" not in text
        assert same(decode(text), value)


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("exit 3", "exited with code 3"),
        ("kill -9 $$", "was killed by signal 9 (SIGKILL)"),
        ("kill -15 $$", "was killed by signal 15 (SIGTERM)"),
        ("kill -40 $$", "was killed by signal 40"),
    ],
)
def test_a_step_that_ends_badly_says_how(tmp_path, script, what):
    error = shell(script, tmp_path).error
    assert error.what.startswith(what)
    assert error.where == "task loop-1.0/fit"


def test_a_program_that_does_not_exist_is_named(tmp_path):
    error = launch.run(Request(task(["no-such-program", "x"]), str(tmp_path))).error
    assert error.what == "the program 'no-such-program' was not found"
    assert error.mend


def test_a_file_that_is_no_program_is_named(tmp_path):
    (tmp_path / "data").write_text("x")
    error = launch.run(Request(task([str(tmp_path / "data")]), str(tmp_path))).error
    assert "cannot be started" in error.what
    assert "Permission denied" in error.what


def test_a_step_without_a_command_is_an_error(tmp_path):
    assert "no command" in launch.run(Request(task([]), str(tmp_path))).error.what
    only_args = TaskDocument("fit", args=("echo", "x"))
    assert "no command" in launch.run(Request(only_args, str(tmp_path))).error.what


def test_an_argument_that_no_program_can_take_is_an_error(tmp_path):
    words = ["true", "{{$.inputs.parameters['x']}}"]
    for text, expected in (("a\0b", "null byte"), ("x" * 200_000, "too long")):
        request = Request(
            task(words, {"x": "STRING"}), str(tmp_path), parameters={"x": encode(text, limit=None)}
        )
        assert expected in launch.run(request).error.what


def test_the_environment_is_the_launchers_and_the_tasks(tmp_path, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "1")
    monkeypatch.setenv("BOTH", "outside")
    script = 'printf "%s %s %s" "$FROM_OUTSIDE" "$BOTH" "$MINE" > {{$.outputs.parameters[\'y\'].output_file}}'
    before = dict(os.environ)
    env = {"BOTH": "task", "MINE": "a b {{ x }}"}
    result = shell(script, tmp_path, outputs={"y": "STRING"}, env=env)
    assert decode(result.parameters["y"]) == "1 task a b {{ x }}"
    assert dict(os.environ) == before


def test_the_folders_that_a_program_writes_to_are_there(tmp_path):
    model, number = "{{$.outputs.artifacts['model'].path}}", "{{$.outputs.parameters['n'].output_file}}"
    script = f"echo hello > {model} && echo 5 > {number}"
    document = task(["sh", "-c", script], outputs={"n": "NUMBER_INTEGER"}).to_json()
    document["outputs"]["artifacts"] = {"model": {"schemaTitle": "system.Model"}}
    result = launch.run(Request(TaskDocument.from_json(document), str(tmp_path / "deep" / "root")))
    assert result.parameters == {"n": "5"}
    (record,) = result.artifacts["model"]
    assert record["uri"] == f"{tmp_path}/deep/root/model"
    assert (tmp_path / "deep" / "root" / "model").read_text() == "hello\n"


def test_a_relative_root_gives_absolute_uris(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = {"name": "t", "command": ["true"], "outputs": {"artifacts": {"m": {}}}}
    result = launch.run(Request(TaskDocument.from_json(document), "here"))
    assert result.artifacts["m"][0]["uri"] == f"{tmp_path}/here/m"


def test_a_root_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    error = shell("true", tmp_path / "file" / "x").error
    assert "no place" in error.what
    assert error.where == "task loop-1.0/fit"


def test_nothing_starts_when_an_input_is_wrong(tmp_path):
    error = shell(f"touch {tmp_path}/started", tmp_path / "root", inputs={"x": "STRING"}).error
    assert error.where == "task loop-1.0/fit, input 'x'"
    assert not (tmp_path / "started").exists()


def test_an_unknown_placeholder_names_task_and_placeholder(tmp_path):
    error = shell("echo {{$.pipeline_jobname}}", tmp_path).error
    assert error.where == "task loop-1.0/fit"
    assert "{{$.pipeline_jobname}}" in error.what


def test_a_failing_step_has_no_outputs(tmp_path):
    script = "echo 1 > {{$.outputs.parameters['n'].output_file}}; exit 1"
    result = shell(script, tmp_path, outputs={"n": "NUMBER_INTEGER"})
    assert result.parameters == {}
    assert list(result.to_json()) == ["error"]


def python_step(call, tmp_path):
    python = {"source": "the source", "function": "the function"}
    return launch.run(Request(task(["false"], outputs={"y": "STRING"}, python=python), str(tmp_path)), call)


def test_a_python_step_is_called_with_source_function_and_an_input_of_its_own(tmp_path):
    seen = []
    result = python_step(lambda *arguments: seen.append(arguments), tmp_path)
    ((source, function, executor_input),) = seen
    assert (source, function) == ("the source", "the function")
    assert executor_input["outputs"]["outputFile"] == f"{tmp_path}/executor_output.json"
    assert result.parameters == {"y": "null"}


@pytest.mark.parametrize(
    ("code", "what"),
    [(3, "exited with code 3"), ("sorry", "exited with code 1: 'sorry'"), (256, None), (None, None)],
)
def test_sys_exit_in_a_called_function_is_its_exit_code(tmp_path, code, what):
    error = python_step(lambda *arguments: sys.exit(code), tmp_path).error
    assert (error and error.what) == what


def test_what_a_called_function_raises_goes_through(tmp_path):
    with pytest.raises(ZeroDivisionError):
        python_step(lambda *arguments: 1 / 0, tmp_path)


def test_without_a_call_a_python_step_runs_its_command(tmp_path):
    assert python_step(None, tmp_path).error.what == "exited with code 1"


def test_a_container_step_runs_its_command_also_with_a_call(tmp_path):
    request = Request(task(["sh", "-c", "exit 4"]), str(tmp_path))
    assert launch.run(request, lambda *arguments: None).error.what == "exited with code 4"


def test_the_handler_of_sigterm_is_as_before(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    shell("true", tmp_path)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_result_is_written_whole_and_leaves_nothing_beside_it(tmp_path):
    result = Result({"x": encode("{{é")}, {"m": [{"name": "m"}]})
    launch.write_result(str(tmp_path / "result.json"), result)
    launch.write_result(tmp_path / "result.json", result)
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert Result.from_json(json.loads((tmp_path / "result.json").read_text())) == result


def test_a_result_that_cannot_be_written_leaves_the_old_one(tmp_path):
    launch.write_result(tmp_path / "result.json", Result())
    before = (tmp_path / "result.json").read_text()
    with pytest.raises(TypeError):
        launch.write_result(tmp_path / "result.json", Result({}, {"m": [{"x": object()}]}))
    assert (tmp_path / "result.json").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
