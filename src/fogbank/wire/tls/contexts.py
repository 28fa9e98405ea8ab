"""Certificates by the names that clients ask for (RFC 6066, section 3), made when they are first asked for."""

from __future__ import annotations

import logging
import re
import ssl
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.wire.tls.authority import Authority

# Who asks for no name, as clients do that use an address, gets the certificate of these.
LOCAL: Final = ("localhost", "*.localhost", "127.0.0.1", "::1")
# Names that are nobody's on the internet: a machine's or container's own, and what local networks use.
_LOCAL_NAMES: Final = re.compile(r"[a-z0-9_-]+|.+\.(?:localhost|local|internal|test|lan|home\.arpa)")
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*")
CONTEXTS_MAX: Final = 256
_PROTOCOLS: Final = ["h2", "http/1.1"]

_log = logging.getLogger(__name__)


class Contexts:
    """What a TLS server needs. `listening` is for sockets: it finds the certificate for each client.

    `claims` tells, of a host name in small letters, whether it is one of those that are served here beside local ones.
    """

    def __init__(self, authority: Authority, claims: Callable[[str], bool]) -> None:
        self.authority = authority
        self._claims = claims
        self._by_name: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self.listening = _context()
        self.listening.sni_callback = self._choose

    def serves(self, name: str) -> bool:
        """Whether there is a certificate for a name."""
        return bool(_HOST.fullmatch(name)) and (bool(_LOCAL_NAMES.fullmatch(name)) or self._claims(name))

    def _choose(self, connection: ssl.SSLObject, name: str | None, _listening: ssl.SSLContext) -> int | None:
        """Give a connection its certificate; returns the alert with which it is refused."""
        name = "" if name is None else name.lower().rstrip(".")
        if name and not self.serves(name):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        try:
            connection.context = self._find(name)
        except OSError:
            _log.exception("no certificate could be made for %s", name or "localhost")
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        return None

    def _find(self, name: str) -> ssl.SSLContext:
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name[name] = self._make(name)
            if len(self._by_name) > CONTEXTS_MAX:
                self._by_name.popitem(last=False)
        else:
            self._by_name.move_to_end(name)
        return found

    def _make(self, name: str) -> ssl.SSLContext:
        is_local = not name or name == "localhost" or name.endswith(".localhost")
        names = [name] if name and name not in LOCAL else []
        issued = self.authority.issue([*names, *(LOCAL if is_local else ())])
        context = _context()
        # Python reads certificates from files only; this one is its owner's, and gone at once.
        with tempfile.TemporaryDirectory(prefix="fogbank-tls-") as folder:
            file = Path(folder, "server.pem")
            file.touch(0o600)
            file.write_bytes(issued.key + issued.chain)
            context.load_cert_chain(file)
        return context


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_PROTOCOLS)
    return context
