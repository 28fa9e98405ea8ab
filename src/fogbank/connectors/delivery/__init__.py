"""Delivering what topics, schedules and the like send to targets: by whose rules, and how."""
