"""The keys of an app: the host's, the system's and each function's; listed, set and deleted by their kind and name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from fogbank.clouds.azure.functions.apps import Keys

MASTER: Final = "_master"
HOST: Final = "functionkeys"
SYSTEM: Final = "systemkeys"
FUNCTION: Final = "function"


class KeyNotFoundError(Exception):
    """There is no key of that name."""


class KeyUndeletableError(Exception):
    """The master key can only be replaced."""


def keys_of(keys: Keys, kind: str, function: str = "") -> dict[str, str]:
    """Return the keys of a kind by their names; a function's keys need its name."""
    if kind == HOST:
        return keys.host
    return keys.system if kind == SYSTEM else keys.functions.get(function, {})


def with_key(keys: Keys, kind: str, name: str, value: str, function: str = "") -> Keys:
    """Return keys in which one has another value, or is added."""
    if kind == HOST and name == MASTER:
        return msgspec.structs.replace(keys, master=value)
    return _replace(keys, kind, {**keys_of(keys, kind, function), name: value}, function)


def without_key(keys: Keys, kind: str, name: str, function: str = "") -> Keys:
    """Return keys without one; raises `KeyNotFoundError`, `KeyUndeletableError`."""
    if kind == HOST and name == MASTER:
        raise KeyUndeletableError
    rest = dict(keys_of(keys, kind, function))
    if rest.pop(name, None) is None:
        raise KeyNotFoundError(name)
    return _replace(keys, kind, rest, function)


def _replace(keys: Keys, kind: str, values: dict[str, str], function: str) -> Keys:
    if kind == HOST:
        return msgspec.structs.replace(keys, host=values)
    if kind == SYSTEM:
        return msgspec.structs.replace(keys, system=values)
    return msgspec.structs.replace(keys, functions={**keys.functions, function: values})
