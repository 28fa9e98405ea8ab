"""What Google's emulator can do beside the API: all documents of a database go away at once, rules are set.

Firebase, "Connect your app to the Cloud Firestore Emulator: Clear your database between tests"
(https://firebase.google.com/docs/emulator-suite/connect_firestore). Rules are set as Firebase's unit testing library
does it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from fogbank.clouds.gcp.firebaserules.releases import set_rules
from fogbank.clouds.gcp.firestore.names import Database, read_database
from fogbank.clouds.gcp.firestore.service import find, invalid
from fogbank.clouds.gcp.firestore.shape import configuration, feed_of
from fogbank.engines.documents import collections, history
from fogbank.languages.security_rules.rulesets import RULES_BYTES_MAX
from fogbank.wire.google.rest import write_error
from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.http import BodyTooLargeError, Response

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts
    from fogbank.storage import Tx
    from fogbank.wire.http import Request

_RULES: Final = re.compile(r"/emulator/v1/projects/([^/:]+):securityRules")
_DOCUMENTS: Final = re.compile(r"/emulator/v1/(projects/[^/]+/databases/[^/]+)/documents")


async def handle(parts: Parts, request: Request) -> Response:
    """Answer a request of the emulator's own."""
    rules = _RULES.fullmatch(unquote(request.raw_path))
    if rules is not None and request.method == "PUT":
        return await _set_rules(parts, read_database(f"projects/{rules[1]}/databases/(default)"), request)
    match = _DOCUMENTS.fullmatch(unquote(request.raw_path))
    if match is None or request.method != "DELETE":
        refused = GrpcError(Code.UNIMPLEMENTED, f"Fogbank doesn't support {request.method} {request.raw_path}.")
        return write_error(parts.types, refused)
    numbers = parts.ids.sequence(), parts.ids.sequence()
    await parts.store.run(clear, read_database(match[1]), *numbers)
    return Response(200, [(b"Content-Type", b"application/json")], b"{}")


class _File(msgspec.Struct):
    content: str
    name: str = "firestore.rules"


class _Files(msgspec.Struct):
    files: list[_File]


class _Wanted(msgspec.Struct):
    rules: _Files


async def _set_rules(parts: Parts, database: Database, request: Request) -> Response:
    try:
        wanted = msgspec.json.decode(await request.read(2 * RULES_BYTES_MAX), type=_Wanted)
        if len(wanted.rules.files) != 1:
            raise invalid("rules.files holds one file.")
        (file,) = wanted.rules.files
        await set_rules(parts, database, file.content, file.name)
    except GrpcError as error:
        return write_error(parts.types, error)
    except (msgspec.DecodeError, BodyTooLargeError) as error:
        return write_error(parts.types, invalid(f"Invalid JSON payload received. {error}"))
    return Response(200, [(b"Content-Type", b"application/json")], b"{}")


async def clear(tx: Tx, now_us: int, database: Database, number: int, index: int) -> None:
    """Give a database's documents up, and tell those who listen: a store operation."""
    collection = await find(tx, now_us, database)
    if collection is None:
        return
    latest = await collections.latest(tx, now_us, collection)
    kept = msgspec.structs.replace(
        configuration(database, index), labels=collection.config.labels, expiry=collection.config.expiry
    )
    if collection.config.protected:
        await collections.update(tx, now_us, database, lambda config: msgspec.structs.replace(config, protected=False))
        kept = msgspec.structs.replace(kept, protected=True)
    await collections.delete(tx, now_us, database)
    made = await collections.create(tx, now_us, database, number, kept)
    version = await collections.tick(tx, max(now_us, latest + 1), made)
    await history.tell_cleared(tx, now_us, feed_of(database), version)
