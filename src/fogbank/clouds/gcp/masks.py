"""Field masks: which fields of a resource an update changes (Google's AIP-134, AIP-161)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fogbank.clouds.gcp.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Collection


def merge(target: Any, given: Any, mask: Any, mutable: Collection[str]) -> None:
    """Change what the mask names; raises `GrpcError` if that is nothing, or can't be changed."""
    kind = target.DESCRIPTOR.name
    if not mask.paths:
        raise invalid(
            "update_mask",
            f"The update_mask in the Update{kind}Request must be set, and must contain a non-empty paths list.",
        )
    for path in mask.paths:
        if path.partition(".")[0] not in mutable and path.partition(".")[0] in target.DESCRIPTOR.fields_by_name:
            raise invalid(
                "update_mask",
                f"Invalid update_mask provided in the Update{kind}Request: the '{path}' field in the {kind} is not"
                " mutable.",
            )
    mask_fields(target, given, list(mask.paths))


def mask_fields(target: Any, given: Any, paths: list[str]) -> None:
    """Copy the fields that a mask names; raises `GrpcError` for one that there isn't."""
    for path in paths:
        into, source = target, given
        *outer, last = path.split(".")
        for name in outer:
            field = into.DESCRIPTOR.fields_by_name.get(name)
            if field is None or field.message_type is None or field.is_repeated:
                raise _no_field(path)
            into, source = getattr(into, name), getattr(source, name)
        field = into.DESCRIPTOR.fields_by_name.get(last)
        if field is None:
            raise _no_field(path)
        into.ClearField(last)
        if field.is_repeated:
            getattr(into, last).MergeFrom(getattr(source, last))
        elif field.message_type is not None:
            if source.HasField(last):
                getattr(into, last).CopyFrom(getattr(source, last))
        elif not field.has_presence or source.HasField(last):
            setattr(into, last, getattr(source, last))


def _no_field(path: str) -> Exception:
    return invalid("update_mask", f"Invalid field mask: there is no field {path!r}.")
