"""Pipelines of container components: any image with python3 runs them, a bare API server checks them."""

from kfp import dsl, kubernetes

IMAGE = "python:3.11-slim"
SWITCH = "failing"
"""Name of the ConfigMap whose entry FAIL lists the numbers that `square` cannot do."""

_SQUARE = """
import os, pathlib, sys
number, out = sys.argv[1:]
print("number", number, flush=True)
if number in os.environ.get("FAIL", "").split(","):
    sys.exit(f"cannot do {number}")
pathlib.Path(out).parent.mkdir(parents=True, exist_ok=True)
pathlib.Path(out).write_text(str(int(number) ** 2))
"""
_SAY = "import sys; print('said', *sys.argv[1:])"
_SLEEP = "import sys, time; print('begun', flush=True); time.sleep(float(sys.argv[1])); print('rested')"


@dsl.container_component
def square(number: int, out: dsl.OutputPath(int)):
    return dsl.ContainerSpec(image=IMAGE, command=["python3", "-c", _SQUARE], args=[number, out])


@dsl.container_component
def say(words: str):
    return dsl.ContainerSpec(image=IMAGE, command=["python3", "-c", _SAY], args=[words])


@dsl.container_component
def sleep(seconds: float):
    return dsl.ContainerSpec(image=IMAGE, command=["python3", "-c", _SLEEP], args=[seconds])


@dsl.container_component
def tell(status: dsl.PipelineTaskFinalStatus):
    return dsl.ContainerSpec(image=IMAGE, command=["python3", "-c", _SAY], args=["the end"])


@dsl.container_component
def unpullable():
    return dsl.ContainerSpec(image="localhost/no/such:image", command=["true"])


@dsl.pipeline(name="plain")
def plain(words: str = "hi", number: int = 2, data: dsl.Input[dsl.Dataset] = None):
    """One step, and inputs of several types."""
    say(words=words)


@dsl.pipeline(name="grid")
def grid():
    """Loops in a loop with retries, inside an exit handler, and a step after them."""
    with dsl.ExitHandler(tell()):
        first = say(words="first")
        with dsl.ParallelFor([1, 2]), dsl.ParallelFor([3, 4]) as number:
            task = square(number=number).set_retry(num_retries=1).after(first)
            kubernetes.use_config_map_as_env(task, SWITCH, {"FAIL": "FAIL"})
        say(words="last").after(task)


@dsl.pipeline(name="ending")
def ending():
    """A step, and an exit handler that may fail."""
    handler = square(number=4)
    kubernetes.use_config_map_as_env(handler, SWITCH, {"FAIL": "FAIL"})
    with dsl.ExitHandler(handler):
        say(words="first")


@dsl.pipeline(name="long")
def long(seconds: float = 120.0):
    """A step that takes its time, with an exit handler."""
    with dsl.ExitHandler(tell()):
        sleep(seconds=seconds)


@dsl.pipeline(name="stuck")
def stuck():
    """A step whose image nobody has."""
    unpullable()
