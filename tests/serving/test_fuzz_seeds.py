"""What fuzzing begins with, in every run of the tests: each known body, to a model of each kind."""

import pytest

from tests.fuzz import seeds, targets


@pytest.mark.parametrize("target", targets.TARGETS)
def test_known_bodies_are_read_or_refused_whatever_the_model_takes(target):
    bodies = seeds.bodies(target)
    assert len(bodies) >= 5
    for body in bodies:
        for signature in range(len(targets.SIGNATURES)):
            targets.run(target, bytes((signature,)) + body)


@pytest.mark.parametrize("target", ["json", "v1", "v2"])
def test_bodies_with_one_value_changed_are_read_or_refused(target):
    changed = 0
    for number, body in enumerate(seeds.bodies(target)):
        for signature in range(len(targets.SIGNATURES)):
            data = seeds.mutated(bytes((signature,)) + body, seed=number * 10 + signature)
            if data is not None:
                changed += data[1:] != body
                targets.run(target, data)
    assert changed > 20
