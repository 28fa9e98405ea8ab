"""Amazon SNS operations on applications of platforms.

Amazon SNS API Reference, "CreatePlatformApplication", "SetPlatformApplicationAttributes"; Developer Guide, "Amazon SNS
mobile push API errors" (docs.aws.amazon.com/sns/latest/dg/mobile-push-api-error.html). Credentials are kept, shown to
nobody, and never tried: no platform is called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.aws.api import Call, Input, Reply, operation
from fogbank.clouds.aws.paging import page
from fogbank.clouds.aws.sns.errors import invalid, unsupported
from fogbank.clouds.aws.sns.push import events, records
from fogbank.clouds.aws.sns.push.records import APPLE, PLATFORMS, Application, Place, read_application_arn
from fogbank.clouds.aws.sns.topics import read_next_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.aws.sns.service import Sns
    from fogbank.storage import Tx

PAGE_MAX: Final = 100
_UNSUPPORTED_PLATFORMS: Final = ("BAIDU", "MPNS", "WNS")
_PRINCIPAL: Final = "PlatformPrincipal"
_CREDENTIAL: Final = "PlatformCredential"
_TEAM: Final = "ApplePlatformTeamID"
_BUNDLE: Final = "ApplePlatformBundleID"
_SAMPLE_RATE: Final = "SuccessFeedbackSampleRate"
_UNSUPPORTED: Final = ("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn")
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_PERCENT: Final = re.compile(r"\d{1,2}|100", re.ASCII)


class CreatePlatformApplication(Input):
    """Input of CreatePlatformApplication."""

    Name: str
    Platform: str
    Attributes: dict[str, str]


@operation(CreatePlatformApplication)
async def create_platform_application(sns: Sns, call: Call, request: CreatePlatformApplication) -> Reply:
    """Create an application; one with the same name and attributes is returned as it is."""
    if request.Platform in _UNSUPPORTED_PLATFORMS:
        raise unsupported(f"the platform {request.Platform}")
    if request.Platform not in PLATFORMS:
        raise invalid(f"Platform Reason: {request.Platform} is not a supported platform")
    if not _NAME.fullmatch(request.Name):
        raise invalid(
            "Name Reason: Application names must be made up of only uppercase and lowercase ASCII letters, numbers,"
            " underscores, hyphens, and periods, and must be between 1 and 256 characters long."
        )
    place = Place(call.scope, request.Platform, request.Name)
    await records.settle(sns.store, _create, place, request.Attributes, sns.ids.sequence())
    return {"PlatformApplicationArn": place.arn}


async def _create(tx: Tx, now_us: int, place: Place, attributes: Mapping[str, str], number: int) -> None:
    application = _apply(place, Application(), attributes)
    there = await records.find_application(tx, now_us, place)
    if there is not None:
        if _apply(place, there, attributes) != there:
            raise invalid("Attributes Reason: Platform application already exists with different attributes")
        return
    await events.check_topics(tx, now_us, attributes)
    await records.put_application(tx, now_us, place, application, number)


class GetPlatformApplicationAttributes(Input):
    """Input of GetPlatformApplicationAttributes."""

    PlatformApplicationArn: str


@operation(GetPlatformApplicationAttributes)
async def get_platform_application_attributes(sns: Sns, call: Call, request: GetPlatformApplicationAttributes) -> Reply:
    """Return the attributes of an application, without its credentials."""
    del call
    place = read_application_arn(request.PlatformApplicationArn)
    return {"Attributes": _show(place, await sns.store.read(records.get_application, place))}


class SetPlatformApplicationAttributes(Input):
    """Input of SetPlatformApplicationAttributes."""

    PlatformApplicationArn: str
    Attributes: dict[str, str]


@operation(SetPlatformApplicationAttributes)
async def set_platform_application_attributes(sns: Sns, call: Call, request: SetPlatformApplicationAttributes) -> Reply:
    """Set attributes of an application; others stay as they are."""
    del call
    await sns.store.run(_set, read_application_arn(request.PlatformApplicationArn), request.Attributes)
    return None


async def _set(tx: Tx, now_us: int, place: Place, attributes: Mapping[str, str]) -> None:
    before = await records.get_application(tx, now_us, place)
    await events.check_topics(tx, now_us, attributes)
    await records.put_application(tx, now_us, place, _apply(place, before, attributes))


class ListPlatformApplications(Input):
    """Input of ListPlatformApplications."""

    NextToken: str | None = None


@operation(ListPlatformApplications)
async def list_platform_applications(sns: Sns, call: Call, request: ListPlatformApplications) -> Reply:
    """List the applications of the caller's account and region, a hundred at a time."""
    after = read_next_token(request.NextToken)
    found = await sns.store.read(records.list_applications, call.scope, after, PAGE_MAX + 1)
    return page("PlatformApplications", found, PAGE_MAX, lambda each: each[0].key, _summary)


class DeletePlatformApplication(Input):
    """Input of DeletePlatformApplication."""

    PlatformApplicationArn: str


@operation(DeletePlatformApplication)
async def delete_platform_application(sns: Sns, call: Call, request: DeletePlatformApplication) -> Reply:
    """Delete an application with its endpoints; one that isn't there counts as deleted."""
    del call
    await sns.store.run(records.remove_application, read_application_arn(request.PlatformApplicationArn))
    return None


def _apply(place: Place, application: Application, attributes: Mapping[str, str]) -> Application:
    """Return an application with attributes set; an empty one is taken back."""
    apple = place.platform in APPLE
    for name, value in attributes.items():
        if name in _UNSUPPORTED:
            # Taking back what can't have been set changes nothing.
            if value:
                raise unsupported(f"the attribute {name}")
        elif name == _SAMPLE_RATE:
            if not _PERCENT.fullmatch(value):
                raise invalid(f"Attributes Reason: {name}: {value}")
        elif name not in (_PRINCIPAL, _CREDENTIAL, *events.ATTRIBUTES) and not (apple and name in (_TEAM, _BUNDLE)):
            raise invalid(f"Attributes Reason: Invalid attribute name: {name}")
    whole = {name: value for name, value in {**application.attributes, **attributes}.items() if value}
    for name in (_CREDENTIAL,) if place.platform == "GCM" else (_PRINCIPAL, _CREDENTIAL):
        if name not in whole:
            raise invalid(f"Attributes Reason: {name} is not provided")
    if (_TEAM in whole) != (_BUNDLE in whole):
        raise invalid(f"Attributes Reason: {_TEAM} and {_BUNDLE} must be provided together")
    return Application(whole)


def _show(place: Place, application: Application) -> dict[str, str]:
    attributes = application.attributes
    shown = {"Enabled": "true", **events.shown(application)}
    shown |= {name: attributes[name] for name in (_SAMPLE_RATE, _TEAM, _BUNDLE) if name in attributes}
    if place.platform in APPLE:
        shown["AuthenticationMethod"] = "token" if _TEAM in attributes else "certificate"
        expires = "" if _TEAM in attributes else _expiry(attributes[_PRINCIPAL])
        if expires:
            shown["AppleCertificateExpiryDate"] = expires
    elif place.platform == "GCM":
        shown["AuthenticationMethod"] = "token" if _is_object(attributes[_CREDENTIAL]) else "key"
    return shown


def _expiry(principal: str) -> str:
    """Return when a certificate expires, "" if it is none."""
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415 - dear to load

    try:
        certificate = load_pem_x509_certificate(principal.encode())
    except ValueError:
        return ""
    return certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except msgspec.DecodeError:
        return False


def _summary(found: tuple[Place, Application]) -> dict[str, Any]:
    return {"PlatformApplicationArn": found[0].arn, "Attributes": _show(*found)}


OPERATIONS: Final = (
    create_platform_application,
    delete_platform_application,
    get_platform_application_attributes,
    list_platform_applications,
    set_platform_application_attributes,
)
