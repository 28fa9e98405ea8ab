"""Cosmos DB bindings."""
