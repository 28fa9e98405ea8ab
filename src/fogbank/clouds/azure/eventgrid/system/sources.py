"""Resources that emit events by themselves: subscriptions, resource groups, apps; others are refused by name.

What has subscribed to a source's events, through a system topic or by itself, hangs on one topic of the engine. Those
of all of a subscription's sources are in one scope.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.clouds.azure.arm.resources import PROVIDERS
from fogbank.clouds.azure.errors import AzureError, unsupported
from fogbank.clouds.azure.eventgrid.model import topic_name
from fogbank.clouds.azure.functions import apps
from fogbank.engines.functions import functions
from fogbank.engines.functions.errors import FunctionNotFoundError
from fogbank.kernel.scope import Scope

if TYPE_CHECKING:
    from fogbank.clouds.azure.arm.calls import ArmCall
    from fogbank.engines.messaging.model import Name
    from fogbank.storage import Tx

# The folder of their topics in the engine.
SOURCES: Final = "sources"
SUBSCRIPTION_TYPE: Final = "Microsoft.Resources.Subscriptions"
GROUP_TYPE: Final = "Microsoft.Resources.ResourceGroups"
SITE_TYPE: Final = "Microsoft.Web.Sites"
_ID: Final = re.compile(
    r"/subscriptions/([0-9a-f-]{36})(?:/resourceGroups/([^/\0]+)(?:/providers/([^/\0]+)/([^/\0]+)/([^/\0]+))?)?/?",
    re.IGNORECASE,
)
_TYPES: Final = {"microsoft.web/sites": SITE_TYPE}


class Source(NamedTuple):
    """What emits events: its id in ARM, its topic type, and the engine's topic that they are published to."""

    id: str
    type: str
    topic: Name
    path: tuple[str, ...]

    @property
    def name(self) -> str:
        """The last segment of its id."""
        return self.path[-1]


def read_source(text: Any) -> Source:
    """Return the source of a resource id, or raise the `AzureError` for what emits no events here."""
    match = _ID.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise AzureError(400, "InvalidRequest", f"The source {text!r} is not the id of a resource.")
    subscription, group, provider, kind, name = match.groups()
    scope = scope_of(subscription)
    if group is None:
        return Source(
            f"/subscriptions/{subscription}", SUBSCRIPTION_TYPE, (scope, topic_name(SOURCES, "subscription")),
            (subscription,),
        )  # fmt: skip
    of_group = f"/subscriptions/{subscription}/resourceGroups/{group}"
    if provider is None:
        return Source(of_group, GROUP_TYPE, (scope, topic_name(SOURCES, "groups", group)), (subscription, group))
    provider = PROVIDERS.get(provider.lower(), provider)
    topic_type = _TYPES.get(f"{provider}/{kind}".lower())
    if topic_type is None:
        raise unsupported(f"events of {provider}/{kind}: those of {', '.join(TYPES)} are there")
    topic = topic_name(SOURCES, "groups", group, provider, kind, name)
    return Source(f"{of_group}/providers/{provider}/{kind}/{name}", topic_type, (scope, topic),
                  (subscription, group, name))  # fmt: skip


TYPES: Final = (SUBSCRIPTION_TYPE, GROUP_TYPE, SITE_TYPE)


def scope_of(subscription: str) -> str:
    """Return the scope of the topics of a subscription's sources."""
    return Scope("azure", subscription.lower(), "").key


def source_of(call: ArmCall) -> Source:
    """Return the source that a request's event subscription is below of."""
    text = f"/subscriptions/{call.subscription}"
    if call.group:
        text += f"/resourceGroups/{call.group}"
    if call.extends:
        text += f"/providers/{'/'.join(call.extends)}"
    return read_source(text)


async def check(tx: Tx, now_us: int, source: Source) -> str:
    """Return where a source is; raises the `AzureError` for one that isn't there: a store operation."""
    if source.type != SITE_TYPE:
        return "global"
    subscription, group, name = source.path
    try:
        app = await functions.find(tx, now_us, apps.key_of(subscription, group, name))
    except FunctionNotFoundError:
        message = f"The Resource 'Microsoft.Web/sites/{name}' under resource group '{group}' was not found."
        raise AzureError(404, "ResourceNotFound", message) from None
    return app.config.labels["location"].replace(" ", "").lower()
