"""Telemetry: logs in groups and streams; every policy that any cloud's logs have."""
