"""What runs inside instances: imports nothing of Fogbank but this package, and nothing that isn't needed there."""
