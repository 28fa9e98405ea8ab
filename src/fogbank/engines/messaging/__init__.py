"""Messaging: queues, topics, subscriptions; every policy that any cloud's queues and topics have."""
