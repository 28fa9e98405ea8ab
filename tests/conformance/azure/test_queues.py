"""Queue Storage with Microsoft's own client."""

from __future__ import annotations

import itertools
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceExistsError
from azure.storage.queue import (
    AccessPolicy,
    AccountSasPermissions,
    QueueAnalyticsLogging,
    QueueClient,
    QueueSasPermissions,
    QueueServiceClient,
    ResourceTypes,
    generate_account_sas,
    generate_queue_sas,
)

from fogbank.clouds.azure.storage.accounts import DEVELOPMENT, DEVELOPMENT_KEY
from tests.conformance.azure.conftest import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fogbank.testing.server import ThreadedServer
    from tests.conformance.azure.conftest import Azure

_numbers = itertools.count(1)


def new_name() -> str:
    return f"q-{os.getpid()}-{next(_numbers)}"


def connection_string(server: ThreadedServer) -> str:
    return (
        f"DefaultEndpointsProtocol=http;AccountName={DEVELOPMENT};AccountKey={DEVELOPMENT_KEY};"
        f"QueueEndpoint={server.url}/{DEVELOPMENT};"
    )


def service_of(server: ThreadedServer) -> QueueServiceClient:
    return QueueServiceClient.from_connection_string(connection_string(server), retry_total=0)


@pytest.fixture
def service(server: ThreadedServer) -> Iterator[QueueServiceClient]:
    with service_of(server) as made:
        yield made


@pytest.fixture
def queue(service: QueueServiceClient) -> Iterator[QueueClient]:
    with service.create_queue(new_name()) as made:
        yield made


@pytest.fixture
def timed(timed_server: ThreadedServer) -> Iterator[QueueClient]:
    with service_of(timed_server) as service, service.create_queue(new_name()) as made:
        yield made


def code_of(error: pytest.ExceptionInfo[Any]) -> tuple[int, str]:
    return error.value.status_code, error.value.error_code


def test_the_life_of_a_message(queue: QueueClient) -> None:
    sent = queue.send_message("a <text> & an é\n")
    assert sent.id
    assert sent.pop_receipt
    assert sent.expires_on - sent.inserted_on == timedelta(days=7)
    assert [each.content for each in queue.peek_messages()] == ["a <text> & an é\n"]
    got = queue.receive_message()
    assert (got.id, got.content, got.dequeue_count) == (sent.id, "a <text> & an é\n", 1)
    assert queue.receive_message() is None
    assert queue.peek_messages() == []
    assert queue.get_queue_properties().approximate_message_count == 1
    queue.delete_message(got)
    assert queue.get_queue_properties().approximate_message_count == 0
    with pytest.raises(HttpResponseError) as error:
        queue.delete_message(got)
    assert code_of(error) == (404, "MessageNotFound")


def test_an_update_makes_a_new_receipt(queue: QueueClient) -> None:
    sent = queue.send_message("old")
    got = queue.receive_message()
    with pytest.raises(HttpResponseError) as error:
        queue.delete_message(sent.id, sent.pop_receipt)
    assert code_of(error) == (400, "PopReceiptMismatch")
    updated = queue.update_message(got, visibility_timeout=0, content="new")
    assert updated.pop_receipt != got.pop_receipt
    with pytest.raises(HttpResponseError) as error:
        queue.update_message(got, visibility_timeout=10)
    assert code_of(error) == (400, "PopReceiptMismatch")
    again = queue.receive_message()
    assert (again.content, again.dequeue_count) == ("new", 2)
    large = queue.update_message(again, content="x" * 65_536)
    assert queue.update_message(again.id, large.pop_receipt, visibility_timeout=0).id == again.id
    assert len(queue.receive_message().content) == 65_536


def test_the_receipt_of_a_message_just_put(queue: QueueClient) -> None:
    sent = queue.send_message("a")
    updated = queue.update_message(sent, content="b", visibility_timeout=0)
    assert queue.peek_messages()[0].content == "b"
    queue.delete_message(sent.id, updated.pop_receipt)
    assert queue.peek_messages() == []


def test_time(timed: QueueClient, timed_server: ThreadedServer) -> None:
    timed.send_message("late", visibility_timeout=60)
    timed.send_message("short", time_to_live=10)
    timed.send_message("ever", time_to_live=-1)
    assert timed.peek_messages(5)[-1].expires_on.year == 9999
    timed_server.advance(11)
    assert [each.content for each in timed.receive_messages(messages_per_page=32, visibility_timeout=100)] == ["ever"]
    timed_server.advance(49)
    late = timed.receive_message(visibility_timeout=5)
    assert late.content == "late"
    timed_server.advance(6)
    # A receipt counts until somebody else has the message.
    assert [each.content for each in timed.peek_messages(5)] == ["late"]
    timed.delete_message(late)
    timed_server.advance(46)
    assert [(each.content, each.dequeue_count) for each in timed.receive_messages()] == [("ever", 2)]
    timed_server.advance(3_600)
    assert timed.get_queue_properties().approximate_message_count == 1
    timed.clear_messages()
    assert timed.get_queue_properties().approximate_message_count == 0


def test_many(queue: QueueClient) -> None:
    for number in range(40):
        queue.send_message(str(number))
    got = [each.content for each in queue.receive_messages(messages_per_page=32)]
    assert got == [str(number) for number in range(40)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"messages_per_page": 33}, "OutOfRangeQueryParameterValue"),
        ({"visibility_timeout": 604_801}, "OutOfRangeQueryParameterValue"),
    ],
)
def test_parameters_out_of_range(queue: QueueClient, query: dict[str, Any], code: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        next(iter(queue.receive_messages(**query)), None)
    assert code_of(error) == (400, code)


def test_what_is_too_much(queue: QueueClient) -> None:
    with pytest.raises(HttpResponseError) as error:
        queue.send_message("x" * 65_537)
    assert code_of(error) == (413, "RequestBodyTooLarge")
    with pytest.raises(HttpResponseError) as error:
        queue.send_message("\x01")
    assert code_of(error) == (400, "InvalidXmlDocument")
    assert queue.peek_messages() == []


def test_queues(service: QueueServiceClient) -> None:
    prefix = new_name()
    names = [f"{prefix}-{number}" for number in range(5)]
    for name in names:
        service.create_queue(name, metadata={"of": name})
    with service.get_queue_client(names[0]) as queue, pytest.raises(ResourceExistsError) as error:
        queue.create_queue(metadata={"of": "somebody"})
    assert code_of(error) == (409, "QueueAlreadyExists")
    pages = list(service.list_queues(f"{prefix}-", include_metadata=True, results_per_page=2).by_page())
    listed = [[(each.name, each.metadata) for each in page] for page in pages]
    assert [len(page) for page in listed] == [2, 2, 1]
    assert list(itertools.chain(*listed)) == [(name, {"of": name}) for name in names]
    with service.get_queue_client(names[1]) as queue:
        queue.set_queue_metadata({"other": "1"})
        assert queue.get_queue_properties().metadata == {"other": "1"}
        queue.delete_queue()
        with pytest.raises(HttpResponseError) as error:
            queue.send_message("nobody")
    assert code_of(error) == (404, "QueueNotFound")
    assert [each.name for each in service.list_queues(f"{prefix}-")] == [names[0], *names[2:]]


@pytest.mark.parametrize(
    ("name", "code"),
    [("Upper", "InvalidResourceName"), ("a--b", "InvalidResourceName"), ("ab", "OutOfRangeInput")],
)
def test_names(service: QueueServiceClient, name: str, code: str) -> None:
    with pytest.raises(HttpResponseError) as error:
        service.create_queue(name)
    assert code_of(error) == (400, code)


def test_service_properties(service: QueueServiceClient) -> None:
    assert service.get_service_properties()["analytics_logging"].read is False
    service.set_service_properties(analytics_logging=QueueAnalyticsLogging(read=True))
    found = service.get_service_properties()
    assert found["analytics_logging"].read is True
    assert found["hour_metrics"].enabled is False
    service.set_service_properties(analytics_logging=QueueAnalyticsLogging())


def test_a_wrong_key(server: ThreadedServer) -> None:
    text = connection_string(server).replace("Eby8", "Abcd")
    with (
        QueueServiceClient.from_connection_string(text, retry_total=0) as service,
        pytest.raises(ClientAuthenticationError) as error,
    ):
        service.create_queue(new_name())
    assert code_of(error) == (403, "AuthenticationFailed")
    assert "Server used following string to sign: 'PUT" in str(error.value)


def soon(hours: float = 1) -> datetime:
    return datetime.now(UTC) + timedelta(hours=hours)


def test_a_signature_of_the_account(server: ThreadedServer, queue: QueueClient) -> None:
    def signed(resources: str, permission: str, hours: float = 1, **more: Any) -> QueueClient:
        token = generate_account_sas(
            DEVELOPMENT,
            DEVELOPMENT_KEY,
            ResourceTypes.from_string(resources),
            AccountSasPermissions.from_string(permission),
            soon(hours),
            **more,
        )
        return QueueClient(f"{server.url}/{DEVELOPMENT}", queue.queue_name, credential=token, retry_total=0)

    signed("o", "a").send_message("signed")
    assert signed("o", "p").receive_message().content == "signed"
    for client, code in (
        (signed("o", "p"), "AuthorizationPermissionMismatch"),
        (signed("c", "a"), "AuthorizationResourceTypeMismatch"),
        (signed("o", "a", hours=-1), "AuthenticationFailed"),
        (signed("o", "a", start=soon()), "AuthenticationFailed"),
        (signed("o", "a", protocol="https"), "AuthorizationProtocolMismatch"),
        (signed("o", "a", ip="10.0.0.1"), "AuthorizationSourceIPMismatch"),
    ):
        with pytest.raises(HttpResponseError) as error:
            client.send_message("refused")
        assert code_of(error) == (403, code)
    assert queue.peek_messages() == []


def test_a_signature_of_the_queue(server: ThreadedServer, queue: QueueClient) -> None:
    def client(token: str) -> QueueClient:
        return QueueClient(f"{server.url}/{DEVELOPMENT}", queue.queue_name, credential=token, retry_total=0)

    def signed(**settings: Any) -> QueueClient:
        return client(generate_queue_sas(DEVELOPMENT, queue.queue_name, DEVELOPMENT_KEY, **settings))

    signed(permission=QueueSasPermissions(add=True), expiry=soon()).send_message("mine")
    with pytest.raises(HttpResponseError) as error:
        signed(permission=QueueSasPermissions(add=True), expiry=soon()).receive_message()
    assert code_of(error) == (403, "AuthorizationPermissionMismatch")
    queue.set_queue_access_policy({"readers": AccessPolicy(QueueSasPermissions(process=True), soon(), soon(-1))})
    assert list(queue.get_queue_access_policy()) == ["readers"]
    assert signed(policy_id="readers").receive_message().content == "mine"
    queue.set_queue_access_policy({})
    with pytest.raises(ClientAuthenticationError) as error:
        signed(policy_id="readers").receive_message()
    assert code_of(error) == (403, "AuthenticationFailed")
    other = generate_queue_sas(
        DEVELOPMENT, "another", DEVELOPMENT_KEY, permission=QueueSasPermissions(add=True), expiry=soon()
    )
    with pytest.raises(ClientAuthenticationError):
        client(other).send_message("refused")


def test_an_account_of_ones_own(azure: Azure) -> None:
    path = f"/resourceGroups/{GROUP}/providers/Microsoft.Storage/storageAccounts"
    name = f"acc{os.getpid()}x{next(_numbers)}"
    body = {"location": "West Europe", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "tags": {"a": "b"}}
    made = azure.arm("PUT", f"{path}/{name}", body)
    assert (made.status, made.json()["properties"]["provisioningState"]) == (200, "Succeeded")
    assert azure.arm("PUT", f"{path}/{name}", {**body, "properties": {"isHnsEnabled": True}}).status == 400
    assert azure.arm("PUT", f"{path}/No", body).json()["error"]["code"] == "AccountNameInvalid"
    other = azure.arm("PUT", f"{path.replace(GROUP, 'other')}/{name}", body)
    assert other.json()["error"]["code"] == "StorageAccountAlreadyTaken"
    assert [each["name"] for each in azure.arm("GET", path).json()["value"]] == [name]
    assert azure.arm("GET", f"{path}/{name}").json()["tags"] == {"a": "b"}
    key = azure.arm("POST", f"{path}/{name}/listKeys").json()["keys"][1]["value"]
    endpoint = made.json()["properties"]["primaryEndpoints"]["queue"]
    with QueueServiceClient(endpoint, {"account_name": name, "account_key": key}, retry_total=0) as service:
        service.create_queue("mine").send_message("a")
        assert [each.name for each in service.list_queues()] == ["mine"]
        azure.arm("POST", f"{path}/{name}/regenerateKey", {"keyName": "key2"})
        with pytest.raises(ClientAuthenticationError):
            list(service.list_queues())
    assert azure.arm("DELETE", f"{path}/{name}").status == 200
    assert azure.arm("DELETE", f"{path}/{name}").status == 204
    assert azure.arm("GET", f"{path}/{name}").json()["error"]["code"] == "ResourceNotFound"


def test_requests_without_a_client(azure: Azure) -> None:
    refused = azure.control("GET", f"/{DEVELOPMENT}?comp=list")
    assert refused.status == 401
    assert b"<Code>NoAuthenticationInformation</Code>" in refused.body
    for method, target, code in (
        ("GET", "/no-account/q?comp=metadata", b"InvalidUri"),
        ("GET", f"/{DEVELOPMENT}/q/other", b"InvalidUri"),
        ("GET", f"/{DEVELOPMENT}/q?comp=lease", b"InvalidQueryParameterValue"),
        ("PATCH", f"/{DEVELOPMENT}/q", b"UnsupportedHttpVerb"),
        ("PUT", f"/{DEVELOPMENT}/q?restype=container", b"UnsupportedByFogbank"),
        ("OPTIONS", f"/{DEVELOPMENT}/q", b"UnsupportedByFogbank"),
        ("GET", "/nobodysaccount?comp=list", b"ResourceNotFound"),
    ):
        answer = azure.storage(method, target)
        assert b"<Code>%b</Code>" % code in answer.body
        assert answer.status in (400, 404, 405)


def test_how_far_the_copy_is_behind(azure: Azure) -> None:
    answer = azure.storage("GET", f"/{DEVELOPMENT}-secondary?restype=service&comp=stats")
    assert (answer.status, b"<Status>live</Status>" in answer.body) == (200, True)
    refused = azure.storage("GET", f"/{DEVELOPMENT}?restype=service&comp=stats")
    assert refused.headers["x-ms-error-code"] == "InvalidQueryParameterValue"
    refused = azure.storage("PUT", f"/{DEVELOPMENT}-secondary/some-queue")
    assert refused.headers["x-ms-error-code"] == "InsufficientAccountPermissions"
