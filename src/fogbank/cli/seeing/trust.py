"""Whether the authority's certificate is valid, and whether this machine trusts it."""

from __future__ import annotations

import contextlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

from fogbank.kernel.clock import SECOND_US, Clock


def validity(certificate: bytes, key: bytes) -> str:
    """Say what is wrong with a certificate and its key, as PEM; empty if nothing is."""
    from cryptography import x509  # noqa: PLC0415 - dear to load
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - dear to load

    try:
        read = x509.load_pem_x509_certificate(certificate)
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        return f"or its key can't be read: {error}"
    if read.public_key() != private.public_key():
        return "doesn't belong to its key"
    now = datetime.fromtimestamp(Clock.wall() // SECOND_US, UTC)
    if now > read.not_valid_after_utc:
        return f"is expired since {read.not_valid_after_utc:%Y-%m-%d}"
    return "" if now >= read.not_valid_before_utc else f"isn't valid before {read.not_valid_before_utc:%Y-%m-%d}"


def is_trusted(certificate: bytes) -> bool:
    """Whether the certificate, as PEM, is among those that the system's TLS trusts."""
    wanted = ssl.PEM_cert_to_DER_cert(certificate.decode())
    context = ssl.create_default_context()
    if wanted in context.get_ca_certs(binary_form=True):
        return True
    # Those of a folder are loaded only when somebody shows one.
    folder = ssl.get_default_verify_paths().capath
    for path in Path(folder).iterdir() if folder and Path(folder).is_dir() else ():
        with contextlib.suppress(OSError, ValueError):
            if ssl.PEM_cert_to_DER_cert(path.read_text().strip()) == wanted:
                return True
    return False
