"""Google Cloud Scheduler, over the schedules engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.gcp.scheduler import changes, jobs
from fogbank.clouds.gcp.scheduler.service import Scheduler, word
from fogbank.wire.grpc.service import Service

if TYPE_CHECKING:
    from fogbank.clouds.gcp.parts import Parts


def make_services(parts: Parts) -> list[Service]:
    """Return the services."""
    parts.types.load("fogbank.clouds.gcp.scheduler", "descriptors")
    scheduler = Scheduler(parts.store, parts.clock, parts.ids, parts.types)
    methods = {
        "CreateJob": jobs.create_job,
        "DeleteJob": jobs.delete_job,
        "GetJob": jobs.get_job,
        "ListJobs": jobs.list_jobs,
        "PauseJob": changes.pause_job,
        "ResumeJob": changes.resume_job,
        "RunJob": changes.run_job,
        "UpdateJob": changes.update_job,
    }
    return [Service("google.cloud.scheduler.v1.CloudScheduler", scheduler, methods, word)]
