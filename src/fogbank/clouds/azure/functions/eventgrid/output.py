"""Event Grid output bindings: events to a topic or domain of this server.

"Azure Event Grid output binding for Azure Functions": the binding names two settings, one with the topic's endpoint and
one with its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec

from fogbank.clouds.azure.eventgrid import endpoints, topics
from fogbank.clouds.azure.eventgrid.errors import EventGridError
from fogbank.clouds.azure.eventgrid.model import address_of
from fogbank.clouds.azure.eventgrid.schemas import check_events
from fogbank.clouds.azure.hosts import EVENT_GRID_HOSTS, EVENT_GRID_PATH
from fogbank.engines.identity import keyed_resources
from fogbank.engines.identity.keyed_resources import KeyedResourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store


async def publish(
    parts: tuple[Store, Ids], now_us: int, binding: Mapping[str, Any], settings: Mapping[str, str],
    contents: Sequence[bytes],
) -> str:  # fmt: skip
    """Publish what a function handed over; returns what was in the way, or nothing."""
    store, ids = parts
    setting, key = str(binding.get("topicEndpointUri", "")), str(binding.get("topicKeySetting", ""))
    try:
        address = address_of(label_of(settings[setting]))
        resource = await store.read(keyed_resources.find_at, address)
        if settings[key] not in resource.config.keys.values():
            return f"the key in {key} is none of the topic's"
        given = [msgspec.json.decode(each) for each in contents]
        events = [event for each in given for event in (each if isinstance(each, list) else [each])]
        await endpoints.publish(store, ids, now_us, resource, check_events(events, topics.schema_of(resource)))
    except KeyError as error:
        return f"the setting {error} is not defined"
    except KeyedResourceNotFoundError:
        return f"the endpoint in {setting} is none of this server's topics"
    except msgspec.DecodeError as error:
        return f"what was handed over is no event: {error}"
    except EventGridError as error:
        return error.message
    return ""


def label_of(endpoint: str) -> str:
    """Return the first label of the host that a topic's endpoint has, or would have; empty if it has none."""
    parts = urlsplit(endpoint)
    host = (parts.hostname or "").lower()
    for suffix in EVENT_GRID_HOSTS:
        if host.endswith(suffix):
            return host.removesuffix(suffix)
    if not parts.path.startswith(EVENT_GRID_PATH):
        return ""
    return unquote(parts.path.removeprefix(EVENT_GRID_PATH)).partition("/")[0]
