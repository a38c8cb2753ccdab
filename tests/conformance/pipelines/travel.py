"""Values on every way they can take: parameter, loop, loop in a loop, field of an item, collected list."""

from typing import NamedTuple

from kfp import dsl

from tests.conformance.case import component


@component
def pass_list(value: list) -> list:
    return value


@component
def pass_dict(value: dict) -> dict:
    return value


@component
def pass_text(value: str) -> str:
    return value


@dsl.pipeline
def inner(rows: list[list[dict]]) -> list[list[dict]]:
    with dsl.ParallelFor(rows) as row, dsl.ParallelFor(row) as item:
        passed = pass_dict(value=item)
    return dsl.Collected(passed.output)


class TravelOutputs(NamedTuple):
    whole: list
    items: list
    nested: list
    texts: list


@dsl.pipeline
def travel(items: list[dict], rows: list[list[dict]]) -> TravelOutputs:
    with dsl.ParallelFor(items) as item:
        passed = pass_dict(value=pass_dict(value=item).output)
        text = pass_text(value=item.text)
    return TravelOutputs(
        whole=pass_list(value=pass_list(value=items).output).output,
        items=pass_list(value=dsl.Collected(passed.output)).output,
        nested=pass_list(value=inner(rows=rows).output).output,
        texts=dsl.Collected(text.output),
    )
