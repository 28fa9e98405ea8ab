"""Fogbank's own admin API under /_fogbank/."""
