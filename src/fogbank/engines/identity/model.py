"""Principals, policies and sessions, in neutral words. Documents are the cloud's own texts."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec

Name: TypeAlias = "tuple[str, str]"
"""A resource's scope key and its name within that scope; names keep their case and are found in any."""


class PrincipalConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A principal as its cloud describes it.

    `path` is its place in the account's tree, `trust` the document that says who may act as it,
    `session_seconds_max` for how long at the most.
    """

    path: str = "/"
    trust: str = ""
    description: str | None = None
    session_seconds_max: int = 3_600
    tags: dict[str, str] = {}


class Principal(NamedTuple):
    """A principal as stored; `bound` is the policy that bounds what the others grant."""

    scope: str
    name: str
    id: int
    config: PrincipalConfig
    created_us: int
    bound: str | None = None


class PolicyConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A policy as its cloud describes it; `latest` is the number of its newest version."""

    path: str = "/"
    description: str | None = None
    default: int = 1
    latest: int = 1
    tags: dict[str, str] = {}


class Policy(NamedTuple):
    """A policy as stored."""

    scope: str
    name: str
    id: int
    config: PolicyConfig
    created_us: int
    modified_us: int


class PolicyVersion(NamedTuple):
    """One version of a policy."""

    number: int
    document: str
    created_us: int


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """Credentials for a time.

    They act for the principal called `principal_name`, whose number is 0 if it isn't known here, under the session's
    own `name`; for a guest called `name` if no principal is named; for the account itself if there is no name
    either. `narrowed_by` are documents or references of
    policies that narrow what the session may do, `transitive` the tags that pass on to sessions that it asks for,
    `source` who stands at the beginning of such a chain.
    """

    access_key: str
    secret: str
    token: str
    scope: str
    issued_us: int
    until_us: int
    principal: int = 0
    principal_name: str = ""
    name: str = ""
    narrowed_by: list[str] = []
    tags: dict[str, str] = {}
    transitive: list[str] = []
    source: str = ""


_PRINCIPAL: Final = msgspec.msgpack.Decoder(PrincipalConfig)
_POLICY: Final = msgspec.msgpack.Decoder(PolicyConfig)
_SESSION: Final = msgspec.msgpack.Decoder(Session)
_ENCODER: Final = msgspec.msgpack.Encoder()


@lru_cache(maxsize=4096)
def decode_principal(data: bytes) -> PrincipalConfig:
    """Read a stored principal; the same bytes give the same (immutable) object."""
    return _PRINCIPAL.decode(data)


@lru_cache(maxsize=4096)
def decode_policy(data: bytes) -> PolicyConfig:
    """Read a stored policy; the same bytes give the same (immutable) object."""
    return _POLICY.decode(data)


def decode_session(data: bytes) -> Session:
    """Read a stored session."""
    return _SESSION.decode(data)


def encode(value: PrincipalConfig | PolicyConfig | Session) -> bytes:
    """Write a value for storing."""
    return _ENCODER.encode(value)
