"""Queues that the server works off in batches: how these are taken, and pipes, which hand them on."""
