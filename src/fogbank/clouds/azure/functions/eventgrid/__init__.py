"""Triggers and outputs of function apps that are Event Grid's."""
