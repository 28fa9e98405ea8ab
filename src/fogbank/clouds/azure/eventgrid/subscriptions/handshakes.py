"""Asking a webhook whether it wants events ("Webhook event delivery: Endpoint validation").

With Event Grid's schema it is sent an event with a code that it returns, or whose URL somebody opens; with CloudEvents
an OPTIONS request that it allows (CloudEvents' "HTTP 1.1 Web Hooks for Event Delivery").
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.azure.errors import AzureError
from fogbank.clouds.azure.eventgrid.schemas import CLOUD_EVENTS
from fogbank.connectors.delivery.posting import Posting
from fogbank.kernel.clock import SECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.azure.parts import Parts
    from fogbank.connectors.delivery.couriers import Answer

ORIGIN: Final = "eventgrid.azure.net"
SECONDS_MAX: Final = 30
VALIDATION: Final = "Microsoft.EventGrid.SubscriptionValidationEvent"


async def shake_hands(parts: Parts, url: str, schema: str, topic: str, name: str, validation: tuple[str, str]) -> bool:
    """Ask a webhook; True if it said yes, False if somebody has to. `validation` are code and URL for that.

    Raises the `AzureError` for one that said no.
    """
    if schema == CLOUD_EVENTS:
        headers = {"WebHook-Request-Origin": ORIGIN, "WebHook-Request-Callback": validation[1]}
        answer = await parts.poster.send(Posting(url, b"", headers, "OPTIONS", SECONDS_MAX))
        if not answer.ok:
            raise _refused(url, "OPTIONS", answer)
        return answer.headers.get("webhook-allowed-origin", "") in ("*", ORIGIN)
    now = datetime.fromtimestamp(parts.clock.now() / SECOND_US, UTC)
    event = {
        "id": parts.ids.uuid(),
        "topic": topic,
        "subject": "",
        "data": {"validationCode": validation[0], "validationUrl": validation[1]},
        "eventType": VALIDATION,
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S.%f}Z",
        "metadataVersion": "1",
        "dataVersion": "2",
    }
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "aeg-event-type": "SubscriptionValidation",
        "aeg-subscription-name": name.upper(),
        "aeg-delivery-count": "0",
        "aeg-data-version": "2",
        "aeg-metadata-version": "1",
    }
    answer = await parts.poster.send(Posting(url, msgspec.json.encode([event]), headers, "POST", SECONDS_MAX))
    if not answer.ok:
        raise _refused(url, "POST", answer)
    return _code(answer) == validation[0]


def _code(answer: Answer) -> str:
    try:
        said = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(said, dict):
        return ""
    return next((str(value) for name, value in said.items() if name.lower() == "validationresponse"), "")


def _refused(url: str, method: str, answer: Answer) -> AzureError:
    message = (
        f"Webhook validation handshake failed for {url}. Http {method} request failed with response code"
        f" {answer.status or 'Unknown'} ({answer.reason}). For troubleshooting, visit"
        " https://aka.ms/esvalidation."
    )
    return AzureError(400, "Url validation", message)
