"""Functions: what is deployed, what triggers it, and the invocations that wait to be run."""
