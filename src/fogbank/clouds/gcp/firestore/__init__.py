"""Google Cloud Firestore, in Native mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fogbank.clouds.gcp.firestore import reading
from fogbank.clouds.gcp.firestore.admin.databases import admin_service
from fogbank.clouds.gcp.firestore.listening.listen import listen
from fogbank.clouds.gcp.firestore.listening.watching import Watches
from fogbank.clouds.gcp.firestore.querying import lists, queries
from fogbank.clouds.gcp.firestore.service import PACKAGE, Firestore, word
from fogbank.clouds.gcp.firestore.shape import firestore_types
from fogbank.clouds.gcp.firestore.writing import commits, streaming
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fogbank.clouds.gcp.parts import Parts

# What waits for nothing but the store.
_QUICK: Final = frozenset(
    {"GetDocument", "CreateDocument", "UpdateDocument", "DeleteDocument", "Commit", "Rollback", "BeginTransaction"}
    | {"BatchWrite", "ListDocuments", "ListCollectionIds", "PartitionQuery"}
)


def make_firestore(parts: Parts) -> Firestore:
    """Return what Firestore's methods stand on."""
    return Firestore(
        parts.store,
        parts.clock,
        parts.ids,
        firestore_types(),
        parts.transactions,
        Watches(parts.store, parts.clock),
        parts.checks_indexes,
        parts.firestore_rules,
    )


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    firestore = make_firestore(parts)
    methods = {
        "GetDocument": reading.get_document,
        "BatchGetDocuments": reading.batch_get_documents,
        "ListDocuments": lists.list_documents,
        "ListCollectionIds": lists.list_collection_ids,
        "CreateDocument": commits.create_document,
        "UpdateDocument": commits.update_document,
        "DeleteDocument": commits.delete_document,
        "Commit": commits.commit,
        "BatchWrite": commits.batch_write,
        "Write": streaming.write,
        "BeginTransaction": commits.begin_transaction,
        "Rollback": commits.rollback,
        "RunQuery": queries.run_query,
        "RunAggregationQuery": queries.run_aggregation_query,
        "PartitionQuery": queries.partition_query,
        "Listen": listen,
    }
    return [Service(f"{PACKAGE}.Firestore", firestore, methods, word, _QUICK, _owns), admin_service(parts)]


def _owns(_method: str, fields: Mapping[str, str]) -> bool:
    """Tell documents from collections, whose names have the same pattern: by the number of their segments."""
    name = fields.get("name") or fields.get("document.name") or fields.get("parent") or ""
    return name.count("/") % 2 == 0
