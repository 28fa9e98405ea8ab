"""Tags of pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.pipes.errors import invalid
from fogbank.clouds.aws.pipes.service import PipesService, read_pipe_arn
from fogbank.clouds.aws.pipes.settings import read_kept
from fogbank.engines.messaging import pipes

if TYPE_CHECKING:
    from collections.abc import Callable

    from fogbank.engines.messaging.pipes import PipeConfig

TAGS_MAX: Final = 50


class TagResource(Input):
    """Input of TagResource."""

    resourceArn: str
    tags: dict[str, str]


@operation(TagResource)
async def tag_resource(service: PipesService, call: Call, request: TagResource) -> Reply:
    """Add tags to a pipe, or replace those of the same keys."""
    del call
    await _tag(service, request.resourceArn, lambda tags: {**tags, **request.tags})
    return {}


class UntagResource(Input):
    """Input of UntagResource."""

    resourceArn: str
    tagKeys: list[str]


@operation(UntagResource)
async def untag_resource(service: PipesService, call: Call, request: UntagResource) -> Reply:
    """Remove tags; keys that aren't there are passed over."""
    del call
    gone = frozenset(request.tagKeys)
    await _tag(
        service, request.resourceArn, lambda tags: {key: value for key, value in tags.items() if key not in gone}
    )
    return {}


class ListTagsForResource(Input):
    """Input of ListTagsForResource."""

    resourceArn: str


@operation(ListTagsForResource)
async def list_tags_for_resource(service: PipesService, call: Call, request: ListTagsForResource) -> Reply:
    """Return a pipe's tags."""
    del call
    pipe = await service.store.read(pipes.find, read_pipe_arn(request.resourceArn))
    return {"tags": read_kept(pipe.config.body).tags}


async def _tag(service: PipesService, text: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    def changed(config: PipeConfig) -> PipeConfig:
        kept = read_kept(config.body)
        tags = change(kept.tags)
        if len(tags) > TAGS_MAX:
            raise invalid(f"A pipe can have no more than {TAGS_MAX} tags.")
        return msgspec.structs.replace(config, body=msgspec.json.encode(msgspec.structs.replace(kept, tags=tags)))

    await service.store.run(pipes.update, read_pipe_arn(text), changed)


OPERATIONS: Final = (list_tags_for_resource, tag_resource, untag_resource)
