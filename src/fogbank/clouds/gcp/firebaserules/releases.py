"""Releases: which ruleset holds for a database. `cloud.firestore` is that of `(default)`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firebaserules.rulesets import (
    missing,
    put_rules,
    read_project,
    read_ruleset_name,
)
from fogbank.clouds.gcp.firebaserules.shapes import message
from fogbank.clouds.gcp.firestore.names import Database, read_database, scope_of
from fogbank.clouds.gcp.firestore.rules import keeping
from fogbank.clouds.gcp.firestore.rules.keeping import DEFAULT, SERVICE
from fogbank.clouds.gcp.firestore.service import create_database, set_time
from fogbank.clouds.gcp.paging import page
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

_NAME: Final = re.compile(r"projects/([^/]+)/releases/(.+)")
_SUPPORTED: Final = {"name": None, "ruleset_name": None, "create_time": None, "update_time": None}


def _read_name(name: str) -> Database:
    """Return the database of a release's name; raises `GrpcError`."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise invalid("name", f"Invalid release name {name!r}.")
    service, _, database = match[2].partition("/")
    if service != SERVICE:
        raise unsupported(f"the release {match[2]}: rules hold for {SERVICE} and {SERVICE}/DATABASE")
    return read_database(f"projects/{match[1]}/databases/{database or DEFAULT}")


def _show(database: Database, record: Record) -> Any:
    suffix = "" if database.id == DEFAULT else f"/{database.id}"
    shown = message(
        "Release",
        name=f"projects/{database.project}/releases/{SERVICE}{suffix}",
        ruleset_name=f"projects/{database.project}/rulesets/{record.body.decode()}",
    )
    set_time(shown.create_time, record.created_us)
    set_time(shown.update_time, record.modified_us)
    return shown


async def create_release(parts: Parts, _call: Call, request: Any) -> Any:
    """Have a ruleset hold for a database that has none."""
    project = read_project(request.name)
    database = _read_name(request.release.name)
    if database.project != project:
        raise invalid("release.name", "The release must be of the request's project.")
    return _show(database, await _release(parts, database, request.release, new=True))


async def update_release(parts: Parts, _call: Call, request: Any) -> Any:
    """Have another ruleset hold for a database."""
    database = _read_name(request.release.name)
    for path in request.update_mask.paths:
        if path != "ruleset_name":
            raise invalid("update_mask", f"The {path} of a release can't be changed.")
    return _show(database, await _release(parts, database, request.release, new=False))


async def _release(parts: Parts, database: Database, release: Any, *, new: bool) -> Record:
    refuse_unsupported(release, _SUPPORTED, "release")
    project, identifier = read_ruleset_name(release.ruleset_name)
    if project != database.project:
        raise invalid("release.ruleset_name", "The ruleset must be of the release's project.")
    number = parts.ids.sequence()
    await create_database(parts.store, parts.ids, database)

    async def put(tx: Tx, now_us: int) -> Record:
        found = await keeping.find_ruleset(tx, now_us, database.scope, identifier)
        if found is None:
            raise missing(release.ruleset_name)
        if found[1].service != SERVICE:
            raise invalid("release.ruleset_name", f"The ruleset is for {found[1].service}, not for {SERVICE}.")
        there = await keeping.find_release(tx, now_us, database) is not None
        if there and new:
            raise GrpcError(Code.ALREADY_EXISTS, "Requested entity already exists")
        if not there and not new:
            raise missing(release.name)
        return await keeping.release(tx, now_us, database, number, identifier)

    made: Record = await parts.store.run(put)
    return made


async def set_rules(parts: Parts, database: Database, text: str, file: str = "firestore.rules") -> None:
    """Have the rules of a text hold for a database; raises `GrpcError` for what is none."""
    ruleset = await put_rules(parts, database.project, file, text)
    if list(ruleset.metadata.services) != [SERVICE]:
        raise invalid("rules", f"The rules are for {ruleset.metadata.services[0]}, not for {SERVICE}.")
    await create_database(parts.store, parts.ids, database)
    identifier = ruleset.name.rpartition("/")[2]
    await parts.store.run(keeping.release, database, parts.ids.sequence(), identifier)


async def get_release(parts: Parts, _call: Call, request: Any) -> Any:
    """Return a release."""
    database = _read_name(request.name)
    found = await parts.store.read(keeping.find_release, database)
    if found is None:
        raise missing(request.name)
    return _show(database, found)


async def list_releases(parts: Parts, _call: Call, request: Any) -> Any:
    """List a project's releases."""
    project = read_project(request.name)
    if request.filter:
        raise unsupported("filter in ListReleases")
    found = await parts.store.read(keeping.list_releases, scope_of(project))
    shown, token = page([(each.name, each) for each in found], request.page_size, request.page_token)
    response = message("ListReleasesResponse", next_page_token=token)
    response.releases.extend(_show(Database(scope_of(project), each.name), each) for each in shown)
    return response


async def delete_release(parts: Parts, _call: Call, request: Any) -> Any:
    """Have no ruleset hold for a database any more."""
    database = _read_name(request.name)
    if not await parts.store.run(keeping.remove_release, database):
        raise missing(request.name)
    return parts.types.message("google.protobuf.Empty")()
