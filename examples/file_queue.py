"""A file upload starts its processing: a queue with several workers, Amazon SQS on plain boto3.

    eval "$(fogbank env)" && python -m examples.file_queue FOLDER

Each file is processed by one of the workers. A worker that fails gives the message back, so that another tries
again; the message of one that crashes comes back by itself. What fails three times goes to a queue of its own.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import boto3

if TYPE_CHECKING:
    from collections.abc import Callable

WORKERS = 4
TRIES = 3


class Queues(NamedTuple):
    """Where uploads are told, and where those end that can't be processed."""

    uploads: str
    failed: str


def build(sqs: Any) -> Queues:
    """Create both queues; returns their URLs."""
    failed = sqs.create_queue(QueueName="failed-uploads")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=failed, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": TRIES})
    attributes = {"VisibilityTimeout": "30", "RedrivePolicy": redrive}
    return Queues(sqs.create_queue(QueueName="uploads", Attributes=attributes)["QueueUrl"], failed)


def upload(sqs: Any, queues: Queues, path: Path) -> None:
    """Tell that a file was uploaded."""
    sqs.send_message(QueueUrl=queues.uploads, MessageBody=json.dumps({"path": str(path)}))


def count_words(path: Path) -> int:
    """Process a file."""
    return len(path.read_text().split())


class Workers:
    """Threads that work the queue off; `results` has what came of each file, with the worker's number."""

    def __init__(self, make_client: Callable[[], Any], queues: Queues, process: Callable[[Path], int]) -> None:
        self.results: dict[str, tuple[int, int]] = {}
        self._queues = queues
        self._process = process
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(make_client(), each)) for each in range(WORKERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _work(self, sqs: Any, number: int) -> None:
        while not self._end.is_set():
            reply = sqs.receive_message(QueueUrl=self._queues.uploads, WaitTimeSeconds=1)
            for message in reply.get("Messages", []):
                path = Path(json.loads(message["Body"])["path"])
                held = {"QueueUrl": self._queues.uploads, "ReceiptHandle": message["ReceiptHandle"]}
                try:
                    result = self._process(path)
                except (OSError, ValueError) as error:
                    print(f"worker {number}: {path.name}: {error}", file=sys.stderr)
                    sqs.change_message_visibility(**held, VisibilityTimeout=0)
                    continue
                self.results[path.name] = (number, result)
                sqs.delete_message(**held)


def main() -> None:
    folder = Path(sys.argv[1])
    sqs = boto3.client("sqs")
    queues = build(sqs)
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    with Workers(lambda: boto3.client("sqs"), queues, count_words) as workers:
        for path in paths:
            upload(sqs, queues, path)
        input("Press Enter when it is enough. ")
    for name, (worker, words) in sorted(workers.results.items()):
        print(f"{name}: {words} words, counted by worker {worker}")


if __name__ == "__main__":
    main()
