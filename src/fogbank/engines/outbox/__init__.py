"""The outbox: mail and text messages to people, kept to be looked at instead of being sent out."""
