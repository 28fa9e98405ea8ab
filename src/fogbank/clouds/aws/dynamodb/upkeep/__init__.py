"""What DynamoDB does about items besides writing them: they expire, and what they cost is told."""
