"""What only a cluster can honour: resources, volumes, secrets, scheduling, the pipeline's own settings."""

from typing import Optional

from kfp import dsl, kubernetes
from kfp.dsl import Dataset, Input, Metrics, Output

from tests.conformance.case import BASE_IMAGE, component


@component
def say(text: str) -> str:
    return text


@component
def quantity(value: str) -> str:
    return value


def shout(text: str) -> str:
    return text.upper()


@dsl.component(
    base_image=BASE_IMAGE,
    install_kfp_package=False,
    packages_to_install=["pandas==2.3.3", "scikit-learn"],
    additional_funcs=[shout],
)
def with_packages(text: str) -> str:
    return shout(text)


@dsl.component(base_image=BASE_IMAGE)
def installs_kfp(text: str, scores: Output[Metrics]) -> str:
    scores.log_metric("one", 1)
    return text


@dsl.component(target_image="registry.example/containerized:1", base_image=BASE_IMAGE)
def containerized(text: str) -> str:
    return text


@dsl.container_component
def native(text: str, data: Input[Dataset], result: dsl.OutputPath(str)):
    return dsl.ContainerSpec(
        image="registry.example/tool:1",
        command=["tool", dsl.ConcatPlaceholder(["--text=", text])],
        args=["--in", data.path, "--out", result, dsl.IfPresentPlaceholder("text", ["-v"], ["-q"])],
    )


@component
def make(data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write("made")


@dsl.pipeline
def kinds_of_components() -> str:
    """Every way to write a component."""
    said = containerized(text=with_packages(text="a").output)
    tool = native(text=installs_kfp(text=said.output).outputs["Output"], data=make().outputs["data"])
    return tool.outputs["result"]


@dsl.pipeline
def resources(cpu: str = "500m"):
    fixed = say(text="fixed").set_cpu_request("100m").set_cpu_limit("1").set_memory_request("1Gi")
    fixed.set_memory_limit("2Gi").set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
    fixed.set_container_image("registry.example/other:2").set_env_variable("MODE", "fast")
    dynamic = say(text="dynamic").set_cpu_limit(cpu)
    dynamic.set_memory_limit(quantity(value="3Gi").output)


@dsl.pipeline
def scheduling(secret: str = "from-parameter"):
    task = say(text="x")
    kubernetes.use_secret_as_env(task, "credentials", {"password": "PASSWORD"})
    kubernetes.use_secret_as_volume(task, secret, "/secrets", optional=True)
    kubernetes.use_config_map_as_env(task, "settings", {"mode": "MODE"})
    kubernetes.use_config_map_as_volume(task, "settings", "/settings")
    kubernetes.use_field_path_as_env(task, "POD_IP", "status.podIP")
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_toleration(task, key="gpu", operator="Exists", effect="NoSchedule")
    kubernetes.add_pod_label(task, "team", "weather")
    kubernetes.add_pod_annotation(task, "note", "é")
    kubernetes.set_image_pull_policy(task, "IfNotPresent")
    kubernetes.set_image_pull_secrets(task, ["registry"])
    kubernetes.set_timeout(task, 600)
    kubernetes.set_security_context(task, run_as_user=65532, run_as_non_root=True)
    kubernetes.empty_dir_mount(task, "scratch", "/scratch", size_limit="1Gi")
    kubernetes.add_ephemeral_volume(task, "temporary", "/tmp2", access_modes=["ReadWriteOnce"], size="5Gi")


@dsl.pipeline
def volumes():
    made = kubernetes.CreatePVC(
        pvc_name_suffix="-data", access_modes=["ReadWriteOnce"], size="5Gi", storage_class_name="standard"
    )
    first = say(text="writes")
    second = say(text="reads").after(first)
    for task in (first, second):
        kubernetes.mount_pvc(task, pvc_name=made.outputs["name"], mount_path="/data")
    kubernetes.DeletePVC(pvc_name=made.outputs["name"]).after(second)


@component
def in_workspace(folder: str) -> str:
    return folder


@dsl.pipeline(
    display_name="Settings of a pipeline",
    description="What the pipeline itself asks for.",
    pipeline_root="gs://bucket/root",
    pipeline_config=dsl.PipelineConfig(
        workspace=dsl.WorkspaceConfig(size="10Gi"),
        ttl_seconds_after_success=60,
        ttl_seconds_after_failure=3600,
        active_deadline_seconds=7200,
    ),
)
def settings() -> str:
    return in_workspace(folder=dsl.WORKSPACE_PATH_PLACEHOLDER).output


@component
def describe(data: Optional[Input[Dataset]] = None) -> str:  # noqa: UP045 - KFP reads no other spelling
    return "nothing" if data is None else data.uri


@dsl.pipeline
def retries_and_artifacts(data: Input[Dataset]) -> str:
    described = describe(data=data)
    described.set_retry(3, backoff_duration="30s", backoff_factor=1.5, backoff_max_duration="600s")
    described.set_caching_options(True, cache_key="mine")
    return described.set_display_name("Describe it").output
