"""The bodies of AWS requests: unpacked and checked before any codec reads them."""

from fogbank.wire.aws.bodies.integrity import check_integrity
from fogbank.wire.aws.bodies.reading import is_plain, read_body

__all__ = ["check_integrity", "is_plain", "read_body"]
