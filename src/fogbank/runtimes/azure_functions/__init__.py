"""Azure Functions as a contract: apps in Python by the official library, spoken to over a channel."""
