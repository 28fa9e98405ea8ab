"""The outbox: mail, text messages and push notifications to people, kept to be looked at instead of being sent out."""
