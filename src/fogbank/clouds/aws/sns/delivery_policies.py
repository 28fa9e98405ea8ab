"""Delivery policies of HTTP subscriptions: how often and when a delivery is tried again.

Amazon SNS Developer Guide, "Creating an HTTP/S delivery policy".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from fogbank.clouds.aws.sns.errors import invalid, unsupported
from fogbank.engines.messaging.delivery_model import Retry

if TYPE_CHECKING:
    from fogbank.engines.messaging.topic_model import SubscriptionConfig, TopicConfig

RETRIES_MAX: Final = 100
DELAY_SECONDS_MAX: Final = 3_600
TOTAL_SECONDS_MAX: Final = 3_600
POLICY: Final = "DeliveryPolicy"
# Labels of a topic that its subscriptions have, too, and one that follows from both their policies.
SIGNATURE: Final = "SignatureVersion"
DISPLAY_NAME: Final = "DisplayName"
CONTENT_TYPE: Final = "ContentType"
_FROM_TOPIC: Final = (SIGNATURE, DISPLAY_NAME, CONTENT_TYPE)
PLAIN_TEXT: Final = "text/plain; charset=UTF-8"
CONTENT_TYPES: Final = frozenset({
    "application/json", "application/octet-stream", "application/soap+xml", "application/x-www-form-urlencoded",
    "application/xml", "application/x-www-form-urlencoded; charset=UTF-8", "application/json; charset=UTF-8",
    "text/css", "text/csv", "text/html", "text/plain", "text/xml", PLAIN_TEXT,
})  # fmt: skip
_DEFAULT: Final[dict[str, Any]] = {
    "minDelayTarget": 20,
    "maxDelayTarget": 20,
    "numRetries": 3,
    "numMaxDelayRetries": 0,
    "numNoDelayRetries": 0,
    "numMinDelayRetries": 0,
    "backoffFunction": "linear",
}
_FUNCTIONS: Final = ("linear", "arithmetic", "geometric", "exponential")


class Effective(NamedTuple):
    """A delivery policy that is complete: retries, the content type of requests, how many are sent in a second."""

    healthy: dict[str, Any]
    request: dict[str, Any]
    throttle: dict[str, Any] | None

    @property
    def retry(self) -> Retry:
        """The policy as deliveries have it."""
        delays = tuple(_delays(self.healthy))
        return Retry(delays, attempts_max=len(delays) + 1)

    @property
    def content_type(self) -> str:
        """The content type of notifications."""
        return str(self.request["headerContentType"])

    @property
    def per_second(self) -> float:
        """How many notifications are sent in a second at most; 0 for no limit."""
        return float((self.throttle or {}).get("maxReceivesPerSecond") or 0)


def effective(topic: str, subscription: str) -> Effective:
    """Return what follows from a topic's policy and that of one of its subscriptions; "" where there is none."""
    healthy, request, overridable = dict(_DEFAULT), {"headerContentType": PLAIN_TEXT}, True
    throttle: dict[str, Any] | None = None
    if topic:
        http = msgspec.json.decode(topic)["http"]
        healthy |= http.get("defaultHealthyRetryPolicy") or {}
        request |= http.get("defaultRequestPolicy") or {}
        throttle = http.get("defaultThrottlePolicy") or None
        overridable = not http.get("disableSubscriptionOverrides", False)
    if subscription and overridable:
        own = msgspec.json.decode(subscription)
        # A subscription's retry policy takes the place of the topic's as a whole.
        if own.get("healthyRetryPolicy"):
            healthy = {**_DEFAULT, **own["healthyRetryPolicy"]}
        request |= own.get("requestPolicy") or {}
        throttle = own.get("throttlePolicy") or throttle
    return Effective(healthy, request, throttle)


def inherited(config: SubscriptionConfig, topic: TopicConfig) -> SubscriptionConfig:
    """Return the configuration of a subscription with what follows for it from its topic's attributes.

    It is kept with the subscription, so that publishing needs to look nowhere else.
    """
    labels = {name: value for name, value in config.labels.items() if name not in _FROM_TOPIC}
    if topic.labels.get(SIGNATURE):
        labels[SIGNATURE] = topic.labels[SIGNATURE]
    if topic.labels.get(DISPLAY_NAME):
        labels[DISPLAY_NAME] = topic.labels[DISPLAY_NAME]
    retry, per_second = None, 0.0
    if labels["protocol"] in ("http", "https") and (POLICY in topic.labels or POLICY in labels):
        whole = effective(topic.labels.get(POLICY, ""), labels.get(POLICY, ""))
        retry, per_second = whole.retry, whole.per_second
        if whole.content_type != PLAIN_TEXT:
            labels[CONTENT_TYPE] = whole.content_type
    return msgspec.structs.replace(config, labels=labels, retry=retry, per_second=per_second)


def check_topic_policy(text: str) -> str:
    """Return the policy of a topic if it can be; "" for none."""
    if not text:
        return ""
    policy = _object(text)
    _known(policy, "http")
    http = policy.get("http")
    if not isinstance(http, dict):
        raise invalid("DeliveryPolicy: http must be a JSON object")
    names = ("defaultHealthyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy")
    _known(http, *names, "defaultSicklyRetryPolicy", "disableSubscriptionOverrides")
    if not isinstance(http.get("disableSubscriptionOverrides", False), bool):
        raise invalid("DeliveryPolicy: http.disableSubscriptionOverrides must be a boolean")
    if http.get("defaultSicklyRetryPolicy"):
        raise unsupported("DeliveryPolicy: http.defaultSicklyRetryPolicy")
    _check(*(http.get(name) for name in names))
    return text


def check_subscription_policy(text: str) -> str:
    """Return the policy of a subscription if it can be; "" for none."""
    if not text:
        return ""
    policy = _object(text)
    names = ("healthyRetryPolicy", "throttlePolicy", "requestPolicy")
    _known(policy, *names, "sicklyRetryPolicy", "guaranteed")
    if policy.get("sicklyRetryPolicy") or policy.get("guaranteed"):
        raise unsupported("DeliveryPolicy: sicklyRetryPolicy, guaranteed")
    _check(*(policy.get(name) for name in names))
    return text


def show_topic_policy(text: str) -> str:
    """Return the effective policy of a topic."""
    whole = effective(text, "")
    overrides = bool(text and msgspec.json.decode(text)["http"].get("disableSubscriptionOverrides", False))
    http = {"defaultHealthyRetryPolicy": whole.healthy, "disableSubscriptionOverrides": overrides}
    if whole.throttle is not None:
        http["defaultThrottlePolicy"] = whole.throttle
    http["defaultRequestPolicy"] = whole.request
    return msgspec.json.encode({"http": http}).decode()


def show_subscription_policy(whole: Effective) -> str:
    """Return the effective policy of a subscription."""
    shown = {
        "healthyRetryPolicy": whole.healthy,
        "sicklyRetryPolicy": None,
        "throttlePolicy": whole.throttle,
        "requestPolicy": whole.request,
        "guaranteed": False,
    }
    return msgspec.json.encode(shown).decode()


def _object(text: str) -> dict[str, Any]:
    try:
        policy = msgspec.json.decode(text)
    except msgspec.DecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid("DeliveryPolicy: failed to parse JSON.")
    return policy


def _known(policy: dict[str, Any], *names: str) -> None:
    for name in policy:
        if name not in names:
            raise invalid(f"DeliveryPolicy: Unknown attribute {name}")


def _check(healthy: Any, throttle: Any, request: Any) -> None:
    if throttle:
        if not isinstance(throttle, dict):
            raise invalid("DeliveryPolicy: the throttle policy must be a JSON object")
        _known(throttle, "maxReceivesPerSecond")
        limit = throttle.get("maxReceivesPerSecond", 1)
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise invalid("DeliveryPolicy: maxReceivesPerSecond must be an integer of at least 1")
    if request:
        if not isinstance(request, dict):
            raise invalid("DeliveryPolicy: the request policy must be a JSON object")
        _known(request, "headerContentType")
        if request.get("headerContentType") not in CONTENT_TYPES:
            raise invalid(f"DeliveryPolicy: Invalid headerContentType {request.get('headerContentType')}")
    if healthy:
        if not isinstance(healthy, dict):
            raise invalid("DeliveryPolicy: the retry policy must be a JSON object")
        _known(healthy, *_DEFAULT)
        _check_retries({**_DEFAULT, **healthy})


def _check_retries(policy: dict[str, Any]) -> None:
    for name, value in policy.items():
        if name == "backoffFunction":
            if value not in _FUNCTIONS:
                raise invalid(f"DeliveryPolicy: {name} must be one of {', '.join(_FUNCTIONS)}")
            continue
        low, high = (1, DELAY_SECONDS_MAX) if name.endswith("DelayTarget") else (0, RETRIES_MAX)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise invalid(f"DeliveryPolicy: {name} must be an integer from {low} to {high}")
    if policy["minDelayTarget"] > policy["maxDelayTarget"]:
        raise invalid("DeliveryPolicy: minDelayTarget must be less than or equal to maxDelayTarget")
    phases = sum(policy[f"num{phase}Retries"] for phase in ("NoDelay", "MinDelay", "MaxDelay"))
    if phases > policy["numRetries"]:
        raise invalid(
            "DeliveryPolicy: numRetries must be greater than or equal to"
            " total of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries"
        )
    if sum(_delays(policy)) > TOTAL_SECONDS_MAX:
        raise invalid(f"DeliveryPolicy: the retries take more than {TOTAL_SECONDS_MAX} seconds")


def _delays(policy: dict[str, Any]) -> list[float]:
    """Return the seconds before each retry, phase by phase: at once, at least, growing, at most."""
    low, high = policy["minDelayTarget"], policy["maxDelayTarget"]
    none, least, most = (policy[f"num{phase}Retries"] for phase in ("NoDelay", "MinDelay", "MaxDelay"))
    growing = policy["numRetries"] - none - least - most
    steps = [_step(policy["backoffFunction"], (place + 1) / growing) for place in range(growing)]
    return [0.0] * none + [low] * least + [round(low + (high - low) * step, 3) for step in steps] + [high] * most


def _step(function: str, part: float) -> float:
    """Return how far a delay has grown after a part of the retries, from 0 to 1; the steeper, the later it grows."""
    if function == "arithmetic":
        return float(part * (part + 1) / 2)
    if function == "geometric":
        return float(part**3)
    if function == "exponential":
        return float((2 ** (6 * part) - 1) / 63)
    return part
