"""What is looked up, and done on purpose, for those who watch the server."""
