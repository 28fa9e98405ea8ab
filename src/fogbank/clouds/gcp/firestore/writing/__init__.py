"""Changing documents."""
