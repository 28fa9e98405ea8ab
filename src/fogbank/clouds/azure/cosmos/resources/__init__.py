"""Accounts, databases, containers, and what is offered for them."""
