"""AWS Lambda's operations on versions of layers ("Managing Lambda dependencies with layers")."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.lambda_.configuration import check_zip, modified
from fogbank.clouds.aws.lambda_.finding import PAGE_MAX, read_marker
from fogbank.clouds.aws.lambda_.layers.names import LayerName, name_of, read_layer, read_version
from fogbank.clouds.aws.paging import write_token
from fogbank.engines.functions import layers
from fogbank.engines.functions.layers import LayerConfig

if TYPE_CHECKING:
    from fogbank.clouds.aws.lambda_.service import Lambda
    from fogbank.engines.functions.layers import LayerVersion
    from fogbank.engines.functions.model import Name

LICENSE: Final = "license"
_NUMBER_MAX: Final = (1 << 62) - 1


class Content(Input):
    """A layer's archive."""

    ZipFile: bytes | None = None


class PublishLayerVersion(Input):
    """Input of PublishLayerVersion."""

    LayerName: str
    Content: Content
    CompatibleArchitectures: list[str] | None = None
    CompatibleRuntimes: list[str] | None = None
    Description: str | None = None
    LicenseInfo: str | None = None


@operation(PublishLayerVersion)
async def publish_layer_version(lambda_: Lambda, call: Call, request: PublishLayerVersion) -> Reply:
    """Publish an archive as a layer's next version."""
    name = read_layer(call, request.LayerName)
    data = request.Content.ZipFile
    digest, unpacked_bytes = check_zip(data)
    assert data is not None
    config = LayerConfig(
        digest,
        len(data),
        unpacked_bytes,
        request.Description or "",
        tuple(request.CompatibleRuntimes or ()),
        tuple(request.CompatibleArchitectures or ()),
        {LICENSE: request.LicenseInfo} if request.LicenseInfo else {},
    )
    version = await lambda_.store.run(layers.publish, name.key, config, data)
    return _show_whole(call, version)


class GetLayerVersion(Input):
    """Input of GetLayerVersion."""

    LayerName: str
    VersionNumber: int


@operation(GetLayerVersion)
async def get_layer_version(lambda_: Lambda, call: Call, request: GetLayerVersion) -> Reply:
    """Return a version of a layer, with where it can be downloaded."""
    name = read_layer(call, request.LayerName)
    return _show_whole(call, await lambda_.store.read(layers.find, name.key, request.VersionNumber))


class GetLayerVersionByArn(Input):
    """Input of GetLayerVersionByArn."""

    Arn: str


@operation(GetLayerVersionByArn)
async def get_layer_version_by_arn(lambda_: Lambda, call: Call, request: GetLayerVersionByArn) -> Reply:
    """Return a version of a layer, with where it can be downloaded."""
    name, number = read_version(request.Arn)
    return _show_whole(call, await lambda_.store.read(layers.find, name.key, number))


class DeleteLayerVersion(Input):
    """Input of DeleteLayerVersion."""

    LayerName: str
    VersionNumber: int


@operation(DeleteLayerVersion)
async def delete_layer_version(lambda_: Lambda, call: Call, request: DeleteLayerVersion) -> Reply:
    """Delete a version of a layer; functions that have it go on with it."""
    await lambda_.store.run(layers.delete, read_layer(call, request.LayerName).key, request.VersionNumber)
    return None


class ListLayerVersions(Input):
    """Input of ListLayerVersions."""

    LayerName: str
    CompatibleArchitecture: str | None = None
    CompatibleRuntime: str | None = None
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListLayerVersions)
async def list_layer_versions(lambda_: Lambda, call: Call, request: ListLayerVersions) -> Reply:
    """List a layer's versions, the newest first."""
    name = read_layer(call, request.LayerName)
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    before = read_marker(request.Marker, int, _NUMBER_MAX)
    found = await _matching(lambda_, name.key, request, before, limit + 1)
    reply: dict[str, Any] = {"LayerVersions": [_show(version) for version in found[:limit]]}
    if len(found) > limit:
        reply["NextMarker"] = write_token(found[limit - 1].number)
    return reply


class ListLayers(Input):
    """Input of ListLayers."""

    CompatibleArchitecture: str | None = None
    CompatibleRuntime: str | None = None
    Marker: str | None = None
    MaxItems: int | None = None


@operation(ListLayers)
async def list_layers(lambda_: Lambda, call: Call, request: ListLayers) -> Reply:
    """List layers, each with its newest version."""
    limit = min(request.MaxItems or PAGE_MAX, PAGE_MAX)
    after = read_marker(request.Marker, str, "")
    shown: list[dict[str, Any]] = []
    while len(shown) <= limit:
        page = await lambda_.store.read(layers.list_layers, call.scope, after, PAGE_MAX)
        for name in page:
            for newest in await _matching(lambda_, (call.scope, name), request, _NUMBER_MAX, 1):
                arn = LayerName(call.account, call.region, name).arn
                shown.append({"LayerName": name, "LayerArn": arn, "LatestMatchingVersion": _show(newest)})
        if len(page) < PAGE_MAX:
            break
        after = page[-1]
    reply: dict[str, Any] = {"Layers": shown[:limit]}
    if len(shown) > limit:
        reply["NextMarker"] = write_token(shown[limit - 1]["LayerName"])
    return reply


async def _matching(
    lambda_: Lambda, name: Name, request: ListLayers | ListLayerVersions, before: int, count: int
) -> list[LayerVersion]:
    """Return so many of a layer's versions that are meant for a runtime and an architecture, the newest first."""
    runtime, architecture = request.CompatibleRuntime, request.CompatibleArchitecture
    found: list[LayerVersion] = []
    while len(found) < count:
        page = await lambda_.store.read(layers.list_versions, name, before, PAGE_MAX)
        found += [
            version
            for version in page
            if (runtime is None or runtime in version.config.runtimes)
            and (architecture is None or architecture in version.config.architectures)
        ]
        if len(page) < PAGE_MAX:
            break
        before = page[-1].number
    return found[:count]


def _show(version: LayerVersion) -> dict[str, Any]:
    config = version.config
    shown: dict[str, Any] = {
        "LayerVersionArn": f"{name_of(version).arn}:{version.number}",
        "Version": version.number,
        "Description": config.description,
        "CreatedDate": modified(version.created_us),
    }
    if config.runtimes:
        shown["CompatibleRuntimes"] = list(config.runtimes)
    if config.architectures:
        shown["CompatibleArchitectures"] = list(config.architectures)
    if LICENSE in config.labels:
        shown["LicenseInfo"] = config.labels[LICENSE]
    return shown


def _show_whole(call: Call, version: LayerVersion) -> dict[str, Any]:
    config = version.config
    content = {
        "Location": f"{call.origin}/_fogbank/code/{config.code.hex()}.zip",
        "CodeSha256": b64encode(config.code).decode(),
        "CodeSize": config.code_bytes,
    }
    return {"LayerArn": name_of(version).arn, "Content": content, **_show(version)}


OPERATIONS: Final = (
    delete_layer_version,
    get_layer_version,
    get_layer_version_by_arn,
    list_layer_versions,
    list_layers,
    publish_layer_version,
)
