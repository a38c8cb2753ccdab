"""A pipeline file as users write them: it runs for a day, and one of its inputs is called as an option is."""

from kfp import dsl


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def note(as_of: str, folder: str, host: str, fail_on: str, wait_on: str) -> str:
    import os
    import time

    with open(os.path.join(folder, "days"), "a") as file:
        file.write(f"{as_of} {host}\n")
    if as_of == wait_on:
        time.sleep(60)
    if as_of == fail_on:
        raise ValueError(f"no data for {as_of}")
    return as_of


@dsl.pipeline(name="tiny")
def tiny(
    folder: str = ".",
    as_of: str = "",
    host: str = "here",
    fail_on: str = "",
    wait_on: str = "",
    weights: list = [0.5, {"b": 1, "a": 2}],
) -> str:
    """Notes the day.

    Args:
        folder: where the note goes.
        as_of: the day that the run is for.
    """
    return note(as_of=as_of, folder=folder, host=host, fail_on=fail_on, wait_on=wait_on).output


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def read_all(data: dsl.Input[dsl.Dataset]) -> str:
    return open(data.path).read()


@dsl.pipeline
def reads(data: dsl.Input[dsl.Dataset]) -> str:
    return read_all(data=data).output


if __name__ == "__main__":
    from pipelines.sdk.cli import main

    raise SystemExit(main(tiny))
