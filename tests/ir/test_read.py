"""What a Plan says is what the IR says: in the shapes of SDK 2.0 and of 2.17, with nothing left out."""

import copy
import os
import re
import subprocess
import sys
import warnings

import pytest
from kfp import compiler, dsl

from pipelines.sdk import ir
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Cache, Dag, Importer, Plan, Resources, Retry, Step
from pipelines.sdk.values import Constant, DagInput, FinalStatus, LoopItem, ParameterType, TaskOutput
from tests.conftest import ROOT
from tests.ir.documents import as_text, one_step, put, read, rich_documents, tasks

INPUT = "components/comp-say/inputDefinitions/parameters/text"
CONTAINER = "deploymentSpec/executors/exec-say/container"
TASK = "root/dag/tasks/say"


@pytest.fixture(scope="module")
def rich() -> Plan:
    return read(*rich_documents())


def step_of(document) -> Step:
    (task,) = read(document).root.tasks
    return task.body


def compiled(pipeline, folder) -> Plan:
    file = folder / "pipeline.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(pipeline, str(file))
    return ir.read_file(file)


# nothing is left out

# What may change without changing the Plan, and why.
SAID_TWICE = (
    r"comp-importer/outputDefinitions/artifacts/artifact/artifactType/",  # the importer's typeSchema decides
    r"resources/(cpuLimit|memoryRequest)$",  # the text fields beside them decide
    r"accelerator/type$",
    r"pipelinechannel--loop-item-param-2-subvar-a/componentInputParameter$",  # lost by the SDK, found by name
)


def leaves(node, path=()):
    if isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from leaves(node[key], (*path, key))
    else:
        yield path, node


def another(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if re.fullmatch(r"[\d.]+s", value):
        return f"7{value}"
    if value.isupper():
        return "LIST" if value == "STRING" else "STRING"
    return f"{value}x"


def test_every_value_of_a_rich_pipeline_has_its_place_in_the_plan():
    documents = rich_documents()
    before = repr(read(*documents))
    silent = []
    for path, value in list(leaves(documents)):
        place = documents
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = another(value)
        try:
            same = repr(read(*documents)) == before
        except BadPipeline:
            same = False
        place[path[-1]] = value
        text = "/".join(map(str, path))
        if same and not any(re.search(known, text) for known in SAID_TWICE):
            silent.append(text)
    assert silent == []
    assert repr(read(*documents)) == before


def test_a_plan_is_the_same_in_every_process(tmp_path):
    file = tmp_path / "rich.yaml"
    file.write_text(as_text(*rich_documents()))
    program = "import sys; from pipelines.sdk import ir; print(repr(ir.read_file(sys.argv[1])))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(file)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "_KFP_RUNTIME": "true"},
            check=True,
            capture_output=True,
        ).stdout
        for seed in "012"
    }
    assert len(found) == 1


# the rich pipeline, as its author meant it


def test_the_pipeline_itself(rich):
    assert (rich.name, rich.display_name, rich.description) == ("rich", "A rich one", "Everything at once.")
    assert rich.pipeline_root == "gs://bucket/root"
    takes = rich.root.interface.parameters
    assert repr({name: each.default for name, each in takes.items()}) == (
        "{'flag': True, 'rates': [0.1, 0.2], 'rows': 3, 'title': 'run'}"
    )
    assert (rich.platform.ttl_success_seconds, rich.platform.ttl_failure_seconds) == (600, 6000)
    assert rich.platform.deadline_seconds == 3600
    assert (rich.platform.workspace, rich.platform.workspace_patch) == (
        "5Gi",
        {"accessModes": ["ReadWriteMany"]},
    )


def test_a_step_with_all_its_settings(rich):
    make = tasks(rich)["exit-handler-1/make"]
    assert make.label == "Make rows"
    assert make.retry == Retry(limit=3, backoff_seconds=10.0, factor=1.5, max_seconds=60.0)
    assert make.cache == Cache(enabled=True, key="mine")
    assert make.body.resources == Resources("", "2", "1Gi", "", "nvidia.com/gpu", "1")
    assert make.body.env == {"MODE": "quiet"}
    assert make.body.passthrough == {"RESOURCES": False, "ENV": True}
    assert make.body.python.packages[:2] == ("pandas==2.3.3", "tomli; python_version<'3.11'")
    takes = make.body.interface.parameters
    assert takes["settings"].default == {"a": [1, 2.5]}
    assert (takes["note"].optional, takes["note"].has_default) == (True, False)
    assert takes["config"].type is ParameterType.TASK_CONFIG
    assert [each.type for each in make.body.interface.output_parameters.values()] == [
        ParameterType.INTEGER,
        ParameterType.LIST,
        ParameterType.BOOLEAN,
        ParameterType.DOUBLE,
    ]


def test_pod_settings_are_json_with_whole_numbers(rich):
    copied = tasks(rich)["exit-handler-1/copy"].body
    assert copied.kubernetes["nodeSelector"] == {"labels": {"disk": "ssd"}}
    assert copied.kubernetes["tolerations"][0]["effect"] == "NoExecute"
    documents = rich_documents()
    put(documents[1], "platforms/kubernetes/deploymentSpec/executors/exec-copy/x", {"seconds": [30, 0.5]})
    assert (
        repr(tasks(read(*documents))["exit-handler-1/copy"].body.kubernetes["x"]) == "{'seconds': [30, 0.5]}"
    )


def test_placeholders_stay_for_run_time(rich):
    args = tasks(rich)["exit-handler-1/copy"].body.args
    assert args[0] == "{{$.inputs.artifacts['data'].path}}"
    assert '"Concat"' in args[2]
    assert '"IfPresent"' in args[3]


def test_the_importer(rich):
    importer = tasks(rich)["exit-handler-1/importer"].body
    assert isinstance(importer, Importer)
    assert (importer.uri, importer.uri_input, importer.reimport) == ("gs://bucket/data.csv", False, True)
    assert importer.metadata["rows"] == 5
    assert importer.metadata["of"].startswith("{{$.inputs.parameters[")
    assert importer.interface.output_artifacts["artifact"].schema_title == "system.Dataset"


def test_branches_loops_and_their_outputs(rich):
    found = tasks(rich)
    (branches,) = [task.body for task in found.values() if task.name.startswith("condition-branches")]
    (selector,) = branches.outputs.values()
    assert [source.task.rpartition("-")[0] for source in selector.sources] == ["condition"] * 3
    each = found["exit-handler-1/train-each/for-loop-1"]
    assert each.loop.parallelism == 2
    assert each.loop.items == DagInput("rates")
    assert each.arguments[each.loop.item_input] == LoopItem()
    inner = found["exit-handler-1/train-each/for-loop-1/for-loop-3"]
    assert inner.loop.items == Constant([{"a": "x"}, {"a": "y"}])


def test_elements_inside_text_come_from_their_own_loops(rich):
    said = tasks(rich)["exit-handler-1/train-each/for-loop-1/for-loop-3/shout"].arguments
    assert said["pipelinechannel--loop-item-param-2-subvar-a"] == DagInput(
        "pipelinechannel--loop-item-param-2", ("a",)
    )
    assert said["pipelinechannel--rates-loop-item"] == DagInput("pipelinechannel--rates-loop-item")


def test_the_exit_task_belongs_to_its_group_and_an_ignored_failure_does_not(rich):
    (group, _) = sorted(rich.root.tasks, key=lambda task: task.name)
    (report,) = group.on_exit
    assert (group.name, report.name, report.always) == ("exit-handler-1", "report", True)
    assert report.arguments["status"] == FinalStatus("exit-handler-1")
    after = [task for path, task in tasks(rich).items() if task.always and not task.arguments.get("status")]
    assert [task.after for task in after] == [("copy", "inner")]


def test_retries_of_a_pipeline_go_to_its_steps(rich):
    found = tasks(rich)
    assert found["exit-handler-1/inner"].retry is None
    assert found["exit-handler-1/inner/fit"].retry.limit == 2
    assert found["exit-handler-1/train-each/for-loop-1/fit"].retry is None


# older and rarer shapes


@pytest.mark.parametrize(
    ("written", "kind", "value"),
    [
        ("INT", ParameterType.INTEGER, 3),
        ("DOUBLE", ParameterType.DOUBLE, 3.0),
        ("STRING", ParameterType.STRING, "3"),
    ],
)
def test_types_and_constants_of_the_first_v2_sdks(written, kind, value):
    document = put(one_step(), INPUT, {"type": written})
    field = {"INT": "intValue", "DOUBLE": "doubleValue", "STRING": "stringValue"}[written]
    put(document, f"{TASK}/inputs/parameters/text", {"runtimeValue": {"constantValue": {field: value}}})
    (task,) = read(document).root.tasks
    assert task.body.interface.parameters["text"].type is kind
    assert repr(task.arguments["text"].value) == repr(value)


def test_a_long_integer_of_the_first_v2_sdks_stays_exact():
    document = put(one_step(), INPUT, {"type": "INT"})
    constant = {"runtimeValue": {"constantValue": {"intValue": "9007199254740993"}}}
    put(document, f"{TASK}/inputs/parameters/text", constant)
    assert read(document).root.tasks[0].arguments["text"] == Constant(2**53 + 1)


def test_a_runtime_parameter_is_an_input_of_the_pipeline():
    document = put(
        one_step(), f"{TASK}/inputs/parameters/text", {"runtimeValue": {"runtimeParameter": "who"}}
    )
    put(document, "root/inputDefinitions/parameters/who", {"parameterType": "STRING"})
    assert read(document).root.tasks[0].arguments["text"] == DagInput("who")


@pytest.mark.parametrize(
    ("schema", "title", "version"),
    [
        ({"schemaTitle": "system.Model", "schemaVersion": "0.0.2"}, "system.Model", "0.0.2"),
        (
            {"instanceSchema": "properties: {}\ntitle: system.Dataset\ntype: object\n"},
            "system.Dataset",
            "0.0.1",
        ),
        ({"instanceSchema": "no: title"}, "system.Artifact", "0.0.1"),
        ({"instanceSchema": "]["}, "system.Artifact", "0.0.1"),
        ({"schemaUri": "google.Table.yaml"}, "google.Table.yaml", "0.0.1"),
        ({}, "system.Artifact", "0.0.1"),
    ],
)
def test_every_way_to_write_an_artifact_type(schema, title, version):
    document = put(one_step(), "components/comp-say/outputDefinitions/artifacts/a/artifactType", schema)
    artifact = step_of(document).interface.output_artifacts["a"]
    assert (artifact.schema_title, artifact.schema_version) == (title, version)


def test_metadata_lists_and_descriptions_of_artifacts():
    written = {
        "artifactType": {},
        "metadata": {"n": 1, "x": 1.5},
        "isArtifactList": True,
        "description": "All.",
    }
    document = put(one_step(), "components/comp-say/outputDefinitions/artifacts/a", written)
    artifact = step_of(document).interface.output_artifacts["a"]
    assert repr(artifact.metadata) == "{'n': 1, 'x': 1.5}"
    assert (artifact.is_list, artifact.description) == (True, "All.")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            {"cpuLimit": 2.0, "memoryLimit": 15.032385536},
            Resources(cpu_limit="2", memory_limit="15.032385536G"),
        ),
        (
            {"cpuRequest": 0.1, "memoryRequest": 0.268435456},
            Resources(cpu_request="0.1", memory_request="0.268435456G"),
        ),
        ({"cpuLimit": 2.0, "resourceCpuLimit": "1500m"}, Resources(cpu_limit="1500m")),
        (
            {"accelerator": {"type": "tpu", "count": "4"}},
            Resources(accelerator_type="tpu", accelerator_count="4"),
        ),
        (
            {"accelerator": {"type": "a", "count": 1, "resourceType": "b", "resourceCount": "2"}},
            Resources(accelerator_type="b", accelerator_count="2"),
        ),
        ({}, Resources()),
    ],
)
def test_resources_as_numbers_and_as_texts(written, expected):
    assert step_of(put(one_step(), f"{CONTAINER}/resources", written)).resources == expected


@pytest.mark.parametrize(
    ("written", "default", "optional"),
    [
        ({"defaultValue": 3}, 3, False),
        ({"defaultValue": 3.0, "isOptional": True}, 3, True),
        ({"defaultValue": 1e16}, 10**16, False),
        ({"defaultValue": None}, None, True),
        ({"isOptional": True}, None, True),
    ],
)
def test_defaults_and_optional_inputs(written, default, optional):
    document = put(one_step(), INPUT, {"parameterType": "NUMBER_INTEGER", **written})
    del document["root"]["dag"]["tasks"]["say"]["inputs"]
    parameter = step_of(document).interface.parameters["text"]
    assert repr((parameter.default, parameter.has_default)) == repr((default, default is not None))
    assert parameter.optional is optional


def test_literals_have_the_type_of_their_parameter():
    document = put(one_step(), INPUT, {"parameterType": "NUMBER_DOUBLE", "literals": [1, 2.5]})
    put(document, f"{TASK}/inputs/parameters/text/runtimeValue/constant", 1)
    assert repr(step_of(document).interface.parameters["text"].literals) == "(1.0, 2.5)"


def test_whole_numbers_in_lists_are_integers_and_null_stays():
    document = put(one_step(), INPUT, {"parameterType": "STRUCT"})
    put(
        document,
        f"{TASK}/inputs/parameters/text/runtimeValue/constant",
        {"b": [1.0, 2.5, None, True], "a": "1"},
    )
    value = read(document).root.tasks[0].arguments["text"].value
    assert repr(value) == "{'a': '1', 'b': [1, 2.5, None, True]}"


@pytest.mark.parametrize(
    "selector", ['parseJson(string_value)["a"]["b c"]', "parseJson(string_value)['a']['b c']"]
)
def test_fields_of_values_are_paths_and_of_constants_are_followed(selector):
    document = put(one_step(), f"{TASK}/inputs/parameters/text/parameterExpressionSelector", selector)
    constant = put(
        copy.deepcopy(document),
        f"{TASK}/inputs/parameters/text/runtimeValue/constant",
        '{"a": {"b c": "deep"}}',
    )
    assert read(constant).root.tasks[0].arguments["text"] == Constant("deep")
    source = {"componentInputParameter": "who", "parameterExpressionSelector": selector}
    put(document, f"{TASK}/inputs/parameters/text", source)
    put(document, "root/inputDefinitions/parameters/who", {"parameterType": "STRUCT"})
    assert read(document).root.tasks[0].arguments["text"] == DagInput("who", ("a", "b c"))


def test_an_importer_whose_type_stands_only_with_the_importer():
    document = put(one_step(), "components/comp-say/outputDefinitions/artifacts/it", {"artifactType": {}})
    importer = {
        "artifactUri": {"constantValue": {"stringValue": "gs://a"}},
        "typeSchema": {"schemaTitle": "system.Model"},
    }
    put(document, "deploymentSpec/executors/exec-say", {"importer": importer})
    body = step_of(document)
    assert (body.uri, body.interface.output_artifacts["it"].schema_title) == ("gs://a", "system.Model")


@pytest.mark.parametrize(
    ("importer", "words"),
    [
        ({}, "its artifactUri is empty"),
        ({"artifactUri": {"constant": ""}}, "its artifactUri is empty"),
        ({"artifactUri": {"constant": 5}}, "its artifactUri is no text"),
        (
            {"artifactUri": {"runtimeParameter": "uri"}},
            "its URI comes from 'uri', which is none of its inputs",
        ),
        (
            {"artifactUri": {"constant": "a"}, "properties": {"a": {}}},
            "`properties` of an importer are read by no backend",
        ),
    ],
)
def test_an_importer_needs_an_address(importer, words):
    document = put(one_step(), "components/comp-say/outputDefinitions/artifacts/it", {"artifactType": {}})
    with pytest.raises(BadPipeline, match=re.escape(words)):
        read(put(document, "deploymentSpec/executors/exec-say", {"importer": importer}))


def test_an_importer_has_one_output():
    importer = {"importer": {"artifactUri": {"constant": "a"}}}
    with pytest.raises(BadPipeline, match="exactly one output"):
        read(put(one_step(), "deploymentSpec/executors/exec-say", importer))


@pytest.mark.parametrize(
    ("written", "name", "display"),
    [
        ("my-pipeline", "my-pipeline", ""),
        ("My Pipeline_2", "my-pipeline-2", "My Pipeline_2"),
        ("../../x", "x", "../../x"),
    ],
)
def test_a_name_becomes_one_that_kubernetes_takes(written, name, display):
    plan = read(put(one_step(), "pipelineInfo/name", written))
    assert (plan.name, plan.display_name) == (name, display)


def test_snake_case_is_read_as_camel_case_is():
    text = as_text(one_step())
    snake = re.sub(
        r'"([a-z]+[A-Z]\w*)":',
        lambda key: f'"{re.sub("([A-Z])", lambda c: "_" + c[1].lower(), key[1])}":',
        text,
    )
    assert '"schema_version"' in snake
    assert ir.read(snake) == ir.read(text)


def test_a_time_to_live_for_both_ends_is_one_for_each():
    config = {"resourceTtlOnCompletion": 60, "resourceTtlOnFailure": 600}
    plan = read(one_step(), {"platforms": {"kubernetes": {"pipelineConfig": config}}})
    assert (plan.platform.ttl_success_seconds, plan.platform.ttl_failure_seconds) == (60, 600)


# lightweight components


def executor(*before: str, module: str = "kfp.dsl.executor_main") -> dict:
    program = f'python3 -m {module} --component_module_path "$program_path/ephemeral_component.py" "$@"\n'
    source = f"# {program}def say(text: str): ...\n"  # the text of the call may stand in the source, too
    return {
        "image": "python:3.11",
        "command": [*before, "sh", "-ec", f"program_path=$(mktemp -d)\n{program}", source],
        "args": ["--executor_input", "{{$}}", "--function_to_execute", "say"],
    }


@pytest.mark.parametrize("module", ["kfp.components.executor_main", "kfp.dsl.executor_main"])
def test_sources_of_old_and_new_lightweight_components(module):
    python = step_of(put(one_step(), CONTAINER, executor(module=module))).python
    assert python.function == "say"
    assert python.source.endswith("def say(text: str): ...\n")


@pytest.mark.parametrize(
    ("arguments", "packages"),
    [
        ("'pandas==2.2.0' 'kfp==2.0.1'", ("pandas==2.2.0",)),
        (
            "--index-url https://a --trusted-host https://a 'pandas' 'scikit-learn>=1.4'",
            ("pandas", "scikit-learn>=1.4"),
        ),
        (
            "'kfp==2.17.0' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'",
            ('typing-extensions>=3.7.4,<5; python_version<"3.9"',),
        ),
        ("\"tomli; python_version<'3.11'\"", ("tomli; python_version<'3.11'",)),
        ("'a @ https://host/a.zip?x=1&y=2' 'b'", ("a @ https://host/a.zip?x=1&y=2", "b")),
        ("'kfp-kubernetes'", ("kfp-kubernetes",)),
    ],
)
def test_packages_of_lightweight_components(arguments, packages):
    install = [
        "sh",
        "-c",
        f'\nPIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet {arguments} && "$0" "$@"\n',
    ]
    assert step_of(put(one_step(), CONTAINER, executor(*install))).python.packages == packages


@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 2), slice(0, 3)])
def test_a_function_that_is_not_named_makes_a_container_component(cut):
    container = executor()
    container["args"] = container["args"][cut]
    assert step_of(put(one_step(), CONTAINER, container)).python is None


# what the compiler loses or hides


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text


@dsl.component(base_image="python:3.11")
def exit_handler(text: str) -> str:
    return text


@dsl.pipeline
def own_loop(rates: list):
    with dsl.ParallelFor([{"a": 1}]) as item:
        say(text=f"inner {item.a}")


@dsl.pipeline
def loops_that_are_called_alike(rates: list):
    with dsl.ParallelFor([{"a": 2}]) as item:
        say(text=f"outer {item.a}")
        own_loop(rates=rates)


def test_a_nested_pipeline_counts_its_loops_anew(tmp_path):
    found = tasks(compiled(loops_that_are_called_alike, tmp_path))
    nested = [path for path in found if "own-loop/" in path]
    inner = found[next(path for path in nested if path.endswith("/say"))]
    (element,) = [each for each in inner.arguments.values() if isinstance(each, DagInput)]
    loop = found[next(path for path in nested if path.rpartition("/")[2].startswith("for-loop"))]
    assert element == DagInput(loop.loop.item_input, ("a",))
    assert not [name for name in loop.arguments if "subvar" in name]


@dsl.pipeline
def waits_for_exit_handler():
    first = say(text="a")
    handled = exit_handler(text="b").after(first)
    say(text="c").after(handled).ignore_upstream_failure()


def test_a_component_that_is_called_exit_handler_is_a_task_like_others(tmp_path):
    plan = compiled(waits_for_exit_handler, tmp_path)
    assert [(task.name, task.always, task.on_exit) for task in plan.root.tasks] == [
        ("say", False, ()),
        ("exit-handler", False, ()),
        ("say-2", True, ()),
    ]


def test_an_exit_task_that_others_need_is_a_task_like_others():
    documents = rich_documents()
    (last,) = set(documents[0]["root"]["dag"]["tasks"]) - {"exit-handler-1", "report"}
    documents[0]["root"]["dag"]["tasks"][last]["dependentTasks"] = ["report"]
    found = tasks(read(*documents))
    assert found["exit-handler-1"].on_exit == ()
    assert (found["report"].always, found["report"].after) == (True, ("exit-handler-1",))
    assert found[last].after == ("report",)


def test_a_policy_of_no_retries_keeps_that_of_the_pipeline_away():
    documents = rich_documents()
    documents[0]["components"]["comp-inner"]["dag"]["tasks"]["fit"]["retryPolicy"] = {}
    assert tasks(read(*documents))["exit-handler-1/inner/fit"].retry is None


def test_one_component_used_twice_is_the_same_step_with_other_arguments():
    document = put(one_step(), "components/comp-say/outputDefinitions/parameters/out/parameterType", "STRING")
    second = copy.deepcopy(document["root"]["dag"]["tasks"]["say"])
    second["inputs"]["parameters"]["text"] = {
        "taskOutputParameter": {"producerTask": "say", "outputParameterKey": "out"}
    }
    document["root"]["dag"]["tasks"]["again"] = second
    first, then = read(document).root.tasks
    assert (first.name, then.name, first.body == then.body) == ("say", "again", True)
    assert then.arguments["text"] == TaskOutput("say", "out")
    assert isinstance(read(document).root, Dag)
