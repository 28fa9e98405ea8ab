"""Functions' source: archives that were uploaded to us, and local folders.

As with LocalStack's Lambda, a folder is an object of the bucket `hot-reload`, whose name is the folder's absolute
path: its files are run where they are.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from fogbank.clouds.gcp.functions.runtimes import language_of
from fogbank.clouds.gcp.locations import scope_key
from fogbank.clouds.gcp.refusals import invalid, unsupported
from fogbank.engines.functions import uploads
from fogbank.engines.functions.uploads import UploadNotFoundError
from fogbank.runtimes.code import InvalidArchiveError, check_archive
from fogbank.storage.blobs import digest_of
from fogbank.wire.grpc.status import Code, GrpcError
from fogbank.wire.http import BodyTooLargeError, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.gcp.parts import Parts
    from fogbank.wire.http import Request

HOT_RELOAD: Final = "hot-reload"
# Google Cloud, "Cloud Run functions quotas": 100 MB compressed.
ARCHIVE_BYTES_MAX: Final = 104_857_600
_BUCKET: Final = re.compile(r"gcf-v2-uploads-([^/\0]+)\.([a-z0-9-]+)\.cloudfunctions\.appspot\.com")
_PATH: Final = re.compile(r"/(gcf-v2-uploads-[^/\0]+)/([^/\0]+)")
MAIN: Final = "main.py"
SOURCE_VARIABLE: Final = "GOOGLE_FUNCTION_SOURCE"


class Source(NamedTuple):
    """A function's code: an archive's bytes, or a folder; `digest` is that of the bytes, or of the folder's name."""

    code: bytes
    digest: bytes
    folder: str = ""


class UploadPlace(NamedTuple):
    """Where an archive is to be put."""

    bucket: str
    name: str

    @property
    def path(self) -> str:
        """Its path on our port."""
        return f"/{self.bucket}/{self.name}"


async def offer_upload(parts: Parts, project: str, region: str) -> UploadPlace:
    """Make a place for an archive."""
    place = UploadPlace(f"gcf-v2-uploads-{project}.{region}.cloudfunctions.appspot.com", f"{parts.ids.uuid()}.zip")
    await parts.store.run(uploads.offer, scope_key(project, region), place.name)
    return place


def is_upload(raw_path: str) -> bool:
    """Tell whether a path is that of such a place."""
    return _PATH.fullmatch(raw_path) is not None


async def take_upload(parts: Parts, request: Request) -> Response:
    """Answer the upload itself, with errors in Cloud Storage's form."""
    match = _PATH.fullmatch(request.raw_path)
    bucket = None if match is None else _BUCKET.fullmatch(match[1])
    if match is None or bucket is None:
        return _storage_error(404, "NoSuchBucket", "The specified bucket does not exist.")
    if request.method != "PUT":
        return _storage_error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    try:
        data = await request.read(ARCHIVE_BYTES_MAX)
        await parts.store.run(uploads.put, scope_key(bucket[1], bucket[2]), match[2], data)
    except BodyTooLargeError:
        return _storage_error(400, "EntityTooLarge", f"Your proposed upload exceeds {ARCHIVE_BYTES_MAX} bytes.")
    except UploadNotFoundError:
        return _storage_error(403, "AccessDenied", "Access denied.")
    return Response(200, [(b"Content-Type", b"text/html; charset=UTF-8")])


def place_of(url: str) -> UploadPlace:
    """Return the place that an upload URL leads to; raises `GrpcError`."""
    match = _PATH.fullmatch(urlsplit(url).path)
    if match is None:
        raise invalid("source_upload_url", "source_upload_url is not one that GenerateUploadUrl returned.")
    return UploadPlace(match[1], match[2])


async def fetch(parts: Parts, bucket: str, name: str) -> Source:
    """Return the source that stands in a bucket under a name; raises `GrpcError`."""
    if bucket == HOT_RELOAD:
        return _folder(name)
    match = _BUCKET.fullmatch(bucket)
    if match is None or "\0" in name:
        raise unsupported(
            f"storage_source.bucket {bucket!r}: there is no Cloud Storage yet; upload to what GenerateUploadUrl"
            f" returns, or name a local folder as an object of the bucket {HOT_RELOAD!r}"
        )
    try:
        code = await parts.store.scan(uploads.fetch, scope_key(match[1], match[2]), name)
    except UploadNotFoundError:
        raise GrpcError(
            Code.INVALID_ARGUMENT, f"Function source not found: object {name!r} of bucket {bucket!r} does not exist."
        ) from None
    return Source(code, digest_of(code))


def check(source: Source, main: str) -> None:
    """Raise the error of a Python build that fails: the archive is none, or has no `main`."""
    if main.startswith("/") or ".." in main.split("/") or not main.isprintable():
        raise build_failed(f"GOOGLE_FUNCTION_SOURCE {main!r} is not a file in the source")
    try:
        if source.folder:
            there = (Path(source.folder) / main).is_file()
        else:
            check_archive(source.code)
            with zipfile.ZipFile(io.BytesIO(source.code)) as archive:
                there = main in archive.namelist()
    except InvalidArchiveError as error:
        raise build_failed(f"the source is no archive that can be unpacked: {error}") from None
    if not there:
        what = (
            "missing main.py and GOOGLE_FUNCTION_SOURCE not specified. Either create the function in main.py or specify"
            " GOOGLE_FUNCTION_SOURCE to point to the file that contains the function"
            if main == MAIN
            else f"GOOGLE_FUNCTION_SOURCE specified file '{main}' but it does not exist"
        )
        raise build_failed(what)


def main_of(runtime: str, variables: Mapping[str, str]) -> str:
    """Return the file that has the function, "" where Node.js is to find it by itself."""
    usual = "" if language_of(runtime) == "nodejs" else MAIN
    return variables.get(SOURCE_VARIABLE) or usual


def build_failed(why: str) -> GrpcError:
    """Return the error of a build."""
    return GrpcError(Code.INVALID_ARGUMENT, f"Build failed: {why}; Error ID: fogbank")


def _folder(path: str) -> Source:
    folder = Path(path if path.startswith("/") else f"/{path}")
    if "\0" in path or ".." in folder.parts or not folder.is_dir():
        raise invalid("storage_source.object", f"There is no folder {str(folder)!r} on this machine.")
    return Source(b"", digest_of(str(folder).encode()), str(folder))


def _storage_error(status: int, code: str, message: str) -> Response:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Response(status, [(b"Content-Type", b"application/xml; charset=UTF-8")], body.encode())
