"""What clients need to believe before they send anything: a Google service account, and whom to trust with TLS."""

from __future__ import annotations

import contextlib
import os
import re
import ssl
import tempfile
import warnings
from pathlib import Path
from typing import Final

import msgspec

from fogbank.clouds.gcp.access_tokens import DEFAULT_EMAIL, DEFAULT_PROJECT

KEY_BITS: Final = 2_048
_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
# Java's own trust stores have this password; what is in them is public.
STORE_PASSWORD: Final = "changeit"  # noqa: S105 - as above


def service_account(folder: Path) -> Path:
    """Return the file of a service account whose tokens Fogbank issues; its key is made once, for this user.

    (https://cloud.google.com/iam/docs/keys-create-delete describes the file.)
    """
    path = folder / "google-service-account.json"
    if not path.exists():
        _keep(path, msgspec.json.format(msgspec.json.encode(_service_account())))
    return path


def _service_account() -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - dear to load
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - dear to load
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(65_537, KEY_BITS)
    return {
        "type": "service_account",
        "project_id": DEFAULT_PROJECT,
        "private_key_id": f"{key.private_numbers().p % (1 << 160):040x}",
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "client_email": DEFAULT_EMAIL,
        "client_id": "100000000000000000000",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{DEFAULT_EMAIL}",
        "universe_domain": "googleapis.com",
    }


def bundle(authority: bytes, folder: Path) -> Path:
    """Write a file of all that this machine trusts, and the local authority; for clients that know one file only."""
    path = folder / "certificates.pem"
    known = next((file for file in _known_files() if file.is_file()), None)
    trusted = b"" if known is None else known.read_bytes().rstrip(b"\n") + b"\n"
    path.write_bytes(trusted + authority)
    return path


def java_trust_store(authority: bytes, folder: Path) -> Path:
    """Write the local authority as Java reads it, and what the machine trusts."""
    from cryptography import x509  # noqa: PLC0415 - dear to load
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption  # noqa: PLC0415 - dear to load
    from cryptography.hazmat.primitives.serialization.pkcs12 import (  # noqa: PLC0415 - dear to load
        PKCS12Certificate,
        serialize_java_truststore,
    )

    path = folder / "certificates.p12"
    certificates = [PKCS12Certificate(x509.load_pem_x509_certificate(authority), b"fogbank")]
    known = next((file for file in _known_files() if file.is_file()), None)
    for pem in () if known is None else _CERTIFICATE.findall(known.read_bytes()):
        # Some old authorities' certificates are not as they should be; they are left out, as nobody needs them here.
        with warnings.catch_warnings(action="error"), contextlib.suppress(ValueError, Warning):
            certificates.append(PKCS12Certificate(x509.load_pem_x509_certificate(pem), None))
    path.write_bytes(serialize_java_truststore(certificates, BestAvailableEncryption(STORE_PASSWORD.encode())))
    return path


def _known_files() -> list[Path]:
    """Return where the machine's trusted certificates may be, the best first."""
    paths = ssl.get_default_verify_paths()
    found = [os.environ.get("SSL_CERT_FILE"), paths.cafile, paths.openssl_cafile]
    places = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
    return [Path(each) for each in [*found, *places] if each]


def _keep(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all; somebody else may have been faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
