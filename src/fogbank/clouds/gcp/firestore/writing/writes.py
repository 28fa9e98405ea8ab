"""One write of a commit: from the document as it is to the document as it shall be.

google/firestore/v1/write.proto, `Write`: an update with a mask and transforms, a removal, transforms alone, or nothing
(`verify`), each with a precondition.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.gcp.firestore import transforms
from fogbank.clouds.gcp.firestore.field_paths import NAME, read_path, value_at
from fogbank.clouds.gcp.firestore.names import Named, read_document
from fogbank.clouds.gcp.firestore.service import invalid, time_of
from fogbank.clouds.gcp.firestore.shape import data_of, document_type, make, message_of
from fogbank.clouds.gcp.firestore.writing.checks import check_fields, check_size, check_value
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.clouds.gcp.firestore.field_paths import FieldPath
    from fogbank.engines.documents.documents import Written
    from fogbank.engines.documents.model import Document

# "Usage and limits": transforms of one document in a commit.
TRANSFORMS_MAX: Final = 500


class Planned(NamedTuple):
    """A write that is understood. `fields` has the new fields, None for a removal; without `mask` they are all."""

    wanted: Named
    fields: Any
    mask: tuple[FieldPath, ...] | None
    transforms: tuple[tuple[FieldPath, Any], ...]
    exists: bool | None
    update_time_us: int | None
    # Whether nothing is written, and the precondition is all.
    verify: bool = False

    def change(self, time_us: int, before: Document | None) -> Document | None:
        """Return the document as it shall be: the same where nothing changes. Raises `GrpcError`."""
        self._check(before)
        if self.verify:
            return before
        if self.fields is None:
            return None
        message = self._updated(before)
        for path, transform in self.transforms:
            transforms.apply(message.fields, path, transform, time_us)
        check_size(self.wanted.name, message)
        after = make(self.wanted.relative, message)
        return before if before is not None and data_of(before) == data_of(after) else after

    def _updated(self, before: Document | None) -> Any:
        """Return the document as it is before its transforms, which may change what is returned."""
        if self.mask is None:
            if not self.transforms:
                return self.fields
            message = document_type()()
            message.CopyFrom(self.fields)
        else:
            message = document_type()() if before is None else message_of(before)
            _merge(message.fields, self.fields.fields, self.mask)
        return message

    def _check(self, before: Document | None) -> None:
        if self.exists is None and self.update_time_us is None:
            return
        name = self.wanted.name
        if before is None:
            if self.exists is False:
                return
            raise GrpcError(Code.NOT_FOUND, f"No document to update: {name}")
        if self.exists is False:
            raise GrpcError(Code.ALREADY_EXISTS, f"Document already exists: {name}")
        if self.update_time_us is not None and before.version != self.update_time_us:
            raise GrpcError(
                Code.FAILED_PRECONDITION,
                f"the stored version ({before.version}) does not match the required base version"
                f" ({self.update_time_us})",
            )

    def results(self, written: Written, time_us: int) -> list[Any]:
        """Return what the transforms made, in their order: values, None for null."""
        if not self.transforms or written.after is None:
            return []
        if len({path for path, _ in self.transforms}) == len(self.transforms):
            fields = message_of(written.after).fields
            return [transforms.result(fields, path, transform) for path, transform in self.transforms]
        # One field, several times: each tells what it made of what the one before it had made.
        message = self._updated(written.before)
        found = []
        for path, transform in self.transforms:
            transforms.apply(message.fields, path, transform, time_us)
            result = transforms.result(message.fields, path, transform)
            found.append(None if result is None else type(result).FromString(result.SerializeToString()))
        return found


def plan(write: Any) -> Planned:
    """Understand a write of a request; raises `GrpcError`."""
    kind = write.WhichOneof("operation")
    exists, update_time_us = _precondition(write)
    if kind == "delete":
        if write.HasField("update_mask") or write.update_transforms:
            raise invalid("A delete has no update_mask and no update_transforms.")
        return Planned(read_document(write.delete), None, None, (), exists, update_time_us)
    if kind == "verify":
        if write.HasField("update_mask") or write.update_transforms:
            raise invalid("A verify has no update_mask and no update_transforms.")
        return Planned(read_document(write.verify), None, None, (), exists, update_time_us, verify=True)
    if kind == "transform":
        wanted = read_document(write.transform.document)
        if not write.transform.field_transforms:
            raise invalid("A transform has field_transforms.")
        changes = _transforms(write.transform.field_transforms)
        return Planned(wanted, document_type()(), (), changes, exists, update_time_us)
    if kind != "update":
        raise invalid("A write has an update, a delete, a verify or a transform.")
    wanted = read_document(write.update.name)
    fields = _own(write.update)
    mask = None
    if write.HasField("update_mask"):
        mask = tuple(_writable(each) for each in write.update_mask.field_paths)
        _check_mask(mask)
    check_fields(fields.fields)
    return Planned(wanted, fields, mask, _transforms(write.update_transforms), exists, update_time_us)


def _own(document: Any) -> Any:
    """Leave nothing but its fields of a request's document."""
    document.ClearField("name")
    document.ClearField("create_time")
    document.ClearField("update_time")
    return document


def _precondition(write: Any) -> tuple[bool | None, int | None]:
    if not write.HasField("current_document"):
        return None, None
    condition = write.current_document
    kind = condition.WhichOneof("condition_type")
    if kind == "exists":
        return condition.exists, None
    return None, time_of(condition.update_time) if kind else None


def _writable(text: str) -> FieldPath:
    path = read_path(text)
    if path[0] == NAME:
        raise invalid(f"Cannot write to the property {NAME}.")
    return path


def _check_mask(mask: tuple[FieldPath, ...]) -> None:
    paths = sorted(mask)
    for path, following in pairwise(paths):
        if following[: len(path)] == path and path != following:
            raise invalid(f'The update_mask has the property "{".".join(path)}" and one within it.')


def _transforms(given: Sequence[Any]) -> tuple[tuple[FieldPath, Any], ...]:
    if len(given) > TRANSFORMS_MAX:
        raise invalid(f"A document may have at most {TRANSFORMS_MAX} transforms, not {len(given)}.")
    found = []
    for each in given:
        transforms.check(each)
        kind = each.WhichOneof("transform_type")
        if kind in {"append_missing_elements", "remove_all_from_array"}:
            for value in getattr(each, kind).values:
                if value.WhichOneof("value_type") == "array_value":
                    raise invalid("Cannot convert an array value in an array value.")
                check_value(value, each.field_path, 2)
        found.append((_writable(each.field_path), each))
    return tuple(found)


def _merge(into: Any, given: Any, mask: tuple[FieldPath, ...]) -> None:
    """Set the fields that a mask names, and remove those of them that aren't given."""
    for path in mask:
        value = value_at(given, path)
        if value is not None:
            transforms.place(into, path).CopyFrom(value)
        else:
            _remove(into, path)


def _remove(fields: Any, path: FieldPath) -> None:
    for name in path[:-1]:
        if name not in fields or fields[name].WhichOneof("value_type") != "map_value":
            return
        fields = fields[name].map_value.fields
    if path[-1] in fields:
        del fields[path[-1]]
