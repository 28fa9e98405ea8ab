"""A certificate authority of this machine's own: made once, kept in a folder, trusted by whoever adds it.

Certificates are X.509 (RFC 5280) on the curve P-256. Browsers and Apple's libraries refuse those of more than 825 days.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fogbank.kernel.clock import SECOND_US, Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

CERTIFICATE: Final = "authority.pem"
KEY: Final = "authority-key.pem"
NAME: Final = "Fogbank local authority"
AUTHORITY_DAYS: Final = 3_650
LEAF_DAYS: Final = 365
# Clients' clocks are not always ours.
_EARLIER: Final = timedelta(days=1)
# What can stand in a certificate's common name (RFC 5280, ub-common-name).
_COMMON_NAME_MAX: Final = 64


class Issued(NamedTuple):
    """A certificate, those above it, and its key, as PEM."""

    chain: bytes
    key: bytes


def default_folder() -> Path:
    """Return where a user's authority is kept: below `$XDG_CONFIG_HOME`, or `~/.config`."""
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "fogbank" / "ca"


class Authority:
    """An authority that is there, or is made when it is first needed.

    The folder holds the certificate and its key, which only the owner may read. Two processes that make it at once
    end up with the same. Raises `OSError` where the folder can't be made or read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def path(self) -> Path:
        """The certificate's file, made if it isn't there."""
        path = self.folder / CERTIFICATE
        if not path.exists():
            self._make()
        return path

    @cached_property
    def certificate(self) -> bytes:
        """The certificate, as PEM."""
        return self.path.read_bytes()

    def issue(self, names: Sequence[str]) -> Issued:
        """Issue a server's certificate for host names and IP addresses."""
        from cryptography import x509  # noqa: PLC0415 - dear to load
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - dear to load
        from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415 - dear to load

        key = self._leaf_key
        own = self._own_certificate
        public = key.public_key()
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        identifier = own.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        made = (
            _builder(names[0], LEAF_DAYS)
            .issuer_name(own.subject)
            .public_key(public)
            .add_extension(alternatives, critical=False)
            .add_extension(usage, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
            .sign(self._own_key, SHA256())
        )
        return Issued(_pem(made) + self.certificate, _key_pem(key))

    @cached_property
    def _own_key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - dear to load

        return load_pem_private_key((self.path.parent / KEY).read_bytes(), None)

    @cached_property
    def _own_certificate(self) -> Any:
        from cryptography import x509  # noqa: PLC0415 - dear to load

        return x509.load_pem_x509_certificate(self.certificate)

    @cached_property
    def _leaf_key(self) -> Any:
        """One key for all servers of this process: certificates are what tells them apart."""
        return _new_key()

    def _make(self) -> None:
        from cryptography import x509  # noqa: PLC0415 - dear to load
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - dear to load

        key = _new_key()
        public = key.public_key()
        builder = _builder(NAME, AUTHORITY_DAYS)
        made = (
            builder.issuer_name(_name(NAME))
            .public_key(public)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(key, SHA256())
        )
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        # Both files or none: a folder of their own (which only the owner may enter) takes its place in one step.
        making = Path(tempfile.mkdtemp(prefix=".ca-", dir=self.folder.parent))
        try:
            with os.fdopen(os.open(making / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_key_pem(key))
            (making / CERTIFICATE).write_bytes(_pem(made))
            making.chmod(0o755)
            making.rename(self.folder)
        except OSError:
            shutil.rmtree(making, ignore_errors=True)
            if not (self.folder / CERTIFICATE).exists():
                raise


def _new_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - dear to load

    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> Any:
    from cryptography import x509  # noqa: PLC0415 - dear to load

    attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, text[:_COMMON_NAME_MAX])
    return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Fogbank"), attribute])


def _builder(name: str, days: int) -> Any:
    from cryptography import x509  # noqa: PLC0415 - dear to load

    # By the machine's own time, whatever our clock says: that is what clients compare with.
    now = datetime.fromtimestamp(Clock.wall() // SECOND_US, UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool) -> Any:
    from cryptography import x509  # noqa: PLC0415 - dear to load

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> Any:
    from cryptography import x509  # noqa: PLC0415 - dear to load

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - dear to load

    pem: bytes = certificate.public_bytes(Encoding.PEM)
    return pem


def _key_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - dear to load
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem
