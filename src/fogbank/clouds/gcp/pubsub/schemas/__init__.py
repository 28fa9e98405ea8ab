"""Schemas of Pub/Sub's topics: Avro and protocol buffers, in revisions."""
