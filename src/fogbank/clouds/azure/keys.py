"""Signatures by keys as Azure's accounts have them: HMAC-SHA256, key and signature in base64."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from functools import lru_cache


def sign(key: str, text: str) -> str:
    """Return the signature of a text."""
    keyed = _keyed(key).copy()
    keyed.update(text.encode())
    return b64encode(keyed.digest()).decode()


# Setting up an HMAC costs several times what a request's few hundred bytes do.
@lru_cache(maxsize=256)
def _keyed(key: str) -> hmac.HMAC:
    return hmac.new(b64decode(key), digestmod="sha256")
