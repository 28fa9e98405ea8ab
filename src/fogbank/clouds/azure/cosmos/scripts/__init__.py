"""Scripts of containers: stored procedures, triggers and user-defined functions in JavaScript."""
