"""What scripts ask of their container, answered within their draft.

"JavaScript server-side API, Collection" (https://azure.github.io/azure-cosmosdb-js-server/Collection.html): what is in
the way is an object with the number of the error and its message.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.azure.cosmos.errors import CosmosError, bad_request, not_found, unsupported
from fogbank.clouds.azure.cosmos.items.keys import encode_levels, levels_of
from fogbank.clouds.azure.cosmos.items.shown import read_charge, show_item, write_charge
from fogbank.clouds.azure.cosmos.items.writing import Conditions, ItemWrite, Target, read_item
from fogbank.clouds.azure.cosmos.queries.requests import make_query, within
from fogbank.clouds.azure.cosmos.rids import decoded, etag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.azure.cosmos.scripts.drafts import Draft
    from fogbank.clouds.azure.cosmos.scripts.functions import Functions
    from fogbank.languages.javascript.sandbox import Worker

PAGE: Final = 100
_KINDS: Final = {"createDocument": "create", "upsertDocument": "upsert", "replaceDocument": "replace"}
_OTHER_PARTITION: Final = (
    "Requests originating from scripts cannot reference partition keys other than the one for which client request was"
    " submitted."
)
_EVERYTHING: Final = {"query": "SELECT * FROM root r"}
_RID_BYTES: Final = 16


class Answering:
    """Answers a script's requests. `altlink` is the container's link by names, `functions` what queries may call."""

    def __init__(self, draft: Draft, altlink: str, now_us: int, worker: Worker, functions: Functions) -> None:
        self._draft = draft
        self._altlink = altlink
        self._now_us = now_us
        self._worker = worker
        self._functions = functions

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a request's callback is called with."""
        number = request.get("number")
        try:
            value, options = await self._run(request)
        except CosmosError as error:
            return {"number": number, "error": {"number": error.status, "body": error.message}}
        return {"number": number, "value": value, "options": options}

    async def _run(self, request: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        kind, options = request.get("kind"), request.get("options")
        if not isinstance(options, dict):
            raise bad_request("The options of a request must be an object.")
        if str(options.get("indexAction", "default")).lower() not in ("default", "include"):
            raise unsupported(f"the value {options['indexAction']} of indexAction")
        link = str(request.get("link"))
        if kind == "queryDocuments":
            self._check_container(link)
            return await self._query(request.get("query"), options)
        if kind in ("createDocument", "upsertDocument"):
            self._check_container(link)
            return await self._write(_KINDS[kind], request.get("body"), "", options)
        identifier = await self._identify(link)
        if kind == "replaceDocument":
            return await self._write("replace", request.get("body"), identifier, options)
        if kind == "readDocument":
            return await self._read(identifier, options)
        if kind == "deleteDocument":
            return await self._delete(identifier, options)
        raise unsupported(f"the operation {kind} in scripts")

    def _check_container(self, link: str) -> None:
        own = self._draft.layout.link.removesuffix("/docs/")
        if link.strip("/") not in (own, self._altlink):
            raise bad_request(f"The link '{link}' is not that of the container that the script runs in.")

    async def _identify(self, link: str) -> str:
        """Return the id of the item that a link names, or raise the error for one that isn't there."""
        container, _, name = link.strip("/").rpartition("/docs/")
        self._check_container(container)
        if container == self._altlink:
            return name
        try:
            rid = decoded(name)
        except binascii.Error:
            rid = b""
        layout = self._draft.layout
        if len(rid) != _RID_BYTES or rid[: len(layout.rid)] != layout.rid:
            raise bad_request(f"The link '{link}' is invalid.")
        created = int.from_bytes(rid[len(layout.rid) :], "little")
        identifier = await self._draft.id_of(created, make_query(_EVERYTHING, self._now_us))
        if not identifier:
            raise not_found()
        return identifier

    async def _write(
        self, kind: str, fields: Any, identifier: str, options: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        if not isinstance(fields, dict):
            raise bad_request("The input content is invalid because the document must be a JSON object.")
        automatic = options.get("disableAutomaticIdGeneration") or options.get("disableAutoIdGen")
        if fields.get("id") is None and kind != "replace" and not automatic:
            fields["id"] = self._draft.ids.uuid()
        document = read_item(fields, len(msgspec.json.encode(fields)))
        if identifier and document.fields["id"] != identifier:
            raise bad_request("The id of an item can't be changed.")
        draft = self._draft
        if encode_levels(levels_of(document.fields, draft.layout.levels)) != encode_levels(draft.levels):
            raise bad_request(_OTHER_PARTITION)
        target = Target(str(document.fields["id"]), draft.levels, fields=document.fields)
        written = await draft.write(target.identifier, ItemWrite(kind, target, _conditions(options), document))
        assert written.after is not None
        draft.charge += write_charge(written.after.size)
        return show_item(draft.layout, written.after), {}

    async def _read(self, identifier: str, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        found = await self._draft.get(identifier)
        if found is None:
            raise not_found()
        self._draft.charge += read_charge(found.size)
        if _conditions(options).if_none_match.strip('"') == etag_of(found.version).strip('"'):
            return None, {"notModified": True}
        return show_item(self._draft.layout, found), {}

    async def _delete(self, identifier: str, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        target = Target(identifier, self._draft.levels)
        written = await self._draft.write(identifier, ItemWrite("delete", target, _conditions(options)))
        assert written.before is not None
        self._draft.charge += write_charge(written.before.size)
        return None, {}

    async def _query(self, given: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        asked = make_query({"query": given} if isinstance(given, str) else given, self._now_us)
        query = within(asked, self._draft.layout)
        size, start = _page(options)
        await self._functions.prepare(query.program.functions)
        found = await self._draft.candidates(query)
        self._draft.charge += 2.3 + 0.03 * len(found)
        results = await self._worker.run(self._functions.gather, query, self._draft.layout, found)
        end = len(results) if size is None else start + size
        rest = {"continuation": str(end)} if end < len(results) else {}
        return results[start:end], rest


def _page(options: Mapping[str, Any]) -> tuple[int | None, int]:
    """Return how many results a page may have, None for all of them, and with which it begins."""
    size, start = options.get("pageSize", PAGE), str(options.get("continuation") or "0")
    if type(size) is not int or (size != -1 and size < 1) or not start.isdigit() or len(start) > 9:
        raise bad_request("The pageSize or the continuation is invalid.")
    return None if size == -1 else size, int(start)


def _conditions(options: Mapping[str, Any]) -> Conditions:
    """Return what a request's options say of entity tags."""
    if_match, if_none_match = options.get("etag") or "", options.get("ifNoneMatch") or ""
    given = options.get("accessCondition")
    if isinstance(given, dict):
        kind, tag = given.get("type"), given.get("condition") or ""
        if kind not in ("IfMatch", "IfNoneMatch"):
            raise bad_request(f"The type '{kind}' of an accessCondition is invalid.")
        if_match, if_none_match = (tag, if_none_match) if kind == "IfMatch" else (if_match, tag)
    return Conditions(str(if_match), str(if_none_match))
