"""What `fogbank.toml` says is to be there when the server has started."""

from __future__ import annotations


class SeedError(Exception):
    """The seed can't be read, or a cloud refuses what it declares; the text names the resource."""
