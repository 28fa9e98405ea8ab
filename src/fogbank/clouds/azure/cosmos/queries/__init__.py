"""Reading many items: queries, feeds, changes."""
