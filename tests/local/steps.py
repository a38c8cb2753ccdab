"""Components that fail in every way a step can, and pipelines around them."""

from typing import NamedTuple

from kfp import dsl


@dsl.component(install_kfp_package=False)
def raising() -> str:
    raise ValueError("no such sensor: 7")


@dsl.component(install_kfp_package=False)
def exiting(code: int):
    import sys

    sys.exit(code)


@dsl.component(install_kfp_package=False)
def killed():
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)


@dsl.component(install_kfp_package=False)
def sleeping(seconds: float, started: str):
    import os
    import subprocess
    import time
    from pathlib import Path

    child = subprocess.Popen(["sleep", str(seconds)])
    Path(started).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(seconds)


@dsl.component(install_kfp_package=False)
def leaving_a_child_behind(pid_file: str):
    import subprocess
    from pathlib import Path

    Path(pid_file).write_text(str(subprocess.Popen(["sleep", "300"]).pid))


@dsl.component(install_kfp_package=False)
def chatty(megabytes: int):
    line = "x" * 1023
    for _ in range(megabytes * 1024):
        print(line)


@dsl.component(install_kfp_package=False)
def long_text(size: int) -> str:
    return "x" * size


@dsl.component(install_kfp_package=False)
def number(kind: str) -> float:
    return float(kind)


@dsl.component(install_kfp_package=False)
def surrogate() -> dict:
    return {"name": "\ud800"}


@dsl.component(install_kfp_package=False)
def after(text: str = ""):
    print(text)


@dsl.component(install_kfp_package=False)
def random_number() -> float:
    import random

    return random.random()


@dsl.component(install_kfp_package=False)
def closing(status: dsl.PipelineTaskFinalStatus, file: str):
    import json
    from pathlib import Path

    Path(file).write_text(json.dumps([status.state, status.error_message]))


@dsl.component(install_kfp_package=False)
def who(name: str) -> str:
    return name


@dsl.component(install_kfp_package=False, packages_to_install=["no-such-package-as-this==1.0"])
def with_package():
    import no_such_package_as_this  # noqa: F401


@dsl.component(install_kfp_package=False)
def use_helper() -> int:
    from house_helpers import NUMBER

    return NUMBER


@dsl.component(install_kfp_package=False)
def make_data(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("made")


@dsl.component(install_kfp_package=False)
def read_data(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        return file.read()


@dsl.component(install_kfp_package=False)
def import_slowly():
    import slow_to_import  # noqa: F401


@dsl.component(install_kfp_package=False)
def track():
    import mlflow

    mlflow.log_metric("seen", 1.0)


@dsl.component(install_kfp_package=False)
def close_for_ever(status: dsl.PipelineTaskFinalStatus, closing: str):
    import signal
    import time
    from pathlib import Path

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(closing).write_text(status.state)
    time.sleep(300)


@dsl.component(install_kfp_package=False)
def fail_and_count(counts: str, until: int):
    from pathlib import Path

    with open(counts, "a") as file:
        file.write(".")
    attempt = len(Path(counts).read_text())
    if attempt < until:
        raise ValueError(f"attempt {attempt} fails")


@dsl.component(install_kfp_package=False)
def wait_for(started: str, go: str):
    import time
    from pathlib import Path

    Path(started).touch()
    while not Path(go).exists():
        time.sleep(0.01)


@dsl.component(install_kfp_package=False)
def spoil_result():
    import atexit
    import inspect
    from pathlib import Path

    result = Path(inspect.getfile(lambda: None)).with_name("result.json")
    atexit.register(lambda: result.write_text(result.read_text()[:-5]))


@dsl.component(install_kfp_package=False)
def die_late():
    import atexit
    import os
    import signal

    atexit.register(os.kill, os.getpid(), signal.SIGKILL)


@dsl.container_component
def container():
    return dsl.ContainerSpec(image="example.org/tool:1", command=["true"])


@dsl.pipeline(name="raises")
def raises():
    after(text=raising().output)


@dsl.pipeline(name="exits")
def exits(code: int = 3):
    exiting(code=code)


@dsl.pipeline(name="is-killed")
def is_killed():
    killed()


@dsl.pipeline(name="sleeps")
def sleeps(started: str, closed: str):
    handler = closing(file=closed)
    with dsl.ExitHandler(handler):
        sleeping(seconds=300.0, started=started)


@dsl.pipeline(name="leaves-a-child")
def leaves_a_child(pid_file: str):
    leaving_a_child_behind(pid_file=pid_file)


@dsl.pipeline(name="chats")
def chats(megabytes: int = 50):
    chatty(megabytes=megabytes)


@dsl.pipeline(name="long-parameter")
def long_parameter(size: int = 40 * 1024):
    after(text=long_text(size=size).output)


@dsl.pipeline(name="odd-number")
def odd_number(kind: str = "nan") -> float:
    return number(kind=kind).output


@dsl.pipeline(name="odd-text")
def odd_text():
    surrogate()


@dsl.pipeline(name="draws")
def draws() -> list:
    with dsl.ParallelFor([1, 2, 3, 4]):
        drawn = random_number().set_caching_options(False)
    return dsl.Collected(drawn.output)


@dsl.pipeline(name="greets")
def greets(name: str = "world") -> str:
    return who(name=name).output


@dsl.pipeline(name="packs")
def packs():
    with_package()


@dsl.pipeline(name="contained")
def contained():
    container()


@dsl.pipeline(name="typed")
def typed(
    count: int, ratio: float, flag: bool = True, items: list = [1], options: dict = {}, text: str = "a"
):
    with dsl.ParallelFor(items):
        who(name=text)


@dsl.component(install_kfp_package=False)
def local_time() -> str:
    import time

    return time.strftime("%H:%M", time.localtime(0))


class Times(NamedTuple):
    here: str
    there: str


@dsl.pipeline(name="tells-times")
def tells_times() -> Times:
    here, there = local_time(), local_time()
    here.set_env_variable("TZ", "UTC0")
    there.set_env_variable("TZ", "XYZ-03:30")
    return Times(here=here.output, there=there.output)


@dsl.pipeline(name="helped")
def helped() -> int:
    return use_helper().output


@dsl.pipeline(name="makes")
def makes() -> str:
    return read_data(data=make_data().outputs["data"]).output


@dsl.pipeline(name="imports-for-long")
def imports_for_long(closed: str):
    with dsl.ExitHandler(closing(file=closed)):
        import_slowly()


@dsl.pipeline(name="tracks")
def tracks():
    track()


@dsl.pipeline(name="closes-for-ever")
def closes_for_ever(started: str, closing: str):
    with dsl.ExitHandler(close_for_ever(closing=closing)):
        sleeping(seconds=300.0, started=started)


@dsl.pipeline(name="tries-again")
def tries_again(counts: str):
    fail_and_count(counts=counts, until=3).set_retry(5, backoff_duration="300s")


@dsl.pipeline(name="tries-thrice")
def tries_thrice(counts: str):
    fail_and_count(counts=counts, until=3).set_retry(5, backoff_duration="0s")


@dsl.pipeline(name="waits-then-goes-on")
def waits_then_goes_on(started: str, go: str):
    after().after(wait_for(started=started, go=go))


@dsl.pipeline(name="spoils")
def spoils():
    spoil_result()


@dsl.pipeline(name="dies-late")
def dies_late():
    die_late()


@dsl.component(install_kfp_package=False)
def last():
    import time

    time.sleep(0.5)


@dsl.pipeline(name="lasts")
def lasts():
    last()


@dsl.pipeline(name="raises-in-a-group")
def raises_in_a_group():
    with dsl.ExitHandler(after()), dsl.ParallelFor([1]):
        raising()


class Imported(NamedTuple):
    uri: str
    text: str


@dsl.component(install_kfp_package=False)
def read_text(data: dsl.Input[dsl.Dataset]) -> NamedTuple("Read", [("uri", str), ("text", str)]):
    with open(data.path) as file:
        return (data.uri, file.read())


@dsl.component(install_kfp_package=False)
def list_folder(data: dsl.Input[dsl.Model]) -> list:
    from pathlib import Path

    return sorted(str(p.relative_to(data.path)) for p in Path(data.path).rglob("*") if p.is_file())


@dsl.component(install_kfp_package=False)
def address(data: dsl.Input[dsl.Dataset]) -> str:
    return data.uri


@dsl.component(install_kfp_package=False)
def make_at(uri: str, data: dsl.Output[dsl.Dataset]):
    import os

    data.uri = uri
    os.makedirs(os.path.dirname(data.path), exist_ok=True)
    with open(data.path, "w") as file:
        file.write("made")


@dsl.component(install_kfp_package=False)
def read_and_overwrite(data: dsl.Input[dsl.Dataset]) -> str:
    with open(data.path) as file:
        text = file.read()
    with open(data.path, "w") as file:
        file.write("overwritten")
    return text


@dsl.container_component
def copy(data: dsl.Input[dsl.Dataset], target: str):
    return dsl.ContainerSpec(image="example.org/tool:1", command=["cp", data.path, target])


@dsl.pipeline(name="imports-text")
def imports_text(uri: str) -> Imported:
    data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset)
    read = read_text(data=data.output)
    return Imported(uri=read.outputs["uri"], text=read.outputs["text"])


@dsl.pipeline(name="imports-folder")
def imports_folder(uri: str) -> list:
    return list_folder(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Model).output).output


@dsl.pipeline(name="imports-address")
def imports_address(uri: str) -> str:
    return address(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).output).output


WORKSPACE = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi"))


@dsl.pipeline(name="imports-to-workspace", pipeline_config=WORKSPACE)
def imports_to_workspace(uri: str) -> str:
    data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, download_to_workspace=True)
    return read_and_overwrite(data=data.output).output


@dsl.pipeline(name="passes-on")
def passes_on(uri: str) -> str:
    return read_data(data=make_at(uri=uri).outputs["data"]).output


@dsl.pipeline(name="copies")
def copies(uri: str, target: str):
    copy(data=dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).output, target=target)


@dsl.container_component
def shout(text: str, out: dsl.OutputPath(str)):
    script = 'mkdir -p "$(dirname "$1")" && printf "%s!" "$0" > "$1"'
    return dsl.ContainerSpec(image="example.org/shout:1", command=["sh", "-c"], args=[script, text, out])


@dsl.container_component
def hang(pid: str):
    script = 'echo $$ > "$0"; exec sleep 300'
    return dsl.ContainerSpec(image="example.org/hang:1", command=["sh", "-c"], args=[script, pid])


@dsl.pipeline(name="shouts")
def shouts(text: str) -> str:
    return shout(text=text).outputs["out"]


@dsl.pipeline(name="hangs")
def hangs(pid: str):
    hang(pid=pid)
