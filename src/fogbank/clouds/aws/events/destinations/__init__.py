"""API destinations of EventBridge, and the connections that authorize them."""
