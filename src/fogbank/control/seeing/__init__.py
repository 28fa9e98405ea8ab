"""What the server has seen: requests, why they failed, and faults that were set."""
