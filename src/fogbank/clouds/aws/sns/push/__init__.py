"""Amazon SNS's mobile push: applications of platforms, endpoints on devices, and what they get, in the outbox."""
