"""Programs of the user's that are run when the server starts and ends."""
