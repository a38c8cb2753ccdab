"""Nested pipelines, exit handlers, final status, failures that are ignored, retries."""

# ruff: noqa: UP045 - KFP reads Optional[...] and no other spelling of it
# ruff: noqa: SIM117 - a construct a line, as authors write pipelines

from typing import NamedTuple, Optional

from kfp import dsl
from kfp.dsl import Dataset, Input, Output, PipelineTaskFinalStatus

from tests.conformance.case import FOLDER, Case, KfpLocal, Outcome, artifact, component


@component
def say(text: str) -> str:
    return text


@component
def join(left: str, right: str = "default") -> str:
    return f"{left}+{right}"


@component
def make(text: str, data: Output[Dataset]):
    data.metadata["made"] = text
    with open(data.path, "w") as file:
        file.write(text)


@component
def extend(data: Input[Dataset], longer: Output[Dataset]):
    with open(data.path) as source, open(longer.path, "w") as target:
        target.write(source.read() + " and more")


@component
def witness(folder: str, name: str, text: str = "ran"):
    import os

    with open(os.path.join(folder, name), "a") as file:
        file.write(f"{text}\n")


@component
def fail(text: str = "on purpose") -> str:
    raise ValueError(text)


class InnerOutputs(NamedTuple):
    text: str
    data: Dataset


@dsl.pipeline
def inner(text: str, suffix: str = "inner default") -> InnerOutputs:
    joined = join(left=text, right=suffix)
    made = make(text=joined.output)
    return InnerOutputs(text=joined.output, data=made.outputs["data"])


class MiddleOutputs(NamedTuple):
    text: str
    data: Dataset


@dsl.pipeline
def middle(text: str, data: Input[Dataset]) -> MiddleOutputs:
    nested = inner(text=f"middle {text}", suffix="given")
    longer = extend(data=data)
    return MiddleOutputs(text=nested.outputs["text"], data=longer.outputs["longer"])


class NestedOutputs(NamedTuple):
    first: str
    second: str
    data: Dataset
    longer: Dataset


@dsl.pipeline
def nested(text: str = "root") -> NestedOutputs:
    one = inner(text=text)
    two = middle(text=one.outputs["text"], data=one.outputs["data"])
    return NestedOutputs(
        first=one.outputs["text"],
        second=two.outputs["text"],
        data=one.outputs["data"],
        longer=two.outputs["data"],
    )


class SamePipelineTwiceOutputs(NamedTuple):
    left: str
    right: str


@dsl.pipeline
def same_pipeline_twice() -> SamePipelineTwiceOutputs:
    return SamePipelineTwiceOutputs(
        left=inner(text="1").outputs["text"], right=inner(text="2", suffix="x").outputs["text"]
    )


@component
def report(folder: str, note: str, status: PipelineTaskFinalStatus):
    import os

    with open(os.path.join(folder, "report"), "w") as file:
        file.write(f"{note}: {status.state} {status.pipeline_task_name} {bool(status.error_message)}")


@dsl.pipeline
def exit_handler(folder: str, bad: bool):
    leaving = report(folder=folder, note="at exit")
    with dsl.ExitHandler(leaving, name="guarded"):
        first = say(text="first")
        with dsl.If(bad == True):  # noqa: E712
            fail().after(first)
        with dsl.Else():
            witness(folder=folder, name="good").after(first)


@dsl.pipeline
def exit_handler_without_status(folder: str):
    with dsl.ExitHandler(witness(folder=folder, name="exit")):
        witness(folder=folder, name="body")


@dsl.pipeline
def failing_body_without_status(folder: str):
    with dsl.ExitHandler(witness(folder=folder, name="exit")):
        fail()


@component
def fail_at_exit(status: PipelineTaskFinalStatus):
    raise ValueError(status.state)


@dsl.pipeline
def failing_exit_handler(folder: str):
    with dsl.ExitHandler(fail_at_exit()):
        witness(folder=folder, name="body")


@component
def state_of(status: dict) -> str:
    return f"{status['state']} {status['pipelineTaskName']}"


@dsl.pipeline
def say_goodbye(folder: str, status: PipelineTaskFinalStatus):
    state = state_of(status=status)
    witness(folder=folder, name="state", text=state.output)
    with dsl.If(state.output == "FAILED exit-handler-1"):
        witness(folder=folder, name="goodbye")


@dsl.pipeline
def pipeline_at_exit(folder: str):
    with dsl.ExitHandler(say_goodbye(folder=folder)):
        fail()


@component
def cope(text: str = "nothing came") -> str:
    return f"coped: {text}"


@dsl.pipeline
def ignored_failure(folder: str, bad: bool):
    with dsl.If(bad == True):  # noqa: E712
        broken = fail()
        witness(folder=folder, name="coped", text=cope(text=broken.output).ignore_upstream_failure().output)
    with dsl.Else():
        fine = say(text="fine")
        witness(folder=folder, name="coped", text=cope(text=fine.output).ignore_upstream_failure().output)


@dsl.pipeline
def clean_up_after(folder: str):
    broken = fail()
    witness(folder=folder, name="cleaned up", text="ran").after(broken).ignore_upstream_failure()
    witness(folder=folder, name="never").after(broken)
    witness(folder=folder, name="independent")


@component
def succeed_at_third(folder: str, name: str) -> int:
    import os

    path = os.path.join(folder, name)
    with open(path, "a") as file:
        file.write("tried\n")
    with open(path) as file:
        tries = len(file.readlines())
    if tries < 3:
        raise RuntimeError(f"try {tries}")
    return tries


@dsl.pipeline
def retried(folder: str) -> int:
    return succeed_at_third(folder=folder, name="counter").set_retry(2, backoff_duration="0s").output


@dsl.pipeline
def retried_too_rarely(folder: str):
    succeed_at_third(folder=folder, name="counter").set_retry(1, backoff_duration="0s")


@dsl.pipeline
def flaky(folder: str) -> int:
    return succeed_at_third(folder=folder, name="counter").output


@dsl.pipeline
def retried_pipeline(folder: str) -> int:
    return flaky(folder=folder).set_retry(2, backoff_duration="0s").output


@dsl.pipeline
def loop_in_exit_handler(folder: str):
    with dsl.ExitHandler(report(folder=folder, note="after a loop")):
        with dsl.ParallelFor([{"label": "a", "n": "1"}, {"label": "b", "n": "2"}]) as item:
            said = say(text=item.label)
            witness(folder=folder, name=f"{item.label}{item.n}", text=said.output)


@dsl.pipeline
def named() -> str:
    return say(text="named").set_display_name("A name for people: é").output


@component
def name_of_exit(status: PipelineTaskFinalStatus, folder: str, extra: Optional[str] = None):
    import os

    with open(os.path.join(folder, "names"), "w") as file:
        file.write(f"{status.state} {extra}")


@dsl.pipeline
def optional_at_exit(folder: str):
    with dsl.ExitHandler(name_of_exit(folder=folder)):
        say(text="x")


@dsl.pipeline
def guarded(folder: str, bad: bool):
    with dsl.ExitHandler(report(folder=folder, note="inside")):
        with dsl.If(bad == True):  # noqa: E712
            fail()
        witness(folder=folder, name="inner body")


@dsl.pipeline
def exit_handler_in_nested_pipeline(folder: str, bad: bool):
    inside = guarded(folder=folder, bad=bad)
    witness(folder=folder, name="afterwards").after(inside)


@dsl.pipeline
def two_exit_handlers(folder: str):
    with dsl.ExitHandler(witness(folder=folder, name="first exit")) as first:
        witness(folder=folder, name="first body")
    with dsl.ExitHandler(witness(folder=folder, name="second exit")):
        fail().after(first)


@dsl.pipeline
def broken_inside(folder: str) -> str:
    witness(folder=folder, name="inside")
    return fail().output


@dsl.pipeline
def failure_in_nested_pipeline(folder: str):
    said = broken_inside(folder=folder)
    witness(folder=folder, name="never", text=said.output)


@component
def append(folder: str, text: str):
    import os

    with open(os.path.join(folder, "log"), "a") as file:
        file.write(text)


@dsl.pipeline
def explicit_order(folder: str):
    third = append(folder=folder, text="3")
    first = append(folder=folder, text="1")
    second = append(folder=folder, text="2").after(first)
    third.after(second, first)


@component
def environment() -> list:
    import os

    return [os.environ.get(name) for name in ("GREETING", "EMPTY", "ABSENT")]


@dsl.pipeline
def variables() -> list:
    return environment().set_env_variable("GREETING", "hello $HOME é").set_env_variable("EMPTY", "").output


@component
def odd_names(CamelCase: str, with_underscore: int = 1, _private: str = "p") -> str:
    return f"{CamelCase} {with_underscore} {_private}"


@dsl.pipeline(name="Odd Names: a pipeline!", description="é")
def names(CamelCase: str = "c", with_underscore: int = 2) -> str:
    return odd_names(CamelCase=CamelCase, with_underscore=with_underscore).output


def _files(status="SUCCEEDED", outputs=None, **files):
    return Outcome(outputs or {}, files, status)


_FOLDER = {"folder": FOLDER}

CASES = [
    Case(
        "nested pipelines and their outputs",
        nested,
        Outcome(
            {
                "first": "root+inner default",
                "second": "middle root+inner default+given",
                "data": artifact("data", "root+inner default", metadata={"made": "root+inner default"}),
                "longer": artifact("longer", "root+inner default and more"),
            }
        ),
        kfp_local=KfpLocal(
            "a task's output inside text that goes into a nested pipeline becomes null",
            Outcome(
                {
                    "first": "root+inner default",
                    "second": "middle null+given",
                    "data": artifact("data", "root+inner default", metadata={"made": "root+inner default"}),
                    "longer": artifact("longer", "root+inner default and more"),
                }
            ),
        ),
    ),
    Case(
        "one pipeline used twice", same_pipeline_twice, Outcome({"left": "1+inner default", "right": "2+x"})
    ),
    Case(
        "an exit handler after success",
        exit_handler,
        _files(report="at exit: SUCCEEDED exit-handler-1 False", good="ran\n"),
        {**_FOLDER, "bad": False},
    ),
    Case(
        "an exit handler after failure",
        exit_handler,
        _files("FAILED", report="at exit: FAILED exit-handler-1 True"),
        {**_FOLDER, "bad": True},
    ),
    Case(
        "an exit handler that asks for no status",
        exit_handler_without_status,
        _files(body="ran\n", exit="ran\n"),
        _FOLDER,
    ),
    Case(
        "an exit handler that asks for no status, after failure",
        failing_body_without_status,
        _files("FAILED", exit="ran\n"),
        _FOLDER,
    ),
    Case("an exit handler that fails", failing_exit_handler, _files("FAILED", body="ran\n"), _FOLDER),
    Case(
        "a pipeline as exit handler",
        pipeline_at_exit,
        _files("FAILED", state="FAILED exit-handler-1\n", goodbye="ran\n"),
        _FOLDER,
        kfp_local=KfpLocal("the status does not reach a pipeline's steps", Outcome(status="FAILED")),
    ),
    Case("an optional input at exit", optional_at_exit, _files(names="SUCCEEDED None"), _FOLDER),
    Case(
        "a failure that is ignored",
        ignored_failure,
        _files("FAILED", coped="coped: nothing came\n"),
        {**_FOLDER, "bad": True},
        kfp_local=KfpLocal(
            "the default does not stand for what a failed task would have given", Outcome(status="FAILED")
        ),
    ),
    Case(
        "a failure that does not come",
        ignored_failure,
        _files(coped="coped: fine\n"),
        {**_FOLDER, "bad": False},
    ),
    Case(
        "what runs after a failure",
        clean_up_after,
        _files("FAILED", **{"cleaned up": "ran\n", "independent": "ran\n"}),
        _FOLDER,
    ),
    Case(
        "a step that succeeds at the third try",
        retried,
        _files(outputs={"Output": 3}, counter="tried\n" * 3),
        _FOLDER,
    ),
    Case("a step with too few tries", retried_too_rarely, _files("FAILED", counter="tried\n" * 2), _FOLDER),
    Case(
        "retries of a nested pipeline are those of its steps",
        retried_pipeline,
        _files(outputs={"Output": 3}, counter="tried\n" * 3),
        _FOLDER,
        kfp_local=KfpLocal("it ignores retries of a pipeline", _files("FAILED", counter="tried\n")),
    ),
    Case(
        "a loop over fields in an exit handler",
        loop_in_exit_handler,
        _files(report="after a loop: SUCCEEDED exit-handler-1 False", a1="a\n", b2="b\n"),
        _FOLDER,
        kfp_local=KfpLocal(
            "the SDK looks for fields of the item outside the loop",
            error="Parent pipeline input argument 'loop-item-param-2",
        ),
    ),
    Case(
        "an exit handler in a nested pipeline",
        exit_handler_in_nested_pipeline,
        _files(
            report="inside: SUCCEEDED exit-handler-1 False", **{"inner body": "ran\n", "afterwards": "ran\n"}
        ),
        {**_FOLDER, "bad": False},
    ),
    Case(
        "an exit handler in a nested pipeline that fails",
        exit_handler_in_nested_pipeline,
        _files("FAILED", report="inside: FAILED exit-handler-1 True", **{"inner body": "ran\n"}),
        {**_FOLDER, "bad": True},
    ),
    Case(
        "two exit handlers",
        two_exit_handlers,
        _files("FAILED", **{"first exit": "ran\n", "first body": "ran\n", "second exit": "ran\n"}),
        _FOLDER,
    ),
    Case(
        "a failure in a nested pipeline",
        failure_in_nested_pipeline,
        _files("FAILED", inside="ran\n"),
        _FOLDER,
    ),
    Case("an explicit order", explicit_order, _files(log="123"), _FOLDER),
    Case("environment variables", variables, Outcome({"Output": ["hello $HOME é", "", None]})),
    Case("odd names", names, Outcome({"Output": "c 2 p"})),
    Case("a display name", named, Outcome({"Output": "named"})),
]
