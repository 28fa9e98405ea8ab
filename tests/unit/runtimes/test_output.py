"""What instances print: lines and frames in their order, whatever comes, bounded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from fogbank.kernel.clock import Clock
from fogbank.runtimes import output as output_module
from fogbank.runtimes.output import OUTPUT_BYTES_MAX, Output

if TYPE_CHECKING:
    import pytest


def frame(text: str) -> bytes:
    data = text.encode()
    return b"\xa5\x5a\x00\x03" + len(data).to_bytes(4, "big") + (0).to_bytes(8, "big") + data


async def printed(*parts: bytes, close: bool = True) -> list[str]:
    """Return the lines that come out when the parts are written one after the other."""
    output = Output(Clock(frozen_at_us=1))
    lines = []
    for part in parts:
        os.write(output.writer, part)
        lines += output.take()
    if close:
        lines += output.close()
    return [line.text for line in lines]


async def test_lines_and_frames_keep_their_order() -> None:
    data = b"one\n" + frame("two\nwith a second line\n") + b"three\n" + frame("four") + b"five"
    assert await printed(data) == ["one", "two\nwith a second line", "three", "four", "five"]


async def test_a_frame_ends_the_line_before_it() -> None:
    assert await printed(b"no newline" + frame("framed") + b"after\n") == ["no newline", "framed", "after"]


async def test_parts_are_put_together_wherever_they_were_cut() -> None:
    data = b"one\n" + frame("two\nlines") + b"three\n"
    for cut in range(len(data)):
        assert await printed(data[:cut], data[cut:]) == ["one", "two\nlines", "three"]


async def test_bytes_that_are_no_text_are_replaced() -> None:
    assert await printed(b"\xff\xfe\n") == ["\ufffd\ufffd"]


async def test_what_only_looks_like_a_frame_is_a_line() -> None:
    lines = await printed(b"\xa5\x5a\x00\x03\xff\xff\xff\xffmore\n")
    assert len(lines) == 1
    assert lines[0].endswith("more")


async def test_very_long_lines_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "LINE_BYTES_MAX", 10)
    assert await printed(b"x" * 25) == ["x" * 10, "x" * 10, "x" * 5]


async def test_output_is_bounded_for_each_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "OUTPUT_BYTES_MAX", 20)
    lines = await printed(b"0123456789\n" * 4, b"again\n")
    assert lines[0] == "0123456789"
    assert "the rest was dropped" in lines[1]
    assert lines[2:] == ["again"]


async def test_nothing_is_lost_between_two_takes() -> None:
    output = Output(Clock(frozen_at_us=1))
    for number in range(60):
        os.write(output.writer, b"x" * 600 + b"%d\n" % number)
    assert len(output.take()) == 60
    assert output.take() == []
    output.close()


@given(st.lists(st.binary(max_size=60), max_size=6))
async def test_any_bytes_come_out_as_bounded_text(parts: list[bytes]) -> None:
    lines = await printed(*(part for part in parts if part))
    assert sum(len(line.encode()) for line in lines) <= 3 * sum(map(len, parts)) + OUTPUT_BYTES_MAX
    assert all(isinstance(line, str) for line in lines)
