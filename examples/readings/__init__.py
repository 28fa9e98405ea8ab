"""What devices measure: Amazon DynamoDB, whose stream sets off a function that keeps each device's latest reading."""
