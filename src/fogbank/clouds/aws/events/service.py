"""Amazon EventBridge: what its operations stand on, and the names of buses, rules and targets.

A bus is a topic `bus/NAME`, a rule a record, each of its targets a subscription of the bus.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.arns import Arn, parse_arn
from fogbank.clouds.aws.events.errors import invalid, no_such_bus, no_such_rule
from fogbank.clouds.aws.paging import InvalidTokenError, read_token
from fogbank.engines.messaging import records, topics
from fogbank.engines.messaging.errors import RecordNotFoundError, TopicNotFoundError
from fogbank.engines.messaging.topic_model import TopicConfig

if TYPE_CHECKING:
    from fogbank.clouds.aws.api import Call
    from fogbank.engines.messaging.model import Name
    from fogbank.engines.messaging.records import Record
    from fogbank.engines.messaging.topic_model import Topic
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store, Tx

DIALECT: Final = "events"
DEFAULT: Final = "default"
FOLDER: Final = "bus"
PAGE_MAX: Final = 100


class Events(NamedTuple):
    """The parts of the server that EventBridge uses."""

    store: Store
    clock: Clock
    ids: Ids


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule, as its record has it."""

    pattern: str = ""
    schedule: str = ""
    enabled: bool = True
    description: str = ""
    role: str = ""
    tags: dict[str, str] = {}
    account: str = ""


_RULE: Final = msgspec.json.Decoder(Rule)


def read_rule(record: Record) -> Rule:
    """Return the rule of a record."""
    return _RULE.decode(record.body)


def rule_kind(bus: str) -> str:
    """Return the kind of the records of a bus's rules."""
    return f"events/rule/{bus}"


def rule_prefix(bus: str, rule: str) -> str:
    """Return what the ids of the subscriptions of a rule's targets begin with."""
    return f"{FOLDER}/{bus}/{rule}/"


def schedule_name(rule: str) -> str:
    """Return the name of a rule's schedule; only rules of the default bus have one."""
    return f"rule/{rule}"


def bus_arn(name: Name) -> str:
    """Return the ARN of a bus by its name in the store."""
    _realm, account, region = name[0].split("/")
    return str(Arn("aws", "events", region, account, f"event-bus/{bus_name(name)}"))


def rule_arn(scope: str, bus: str, rule: str) -> str:
    """Return the ARN of a rule; those of the default bus don't name it."""
    _realm, account, region = scope.split("/")
    return str(Arn("aws", "events", region, account, f"rule/{rule}" if bus == DEFAULT else f"rule/{bus}/{rule}"))


def bus_name(name: Name) -> str:
    """Return the name of a bus as the API has it."""
    return name[1].removeprefix(f"{FOLDER}/")


def read_bus(call: Call, text: str | None, parameter: str = "EventBusName") -> Name:
    """Return the name in the store of a bus by its name or ARN; the default bus if there is none."""
    if not text:
        return call.scope, f"{FOLDER}/{DEFAULT}"
    if not text.startswith("arn:"):
        return call.scope, f"{FOLDER}/{text}"
    arn = parse_arn(text)
    if arn is None or arn.service != "events" or not arn.resource.startswith("event-bus/"):
        raise invalid(f"Parameter {text} is not valid. Reason: Provided Arn is not in correct format. {parameter}")
    return arn.scope, f"{FOLDER}/{arn.resource.removeprefix('event-bus/')}"


async def find_bus(tx: Tx, now_us: int, name: Name, number: int) -> Topic:
    """Return a bus; the default one is there when it is first asked for. A store operation."""
    try:
        return await topics.find(tx, now_us, name)
    except TopicNotFoundError:
        if bus_name(name) != DEFAULT:
            raise no_such_bus(bus_name(name)) from None
    topic, _new = await topics.create(tx, now_us, name, number, TopicConfig(dialect=DIALECT, dedup_window_seconds=0))
    return topic


async def find_rule(tx: Tx, now_us: int, bus: Topic, rule: str) -> Record:
    """Return a rule of a bus, or raise the error. A store operation."""
    name = bus_name((bus.scope, bus.name))
    try:
        return await records.find(tx, now_us, bus.scope, rule_kind(name), rule)
    except RecordNotFoundError:
        raise no_such_rule(rule, name) from None


def read_next(token: str | None) -> str:
    """Return where a list goes on."""
    if token is None:
        return ""
    try:
        return read_token(token, str)
    except InvalidTokenError:
        raise invalid("Parameter NextToken is not valid.") from None
