"""Google Cloud Tasks, over paced queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.gcp.tasks import queues, tasks
from fogbank.clouds.gcp.tasks.service import Tasks, word
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    parts.types.load("fogbank.clouds.gcp.tasks", "descriptors")
    deps = Tasks(parts.store, parts.clock, parts.ids, parts.types)
    methods = {
        "CreateQueue": queues.create_queue,
        "CreateTask": tasks.create_task,
        "DeleteQueue": queues.delete_queue,
        "DeleteTask": tasks.delete_task,
        "GetQueue": queues.get_queue,
        "GetTask": tasks.get_task,
        "ListQueues": queues.list_queues,
        "ListTasks": tasks.list_tasks,
        "PauseQueue": queues.pause_queue,
        "PurgeQueue": queues.purge_queue,
        "ResumeQueue": queues.resume_queue,
        "RunTask": tasks.run_task,
        "UpdateQueue": queues.update_queue,
    }
    return [Service("google.cloud.tasks.v2.CloudTasks", deps, methods, word)]
