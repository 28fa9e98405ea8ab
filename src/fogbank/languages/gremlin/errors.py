"""What is wrong with a traversal: its text, a step or argument that there isn't, what happened when it ran."""

from __future__ import annotations


class GremlinError(Exception):
    """A traversal can't be run, or not to its end; the message says why."""


class SyntaxFaultError(GremlinError):
    """The text isn't a traversal."""


class CompileError(GremlinError):
    """The text is one, with a step or with arguments that there aren't."""


class ExecutionError(GremlinError):
    """The traversal failed at what it found."""


class TooMuchError(GremlinError):
    """The traversal takes more work than one may."""
