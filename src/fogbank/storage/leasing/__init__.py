"""The leased queue under every queue: turns, leases, lanes, what is retained, the work that the server has."""
