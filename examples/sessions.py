"""The back end of a mobile app, with sessions that end by themselves: Amazon DynamoDB, on plain boto3.

    eval "$(fogbank env)" && python -m examples.sessions

A session lasts as long as its device is heard of every half an hour. Then its item's time to live is over: DynamoDB
removes it, the table's stream tells that it did, and the user is asked to sign in again.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from boto3.dynamodb.conditions import Attr, Key

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 1_800


class SignedOutError(Exception):
    """A session is over, or there never was one."""


class Session(NamedTuple):
    """Who is signed in, and on what."""

    user: str
    device: str


class Sessions:
    """The sessions of all users, in a table that is created at first; `now` returns the time in seconds."""

    def __init__(self, dynamodb: Any, now: Callable[[], float] = time.time, seconds: int = SECONDS) -> None:
        self._now = now
        self._seconds = seconds
        self._table = dynamodb.create_table(
            TableName="sessions",
            KeySchema=[{"AttributeName": "token", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("token", "user")],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-user",
                    "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"},
        )
        self._table.wait_until_exists()
        self._table.meta.client.update_time_to_live(
            TableName=self._table.name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "ends"},
        )
        self.stream: str = self._table.latest_stream_arn

    def sign_in(self, user: str, device: str) -> str:
        """Begin a session; returns the token that the device shows from now on."""
        token = secrets.token_urlsafe()
        self._table.put_item(Item={"token": token, "user": user, "device": device, "ends": self._end()})
        return token

    def resume(self, token: str) -> Session:
        """Return whose session it is, which lasts longer now; raises `SignedOutError` if it is over."""
        try:
            session = self._table.update_item(
                Key={"token": token},
                UpdateExpression="SET ends = :ends",
                # What is over may be there for a while, until DynamoDB comes by.
                ConditionExpression="ends > :now",
                ExpressionAttributeValues={":ends": self._end(), ":now": int(self._now())},
                ReturnValues="ALL_NEW",
            )["Attributes"]
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            raise SignedOutError from None
        return Session(session["user"], session["device"])

    def devices(self, user: str) -> list[str]:
        """Return the devices that a user is signed in on."""
        return sorted(item["device"] for item in self._of(user))

    def sign_out(self, user: str, device: str | None = None) -> None:
        """End a user's sessions on a device, or on all of them."""
        for item in self._of(user):
            if device in {None, item["device"]}:
                self._table.delete_item(Key={"token": item["token"]})

    def _of(self, user: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self._table.query(
            IndexName="by-user",
            KeyConditionExpression=Key("user").eq(user),
            FilterExpression=Attr("ends").gt(int(self._now())),
        )["Items"]
        return items

    def _end(self) -> int:
        return int(self._now()) + self._seconds


class Ended:
    """Reads of a table's stream which sessions have ended by themselves, each once."""

    def __init__(self, streams: Any, stream: str) -> None:
        self._streams = streams
        (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        self._shard = {"StreamArn": stream, "ShardId": shard["ShardId"]}
        self._start = {"ShardIteratorType": "TRIM_HORIZON"}

    def read(self) -> list[Session]:
        """Return those that have ended since the last call."""
        # An iterator is good for a quarter of an hour only, a sequence number for as long as the record is there.
        iterator = self._streams.get_shard_iterator(**self._shard, **self._start)["ShardIterator"]
        ended = []
        while records := (page := self._streams.get_records(ShardIterator=iterator))["Records"]:
            ended += [_session(record) for record in records if _by_dynamodb(record)]
            last = records[-1]["dynamodb"]["SequenceNumber"]
            self._start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": last}
            iterator = page["NextShardIterator"]
        return ended


def _by_dynamodb(record: dict[str, Any]) -> bool:
    # A user who signs out removes an item, too.
    return record.get("userIdentity", {}).get("PrincipalId") == "dynamodb.amazonaws.com"


def _session(record: dict[str, Any]) -> Session:
    image = record["dynamodb"]["OldImage"]
    return Session(image["user"]["S"], image["device"]["S"])


def main() -> None:
    sessions = Sessions(boto3.resource("dynamodb"), seconds=2)
    ended = Ended(boto3.client("dynamodbstreams"), sessions.stream)
    tokens = [sessions.sign_in("ada", device) for device in ("phone", "tablet")]
    print(f"ada is signed in on {sessions.devices('ada')}")
    while not (over := ended.read()):
        sessions.resume(tokens[0])
        time.sleep(0.5)
    for user, device in over:
        print(f"{user}, please sign in again on your {device}.")
    print(f"ada is signed in on {sessions.devices('ada')}")


if __name__ == "__main__":
    main()
