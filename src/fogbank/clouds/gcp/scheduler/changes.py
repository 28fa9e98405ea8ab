"""Changes of jobs: google.cloud.scheduler.v1.CloudScheduler's methods that update, pause, resume and run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fogbank.clouds.gcp.masks import merge
from fogbank.clouds.gcp.scheduler.configuration import complete, configuration, recall, show
from fogbank.clouds.gcp.scheduler.couriers import send
from fogbank.clouds.gcp.scheduler.service import read_name
from fogbank.connectors.delivery.couriers import Drawn
from fogbank.engines.messaging import publishing
from fogbank.engines.schedules import schedules
from fogbank.wire.grpc.status import Code, GrpcError

if TYPE_CHECKING:
    from fogbank.clouds.gcp.scheduler.service import Scheduler
    from fogbank.engines.schedules.model import ScheduleConfig
    from fogbank.storage import Tx
    from fogbank.wire.grpc.service import Call

_MUTABLE: Final = (
    "description", "pubsub_target", "http_target", "app_engine_http_target", "schedule", "time_zone", "retry_config",
    "attempt_deadline",
)  # fmt: skip


async def update_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Change what the mask names, or everything without one."""
    del call
    name = read_name(request.job.name, "job.name")
    mask = request.update_mask
    if not mask.paths:
        mask.paths.extend(_MUTABLE)

    def change(config: ScheduleConfig, now_us: int) -> ScheduleConfig:
        job = recall(scheduler, config)
        merge(job, request.job, mask, _MUTABLE)
        complete(job)
        changed = configuration(job, now_us, enabled=config.enabled)
        before = config.when
        if (before.text, before.zone) == (changed.when.text, changed.when.zone):
            changed = msgspec.structs.replace(changed, when=before)
        return changed

    return await scheduler.store.run(_change, scheduler, name, change)


async def pause_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Let a job come round no more until it is resumed."""
    del call
    return await _switch(scheduler, request.name, enabled=False)


async def resume_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Let a paused job come round again."""
    del call
    return await _switch(scheduler, request.name, enabled=True)


async def _switch(scheduler: Scheduler, name: str, *, enabled: bool) -> Any:
    def change(config: ScheduleConfig, _now_us: int) -> ScheduleConfig:
        if config.enabled == enabled:
            wanted = "PAUSED" if enabled else "ENABLED"
            raise GrpcError(Code.FAILED_PRECONDITION, f"The job must be {wanted} for this operation.")
        return msgspec.structs.replace(config, enabled=enabled)

    return await scheduler.store.run(_change, scheduler, read_name(name), change)


async def _change(tx: Tx, now_us: int, scheduler: Scheduler, name: tuple[str, str], change: Any) -> Any:
    schedule = await schedules.update(tx, now_us, name, lambda config: change(config, now_us))
    return show(scheduler, schedule, await schedules.next_due(tx, now_us, schedule))


async def run_job(scheduler: Scheduler, call: Call, request: Any) -> Any:
    """Run a job now, whatever its schedule and state."""
    del call
    drawn = Drawn(scheduler.ids.uuid(), scheduler.ids.sequence(), scheduler.clock.now())

    async def run(tx: Tx, now_us: int) -> Any:
        schedule = await schedules.find(tx, now_us, read_name(request.name))
        await publishing.enqueue(tx, now_us, drawn.sequence, send(schedule, now_us, drawn))
        return show(scheduler, schedule, await schedules.next_due(tx, now_us, schedule))

    return await scheduler.store.run(run)
