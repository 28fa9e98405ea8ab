"""Filter policies of SNS subscriptions.

Amazon SNS Developer Guide, "Amazon SNS subscription filter policies": on the message's attributes, or on its body
if that is JSON; up to five keys and 150 combinations of values.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.sns.errors import invalid
from fogbank.languages.matching import InvalidPatternError, Pattern, compile_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.engines.messaging.model import Attribute

KEYS_MAX: Final = 5
COMBINATIONS_MAX: Final = 150
POLICY_BYTES_MAX: Final = 262_144


def check_filter(text: str, *, on_body: bool) -> str:
    """Return a policy's text if it can be, "" for one that lets everything pass."""
    if len(text) > POLICY_BYTES_MAX:
        raise invalid(f"FilterPolicy: the policy is larger than {POLICY_BYTES_MAX} bytes")
    try:
        policy = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError as error:
        raise invalid(f"FilterPolicy: failed to parse JSON. {error}") from None
    if not isinstance(policy, dict):
        raise invalid("FilterPolicy: Filter policy must be an object")
    if not policy:
        return ""
    try:
        compile_pattern(policy, nested=on_body)
    except InvalidPatternError as error:
        if not on_body and any(isinstance(value, dict) for value in policy.values()):
            raise invalid("Filter policy scope MessageAttributes does not support nested filter policy") from None
        raise invalid(f"FilterPolicy: {error}") from None
    keys, combinations = _size(policy)
    if keys > KEYS_MAX:
        raise invalid(f"FilterPolicy: Filter policy can not have more than {KEYS_MAX} keys")
    if combinations > COMBINATIONS_MAX:
        raise invalid("FilterPolicy: Filter policy is too complex")
    return text


@lru_cache(maxsize=4096)
def compiled(text: str) -> Pattern:
    """Return the compiled policy of a subscription."""
    return compile_pattern(msgspec.json.decode(text))


def attributes_as_object(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """Return message attributes as the object that a policy is matched with."""
    return {name: _value(attribute) for name, attribute in attributes.items()}


def body_as_object(body: bytes) -> dict[str, Any] | None:
    """Return a message's body as the object that a policy is matched with, None if it isn't one."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _value(attribute: Attribute) -> Any:
    if attribute.binary:
        # It exists, and equals nothing.
        return attribute.value
    text = attribute.value.decode()
    kind = attribute.type
    if kind == "Number" or kind.startswith("Number."):
        return float(text)
    if kind == "String.Array":
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return text
    return text


def _size(policy: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many keys a policy has, and how many combinations of values (times the depth, for bodies)."""
    keys, combinations = 0, 1
    for name, wanted in policy.items():
        if isinstance(wanted, dict):
            below_keys, below = _size(wanted)
            keys += below_keys
            combinations *= below
        elif name == "$or":
            sizes = [_size(choice) for choice in wanted if isinstance(choice, dict)]
            keys += sum(size for size, _ in sizes)
            combinations *= sum(size for _, size in sizes) or 1
        else:
            keys += 1
            combinations *= len(wanted)
    return keys, combinations
