"""A pipeline with a bit of everything that IR can say."""

# ruff: noqa: E712 - as authors write pipelines
from typing import NamedTuple, Optional

from kfp import dsl, kubernetes
from kfp.dsl import Dataset, Input, Model, Output


@dsl.component(
    base_image="python:3.11",
    packages_to_install=["pandas==2.3.3", "tomli; python_version<'3.11'"],
    task_config_passthroughs=[
        dsl.TaskConfigField.RESOURCES,
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.ENV, apply_to_task=True),
    ],
)
def make(
    rows: int,
    out: Output[Dataset],
    mode: str = "fast",
    settings: dict = {"a": [1, 2.5]},
    note: Optional[str] = None,  # noqa: UP045 - kfp knows no other way
    config: dsl.TaskConfig = None,
) -> NamedTuple("Made", [("count", int), ("share", float), ("names", list), ("ok", bool)]):
    return (rows, 0.5, ["x"], True)


@dsl.component(base_image="python:3.11")
def shout(text: str) -> str:
    return text.upper()


@dsl.component(base_image="python:3.11")
def fit(data: Input[Dataset], model: Output[Model], rate: float = 0.1) -> float:
    return rate


@dsl.component(base_image="python:3.11")
def gather(texts: list, models: Input[list[Model]]) -> int:
    return len(texts)


@dsl.component(base_image="python:3.11")
def report(status: dsl.PipelineTaskFinalStatus, title: str = "run"):
    print(status, title)


@dsl.container_component
def copy(data: Input[Dataset], lines: dsl.OutputPath(int), prefix: Optional[str] = None):  # noqa: UP045
    return dsl.ContainerSpec(
        image="alpine:3.20",
        command=["sh", "-c", 'wc -l < "$0" > "$1"'],
        args=[
            data.path,
            lines,
            dsl.ConcatPlaceholder(["--from=", data.uri]),
            dsl.IfPresentPlaceholder(input_name="prefix", then=["--prefix", prefix], else_=["--bare"]),
        ],
    )


@dsl.pipeline
def inner(data: Input[Dataset], rate: float = 0.2) -> float:
    return fit(data=data, rate=rate).outputs["Output"]


@dsl.pipeline
def train_each(data: Input[Dataset], rates: list) -> NamedTuple(
    "Trained", [("texts", list), ("models", list[Model])]
):
    with dsl.ParallelFor(rates, parallelism=2) as rate:
        fitted = fit(data=data, rate=rate)
        with dsl.ParallelFor([{"a": "x"}, {"a": "y"}]) as item:
            said = shout(text=f"{item.a} at {rate}")
    return NamedTuple("Trained", [("texts", list), ("models", list[Model])])(
        texts=dsl.Collected(said.output), models=dsl.Collected(fitted.outputs["model"])
    )


@dsl.pipeline(
    name="rich",
    display_name="A rich one",
    description="Everything at once.",
    pipeline_root="gs://bucket/root",
    pipeline_config=dsl.PipelineConfig(
        ttl_seconds_after_finished=600,
        ttl_seconds_after_failure=6000,
        active_deadline_seconds=3600,
        workspace=dsl.WorkspaceConfig(
            size="5Gi",
            kubernetes=dsl.KubernetesWorkspaceConfig(pvcSpecPatch={"accessModes": ["ReadWriteMany"]}),
        ),
    ),
)
def rich(rows: int = 3, title: str = "run", rates: list = [0.1, 0.2], flag: bool = True) -> str:
    with dsl.ExitHandler(report(title=title)):
        made = make(rows=rows, note=f"{title} of {rows}").set_display_name("Make rows")
        made.set_cpu_limit("2").set_memory_request("1Gi").set_accelerator_type("nvidia.com/gpu")
        made.set_accelerator_limit(1).set_env_variable("MODE", "quiet")
        made.set_retry(3, backoff_duration="10s", backoff_factor=1.5, backoff_max_duration="60s")
        made.set_caching_options(True, cache_key="mine")
        imported = dsl.importer(
            artifact_uri="gs://bucket/data.csv",
            artifact_class=Dataset,
            reimport=True,
            metadata={"rows": 5, "of": title},
        )
        counted = copy(data=imported.output, prefix="p").after(made)
        kubernetes.add_node_selector(counted, "disk", "ssd")
        kubernetes.add_toleration(
            counted, key="k", operator="Exists", effect="NoExecute", toleration_seconds=30
        )
        kubernetes.use_secret_as_env(counted, "secret", {"key": "TOKEN"})
        nested = inner(data=made.outputs["out"]).set_retry(2)
        each = train_each(data=made.outputs["out"], rates=rates)
        gather(texts=each.outputs["texts"], models=each.outputs["models"])
        with dsl.If(made.outputs["count"] > 2):
            low = shout(text="low")
        with dsl.Elif(flag == True):
            middle = shout(text="middle")
        with dsl.Else():
            high = shout(text="high")
        chosen = dsl.OneOf(low.output, middle.output, high.output)
        shout(text=chosen)
        shout(text="whatever").after(counted, nested).ignore_upstream_failure()
    return shout(text=title).output
