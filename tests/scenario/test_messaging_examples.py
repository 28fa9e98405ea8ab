"""The examples of the source document's section on events and messages, each on the clouds' own SDKs."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from examples import announcement, chat, comments, file_queue, log_stream
from examples.backup_queue import __main__ as backup_queue
from examples.chain import __main__ as chain
from tests.conformance.aws.test_sns_people import Outbox, follow
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fogbank.testing.server import ThreadedServer


def test_a_new_user_is_announced(client: Callable[..., Any], server: ThreadedServer, account: str) -> None:
    sns, outbox = client("sns"), Outbox(server, account)
    topic = announcement.build(sns, outbox.address, outbox.number)
    follow(outbox.wait(outbox.address, 1)["text"])
    announcement.announce(sns, topic, "Ada Lovelace", "free")
    mail = outbox.wait(outbox.address, 2)
    assert (mail["subject"], mail["from"]) == ("A new user", '"Fog Shop" <no-reply@sns.amazonaws.com>')
    assert mail["text"].startswith("Hello,\n\nAda Lovelace has signed up with the free plan.")
    announcement.announce(sns, topic, "김서연", "business")
    assert outbox.wait(outbox.number, 1)["text"] == "Fog Shop> New business user: 김서연"


def test_authors_are_told_of_comments_by_others(server: ThreadedServer, account: str) -> None:
    blog = comments.build(server.url, f"comments-{account}")
    ada, bob = f"ada{account}", f"bob{account}"
    for author in (ada, bob):
        comments.follow(blog, author)
    comments.comment(blog, ada, "fog", "Eve", "It lifts at noon.")
    comments.comment(blog, ada, "fog", ada, "Thank you!")
    comments.comment(blog, bob, "rain", ada, "Again?")
    assert wait_until(lambda: comments.read(blog, ada)) == ["Eve on fog: It lifts at noon."]
    assert wait_until(lambda: comments.read(blog, bob)) == [f"{ada} on rain: Again?"]
    assert comments.read(blog, ada) == []
    for client in (blog.grid, blog.publisher, blog.queues):
        client.close()


def test_one_service_starts_the_next(client: Callable[..., Any]) -> None:
    sqs, lambda_ = client("sqs"), client("lambda")
    filed = chain.deploy(client("sns"), sqs, lambda_)
    order = {"order": 7, "customer": "Ada", "lines": [{"price": 3, "count": 2}, {"price": 10, "count": 1}]}
    assert chain.place(lambda_, order) == {"order": 7, "status": "placed"}
    assert chain.invoice(sqs, filed) == "Invoice for Ada: order 7, 16 won"


def test_several_workers_share_the_files(
    client: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sqs = client("sqs")
    queues = file_queue.build(sqs)
    for number in range(20):
        (tmp_path / f"file-{number:02d}.txt").write_text("word " * number)
    (tmp_path / "broken.txt").write_bytes(b"\xff\xfe\x00")
    calls: Counter[str] = Counter()
    together = threading.Barrier(file_queue.WORKERS, timeout=20)

    def process(path: Path) -> int:
        calls[path.name] += 1
        if sum(calls.values()) <= file_queue.WORKERS:
            # All of them are at it.
            together.wait()
        return file_queue.count_words(path)

    paths = sorted(tmp_path.glob("*.txt"), reverse=True)
    with file_queue.Workers(lambda: client("sqs"), queues, process) as workers:
        for path in paths:
            file_queue.upload(sqs, queues, path)
        (failed,) = sqs.receive_message(QueueUrl=queues.failed, WaitTimeSeconds=20)["Messages"]
        wait_until(lambda: len(workers.results) == 20)
    assert json.loads(failed["Body"])["path"].endswith("broken.txt")
    assert {name: words for name, (_worker, words) in workers.results.items()} == {
        f"file-{number:02d}.txt": number for number in range(20)
    }
    assert len({worker for worker, _words in workers.results.values()}) == file_queue.WORKERS
    assert calls.pop("broken.txt") == file_queue.TRIES
    assert set(calls.values()) == {1}
    assert "broken.txt" in capsys.readouterr().err


def test_changes_are_backed_up(client: Callable[..., Any], tmp_path: Path) -> None:
    dynamodb, sqs, lambda_ = client("dynamodb"), client("sqs"), client("lambda")
    changes = backup_queue.deploy(dynamodb, sqs, lambda_)
    copy = tmp_path / "copy.json"
    for count in range(5):
        backup_queue.save(lambda_, "umbrella", {"count": count})
    backup_queue.save(lambda_, "coat", {"count": 1})
    assert backup_queue.back_up(sqs, changes, copy) == 6
    assert json.loads(copy.read_text()) == {"umbrella": {"count": 4}, "coat": {"count": 1}}
    backup_queue.save(lambda_, "coat", None)
    assert backup_queue.back_up(sqs, changes, copy) == 1
    assert json.loads(copy.read_text()) == {"umbrella": {"count": 4}}
    items = dynamodb.scan(TableName="stock")["Items"]
    assert items == [{"key": {"S": "umbrella"}, "count": {"N": "4"}}]


@pytest.fixture
def emulator(server: ThreadedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.url.removeprefix("http://"))


@pytest.mark.usefixtures("emulator")
def test_a_chat(project: str) -> None:
    heard: dict[str, list[tuple[str, str]]] = {"ada": [], "bob": []}
    members = {
        name: chat.Member("tea", name, lambda who, text, name=name: heard[name].append((who, text)), project)
        for name in heard
    }
    for number in range(5):
        members["ada"].say(f"line {number}")
        members["bob"].say(f"answer {number}")
    wait_until(lambda: all(len(lines) == 10 for lines in heard.values()))
    for lines in heard.values():
        assert [text for who, text in lines if who == "ada"] == [f"line {number}" for number in range(5)]
        assert [text for who, text in lines if who == "bob"] == [f"answer {number}" for number in range(5)]
    began = time.monotonic()
    members["ada"].say("bye")
    wait_until(lambda: ("ada", "bye") in heard["bob"])
    assert time.monotonic() - began < 5
    for member in members.values():
        member.leave()


@pytest.mark.usefixtures("emulator")
def test_logs_are_analysed_as_they_stream_in(project: str) -> None:
    topic, everything, urgent = log_stream.build(project)
    alarms: list[str] = []
    analysis = log_stream.Analysis(everything, urgent, alarms.append)
    handlers = []
    for application in ("shop", "bank"):
        logger = logging.getLogger(f"example.{application}")
        logger.setLevel(logging.INFO)
        handlers.append(log_stream.PubSubHandler(topic, application))
        logger.addHandler(handlers[-1])
        for number in range(50):
            logger.log(logging.ERROR if number % 25 == 0 else logging.INFO, "%s %d", application, number)
        logger.debug("not wanted")
    for handler in handlers:
        handler.close()
        logging.getLogger(f"example.{handler.application}").removeHandler(handler)
    wait_until(lambda: sum(analysis.counts.values()) >= 100 and len(alarms) >= 4)
    analysis.close()
    assert analysis.counts == {
        (application, severity): count
        for application in ("shop", "bank")
        for severity, count in (("ERROR", 2), ("INFO", 48))
    }
    assert sorted(alarms) == ["bank 0", "bank 25", "shop 0", "shop 25"]
