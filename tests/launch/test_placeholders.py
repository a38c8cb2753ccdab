import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp.dsl import ConcatPlaceholder, IfPresentPlaceholder
from kfp.dsl.placeholders import InputValuePlaceholder
from kfp.local import placeholder_utils

from pipelines.sdk import launch
from pipelines.sdk.launch.placeholders import Scope, expand, facts_of, resolve

PARAMETERS = {
    "text": "a b",
    "count": 3,
    "ratio": 1.0,
    "flag": True,
    "list": [1, "é", None],
    "struct": {"a": {"b": [1]}},
    "empty": "",
    "absent": None,
    "it's": "quote",
    "a.b-c d": "dots",
    "x[0]": "index",
    "a']b": "bracket",
    "payload": "{{$.inputs.parameters['text']}} {{$}}",
}
MODEL = {
    "name": "model",
    "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
    "uri": "gs://b/m",
    "metadata": {"k": "v", "n": 1, "deep": {"x": [{"y": 2}]}, "a.b": 5, "it's": 6, "{{$}}": 7},
}
OUT = {"name": "out", "type": {"schemaTitle": "system.Dataset"}, "uri": "/r/out", "metadata": {"rows": 2}}
FACTS = {
    **facts_of(
        launch.Context(
            job_name="job",
            job_resource_name="job-x",
            job_id="id-1",
            task_name="fit",
            task_id="id-2",
            create_time="2024-01-01T00:00:00Z",
            pipeline_root="/r",
            workspace="/w",
        )
    ),
    "outputs.output_file": "/r/executor_output.json",
    "": '{"whole": "{{$.pipeline_root}}"}',
}
SCOPE = Scope(
    parameter=PARAMETERS.__getitem__,
    inputs={"model": [MODEL], "models": [MODEL, OUT], "none": [], "left_out": None},
    outputs={"out": [OUT]},
    output_files={"p": "/r/p"},
    facts=FACTS,
    path=lambda record: record["uri"].replace("gs://", "/gcs/"),
)
EXECUTOR_INPUT = {
    "inputs": {
        "parameterValues": {name: value for name, value in PARAMETERS.items() if value is not None},
        "artifacts": {"model": {"artifacts": [MODEL]}},
    },
    "outputs": {
        "parameters": {"p": {"outputFile": "/r/p"}},
        "artifacts": {"out": {"artifacts": [OUT]}},
        "outputFile": "/r/executor_output.json",
    },
}


def kfp_local(element):
    return placeholder_utils.resolve_individual_placeholder(
        element, copy.deepcopy(EXECUTOR_INPUT), "job", "fit", "/r", "id-1", "id-2"
    )


@pytest.mark.parametrize(
    "template",
    [
        "plain",
        "",
        "{{$.inputs.parameters['text']}}",
        "{{$.inputs.parameters[''text'']}}",
        "--x={{$.inputs.parameters['count']}},{{$.inputs.parameters['ratio']}},{{$.inputs.parameters['flag']}}",
        "{{$.inputs.parameters['list']}}",
        "{{$.inputs.parameters['struct']}}",
        "{{$.inputs.parameters['empty']}}",
        "{{$.inputs.parameters['absent']}}",
        "{{$.inputs.artifacts['model'].uri}}",
        "{{$.inputs.artifacts['model'].name}}",
        "{{$.inputs.artifacts['model'].metadata}}",
        "{{$.inputs.artifacts['model'].metadata['k']}}",
        "{{$.inputs.artifacts['model'].metadata['n']}}",
        "{{$.inputs.artifacts[''model''].metadata[''deep'']}}",
        "{{$.inputs.artifacts['model'].metadata['missing']}}",
        "{{$.inputs.artifacts['left_out'].uri}}",
        "{{$.outputs.artifacts['out'].uri}}",
        "{{$.outputs.artifacts['out'].path}}",
        "{{$.outputs.artifacts['out'].metadata['rows']}}",
        "{{$.outputs.parameters['p'].output_file}}",
        "{{$.outputs.output_file}}",
        "{{$.pipeline_job_name}}/{{$.pipeline_job_uuid}}/{{$.pipeline_task_name}}/{{$.pipeline_task_uuid}}",
        "{{$.pipeline_root}}/tmp",
        "{{ jinja }} {{jinja}} {% x %} {{ $x }} {{$x}} {{{{ $$ {{$",
        "a {{$ b",
    ],
)
def test_a_placeholder_gives_what_kfp_local_gives(template):
    assert resolve(template, SCOPE) == kfp_local(template)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # kfp.local takes the text apart at every dot, quote and bracket, so it finds null for such names.
        ("{{$.inputs.parameters['it's']}}", "quote"),
        ("{{$.inputs.parameters['a.b-c d']}}", "dots"),
        ("{{$.inputs.parameters['x[0]']}}", "index"),
        ("{{$.inputs.parameters['a']b']}}", "bracket"),
        ("{{$.inputs.artifacts['model'].metadata['a.b']}}", "5"),
        ("{{$.inputs.artifacts['model'].metadata['it's']}}", "6"),
        ('{{$.inputs.parameters["text"]}}', "a b"),
        ('{{$.inputs.artifacts["model"].metadata["deep"]["x"][0]["y"]}}', "2"),
        ("{{$.inputs.artifacts['model'].metadata['deep']['x'][9]['y']}}", "null"),
        ("{{$.inputs.artifacts['model'].metadata['k']['z']}}", "null"),
        # kfp.local says that the path is the URI; a step finds a bucket's files under /gcs.
        ("{{$.inputs.artifacts['model'].path}}", "/gcs/b/m"),
        # kfp.local fails with IndexError on a whole list of artifacts.
        ("{{$.inputs.artifacts['models']}}", json.dumps([MODEL, OUT])),
        ("{{$.outputs.artifacts['out']}}", json.dumps([OUT])),
        ("{{$.inputs.artifacts['none']}}", "[]"),
        ("{{$.inputs.artifacts['left_out']}}", "null"),
        ("{{$.inputs.artifacts['models'].uri}}", "gs://b/m"),
        # kfp.local knows neither of these.
        ("{{$.pipeline_job_resource_name}}", "job-x"),
        ("{{$.pipeline_job_create_time_utc}}|{{$.pipeline_job_schedule_time_utc}}", "2024-01-01T00:00:00Z|"),
        ("{{$.workspace_path}}/x", "/w/x"),
        # kfp.local replaces one placeholder after the other in the whole text, and so in values too.
        (
            "{{$.inputs.parameters['payload']}} {{$.inputs.parameters['text']}}",
            f"{PARAMETERS['payload']} a b",
        ),
        ("{{$}}", FACTS[""]),
    ],
)
def test_a_placeholder_is_right_where_kfp_local_is_not(template, expected):
    assert resolve(template, SCOPE) == expected
    try:
        theirs = kfp_local(template)
    except Exception:
        return
    assert theirs != expected


@given(st.text(), st.text(), st.text())
def test_a_value_is_put_in_as_it_is_and_never_looked_at(before, value, after):
    before, after = before.replace("{", ""), after.replace("}", "")
    scope = Scope(parameter={"x": value, "y": "{{$.inputs.parameters['x']}}"}.__getitem__)
    assert resolve(before + "{{$.inputs.parameters['x']}}" + after, scope) == before + value + after
    assert resolve("{{$.inputs.parameters['y']}}", scope) == "{{$.inputs.parameters['x']}}"


@given(st.text(alphabet=st.sampled_from("ab'\"[].$ {}é\n"), min_size=1))
def test_any_name_without_braces_is_found(name):
    if "{" in name or "}" in name or (name.startswith("'") and name.endswith("'")):
        return  # `[''x'']` is how older compilers write `['x']`
    scope = Scope(parameter={name: "found"}.__getitem__)
    assert resolve(f"<{{{{$.inputs.parameters['{name}']}}}}>", scope) == "<found>"


@given(st.text(alphabet="{}$.[]'inputs", max_size=30))
def test_no_text_makes_the_parser_fail_in_another_way_than_by_a_launch_error(text):
    try:
        resolve(text, SCOPE)
    except launch.LaunchError as error:
        assert "{{$" in str(error)


def test_text_without_a_placeholder_stays_as_it_is():
    for text in [
        "{{x}}",
        "{{ $.pipeline_root }}",
        "$.pipeline_root",
        "{{$.inputs",
        "{$}",
        "{{$x}} {{$",
        "{{{$}",
        "}}{{",
    ]:
        assert resolve(text, SCOPE) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{$.inputs.parameters['typo']}}",
        "{{$.inputs.artifacts['typo'].uri}}",
        "{{$.outputs.artifacts['typo'].uri}}",
        "{{$.outputs.parameters['typo'].output_file}}",
        "{{$.inputs.parameters['text'].value}}",
        "{{$.inputs.parameters['struct']['a']}}",
        "{{$.inputs.parameters[text]}}",
        "{{$.inputs.parameters['']}}",
        "{{$.inputs.artifacts['model'].size}}",
        "{{$.inputs.artifacts['model'].uri['x']}}",
        "{{$.outputs.parameters['p']}}",
        "{{$.pipeline_jobname}}",
        "{{$.}}",
        "{{$.json_escape[1]}}",
        "{{$.inputs.parameters['text'] }}",
        "{{$.inputs.artifacts['model'].metadata" + "['k']" * 60 + "x}}",
    ],
)
def test_a_placeholder_that_names_nothing_is_an_error_that_shows_it(template):
    with pytest.raises(launch.LaunchError) as caught:
        resolve(f"fine {{{{$.inputs.parameters['text']}}}} {template} {{{{$.pipeline_root}}}}", SCOPE)
    assert template in str(caught.value)


def test_a_workspace_that_the_pipeline_does_not_have_is_an_error():
    with pytest.raises(launch.LaunchError, match="workspace_path"):
        resolve("{{$.workspace_path}}", Scope(parameter={}.__getitem__, facts=facts_of(launch.Context())))


def test_texts_inside_lists_and_objects_are_resolved_keys_included():
    template = {
        "{{$.inputs.parameters['text']}}": [1, True, None, {"n": "n={{$.inputs.parameters['count']}}"}]
    }
    assert resolve(template, SCOPE) == {"a b": [1, True, None, {"n": "n=3"}]}


def if_present(name, then, *otherwise):
    return {"IfPresent": {"InputName": name, "Then": then, **({"Else": otherwise[0]} if otherwise else {})}}


STRUCTURES = [
    {"Concat": ["a-", "{{$.inputs.parameters['text']}}", "-", "{{$.inputs.parameters['count']}}"]},
    {"Concat": []},
    if_present("text", "--x"),
    if_present("text", ["--x", "{{$.inputs.parameters['text']}}"]),
    if_present("nothing", ["--x"]),
    if_present("nothing", ["--x"], ["--no-x", "y"]),
    if_present("nothing", "x", "no"),
    if_present("empty", "there"),
    if_present("model", ["{{$.inputs.artifacts['model'].uri}}"]),
    if_present(
        "text",
        [
            if_present("nothing", "x"),
            if_present("count", {"Concat": ["n=", "{{$.inputs.parameters['count']}}"]}),
        ],
    ),
    if_present("nothing", "x", if_present("text", ["deep", "er"])),
    {"Concat": ["a", if_present("nothing", "x"), if_present("text", {"Concat": ["b", "c"]}), "d"]},
    {"Concat": ["a", if_present("nothing", "x", "y")]},
]


@pytest.mark.parametrize("structure", STRUCTURES, ids=json.dumps)
def test_concat_and_if_present_give_what_kfp_local_gives(structure):
    elements = ["first", json.dumps(structure), "last"]
    ours = Scope(parameter=lambda name: {**PARAMETERS, "nothing": None}[name], inputs=SCOPE.inputs)
    theirs = placeholder_utils.replace_placeholders(
        elements, copy.deepcopy(EXECUTOR_INPUT), "job", "fit", "/r", "id"
    )
    assert expand(elements, ours) == theirs


def test_what_the_sdk_writes_for_concat_and_if_present_is_understood():
    x = InputValuePlaceholder("text")
    elements = [
        str(ConcatPlaceholder(["--name=", x])._to_string()),
        IfPresentPlaceholder("text", then=["--a", x], else_=["--b"])._to_string(),
        IfPresentPlaceholder("absent", then=["--a", x])._to_string(),
    ]
    assert expand(elements, SCOPE) == ["--name=a b", "--a", "a b"]


def test_spacing_does_not_matter_to_a_structure_and_values_never_become_one():
    assert expand(['{"Concat":["a","b"]}', ' { "Concat" : ["c"] } '], SCOPE) == ["ab", "c"]
    sly = Scope(parameter={"x": '{"Concat": ["a", "b"]}'}.__getitem__)
    assert expand(["{{$.inputs.parameters['x']}}"], sly) == ['{"Concat": ["a", "b"]}']


def test_a_left_out_artifact_is_not_present_and_an_empty_list_is():
    chosen = [json.dumps(if_present(name, name)) for name in ("left_out", "none", "model")]
    assert expand(chosen, SCOPE) == ["none", "model"]


def test_json_that_is_no_structure_is_text():
    texts = ['{"a": 1}', "{", '{"Concat": ["a"], "b": 1}', '{"Concat": ', "[1]", '{"x": {"Concat": []}}']
    assert expand(texts, SCOPE) == texts


@pytest.mark.parametrize(
    ("structure", "words"),
    [
        (if_present("typo", "x"), "'typo'"),
        ({"IfPresent": {"Then": "x"}}, "InputName"),
        ({"IfPresent": {"InputName": "text"}}, "Then"),
        ({"IfPresent": "text"}, "InputName"),
        ({"Concat": ["a", {"Foo": []}]}, "Foo"),
        ({"Concat": [1]}, "1"),
    ],
)
def test_a_malformed_structure_is_an_error(structure, words):
    with pytest.raises(launch.LaunchError) as caught:
        expand([json.dumps(structure)], SCOPE)
    assert words in str(caught.value)


def test_python_source_is_left_untouched():
    source = "print('{{$}} {{$.no.such.thing}}')"
    assert expand(["sh", source, "{{$.pipeline_root}}"], SCOPE, untouched=source) == ["sh", source, "/r"]
