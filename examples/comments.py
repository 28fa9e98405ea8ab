"""The author of a post is told of comments on it: Azure Event Grid and Queue Storage, on Microsoft's own clients.

    python -m examples.comments ada "The fog today" "It lifts at noon, I think."

Comments are events of a topic. Every author has a queue, and an event subscription that lets through the comments on
their own posts by others.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from typing import Any, NamedTuple

from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.eventgrid import EventGridEvent, EventGridPublisherClient
from azure.mgmt.eventgrid import EventGridManagementClient
from azure.storage.queue import QueueServiceClient

URL = "http://127.0.0.1:4566"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = "blog"
ACCOUNT = "devstoreaccount1"
# The key that the account for development has everywhere.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
NEW_COMMENT = "Blog.CommentAdded"


class AnyCredential:
    """Resources are managed without a sign-in here."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken("anything", int(time.time()) + 3_600)


class Blog(NamedTuple):
    """What the blog's programs talk to."""

    grid: EventGridManagementClient
    topic: Any
    publisher: EventGridPublisherClient
    queues: QueueServiceClient


def build(url: str = URL, name: str = "comments") -> Blog:
    """Create the topic of comments."""
    grid = EventGridManagementClient(AnyCredential(), SUBSCRIPTION, base_url=url, polling_interval=0)
    plain: dict[str, Any] = {"enforce_https": False}
    topic = grid.topics.begin_create_or_update(GROUP, name, {"location": "westeurope"}, **plain).result()
    keys = grid.topics.list_shared_access_keys(GROUP, name, **plain)
    publisher = EventGridPublisherClient(topic.endpoint, AzureKeyCredential(keys.key1))
    queues = QueueServiceClient.from_connection_string(
        f"AccountName={ACCOUNT};AccountKey={KEY};QueueEndpoint={url}/{ACCOUNT};"
    )
    return Blog(grid, topic, publisher, queues)


def follow(blog: Blog, author: str) -> None:
    """Have an author told of what others write below their posts."""
    queue = f"comments-{author}"
    blog.queues.create_queue(queue)
    account = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}"
    )
    only_by_others = {"operatorType": "StringNotIn", "key": "data.by", "values": [author]}
    properties = {
        "destination": {"endpointType": "StorageQueue", "properties": {"resourceId": account, "queueName": queue}},
        "filter": {"subjectBeginsWith": f"posts/{author}/", "advancedFilters": [only_by_others]},
    }
    blog.grid.event_subscriptions.begin_create_or_update(
        blog.topic.id, f"for-{author}", {"properties": properties}, enforce_https=False
    ).result()


def comment(blog: Blog, author: str, post: str, by: str, text: str) -> None:
    """Comment on an author's post."""
    data = {"by": by, "text": text}
    blog.publisher.send(EventGridEvent(f"posts/{author}/{post}", NEW_COMMENT, data, "1.0"))


def read(blog: Blog, author: str) -> list[str]:
    """Return what an author is told, and be done with it."""
    queue = blog.queues.get_queue_client(f"comments-{author}")
    told = []
    for message in queue.receive_messages():
        # Event Grid writes events into queues in Base64, as function apps expect them.
        event = json.loads(base64.b64decode(message.content))
        told.append(f"{event['data']['by']} on {event['subject'].rpartition('/')[2]}: {event['data']['text']}")
        queue.delete_message(message)
    return told


def main() -> None:
    author, post, text = sys.argv[1:4]
    blog = build()
    follow(blog, author)
    comment(blog, author, post, "a reader", text)
    comment(blog, author, post, author, "Thank you!")
    while not (told := read(blog, author)):
        time.sleep(0.05)
    print("\n".join(told))


if __name__ == "__main__":
    main()
