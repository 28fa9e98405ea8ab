"""From what a decoder complains of to what a caller did wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fogbank.wire.aws.errors import InputError

if TYPE_CHECKING:
    import msgspec

    from fogbank.wire.aws.models import Operation, ServiceModel

_PLACE: Final = r"(?: - at `\$\.?(?P<place>.*)`)?"
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*?)`" + _PLACE, re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*?)`" + _PLACE, re.DOTALL)
_WRONG: Final = re.compile(r"Expected `(?P<expected>.*?)`, got `(?P<got>.*?)`" + _PLACE, re.DOTALL)
_OTHER: Final = re.compile(r"(?P<text>.*?)" + _PLACE, re.DOTALL)
_STEP: Final = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


def explain(error: msgspec.ValidationError, model: ServiceModel, operation: Operation) -> InputError:
    """Translate a decoder's complaint; an unknown member that AWS has counts as unsupported."""
    text = str(error)
    if match := _UNKNOWN.fullmatch(text):
        path = _join(match["place"], match["name"])
        known = _is_known(model, operation, match["place"] or "", match["name"])
        return InputError("unsupported" if known else "unknown", path)
    if match := _MISSING.fullmatch(text):
        return InputError("missing", _join(match["place"], match["name"]))
    if match := _WRONG.fullmatch(text):
        if match["got"] == "null":
            return InputError("missing", match["place"] or "")
        return InputError("type", match["place"] or "", f"{match['expected']}, got {match['got']}")
    match = _OTHER.fullmatch(text)
    assert match is not None
    return InputError("type", match["place"] or "", match["text"])


def _join(place: str | None, name: str) -> str:
    return f"{place}.{name}" if place else name


def _is_known(model: ServiceModel, operation: Operation, place: str, name: str) -> bool:
    """Whether the model has a member of that name at that place."""
    ref = operation.input
    if ref is None:
        return False
    shape = model.shape(ref)
    for member, _index in _STEP.findall(place):
        below = shape.members.get(member) if member else shape.member or shape.value
        if below is None:
            return False
        shape = model.shape(below)
    return name in shape.members
