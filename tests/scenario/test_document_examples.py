"""The examples of the source document's section on databases, each on the clouds' own SDKs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from examples import board, leaderboard, sessions
from examples.documents import __main__ as documents
from examples.readings import __main__ as readings
from fogbank.cli.running.variables import variables
from fogbank.kernel.clock import SECOND_US
from tests.conformance.azure.cosmos.conftest import client_of
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fogbank.testing.server import ThreadedServer

ROOT = Path(__file__).parents[2]
CONFORMANCE = ROOT / "tests" / "conformance"
NODE_MODULES = [CONFORMANCE / cloud / "js" / "node_modules" for cloud in ("aws", "gcp", "azure/cosmos")]
USER = {"id": "123", "name": "Ada Lovelace", "email": "ada@example.com"}


@pytest.fixture
def point_at(account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[ThreadedServer], None]:
    """Have programs find a server by what `fogbank env` prints, in an account of their own."""

    def point(server: ThreadedServer) -> None:
        for name, value in {**variables(server.url), "AWS_ACCESS_KEY_ID": account}.items():
            monkeypatch.setenv(name, value)

    return point


@pytest.fixture
def environment(point_at: Callable[[ThreadedServer], None], server: ThreadedServer) -> None:
    point_at(server)


@pytest.fixture
def timed_environment(point_at: Callable[[ThreadedServer], None], timed_server: ThreadedServer) -> None:
    point_at(timed_server)


@pytest.fixture
def own_database(server: ThreadedServer, project: str) -> Iterator[str]:
    """The name of a database of Cosmos DB, which is deleted at the end."""
    yield project
    with client_of(server) as client:
        client.delete_database(project)


def test_the_same_in_java(server: ThreadedServer, tmp_path: Path) -> None:
    """With AWS's older SDK, whose clients know no variable for endpoints: `fogbank run` leads them here."""
    try:
        socket.getaddrinfo("repo.maven.apache.org", 443)
    except OSError:
        pytest.skip("needs Maven Central: it can't be reached")
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("needs Java: there is no Maven on PATH")
    project = tmp_path / "java"
    shutil.copytree(ROOT / "examples" / "documents" / "java", project)
    command = [sys.executable, "-m", "fogbank", "run", "--url", server.url, "--", maven, "-q", "compile", "exec:java"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=600, check=False)
    lines = [f"{cloud}: Ada Lovelace" for cloud in ("dynamodb", "firestore", "cosmos")]
    assert done.stdout.splitlines() == lines, done.stderr


@pytest.mark.usefixtures("environment")
def test_one_user_on_three_clouds(project: str, own_database: str) -> None:
    assert documents.dynamodb() == USER
    assert documents.firestore(project) == USER
    assert documents.cosmos(own_database) == USER


@pytest.mark.usefixtures("environment")
def test_one_user_on_three_clouds_in_javascript(own_database: str) -> None:
    node = shutil.which("node")
    if node is None or not all(folder.is_dir() for folder in NODE_MODULES):
        pytest.skip("needs Node and the packages of tests/conformance (make toolchains)")
    script = str(Path(documents.__file__).with_name("documents.js"))
    environment = {**os.environ, "NODE_PATH": os.pathsep.join(map(str, NODE_MODULES))}
    done = subprocess.run(
        [node, script, own_database], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    read = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert {name: json.loads(text) for name, text in read.items()} == dict.fromkeys(
        ("dynamodb", "firestore", "cosmos"), USER
    )


@pytest.mark.usefixtures("timed_environment")
def test_sessions_end_by_themselves(timed_server: ThreadedServer) -> None:
    clock = timed_server.clock
    back_end = sessions.Sessions(boto3.resource("dynamodb"), lambda: clock.now() / SECOND_US)
    ended = sessions.Ended(boto3.client("dynamodbstreams"), back_end.stream)
    phone, tablet, laptop = (back_end.sign_in("ada", device) for device in ("phone", "tablet", "laptop"))
    bob = back_end.sign_in("bob", "phone")
    timed_server.advance(sessions.SECONDS - 60)
    assert back_end.resume(phone) == ("ada", "phone")
    back_end.sign_out("ada", "laptop")
    with pytest.raises(sessions.SignedOutError):
        back_end.resume(laptop)
    assert back_end.devices("ada") == ["phone", "tablet"]
    assert ended.read() == []
    timed_server.advance(120)
    assert sorted(ended.read()) == [("ada", "tablet"), ("bob", "phone")]
    for token in (tablet, bob, "made up"):
        with pytest.raises(sessions.SignedOutError):
            back_end.resume(token)
    assert (back_end.devices("ada"), back_end.devices("bob")) == (["phone"], [])
    assert back_end.resume(phone) == ("ada", "phone")
    back_end.sign_out("ada")
    timed_server.advance(2 * sessions.SECONDS)
    # Who has signed out isn't told to sign in again.
    assert ended.read() == []


@pytest.mark.usefixtures("environment")
def test_a_leaderboard() -> None:
    dynamodb = boto3.resource("dynamodb")
    leaderboard.create(dynamodb)
    fog, rain = leaderboard.Leaderboard(dynamodb, "fog"), leaderboard.Leaderboard(dynamodb, "rain")
    for number in range(30):
        # 9 comes before 10, as numbers do.
        assert fog.submit(f"p{number:02d}", number)
    assert rain.submit("p00", 1_000)
    assert fog.leaders(3) == [("p29", 29), ("p28", 28), ("p27", 27)]
    assert [fog.rank(player) for player in ("p29", "p09", "p00", "nobody")] == [1, 21, 30, None]
    assert fog.submit("p00", 28)
    assert not fog.submit("p00", 27)
    assert not fog.submit("p29", 29)
    assert [fog.rank(player) for player in ("p29", "p28", "p00", "p27")] == [1, 2, 2, 4]
    assert sorted(fog.leaders(3)) == [("p00", 28), ("p28", 28), ("p29", 29)]
    assert rain.leaders() == [("p00", 1_000)]


@pytest.mark.usefixtures("environment")
def test_the_latest_reading_of_each_device_is_kept() -> None:
    dynamodb = boto3.resource("dynamodb")
    readings.deploy(dynamodb, boto3.client("lambda"))
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    devices = [f"sensor-{number}" for number in range(10)]
    sent = [
        (device, noon + timedelta(minutes=minute), Decimal(number * 100 + minute) / 10)
        for minute in range(20)
        for number, device in enumerate(devices)
    ]
    readings.send(dynamodb, sent)
    last = {device: Decimal(number * 100 + 19) / 10 for number, device in enumerate(devices)}
    wait_until(lambda: readings.latest(dynamodb) == last)
    # What comes late changes nothing; what comes after it is there only once the late reading has been looked at.
    readings.send(dynamodb, [("sensor-0", noon - timedelta(hours=1), Decimal(99))])
    readings.send(dynamodb, [("sensor-1", noon + timedelta(hours=1), Decimal("-4.5"))])
    wait_until(lambda: readings.latest(dynamodb) == last | {"sensor-1": Decimal("-4.5")})


@pytest.mark.usefixtures("environment")
def test_a_board_that_everybody_sees_change(project: str) -> None:
    seen: dict[str, list[board.Card]] = {"ada": [], "bob": []}

    def view(name: str) -> board.Board:
        return board.Board("fog", lambda cards: seen.update({name: cards}), project)

    def shows(*cards: tuple[str, str, int]) -> None:
        wait_until(lambda: seen["ada"] == seen["bob"] == list(cards))

    ada = view("ada")
    tea = ada.add("tea")
    bob = view("bob")
    cups = bob.add("cups")
    shows(("tea", "to do", 0), ("cups", "to do", 0))
    with ThreadPoolExecutor(4) as voters:
        for each in [voters.submit(who.vote, tea) for who in (ada, bob) for _ in range(5)]:
            each.result()
    ada.move(cups, "doing")
    shows(("tea", "to do", 10), ("cups", "doing", 0))
    bob.remove(cups)
    bob.move(tea, "done")
    shows(("tea", "done", 10))
    for each in (ada, bob):
        each.leave()


@pytest.mark.usefixtures("environment")
def test_a_column_of_the_board_is_never_too_full(project: str) -> None:
    one, other = board.Board("fog", project=project), board.Board("fog", project=project)
    cards = [one.add(f"card {number}") for number in range(board.ROOM["doing"] + 1)]
    for card in cards[2:]:
        one.move(card, "doing")

    def moves(who: board.Board, card: str) -> bool:
        try:
            who.move(card, "doing")
        except board.FullColumnError:
            return False
        return True

    # There is room for one more of these two.
    with ThreadPoolExecutor(2) as movers:
        moved = list(movers.map(moves, (one, other), cards))
    assert sorted(moved) == [False, True]
    one.move(cards[moved.index(True)], "done")
    assert moves(other, cards[moved.index(False)])
    for each in (one, other):
        each.leave()
