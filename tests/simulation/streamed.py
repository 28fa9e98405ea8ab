"""A table whose stream triggers a function, under crashes: every write reaches it, those of one key in their order."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import TYPE_CHECKING

from tests.conformance.aws.functions import ROLE, zipped
from tests.servers import wait_until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.servers import RawClient

KEYS = ("red", "green", "blue")
# One write for each event, so that what dies in the middle leaves no half of a line.
RECORDER = """
    import json, os
    file = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND)
    def handler(event, context):
        keys = [record["dynamodb"]["Keys"] for record in event["Records"]]
        os.write(file, (json.dumps([[key["pk"]["S"], int(key["sk"]["N"])] for key in keys]) + "\\n").encode())
"""


class Streamed:
    """One client writes for each key, so that it is known what comes before what; two lanes share the keys."""

    def __init__(self, folder: Path) -> None:
        self._record = folder / "record"
        self._record.touch()
        self._record.chmod(0o666)
        self._next = dict.fromkeys(KEYS, 0)
        self._written: dict[str, set[int]] = {key: set() for key in KEYS}

    @property
    def workers(self) -> Sequence[Callable[[RawClient, random.Random], None]]:
        return [partial(self._write, key) for key in KEYS]

    def prepare(self, client: RawClient) -> None:
        names = (("pk", "HASH", "S"), ("sk", "RANGE", "N"))
        table = client.call(
            "dynamodb",
            "CreateTable",
            TableName="streamed",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind, _ in names],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": type_} for name, _, type_ in names],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        function = {
            "FunctionName": "f",
            "Runtime": "python3.11",
            "Handler": "app.handler",
            "Role": ROLE,
            "Code": {"ZipFile": base64.b64encode(zipped(RECORDER)).decode()},
            "Environment": {"Variables": {"RECORD": str(self._record)}},
        }
        client.rest("POST", "/2015-03-31/functions", function)
        mapping = {
            "EventSourceArn": table["TableDescription"]["LatestStreamArn"],
            "FunctionName": "f",
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 10,
            "ParallelizationFactor": 2,
        }
        client.rest("POST", "/2015-03-31/event-source-mappings", mapping)

    def _write(self, key: str, client: RawClient, _chance: random.Random) -> None:
        number = self._next[key]
        self._next[key] += 1
        item = {"pk": {"S": key}, "sk": {"N": str(number)}}
        client.call("dynamodb", "PutItem", TableName="streamed", Item=item)
        self._written[key].add(number)

    def check(self, client: RawClient) -> None:
        def lost() -> dict[str, set[int]]:
            seen = {key: {number for each, number in self._told() if each == key} for key in KEYS}
            return {key: left for key in KEYS if (left := self._written[key] - seen[key])}

        wait_until(lambda: not lost())
        before: dict[str, set[int]] = {key: set() for key in KEYS}
        for key, number in self._told():
            missing = {each for each in self._written[key] if each < number} - before[key]
            assert not missing, f"{key} {number} came before {min(missing)}"
            before[key].add(number)
            assert number < self._next[key], "something came from nowhere"

    def _told(self) -> list[tuple[str, int]]:
        lines = self._record.read_text().splitlines()
        return [(key, number) for line in lines for key, number in json.loads(line)]
