"""Event subscriptions: what they are of, where they deliver, how they are made and shown."""
