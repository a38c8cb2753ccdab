"""What `set_retry` becomes."""

import pytest
from kfp import dsl

from pipelines.sdk import argo, ir
from tests.argo.documents import templates
from tests.conformance import harness


@dsl.component(base_image="python:3.11")
def say() -> str:
    return "x"


@dsl.pipeline
def growing():
    say().set_retry(3, backoff_duration="30s", backoff_factor=2.5, backoff_max_duration="600s")


@dsl.pipeline
def doubling():
    say().set_retry(3, backoff_duration="30s", backoff_factor=2, backoff_max_duration="600s")


@dsl.pipeline
def at_once():
    say().set_retry(3, backoff_factor=2.5, backoff_duration="0s")


@pytest.mark.parametrize(("pipeline", "rounded"), [(growing, True), (doubling, False), (at_once, False)])
def test_a_factor_that_argo_can_only_round_is_a_warning(pipeline, rounded, tmp_path):
    made = argo.emit(ir.read_file(str(harness.compiled(pipeline, tmp_path))), argo.Options())
    assert ["grows by 2.5" in each.what for each in made.warnings] == [True] * rounded
    strategy = templates(made.documents)["say"]["retryStrategy"]
    assert strategy["limit"] == "3"
    pause = {"duration": "30s", "factor": "2", "cap": "600s"}
    assert strategy.get("backoff") == (None if pipeline is at_once else pause)
