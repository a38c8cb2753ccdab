"""What is measured."""

from kfp import dsl


@dsl.component(base_image="python:3.11-slim", install_kfp_package=False)
def add(a: int, b: int) -> int:
    return a + b


@dsl.component(base_image="python:3.11-slim", install_kfp_package=False)
def heavy(a: int) -> int:
    import mlflow  # noqa: F401
    import pandas  # noqa: F401
    from sklearn.linear_model import Ridge  # noqa: F401

    return a + 1


@dsl.component(base_image="python:3.11-slim", install_kfp_package=False)
def busy(rounds: int) -> int:
    import hashlib

    digest = b""
    for _ in range(rounds):
        digest = hashlib.sha256(digest).digest()
    return digest[0]


@dsl.pipeline(name="chain-of-10")
def chain():
    last = add(a=0, b=1)
    for _ in range(9):
        last = add(a=last.output, b=1)


@dsl.pipeline(name="fan-out-of-16")
def fan_out():
    for i in range(16):
        add(a=i, b=1)


@dsl.pipeline(name="chain-of-5-heavy-imports")
def heavy_chain():
    last = heavy(a=0)
    for _ in range(4):
        last = heavy(a=last.output)


@dsl.pipeline(name="fan-out-of-16-busy")
def busy_fan_out():
    for _ in range(16):
        busy(rounds=200_000)


STEPS = {chain: 10, fan_out: 16, heavy_chain: 5, busy_fan_out: 16}
