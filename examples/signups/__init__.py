"""Sign-ups: a message published to SNS reaches SQS, triggers a Lambda function, which writes to DynamoDB."""
