"""The scores of a game and who leads: Amazon DynamoDB, on plain boto3.

    eval "$(fogbank env)" && python -m examples.leaderboard

A player's best score in a game is an item. An index has the game's items in the order of their scores, so that the
leaders are its first page and a player's rank is a count, however many players there are.
"""

from __future__ import annotations

from typing import Any

import boto3
from boto3.dynamodb.conditions import Key

BY_SCORE = "by-score"


class Leaderboard:
    """The best scores of a game, in a table that `create` has made."""

    def __init__(self, dynamodb: Any, game: str) -> None:
        self._table = dynamodb.Table("scores")
        self._game = game

    def submit(self, player: str, score: int) -> bool:
        """Enter a score if it is the player's best one; returns whether it is."""
        try:
            self._table.update_item(
                Key={"game": self._game, "player": player},
                UpdateExpression="SET score = :score",
                ConditionExpression="attribute_not_exists(score) OR score < :score",
                ExpressionAttributeValues={":score": score},
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def leaders(self, count: int = 10) -> list[tuple[str, int]]:
        """Return the first players and their scores, the best first."""
        found = self._table.query(
            IndexName=BY_SCORE,
            KeyConditionExpression=Key("game").eq(self._game),
            ScanIndexForward=False,
            Limit=count,
        )
        return [(item["player"], int(item["score"])) for item in found["Items"]]

    def rank(self, player: str) -> int | None:
        """Return a player's rank, from 1; None for somebody who hasn't played. Equal scores have the same rank."""
        found = self._table.get_item(Key={"game": self._game, "player": player}, ConsistentRead=True)
        if "Item" not in found:
            return None
        better = Key("game").eq(self._game) & Key("score").gt(found["Item"]["score"])
        rank, page = 1, {}
        while True:
            counted = self._table.query(IndexName=BY_SCORE, KeyConditionExpression=better, Select="COUNT", **page)
            rank += counted["Count"]
            if "LastEvaluatedKey" not in counted:
                return rank
            page = {"ExclusiveStartKey": counted["LastEvaluatedKey"]}


def create(dynamodb: Any) -> None:
    """Create the table of all games' scores."""
    attributes = {"game": "S", "player": "S", "score": "N"}
    dynamodb.create_table(
        TableName="scores",
        KeySchema=[{"AttributeName": "game", "KeyType": "HASH"}, {"AttributeName": "player", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()],
        GlobalSecondaryIndexes=[
            {
                "IndexName": BY_SCORE,
                "KeySchema": [
                    {"AttributeName": "game", "KeyType": "HASH"},
                    {"AttributeName": "score", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    ).wait_until_exists()


def main() -> None:
    dynamodb = boto3.resource("dynamodb")
    create(dynamodb)
    board = Leaderboard(dynamodb, "fog")
    for number in range(100):
        board.submit(f"player-{number:02d}", number * 37 % 101 * 10)
    for place, (player, score) in enumerate(board.leaders(5), start=1):
        print(f"{place}. {player}: {score}")
    print(f"player-50 is number {board.rank('player-50')}")


if __name__ == "__main__":
    main()
