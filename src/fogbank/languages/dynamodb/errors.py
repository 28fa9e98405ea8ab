"""What is wrong with an expression, or goes wrong with it, in DynamoDB's words."""

from __future__ import annotations


class ExpressionError(Exception):
    """An expression that can't be. The text is the reason; whoever knows the parameter puts its name before it."""


class MisuseError(Exception):
    """A request whose parts don't fit each other or the item. The text is all of the message."""
