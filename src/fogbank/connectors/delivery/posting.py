"""Posting to HTTP addresses, on threads; an address that is slow or doesn't answer gets few of them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from fogbank.connectors.delivery.couriers import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.kernel.clock import Clock

THREADS_MAX: Final = 128
# How many requests run at once to one address, and to one that is slow.
AT_ONCE_MAX: Final = 16
AT_ONCE_SLOW_MAX: Final = 2
SLOW_SECONDS: Final = 1.0
ANSWER_BYTES_MAX: Final = 262_144
# What waits for its turn at one address comes back at this rate.
TURNS_PER_SECOND: Final = 50
ADDRESSES_MAX: Final = 10_000


def is_address(url: str) -> bool:
    """Whether requests can be sent there, as far as the text tells."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class Posting(NamedTuple):
    """A request to send."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    seconds_max: float = 15


@dataclass(slots=True)
class _Address:
    """How it goes with one address: its requests that run, whether it is slow, when the next turn is free."""

    running: int = 0
    slow: bool = False
    next_turn: float = 0


class Poster:
    """Sends requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS_MAX, "fogbank-http")
        self._addresses: dict[str, _Address] = {}
        self._pool: Any = None

    def close(self) -> None:
        """End; requests that run are left to themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def turn(self, url: str) -> float:
        """Return 0 if a request to that address may begin now, else in how many seconds to ask again."""
        address = self._address(url)
        if address.running < (AT_ONCE_SLOW_MAX if address.slow else AT_ONCE_MAX):
            return 0
        now = self._clock.now() / 1_000_000
        address.next_turn = max(now + 0.2, address.next_turn + 1 / TURNS_PER_SECOND)
        return address.next_turn - now

    async def send(self, posting: Posting) -> Answer:
        """Send a request and return what was answered; nothing that the address does raises."""
        address = self._address(posting.url)
        address.running += 1
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await loop.run_in_executor(self._threads, self._send, posting)
        finally:
            address.running -= 1
        address.slow = answer.status == 0 or loop.time() - began > SLOW_SECONDS
        return answer

    def _address(self, url: str) -> _Address:
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        found = self._addresses.get(key)
        if found is None:
            if len(self._addresses) >= ADDRESSES_MAX:
                self._addresses = {key: each for key, each in self._addresses.items() if each.running}
            found = self._addresses[key] = _Address()
        return found

    def _send(self, posting: Posting) -> Answer:
        import urllib3  # noqa: PLC0415 - most servers never post anything

        if self._pool is None:
            self._pool = urllib3.PoolManager(num_pools=64, maxsize=AT_ONCE_MAX)
        timeout = urllib3.Timeout(total=posting.seconds_max)
        try:
            response = self._pool.request(
                posting.method,
                posting.url,
                body=posting.body,
                headers=dict(posting.headers),
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                body = response.read(ANSWER_BYTES_MAX + 1)
            finally:
                # What wasn't read stands in the way of the connection's next request.
                response.drain_conn() if len(body) <= ANSWER_BYTES_MAX else response.close()
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            return Answer(0, _said(error))
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, f"HTTP {response.status}", headers, body[:ANSWER_BYTES_MAX])


def _said(error: Exception) -> str:
    text = str(error)
    # urllib3's texts begin with the object that failed.
    return text.rsplit(": ", 1)[-1] if ": " in text else text or type(error).__name__
