"""Users of databases, and what they are permitted."""
