"""The layers that a function has: found, checked, shown.

AWS Lambda Developer Guide, "Lambda quotas": five layers, 250 MB of code and layers together when unpacked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.aws.lambda_.errors import invalid
from fogbank.clouds.aws.lambda_.layers.names import read_version
from fogbank.engines.functions import layers
from fogbank.engines.functions.errors import LayerNotFoundError
from fogbank.engines.functions.model import Layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fogbank.storage import Store

LAYERS_MAX: Final = 5


async def find_layers(store: Store, region: str, arns: Sequence[str]) -> tuple[Layer, ...]:
    """Return the layers that a function is to have, in their order."""
    if len(arns) > LAYERS_MAX:
        raise invalid(f"Cannot reference more than {LAYERS_MAX} layers.")
    seen: dict[str, str] = {}
    found: list[Layer] = []
    for arn in arns:
        name, number = read_version(arn)
        if name.region != region:
            raise invalid(
                f"Layers are not in the same region as the function. Layers are expected to be in region {region}."
            )
        if name.arn in seen:
            raise invalid(
                "Two different versions of the same layer are not allowed to be referenced in the same function."
                f" {seen[name.arn]} and {arn}"
            )
        seen[name.arn] = arn
        try:
            config = (await store.read(layers.find, name.key, number)).config
        except LayerNotFoundError:
            raise invalid(f"Layer version {arn} does not exist.") from None
        found.append(Layer(arn, config.code, config.code_bytes, config.unpacked_bytes))
    return tuple(found)
