"""The outbox: mail, text messages and push notifications to people, as a page to look at and as JSON."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any, Final

from fogbank.control.records import iso
from fogbank.control.replies import RefusedError, allow, json_reply, read_number, read_query
from fogbank.engines.outbox import choices, outbox
from fogbank.engines.outbox.outbox import MailNotFoundError
from fogbank.wire.http import Response

if TYPE_CHECKING:
    from fogbank.engines.outbox.outbox import Kept
    from fogbank.storage import Store
    from fogbank.wire.http import Request

PATH: Final = "/_fogbank/outbox"
LIMIT_DEFAULT: Final = 100
LIMIT_MAX: Final = 1_000
NUMBER_MAX: Final = 10**15
_ONE: Final = re.compile(PATH + r"/(\d{1,15})", re.ASCII)
_STOP: Final = re.compile(_ONE.pattern + "/stop", re.ASCII)
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")
_HEADERS: Final = [
    (b"Content-Type", b"text/html; charset=utf-8"),
    (b"Content-Security-Policy", b"default-src 'none'; style-src 'unsafe-inline'"),
]
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Outbox - Fogbank</title><style>
body {{ font: 15px/1.5 sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em }}
article {{ border: 1px solid #ccc; border-radius: 6px; margin: 1em 0; padding: .8em 1em }}
header {{ color: #555 }} h2 {{ font-size: 1.05em; margin: .3em 0 }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 }}
</style></head><body><h1>Outbox</h1><p>{count}</p>
{articles}
</body></html>
"""


class OutboxEndpoint:
    """Answers what is asked of the outbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, request: Request, path: str) -> Response:
        """Answer a request, or raise `RefusedError`."""
        if path == PATH:
            allow(request, path, "GET", "HEAD", "DELETE")
            if request.method == "DELETE":
                read_query(request)
                return json_reply(200, {"removed": await self._store.run(outbox.empty)})
            return await self._list(request)
        if match := _ONE.fullmatch(path):
            allow(request, path, "GET", "HEAD")
            read_query(request)
            return json_reply(200, _show(await self._find(int(match[1]))))
        if match := _STOP.fullmatch(path):
            allow(request, path, "POST")
            read_query(request)
            return await self._stop(int(match[1]))
        raise RefusedError(404, f"There is nothing at {path}.")

    async def _list(self, request: Request) -> Response:
        values = read_query(request, "format", "after", "limit")
        limit = read_number(values, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT)
        form = values.get("format", "json" if "application/json" in request.header(b"accept") else "html")
        if form not in ("json", "html"):
            raise RefusedError(400, f"format must be json or html, not {form!r}.")
        if form == "html":
            if "after" in values:
                raise RefusedError(400, "after needs format=json: the page shows the latest.")
            return Response(200, _HEADERS, _page(await self._store.scan(outbox.latest, limit)).encode())
        after = read_number(values, "after", 0, NUMBER_MAX, 0)
        found = await self._store.scan(outbox.following, after, limit)
        follows = found[-1].number if len(found) == limit else None
        return json_reply(200, {"messages": [_show(kept) for kept in found], "next": follows})

    async def _stop(self, number: int) -> Response:
        """Do what the owner of a phone number does who answers a text message with STOP."""
        mail = (await self._find(number)).mail
        if mail.kind != outbox.SMS:
            raise RefusedError(409, f"Message {number} is no text message.")
        await self._store.run(choices.opt_out, mail.scope, mail.recipient)
        return json_reply(200, {"opted_out": mail.recipient})

    async def _find(self, number: int) -> Kept:
        try:
            return await self._store.scan(outbox.find, number)
        except MailNotFoundError:
            raise RefusedError(404, f"There is no message {number} in the outbox.") from None


def _show(kept: Kept) -> dict[str, Any]:
    mail = kept.mail
    return {
        "number": kept.number,
        "at": iso(kept.at_us),
        "kind": mail.kind,
        "to": mail.recipient,
        "from": mail.sender,
        "subject": mail.subject,
        "text": mail.text,
        "scope": mail.scope,
        "facts": mail.facts,
    }


def _page(latest: list[Kept]) -> str:
    count = "Nothing was sent yet." if not latest else "The latest messages; with ?format=json, all of them."
    return _PAGE.format(count=count, articles="\n".join(map(_article, latest)))


def _article(kept: Kept) -> str:
    mail = kept.mail
    sender = f" from {escape(mail.sender)}" if mail.sender else ""
    subject = f"<h2>{escape(mail.subject)}</h2>" if mail.subject else ""
    return (
        f"<article><header>{kept.number} · {escape(iso(kept.at_us))} · {escape(mail.kind)} to"
        f" {escape(mail.recipient)}{sender}</header>{subject}<pre>{_linked(mail.text)}</pre></article>"
    )


def _linked(text: str) -> str:
    """Return a text as HTML, with its addresses as links."""
    parts, place = [], 0
    for match in _LINK.finditer(text):
        link = escape(match[0])
        parts += [escape(text[place : match.start()]), f'<a href="{link}">{link}</a>']
        place = match.end()
    return "".join([*parts, escape(text[place:])])
