"""`serve` and `predict` where there is no model or no server: what to do next."""

import pytest


def test_serving_before_there_is_a_model_says_to_train_one(command):
    ended = command("serve", "--detach")
    assert (ended.code, ended.out) == (2, "")
    assert "error: tiny@champion: there is no model yet\n    -> train one first: " in ended.err


def test_a_tracking_server_that_does_not_answer_is_said_to_be_that(command):
    ended = command("serve", "--detach", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert ended.code == 5
    assert "error: http://127.0.0.1:9: MLflow does not answer" in ended.err
    assert "-> is MLFLOW_TRACKING_URI right?" in ended.err


def test_stopping_what_does_not_run_is_no_error(command):
    assert command("serve", "--stop").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "give one of --data and --file"),
        (["--data", "{}", "--file", "x"], 2, "give one of --data and --file"),
        (["--data", "{"], 2, "--data: not JSON: "),
        (["--data", "[]"], 2, '--data: not a JSON object\n    -> {"columns": ["temp"]'),
        (["--data", "{}"], 5, "tiny: no server runs here\n    -> start it: "),
        (["--data", "{}", "--url", "http://127.0.0.1:9"], 5, "no answer: "),
        (["--file", "/none", "--url", "http://127.0.0.1:9"], 2, "/none: cannot be read: No such file"),
    ],
)
def test_asking_in_vain_says_what_to_do(arguments, code, words, command):
    ended = command("predict", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err
