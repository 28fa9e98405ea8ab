"""Schedules: when the clock sends what; what is sent is for others to say."""
