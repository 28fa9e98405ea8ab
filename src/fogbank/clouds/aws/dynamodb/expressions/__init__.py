"""A request's expressions, and what requests may have in place of them from before there were any."""

from __future__ import annotations

from fogbank.clouds.aws.dynamodb.expressions.expressions import Expressions
from fogbank.clouds.aws.dynamodb.expressions.requests import expressions_of

__all__ = ["Expressions", "expressions_of"]
