"""Commands on a server's state: its time, its snapshots."""
