"""Values as the text that a program reads, and the text that it wrote as wire text: both as expressions.

A launched step does this in Python; what is written here gives the same, or stops the run and says which step
and which value. Argo's `toJson` changes numbers and sorts keys, so lists and structs are only ever cut.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.sdk.argo.exprlang import fail, given, literal
from pipelines.sdk.argo.pods.environment import BRACE
from pipelines.sdk.launch.parameters import FALSE, TRUE
from pipelines.sdk.launch.wire import MAX_BYTES
from pipelines.sdk.values import ParameterType

EXACT = 2**53
"""From here on, a double does not tell one whole number from the next."""

_INTEGER = literal("^-?(0|[1-9][0-9]*)$")
_SIGNED = literal("^[-+]?[0-9]+$")
_NUMBER = literal("^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$")
_WHOLE = f"# == floor(#) && abs(#) < {EXACT}"
# What Python's repr writes: Go has the same digits, but another idea of when to use an exponent.
_REPR = (
    "# == 0 || abs(#) >= 1e-4 && abs(#) < 1e16 ? (# == floor(#) ? toJson(#) + '.0' : toJson(#)) : string(#)"
)


def for_kubelet(text: str, *, every_brace: bool = False) -> str:
    """Text as a part of a command, so that it comes out of Argo's and the kubelet's replacing as it was.

    Args:
        text: an expression.
        every_brace: whether a brace may get a neighbour on the way.
    """
    doubled = f"replace({text}, '$', '$$')"
    pair, written = ("{", f"$({BRACE})") if every_brace else ("{{", f"{{$({BRACE})")
    return f"replace({doubled}, {literal(pair)}, {literal(written)})"


def argument(kind: ParameterType, wire: str, value: str, absent: str, where: str) -> str:
    """The text of an input parameter: a STRING as it is, anything else as Python writes it in JSON.

    Args:
        kind: its type.
        wire: expression of the wire text; empty where the value is only a part of one.
        value: expression of the decoded value.
        absent: expression of the text where there is no value.
        where: names step and input, for messages.
    """
    refused = fail(f"{where}: the value is not a {kind}")
    nothing = f"# == nil ? {absent} : "
    match kind:
        case ParameterType.STRING:
            plain = wire or "toJson(#)"
            return given(value, nothing + _text(plain))
        case ParameterType.INTEGER:
            body = f"type(#) == 'float' && {_WHOLE} ? string(int(#)) : {refused}"
            decoded = given(value, nothing + body)
            return f"{wire} matches {_INTEGER} ? {wire} : {decoded}" if wire else decoded
        case ParameterType.DOUBLE:
            return given(value, f"{nothing}type(#) == 'float' ? ({_REPR}) : {refused}")
        case ParameterType.BOOLEAN:
            return given(value, f"{nothing}type(#) == 'bool' ? toJson(#) : {refused}")
        case _:
            container = "array" if kind is ParameterType.LIST else "map"
            spaced = _spaced(wire or "toJson(#)")
            return given(value, f"{nothing}type(#) == '{container}' ? {spaced} : {refused}")


def any_text(wire: str, value: str) -> str:
    """The text of a value of any type, as it stands inside of other text.

    Args:
        wire: expression of the wire text; empty where the value is only a part of one.
        value: expression of the decoded value.
    """
    return given(value, f"# == nil ? 'null' : {_text(wire or 'toJson(#)')}")


def _text(plain: str) -> str:
    return f"type(#) == 'string' ? # : type(#) in ['array', 'map'] ? {_spaced(plain)} : {plain}"


def metadata(value: str, where: str) -> str:
    """The text of a value in an artifact's metadata.

    Args:
        value: an expression.
        where: names step and input, for messages.
    """
    number = f"# == floor(#) && abs(#) < {EXACT} ? string(int(#)) : {_REPR}"
    containers = fail(f"{where}: a list or struct in metadata cannot be text here")
    kinds = f"type(#) == 'float' ? ({number}) : type(#) in ['array', 'map'] ? {containers} : toJson(#)"
    return given(value, f"# == nil ? 'null' : type(#) == 'string' ? # : {kinds}")


def _spaced(wire: str) -> str:
    """JSON with a space behind commas and colons, as json.dumps has it, and without the escapes for Argo.

    The text is cut at its quotes; escaped ones are meanwhile characters that JSON never has.
    """
    backslash, quote = literal("\x01"), literal("\x02")
    hidden = _replaced(wire, (literal("\\\\"), backslash), (literal('\\"'), quote))
    spaced = "replace(replace(sprig.nospace(#), ',', ', '), ':', ': ')"
    cut = (
        f"join(map(split({hidden}, {literal(chr(34))}), #index % 2 == 0 ? {spaced} : #), {literal(chr(34))})"
    )
    # Argo's toJson escapes what could be HTML.
    written = ((r"{\u007b", "{{"), (r"\u0024(", "$("), (r"\u003c", "<"), (r"\u003e", ">"), (r"\u0026", "&"))
    plain = _replaced(cut, *((literal(old), literal(new)) for old, new in written))
    return _replaced(plain, (quote, literal('\\"')), (backslash, literal("\\\\")))


def _replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        text = f"replace({text}, {old}, {new})"
    return text


def wire_text(kind: ParameterType, text: str, where: str) -> str:
    """The wire text of what a program wrote into the file of an output parameter.

    Args:
        kind: type of the output.
        text: expression of what is in the file.
        where: names step and output, for messages.
    """
    refused = fail(f"{where}: what the program wrote is not a {kind}")
    match kind:
        case ParameterType.STRING:
            return _limited(_guarded(f"toJson({text})"), where)
        case ParameterType.INTEGER:
            number = f"# matches {_NUMBER} ? {given('float(#)', f'{_WHOLE} ? string(int(#)) : {refused}')}"
            whole = f"# matches {_SIGNED} ? string(int(#)) : {number}"
            return given(f"trim({text})", f"# matches {_INTEGER} && # != '-0' ? # : {whole} : {refused}")
        case ParameterType.DOUBLE:
            return given(f"trim({text})", f"# matches {_NUMBER} ? {given('float(#)', _REPR)} : {refused}")
        case ParameterType.BOOLEAN:
            words = f"# in {_texts(TRUE)} ? 'true' : # in {_texts(FALSE)} ? 'false' : {refused}"
            return given(f"trim({text})", words)
        case _:
            container = "array" if kind is ParameterType.LIST else "map"
            checked = given(f"trim({text})", f"type(fromJSON(#)) == '{container}' ? # : {refused}")
            return _limited(_guarded(checked), where)


def _texts(words: frozenset[str]) -> str:
    return literal(sorted(words))


def _guarded(json_text: str) -> str:
    pairs = (("{{", r"{\u007b"), ("$(", r"\u0024("), ("\x7f", r"\u007f"))
    return _replaced(json_text, *((literal(old), literal(new)) for old, new in pairs))


def _limited(text: str, where: str) -> str:
    too_long = fail(f"{where}: more than {MAX_BYTES} bytes; make it an artifact")
    return given(text, f"len(#) <= {MAX_BYTES} ? # : {too_long}")


def joined(texts: Sequence[str]) -> str:
    """Texts behind each other.

    Args:
        texts: expressions, at least one.
    """
    return texts[0] if len(texts) == 1 else " + ".join(f"({each})" for each in texts)
