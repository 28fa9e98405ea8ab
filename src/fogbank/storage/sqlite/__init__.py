"""The store on SQLite, in one file or in memory."""
