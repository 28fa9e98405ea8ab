"""Copies of collections: of what they are now and were earlier, while writes go on."""
