"""Mail: into the outbox and, if a mail server was named, on to it by SMTP (RFC 5321)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.connectors.delivery.couriers import Answer
from fogbank.engines.messaging.delivery_model import DELIVERIES, SMTP
from fogbank.engines.outbox import outbox

if TYPE_CHECKING:
    from fogbank.connectors.delivery.couriers import Drawn
    from fogbank.engines.messaging.delivery_model import Delivery
    from fogbank.engines.outbox.outbox import Mail
    from fogbank.storage import Tx

THREADS_MAX: Final = 4
# The first digit of a reply that says that another attempt is useless.
_PERMANENT: Final = 500


class Mailer:
    """Delivers mail; `server` is the host and port of a mail server, None to keep it only."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self._server = server
        self._threads = ThreadPoolExecutor(THREADS_MAX, "fogbank-smtp")

    def close(self) -> None:
        """End; what is being sent is left to itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def keep(self, tx: Tx, now_us: int, delivery: Delivery, drawn: Drawn) -> None:
        """Put a mail into the outbox and queue its being sent on: part of an operation. Raises `OptedOutError`."""
        mail = outbox.decode(delivery.content)
        await outbox.put(tx, now_us, mail)
        if self._server is not None and mail.kind == outbox.EMAIL:
            onward = msgspec.structs.replace(delivery, kind=SMTP, attempt=1, first_us=now_us)
            await DELIVERIES.put(tx, now_us, [(drawn.sequence, onward)])

    async def send(self, delivery: Delivery) -> Answer:
        """Send a mail to the mail server; without one, what is still queued from earlier counts as sent."""
        if self._server is None:
            return Answer(200)
        mail = outbox.decode(delivery.content)
        send = asyncio.get_running_loop().run_in_executor(
            self._threads, _send, self._server, mail, delivery.seconds_max
        )
        return await send


def _send(server: tuple[str, int], mail: Mail, seconds_max: float) -> Answer:
    """Send a mail; a reply of the mail server's counts as what HTTP would say in its place."""
    import smtplib  # noqa: PLC0415 - most servers never send anything
    from email.errors import MessageError  # noqa: PLC0415 - as above
    from email.message import EmailMessage  # noqa: PLC0415 - as above

    message = EmailMessage()
    try:
        message["From"] = mail.sender
        message["To"] = mail.recipient
        message["Subject"] = mail.subject
        message.set_content(mail.text)
        with smtplib.SMTP(*server, timeout=seconds_max) as connection:
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, text),) = error.recipients.values()
        return _refused(code, text)
    except smtplib.SMTPResponseException as error:
        return _refused(error.smtp_code, error.smtp_error)
    except (MessageError, ValueError) as error:
        return Answer(400, f"it can't be written as an e-mail: {error}")
    except (smtplib.SMTPException, OSError) as error:
        return Answer(0, str(error) or type(error).__name__)
    return Answer(200)


def _refused(code: int, text: bytes | str) -> Answer:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Answer(400 if code >= _PERMANENT else 503, f"SMTP {code}: {said}")
