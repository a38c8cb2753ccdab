"""Deploying, asking and promoting, with real servers on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from kfp.dsl import Metrics

from components.deploy_model import deploy_model
from components.notify import notify
from components.promote_model import promote_model
from components.register_model import register_model
from components.smoke_test import smoke_test
from components.support.errors import StepFailed
from pipelines.sdk.serving import local
from pipelines.sdk.serving.client import predict
from tests.components.mlflow_store import GOOD, WORSE, log_model
from tests.components.test_notify import final

BODY = {"columns": ["temp"], "data": [[12.8]]}

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_left(store) -> Iterator[None]:
    yield
    local.stop("weather")


@pytest.fixture
def deploy(store, parts, output, monkeypatch):
    """Registers and deploys a model in a pipeline run of its own."""

    def run(run_id: str, settings: dict) -> tuple[str, str, str]:
        monkeypatch.setenv("PIPELINE_RUN_ID", run_id)
        model_id = log_model(settings, parts.past)
        version = register_model.python_func(model_id, "weather", output("metrics", Metrics))
        return model_id, version, deploy_model.python_func(model_id, "weather", version)

    return run


def test_a_model_comes_up_is_asked_and_takes_over_and_the_next_one_too(store, parts, deploy):
    model_id, version, url = deploy("run-1", GOOD)
    assert local.current("weather") is None

    answer, compared = smoke_test.python_func(parts.holdout, url, model_id, "weather")
    assert (predict(url, BODY), compared) == ([answer], 41)
    assert promote_model.python_func(model_id, "weather", version) == (True, url)
    assert local.current("weather").model_id == model_id
    assert store.get_registered_model("weather").aliases == {"challenger": 1, "champion": 1}

    newer_id, newer, newer_url = deploy("run-2", WORSE)
    assert local.current("weather").url == url
    assert promote_model.python_func(newer_id, "weather", newer, version) == (True, newer_url)
    assert local.current("weather").model_id == newer_id
    assert store.get_registered_model("weather").aliases == {"challenger": 2, "champion": 2, "previous": 1}

    # A retry finds everything done.
    assert promote_model.python_func(newer_id, "weather", newer, version) == (True, newer_url)
    assert store.get_registered_model("weather").aliases == {"challenger": 2, "champion": 2, "previous": 1}


def test_a_champion_that_changed_meanwhile_stays_and_the_challenger_is_cleared_away(
    store, parts, deploy, caplog
):
    other_id, other, _ = deploy("run-2", WORSE)
    promote_model.python_func(other_id, "weather", other)
    model_id, version, url = deploy("run-1", GOOD)

    with caplog.at_level(logging.WARNING):
        promoted, serving = promote_model.python_func(model_id, "weather", version, "")

    assert (promoted, serving) == (False, local.current("weather").url)
    assert "version 1 is champion now, but version 2 was compared with no champion" in caplog.text
    assert store.get_registered_model("weather").aliases["champion"] == 1
    assert local.current("weather").model_id == other_id
    assert local.challenger("weather", "run-1").url == url
    notify.python_func(final("FAILED"), "weather")
    assert local.challenger("weather", "run-1") is None
    assert local.current("weather").model_id == other_id


def test_the_smoke_test_finds_a_server_with_another_model(store, parts, deploy):
    _, _, url = deploy("run-1", GOOD)
    other = log_model(WORSE, parts.past)

    with pytest.raises(StepFailed, match=f"not {other}"):
        smoke_test.python_func(parts.holdout, url, other, "weather")


def test_a_model_that_cannot_be_loaded_is_not_deployed(store, parts, monkeypatch):
    with pytest.raises(StepFailed):
        deploy_model.python_func("m-" + "0" * 32, "weather", "1")

    assert local.current("weather") is None
    assert local.challenger("weather", "run-1") is None


def test_without_a_server_nothing_is_promoted(store, parts, output):
    model_id = log_model(GOOD, parts.past)
    version = register_model.python_func(model_id, "weather", output("metrics", Metrics))

    with pytest.raises(StepFailed, match="no server has"):
        promote_model.python_func(model_id, "weather", version)

    assert "champion" not in store.get_registered_model("weather").aliases


@pytest.mark.parametrize(
    "step",
    [
        lambda: deploy_model.python_func("m-1", "weather", "1"),
        lambda: promote_model.python_func("m-1", "weather", "1"),
    ],
)
def test_in_a_cluster_deploying_says_that_it_cannot(store, monkeypatch, step):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr("components.support.tracking.SETTLE_SECONDS", 0)

    with pytest.raises(StepFailed, match="KServe is not part of this version"):
        step()
