"""Receiving: Pull, StreamingPull, and acknowledgements."""
