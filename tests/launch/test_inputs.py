import json

import pytest

from pipelines.sdk.launch import Context, LaunchError, Request, TaskDocument, encode
from pipelines.sdk.launch.inputs import build
from pipelines.sdk.launch.paths import lay_out
from tests.launch.test_wire import same

DATA = {
    "name": "data",
    "type": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
    "uri": "gs://bucket/data.csv",
    "metadata": {"rows": 3, "ratio": 1.0},
}


def request(parameters=(), values=(), templates=(), artifacts=(), records=(), outputs=(), **more):
    task = {
        "name": "loop/fit",
        "inputs": {"parameters": dict(parameters), "artifacts": dict(artifacts)},
        "outputs": dict(outputs),
    }
    return Request(
        task=TaskDocument.from_json(task),
        root=more.pop("root", "/root-of-task"),
        parameters={name: encode(value) for name, value in dict(values).items()},
        templates=frozenset(templates),
        artifacts=dict(records),
        **more,
    )


def given(**kwargs):
    wanted = request(**kwargs)
    return build(wanted, lay_out(wanted))[0]


def values_of(**kwargs):
    return given(**kwargs)["inputs"]["parameterValues"]


def test_the_executor_input_is_what_kfps_executor_reads():
    outputs = {
        "parameters": {"score": {"type": "NUMBER_DOUBLE"}},
        "artifacts": {
            "model": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1", "metadata": {"a": 1}}
        },
    }
    assert given(
        parameters={"n": {"type": "NUMBER_INTEGER"}},
        values={"n": 3.0},
        artifacts={"data": {}},
        records={"data": [DATA]},
        outputs=outputs,
    ) == {
        "inputs": {"parameterValues": {"n": 3}, "artifacts": {"data": {"artifacts": [DATA]}}},
        "outputs": {
            "parameters": {"score": {"outputFile": "/root-of-task/.outputs/score"}},
            "artifacts": {
                "model": {
                    "artifacts": [
                        {
                            "name": "model",
                            "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
                            "uri": "/root-of-task/model",
                            "metadata": {"a": 1},
                        }
                    ]
                }
            },
            "outputFile": "/root-of-task/executor_output.json",
        },
    }


def test_a_root_in_a_bucket_gives_uris_there_and_files_under_its_mount():
    outputs = {"parameters": {"p": {"type": "STRING"}}, "artifacts": {"model": {}}}
    there = given(outputs=outputs, root="gs://bucket/run/fit/", mounts={"gs://": "/mnt/g"})["outputs"]
    assert there["artifacts"]["model"]["artifacts"][0]["uri"] == "gs://bucket/run/fit/model"
    assert there["outputFile"] == "/mnt/g/bucket/run/fit/executor_output.json"
    assert there["parameters"]["p"]["outputFile"] == "/mnt/g/bucket/run/fit/.outputs/p"
    assert given(root="s3://b/x")["outputs"]["outputFile"] == "/s3/b/x/executor_output.json"


def test_an_output_artifact_called_outputs_or_like_a_parameter_does_not_clash():
    names = {"outputs": {"type": "STRING"}, "x": {"type": "STRING"}}
    outputs = given(outputs={"parameters": names, "artifacts": {"outputs": {}, "x": {}}})["outputs"]
    files = [each["outputFile"] for each in outputs["parameters"].values()]
    uris = [each["artifacts"][0]["uri"] for each in outputs["artifacts"].values()]
    every = [*files, *uris, outputs["outputFile"]]
    assert len(set(every)) == 5
    assert not any(a != b and a.startswith(f"{b}/") for a in every for b in every)


def test_values_take_their_declared_types():
    kinds = {
        "i": "NUMBER_INTEGER",
        "d": "NUMBER_DOUBLE",
        "s": "STRING",
        "b": "BOOLEAN",
        "l": "LIST",
        "o": "STRUCT",
        "f": "TASK_FINAL_STATUS",
    }
    values = {"i": 3.0, "d": 3, "s": 1, "b": False, "l": [1, 1.0], "o": {"a": 1.0}, "f": {"state": "FAILED"}}
    expected = {**values, "i": 3, "d": 3.0, "s": "1"}
    got = values_of(parameters={name: {"type": kind} for name, kind in kinds.items()}, values=values)
    assert all(same(got[name], expected[name]) for name in kinds)


def test_absent_and_null_take_the_default_and_an_optional_one_is_left_out():
    parameters = {
        "n": {"type": "NUMBER_INTEGER", "default": 5.0, "optional": True},
        "m": {"type": "NUMBER_INTEGER", "default": 6.0, "optional": True},
        "o": {"type": "LIST", "optional": True},
        "p": {"type": "STRING", "optional": True},
        "config": {"type": "TASK_CONFIG"},
        "falsy": {"type": "BOOLEAN", "default": True},
    }
    got = values_of(parameters=parameters, values={"m": None, "p": None, "falsy": False})
    assert got == {"n": 5, "m": 6, "falsy": False}
    assert type(got["n"]) is int


@pytest.mark.parametrize("values", [{}, {"rate": None}])
def test_a_missing_parameter_is_named_with_its_type(values):
    with pytest.raises(LaunchError) as caught:
        given(parameters={"rate": {"type": "NUMBER_DOUBLE"}}, values=values)
    assert "'rate'" in caught.value.where
    assert "NUMBER_DOUBLE" in caught.value.what
    assert caught.value.mend


def test_a_value_of_another_type_is_named():
    with pytest.raises(LaunchError) as caught:
        given(parameters={"n": {"type": "NUMBER_INTEGER"}}, values={"n": 3.5})
    assert str(caught.value) == "input 'n': 3.5 is not a NUMBER_INTEGER"


def test_text_that_is_no_wire_text_is_named():
    wanted = request(parameters={"n": {"type": "NUMBER_INTEGER"}})
    wanted = Request(wanted.task, wanted.root, parameters={"n": "NaN"})
    with pytest.raises(LaunchError, match=r"input 'n'.*NaN"):
        build(wanted, lay_out(wanted))


def test_a_literal_is_accepted_and_another_value_refused():
    mode = {"type": "STRING", "literals": ["off", "report"]}
    assert values_of(parameters={"mode": mode}, values={"mode": "off"}) == {"mode": "off"}
    with pytest.raises(LaunchError) as caught:
        given(parameters={"mode": mode}, values={"mode": "on"})
    assert str(caught.value).startswith("input 'mode': 'on' is none of \"off\", \"report\"")


def test_literals_are_compared_with_their_type():
    number = {"type": "NUMBER_INTEGER", "literals": [1.0, 2.0]}
    assert values_of(parameters={"n": number}, values={"n": 2}) == {"n": 2}
    flag = {"type": "STRUCT", "literals": [{"a": True}]}
    with pytest.raises(LaunchError, match="none of"):
        given(parameters={"o": flag}, values={"o": {"a": 1}})


def test_a_template_takes_the_values_of_its_siblings_and_of_the_run():
    values = {
        "name": "m-{{$.inputs.parameters['pipelinechannel--u-Output']}}-{{$.pipeline_job_name}}",
        "items": [
            "{{$.inputs.parameters['n']}}",
            {"k": "{{$.inputs.parameters['pipelinechannel--list']}}"},
            1,
        ],
        "n": 3,
        "pipelinechannel--u-Output": "up",
        "pipelinechannel--list": [1, "a"],
    }
    got = values_of(
        parameters={"name": {"type": "STRING"}, "items": {"type": "LIST"}, "n": {"type": "NUMBER_INTEGER"}},
        values=values,
        templates=["name", "items"],
        context=Context(job_name="nightly"),
    )
    assert got["name"] == "m-up-nightly"
    assert got["items"] == ["3", {"k": '[1, "a"]'}, 1]
    assert got["pipelinechannel--u-Output"] == "up"


def test_data_from_another_step_is_never_looked_into():
    data = "{{$.inputs.parameters['secret']}} {{$.nonsense}} {{$}}"
    got = values_of(
        parameters={"x": {"type": "STRING"}, "t": {"type": "STRING"}, "secret": {"type": "STRING"}},
        values={"x": data, "t": "<{{$.inputs.parameters['x']}}>", "secret": "s"},
        templates=["t"],
    )
    assert got == {"x": data, "t": f"<{data}>", "secret": "s"}


def test_templates_may_refer_to_templates_in_any_order():
    chain = {
        "a": "a{{$.inputs.parameters['b']}}",
        "b": "b{{$.inputs.parameters['c']}}",
        "c": "c{{$.inputs.parameters['d']}}",
    }
    values = {**chain, "d": "{{$.inputs.parameters['a']}}"}
    parameters = {name: {"type": "STRING"} for name in values}
    got = values_of(parameters=parameters, values=values, templates=list(chain))
    assert got["a"] == "abc{{$.inputs.parameters['a']}}"


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
def test_templates_that_refer_in_a_circle_are_an_error_that_shows_it(names):
    ring = dict(zip(names, names[1:] + names[0], strict=True))
    values = {name: f"{{{{$.inputs.parameters['{to}']}}}}" for name, to in ring.items()}
    with pytest.raises(LaunchError) as caught:
        given(parameters={name: {"type": "STRING"} for name in names}, values=values, templates=list(names))
    assert " -> ".join([*names, names[0]]) in str(caught.value)


def test_a_default_may_hold_placeholders_for_the_author_wrote_it():
    parameters = {"x": {"type": "STRING", "default": "{{$.pipeline_job_name}}"}}
    assert values_of(parameters=parameters, context=Context(job_name="j")) == {"x": "j"}


def test_the_value_of_a_skipped_task_reads_null_in_a_template():
    got = values_of(
        parameters={"x": {"type": "STRING"}},
        values={"x": "{{$.inputs.parameters['pipelinechannel--gone']}}"},
        templates=["x"],
    )
    assert got == {"x": "null"}


@pytest.mark.parametrize("text", ["{{$.inputs.parameters['typo']}}", "{{$}}", "{{$.workspace_path}}"])
def test_a_placeholder_without_a_value_is_an_error_at_the_parameter(text):
    with pytest.raises(LaunchError) as caught:
        given(parameters={"x": {"type": "STRING"}}, values={"x": text}, templates=["x"])
    assert caught.value.where == "input 'x'"
    assert text in caught.value.what


def test_a_missing_artifact_is_named_and_an_optional_one_left_out():
    for records in ({}, {"data": []}):
        with pytest.raises(LaunchError, match=r"input 'data'.*missing"):
            given(artifacts={"data": {}}, records=records)
        assert given(artifacts={"data": {"optional": True}}, records=records)["inputs"]["artifacts"] == {}


def test_an_empty_list_of_artifacts_is_a_value():
    got = given(artifacts={"all": {"list": True}}, records={"all": []})
    assert got["inputs"]["artifacts"] == {"all": {"artifacts": []}}
    with pytest.raises(LaunchError, match="missing"):
        given(artifacts={"all": {"list": True}})


def test_the_text_of_the_whole_input_is_json_whatever_is_in_it():
    nasty = "a \"b\" \\ \n {{$.inputs.parameters['x']}} {{workflow.name}} $(HOME) \x7f \x00 \U000e0001"
    wanted = request(parameters={"x": {"type": "STRING"}}, values={"x": nasty})
    executor_input, scope = build(wanted, lay_out(wanted))
    assert json.loads(scope.facts[""]) == executor_input
    assert executor_input["inputs"]["parameterValues"]["x"] == nasty
