"""The lines that Lambda itself writes into a function's log.

AWS Lambda Developer Guide, "Viewing CloudWatch logs for Lambda functions": INIT_START, START, END and REPORT, and
what it says of time-outs and of runtimes that end.
"""

from __future__ import annotations

import math
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fogbank.kernel.clock import SECOND_US
from fogbank.runtimes.model import Ended, Line

if TYPE_CHECKING:
    from fogbank.runtimes.model import Invocation, Launch, Outcome

_MIB: Final = 1_048_576


def report(launch: Launch, invocation: Invocation, outcome: Outcome, began_us: int, now_us: int) -> list[Line]:
    """Return the complete log of an invocation: what was printed, between Lambda's own lines."""
    number = invocation.id
    lines = [line for line in outcome.lines if line.at_us < began_us]
    lines.append(Line(began_us, f"START RequestId: {number} Version: {launch.version}"))
    lines += [line for line in outcome.lines if line.at_us >= began_us]
    note = describe_end(number, outcome)
    if outcome.ended is Ended.TIMEOUT:
        lines.append(Line(now_us, f"{iso(now_us)} {number} Task timed out after {outcome.seconds:.2f} seconds\n"))
    elif note and outcome.ended in (Ended.EXIT, Ended.MEMORY):
        lines.append(Line(now_us, f"{note}\nRuntime.ExitError"))
    lines.append(Line(now_us, f"END RequestId: {number}"))
    lines.append(Line(now_us, _report_line(launch, number, outcome)))
    return lines


def describe_end(number: str, outcome: Outcome) -> str:
    """Say how a runtime ended that answered nothing."""
    if outcome.ended is Ended.TIMEOUT:
        return f"RequestId: {number} Error: Task timed out after {outcome.seconds:.2f} seconds"
    status = outcome.status
    if status < 0:
        return f"RequestId: {number} Error: Runtime exited with error: signal: {_signal_name(-status)}"
    if status > 0:
        return f"RequestId: {number} Error: Runtime exited with error: exit status {status}"
    return f"RequestId: {number} Error: Runtime exited without providing a reason"


def billed_ms(outcome: Outcome) -> int:
    """Return what is billed: the duration, and since 2025 the initialisation, in whole milliseconds."""
    return max(1, math.ceil((outcome.seconds + (outcome.init_seconds or 0.0)) * 1_000))


def iso(now_us: int) -> str:
    """Write a time as Lambda's log does, to the millisecond."""
    moment = datetime.fromtimestamp(now_us / SECOND_US, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _report_line(launch: Launch, number: str, outcome: Outcome) -> str:
    used = min(launch.memory_mib, max(1, math.ceil(outcome.peak_bytes / _MIB)))
    text = (
        f"REPORT RequestId: {number}\tDuration: {outcome.seconds * 1_000:.2f} ms"
        f"\tBilled Duration: {billed_ms(outcome)} ms\tMemory Size: {launch.memory_mib} MB"
        f"\tMax Memory Used: {used} MB\t"
    )
    if outcome.init_seconds is not None:
        what = "Restore" if launch.snapshot else "Init"
        text += f"{what} Duration: {outcome.init_seconds * 1_000:.2f} ms\t"
    if outcome.ended is Ended.TIMEOUT:
        text += "Status: timeout"
    elif outcome.ended in (Ended.EXIT, Ended.MEMORY, Ended.INIT_ERROR):
        text += f"Status: error\tError Type: {outcome.error_type or 'Runtime.ExitError'}"
    return text


def _signal_name(number: int) -> str:
    """Return a signal's description as Go words it, which Lambda's own processes are written in."""
    words = {
        signal.SIGKILL: "killed",
        signal.SIGABRT: "aborted",
        signal.SIGSEGV: "segmentation fault",
        signal.SIGTERM: "terminated",
        signal.SIGBUS: "bus error",
        signal.SIGFPE: "floating point exception",
        signal.SIGILL: "illegal instruction",
        signal.SIGINT: "interrupt",
        signal.SIGPIPE: "broken pipe",
    }
    return words.get(signal.Signals(number), f"signal {number}")
