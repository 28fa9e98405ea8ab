"""Commands that show what a server did and why, that have it fail on purpose, and that look at this machine."""
