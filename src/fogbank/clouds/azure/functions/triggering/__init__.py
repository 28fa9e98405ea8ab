"""What sets functions off: the engine's triggers of apps, their retry policies, what is known of an event."""
