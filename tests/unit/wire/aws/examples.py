"""Values of a model's shapes: one with every member, and any number at random.

Values are as operations see them: timestamps are seconds, blobs are bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from fogbank.wire.aws.models import Ref, ServiceModel, Shape

DEPTH_MAX = 4
# From 1970 to 2099.
MOMENT_MS_MAX = 4_102_444_799_999
LONG_MAX = 2**63 - 1
INTEGER_MAX = 2**31 - 1
# XML can't hold the other control characters, whatever the escape.
XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n&<>\"' %+;=.\x7f"),
    max_size=12,
)
TEXT = XML_TEXT | st.text(st.characters(codec="utf-8"), max_size=12)
HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.strip)
TOKEN = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=8)
JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


class Source(Protocol):
    """Where the parts of a value come from."""

    def draw(self, strategy: st.SearchStrategy[Any], fallback: Callable[[int], Any]) -> Any:
        """Return something of the strategy."""

    def choose(self, optional: list[str], depth: int) -> list[str]:
        """Return the optional members that are to be there."""

    def count(self, least: int) -> int:
        """Return how many items a list or map is to have."""


class Everything:
    """Every member, two items of everything; the values count up."""

    def __init__(self) -> None:
        self._count = 0

    def draw(self, _strategy: st.SearchStrategy[Any], fallback: Callable[[int], Any]) -> Any:
        self._count += 1
        return fallback(self._count)

    def choose(self, optional: list[str], _depth: int) -> list[str]:
        return optional

    def count(self, _least: int) -> int:
        return 2


class AtRandom:
    """Hypothesis decides."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def draw(self, strategy: st.SearchStrategy[Any], _fallback: Callable[[int], Any]) -> Any:
        return self._draw(strategy)

    def choose(self, optional: list[str], depth: int) -> list[str]:
        if not optional:
            return []
        return self._draw(st.lists(st.sampled_from(optional), max_size=max(2, 5 - 2 * depth), unique=True))

    def count(self, least: int) -> int:
        return self._draw(st.integers(least, 3))


class Example:
    """Makes values of one service's shapes.

    `nonempty` is for protocols that can't tell a structure or map without content from none at all, `xml` for
    those whose texts are XML, `always` for members that the other side finds in every message.
    """

    def __init__(
        self,
        model: ServiceModel,
        source: Source,
        *,
        xml: bool = False,
        nonempty: bool = False,
        always: Container[str] = (),
    ) -> None:
        self._model = model
        self._source = source
        self._always = always
        self._text = XML_TEXT if xml else TEXT
        self._least = 1 if nonempty else 0

    def of(self, ref: Ref | None) -> dict[str, Any]:
        """Return a value."""
        return {} if ref is None else self._structure(self._model.shape(ref), (ref.shape,))

    def _value(self, ref: Ref, path: tuple[str, ...], location: str | None = None, *, payload: bool = False) -> Any:
        shape = self._model.shape(ref)
        path = (*path, ref.shape)
        if shape.document or ref.jsonvalue:
            return self._source.draw(JSON_VALUE, lambda number: {"number": number, "list": [None, True]})
        if shape.type == "structure":
            return self._structure(shape, path)
        if shape.type == "list":
            assert shape.member is not None
            # Where a list has no element of its own, an empty one can't be seen.
            least = 1 if location or shape.flattened or ref.flattened else 0
            count = least if self._deep(path) else self._source.count(least)
            return [self._value(shape.member, path, location) for _ in range(count)]
        if shape.type == "map":
            assert shape.value is not None
            least = 1 if location else self._least
            count = least if self._deep(path) else self._source.count(least)
            return {self._key(shape, path, location): self._value(shape.value, path, location) for _ in range(count)}
        if payload:
            # One without content can't be told from none.
            bare = self._text.filter(bool) if shape.type == "string" else st.binary(min_size=1, max_size=20)
            return self._source.draw(bare, lambda number: "text" if shape.type == "string" else b"\xff\x00%d" % number)
        return self._scalar(ref, shape, location)

    def _key(self, shape: Shape, path: tuple[str, ...], location: str | None) -> str:
        assert shape.key is not None
        if location is not None:
            return self._source.draw(TOKEN, lambda number: f"x-{number}")
        return self._value(shape.key, path)

    def _structure(self, shape: Shape, path: tuple[str, ...]) -> dict[str, Any]:
        needed = [*shape.required, *(name for name in shape.members if len(path) == 1 and name in self._always)]
        optional = [name for name in shape.members if name not in needed]
        scalars = [name for name in optional if self._is_scalar(shape.members[name])]
        choices = (scalars or optional) if self._deep(path) else optional
        if shape.union:
            chosen = [self._source.draw(st.sampled_from(choices), lambda number: choices[number % len(choices)])]
        else:
            chosen = self._source.choose(scalars if self._deep(path) else optional, len(path) - 1)
            if self._least and not chosen and not needed:
                chosen = choices[:1]
        members = {name: shape.members[name] for name in shape.members if name in needed or name in chosen}
        return {
            name: self._value(ref, path, ref.location, payload=name == shape.payload) for name, ref in members.items()
        }

    def _is_scalar(self, ref: Ref) -> bool:
        return self._model.shape(ref).type not in ("structure", "list", "map")

    def _deep(self, path: tuple[str, ...]) -> bool:
        return len(path) > 2 * DEPTH_MAX or path.count(path[-1]) > 1

    def _scalar(self, ref: Ref, shape: Shape, location: str | None) -> Any:
        draw = self._source.draw
        if shape.type == "boolean":
            return draw(st.booleans(), lambda number: bool(number % 2))
        if location == "statusCode":
            return draw(st.integers(200, 299), lambda number: 200 + number)
        if shape.type in ("integer", "long"):
            bound = INTEGER_MAX if shape.type == "integer" else LONG_MAX
            return draw(st.integers(-bound - 1, bound), lambda number: number)
        if shape.type in ("float", "double"):
            return draw(st.floats(allow_nan=False, allow_infinity=False), lambda number: number + 0.5)
        if shape.type == "blob":
            return draw(st.binary(max_size=20), lambda number: b"\xff\x00%d" % number)
        if shape.type == "timestamp":
            whole = location in ("header", "querystring") or "rfc822" in (ref.timestamp_format, shape.timestamp_format)
            return self._timestamp(whole_seconds=whole)
        return self._string(shape, location)

    def _timestamp(self, *, whole_seconds: bool) -> float:
        if whole_seconds:
            seconds = st.integers(0, MOMENT_MS_MAX // 1000)
            return float(self._source.draw(seconds, lambda number: 1_795_348_800 + number))
        milliseconds = st.integers(0, MOMENT_MS_MAX)
        return self._source.draw(milliseconds, lambda number: 1_795_348_800_123 + number) / 1000

    def _string(self, shape: Shape, location: str | None) -> str:
        draw = self._source.draw
        if shape.enum:
            return draw(st.sampled_from(shape.enum), lambda number: shape.enum[number % len(shape.enum)])
        if location in ("header", "headers"):
            return draw(HEADER_TEXT, lambda number: f'text, "{number}"')
        if location == "uri":
            labels = self._text.filter(lambda text: text not in ("", ".", ".."))
            return draw(labels, lambda number: f"/label {number}/é%&+/")
        return draw(self._text, lambda number: f"text {number} é <&>\"'\n%+")


@st.composite
def example(draw: Any, model: ServiceModel, ref: Ref | None, **kind: Any) -> dict[str, Any]:
    """Draw a value of a shape."""
    return Example(model, AtRandom(draw), **kind).of(ref)


def everything(model: ServiceModel, ref: Ref | None, **kind: Any) -> dict[str, Any]:
    """Return a value with every member."""
    return Example(model, Everything(), **kind).of(ref)
