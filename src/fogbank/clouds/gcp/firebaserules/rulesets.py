"""Rulesets: texts of rules, which never change."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.firebaserules.shapes import message
from fogbank.clouds.gcp.firestore.names import scope_of
from fogbank.clouds.gcp.firestore.rules import keeping
from fogbank.clouds.gcp.firestore.rules.keeping import Kept
from fogbank.clouds.gcp.firestore.service import set_time
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid, refuse_unsupported, unsupported
from fogbank.languages.security_rules.errors import RulesError
from fogbank.languages.security_rules.rulesets import parse_rules
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.engines.messaging.records import Record
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

# Firebase, "Manage and deploy Firebase Security Rules": rulesets of a project.
RULESETS_MAX: Final = 2_500
PAGE_SIZE_MAX: Final = 100
_PROJECT: Final = re.compile(r"projects/([^/]+)")
_NAME: Final = re.compile(r"projects/([^/]+)/rulesets/([^/]+)")
_SUPPORTED: Final = {"name": None, "source": {"files": None}, "metadata": None}


def read_project(name: str) -> str:
    """Return the project of its name; raises `GrpcError`."""
    match = _PROJECT.fullmatch(name)
    if match is None:
        raise invalid("name", f"Invalid project name {name!r}.")
    return match[1]


def read_ruleset_name(name: str) -> tuple[str, str]:
    """Return project and id of a ruleset's name; raises `GrpcError`."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise invalid("name", f"Invalid ruleset name {name!r}.")
    return match[1], match[2]


async def create_ruleset(parts: Parts, _call: Call, request: Any) -> Any:
    """Keep a ruleset, which must be one."""
    project = read_project(request.name)
    refuse_unsupported(request.ruleset, _SUPPORTED, "ruleset")
    files = request.ruleset.source.files
    if len(files) != 1:
        raise invalid("ruleset.source.files", f"Fogbank takes rulesets of one file, not of {len(files)}.")
    return await put_rules(parts, project, files[0].name, files[0].content)


async def put_rules(parts: Parts, project: str, file: str, text: str) -> Any:
    """Keep the rules of a text; returns the ruleset, raises `GrpcError` for what is none."""
    kept = Kept(file, text, _service_of(file, text))
    identifier = parts.ids.uuid()
    number = parts.ids.sequence()
    scope = scope_of(project)

    async def put(tx: Tx, now_us: int) -> Record:
        if await keeping.count_rulesets(tx, now_us, scope) >= RULESETS_MAX:
            raise GrpcError(Code.RESOURCE_EXHAUSTED, f"A project has at most {RULESETS_MAX} rulesets.")
        return await keeping.put_ruleset(tx, now_us, scope, identifier, number, kept)

    return _show(project, await parts.store.run(put), kept)


def _service_of(file: str, text: str) -> str:
    try:
        return parse_rules(text).service
    except RulesError as error:
        raise invalid("ruleset.source", f"{file or 'rules'}: {error}") from None


def _show(project: str, record: Record, kept: Kept, *, whole: bool = True) -> Any:
    shown = message("Ruleset", name=f"projects/{project}/rulesets/{record.name}")
    if whole:
        # Lists leave the sources out.
        fingerprint = sha256(kept.text.encode()).digest()
        shown.source.files.add(name=kept.file, content=kept.text, fingerprint=fingerprint)
        shown.metadata.services.append(kept.service)
    set_time(shown.create_time, record.created_us)
    return shown


async def get_ruleset(parts: Parts, _call: Call, request: Any) -> Any:
    """Return a ruleset."""
    project, identifier = read_ruleset_name(request.name)
    found = await parts.store.read(keeping.find_ruleset, scope_of(project), identifier)
    if found is None:
        raise missing(request.name)
    return _show(project, *found)


def missing(_name: str) -> GrpcError:
    """Return the error for a ruleset or a release that isn't there."""
    return GrpcError(Code.NOT_FOUND, "Requested entity was not found.")


async def list_rulesets(parts: Parts, _call: Call, request: Any) -> Any:
    """List a project's rulesets."""
    project = read_project(request.name)
    if request.filter:
        raise unsupported("filter in ListRulesets")
    size = read_page_size(request.page_size, PAGE_SIZE_MAX)
    after = read_page_token(request.page_token)
    found = await parts.store.read(keeping.list_rulesets, scope_of(project), after, size + 1)
    response = message("ListRulesetsResponse")
    response.rulesets.extend(_show(project, *each, whole=False) for each in found[:size])
    if len(found) > size:
        response.next_page_token = write_page_token(found[size - 1][0].name)
    return response


async def delete_ruleset(parts: Parts, _call: Call, request: Any) -> Any:
    """Forget a ruleset that no release has."""
    project, identifier = read_ruleset_name(request.name)
    scope = scope_of(project)

    async def delete(tx: Tx, now_us: int) -> bool:
        if any(each.body.decode() == identifier for each in await keeping.list_releases(tx, now_us, scope)):
            raise GrpcError(Code.FAILED_PRECONDITION, "The ruleset is referenced by a release.")
        return await keeping.remove_ruleset(tx, now_us, scope, identifier)

    if not await parts.store.run(delete):
        raise missing(request.name)
    return parts.types.message("google.protobuf.Empty")()
