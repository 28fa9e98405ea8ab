"""Index definitions: which there are, and which a query would need."""
