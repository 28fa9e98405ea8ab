"""What everything stands on: clock, ids, scope, errors, limits, tasks. No I/O, no cloud."""
