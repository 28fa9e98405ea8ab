"""Triggers and outputs of function apps that are storage queues."""
