"""Signing what the server sends: identity tokens and notifications, by keys that are made once and kept."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.engines.identity import signing_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.storage import Store

KEY_BITS: Final = 2048
CERTIFICATE_DAYS: Final = 3_650


class SigningKey:
    """An RSA key; `id` names it to those who check signatures."""

    def __init__(self, name: str, pem: bytes, created_us: int) -> None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 - dear to load

        self._name = name
        self._created = datetime.fromtimestamp(created_us / 1_000_000, UTC)
        self._key: Any = load_pem_private_key(pem, None)
        self.id = sha256(self.public_pem).hexdigest()[:40]

    @cached_property
    def public_pem(self) -> bytes:
        """The public key."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - dear to load

        pem: bytes = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    @cached_property
    def certificate(self) -> bytes:
        """A certificate of the public key, signed by itself, as PEM."""
        from cryptography import x509  # noqa: PLC0415 - dear to load
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - dear to load
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - dear to load

        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self._name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(int(self.id[:30], 16) or 1)
            .not_valid_before(self._created - timedelta(days=1))
            .not_valid_after(self._created + timedelta(days=CERTIFICATE_DAYS))
            .sign(self._key, SHA256())
        )
        return made.public_bytes(Encoding.PEM)

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.id,
            "n": _base64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": _base64(numbers.e.to_bytes(3, "big")),
        }

    def sign(self, data: bytes, digest: str = "sha256") -> bytes:
        """Return the signature of data (RSASSA-PKCS1-v1_5 with SHA-256 or, for older receivers, SHA-1)."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - dear to load
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256  # noqa: PLC0415 - dear to load

        chosen = SHA1() if digest == "sha1" else SHA256()  # noqa: S303 - what older receivers check
        signature: bytes = self._key.sign(data, PKCS1v15(), chosen)
        return signature

    def token(self, claims: Mapping[str, Any]) -> str:
        """Return a JSON Web Token (RFC 7519)."""
        header = {"alg": "RS256", "kid": self.id, "typ": "JWT"}
        text = f"{_base64(msgspec.json.encode(header))}.{_base64(msgspec.json.encode(claims))}"
        return f"{text}.{_base64(self.sign(text.encode()))}"


class Signer:
    """Finds keys by what for, and makes them when they are first needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._keys: dict[str, SigningKey] = {}
        self._generation = store.generation
        self._making = asyncio.Lock()

    async def key(self, name: str) -> SigningKey:
        """Return the key of a name."""
        found = self._keys.get(name)
        if found is not None and self._generation == self._store.generation:
            return found
        async with self._making:
            await self._look_again()
            if name not in self._keys:
                kept = await self._store.read(signing_keys.find, name)
                if kept is None:
                    pem = await asyncio.get_running_loop().run_in_executor(None, _make)
                    kept = await self._store.run(signing_keys.keep, name, pem)
                self._keys[name] = SigningKey(name, *kept)
        return self._keys[name]

    async def _look_again(self) -> None:
        """Take the keys of a state that has come in the place of another; those that it hasn't stay in use."""
        if self._generation != self._store.generation:
            self._generation = self._store.generation
            for name in list(self._keys):
                kept = await self._store.read(signing_keys.find, name)
                if kept is not None:
                    self._keys[name] = SigningKey(name, *kept)


def _make() -> bytes:
    """Make a key; takes a noticeable part of a second."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - dear to load
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - dear to load
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(65_537, KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
