"""The server's whole state: kept under names, gone back to, compared, taken out and brought in."""
