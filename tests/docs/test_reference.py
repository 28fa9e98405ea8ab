"""The reference agrees with the code that it was made from."""

from __future__ import annotations

import re

from tools.reference import REFERENCE, aws_page, cli_page, google_page

BOLD = re.compile(r"\*\*(\w+)\*\*")


def test_the_command_line_is_described_as_it_is() -> None:
    assert (REFERENCE / "cli.md").read_text() == cli_page(), "run `make reference`"


def test_operations_and_parameters_are_listed_as_they_are() -> None:
    def plain(page: str) -> str:
        return BOLD.sub(r"\1", page.replace(" (untested)", ""))

    written = (REFERENCE / "aws.md").read_text()
    # What tests have shown is known to `make reference` only.
    assert plain(written) == plain(aws_page({})), "run `make reference`"


def test_googles_methods_are_listed_as_they_are() -> None:
    assert (REFERENCE / "google.md").read_text() == google_page(), "run `make reference`"
