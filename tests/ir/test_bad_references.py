"""IR of the right shape that cannot be run: what is wrong is named by task or component."""

import copy
import re

import pytest

from pipelines.sdk.ir.nesting import MAX_LEVELS, MAX_TASKS
from tests.ir.documents import one_step, put, read, refused_documents


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "root/dag/tasks/say/componentRef/name",
            "comp-sai",
            "task say: component 'comp-sai' is not in the file",
        ),
        (
            "components/comp-say/executorLabel",
            "exec-x",
            "executor 'exec-x' is not in the deploymentSpec\n    -> those there: exec-say",
        ),
        ("components/comp-say", {}, "component comp-say: it has neither tasks (dag) nor an executor"),
        (
            "deploymentSpec/executors/exec-say",
            {},
            "its executor 'exec-say' has neither container nor importer",
        ),
        ("deploymentSpec/executors/exec-say/container", {"command": ["a"]}, "its container has no image"),
        ("deploymentSpec/executors/exec-say", {"resolver": {}}, "executors of kind resolver run nowhere"),
        ("deploymentSpec/executors/exec-say", {"customJob": {}}, "executors of kind custom_job run nowhere"),
        (
            "deploymentSpec/executors/exec-say/container/lifecycle",
            {"preCacheCheck": {}},
            "lifecycle.preCacheCheck is not supported",
        ),
        (
            "components/comp-say/singlePlatformSpecs",
            [{"platform": "kubernetes"}],
            "`singlePlatformSpecs` of a component",
        ),
        (
            "components/comp-say/outputDefinitions/artifacts/a/properties",
            {"b": {}},
            "output a: `properties` are read by no backend",
        ),
        ("components/comp-say/inputDefinitions/parameters/text", {}, "input text: it has no parameterType"),
        (
            "components/comp-say/inputDefinitions/parameters/more",
            {"parameterType": "STRING"},
            "task say, input more: it has no value",
        ),
        (
            "components/comp-say/inputDefinitions/artifacts/more",
            {"artifactType": {}},
            "task say, input more: it has no artifact",
        ),
        (
            "root/dag/tasks/say/dependentTasks",
            ["gone"],
            "task say: it waits for task 'gone', which is not there",
        ),
        ("root/dag/tasks/say/dependentTasks", ["say"], "tasks wait for each other: say -> say"),
        ("root/dag/tasks/say/inputs/parameters/text", {}, "task say, input text: it has no source"),
        (
            "root/dag/tasks/say/inputs/parameters/text",
            {"runtimeValue": {}},
            "task say, input text: it has no source",
        ),
        (
            "root/dag/tasks/say/inputs/parameters/text",
            {"runtimeValue": {"constant": 5}},
            "task say, input text: 5 is no STRING",
        ),
        (
            "root/dag/tasks/say/inputs/parameters/text",
            {"componentInputParameter": "gone"},
            "it reads 'gone', which the enclosing pipeline does not have",
        ),
        (
            "root/dag/tasks/say/inputs/parameters/text/parameterExpressionSelector",
            "size(x)",
            "expression selector 'size(x)' is unknown",
        ),
        (
            "root/dag/tasks/say/inputs/parameters/text/parameterExpressionSelector",
            'parseJson(string_value)["a"]',
            "the constant is no JSON, so it has no 'a'",
        ),
        (
            "root/dag/tasks/say/inputs/artifacts/text",
            {"componentInputArtifact": "a"},
            "input text: it is both a parameter and an artifact",
        ),
        ("root/dag/tasks/say/inputs/artifacts/more", {}, "input more: it has no source"),
        ("root/dag/outputs/parameters/out", {}, "root, output out: it has no source"),
        (
            "root/dag/outputs/parameters/out/valueFromParameter",
            {"producerSubtask": "gone"},
            "output out: it is not declared",
        ),
        (
            "root/dag/outputs/parameters/out/valueFromParameter",
            {"producerSubtask": "gone"},
            "it reads from task 'gone', which is not there",
        ),
        (
            "root/dag/outputs/parameters/out/valueFromParameter",
            {"producerSubtask": "say", "outputParameterKey": "x"},
            "task 'say' has no output 'x'",
        ),
        (
            "root/outputDefinitions/parameters/out",
            {"parameterType": "STRING"},
            "root, output out: nothing gives it",
        ),
        ("root/dag/tasks", {}, "root: it has no tasks"),
        ("root/dag", {}, "root: it has no tasks"),
        ("root/dag", None, "root: it has no tasks (dag)"),
        ("root", {"executorLabel": "exec-say"}, "root: it has no tasks (dag)"),
        ("pipelineInfo", {}, "pipelineInfo.name: it has no name"),
        ("pipelineInfo/name", "!?", "pipelineInfo.name: '!?' is no name"),
        (
            "root/dag/tasks/say/triggerPolicy/condition",
            "1 ==",
            "task say: condition `1 ==`: cannot be read at column 5",
        ),
        (
            "root/dag/tasks/say/triggerPolicy/condition",
            "inputs.parameter_values['x'] == 1",
            "its condition reads 'x', which is none of its inputs",
        ),
        ("root/dag/tasks/say/retryPolicy/maxRetryCount", -1, "its retryPolicy has a number below zero"),
        (
            "root/dag/tasks/say/parameterIterator",
            {"items": {"raw": "[1]"}, "itemInput": "text"},
            "it loops, but is no group of tasks",
        ),
        (
            "root/inputDefinitions/parameters/n",
            {"parameterType": "NUMBER_INTEGER", "defaultValue": 1.5},
            "root, default of input n: 1.5 is no NUMBER_INTEGER",
        ),
        (
            "root/inputDefinitions/parameters/n",
            {"parameterType": "STRING", "defaultValue": "c", "literals": ["a", "b"]},
            '"c" is not one of "a", "b"',
        ),
    ],
)
def test_what_cannot_be_run_is_named_by_task_or_component(path, value, words):
    assert words in refused_documents(put(one_step(), path, value))


def looping(**iterator) -> object:
    """One step in a loop."""
    document = one_step()
    group = {"dag": {"tasks": {"say": copy.deepcopy(document["root"]["dag"]["tasks"]["say"])}}}
    group["inputDefinitions"] = {"parameters": {"item": {"parameterType": "STRING"}}}
    document["components"]["comp-for-loop-1"] = group
    task = {"componentRef": {"name": "comp-for-loop-1"}, **iterator}
    document["root"]["dag"]["tasks"] = {"for-loop-1": task}
    return document


@pytest.mark.parametrize(
    ("iterator", "words"),
    [
        ({"items": {"raw": '["a"'}, "itemInput": "item"}, "the items of the loop are not JSON"),
        ({"items": {"raw": '{"a": 1}'}, "itemInput": "item"}, "the items of the loop are no list"),
        ({"items": {"raw": "[NaN]"}, "itemInput": "item"}, "NaN is no JSON value"),
        ({"items": {}, "itemInput": "item"}, "it loops, but has no items"),
        (
            {"items": {"inputParameter": "gone"}, "itemInput": "item"},
            "it loops over 'gone', which is none of its inputs",
        ),
        ({"items": {"raw": "[]"}}, "it loops, but has no itemInput for the element"),
        ({"items": {"raw": "[]"}, "itemInput": "itm"}, "input itm: its component has no such input"),
        ({}, "it loops, but has no items"),
    ],
)
def test_a_loop_needs_a_list_and_a_place_for_its_element(iterator, words):
    assert words in refused_documents(looping(parameterIterator=iterator))


def test_a_loop_over_artifacts_cannot_fill_a_parameter():
    task = {"items": {"inputArtifact": "all"}, "itemInput": "item"}
    document = looping(
        artifactIterator=task, inputs={"artifacts": {"all": {"componentInputArtifact": "all"}}}
    )
    put(document, "root/inputDefinitions/artifacts/all", {"artifactType": {}, "isArtifactList": True})
    put(document, "components/comp-for-loop-1/inputDefinitions/artifacts/all", {"artifactType": {}})
    assert "input item: it is a parameter, and the loop's element is an artifact" in refused_documents(
        document
    )


def test_a_loop_over_a_number_is_seen_before_anything_runs():
    iterator = {"items": {"inputParameter": "n"}, "itemInput": "item"}
    document = looping(
        parameterIterator=iterator, inputs={"parameters": {"n": {"componentInputParameter": "n"}}}
    )
    put(document, "root/inputDefinitions/parameters/n", {"parameterType": "NUMBER_INTEGER"})
    put(document, "components/comp-for-loop-1/inputDefinitions/parameters/n", {"parameterType": "LIST"})
    assert "it loops over 'n', a NUMBER_INTEGER, which is no list" in refused_documents(document)


def test_a_constant_that_is_looped_over_can_be_a_list_as_text_but_nothing_else():
    iterator = {"items": {"inputParameter": "n"}, "itemInput": "item"}
    for constant, words in (("[1, 2]", ""), ([1, 2], ""), ("abc", "are not JSON"), ({"a": 1}, "are no list")):
        inputs = {"parameters": {"n": {"runtimeValue": {"constant": constant}}}}
        document = looping(parameterIterator=iterator, inputs=inputs)
        kind = "STRING" if isinstance(constant, str) else "STRUCT" if isinstance(constant, dict) else "LIST"
        put(document, "components/comp-for-loop-1/inputDefinitions/parameters/n", {"parameterType": kind})
        if words:
            assert words in refused_documents(document)
        else:
            assert read(document).root.tasks[0].loop.items.value == [1, 2]


# cycles


def nested(*chain: tuple[str, list[str]]) -> object:
    """Pipelines in each other: each component with the components of its tasks."""
    document = one_step()
    for name, parts in chain:
        tasks = {f"t{n}": {"componentRef": {"name": part}} for n, part in enumerate(parts)}
        document["components"][name] = {"dag": {"tasks": tasks}}
    document["components"]["comp-say"].pop("inputDefinitions")
    document["root"]["dag"]["tasks"] = {"first": {"componentRef": {"name": chain[0][0]}}}
    return document


def test_a_component_cannot_contain_itself():
    assert "components contain each other: comp-a -> comp-a" in refused_documents(
        nested(("comp-a", ["comp-a"]))
    )


def test_components_cannot_contain_each_other():
    words = refused_documents(nested(("comp-a", ["comp-b"]), ("comp-b", ["comp-c"]), ("comp-c", ["comp-a"])))
    assert re.search(r"components contain each other: comp-\w -> comp-\w -> comp-\w -> comp-\w", words)


def test_pipelines_in_pipelines_have_an_end():
    chain = [(f"comp-{n}", [f"comp-{n + 1}"]) for n in range(3000)]
    words = refused_documents(nested(*chain, ("comp-3000", ["comp-say"])))
    assert f"nested 3003 deep; {MAX_LEVELS} is the most" in words


def test_pipelines_that_double_at_every_level_are_stopped_before_they_unfold():
    chain = [(f"comp-{n}", [f"comp-{n + 1}"] * 2) for n in range(30)]
    assert f"{MAX_TASKS:,} is the most" in refused_documents(nested(*chain, ("comp-30", ["comp-say"])))


def test_tasks_cannot_wait_for_each_other_in_a_ring():
    document = one_step()
    say = document["root"]["dag"]["tasks"]["say"]
    names = [f"t{n}" for n in range(2000)]
    document["root"]["dag"]["tasks"] = {
        name: {**say, "dependentTasks": [before]}
        for name, before in zip(names, [names[-1], *names], strict=False)
    }
    assert "tasks wait for each other: t" in refused_documents(document)


def test_tasks_cannot_need_each_others_outputs():
    document = put(one_step(), "components/comp-say/outputDefinitions/parameters/out/parameterType", "STRING")
    say = document["root"]["dag"]["tasks"].pop("say")
    for name, other in (("a", "b"), ("b", "a")):
        source = {"taskOutputParameter": {"producerTask": other, "outputParameterKey": "out"}}
        document["root"]["dag"]["tasks"][name] = {**say, "inputs": {"parameters": {"text": source}}}
    assert re.search(
        "root: tasks wait for each other: (a -> b -> a|b -> a -> b)", refused_documents(document)
    )


def test_an_artifact_is_no_parameter():
    document = put(one_step(), "components/comp-say/outputDefinitions/artifacts/out/artifactType", {})
    say = copy.deepcopy(document["root"]["dag"]["tasks"]["say"])
    source = {"taskOutputParameter": {"producerTask": "say", "outputParameterKey": "out"}}
    document["root"]["dag"]["tasks"]["b"] = {**say, "inputs": {"parameters": {"text": source}}}
    assert (
        "task b, input text: it is a parameter, and 'out' of task 'say' is an artifact"
        in refused_documents(document)
    )


# platforms


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        (
            {"platforms": {"vertex": {}}},
            "file.yaml, platforms: no backend has a platform 'vertex'\n    -> known: kubernetes",
        ),
        ({"platforms": {"kubernetes": {"config": {"a": 1}}}}, "`platform` and `config` mean nothing here"),
        (
            {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-x": {"a": 1}}}}}},
            "executors.exec-x: the pipeline has no such executor",
        ),
        (
            {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-say": []}}}}},
            "executors.exec-say: expected a mapping, found a list",
        ),
        ({"platforms": {"kubernetes": {"pipelineConfig": {"workspace": {}}}}}, "the workspace has no size"),
        ({"platforms": []}, "platforms: expected a mapping, found a list"),
    ],
)
def test_platform_settings_that_nothing_would_honour_are_refused(platform, words):
    assert words in refused_documents(one_step(), platform)


def test_an_artifact_for_a_component_that_takes_none_is_refused():
    document = one_step()
    put(document, "root/inputDefinitions/artifacts/data", {"artifactType": {}})
    put(document, "root/dag/tasks/say/inputs/artifacts/data", {"componentInputArtifact": "data"})
    assert "task say, input data: its component has no such input" in refused_documents(document)


def test_what_kfp_left_of_an_f_string_in_an_importers_address_is_no_address():
    document = one_step()
    uri = "gs://b/{{channel:task=;name=n;type=Integer;}}"
    importer = {"artifactUri": {"constant": uri}, "typeSchema": {"schemaTitle": "system.Dataset"}}
    put(document, "deploymentSpec/executors/exec-bring", {"importer": importer})
    output = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
    brings = {"executorLabel": "exec-bring", "outputDefinitions": {"artifacts": {"artifact": output}}}
    put(document, "components/comp-bring", brings)
    put(document, "root/dag/tasks/bring", {"componentRef": {"name": "comp-bring"}})
    text = refused_documents(document)
    assert "task bring: its URI holds {{channel:task=...}}, which kfp could not resolve" in text
    assert "let a component put the text together" in text


def test_what_kfp_left_of_an_f_string_in_text_is_refused_where_nobody_knows_it():
    document = one_step()
    text = "<{{channel:task=nobody;name=n;type=List[str];}}>"
    put(document, "root/dag/tasks/say/inputs/parameters/text", {"runtimeValue": {"constant": text}})
    assert "task say, input text: its text holds {{channel:task=...}}" in refused_documents(document)
