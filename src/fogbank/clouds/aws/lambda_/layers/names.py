"""Names of layers: plain, or ARNs, with the number of a version or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fogbank.clouds.aws.api import scope_key
from fogbank.clouds.aws.arns import parse_arn
from fogbank.clouds.aws.lambda_.errors import invalid, unsupported

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.functions.layers import LayerVersion
    from fogbank.engines.functions.model import Name


class LayerName(NamedTuple):
    """The layer that a request names."""

    account: str
    region: str
    name: str

    @property
    def key(self) -> Name:
        """The engine's name of it."""
        return scope_key(self.account, self.region), self.name

    @property
    def arn(self) -> str:
        """Its ARN, without a version."""
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"


def read_layer(call: Call, text: str) -> LayerName:
    """Read a layer's name or ARN."""
    if ":" not in text:
        return LayerName(call.account, call.region, text)
    return read_version(f"{text}:0")[0]


def read_version(text: str) -> tuple[LayerName, int]:
    """Read the ARN of a layer's version."""
    arn = parse_arn(text)
    parts = [] if arn is None else arn.resource.split(":")
    if arn is not None and parts[0].startswith("awslayer"):
        raise unsupported(f"the layer {text}: AWS's own layers")
    if arn is None or len(parts) != 3 or parts[0] != "layer" or not parts[2].isdecimal():
        raise invalid(f"{text} is not the ARN of a layer version.")
    return LayerName(arn.account, arn.region, parts[1]), int(parts[2])


def name_of(version: LayerVersion) -> LayerName:
    """Return the name of the layer that a version is of."""
    _realm, account, region = version.scope.split("/")
    return LayerName(account, region, version.name)
