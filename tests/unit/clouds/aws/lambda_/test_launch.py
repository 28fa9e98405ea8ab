"""How a function is started under Lambda's contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fogbank.clouds.aws.lambda_.launch import launch
from fogbank.clouds.aws.sessions import Sessions
from fogbank.engines.functions.model import Function, FunctionConfig, Layer

if TYPE_CHECKING:
    from fogbank.kernel.clock import Clock
    from fogbank.kernel.ids import Ids
    from fogbank.storage import Store

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:f"


def test_a_launch_says_all_that_was_configured(store: Store, clock: Clock, ids: Ids) -> None:
    layers = (Layer("one", b"1", 1, 1), Layer("two", b"2", 1, 1))
    config = FunctionConfig(
        "lambda",
        "python3.12",
        "app.handler",
        b"",
        0,
        folder="/code",
        layers=layers,
        concurrency_max=7,
        labels={"disk_mib": "1024"},
    )
    function = Function("aws/123456789012/eu-west-1", "f", 11, 11, config, 0, 0, "3", 1, 2)
    made = launch(function, "http://127.0.0.1:4566", Sessions(store, clock, ids))
    assert (made.key, made.version, made.identity) == ((11, 11), "3", f"{ARN}:3")
    assert (made.folder, made.layers, made.ephemeral_mib) == ("/code", (b"1", b"2"), 1024)
    assert (made.instances_max, made.instances_min, made.queued) == (7, 2, False)
    latest = launch(function._replace(version="", owner=0), "http://127.0.0.1:4566", Sessions(store, clock, ids))
    assert (latest.version, latest.identity) == ("$LATEST", ARN)
