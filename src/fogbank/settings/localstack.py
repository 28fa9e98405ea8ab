"""The environment variables of LocalStack, for those who bring a configuration with them.

LocalStack, "Configuration" (https://docs.localstack.cloud/references/configuration): each may have the prefix
`LOCALSTACK_`, too. They count less than Fogbank's own variables. What can't be followed is said, once, unless it is
about Docker, plugins or licences, which aren't needed here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "LOCALSTACK_"
EVERYWHERE: Final = ("0.0.0.0", "::", "[::]")  # noqa: S104 - compared with, not listened on
HTTPS_PORT: Final = 443
STRATEGIES: Final = {"standard": "standard", "domain": "domain", "path": "path", "dynamic": "dynamic", "off": "dynamic"}
LEVELS: Final = {"trace": "debug", "debug": "debug", "info": "info", "warn": "warning", "warning": "warning",
                 "error": "error", "fatal": "critical"}  # fmt: skip
_TRUE: Final = frozenset({"1", "true"})
_LISTEN: Final = re.compile(r"(\[[0-9a-fA-F:]*\]|[\w.-]*):(\d{1,5})")


class VariableError(Exception):
    """A variable has a value that can't be."""


class Found(NamedTuple):
    """Settings by their names, and what is to be said of the variables."""

    values: dict[str, Any]
    notes: list[str]


def read_variables(environment: Mapping[str, str]) -> Found:
    """Return what LocalStack's variables set here; raises `VariableError`."""
    found = Found({}, [])
    for name, follow in _FOLLOWED.items():
        text = environment.get(name) or environment.get(PREFIX + name)
        if text:
            follow(found, name, text.strip())
    return found


def _listen(found: Found, name: str, text: str) -> None:
    """Take the first address, and of the others that of HTTPS; the port alone stands for every address."""
    addresses = []
    for each in text.split(","):
        match = _LISTEN.fullmatch(each.strip())
        if match is None:
            msg = f"{name} must be HOST:PORT[,HOST:PORT…], not {text}"
            raise VariableError(msg)
        addresses.append((match[1].strip("[]") or EVERYWHERE[0], int(match[2])))
    plain = [each for each in addresses if each[1] != HTTPS_PORT]
    secure = [each for each in addresses if each[1] == HTTPS_PORT]
    host, port = (plain or addresses)[0]
    found.values.update(host=host, port=port)
    if secure:
        found.values["tls_port"] = HTTPS_PORT
    for host_beside, port_beside in plain[1:]:
        found.notes.append(f"{name}: {host_beside}:{port_beside} isn't listened on, one address is")
    if host in EVERYWHERE:
        # Whoever says so wants others to reach it, as from another container.
        found.values["insecure"] = True


def _edge_port(found: Found, name: str, text: str) -> None:
    if not text.isdecimal():
        msg = f"{name} must be a number, not {text}"
        raise VariableError(msg)
    found.values.setdefault("port", int(text))


def _persistence(found: Found, _name: str, text: str) -> None:
    """What isn't to be kept stays in memory."""
    if text.lower() not in _TRUE:
        found.values["memory"] = True


def _debug(found: Found, _name: str, text: str) -> None:
    if text.lower() in _TRUE:
        found.values.setdefault("log", "debug")


def _level(found: Found, name: str, text: str) -> None:
    level = LEVELS.get(text.lower())
    if level is None:
        found.notes.append(f"{name}: there is no level {text}")
    else:
        found.values["log"] = level


def _strategy(found: Found, name: str, text: str) -> None:
    strategy = STRATEGIES.get(text.lower())
    if strategy is None:
        msg = f"{name} must be one of {', '.join(STRATEGIES)}, not {text}"
        raise VariableError(msg)
    found.values["queue_urls"] = strategy


def _services(found: Found, _name: str, text: str) -> None:
    """All services are there at any time; which of those that are wanted aren't is told when they are known."""
    found.values["services"] = text


def _cannot(why: str) -> Callable[[Found, str, str], None]:
    def note(found: Found, name: str, _text: str) -> None:
        found.notes.append(f"{name}: {why}")

    return note


_NO_CORS: Final = "AWS's services answer no scripts of web pages; function URLs have CORS of their own"

_FOLLOWED: Final[dict[str, Callable[[Found, str, str], None]]] = {
    "GATEWAY_LISTEN": _listen,
    "EDGE_PORT": _edge_port,
    "PERSISTENCE": _persistence,
    "DEBUG": _debug,
    "LS_LOG": _level,
    "SQS_ENDPOINT_STRATEGY": _strategy,
    "SERVICES": _services,
    "LAMBDA_KEEPALIVE_MS": _cannot("instances are let go after ten minutes without work"),
    "LAMBDA_LIMITS_CONCURRENT_EXECUTIONS": _cannot("the limit is 1,000, as in an account of AWS"),
    "LAMBDA_LIMITS_CODE_SIZE_ZIPPED": _cannot("the limits of code are those of AWS"),
    "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": _cannot("functions have ten seconds to begin, as in AWS"),
    "LAMBDA_RUNTIME_EXECUTOR": _cannot("functions run as processes"),
    "PROVIDER_OVERRIDE_LAMBDA": _cannot("there is one implementation"),
    "DYNAMODB_ERROR_PROBABILITY": _cannot("faults are added by fogbank faults"),
    "DYNAMODB_READ_ERROR_PROBABILITY": _cannot("faults are added by fogbank faults"),
    "DYNAMODB_WRITE_ERROR_PROBABILITY": _cannot("faults are added by fogbank faults"),
    "SQS_DISABLE_CLOUDWATCH_METRICS": _cannot("there are no metrics of queues"),
    "EXTRA_CORS_ALLOWED_ORIGINS": _cannot(_NO_CORS),
    "EXTRA_CORS_ALLOWED_HEADERS": _cannot(_NO_CORS),
    "EXTRA_CORS_EXPOSE_HEADERS": _cannot(_NO_CORS),
    "DISABLE_CORS_CHECKS": _cannot(_NO_CORS),
    "SMTP_HOST": _cannot("say --smtp HOST:PORT"),
}
VARIABLES: Final = tuple(_FOLLOWED)
