"""Amazon DynamoDB's backups: on demand, continuous, and what is restored from them."""
