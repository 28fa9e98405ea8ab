"""What clients sign with an account's key."""

from __future__ import annotations

import pytest

from fogbank.clouds.azure.storage.accounts import DEVELOPMENT_KEY
from fogbank.clouds.azure.storage.errors import StorageError
from fogbank.clouds.azure.storage.shared_key import check, sign, strings_to_sign
from fogbank.wire.http import Request

HEADERS = {
    b"content-length": b"5",
    b"content-type": b"application/xml",
    b"x-ms-version": b"2026-02-06",
    b"x-ms-date": b"Fri, 27 Nov 2026 00:00:00 GMT",
    b"x-ms-meta-a-z": b" 1 ",
    b"x-ms-meta-ab": b"2",
}


def request(target: bytes = b"/account/queue?comp=metadata&Timeout=5", **headers: bytes) -> Request:
    more = {name.replace("_", "-").encode(): value for name, value in headers.items()}
    return Request("PUT", target, {**HEADERS, **more})


def test_shared_key() -> None:
    first, second = strings_to_sign(request(), "account", lite=False)
    assert first == (
        "PUT\n\n\n5\n\napplication/xml\n\n\n\n\n\n\nx-ms-date:Fri, 27 Nov 2026 00:00:00 GMT\nx-ms-meta-a-z:1\n"
        "x-ms-meta-ab:2\nx-ms-version:2026-02-06\n/account/account/queue\ncomp:metadata\ntimeout:5"
    )
    # Azure itself reads over hyphens when it sorts.
    assert second == first.replace("x-ms-meta-a-z:1\nx-ms-meta-ab:2", "x-ms-meta-ab:2\nx-ms-meta-a-z:1")
    assert "\n\n\n\n\napplication/xml" in next(strings_to_sign(request(content_length=b"0"), "account", lite=False))


def test_shared_key_lite() -> None:
    text = next(strings_to_sign(request(date=b"D"), "account", lite=True))
    assert text.startswith("PUT\n\napplication/xml\nD\nx-ms-date:")
    assert text.endswith("/account/account/queue?comp=metadata")


def test_signatures() -> None:
    for lite, scheme in ((False, "SharedKey"), (True, "SharedKeyLite")):
        escaped = request(b"/account/a%20b")
        texts = list(strings_to_sign(escaped, "account", lite=lite))
        assert len(texts) == 4
        for text in texts:
            check(escaped, "account", ["YQ==", DEVELOPMENT_KEY], scheme, sign(DEVELOPMENT_KEY, text))
        with pytest.raises(StorageError) as error:
            check(escaped, "account", ["YQ=="], scheme, sign(DEVELOPMENT_KEY, texts[0]))
        assert texts[0] in error.value.details["AuthenticationErrorDetail"]
