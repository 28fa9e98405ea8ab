"""Amazon DynamoDB's streams: what tables say of them, what they are called, what is in them."""
