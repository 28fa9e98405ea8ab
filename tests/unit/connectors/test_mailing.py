"""Mail is sent on to a mail server, with retries; what it refuses for good is given up."""

from __future__ import annotations

import socket
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import msgspec
import pytest

from fogbank.connectors.delivery.mailing import Mailer
from fogbank.engines.messaging.delivery_model import SMTP, Delivery
from fogbank.engines.outbox import outbox
from fogbank.engines.outbox.outbox import EMAIL, Mail
from tests.mail_server import running_mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mail_server import MailServer


@pytest.fixture
def server() -> Iterator[MailServer]:
    with running_mail_server() as running:
        yield running


MAIL = Mail(EMAIL, "ada@example.com", "안녕\n\n.\nbye", "Grüße", '"The news" <no-reply@example.com>')


def delivery(mail: Mail = MAIL) -> Delivery:
    return Delivery(SMTP, f"email:{mail.recipient}", outbox.encode(mail), seconds_max=5)


async def test_a_mail_is_sent_on(server: MailServer) -> None:
    mailer = Mailer(("127.0.0.1", server.server_address[1]))
    assert (await mailer.send(delivery())).ok
    (taken,) = server.taken
    message = message_from_bytes(taken, policy=policy.default)
    assert (message["To"], message["Subject"]) == ("ada@example.com", "Grüße")
    assert "안녕" in message.get_content()
    mailer.close()


@pytest.mark.parametrize(("verdict", "status"), [(b"550 no such user", 400), (b"450 try later", 503)])
async def test_what_the_mail_server_answers_counts(server: MailServer, verdict: bytes, status: int) -> None:
    mailer = Mailer(("127.0.0.1", server.server_address[1]))
    server.verdict = verdict
    answer = await mailer.send(delivery())
    code, _, text = verdict.decode().partition(" ")
    assert (answer.status, answer.reason) == (status, f"SMTP {code}: {text}")
    mailer.close()


async def test_a_mail_that_cannot_be_written_and_a_mail_server_that_is_not_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = probe.getsockname()[1]
    mailer = Mailer(("127.0.0.1", nobody))
    assert (await mailer.send(delivery(msgspec.structs.replace(MAIL, subject="two\nlines")))).status == 400
    answer = await mailer.send(delivery())
    assert answer.status == 0
    assert answer.reason
    mailer.close()
    # What was queued when there was a mail server counts as sent without one.
    assert (await Mailer().send(delivery())).ok
