"""What waits for what, what is skipped, and what runs whatever happens. Steps are functions here."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pipelines.sdk import launch
from pipelines.sdk.errors import EnvironmentProblem
from pipelines.sdk.local.schedule import Listener, Scheduler
from pipelines.sdk.local.scope import Artifacts, Outcome, Status
from pipelines.sdk.plan import Dag, Loop, Step, Task
from pipelines.sdk.values import (
    ArtifactSpec,
    Constant,
    DagInput,
    FinalStatus,
    Interface,
    LoopItem,
    Parameter,
    ParameterType,
    Selector,
    TaskOutput,
)

Do = Callable[..., Awaitable[Any]]
TEXT = ParameterType.STRING


@dataclass
class Stage:
    """Runs a Dag whose steps are functions of the tests; keeps what happened, in order."""

    acts: Mapping[str, Do]
    events: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    broken: list[Exception] = field(default_factory=list)
    inputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def run(self, *tasks: Task, outputs: Mapping[str, Selector] | None = None, **given: Any) -> Outcome:
        dag = Dag(Interface(), tasks, outputs or {})
        return asyncio.run(self._run(dag, given))

    async def _run(self, dag: Dag, given: Mapping[str, Any]) -> Outcome:
        self.stopping = asyncio.Event()
        listener = Listener(lambda path, task: self.events.append(f"+{path}"), self._ended, self._broken)
        scheduler = Scheduler(self._step, launch.Context(job_resource_name="job"), listener, self.stopping)
        async with asyncio.timeout(30):
            outcome = await scheduler.run(dag, given)
        await asyncio.sleep(0)  # for what has been cancelled
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing goes on behind our back"
        return outcome

    def _ended(self, path: str, task: Task, outcome: Outcome, seconds: float) -> None:
        assert path not in self.outcomes, "a task ends once"
        self.outcomes[path] = outcome
        self.events.append(f"-{path}")

    def _broken(self, error: Exception) -> None:
        self.broken.append(error)
        self.stopping.set()

    async def _step(
        self, path: str, task: Task, step: Step, arguments: Mapping[str, Any], begun: Callable[[], None]
    ) -> Outcome:
        begun()
        self.inputs[path] = arguments
        made = await self.acts.get(task.name, succeed)(**arguments)
        return made if isinstance(made, Outcome) else Outcome(Status.SUCCEEDED, {"out": made})

    def status(self, path: str) -> str:
        return str(self.outcomes[path].status)

    def before(self, first: str, second: str) -> bool:
        return self.events.index(first) < self.events.index(second)


async def succeed(**inputs: Any) -> Any:
    return next(iter(inputs.values()), None)


async def fail(**_: Any) -> Outcome:
    await asyncio.sleep(0)
    return Outcome(Status.FAILED, message="no such sensor")


async def for_ever(**_: Any) -> Outcome:
    await asyncio.sleep(300)
    raise AssertionError


def step(name: str, *after: str, **more: Any) -> Task:
    body = Step(name, Interface(output_parameters={"out": Parameter("out", TEXT)}), "", (), ())
    return Task(name, name, body, more.pop("arguments", {}), after, **more)


def group(name: str, *tasks: Task, outputs: Mapping[str, Selector] | None = None, **more: Any) -> Task:
    outputs = outputs or {}
    interface = Interface(output_parameters={each: Parameter(each, TEXT) for each in outputs})
    return Task(name, name, Dag(more.pop("interface", interface), tasks, outputs), **more)


def loop(name: str, items: Any, *tasks: Task, parallelism: int = 0, **more: Any) -> Task:
    binding = items if isinstance(items, DagInput | TaskOutput) else Constant(items)
    looped = Loop(binding, "item", parallelism)
    arguments = {**more.pop("arguments", {}), "item": LoopItem()}
    return group(name, *tasks, loop=looped, arguments=arguments, **more)


def of(task: str, output: str = "out") -> Selector:
    return Selector((TaskOutput(task, output),))


ITEM = {"x": DagInput("item")}


def test_what_needs_a_failed_task_is_skipped_and_so_on_and_the_rest_goes_on():
    stage = Stage({"a": fail})
    outcome = stage.run(step("a"), step("b", "a"), step("c", "b"), step("d"))
    assert [stage.status(name) for name in "abcd"] == ["FAILED", "SKIPPED", "SKIPPED", "SUCCEEDED"]
    assert outcome.status is Status.FAILED
    assert outcome.reason == "task a: no such sensor"
    assert stage.outcomes["c"].message == "not started: b skipped"


def test_a_false_condition_skips_its_group_and_what_needs_it_and_is_no_failure():
    stage = Stage({})
    condition = "inputs.parameter_values['x'] == 'yes'"
    outcome = stage.run(
        group("if", step("inner"), when=condition, arguments={"x": Constant("no")}),
        step("after", "if"),
        step("other"),
    )
    assert outcome.status is Status.SUCCEEDED
    assert [stage.status(name) for name in ("if", "after", "other")] == ["SKIPPED", "SKIPPED", "SUCCEEDED"]
    assert "if/inner" not in stage.outcomes


def test_a_task_that_ignores_failure_runs_without_what_was_not_made():
    stage = Stage({"a": fail})
    outcome = stage.run(
        step("a"), step("b", "a", always=True, arguments={"x": TaskOutput("a", "out")}), step("c", "b")
    )
    assert stage.inputs["b"] == {"x": None}
    assert stage.status("c") == "SUCCEEDED"
    assert outcome.status is Status.FAILED


@pytest.mark.parametrize("act", [succeed, fail])
def test_exit_handlers_run_after_everything_in_order_from_the_inside_out(act):
    stage = Stage({"work": act})
    status = {"status": FinalStatus("inner")}
    inner = group("inner", step("work"), on_exit=(step("close", arguments=status), step("lock")))
    stage.run(group("outer", inner, on_exit=(step("last"),)))
    order = ["-outer/inner/work", "-outer/inner", "+outer/close", "+outer/lock", "-outer", "+last"]
    assert [event for event in stage.events if event in order] == order
    state = stage.inputs["outer/close"]["status"]
    assert state["state"] == ("SUCCEEDED" if act is succeed else "FAILED")
    message = "task outer/inner/work: no such sensor"
    assert state["error"] == ({} if act is succeed else {"code": 1, "message": message})


def test_a_failing_exit_handler_fails_the_whole_and_says_so():
    stage = Stage({"close": fail})
    outcome = stage.run(
        group("work", step("inner"), on_exit=(step("close"), step("next"))), step("after", "work")
    )
    assert outcome.status is Status.FAILED
    assert outcome.reason == "task close: the exit handler: no such sensor"
    assert stage.status("next") == "SUCCEEDED", "the next handler runs all the same"
    assert stage.status("work") == "SUCCEEDED"
    assert stage.status("after") == "SKIPPED"


def test_a_failing_exit_handler_does_not_hide_what_failed_before():
    stage = Stage({"inner": fail, "close": fail})
    outcome = stage.run(group("work", step("inner"), on_exit=(step("close"),)))
    assert outcome.culprit == "work/inner"


def test_exit_handlers_run_also_for_a_group_that_could_not_start():
    stage = Stage({"a": fail})
    stage.run(step("a"), group("work", step("inner"), after=("a",), on_exit=(step("close"),)))
    assert stage.status("work") == "SKIPPED"
    assert stage.status("close") == "SUCCEEDED"


def test_an_iteration_that_fails_stops_no_other_and_the_loop_names_it():
    async def act(x: int) -> Any:
        return await fail() if x == 1 else x

    stage = Stage({"fit": act})
    outcome = stage.run(
        group("outer", loop("loop", [0, 1, 2, 3], step("fit", arguments=ITEM), parallelism=2)),
        step("z", "outer"),
    )
    assert [stage.status(f"outer/loop.{n}/fit") for n in range(4)] == [
        "SUCCEEDED",
        "FAILED",
        *["SUCCEEDED"] * 2,
    ]
    assert outcome.culprit == "outer/loop.1/fit"
    assert stage.outcomes["outer/loop"].reason == "task outer/loop.1/fit: no such sensor"
    assert stage.status("z") == "SKIPPED"


def test_parallelism_limits_what_runs_at_once():
    running, most = [0], [0]

    async def act(x: int) -> int:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.001)
        running[0] -= 1
        return x

    Stage({"fit": act}).run(loop("loop", list(range(20)), step("fit", arguments=ITEM), parallelism=3))
    assert most == [3]


def test_values_are_collected_in_order_over_nested_loops():
    async def act(x: int, y: int) -> int:
        await asyncio.sleep(0.01 / (1 + x + y))  # the last ones end first
        return 10 * x + y

    inner = loop(
        "inner",
        [1, 2],
        step("fit", arguments={"x": DagInput("outer-item"), "y": DagInput("item")}),
        outputs={"all": of("fit")},
        arguments={"outer-item": DagInput("item")},
    )
    outer = loop("outer", [1, 2, 3], inner, outputs={"all": of("inner", "all")})
    outcome = Stage({"fit": act}).run(outer, outputs={"all": of("outer", "all")})
    assert outcome.outputs == {"all": [[11, 12], [21, 22], [31, 32]]}


def records(value: Any) -> list[str]:
    assert isinstance(value, Artifacts)
    assert value.many
    return [record["uri"] for record in value.records]


ARTIFACTS = Interface(output_artifacts={"all": ArtifactSpec("all", is_list=True)})


def test_artifacts_are_collected_flat_over_nested_loops_and_skipped_ones_leave_no_gap():
    async def act(x: int, y: int) -> Outcome:
        return Outcome(Status.SUCCEEDED, {"out": Artifacts(({"uri": f"{x}{y}"},))})

    branch = group(
        "if",
        step("fit", arguments={"x": DagInput("x"), "y": DagInput("y")}),
        when="int(inputs.parameter_values['y']) != 2",
        arguments={"x": DagInput("outer-item"), "y": DagInput("item")},
        outputs={"all": of("fit")},
    )
    inner = loop(
        *("inner", [1, 2, 3], branch),
        outputs={"all": of("if", "all")},
        arguments={"outer-item": DagInput("item")},
        interface=ARTIFACTS,
    )
    outer = loop("outer", [1, 2], inner, outputs={"all": of("inner", "all")}, interface=ARTIFACTS)
    outcome = Stage({"fit": act}).run(outer, outputs={"all": of("outer", "all")})
    assert records(outcome.outputs["all"]) == ["11", "13", "21", "23"]


@pytest.mark.parametrize("items", [[], [1, 2]])
def test_a_loop_that_makes_no_artifact_gives_an_empty_list_of_artifacts(items):
    branch = group(
        "if",
        step("fit"),
        when="int(inputs.parameter_values['x']) == 0",
        arguments=ITEM,
        outputs={"all": of("fit")},
    )
    looped = loop("loop", items, branch, outputs={"all": of("if", "all")}, interface=ARTIFACTS)
    outcome = Stage({}).run(looped, outputs={"all": of("loop", "all")})
    assert records(outcome.outputs["all"]) == []


def test_a_skipped_iteration_gives_no_value_in_its_place():
    branch = group(
        "if",
        step("fit", arguments={"x": DagInput("x")}),
        when="int(inputs.parameter_values['x']) != 2",
        arguments=ITEM,
        outputs={"all": of("fit")},
    )
    looped = loop("loop", [1, 2, 3], branch, outputs={"all": of("if", "all")})
    assert Stage({}).run(looped, outputs={"all": of("loop", "all")}).outputs == {"all": [1, None, 3]}


@pytest.mark.parametrize(
    ("items", "seen"),
    [
        ('[1, "a", {"k": null}]', [1, "a", {"k": None}]),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}]),
        ("[]", []),
        ([[1], []], [[1], []]),
    ],
)
def test_a_list_can_come_as_text(items, seen):
    looped = loop("loop", items, step("fit", arguments=ITEM), outputs={"all": of("fit")})
    assert Stage({}).run(looped, outputs={"all": of("loop", "all")}).outputs == {"all": seen}


@pytest.mark.parametrize("items", ["text", "{}", 7, None, {"a": 1}])
def test_a_loop_over_no_list_fails_and_says_over_what(items):
    stage = Stage({})
    outcome = stage.run(loop("loop", items, step("fit")))
    assert outcome.status is Status.FAILED
    assert "which is no list" in outcome.message


def test_an_iteration_without_the_key_it_needs_fails_alone():
    inner = group("use", step("fit", arguments=ITEM), arguments={"item": DagInput("item", ("a",))})
    stage = Stage({})
    outcome = stage.run(loop("loop", [{"a": 1}, {"b": 2}, {"a": 3}], inner))
    assert outcome.status is Status.FAILED
    assert outcome.culprit == "loop.1/use"
    assert "no key 'a'" in outcome.message
    assert stage.status("loop.2/use/fit") == "SUCCEEDED"


def test_oneof_takes_the_branch_that_ran_or_nothing():
    def branch(name: str, text: str) -> Task:
        return group(
            name,
            step("say", arguments={"x": Constant(name)}),
            when=f"inputs.parameter_values['x'] == '{text}'",
            arguments={"x": DagInput("which")},
            outputs={"said": of("say")},
        )

    either = {"said": Selector((TaskOutput("b1", "said"), TaskOutput("b2", "said")))}
    for which, said in (("1", "b1"), ("2", "b2"), ("3", None)):
        outcome = Stage({}).run(branch("b1", "1"), branch("b2", "2"), outputs=either, which=which)
        assert outcome.outputs == {"said": said}
        assert outcome.status is Status.SUCCEEDED


def stopping_after(stage: Stage, path: str) -> Do:
    """A step that runs for ever; the run is stopped as soon as `path` runs."""

    async def act(**_: Any) -> Any:
        while f"+{path}" not in stage.events:
            await asyncio.sleep(0)
        stage.stopping.set()
        return await for_ever()

    return act


def test_a_stopped_run_ends_what_runs_starts_nothing_and_runs_its_exit_handlers():
    acts: dict[str, Do] = {"other": for_ever}
    stage = Stage(acts)
    acts["work"] = stopping_after(stage, "guarded/other")
    outcome = stage.run(
        group(
            *("guarded", step("work"), step("other"), step("next", "work")),
            on_exit=(step("close", arguments={"status": FinalStatus("guarded")}),),
        ),
        group("unstarted", step("inner"), after=("guarded",), on_exit=(step("never"),)),
    )
    assert outcome.status is Status.CANCELLED
    assert stage.status("guarded/work") == stage.status("guarded/next") == "CANCELLED"
    assert stage.outcomes["guarded/next"].message == "the run was stopped before it started"
    assert stage.inputs["close"]["status"]["state"] == "CANCELLED"
    assert stage.status("never") == "CANCELLED"
    assert "+never" not in stage.events


def test_a_stopped_loop_starts_no_further_iteration():
    acts: dict[str, Do] = {}
    stage = Stage(acts)
    acts["fit"] = stopping_after(stage, "loop.1/fit")
    outcome = stage.run(loop("loop", list(range(50)), step("fit", arguments=ITEM), parallelism=2))
    assert outcome.status is Status.CANCELLED
    assert set(stage.outcomes) == {"loop.0/fit", "loop.1/fit", "loop"}


def test_a_step_that_ends_just_when_the_run_is_stopped_has_ended_once():
    acts: dict[str, Do] = {}
    stage = Stage(acts)

    async def act(**_: Any) -> str:
        stage.stopping.set()
        return "done"

    acts["work"] = act
    stage.run(step("work"))
    assert stage.status("work") in {"SUCCEEDED", "CANCELLED"}


@pytest.mark.parametrize("error", [RuntimeError("a bug"), EnvironmentProblem("the disk is gone")])
def test_an_error_that_is_not_the_pipelines_ends_the_run_in_order(error, caplog):
    async def act(**_: Any) -> Any:
        await asyncio.sleep(0)
        raise error

    stage = Stage({"bad": act, "other": for_ever})
    outcome = stage.run(
        group("guarded", step("bad"), step("other"), step("next", "other"), on_exit=(step("close"),))
    )
    assert stage.broken == [error]
    assert stage.status("guarded/bad") == "FAILED"
    assert stage.status("guarded/other") == "CANCELLED"
    assert stage.status("close") == "SUCCEEDED"
    assert outcome.culprit == "guarded/bad", "what failed explains more than what was stopped"
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_failure_in_one_iteration_waits_for_the_others_before_the_loop_ends():
    async def act(x: int) -> Any:
        if x == 0:
            raise ValueError("a bug")
        await asyncio.sleep(0.01)
        return x

    stage = Stage({"fit": act})
    stage.run(loop("loop", [0, 1, 2], step("fit", arguments=ITEM)))
    assert stage.events[-1] == "-loop"
    assert len(stage.outcomes) == 4


def test_thousands_of_iterations_are_no_burden():
    looped = loop("loop", list(range(5000)), step("fit", arguments=ITEM), outputs={"all": of("fit")})
    assert Stage({}).run(looped, outputs={"all": of("loop", "all")}).outputs["all"] == list(range(5000))


def test_outputs_of_a_group_that_failed_are_none():
    stage = Stage({"bad": fail})
    made = group("made", step("good"), step("bad"), outputs={"x": of("good")})
    stage.run(made, replace(step("use", "made"), always=True, arguments={"x": TaskOutput("made", "x")}))
    assert stage.inputs["use"] == {"x": None}
