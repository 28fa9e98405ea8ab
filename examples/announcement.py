"""A new user is announced by e-mail and by text message: Amazon SNS, on plain boto3.

    eval "$(fogbank env)" && python -m examples.announcement ada@example.com +15550100

E-mails and text messages arrive in the outbox at http://127.0.0.1:4566/_fogbank/outbox, where the link in the
first e-mail has to be followed before there is a second.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import boto3


def build(sns: Any, address: str, number: str) -> str:
    """Create the topic of new users, and have people subscribe to it; returns its ARN."""
    topic: str = sns.create_topic(Name="new-users", Attributes={"DisplayName": "Fog Shop"})["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    # Text messages are dear: only what matters goes there.
    policy = json.dumps({"plan": ["business"]})
    sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint=number, Attributes={"FilterPolicy": policy})
    return topic


def announce(sns: Any, topic: str, name: str, plan: str) -> str:
    """Announce a new user; returns the message's id."""
    texts = {
        "default": f"{name} has signed up.",
        "email": f"Hello,\n\n{name} has signed up with the {plan} plan.",
        "sms": f"New {plan} user: {name}",
    }
    published = sns.publish(
        TopicArn=topic,
        Subject="A new user",
        Message=json.dumps(texts, ensure_ascii=False),
        MessageStructure="json",
        MessageAttributes={"plan": {"DataType": "String", "StringValue": plan}},
    )
    return str(published["MessageId"])


def main() -> None:
    address, number = sys.argv[1:3]
    sns = boto3.client("sns")
    topic = build(sns, address, number)
    print(f"{address} is asked whether it wants e-mails of {topic}.")
    input("Follow the link in the outbox, then press Enter. ")
    for name, plan in (("Ada Lovelace", "free"), ("김서연", "business")):
        print(f"{name}: {announce(sns, topic, name, plan)}")


if __name__ == "__main__":
    main()
