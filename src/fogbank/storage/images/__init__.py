"""Images: copies of everything that a store holds, each an SQLite database in one file, whatever the store's own is."""
