"""Database changes go to a backup server: a function writes the change and its message, a server reads the queue."""
