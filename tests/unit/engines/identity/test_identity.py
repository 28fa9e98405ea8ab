"""Principals, policies and sessions, on every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fogbank.engines.identity import attachments, policies, principals, sessions
from fogbank.engines.identity.attachments import BOUNDS, GRANTS, Uses
from fogbank.engines.identity.errors import (
    DefaultVersionError,
    InlinePolicyNotFoundError,
    NotAttachedError,
    PolicyAttachedError,
    PolicyExistsError,
    PolicyNotFoundError,
    PolicyVersionNotFoundError,
    PolicyVersionsLeftError,
    PrincipalExistsError,
    PrincipalInUseError,
    PrincipalNotFoundError,
    TooManyError,
)
from fogbank.engines.identity.model import PolicyConfig, PrincipalConfig, Session
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.engines.identity.model import Policy, Principal
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

SCOPE = "aws/1/"
WORKER = (SCOPE, "worker")
READ = (SCOPE, "read")
READ_REFERENCE = "policy/read"


class Bench:
    """The engine's operations with the boring arguments filled in."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.run, self.read, self.ids = store.run, store.read, ids

    async def principal(self, name: str = "worker", scope: str = SCOPE, **config: Any) -> Principal:
        made = PrincipalConfig(**config)
        return await self.run(principals.create, (scope, name), self.ids.sequence(), made, 3)

    async def policy(self, name: str = "read", **config: Any) -> Policy:
        made = PolicyConfig(**config)
        return await self.run(policies.create, (SCOPE, name), self.ids.sequence(), made, '{"v": 1}', 1)

    async def attach(self, reference: str = READ_REFERENCE, **more: Any) -> None:
        await self.run(attachments.attach, WORKER, reference, 3, **more)

    async def put_inline(self, policy: str, document: str) -> None:
        await self.run(principals.put_inline, WORKER, policy, document, len, 10)


@pytest.fixture
def bench(store: Store, ids: Ids) -> Bench:
    return Bench(store, ids)


async def test_principals_are_created_found_changed_and_deleted(bench: Bench) -> None:
    made = await bench.principal(trust="{}", tags={"a": "b"})
    assert await bench.read(principals.find, WORKER) == made
    with pytest.raises(PrincipalExistsError):
        await bench.principal()
    changed = await bench.run(
        principals.update, WORKER, lambda config: msgspec.structs.replace(config, description="d")
    )
    assert await bench.read(principals.find, WORKER) == changed
    assert changed.config.description == "d"
    await bench.run(principals.delete, WORKER)
    for operation in (principals.find, principals.delete):
        with pytest.raises(PrincipalNotFoundError):
            await bench.run(operation, WORKER)


async def test_names_keep_their_case_and_are_found_in_any(bench: Bench) -> None:
    await bench.principal("Worker")
    await bench.policy("Read")
    with pytest.raises(PrincipalExistsError):
        await bench.principal("wOrker")
    with pytest.raises(PolicyExistsError):
        await bench.policy("rEad")
    assert (await bench.read(principals.find, WORKER)).name == "Worker"
    assert (await bench.read(policies.find, READ)).name == "Read"


async def test_a_scope_holds_so_many_and_no_more(bench: Bench) -> None:
    for name in "abc":
        await bench.principal(name)
    with pytest.raises(TooManyError):
        await bench.principal("d")
    assert len(await bench.read(principals.list_principals, SCOPE, "/", "", 10)) == 3
    await bench.policy()
    with pytest.raises(TooManyError):
        await bench.policy("other")


async def test_principals_are_listed_by_name_and_path(bench: Bench) -> None:
    for name in ("c", "a", "b"):
        await bench.principal(name, path="/ops/" if name == "b" else "/")
    await bench.principal("d", scope="aws/2/")
    found = await bench.read(principals.list_principals, SCOPE, "/", "", 2)
    assert [each.name for each in found] == ["a", "b"]
    found = await bench.read(principals.list_principals, SCOPE, "/", "b", 2)
    assert [each.name for each in found] == ["c"]
    found = await bench.read(principals.list_principals, SCOPE, "/ops/", "", 2)
    assert [each.name for each in found] == ["b"]


async def test_policies_of_a_principal_s_own(bench: Bench) -> None:
    await bench.principal()
    await bench.put_inline("two", "22")
    await bench.put_inline("one", "1")
    await bench.put_inline("two", "2222")
    assert await bench.read(principals.find_inline, WORKER, "two") == "2222"
    assert await bench.read(principals.list_inline, WORKER, "", 10) == ["one", "two"]
    assert await bench.read(principals.list_inline, WORKER, "one", 10) == ["two"]
    await bench.put_inline("two", "999999999")
    with pytest.raises(TooManyError):
        await bench.put_inline("two", "10 10 10 10")
    with pytest.raises(TooManyError):
        await bench.put_inline("three", "3")
    with pytest.raises(PrincipalInUseError) as caught:
        await bench.run(principals.delete, WORKER)
    assert caught.value.inline
    for name in ("one", "two"):
        await bench.run(principals.delete_inline, WORKER, name)
    for operation in (principals.find_inline, principals.delete_inline):
        with pytest.raises(InlinePolicyNotFoundError):
            await bench.run(operation, WORKER, "one")
    await bench.run(principals.delete, WORKER)


async def test_policies_have_versions(bench: Bench, clock: Clock) -> None:
    await bench.policy()
    with pytest.raises(PolicyExistsError):
        await bench.policy()
    clock._frozen_us += 1  # type: ignore[operator]
    policy, second = await bench.run(policies.add_version, READ, "2", 3, default=False)
    assert (policy.config.default, second.number, policy.modified_us) == (1, 2, clock.now())
    policy, third = await bench.run(policies.add_version, READ, "3", 3, default=True)
    assert (policy.config.default, third.number) == (3, 3)
    with pytest.raises(TooManyError):
        await bench.run(policies.add_version, READ, "4", 3, default=True)
    with pytest.raises(DefaultVersionError):
        await bench.run(policies.delete_version, READ, 3)
    await bench.run(policies.delete_version, READ, 2)
    with pytest.raises(PolicyVersionNotFoundError):
        await bench.run(policies.delete_version, READ, 2)
    with pytest.raises(PolicyVersionNotFoundError):
        await bench.run(policies.set_default, READ, 2)
    _, fourth = await bench.run(policies.add_version, READ, "4", 3, default=False)
    assert fourth.number == 4, "numbers aren't used again"
    _, versions = await bench.read(policies.list_versions, READ)
    assert [(each.number, each.document) for each in versions] == [(4, "4"), (3, "3"), (1, '{"v": 1}')]
    await bench.run(policies.set_default, READ, 1)
    policy, version = await bench.read(policies.find_version, READ, 1)
    assert (policy.config.default, version.document) == (1, '{"v": 1}')
    with pytest.raises(PolicyVersionsLeftError):
        await bench.run(policies.delete, READ, READ_REFERENCE)
    for number in (3, 4):
        await bench.run(policies.delete_version, READ, number)
    await bench.run(policies.delete, READ, READ_REFERENCE)
    with pytest.raises(PolicyNotFoundError):
        await bench.read(policies.find, READ)


async def test_policies_are_attached_and_detached(bench: Bench) -> None:
    await bench.principal()
    await bench.policy()
    with pytest.raises(PolicyNotFoundError):
        await bench.attach("policy/none", stored=(SCOPE, "none"))
    for _ in range(2):
        await bench.attach(stored=READ)
    await bench.attach("another cloud's own")
    assert await bench.read(attachments.list_attached, WORKER) == ["another cloud's own", READ_REFERENCE]
    await bench.attach("third")
    with pytest.raises(TooManyError):
        await bench.attach("fourth")
    with pytest.raises(PolicyAttachedError):
        await bench.run(policies.delete, READ, READ_REFERENCE)
    with pytest.raises(PrincipalInUseError) as caught:
        await bench.run(principals.delete, WORKER)
    assert not caught.value.inline
    for reference in (READ_REFERENCE, "third", "another cloud's own"):
        await bench.run(attachments.detach, WORKER, reference)
    with pytest.raises(NotAttachedError):
        await bench.run(attachments.detach, WORKER, READ_REFERENCE)
    await bench.run(policies.delete, READ, READ_REFERENCE)
    await bench.run(principals.delete, WORKER)


async def test_one_policy_bounds_a_principal(bench: Bench) -> None:
    await bench.principal()
    await bench.policy()
    await bench.run(attachments.bound, WORKER, "first")
    await bench.run(attachments.bound, WORKER, READ_REFERENCE, stored=READ)
    assert (await bench.read(principals.find, WORKER)).bound == READ_REFERENCE
    with pytest.raises(PolicyAttachedError):
        await bench.run(policies.delete, READ, READ_REFERENCE)
    await bench.run(attachments.bound, WORKER, None)
    assert (await bench.read(principals.find, WORKER)).bound is None
    await bench.run(attachments.bound, WORKER, "last")
    await bench.run(principals.delete, WORKER)


async def test_who_has_a_policy(bench: Bench) -> None:
    for name, scope in (("worker", SCOPE), ("other", SCOPE), ("worker", "aws/2/")):
        await bench.principal(name, scope)
        await bench.run(attachments.attach, (scope, name), "shared", 3)
    await bench.run(attachments.bound, WORKER, "shared")
    uses = await bench.read(attachments.count_uses, SCOPE, ["shared", "none"])
    assert uses == {"shared": Uses(2, 1), "none": Uses(0, 0)}
    found = await bench.read(attachments.holders, SCOPE, "shared", (GRANTS, BOUNDS))
    assert [(each.name, each.path) for each in found] == [("other", "/"), ("worker", "/")]
    found = await bench.read(attachments.holders, SCOPE, "shared", (BOUNDS,))
    assert [each.name for each in found] == ["worker"]


async def test_sessions_are_found_by_their_key_until_they_are_forgotten(bench: Bench, clock: Clock) -> None:
    session = Session("KEY", "s", "t", SCOPE, clock.now(), clock.now() + SECOND_US, 7, "Worker", "name", ["{}"])
    await bench.run(sessions.issue, session)
    assert await bench.read(sessions.find, "KEY") == session
    assert await bench.read(sessions.find, "OTHER") is None
    clock._frozen_us += sessions.REMEMBERED_SECONDS * SECOND_US  # type: ignore[operator]
    await bench.run(sessions.forget_expired)
    assert await bench.read(sessions.find, "KEY") == session
    clock._frozen_us += SECOND_US  # type: ignore[operator]
    await bench.run(sessions.forget_expired)
    assert await bench.read(sessions.find, "KEY") is None
