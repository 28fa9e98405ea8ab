"""JSON bodies: what differs between a value in Python and its JSON form, compiled for each shape.

Most shapes need nothing: bytes become base64 and structures objects by themselves. Only members that go by
another name on the wire, and timestamps that aren't numbers, have to be walked to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from fogbank.wire.aws.values import MalformedValueError, members_of, read_timestamp, write_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.wire.aws.models import Ref, ServiceModel

Change: TypeAlias = "Callable[[Any], Any]"
JSON_TYPE: Final = {"1.0": b"application/x-amz-json-1.0", "1.1": b"application/x-amz-json-1.1"}


def _same(value: Any) -> Any:
    return value


class JsonBody:
    """Reads and writes JSON bodies of one service's shapes."""

    content_type = b"application/json"

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._readers = _Changes(model, reading=True)
        self._writers = _Changes(model, reading=False)

    def reader(self, ref: Ref) -> Callable[[bytes], Any]:
        """Compile the reader of a shape; it leaves bytes in base64 and raises `MalformedValueError`."""
        change = self._readers.of(ref)
        shape = self._model.shape(ref)
        wants_object = shape.type == "structure" and not shape.document

        def read(body: bytes) -> Any:
            value = decode_json(body)
            if wants_object and not isinstance(value, dict):
                raise MalformedValueError("a JSON object")
            return change(value)

        return read

    def change(self, ref: Ref) -> Change:
        """Return what turns a value of the shape into what JSON is encoded from."""
        return self._writers.of(ref)

    def writer(self, ref: Ref, root: str = "") -> Callable[[Any], bytes]:
        """Compile the writer of a shape; JSON has no use for the name of its root."""
        del root
        change = self._writers.of(ref)
        encode = msgspec.json.Encoder().encode
        return encode if change is _same else lambda value: encode(change(value))


def decode_json(body: bytes) -> Any:
    """Decode any JSON text; raises `MalformedValueError`."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedValueError("JSON") from None


class _Changes:
    """The changes between wire and Python, in one direction, by shape."""

    def __init__(self, model: ServiceModel, *, reading: bool) -> None:
        self._model = model
        self._reading = reading
        self._done: dict[str, Change] = {}

    def of(self, ref: Ref) -> Change:
        shape = self._model.shape(ref)
        if shape.type == "timestamp":
            return self._timestamp(ref.timestamp_format or shape.timestamp_format or "unixTimestamp")
        if ref.shape not in self._done:
            if not any(self._differs(below) for below in self._reachable(ref)):
                self._done[ref.shape] = _same
            else:
                # A shape that contains itself finds its own change here when it runs.
                self._done[ref.shape] = lambda value: self._done[ref.shape](value)  # noqa: PLW0108 - looked up late
                self._done[ref.shape] = self._compile(ref)
        return self._done[ref.shape]

    def _compile(self, ref: Ref) -> Change:
        shape = self._model.shape(ref)
        if shape.type == "list":
            assert shape.member is not None
            each = self.of(shape.member)
            return lambda value: [each(item) for item in value] if isinstance(value, list) else value
        if shape.type == "map":
            assert shape.value is not None
            each = self.of(shape.value)
            return lambda value: {k: each(v) for k, v in value.items()} if isinstance(value, dict) else value
        members: dict[str, tuple[str, Change]] = {}
        for name, member in shape.members.items():
            outer = member.location_name or name
            source, target = (outer, name) if self._reading else (name, outer)
            members[source] = (target, self.of(member))

        def change(value: Any) -> Any:
            if not isinstance(value, dict | msgspec.Struct):
                return value
            result = {}
            for key, item in members_of(value).items():
                target, change_member = members.get(key, (key, _same))
                result[target] = item if item is None else change_member(item)
            return result

        return change

    def _timestamp(self, style: str) -> Change:
        if self._reading:
            return lambda value: read_timestamp(value) if isinstance(value, str) else value
        return _same if style == "unixTimestamp" else lambda value: write_timestamp(value, style)

    def _differs(self, ref: Ref) -> bool:
        shape = self._model.shape(ref)
        if shape.type == "timestamp":
            style = ref.timestamp_format or shape.timestamp_format or "unixTimestamp"
            return style != "unixTimestamp"
        return any(
            member.location is None and member.location_name not in (None, name)
            for name, member in shape.members.items()
        )

    def _reachable(self, ref: Ref) -> Iterator[Ref]:
        """Yield the shape and all that it is made of, each once."""
        seen = set()
        todo = [ref]
        while todo:
            ref = todo.pop()
            yield ref
            if ref.shape not in seen:
                seen.add(ref.shape)
                shape = self._model.shape(ref)
                todo += shape.members.values()
                todo += [part for part in (shape.member, shape.key, shape.value) if part is not None]
