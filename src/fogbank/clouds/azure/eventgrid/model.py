"""What Event Grid keeps of its resources: names in the engine, and the properties of event subscriptions.

Topics, domains and namespaces are keyed resources, whose addresses are the first labels of their host names; each is a
topic of the engine, too, and so are a domain's and a namespace's topics.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.azure.eventgrid.schemas import EVENT_GRID
from fogbank.languages.eventgrid_filters import Rules, compile_filter

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import Subscription
    from fogbank.languages.eventgrid_filters import Filter

DIALECT: Final = "eventgrid"
# The kinds of keyed resources, which are the types' names in paths.
TOPICS: Final = "topics"
DOMAINS: Final = "domains"
NAMESPACES: Final = "namespaces"
SYSTEM_TOPICS: Final = "systemTopics"


def kind_of(collection: str) -> str:
    """Return the kind of keyed resource that a collection of ARM has."""
    return f"eventgrid/{collection}"


def type_of(kind: str) -> str:
    """Return the collection of a kind, as ids have it."""
    collection = kind.partition("/")[2]
    return SYSTEM_TOPICS if collection == SYSTEM_TOPICS.lower() else collection


def topic_name(*parts: str) -> str:
    """Return the engine's name of a topic: `topics/X`, `domains/X`, `domains/X/topics/Y`, `namespaces/X/topics/Y`."""
    return "/".join(("eventgrid", *(part.lower() for part in parts)))


def address_of(label: str) -> str:
    """Return the address of what has a host name that begins with a label."""
    return f"eventgrid/{label.lower()}"


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an event subscription takes events, as its label `terms` has it."""

    types: tuple[str, ...] = ()
    begins: str = ""
    ends: str = ""
    case_sensitive: bool = False
    arrays: bool = False
    advanced: tuple[dict[str, Any], ...] = ()
    schema: str = EVENT_GRID
    batch_max: int = 1
    batch_kib: int = 64
    function: str = ""
    lives_seconds: int = 0
    headers: tuple[dict[str, Any], ...] = ()
    expires_us: int = 0
    pull: bool = False


class Prepared(NamedTuple):
    """A subscription's terms, and the filter that they make."""

    terms: Terms
    passes: Filter


@lru_cache(maxsize=4_096)
def prepare(text: str) -> Prepared:
    """Return what a label `terms` says; raises `FilterError`."""
    terms = msgspec.json.decode(text, type=Terms)
    rules = Rules(frozenset(terms.types), terms.begins, terms.ends, terms.case_sensitive)
    return Prepared(terms, compile_filter(rules, terms.advanced, arrays=terms.arrays))


def prepared_of(subscription: Subscription) -> Prepared:
    """Return the terms of a subscription, with its filter."""
    return prepare(subscription.config.labels["terms"])
