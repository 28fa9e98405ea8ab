"""Benchmarks of Fogbank, or of anything else that answers at an endpoint: `python -m bench`."""
