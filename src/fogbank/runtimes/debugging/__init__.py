"""Functions whose instances wait for a debugger."""

from fogbank.runtimes.debugging.debugged import (
    HOST,
    MEMORY_MIB,
    SECONDS,
    Debugged,
    Debugging,
    DebuggingError,
)

__all__ = ["HOST", "MEMORY_MIB", "SECONDS", "Debugged", "Debugging", "DebuggingError"]
