"""Temporary credentials: issued for a principal or an account, recognised when a request is signed with them."""

from __future__ import annotations

import zlib
from base64 import b32decode, b32encode, b64encode
from binascii import Error as Base32Error
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import DEFAULT_ACCOUNT
from fogbank.clouds.aws.identities import account_of, account_scope
from fogbank.engines.identity import principals, sessions
from fogbank.engines.identity.errors import PrincipalNotFoundError
from fogbank.engines.identity.model import Session
from fogbank.kernel.clock import SECOND_US
from fogbank.wire.aws.errors import AwsError

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store
    from fogbank.wire.aws.models import Metadata

PREFIX: Final = "ASIA"
KEY_CHARACTERS: Final = 20
SECRET_BYTES: Final = 30
TOKEN_BYTES: Final = 240
# Sessions that are in use are read again this often: a reset of the server makes an end of them, too.
REMEMBERED_SECONDS: Final = 10
REMEMBERED_MAX: Final = 1_024
_RANDOM_BYTES: Final = 6
_MARK: Final = b"fogbank"


class SessionRefusedError(Exception):
    """The credentials are of our making, but have expired or are not known here."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("expired" if expired else "unknown")
        self.expired = expired

    def worded(self, metadata: Metadata | None) -> AwsError:
        """Word the refusal as services of that protocol do."""
        protocol = "json" if metadata is None else metadata.protocol
        json = protocol in ("json", "rest-json")
        status = 400 if protocol == "json" else 403
        if self.expired:
            code = "ExpiredTokenException" if json else "ExpiredToken"
            return AwsError(code, "The security token included in the request is expired", status)
        code = "UnrecognizedClientException" if json else "InvalidClientTokenId"
        return AwsError(code, "The security token included in the request is invalid.", status)


class Sessions:
    """The sessions of all accounts, those in use kept at hand."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._remembered: dict[str, tuple[int, Session]] = {}

    def forget(self) -> None:
        """Look again for each session: a reset has made an end of them."""
        self._remembered.clear()

    async def issue(self, scope: str, seconds: int, **facts: Any) -> Session:
        """Make credentials for a session of a scope; `facts` are further members of `Session`."""
        now_us = self._clock.now()
        session = Session(
            access_key=_new_key(self._ids.bytes(_RANDOM_BYTES)),
            secret=b64encode(self._ids.bytes(SECRET_BYTES)).decode(),
            token=b64encode(self._ids.bytes(TOKEN_BYTES)).decode(),
            scope=scope,
            issued_us=now_us,
            until_us=now_us + seconds * SECOND_US,
            **facts,
        )
        await self._store.run(sessions.issue, session)
        return session

    async def for_role(self, account: str, role: str, name: str, seconds: int) -> Session:
        """Make credentials for a session of an account's role; one that isn't here is taken by its name."""
        scope = account_scope(account)
        try:
            number = (await self._store.read(principals.find, (scope, role))).id
        except PrincipalNotFoundError:
            number = 0
        return await self.issue(scope, seconds, principal=number, principal_name=role, name=name)

    async def find(self, access_key: str) -> Session | None:
        """Return the session of an access key; None for any that isn't of our making.

        Raises `SessionRefusedError` for one that is, but has expired or isn't known.
        """
        now_us = self._clock.now()
        read_us, session = self._remembered.get(access_key, (0, None))
        if session is None or read_us + REMEMBERED_SECONDS * SECOND_US < now_us:
            if not _could_be_ours(access_key):
                return None
            session = await self._store.read(sessions.find, access_key)
            if session is None:
                self._remembered.pop(access_key, None)
                raise SessionRefusedError(expired=False)
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[access_key] = (now_us, session)
        if session.until_us <= now_us:
            raise SessionRefusedError(expired=True)
        return session

    async def account(self, access_key: str) -> str:
        """Return the account that an access key belongs to, the default one for keys that aren't of our making."""
        session = await self.find(access_key)
        return DEFAULT_ACCOUNT if session is None else account_of(session.scope)


def _new_key(entropy: bytes) -> str:
    return PREFIX + b32encode(entropy + _check(entropy)).decode()


def _could_be_ours(access_key: str) -> bool:
    """Whether a key has the check in it that ours have: those of AWS itself are let be without looking."""
    if len(access_key) != KEY_CHARACTERS or not access_key.startswith(PREFIX):
        return False
    try:
        data = b32decode(access_key[len(PREFIX) :])
    except Base32Error:
        return False
    return data[_RANDOM_BYTES:] == _check(data[:_RANDOM_BYTES])


def _check(entropy: bytes) -> bytes:
    return zlib.crc32(_MARK + entropy).to_bytes(4, "big")
