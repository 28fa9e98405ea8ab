"""Azure Cosmos DB's query language for NoSQL, on plain JSON values.

A value is None, a bool, a number (int or float), text, a list, a dict, or `UNDEFINED`, which is what isn't there.
"""
