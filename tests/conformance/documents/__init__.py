"""Documents of every cloud beside one reference model."""
