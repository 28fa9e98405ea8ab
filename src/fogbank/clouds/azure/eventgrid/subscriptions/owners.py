"""What event subscriptions are of: topics, domains and their topics, system topics, resources that emit events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from fogbank.clouds.azure.eventgrid import topics
from fogbank.clouds.azure.eventgrid.model import SYSTEM_TOPICS, topic_name
from fogbank.clouds.azure.eventgrid.schemas import EVENT_GRID
from fogbank.clouds.azure.eventgrid.system import sources
from fogbank.clouds.azure.eventgrid.system.sources import SOURCES, Source

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.clouds.azure.parts import Parts
    from fogbank.engines.messaging.model import Name

TYPE: Final = "Microsoft.EventGrid/eventSubscriptions"
SUBSCRIPTIONS: Final = "eventSubscriptions"


class Owner(NamedTuple):
    """What a subscription is of.

    `topic` is the engine's, the subscriptions' ids in which begin with `prefix`; `schema` is that of its events.
    `id` is what it is in ARM, `kind` the type of its subscriptions, and `below` where their names come in ids.
    `label` is the first of the path that validations are opened at; `name` is what a topic is called that is made with
    its first subscription. `source` is the id of the resource that emits the events, if one does.
    """

    topic: Name
    prefix: str
    schema: str
    id: str
    kind: str
    below: str
    label: str
    name: str
    source: str = ""

    def number(self, name: str) -> str:
        """Return the engine's id of a subscription."""
        return f"{self.prefix}/{SUBSCRIPTIONS}/{name.lower()}"


def length_of(call: ArmCall) -> int:
    """Return how many segments of a request's path are the owner's."""
    lowered = [segment.lower() for segment in call.path]
    if lowered[0] == SUBSCRIPTIONS.lower():
        return 0
    return 4 if lowered[2] == "topics" else 2


def name_in(call: ArmCall) -> str:
    """Return the name of the subscription that a request is for."""
    return call.path[length_of(call) + 1]


async def find_owner(parts: Parts, call: ArmCall) -> Owner:
    """Return what a request's subscriptions are of, or raise the `AzureError` for what isn't there."""
    length = length_of(call)
    if not length:
        return of_source(sources.source_of(call))
    resource = await topics.find(parts, call)
    if topics.collection_of(call) == SYSTEM_TOPICS.lower():
        return _of_system_topic(topics.id_of(resource), resource.config.facts["source"])
    path = call.path[:length]
    name = topic_name(*path)
    full = "/".join((topics.id_of(resource), *path[2:]))
    label = resource.address.partition("/")[2]
    below = f"{full}/providers/{TYPE}"
    return Owner((resource.scope, name), name, topics.schema_of(resource), full, TYPE, below, label, path[-1])


def of_source(source: Source) -> Owner:
    """Return the owner of subscriptions that need no system topic."""
    below = f"{source.id}/providers/{TYPE}"
    return Owner(
        source.topic, source.topic[1], EVENT_GRID, source.id, TYPE, below, _label(source), source.name, source.id
    )


def _of_system_topic(full: str, text: str) -> Owner:
    source = sources.read_source(text)
    kind = f"{topics.PROVIDER}/{SYSTEM_TOPICS}/{SUBSCRIPTIONS}"
    below = f"{full}/{SUBSCRIPTIONS}"
    prefix = prefix_of(source, full)
    return Owner(source.topic, prefix, EVENT_GRID, full, kind, below, _label(source), source.name, source.id)


def prefix_of(source: Source, full: str) -> str:
    """Return what the ids of a system topic's subscriptions begin with; `full` is its own in ARM."""
    _, _, _, _, group, _, _, _, name = full.split("/")
    return f"{source.topic[1]}/{SYSTEM_TOPICS}/{group}/{name}".lower()


def _label(source: Source) -> str:
    """Return a label that no topic has: none of their addresses begins so."""
    return f"{SOURCES}.{source.path[0].lower()}"
