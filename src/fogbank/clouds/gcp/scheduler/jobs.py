"""Jobs: google.cloud.scheduler.v1.CloudScheduler's methods that make, show and delete them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fogbank.clouds.gcp.locations import scope_key
from fogbank.clouds.gcp.paging import read_page_size, read_page_token, write_page_token
from fogbank.clouds.gcp.refusals import invalid
from fogbank.clouds.gcp.scheduler.configuration import complete, configuration, show
from fogbank.clouds.gcp.scheduler.service import FOLDER, full_name, read_name, read_parent
from fogbank.engines.schedules import schedules

if TYPE_CHECKING:
    from fogbank.clouds.gcp.scheduler.service import Scheduler
    from fogbank.engines.schedules.model import Schedule, ScheduleConfig
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

PAGE_MAX: Final = 500


async def create_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Create a job; without a name it is given one."""
    del call
    scope = scope_key(*read_parent(request.parent))
    job = request.job
    if not job.name:
        job.name = full_name(scope, f"{FOLDER}{scheduler.ids.sequence()}")
    name = read_name(job.name, "job.name")
    if name[0] != scope:
        raise invalid("job.name", "The job's name must begin with the parent's.")
    complete(job)
    config = configuration(job, scheduler.clock.now())
    return await scheduler.store.run(_create, scheduler, name, scheduler.ids.sequence(), config)


async def _create(
    tx: Tx, now_us: int, scheduler: Scheduler, name: tuple[str, str], number: int, config: ScheduleConfig
) -> Any:
    schedule = await schedules.create(tx, now_us, name, number, config, now_us)
    return show(scheduler, schedule, await schedules.next_due(tx, now_us, schedule))


async def get_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Return a job."""
    del call
    return await scheduler.store.read(_show, scheduler, read_name(request.name))


async def _show(tx: Tx, now_us: int, scheduler: Scheduler, name: tuple[str, str]) -> Any:
    schedule = await schedules.find(tx, now_us, name)
    return show(scheduler, schedule, await schedules.next_due(tx, now_us, schedule))


async def list_jobs(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """List the jobs of a project in a region."""
    del call
    scope = scope_key(*read_parent(request.parent))
    limit = read_page_size(request.page_size, PAGE_MAX)
    after = read_page_token(request.page_token)

    async def find(tx: Tx, now_us: int) -> list[tuple[Schedule, int | None]]:
        found = await schedules.list_schedules(tx, now_us, scope, FOLDER, after, limit + 1)
        return [(each, await schedules.next_due(tx, now_us, each)) for each in found]

    found = await scheduler.store.read(find)
    response = scheduler.message("ListJobsResponse")()
    response.jobs.extend(show(scheduler, *each) for each in found[:limit])
    if len(found) > limit:
        response.next_page_token = write_page_token(found[limit - 1][0].name)
    return response


async def delete_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Delete a job."""
    del call
    await scheduler.store.run(schedules.delete, read_name(request.name))
    return scheduler.types.message("google.protobuf.Empty")()
