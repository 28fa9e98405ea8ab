"""The steps that there are; each module registers what builds its own."""

from fogbank.languages.gremlin.steps import (  # noqa: F401 - imported for what they register
    branches,
    filters,
    gathering,
    grouping,
    maps,
    moves,
    sources,
    writes,
)
from fogbank.languages.gremlin.steps.sources import GRAPH

__all__ = ["GRAPH"]
