"""Azure Queue Storage over the messaging engine."""
