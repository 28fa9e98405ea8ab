"""Running Fogbank inside a test process."""
