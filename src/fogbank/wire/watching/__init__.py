"""Seeing requests as they are answered, and disturbing them on purpose; no cloud is known here."""
