"""References of settings to the pipeline around the step."""

import warnings
from dataclasses import replace

import pytest
from kfp import compiler, kubernetes

from pipelines.sdk.argo.pods import pod_fields, settings_as_inputs
from pipelines.sdk.argo.pods.settings import normalised
from pipelines.sdk.argo.travel import Carrier, Index, Key, Lists, Resolve, Text, constant
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.ir.read import read_file
from pipelines.sdk.plan import Dag, Plan, Resources, Task, walk
from pipelines.sdk.values import Constant, DagInput, Interface, Parameter, ParameterType, TaskOutput
from tests.argo.pods.building import argument, carrier, patch, refusal, step
from tests.conformance.pipelines import cluster


def parameters(*names):
    return {name: Parameter(name, ParameterType.STRING) for name in names}


MAKE = Task("make", "make", replace(step(), interface=Interface(output_parameters=parameters("name"))))


def plan(*tasks):
    return Plan("p", Dag(Interface(parameters("where", "x", "w", "make-name")), (MAKE, *tasks)))


def rewritten(kubernetes, **arguments):
    task = Task("say", "say", step(kubernetes=kubernetes), arguments=arguments)
    return settings_as_inputs(plan(task)).root.tasks[1]


def mount(**reference):
    return {"secretAsVolume": [{"mountPath": "/s", "secretNameParameter": reference}]}


OUTPUT = {"producerTask": "make", "outputParameterKey": "name"}


@pytest.mark.parametrize(
    ("reference", "name", "binding"),
    [
        ({"componentInputParameter": "where"}, "setting--where", DagInput("where")),
        ({"taskOutputParameter": OUTPUT}, "setting--make-name", TaskOutput("make", "name")),
        ({"runtimeValue": {"runtimeParameter": "where"}}, "setting--where", DagInput("where")),
        (
            {"componentInputParameter": "x", "parameterExpressionSelector": 'parseJson(string_value)["a"]'},
            "setting--x-a",
            DagInput("x", ("a",)),
        ),
    ],
)
def test_a_reference_becomes_an_argument_of_the_step(reference, name, binding):
    task = rewritten(mount(**reference))
    assert task.arguments == {name: binding}
    assert task.body.kubernetes == mount(**argument(name))


def test_constants_stay_what_they_are():
    task = rewritten(mount(runtimeValue={"constant": "x"}))
    assert task.arguments == {}
    assert task.body.kubernetes == mount(runtimeValue={"constant": "x"})


def test_the_older_forms_of_a_claims_name_become_the_newer_one():
    older = [
        {"mountPath": "/a", "componentInputParameter": "where"},
        {"mountPath": "/b", "taskOutputParameter": OUTPUT},
        {
            "mountPath": "/c",
            "componentInputParameter": "w",
            "pvcNameParameter": {"taskOutputParameter": OUTPUT},
        },
        {"mountPath": "/d", "constant": "claim"},
    ]
    task = rewritten({"pvcMount": older})
    assert task.arguments == {
        "setting--where": DagInput("where"),
        "setting--make-name": TaskOutput("make", "name"),
    }
    assert task.body.kubernetes["pvcMount"] == [
        {"mountPath": "/a", "pvcNameParameter": argument("setting--where")},
        {"mountPath": "/b", "pvcNameParameter": argument("setting--make-name")},
        {"mountPath": "/c", "pvcNameParameter": argument("setting--make-name")},
        {"mountPath": "/d", "constant": "claim"},
    ]


def test_an_argument_with_the_same_value_is_used_unless_the_component_may_have_a_default_for_it():
    known = rewritten(mount(componentInputParameter="where"), **{"pipelinechannel--where": DagInput("where")})
    assert list(known.arguments) == ["pipelinechannel--where"]
    own = Interface({"place": Parameter("place", ParameterType.STRING)})
    body = step(kubernetes=mount(componentInputParameter="where"))
    task = Task(
        "say",
        "say",
        body.__class__("say", own, "i", (), (), kubernetes=body.kubernetes),
        {"place": DagInput("where")},
    )
    assert list(settings_as_inputs(plan(task)).root.tasks[1].arguments) == ["place", "setting--where"]


def test_names_of_arguments_do_not_collide():
    task = rewritten(
        {
            "secretAsVolume": [
                {"mountPath": "/a", "secretNameParameter": {"componentInputParameter": "make-name"}},
                {"mountPath": "/b", "secretNameParameter": {"taskOutputParameter": OUTPUT}},
            ]
        }
    )
    assert task.arguments == {
        "setting--make-name": DagInput("make-name"),
        "setting--make-name-2": TaskOutput("make", "name"),
    }


def test_steps_in_groups_and_exit_handlers_are_rewritten_too():
    inner = Task("say", "say", step(kubernetes=mount(componentInputParameter="x")))
    outer = Task("condition-1", "group", Dag(Interface(parameters("x")), (inner,)), on_exit=(inner,))
    tasks = dict(walk(settings_as_inputs(plan(outer)).root))
    assert [path for path, task in tasks.items() if task.arguments] == ["condition-1/say", "say"]


def grouped(reference, *names):
    """A step with a setting in groups in each other, of which none is given anything."""
    task = Task("say", "say", step(kubernetes=mount(**reference)))
    for name in names:
        task = Task(name, name, Dag(Interface(), (task,)))
    return plan(task)


@pytest.mark.parametrize(
    ("reference", "name", "binding"),
    [
        ({"taskOutputParameter": OUTPUT}, "setting--make-name", TaskOutput("make", "name")),
        ({"componentInputParameter": "where"}, "setting--where", DagInput("where")),
    ],
)
def test_groups_hand_on_what_a_setting_in_them_refers_to(reference, name, binding):
    found = dict(walk(settings_as_inputs(grouped(reference, "for-loop-2", "condition-1")).root))
    assert found["condition-1"].arguments == {name: binding}
    assert found["condition-1/for-loop-2"].arguments == {name: DagInput(name)}
    assert found["condition-1/for-loop-2"].body.interface.parameters[name].optional
    assert found["condition-1/for-loop-2/say"].arguments == {name: DagInput(name)}


def test_a_group_may_know_an_input_under_the_name_of_a_channel():
    task = Task("say", "say", step(kubernetes=mount(componentInputParameter="where")))
    known = Dag(Interface(parameters("pipelinechannel--where")), (task,))
    given = {"pipelinechannel--where": DagInput("where")}
    found = dict(walk(settings_as_inputs(plan(Task("condition-1", "c", known, given))).root))
    assert found["condition-1"].arguments == given
    assert found["condition-1/say"].arguments == {"setting--where": DagInput("pipelinechannel--where")}


@pytest.mark.parametrize(
    ("reference", "groups", "where", "what"),
    [
        ({"componentInputParameter": "nowhere"}, ("condition-1",), "condition-1/say", "'nowhere'"),
        (
            {"taskOutputParameter": {**OUTPUT, "producerTask": "nobody"}},
            (),
            "say",
            "'name' of task 'nobody'",
        ),
        (
            {"taskOutputParameter": {**OUTPUT, "outputParameterKey": "size"}},
            (),
            "say",
            "'size' of task 'make'",
        ),
        # A pipeline in a pipeline knows nothing of what is around it, even where the names are the same.
        ({"componentInputParameter": "where"}, ("inner",), "inner/say", "'where'"),
    ],
)
def test_a_reference_to_what_is_nowhere_is_refused(reference, groups, where, what):
    with pytest.raises(BadPipeline) as raised:
        settings_as_inputs(grouped(reference, *groups))
    assert str(raised.value).startswith(f"task {where}, kubernetes: a setting refers to ")
    assert what in str(raised.value)


def test_how_a_task_ended_cannot_decide_on_a_pod():
    with pytest.raises(BadPipeline, match="how a task ended"):
        rewritten(mount(taskFinalStatus={"producerTask": "make"}))


def test_a_plan_without_settings_is_left_as_it_is():
    before = plan(Task("say", "say", step(), {"text": Constant("x")}))
    assert settings_as_inputs(before) == before


def test_everything_that_kfp_kubernetes_compiles_is_understood(tmp_path):
    """With kfp's own compiler, so that the spelling is that of real files."""
    for pipeline in (cluster.scheduling, cluster.volumes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiler.Compiler().compile(pipeline, str(tmp_path / "p.yaml"))
        rewritten_plan = settings_as_inputs(read_file(tmp_path / "p.yaml"))
        for path, task in walk(rewritten_plan.root):
            if not task.body.image.startswith("argostub"):
                assert pod_fields(task.body, path).template


def test_snake_case_and_numbers_as_texts_are_read_as_protobuf_reads_them():
    assert normalised({"active_deadline_seconds": 600, "security_context": {"run_as_user": "7"}}, "say") == {
        "activeDeadlineSeconds": "600",
        "securityContext": {"runAsUser": "7"},
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"secretAsVolume": {}},
        {"activeDeadlineSeconds": "soon"},
        {"tolerations": ["x"]},
        {"nodeSelector": {"labels": 1}},
    ],
)
def test_settings_of_a_wrong_shape_are_refused_with_their_place(settings):
    text = refusal(kubernetes=settings)
    assert next(iter(settings)) in text
    assert "expected" in text


def test_kfp_kubernetes_is_here_in_the_version_that_was_read():
    assert kubernetes.__version__ == "2.17.0"


ALL_LATER = {
    "secretAsVolume": [{"mountPath": "/s", "secretNameParameter": argument("x")}],
    "configMapAsVolume": [{"mountPath": "/c", "configMapNameParameter": argument("x")}],
    "pvcMount": [
        {"mountPath": "/p", "subPath": "a", "pvcNameParameter": argument("x")},
        {"mountPath": "/q", "pvcNameParameter": argument("x")},
    ],
    "secretAsEnv": [
        {"secretNameParameter": argument("x"), "keyToEnv": [{"secretKey": "k", "envVar": "HOME"}]}
    ],
    "imagePullSecret": [{"secretNameParameter": argument("x")}],
    "nodeSelector": {"nodeSelectorJson": argument("x")},
    "tolerations": [{"key": "a"}, {"tolerationJson": argument("x")}],
    "nodeAffinity": [{"nodeAffinityJson": argument("x")}],
}


def test_values_known_at_run_time_patch_the_pod_and_leave_the_template_alone():
    placeholder = "{{$.inputs.parameters['x']}}"
    quantities = Resources(
        cpu_limit=placeholder, memory_limit="1Gi", accelerator_type=placeholder, accelerator_count="1"
    )
    pod = pod_fields(step(kubernetes=ALL_LATER, resources=quantities), "say", {"x": carrier("p-x")})
    assert sorted(pod.template) == ["podSpecPatch"]
    assert pod.spec == {}
    found = patch(pod)
    (main,) = found.pop("containers")
    assert sorted(found) == ["affinity", "imagePullSecrets", "nodeSelector", "tolerations", "volumes"]
    assert sorted(main) == ["env", "name", "resources", "volumeMounts"]
    assert main["name"] == "main"
    assert "HOME" not in {each["name"] for each in pod.container["env"]}
    assert pod.container["resources"] == {"limits": {"memory": "1Gi"}}
    assert found["volumes"].count("persistentVolumeClaim") == 1  # two mounts of one claim
    assert main["volumeMounts"].count("'/p'") == main["volumeMounts"].count("'/q'") == 1


def test_a_usual_mount_gives_way_to_one_known_at_run_time():
    claim = {"pvcMount": [{"mountPath": "/tmp", "pvcNameParameter": argument("x")}]}
    pod = pod_fields(step(kubernetes=claim), "say", {"x": carrier("p-x")})
    assert "/tmp" not in {each["mountPath"] for each in pod.container["volumeMounts"]}


@pytest.mark.parametrize(
    "via", [(Key("a"),), (Index(Text(expression="inputs.parameters['i-x-0']")),), (Lists(1),)]
)
def test_a_setting_follows_the_value_into_elements_and_keys(via):
    pod = pod_fields(step(kubernetes=mount(**argument("x"))), "say", {"x": carrier("p-x", *via)})
    assert "inputs.parameters['p-x']" in patch(pod)["volumes"]


def test_a_constant_that_reaches_the_step_as_an_argument_is_a_constant():
    pod = pod_fields(step(kubernetes=mount(**argument("x"))), "say", {"x": constant("db")})
    assert pod.template["volumes"] == [{"name": "secret-db", "secret": {"secretName": "db"}}]


@pytest.mark.parametrize("settings", [{k: ALL_LATER[k]} for k in ALL_LATER])
def test_an_optional_parameter_that_never_has_a_value_is_as_good_as_no_setting(settings):
    found, plain = (pod_fields(step(kubernetes=each), "say", {}) for each in (settings, {}))
    rest = {"tolerations": [{"key": "a"}]} if "tolerations" in settings else {}
    assert (found.template, found.container, found.spec) == (rest, plain.container, plain.spec)


def test_text_that_only_the_launcher_can_put_together_is_refused():
    settings = {"nodeSelector": {"nodeSelectorJson": argument("x")}}
    assert "placeholder in it" in refusal({"x": carrier("p-x", Resolve(()))}, kubernetes=settings)


def test_a_constant_with_braces_is_refused():
    assert "Argo would replace" in refusal(
        {"x": constant("{{channel:task=;name=x;}}-db")}, kubernetes=mount(**argument("x"))
    )


def test_carriers_are_plain_wire_texts_where_nothing_else_is_said():
    pod = pod_fields(step(kubernetes=mount(**argument("a.b"))), "say")
    assert "fromJSON(inputs.parameters['p-a-b'])" in patch(pod)["volumes"]
    assert isinstance(carrier("p-x"), Carrier)
