"""What every command refuses, and with which code it ends."""

import re

import pytest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compil"], "Did you mean 'compile'?"),
        (["run", "--as-off", "2015-01-01"], "Did you mean '--as-of'?"),
        (["run", "--as-of"], "requires an argument"),
        (["compile", "--target", "spark"], "'spark' is not one of 'kfp', 'argo'"),
        (["backfill", "--from", "2015-01-01"], "Missing option '--to'"),
        (["backfill", "--from", "2015-01-01", "--to", "2015-01-02", "--every", "0"], "not in the range x>=1"),
    ],
)
def test_a_word_that_is_none_is_answered_with_the_nearest(arguments, words, command):
    ended = command(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def test_no_command_shows_all_of_them(command):
    ended = command()
    assert ended.code == 2
    for name in ("run", "backfill", "compile", "graph", "serve", "predict", "doctor"):
        assert re.search(rf"^  {name}  ", ended.err, re.M)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PIPELINES_WORKERS": "abc"}, "PIPELINES_WORKERS: 'abc' is no number of steps"),
        ({"PIPELINES_WORKERS": "0"}, "PIPELINES_WORKERS: '0' is no number of steps\n    -> set 1 to 1024"),
        (
            {"PIPELINES_WORKERS": "2.5", "PIPELINES_START": "x"},
            "PIPELINES_START: 'x' is unknown\n    -> set fork or spawn",
        ),
    ],
)
def test_settings_that_make_no_sense_are_all_named(env, words, command):
    ended = command("graph", **env)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert ended.err.count("error: ") == len(env)
