"""Names of resources at either end of routes, as each cloud writes them."""

from __future__ import annotations

import pytest

from fogbank.clouds.aws.services import aws_addresses
from fogbank.clouds.azure.services import azure_addresses
from fogbank.clouds.gcp.services import gcp_addresses
from fogbank.connectors.delivery.targets import Target, Targets, UnknownNameError
from fogbank.engines.messaging.delivery_model import FUNCTION, QUEUE, TOPIC

TARGETS = Targets((aws_addresses, gcp_addresses, azure_addresses))
PLACE = "us-east-1:111122223333"
SCOPE = "aws/111122223333/us-east-1"
GROUP = "/subscriptions/11111111-2222-3333-4444-55555555555A/resourceGroups/My.Group/providers/Microsoft.EventGrid"


@pytest.mark.parametrize(
    ("name", "kind", "endpoint"),
    [
        (f"arn:aws:sns:{PLACE}:news.fifo", TOPIC, f"{SCOPE}/news.fifo"),
        (f"arn:aws:sqs:{PLACE}:inbox", QUEUE, f"{SCOPE}/inbox"),
        (f"arn:aws:events:{PLACE}:event-bus/partner.bus", TOPIC, f"{SCOPE}/bus/partner.bus"),
        (f"arn:aws:lambda:{PLACE}:function:greet", FUNCTION, f"{SCOPE}/greet"),
        (f"arn:aws:lambda:{PLACE}:function:greet:live", FUNCTION, f"{SCOPE}/greet:live"),
        (f"arn:aws:lambda:{PLACE}:function:greet:$LATEST", FUNCTION, f"{SCOPE}/greet"),
        ("projects/shop/topics/news", TOPIC, "gcp/shop//topics/news"),
        ("projects/shop/locations/us-central1/functions/greet", FUNCTION, "gcp/shop/us-central1/greet"),
        (
            f"{GROUP}/topics/News",
            TOPIC,
            "azure/11111111-2222-3333-4444-55555555555a/my.group/eventgrid/topics/News",
        ),
        ("https://shop.queue.core.windows.net/inbox", QUEUE, "azure/storage/shop/inbox"),
    ],
)
def test_names_that_are_known(name: str, kind: str, endpoint: str) -> None:
    assert TARGETS.read(name) == Target(kind, endpoint)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "news",
        "arn:aws:sns:us-east-1:1:news",
        f"arn:aws:sns:{PLACE}:news:11111111-2222-3333-4444-555555555555",
        f"arn:aws:sns:{PLACE}:bus/x",
        f"arn:aws:sqs:{PLACE}:in/box",
        f"arn:aws:events:{PLACE}:rule/r",
        f"arn:aws:lambda:{PLACE}:layer:l",
        "projects/shop/subscriptions/inbox",
        "projects/shop/topics/a/b",
        f"{GROUP}/domains/d",
        "https://shop.blob.core.windows.net/inbox",
        "https://example.com/?u=https://shop.queue.core.windows.net/inbox",
    ],
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(UnknownNameError):
        TARGETS.read(name)
