"""Amazon CloudWatch Logs operations on log streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.logs.errors import invalid, invalid_token, stream_exists
from fogbank.clouds.aws.logs.groups import PAGE_MAX
from fogbank.clouds.aws.logs.names import group_of, stream_arn
from fogbank.clouds.aws.paging import InvalidTokenError, read_token, write_token
from fogbank.engines.telemetry import streams
from fogbank.kernel.clock import MILLISECOND_US

if TYPE_CHECKING:
    from fogbank.clouds.aws.logs.service import Logs
    from fogbank.engines.telemetry.model import LogStream, Name


class CreateLogStream(Input):
    """Input of CreateLogStream."""

    logGroupName: str
    logStreamName: str


@operation(CreateLogStream)
async def create_log_stream(logs: Logs, call: Call, request: CreateLogStream) -> Reply:
    """Create a log stream in a log group."""
    group = (call.scope, request.logGroupName)
    if not await logs.store.run(streams.create, group, request.logStreamName, logs.ids.sequence()):
        raise stream_exists()
    return None


class DeleteLogStream(Input):
    """Input of DeleteLogStream."""

    logGroupName: str
    logStreamName: str


@operation(DeleteLogStream)
async def delete_log_stream(logs: Logs, call: Call, request: DeleteLogStream) -> Reply:
    """Delete a log stream with all that is in it."""
    await logs.store.run(streams.delete, (call.scope, request.logGroupName), request.logStreamName)
    return None


class DescribeLogStreams(Input):
    """Input of DescribeLogStreams."""

    logGroupName: str | None = None
    logGroupIdentifier: str | None = None
    logStreamNamePrefix: str | None = None
    orderBy: str = "LogStreamName"
    descending: bool = False
    nextToken: str | None = None
    limit: int = PAGE_MAX


@operation(DescribeLogStreams)
async def describe_log_streams(logs: Logs, call: Call, request: DescribeLogStreams) -> Reply:
    """List the streams of a log group, by name or by their latest events."""
    group = group_of(call, request.logGroupName, request.logGroupIdentifier)
    by_time = request.orderBy == "LastEventTime"
    if by_time and request.logStreamNamePrefix is not None:
        msg = "Cannot order by LastEventTime with a logStreamNamePrefix."
        raise invalid(msg)
    after = _after(request.nextToken)
    wanted = request.limit + 1
    if by_time:
        found = await logs.store.scan(streams.list_by_time, group, after, wanted, descending=request.descending)
    else:
        prefix = request.logStreamNamePrefix or ""
        name = None if after is None else after[1]
        found = await logs.store.read(streams.list_by_name, group, prefix, name, wanted, descending=request.descending)
    page = found[: request.limit]
    reply: dict[str, Any] = {"logStreams": [_show(group, stream) for stream in page]}
    if len(found) > request.limit:
        reply["nextToken"] = write_token((page[-1].last_us, page[-1].name))
    return reply


def _after(token: str | None) -> tuple[int, str] | None:
    if token is None:
        return None
    try:
        return read_token(token, tuple[int, str])
    except InvalidTokenError:
        raise invalid_token() from None


def _show(group: Name, stream: LogStream) -> dict[str, Any]:
    """Show a stream; its storedBytes has been zero since 2019, as documented."""
    shown: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created_us // MILLISECOND_US,
        "arn": stream_arn(*group, stream.name),
        "storedBytes": 0,
    }
    if stream.last_us:
        shown["lastEventTimestamp"] = stream.last_us // MILLISECOND_US
        shown["lastIngestionTime"] = stream.ingested_us // MILLISECOND_US
    if stream.first_us:
        shown["firstEventTimestamp"] = stream.first_us // MILLISECOND_US
    return shown


OPERATIONS: Final = (create_log_stream, delete_log_stream, describe_log_streams)
