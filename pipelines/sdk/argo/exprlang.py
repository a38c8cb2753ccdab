"""Texts in Argo's expression language (github.com/expr-lang/expr); every one that we emit is written here.

An expression only decides or points: values pass through workflows untouched, because decoding and encoding
them again would change some. A tag ends at the first `}}`, wherever that stands.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence

from pipelines.sdk.argo.travel import Carrier, Index, Key, Lists, Or, Resolve, Text
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.launch import encode
from pipelines.sdk.values import Json

MOST_TOLD = 30_000
"""Bytes of the parameters that steps are told of, at most; all variables of a process share one place."""

_SHORT = {"'": r"\'", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_BROKEN_UP = (
    # What Argo and the kubelet would replace, and what would end a tag.
    ("{{", r"{\u007b"),
    ("}}", r"}\u007d"),
    ("$(", r"\u0024("),
    # Argo replaces the text of these escapes before it reads escapes (its util/json, Fix).
    *((rf"\\u00{code}", rf"\u005cu00{code}") for code in ("3c", "3e", "26")),
    # The message of an expression that fails quotes it; Argo then waits for ever for a variable where the
    # message has one of these (its IsMissingVariableErr).
    (" is missing", r"\u0020is missing"),
    ("variable not in env", r"variable\u0020not in env"),
)


def literal(value: Json) -> str:
    """A JSON value as an expression.

    Args:
        value: any; whole numbers beyond 64 bits become floats.
    """
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{_broken_up(''.join(map(_escaped, value)))}'"
    if isinstance(value, int):
        return str(value) if abs(value) < 2**63 else repr(float(value))
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"float('{value}')"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return f"fromJSON({literal(json.dumps(value))})"  # braces in braces would end the tag


def _escaped(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F or character in _SHORT:
        return _SHORT.get(character, character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _broken_up(text: str) -> str:
    for pair, written in _BROKEN_UP:
        text = text.replace(pair, written)
    return text


def tag(expression: str) -> str:
    """An expression where Argo expects a text."""
    return "{{=" + expression + "}}"


def fail(message: str) -> str:
    """An expression that stops the workflow, which then shows the message.

    Args:
        message: known when compiling. What would make Argo wait gets another kind of space.
    """
    for words in ("failed to resolve", "is missing", "variable not in env"):
        message = message.replace(words, words.replace(" ", "\u00a0"))
    return f"sprig.fail({literal(message)})"


def of_input(name: str) -> str:
    """An input parameter of the template."""
    return f"inputs.parameters['{name}']"


def output(task: str, name: str) -> str:
    """An output parameter of a task that may have failed, or not have run: then it is `null`.

    A reference in any other form lets the workflow wait for ever where a group has failed.
    """
    return _when_known(task, f"tasks['{task}']?.outputs?.parameters?.['{name}'] ?? 'null'")


def _when_known(task: str, expression: str) -> str:
    """An expression that is nil until a task is known.

    Argo tries every tag once before the group starts, when `tasks` holds nothing but a name, and keeps what
    has no error. It tries again where the result was nil.
    """
    return f"'{task}' in tasks ? ({expression}) : nil"


def loop_output(task: str, name: str) -> str:
    """What Argo collected of an output over a loop.

    An empty loop ends as Skipped. Where some iterations failed, only the
    others are collected; where none is left, what should be a map of outputs is a text, and looking into that
    would be an error.
    """
    collected = f"tasks['{task}'].outputs.parameters?.['{name}'] ?? 'null'"
    there = f"type(tasks['{task}']?.outputs?.parameters) == 'map'"
    return _when_known(
        task, f"tasks['{task}']?.status == 'Skipped' ? '[]' : {there} ? ({collected}) : 'null'"
    )


def final_status(task: str, shown: str) -> str:
    """What a `PipelineTaskFinalStatus` input receives: KFP's words for how a task ended.

    Args:
        task: the DAG's name for it.
        shown: the name that the author knows.
    """
    ended = f"tasks['{task}']?.status"
    head = f'{{"pipelineTaskName":{encode(shown)},"pipelineJobResourceName":"'
    why = encode({"code": 1, "message": f"{shown} did not succeed: the logs of its steps say why"})
    skipped, failed = (literal(f'","state":"{state}","error":{why}}}') for state in ("SKIPPED", "FAILED"))
    succeeded = literal('","state":"SUCCEEDED","error":{}}')
    tail = f"{ended} == 'Succeeded' ? {succeeded} : {ended} in ['Skipped', 'Omitted'] ? {skipped} : {failed}"
    return _when_known(task, f"{literal(head)} + workflow.name + ({tail})")


def first(texts: Sequence[tuple[str, Text]]) -> Text:
    """The text of the first of several tasks that succeeded.

    Args:
        texts: names of tasks and what to take of each.
    """
    chain = "'null'"
    for task, text in reversed(texts):
        chain = f"tasks['{task}']?.status == 'Succeeded' ? ({of(text)}) : ({chain})"
    return Text(expression=chain)


def of(text: Text) -> str:
    """What gives a text."""
    return text.expression or literal(text.static)


def entry(name: str, is_text: bool) -> str:
    """A parameter of the workflow, written by people, as wire text.

    Args:
        name: of the parameter.
        is_text: whether people write it as it is; else it is JSON.
    """
    raw = f"workflow.parameters['{name}']"
    marked = f"hasPrefix({raw}, 'wire:') ? trimPrefix({raw}, 'wire:')"
    return f"{marked} : {_guarded(f'toJson({raw})' if is_text else raw)}"


def told(names: Iterable[str]) -> str:
    """Parameters of the workflow as people wrote them: a JSON object of texts; `{}` where they are too long.

    Args:
        names: of the parameters.
    """
    held = ", ".join(f"{literal(name)}: workflow.parameters[{literal(name)}]" for name in names)
    return given(_guarded(f"toJson({{{held}}})"), f"len(#) > {MOST_TOLD} ? '{{}}' : #")


def _guarded(expression: str) -> str:
    # Neither Argo nor Kubernetes may find something to expand in it; written so that this text holds no tag.
    braces = f"replace({expression}, '{{' + '{{', '{{' + '\\\\u007b')"
    return f"replace({braces}, '$' + '(', '\\\\u0024(')"


def record(name: str, head: str, tail: str) -> str:
    """The record of an artifact whose URI is a parameter of the workflow; `null` where there is none."""
    raw = f"workflow.parameters['{name}']"
    return f"{raw} == 'wire:null' ? 'null' : {literal(head)} + ({entry(name, True)}) + {literal(tail)}"


def given(expression: str, body: str) -> str:
    """An expression that needs a value several times: `#` in its body stands for the value.

    Not `let`: where evaluating fails, Argo takes the names for variables that are still to come.

    Args:
        expression: gives the value.
        body: gives the result.
    """
    return f"map([{expression}], {body})[0]"


_PARSED = "type(#) == 'string' ? fromJSON(#) : #"


def value(carrier: Carrier, where: str) -> str:
    """The decoded value of a carrier; nil where it has none.

    Args:
        carrier: of a parameter, or a list of artifacts.
        where: the task that decides on it.

    Raises:
        BadPipeline: it has placeholders in it, which only a launcher can resolve.
    """
    found = f"fromJSON({of(carrier.text)})"
    levels = 0
    for each in carrier.via:
        if isinstance(each, Resolve):
            what = "it decides on text with placeholders, which only a step can resolve"
            raise BadPipeline(Finding(what, where, "let a component give the value"))
        if isinstance(each, Lists):
            levels = each.levels
        elif isinstance(each, Index):
            found, levels = _element(found, each.at, levels), max(levels - 1, 0)
        elif isinstance(each, Key):
            key, missing = literal(each.name), fail(f"{where}: the value has no key {each.name!r}")
            found = given(given(found, _PARSED), f"type(#) == 'map' && {key} in # ? #[{key}] : {missing}")
        elif isinstance(each, Or):
            found = f"({found} ?? fromJSON({literal(each.wire)}))"
    return found


def _element(found: str, at: Text, levels: int) -> str:
    element = f"{given(found, _PARSED)}[int({of(at)})]"
    # One level of what was collected: a list, or its text; at the innermost level the text of a twin.
    opened = given(element, _PARSED) if levels else element
    return given(opened, _PARSED) if levels == 1 else opened


def indices(carrier: Carrier, where: str) -> str:
    """The numbers of the elements of a list, for `withParam`.

    Args:
        carrier: of the list.
        where: the loop's task.
    """
    wrong = fail(f"{where}: it loops over what is no list")
    numbers = f"type(#) == 'array' ? toJson(0..(len(#) - 1)) : {wrong}"
    return tag(given(given(value(carrier, where), _PARSED), numbers))
